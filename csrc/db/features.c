#include "db/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/event_rows.h"
#include "db/gpkg.h"
#include "db/schema.h"
#include "db/spatial_index.h"

/* --- before the lock --- */

#define BLOCK 256 /* events of one task */

static enum e5_status prepare_one(struct e5_features *features, struct e5_hasher *hasher, size_t index,
                                  struct e5_error *err) {
    const struct e5_events *events = features->events;
    const struct e5_event *event = &events->event[index];
    struct e5_feature *feature = &features->feature[index];
    feature->box.empty = true;
    enum e5_status status = e5_event_key(hasher, events, index, &feature->key, err);
    if (status != E5_OK || event->outline_size == 0) return status;
    return e5_wkb_bounds(events->geometry.bytes + event->outline, event->outline_size, &feature->box, err);
}

static enum e5_status prepare_block(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct e5_features *features = context;
    struct e5_hasher hasher;
    (void)slot;
    size_t first = index * BLOCK, count = features->events->count;
    size_t end = count - first < BLOCK ? count : first + BLOCK;
    enum e5_status status = e5_hasher_init(&hasher, features->diagnostic, err);
    for (size_t i = first; i < end && status == E5_OK; i++) status = prepare_one(features, &hasher, i, err);
    e5_hasher_fini(&hasher);
    return status;
}

enum e5_status e5_features_prepare(struct e5_features *features, const struct e5_events *events,
                                   const struct e5_key *diagnostic, const struct e5_parallel *par,
                                   struct e5_watch *watch, struct e5_error *err) {
    *features = (struct e5_features){.events = events, .diagnostic = diagnostic};
    enum e5_status status = e5_events_check(events, err);
    if (status == E5_OK) status = e5_alloc(events->count, sizeof *features->feature, &features->feature, err);
    if (status != E5_OK) return status;
    return e5_parallel_for(par, watch, (events->count + BLOCK - 1) / BLOCK, prepare_block, features, err);
}

void e5_features_fini(struct e5_features *features) {
    free(features->feature);
    features->feature = NULL;
}

/* --- which are new --- */

struct writer {
    struct e5_features *features;
    struct e5_database *db;
    const struct e5_provenance *from;
    struct e5_event_rows rows;
    struct e5_row find, complete, link;
    int64_t migrated; /* 0: this file never was of version 1 */
    int64_t largest;  /* id that was ever given to an event of this file */
    int64_t added, known, completed, renewed, linked;
    bool rebuilds_space, rebuilds_order; /* the indexes */
};

/* The same event twice in one batch, which only tables from outside can hold, is one event: a table of the indices of
 * features, open addressing by the first characters of their keys. */
struct seen {
    uint32_t *slot; /* index + 1; 0: free */
    size_t mask;
};

static enum e5_status seen_init(struct seen *seen, size_t n, struct e5_error *err) {
    size_t size = 16;
    while (size < 2 * n) size *= 2;
    seen->mask = size - 1;
    return e5_alloc(size, sizeof *seen->slot, &seen->slot, err);
}

/* Index of the first feature with the key of this one. */
static size_t first_alike(struct seen *seen, const struct e5_feature *feature, size_t index) {
    uint64_t start;
    memcpy(&start, feature[index].key.hex, sizeof start);
    size_t at = (size_t)(start * 0x9E3779B97F4A7C15u >> 32) & seen->mask;
    for (; seen->slot[at] != 0; at = (at + 1) & seen->mask)
        if (strcmp(feature[seen->slot[at] - 1].key.hex, feature[index].key.hex) == 0) return seen->slot[at] - 1;
    seen->slot[at] = (uint32_t)index + 1;
    return index;
}

static enum e5_status find_key(struct writer *to, const struct e5_key *key, int64_t *out, struct e5_error *err) {
    e5_row_text(&to->find, key->hex);
    return e5_row_look_up(to->db, &to->find, out, err);
}

/* In a file that began as version 1 events may bear the key of that version; completing them gives them their own. */
static enum e5_status find_one(struct writer *to, struct e5_hasher *hasher, size_t index, struct e5_error *err) {
    struct e5_feature *feature = &to->features->feature[index];
    struct e5_key former;
    enum e5_status status = find_key(to, &feature->key, &feature->id, err);
    if (status == E5_OK && feature->id == 0 && to->migrated != 0) {
        status = e5_event_key_1(hasher, to->features->events, index, &former, err);
        if (status == E5_OK) status = find_key(to, &former, &feature->id, err);
    }
    feature->known = feature->id != 0;
    return status;
}

