#include "db/event_rows.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "db/cells.h"

/* --- columns that are members of a struct: one row here per column --- */

enum kind {
    REAL,
    LONGITUDE, /* folded into −180 … 180 */
    INTEGER,   /* int32_t */
    LONG,      /* int64_t */
    SIZE,      /* size_t */
    FLAG,
    RATED,     /* a number that stands only where there is a severity */
    CATEGORY   /* the same for an int32_t */
};

struct column {
    const char *name;
    enum kind kind;
    size_t offset;
};

#define AT(type, member, name, kind) {name, kind, offsetof(struct type, member)}
#define SEVERITY(type)                                                                                              \
    AT(type, severity.mean, "severity_mean", RATED), AT(type, severity.maximum, "severity_max", RATED),             \
        AT(type, severity.category, "category", CATEGORY), AT(type, severity.area[0], "area_moderate_km2", RATED),  \
        AT(type, severity.area[1], "area_strong_km2", RATED), AT(type, severity.area[2], "area_severe_km2", RATED), \
        AT(type, severity.area[3], "area_extreme_km2", RATED)

/* What files of version 1 do not tell. */
#define LATER_COLUMNS                                                                                             \
    SEVERITY(e5_event), AT(e5_event, path, "path_km", REAL), AT(e5_event, displacement, "displacement_km", REAL), \
        AT(e5_event, crosses_seam, "crosses_seam", FLAG), AT(e5_event, touches_pole, "touches_pole", FLAG),       \
        AT(e5_event, blobs, "patches", SIZE), AT(e5_event, merges, "merges", INTEGER),                            \
        AT(e5_event, splits, "splits", INTEGER)

static const struct column later_columns[] = {LATER_COLUMNS, {NULL, REAL, 0}};

static const struct column event_columns[] = {
    AT(e5_event, peak, "peak_exceedance", REAL),
    AT(e5_event, peak_value, "peak_value", REAL),
    AT(e5_event, exceedance_mean, "exceedance_mean", REAL),
    AT(e5_event, exceedance_sum, "cumulative_intensity", REAL),
    AT(e5_event, area_max, "area_max_km2", REAL),
    AT(e5_event, area_mean, "area_mean_km2", REAL),
    AT(e5_event, footprint, "footprint_km2", REAL),
    AT(e5_event, volume, "volume_km2_days", REAL),
    AT(e5_event, latitude, "centroid_latitude", REAL),
    AT(e5_event, longitude, "centroid_longitude", LONGITUDE),
    AT(e5_event, box.south, "south", REAL),
    AT(e5_event, box.north, "north", REAL),
    AT(e5_event, touches_edge, "touches_edge", FLAG),
    AT(e5_event, censored_start, "censored_start", FLAG),
    AT(e5_event, censored_end, "censored_end", FLAG),
    AT(e5_event, cells, "cells", LONG),
    LATER_COLUMNS,
    {NULL, REAL, 0},
};

static const struct column state_columns[] = {
    AT(e5_event_state, area, "area_km2", REAL),
    AT(e5_event_state, mean, "exceedance_mean", REAL),
    AT(e5_event_state, maximum, "exceedance_max", REAL),
    AT(e5_event_state, latitude, "centroid_latitude", REAL),
    AT(e5_event_state, longitude, "centroid_longitude", LONGITUDE),
    SEVERITY(e5_event_state),
    AT(e5_event_state, box.south, "south", REAL),
    AT(e5_event_state, box.north, "north", REAL),
    AT(e5_event_state, blobs, "patches", INTEGER),
    {NULL, REAL, 0},
};

static const struct column blob_columns[] = {
    AT(e5_blob, area, "area_km2", REAL),
    AT(e5_blob, mean, "exceedance_mean", REAL),
    AT(e5_blob, maximum, "exceedance_max", REAL),
    AT(e5_blob, latitude, "centroid_latitude", REAL),
    AT(e5_blob, longitude, "centroid_longitude", LONGITUDE),
    {NULL, REAL, 0},
};

static void put_real(struct e5_row *row, const void *at) { e5_row_real(row, *(const double *)at); }

static void put_column(struct e5_row *row, const char *from, const struct column *column,
                       const struct e5_severity *severity) {
    const void *at = from + column->offset;
    bool rated = severity != NULL && !isnan(severity->maximum);
    switch (column->kind) {
    case REAL: put_real(row, at); break;
    case LONGITUDE: e5_row_real(row, e5_grid_fold(*(const double *)at)); break;
    case INTEGER: e5_row_integer(row, *(const int32_t *)at); break;
    case LONG: e5_row_integer(row, *(const int64_t *)at); break;
    case SIZE: e5_row_integer(row, (int64_t)*(const size_t *)at); break;
    case FLAG: e5_row_integer(row, *(const bool *)at); break;
    case RATED: e5_row_real(row, rated ? *(const double *)at : NAN); break;
    case CATEGORY:
        if (rated)
            e5_row_integer(row, *(const int32_t *)at);
        else
            e5_row_real(row, NAN); /* NULL */
        break;
    }
}

