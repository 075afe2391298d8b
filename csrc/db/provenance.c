#include "db/provenance.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/gpkg.h"
#include "db/moment.h"

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

/* Begin an insert: the key and the time come first in all of these tables. */
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

static const char *text_or_null(const char *text) { return text[0] != '\0' ? text : NULL; }

static enum e5_status put_diagnostic(struct e5_database *db, const struct e5_store_batch *batch, const char *now,
                                     struct e5_provenance *out, struct e5_error *err) {
    static const struct kind_of_row kind = {"diagnostic", "SELECT id FROM diagnostic WHERE diagnostic_key = ?",
                                            "INSERT INTO diagnostic (diagnostic_key, added_at, kind, variable, "
                                            "units, definition) VALUES (?, ?, ?, ?, ?, ?)"};
    struct e5_row row;
    enum e5_status status = find(db, &kind, &out->diagnostic_key, &out->diagnostic, err);
    if (status != E5_OK || out->diagnostic != 0) return status;
    status = begin(db, &kind, &out->diagnostic_key, now, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(&row, batch->kind);
    e5_row_text(&row, batch->variable);
    e5_row_text(&row, batch->units);
    e5_row_text(&row, batch->definition);
    return end(db, &kind, &row, &out->diagnostic, err);
}

/* --- files --- */

static enum e5_status put_download(struct e5_database *db, const struct e5_store_download *download, const char *now,
                                   int64_t *out_id, struct e5_error *err) {
    static const struct kind_of_row kind = {
        "download", "SELECT id FROM download WHERE download_key = ?",
        "INSERT INTO download (download_key, added_at, service, job_id, collection, request, size_bytes, checksum,"
        " checksum_kind, verified, finished_at) VALUES (?, ?, ?, ?, ?, ?, nullif(?, -1), ?, ?, ?, ?)"};
    struct e5_row row;
    struct e5_key key;
    char finished[E5_CLOCK_STAMP_SIZE] = "";
    if (isfinite(download->finished)) e5_clock_stamp(download->finished, finished);
    enum e5_status status = e5_download_key(download, &key, err);
    if (status == E5_OK) status = find(db, &kind, &key, out_id, err);
    if (status != E5_OK || *out_id != 0) return status;
    status = begin(db, &kind, &key, now, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(&row, text_or_null(download->service));
    e5_row_text(&row, text_or_null(download->job));
    e5_row_text(&row, text_or_null(download->collection));
    e5_row_text(&row, text_or_null(download->request));
    e5_row_integer(&row, download->size);
    e5_row_text(&row, text_or_null(download->checksum));
    e5_row_text(&row, text_or_null(download->checksum_kind));
    e5_row_integer(&row, download->verified);
    e5_row_text(&row, text_or_null(finished));
    return end(db, &kind, &row, out_id, err);
}

static enum e5_status insert_dataset(struct e5_database *db, const struct e5_store_source *source, const char *now,
                                     const struct e5_key *key, int64_t *out_id, struct e5_error *err) {
    static const struct kind_of_row kind = {
        "dataset", NULL,
        "INSERT INTO dataset (dataset_key, added_at, path, size_bytes, checksum, request)"
        " VALUES (?, ?, ?, nullif(?, -1), ?, ?)"};
    struct e5_row row;
    char *path;
    enum e5_status status = e5_strdup(source->path, &path, err);
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

/* A file whose download was not known before gets it now; the first one stays. */
static enum e5_status link_download(struct e5_database *db, int64_t dataset, int64_t download, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status =
        e5_sql_prepare(db, "UPDATE dataset SET download_id = ?2 WHERE id = ?1 AND download_id IS NULL", &row, err);
    if (status != E5_OK) return status;
    e5_row_integer(&row, dataset);
    e5_row_integer(&row, download);
    status = e5_row_run(db, &row, err);
    bool changed = status == E5_OK && sqlite3_changes(db->handle) > 0;
    e5_sql_finish(&row);
    return changed ? e5_gpkg_touch(db, "dataset", NULL, err) : status;
}

static enum e5_status put_dataset(struct e5_database *db, const struct e5_store_source *source, const char *now,
                                  struct e5_key *key, int64_t *out_id, struct e5_error *err) {
    static const struct kind_of_row kind = {"dataset", "SELECT id FROM dataset WHERE dataset_key = ?", NULL};
    int64_t download = 0;
    enum e5_status status = e5_dataset_key(source, key, err);
    if (status == E5_OK) status = find(db, &kind, key, out_id, err);
    if (status == E5_OK && *out_id == 0) status = insert_dataset(db, source, now, key, out_id, err);
    if (status != E5_OK || source->download == NULL) return status;
    status = put_download(db, source->download, now, &download, err);
    return status == E5_OK ? link_download(db, *out_id, download, err) : status;
}

/* --- the run --- */

/* The axes as 64-bit numbers, least byte first. */
static enum e5_status axis_bytes(const double *axis, size_t n, struct e5_buffer *out, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        unsigned char bytes[8];
        e5_geometry_double(bytes, axis[i]);
        status = e5_buffer_append(out, bytes, sizeof bytes, err);
    }
    return status;
}

static enum e5_status insert_grid(struct e5_database *db, const struct kind_of_row *kind, const struct e5_grid *grid,
                                  const struct e5_key *key, const char *now, int64_t *out_id, struct e5_error *err) {
    struct e5_row row;
    struct e5_buffer latitude = {0}, longitude = {0};
    enum e5_status status = axis_bytes(grid->latitude, grid->rows, &latitude, err);
    if (status == E5_OK) status = axis_bytes(grid->longitude, grid->columns, &longitude, err);
    if (status == E5_OK) status = begin(db, kind, key, now, &row, err);
    if (status == E5_OK) {
        e5_row_integer(&row, (int64_t)grid->rows);
        e5_row_integer(&row, (int64_t)grid->columns);
        e5_row_blob(&row, latitude.bytes, latitude.size);
        e5_row_blob(&row, longitude.bytes, longitude.size);
        status = end(db, kind, &row, out_id, err);
    }
    e5_buffer_fini(&latitude);
    e5_buffer_fini(&longitude);
    return status;
}

static enum e5_status put_grid(struct e5_database *db, const struct e5_grid *grid, const char *now,
                               struct e5_key *key, int64_t *out_id, struct e5_error *err) {
    static const struct kind_of_row kind = {
        "grid", "SELECT id FROM grid WHERE grid_key = ?",
        "INSERT INTO grid (grid_key, added_at, row_count, column_count, latitude, longitude)"
        " VALUES (?, ?, ?, ?, ?, ?)"};
    enum e5_status status = e5_grid_key(grid, key, err);
    if (status == E5_OK) status = find(db, &kind, key, out_id, err);
    if (status != E5_OK || *out_id != 0) return status;
    return insert_grid(db, &kind, grid, key, now, out_id, err);
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

/* What a run of events says beyond one of tracks; a run that version 1 noted gets it when it is made again. */
static enum e5_status describe_run(struct e5_database *db, const struct e5_store_batch *batch,
                                   const struct e5_events *events, const struct e5_key *key,
                                   const struct e5_provenance *from, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status =
        e5_sql_prepare(db,
                       "UPDATE run SET run_key = ?2, grid_id = ?3, calendar = ?4, steps = ?5, step_days = ?6,"
                       " libraries = ?7, start_time = ?8, end_time = ?9, start_day = ?10, end_day = ?11 WHERE id = "
                       "?1",
                       &row, err);
    if (status != E5_OK) return status;
    struct e5_moment first = {.stamp = ""}, last = first;
    if (events->steps > 0) {
        first = e5_moment_of(events->calendar, events->seconds[0]);
        last = e5_moment_of(events->calendar, events->seconds[events->steps - 1]);
    }
    e5_row_integer(&row, from->run);
    e5_row_text(&row, key->hex);
    e5_row_integer(&row, from->grid);
    e5_row_text(&row, e5_calendar_name(events->calendar));
    e5_row_integer(&row, (int64_t)events->steps);
    e5_row_real(&row, events->step_days);
    e5_row_text(&row, text_or_null(batch->libraries));
    e5_row_text(&row, text_or_null(first.stamp));
    e5_row_text(&row, text_or_null(last.stamp));
    e5_row_text(&row, text_or_null(first.day));
    e5_row_text(&row, text_or_null(last.day));
    status = e5_row_run(db, &row, err);
    e5_sql_finish(&row);
    return status == E5_OK ? e5_gpkg_touch(db, "run", NULL, err) : status;
}

static const struct kind_of_row run_row = {
    "run", "SELECT id FROM run WHERE run_key = ?",
    "INSERT INTO run (run_key, added_at, diagnostic_id, program, events, libraries) VALUES (?, ?, ?, ?, ?, ?)"};

/* The run with its links under the key of version 1; when it is known, so are they. */
static enum e5_status put_run(struct e5_database *db, const struct e5_store_batch *batch, int64_t count,
                              const struct e5_key *key, const int64_t *datasets, const char *now,
                              struct e5_provenance *out, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status = find(db, &run_row, key, &out->run, err);
    if (status != E5_OK || out->run != 0) return status;
    status = begin(db, &run_row, key, now, &row, err);
    if (status != E5_OK) return status;
    e5_row_integer(&row, out->diagnostic);
    e5_row_text(&row, batch->program);
    e5_row_integer(&row, count);
    e5_row_text(&row, text_or_null(batch->libraries));
    status = end(db, &run_row, &row, &out->run, err);
    return status == E5_OK ? link_datasets(db, out->run, datasets, batch->nsources, err) : status;
}

static enum e5_status put_run_of_events(struct e5_database *db, const struct e5_store_batch *batch,
                                        const struct e5_events *events, const struct e5_key *key,
                                        const int64_t *datasets, const char *now, struct e5_provenance *out,
                                        struct e5_error *err) {
    struct e5_key grid, span;
    enum e5_status status = put_grid(db, &events->grid, now, &grid, &out->grid, err);
    if (status == E5_OK) status = e5_span_key(key, &grid, events, &span, err);
    if (status == E5_OK) status = find(db, &run_row, &span, &out->run, err);
    if (status != E5_OK || out->run != 0) return status;
    status = put_run(db, batch, (int64_t)events->count, key, datasets, now, out, err);
    return status == E5_OK ? describe_run(db, batch, events, &span, out, err) : status;
}

enum e5_status e5_provenance_write(struct e5_database *db, const struct e5_store_batch *batch,
                                   const struct e5_events *events, int64_t count, struct e5_provenance *out,
                                   struct e5_error *err) {
    char now[E5_CLOCK_STAMP_SIZE];
    struct e5_key key, *keys = NULL;
    int64_t *datasets = NULL;
    e5_clock_stamp(e5_clock_wall(), now);
    enum e5_status status = put_diagnostic(db, batch, now, out, err);
    if (status == E5_OK) status = e5_alloc(batch->nsources, sizeof *keys, &keys, err);
    if (status == E5_OK) status = e5_alloc(batch->nsources, sizeof *datasets, &datasets, err);
    for (size_t i = 0; i < batch->nsources && status == E5_OK; i++)
        status = put_dataset(db, &batch->sources[i], now, &keys[i], &datasets[i], err);
    if (status == E5_OK) status = e5_run_key(&out->diagnostic_key, batch->program, keys, batch->nsources, &key, err);
    if (status == E5_OK)
        status = events == NULL ? put_run(db, batch, count, &key, datasets, now, out, err)
                                : put_run_of_events(db, batch, events, &key, datasets, now, out, err);
    free(keys);
    free(datasets);
    return status;
}