/* Every feature gets its id: the one it has in the file, or the next one. */
static enum e5_status give_ids(struct writer *to, struct e5_watch *watch, struct e5_error *err) {
    struct e5_feature *feature = to->features->feature;
    size_t count = to->features->events->count;
    struct seen seen;
    struct e5_hasher hasher;
    enum e5_status status = e5_hasher_init(&hasher, to->features->diagnostic, err);
    if (status != E5_OK) return status;
    status = seen_init(&seen, count, err);
    for (size_t i = 0; i < count && status == E5_OK; i++) {
        if (i % BLOCK == 0) status = e5_watch_check(watch, err);
        size_t first = first_alike(&seen, feature, i);
        if (status == E5_OK && first == i && to->largest > 0) status = find_one(to, &hasher, i, err);
        if (first != i) feature[i].id = feature[first].id, feature[i].known = true;
        if (feature[i].id == 0) feature[i].id = to->largest + ++to->added;
        to->known += feature[i].known;
    }
    free(seen.slot);
    e5_hasher_fini(&hasher);
    return status;
}

/* --- writing --- */

static enum e5_status add_events(struct writer *to, struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < to->features->events->count && status == E5_OK; i++) {
        const struct e5_feature *feature = &to->features->feature[i];
        if (feature->known) continue;
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = e5_event_rows_put(&to->rows, i, &feature->key, &feature->box, feature->id, err);
    }
    return status == E5_OK ? e5_event_rows_flush(&to->rows, err) : status;
}

/* A longer record or a wider region may find a known event again and show that its edge did not cut it; and an event
 * of an older file lacks what that did not tell. */
static enum e5_status complete_known(struct writer *to, size_t index, int64_t id, struct e5_error *err) {
    const struct e5_event *event = &to->features->events->event[index];
    bool renewed;
    e5_row_integer(&to->complete, event->touches_edge);
    e5_row_integer(&to->complete, event->censored_start);
    e5_row_integer(&to->complete, event->censored_end);
    e5_row_integer(&to->complete, id);
    enum e5_status status = e5_row_run(to->db, &to->complete, err);
    to->completed += sqlite3_changes(to->db->handle);
    if (status == E5_OK)
        status = e5_event_rows_renew(&to->rows, index, &to->features->feature[index].key, id, &renewed, err);
    to->renewed += status == E5_OK && renewed;
    return status;
}

static enum e5_status add_rest(struct writer *to, struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < to->features->events->count && status == E5_OK; i++) {
        const struct e5_feature *feature = &to->features->feature[i];
        status = e5_watch_check(watch, err);
        if (status == E5_OK)
            status = feature->known ? complete_known(to, i, feature->id, err)
                                    : e5_event_rows_complete(&to->rows, i, feature->id, err);
        e5_watch_add(watch, 1);
    }
    return status == E5_OK ? e5_event_rows_flush(&to->rows, err) : status;
}

static enum e5_status add_links(struct writer *to, struct e5_error *err) {
    enum e5_status status = E5_OK;
    int before = sqlite3_total_changes(to->db->handle);
    for (size_t i = 0; i < to->features->events->count && status == E5_OK; i++) {
        e5_row_integer(&to->link, to->features->feature[i].id);
        e5_row_integer(&to->link, to->from->run);
        status = e5_row_run(to->db, &to->link, err);
    }
    if (status == E5_OK) status = e5_row_flush(to->db, &to->link, err);
    to->linked = sqlite3_total_changes(to->db->handle) - before;
    return status;
}

/* --- indexes --- */

#define MANY 10000 /* events: with fewer of them the indexes of columns are kept as they are */

static const char *const indexes[] = {"event_by_key",    "event_by_diagnostic", "event_by_kind",
                                      "event_by_length", "event_by_intensity",  "event_by_rank"};

static enum e5_status drop_order(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes && status == E5_OK; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP INDEX IF EXISTS %s", indexes[i]);
        status = e5_sql_run(db, sql, err);
    }
    return status;
}

static enum e5_status make_order(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes && status == E5_OK; i++)
        status = e5_sql_run(db, e5_schema_index(indexes[i]), err);
    return status;
}

static enum e5_status drop_indexes(struct writer *to, struct e5_error *err) {
    enum e5_status status = e5_spatial_worth_it(to->db, to->added, to->largest, &to->rebuilds_space, err);
    to->rebuilds_order = to->added >= MANY && to->added >= to->largest;
    if (status == E5_OK && to->rebuilds_space) status = e5_spatial_begin(to->db, err);
    return status == E5_OK && to->rebuilds_order ? drop_order(to->db, err) : status;
}