/* Whether the column is written at all: without a climatology seven in twenty have nothing to say. */
static bool is_needed(const struct column *column, bool rated) {
    return rated || (column->kind != RATED && column->kind != CATEGORY);
}

static void put_columns(struct e5_row *row, const void *from, const struct column *column,
                        const struct e5_severity *severity, bool rated) {
    for (; column->name != NULL; column++)
        if (is_needed(column, rated)) put_column(row, from, column, severity);
}

/* INSERT of the columns in `head`, which has `n` of them, and then of those in the table. */
static enum e5_status prepare(struct e5_event_rows *rows, const char *table, const char *head, int n,
                              const struct column *column, struct e5_row *out, struct e5_error *err) {
    struct e5_buffer sql = {0};
    enum e5_status status = e5_buffer_printf(&sql, err, "INSERT INTO %s (%s", table, head);
    for (; column->name != NULL && status == E5_OK; column++) {
        if (!is_needed(column, rows->rated)) continue;
        status = e5_buffer_printf(&sql, err, ", %s", column->name);
        n++;
    }
    if (status == E5_OK) status = e5_buffer_printf(&sql, err, ")");
    if (status == E5_OK) status = e5_sql_prepare_block(rows->db, sql.bytes, n, out, err);
    e5_buffer_fini(&sql);
    return status;
}

/* UPDATE of the columns in the table, of `side` and of the key, where they are not known. */
static enum e5_status prepare_renewal(struct e5_event_rows *rows, struct e5_error *err) {
    struct e5_buffer sql = {0};
    enum e5_status status = e5_buffer_printf(&sql, err, "UPDATE event SET side = ?, event_key = ?");
    for (const struct column *column = later_columns; column->name != NULL && status == E5_OK; column++)
        status = e5_buffer_printf(&sql, err, ", %s = ?", column->name);
    if (status == E5_OK) status = e5_buffer_printf(&sql, err, " WHERE id = ? AND side IS NULL");
    if (status == E5_OK) status = e5_sql_prepare(rows->db, sql.bytes, &rows->renewal, err);
    e5_buffer_fini(&sql);
    if (status != E5_OK) return status;
    return e5_sql_prepare(rows->db, "DELETE FROM event_state WHERE event_id = ?", &rows->old_states, err);
}

/* --- the batch --- */

static const struct column no_columns[] = {{NULL, REAL, 0}};

static enum e5_status prepare_all(struct e5_event_rows *rows, struct e5_error *err) {
    struct {
        const char *table, *head;
        int n;
        const struct column *columns;
        struct e5_row *out;
    } statements[] = {
        {"event",
         "id, event_key, diagnostic_id, kind, variable, side, calendar, start_time, start_day, end_time, end_day,"
         " peak_time, peak_day, area_max_time, duration_steps, duration_days, censored, peak_latitude,"
         " peak_longitude, west, east, geom",
         22, event_columns, &rows->event},
        {"event_state", "id, event_id, time, day, west, east", 6, state_columns, &rows->state},
        {"event_cells", "id, grid_id, runs", 3, no_columns, &rows->cells},
        {"event_patch", "id, event_id, number, time, day", 5, blob_columns, &rows->blob},
        {"event_link", "id, event_id, from_patch, to_patch, overlap_km2", 5, no_columns, &rows->link},
    };
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && status == E5_OK; i++)
        status = prepare(rows, statements[i].table, statements[i].head, statements[i].n, statements[i].columns,
                         statements[i].out, err);
    return status == E5_OK ? prepare_renewal(rows, err) : status;
}

static bool has_severity(const struct e5_events *events) {
    for (size_t i = 0; i < events->count; i++)
        if (!isnan(events->event[i].severity.maximum)) return true;
    for (size_t i = 0; i < events->state_count; i++)
        if (!isnan(events->state[i].severity.maximum)) return true;
    return false;
}

