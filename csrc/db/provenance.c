#include "db/provenance.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/gpkg.h"

/* The steps of "find the row with this key, or add it": the texts differ, the order does not. */
struct kind_of_row {
    const char *table, *find, *insert;
};

static enum e5_status find(struct e5_database *db, const struct kind_of_row *kind, const struct e5_key *key,
                           int64_t *out_id, struct e5_error *err) {
    struct e5_row row;
    *out_id = 0;
    enum e5_status status = e5_sql_prepare(db, kind->find, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(&row, key->hex);
    status = e5_row_look_up(db, &row, out_id, err);
    e5_sql_finish(&row);
    return status;
}

/* Begin an insert: the key and the time come first in all three tables. */
static enum e5_status begin(struct e5_database *db, const struct kind_of_row *kind, const struct e5_key *key,
                            const char *now, struct e5_row *row, struct e5_error *err) {
    enum e5_status status = e5_sql_prepare(db, kind->insert, row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, key->hex);
    e5_row_text(row, now);
    return E5_OK;
}

static enum e5_status end(struct e5_database *db, const struct kind_of_row *kind, struct e5_row *row, int64_t *out_id,
                          struct e5_error *err) {
    enum e5_status status = e5_row_run(db, row, err);
    e5_sql_finish(row);
    *out_id = sqlite3_last_insert_rowid(db->handle);
    return status == E5_OK ? e5_gpkg_touch(db, kind->table, NULL, err) : status;
}

static enum e5_status put_diagnostic(struct e5_database *db, const struct e5_store_batch *batch, const char *now,
                                     struct e5_provenance *out, struct e5_error *err) {
    static const struct kind_of_row kind = {"diagnostic", "SELECT id FROM diagnostic WHERE diagnostic_key = ?",
                                            "INSERT INTO diagnostic (diagnostic_key, added_at, kind, variable, "
                                            "units, definition) VALUES (?, ?, ?, ?, ?, ?)"};
    struct e5_row row;
    enum e5_status status = e5_diagnostic_key(batch, &out->diagnostic_key, err);
    if (status == E5_OK) status = find(db, &kind, &out->diagnostic_key, &out->diagnostic, err);
    if (status != E5_OK || out->diagnostic != 0) return status;
    status = begin(db, &kind, &out->diagnostic_key, now, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(&row, batch->kind);
    e5_row_text(&row, batch->variable);
    e5_row_text(&row, batch->units);
    e5_row_text(&row, batch->definition);
    return end(db, &kind, &row, &out->diagnostic, err);
}

static const char *text_or_null(const char *text) { return text[0] != '\0' ? text : NULL; }

static enum e5_status put_dataset(struct e5_database *db, const struct e5_store_source *source, const char *now,
                                  struct e5_key *key, int64_t *out_id, struct e5_error *err) {
    static const struct kind_of_row kind = {
        "dataset", "SELECT id FROM dataset WHERE dataset_key = ?",
        "INSERT INTO dataset (dataset_key, added_at, path, size_bytes, checksum, request)"
        " VALUES (?, ?, ?, nullif(?, -1), ?, ?)"};
    struct e5_row row;
    char *path;
    enum e5_status status = e5_dataset_key(source, key, err);
    if (status == E5_OK) status = find(db, &kind, key, out_id, err);
    if (status != E5_OK || *out_id != 0) return status;
    status = e5_strdup(source->path, &path, err);
    if (status != E5_OK) return status;
    e5_text_clean(path); /* file names need not be UTF-8, text in the database must be */
    status = begin(db, &kind, key, now, &row, err);
    if (status == E5_OK) {
        e5_row_text(&row, path);
        e5_row_integer(&row, source->size);
        e5_row_text(&row, text_or_null(source->checksum));
        e5_row_text(&row, text_or_null(source->request));
        status = end(db, &kind, &row, out_id, err);
    }
    free(path);
    return status;
}

static enum e5_status link_datasets(struct e5_database *db, int64_t run, const int64_t *datasets, size_t n,
                                    struct e5_error *err) {
    struct e5_row row;
    enum e5_status status =
        e5_sql_prepare(db, "INSERT OR IGNORE INTO run_dataset (run_id, dataset_id) VALUES (?, ?)", &row, err);
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        e5_row_integer(&row, run);
        e5_row_integer(&row, datasets[i]);
        status = e5_row_run(db, &row, err);
    }
    e5_sql_finish(&row);
    return status == E5_OK && n > 0 ? e5_gpkg_touch(db, "run_dataset", NULL, err) : status;
}

/* The run with its links; when it is known, so are they. */
static enum e5_status put_run(struct e5_database *db, const struct e5_store_batch *batch, int64_t events,
                              const struct e5_key *keys, const int64_t *datasets, const char *now,
                              struct e5_provenance *out, struct e5_error *err) {
    static const struct kind_of_row kind = {
        "run", "SELECT id FROM run WHERE run_key = ?",
        "INSERT INTO run (run_key, added_at, diagnostic_id, program, events) VALUES (?, ?, ?, ?, ?)"};
    struct e5_row row;
    struct e5_key key;
    enum e5_status status = e5_run_key(&out->diagnostic_key, batch->program, keys, batch->nsources, &key, err);
    if (status == E5_OK) status = find(db, &kind, &key, &out->run, err);
    if (status != E5_OK || out->run != 0) return status;
    status = begin(db, &kind, &key, now, &row, err);
    if (status != E5_OK) return status;
    e5_row_integer(&row, out->diagnostic);
    e5_row_text(&row, batch->program);
    e5_row_integer(&row, events);
    status = end(db, &kind, &row, &out->run, err);
    return status == E5_OK ? link_datasets(db, out->run, datasets, batch->nsources, err) : status;
}

enum e5_status e5_provenance_write(struct e5_database *db, const struct e5_store_batch *batch, int64_t events,
                                   struct e5_provenance *out, struct e5_error *err) {
    char now[E5_CLOCK_STAMP_SIZE];
    struct e5_key *keys = NULL;
    int64_t *datasets = NULL;
    e5_clock_stamp(e5_clock_wall(), now);
    enum e5_status status = put_diagnostic(db, batch, now, out, err);
    if (status == E5_OK) status = e5_alloc(batch->nsources, sizeof *keys, &keys, err);
    if (status == E5_OK) status = e5_alloc(batch->nsources, sizeof *datasets, &datasets, err);
    for (size_t i = 0; i < batch->nsources && status == E5_OK; i++)
        status = put_dataset(db, &batch->sources[i], now, &keys[i], &datasets[i], err);
    if (status == E5_OK) status = put_run(db, batch, events, keys, datasets, now, out, err);
    free(keys);
    free(datasets);
    return status;
}