static enum e5_status fill_space(struct writer *to, struct e5_error *err) {
    struct e5_spatial_entry *entry;
    size_t n = 0;
    enum e5_status status = e5_alloc((size_t)to->added, sizeof *entry, &entry, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < to->features->events->count; i++) {
        const struct e5_feature *feature = &to->features->feature[i];
        if (!feature->known && !feature->box.empty) entry[n++] = e5_spatial_entry(feature->id, &feature->box);
    }
    status = e5_spatial_end(to->db, entry, n, err);
    free(entry);
    return status;
}

static enum e5_status make_indexes(struct writer *to, struct e5_error *err) {
    enum e5_status status = to->rebuilds_space ? fill_space(to, err) : E5_OK;
    return status == E5_OK && to->rebuilds_order ? make_order(to->db, err) : status;
}

/* --- the batch --- */

static enum e5_status prepare(struct writer *to, struct e5_error *err) {
    struct {
        struct e5_row *row;
        const char *sql;
    } statements[] = {
        {&to->find, "SELECT id FROM event WHERE event_key = ?"},
        {&to->complete, "UPDATE event SET touches_edge = min(touches_edge, ?1), censored_start = "
                        "min(coalesce(censored_start, 1), ?2),"
                        " censored_end = min(coalesce(censored_end, 1), ?3),"
                        " censored = min(coalesce(censored_start, 1), ?2) OR min(coalesce(censored_end, 1), ?3)"
                        " WHERE id = ?4 AND (touches_edge > ?1 OR coalesce(censored_start, 2) > ?2 OR "
                        "coalesce(censored_end, 2) > ?3)"},
    };
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && status == E5_OK; i++)
        status = e5_sql_prepare(to->db, statements[i].sql, statements[i].row, err);
    if (status == E5_OK)
        status =
            e5_sql_prepare_block(to->db, "INSERT OR IGNORE INTO event_run (event_id, run_id)", 2, &to->link, err);
    if (status == E5_OK)
        status = e5_sql_integer(to->db,
                                "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0),"
                                " coalesce((SELECT max(id) FROM event), 0))",
                                &to->largest, err);
    if (status == E5_OK)
        status =
            e5_sql_integer(to->db, "SELECT count(DISTINCT applied_at) > 1 FROM era5fast_schema", &to->migrated, err);
    if (status == E5_OK && (to->largest < 0 || to->largest > INT64_MAX / 2))
        status = e5_sql_fail(to->db, SQLITE_CORRUPT, "event database", err);
    return status;
}

static void finish(struct writer *to) {
    struct e5_row *rows[] = {&to->find, &to->complete, &to->link};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) e5_sql_finish(rows[i]);
    e5_event_rows_fini(&to->rows);
}

static enum e5_status touch_tables(struct writer *to, const struct e5_store_batch *batch, struct e5_error *err) {
    struct e5_box bounds = {.empty = true};
    for (size_t i = 0; i < to->features->events->count; i++)
        if (!to->features->feature[i].known) e5_box_widen(&bounds, &to->features->feature[i].box);
    bool states = to->added + to->renewed > 0;
    const struct {
        const char *table;
        bool changed;
        const struct e5_box *box;
    } tables[] = {
        {"event", to->added + to->completed + to->renewed > 0, &bounds},
        {"event_state", states, NULL},
        {"event_cells", states && batch->cells, NULL},
        {"event_patch", to->rows.trees > 0, NULL},
        {"event_link", to->rows.trees > 0, NULL},
        {"event_run", to->linked > 0, NULL},
    };
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == E5_OK; i++)
        if (tables[i].changed) status = e5_gpkg_touch(to->db, tables[i].table, tables[i].box, err);
    return status;
}

enum e5_status e5_features_write(struct e5_features *features, struct e5_database *db,
                                 const struct e5_store_batch *batch, const struct e5_provenance *from,
                                 struct e5_watch *watch, struct e5_store_added *out, struct e5_error *err) {
    struct writer to = {.features = features, .db = db, .from = from};
    enum e5_status status = prepare(&to, err);
    if (status == E5_OK) status = give_ids(&to, watch, err);
    e5_sql_finish(&to.find); /* it would hold on to the index of keys */
    if (status == E5_OK) status = drop_indexes(&to, err);
    if (status == E5_OK) status = e5_event_rows_init(&to.rows, db, features->events, batch, from, err);
    if (status == E5_OK) status = add_events(&to, watch, err);
    if (status == E5_OK) status = add_rest(&to, watch, err);
    if (status == E5_OK) status = add_links(&to, err);
    if (status == E5_OK) status = make_indexes(&to, err);
    if (status == E5_OK) status = touch_tables(&to, batch, err);
    if (status == E5_OK) *out = (struct e5_store_added){to.added, to.known, from->diagnostic};
    finish(&to);
    return status;
}