enum e5_status e5_event_rows_init(struct e5_event_rows *rows, struct e5_database *db, const struct e5_events *events,
                                  const struct e5_store_batch *batch, const struct e5_provenance *from,
                                  struct e5_error *err) {
    *rows = (struct e5_event_rows){
        .db = db, .events = events, .batch = batch, .from = from, .rated = has_severity(events)};
    enum e5_status status = e5_alloc(events->steps, sizeof *rows->moment, &rows->moment, err);
    if (status == E5_OK) status = e5_sql_integer(db, "SELECT max(id) FROM event_state", &rows->states, err);
    if (status == E5_OK) status = e5_sql_integer(db, "SELECT max(id) FROM event_patch", &rows->blobs, err);
    if (status == E5_OK) status = e5_sql_integer(db, "SELECT max(id) FROM event_link", &rows->links, err);
    return status == E5_OK ? prepare_all(rows, err) : status;
}

void e5_event_rows_fini(struct e5_event_rows *rows) {
    struct e5_row *all[] = {&rows->event, &rows->state,   &rows->cells,     &rows->blob,
                            &rows->link,  &rows->renewal, &rows->old_states};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) e5_sql_finish(all[i]);
    e5_buffer_fini(&rows->bytes);
    free(rows->moment);
    rows->moment = NULL;
}

enum e5_status e5_event_rows_flush(struct e5_event_rows *rows, struct e5_error *err) {
    struct e5_row *all[] = {&rows->event, &rows->state, &rows->cells, &rows->blob, &rows->link};
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == E5_OK; i++)
        status = e5_row_flush(rows->db, all[i], err);
    return status;
}

/* --- the event --- */

static const struct e5_moment *moment_of(struct e5_event_rows *rows, int32_t step) {
    struct e5_moment *moment = &rows->moment[step];
    if (moment->day[0] == '\0') *moment = e5_moment_of(rows->events->calendar, rows->events->seconds[step]);
    return moment;
}

static void put_time(struct e5_row *row, const struct e5_moment *moment) {
    e5_row_text(row, moment->stamp[0] != '\0' ? moment->stamp : NULL);
    e5_row_text(row, moment->day);
}

/* West and east in −180 … 180; a box right round the world is −180 … 180. */
static void put_width(struct e5_row *row, const struct e5_bounds *box) {
    bool ring = box->east - box->west >= 360;
    double west = ring ? -180 : e5_grid_fold(box->west), east = ring ? 180 : e5_grid_fold(box->east);
    e5_row_real(row, west == 180 ? -180 : west);
    e5_row_real(row, east == -180 ? 180 : east);
}

/* Header and outline into the buffer, which stays empty (NULL in the table) when there is no outline. */
static enum e5_status make_outline(struct e5_event_rows *rows, const struct e5_event *event, const struct e5_box *box,
                                   struct e5_error *err) {
    e5_buffer_clear(&rows->bytes);
    if (box->empty) return E5_OK;
    const char *wkb = rows->events->geometry.bytes + event->outline;
    return e5_geometry_write(&rows->bytes, wkb, event->outline_size, box, err);
}

enum e5_status e5_event_rows_put(struct e5_event_rows *rows, size_t index, const struct e5_key *key,
                                 const struct e5_box *box, int64_t id, struct e5_error *err) {
    const struct e5_events *events = rows->events;
    const struct e5_event *event = &events->event[index];
    struct e5_row *row = &rows->event;
    int64_t steps = (int64_t)event->end - event->start + 1;
    struct e5_moment start = e5_moment_of(events->calendar, event->start_seconds);
    struct e5_moment end = e5_moment_of(events->calendar, event->end_seconds);
    enum e5_status status = make_outline(rows, event, box, err);
    if (status != E5_OK) return status;
    const char *widest = moment_of(rows, event->area_max_time)->stamp;
    e5_row_integer(row, id);
    e5_row_text(row, key->hex);
    e5_row_integer(row, rows->from->diagnostic);
    e5_row_text(row, rows->batch->kind);
    e5_row_text(row, rows->batch->variable);
    e5_row_text(row, events->below ? "below" : "above");
    e5_row_text(row, e5_calendar_name(events->calendar));
    put_time(row, &start);
    put_time(row, &end);
    put_time(row, moment_of(rows, event->peak_time));
    e5_row_text(row, widest[0] != '\0' ? widest : NULL);
    e5_row_integer(row, steps);
    e5_row_real(row, (double)steps * (events->step_days > 0 ? events->step_days : 1));
    e5_row_integer(row, event->censored_start || event->censored_end);
    e5_row_real(row, events->grid.latitude[event->peak_row]);
    e5_row_real(row, e5_grid_fold(events->grid.longitude[event->peak_column]));
    put_width(row, &event->box);
    e5_row_blob(row, rows->bytes.bytes, rows->bytes.size);
    put_columns(row, event, event_columns, &event->severity, rows->rated);
    return e5_row_run(rows->db, row, err);
}

/* --- what belongs to it --- */

static enum e5_status put_state(struct e5_event_rows *rows, const struct e5_event_state *state, int64_t event,
                                struct e5_error *err) {
    struct e5_row *row = &rows->state;
    e5_row_integer(row, ++rows->states);
    e5_row_integer(row, event);
    put_time(row, moment_of(rows, state->time));
    put_width(row, &state->box);
    put_columns(row, state, state_columns, &state->severity, rows->rated);
    return e5_row_run(rows->db, row, err);
}

/* The cells of the state put last: those of its step among the runs from `*at` on, which are in order of time. */
static enum e5_status put_cells(struct e5_event_rows *rows, const struct e5_run *run, size_t n, int32_t time,
                                size_t *at, struct e5_error *err) {
    while (*at < n && run[*at].time < time) ++*at;
    size_t first = *at;
    while (*at < n && run[*at].time == time) ++*at;
    if (*at == first) return E5_OK;
    e5_buffer_clear(&rows->bytes);
    enum e5_status status = e5_cells_encode(run + first, *at - first, &rows->bytes, err);
    if (status != E5_OK) return status;
    e5_row_integer(&rows->cells, rows->states);
    e5_row_integer(&rows->cells, rows->from->grid);
    e5_row_blob(&rows->cells, rows->bytes.bytes, rows->bytes.size);
    return e5_row_run(rows->db, &rows->cells, err);
}

static enum e5_status put_blob(struct e5_event_rows *rows, const struct e5_blob *blob, int64_t event, size_t number,
                               struct e5_error *err) {
    struct e5_row *row = &rows->blob;
    e5_row_integer(row, rows->blobs + 1 + (int64_t)number);
    e5_row_integer(row, event);
    e5_row_integer(row, (int64_t)number);
    put_time(row, moment_of(rows, blob->time));
    put_columns(row, blob, blob_columns, NULL, true);
    return e5_row_run(rows->db, row, err);
}

static enum e5_status put_link(struct e5_event_rows *rows, const struct e5_link *link, int64_t event,
                               struct e5_error *err) {
    struct e5_row *row = &rows->link;
    e5_row_integer(row, ++rows->links);
    e5_row_integer(row, event);
    e5_row_integer(row, rows->blobs + 1 + link->from);
    e5_row_integer(row, rows->blobs + 1 + link->to);
    e5_row_real(row, link->area);
    return e5_row_run(rows->db, row, err);
}

/* Where each step has one blob, its states say all there is to say. */
static enum e5_status put_tree(struct e5_event_rows *rows, const struct e5_event *event, int64_t id,
                               struct e5_error *err) {
    const struct e5_events *events = rows->events;
    enum e5_status status = E5_OK;
    if (event->blobs <= event->states) return E5_OK;
    for (size_t i = 0; i < event->blobs && status == E5_OK; i++)
        status = put_blob(rows, &events->blob[event->first_blob + i], id, i, err);
    for (size_t i = 0; i < event->links && status == E5_OK; i++)
        status = put_link(rows, &events->link[event->first_link + i], id, err);
    rows->blobs += (int64_t)event->blobs;
    rows->trees++;
    return status;
}

enum e5_status e5_event_rows_complete(struct e5_event_rows *rows, size_t index, int64_t id, struct e5_error *err) {
    const struct e5_events *events = rows->events;
    const struct e5_event *event = &events->event[index];
    enum e5_status status = E5_OK;
    size_t at = 0;
    for (size_t i = 0; i < event->states && status == E5_OK; i++) {
        const struct e5_event_state *state = &events->state[event->first_state + i];
        status = put_state(rows, state, id, err);
        if (status == E5_OK && rows->batch->cells)
            status = put_cells(rows, events->run + event->first_run, event->runs, state->time, &at, err);
    }
    return status == E5_OK ? put_tree(rows, event, id, err) : status;
}

enum e5_status e5_event_rows_renew(struct e5_event_rows *rows, size_t index, const struct e5_key *key, int64_t id,
                                   bool *out, struct e5_error *err) {
    const struct e5_event *event = &rows->events->event[index];
    struct e5_row *row = &rows->renewal;
    e5_row_text(row, rows->events->below ? "below" : "above");
    e5_row_text(row, key->hex);
    put_columns(row, event, later_columns, &event->severity, true);
    e5_row_integer(row, id);
    enum e5_status status = e5_row_run(rows->db, row, err);
    *out = status == E5_OK && sqlite3_changes(rows->db->handle) > 0;
    if (!*out) return status;
    e5_row_integer(&rows->old_states, id);
    status = e5_row_run(rows->db, &rows->old_states, err);
    return status == E5_OK ? e5_event_rows_complete(rows, index, id, err) : status;
}
