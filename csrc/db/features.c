#include "db/features.h"

#include <math.h>
#include <stdlib.h>

#include "db/gpkg.h"
#include "db/moment.h"

struct writer {
    struct e5_database *db;
    const struct e5_events *events;
    const struct e5_store_batch *batch;
    const struct e5_provenance *from;
    struct e5_row find, insert, complete, state, link; /* statements, prepared once for the batch */
    struct e5_buffer blob;
    struct e5_box bounds; /* of all events added */
    int64_t added, known, completed, linked;
};

/* In the order in which put_event() fills the values. */
static const char insert_event[] =
    "INSERT INTO event (event_key, diagnostic_id, kind, variable, start_time, start_day, end_time, end_day, "
    "peak_time,"
    " peak_day, area_max_time, calendar, duration_days, peak_latitude, peak_longitude, peak_exceedance, peak_value,"
    " exceedance_mean, cumulative_intensity, area_max_km2, area_mean_km2, footprint_km2, volume_km2_days,"
    " centroid_latitude, centroid_longitude, south, north, west, east, touches_edge, censored, cells, geom)"
    " VALUES (?, ?, ?, ?, nullif(?, ''), ?, nullif(?, ''), ?, nullif(?, ''), ?, nullif(?, ''), ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static const char insert_state[] =
    "INSERT INTO event_state (event_id, time, day, area_km2, exceedance_mean, exceedance_max, centroid_latitude,"
    " centroid_longitude) VALUES (?, nullif(?, ''), ?, ?, ?, ?, ?, ?)";

/* A longer record or a wider region may find a known event again and show that its edge did not cut it. */
static const char complete_event[] =
    "UPDATE event SET touches_edge = min(touches_edge, ?1), censored = min(censored, ?2)"
    " WHERE id = ?3 AND (touches_edge > ?1 OR censored > ?2)";

/* --- one event
 * ------------------------------------------------------------------------------------------------------ */

static bool within(size_t first, size_t n, size_t size) { return first <= size && n <= size - first; }

/* Whoever made the events vouches for their indices; a slip there must not become a wild read here. */
static bool run_is_sound(const struct e5_events *events, const struct e5_run *run) {
    return run->time >= 0 && (size_t)run->time < events->steps && run->row >= 0 &&
           (size_t)run->row < events->grid.rows && run->first >= 0 && run->count > 0 &&
           within((size_t)run->first, (size_t)run->count, events->grid.columns);
}

static bool is_step(const struct e5_events *events, int32_t time) {
    return time >= 0 && (size_t)time < events->steps;
}

static bool is_sound(const struct e5_events *events, const struct e5_event *event) {
    bool sound = within(event->first_run, event->runs, events->run_count) &&
                 within(event->first_state, event->states, events->state_count) &&
                 within(event->outline, event->outline_size, events->geometry.size) && event->start <= event->end &&
                 is_step(events, event->peak_time) && is_step(events, event->area_max_time) && event->peak_row >= 0 &&
                 (size_t)event->peak_row < events->grid.rows && event->peak_column >= 0 &&
                 (size_t)event->peak_column < events->grid.columns;
    for (size_t i = 0; sound && i < event->runs; i++)
        sound = run_is_sound(events, &events->run[event->first_run + i]);
    for (size_t i = 0; sound && i < event->states; i++)
        sound = is_step(events, events->state[event->first_state + i].time);
    return sound;
}

/* West and east in −180 … 180; a box right round the world is −180 … 180. */
static void fold_box(const struct e5_event *event, double *west, double *east) {
    bool ring = event->east - event->west >= 360;
    *west = ring ? -180 : e5_grid_fold(event->west);
    *east = ring ? 180 : e5_grid_fold(event->east);
    if (*west == 180) *west = -180;
    if (*east == -180) *east = 180;
}

/* Header and outline into the writer's buffer, which stays empty (NULL in the table) when there is no outline. */
static enum e5_status make_blob(struct writer *to, const struct e5_event *event, struct e5_error *err) {
    struct e5_box box;
    e5_buffer_clear(&to->blob);
    if (event->outline_size == 0) return E5_OK;
    const char *wkb = to->events->geometry.bytes + event->outline;
    enum e5_status status = e5_wkb_bounds(wkb, event->outline_size, &box, err);
    if (status != E5_OK || box.empty) return status;
    struct e5_box *all = &to->bounds;
    bool first = all->empty;
    *all = (struct e5_box){
        first ? box.min_x : fmin(all->min_x, box.min_x), first ? box.max_x : fmax(all->max_x, box.max_x),
        first ? box.min_y : fmin(all->min_y, box.min_y), first ? box.max_y : fmax(all->max_y, box.max_y), false};
    return e5_geometry_write(&to->blob, wkb, event->outline_size, &box, err);
}

static void put_numbers(struct e5_row *row, const struct e5_events *events, const struct e5_event *event) {
    double west, east;
    fold_box(event, &west, &east);
    const double numbers[] = {
        events->grid.latitude[event->peak_row],
        e5_grid_fold(events->grid.longitude[event->peak_column]),
        event->peak,
        event->peak_value,
        event->exceedance_mean,
        event->exceedance_sum,
        event->area_max,
        event->area_mean,
        event->footprint,
        event->volume,
        event->latitude,
        e5_grid_fold(event->longitude),
        event->south,
        event->north,
        west,
        east,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) e5_row_real(row, numbers[i]);
}

static enum e5_status put_event(struct writer *to, const struct e5_event *event, const struct e5_key *key,
                                struct e5_error *err) {
    const struct e5_events *events = to->events;
    struct e5_row *row = &to->insert;
    struct e5_moment start = e5_moment_of(events->calendar, event->start_seconds);
    struct e5_moment end = e5_moment_of(events->calendar, event->end_seconds);
    struct e5_moment peak = e5_moment_of(events->calendar, events->seconds[event->peak_time]);
    struct e5_moment widest = e5_moment_of(events->calendar, events->seconds[event->area_max_time]);
    enum e5_status status = make_blob(to, event, err);
    if (status != E5_OK) return status;
    e5_row_text(row, key->hex);
    e5_row_integer(row, to->from->diagnostic);
    e5_row_text(row, to->batch->kind);
    e5_row_text(row, to->batch->variable);
    const char *const days[] = {start.stamp, start.day, end.stamp, end.day, peak.stamp, peak.day, widest.stamp};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) e5_row_text(row, days[i]);
    e5_row_text(row, e5_calendar_name(events->calendar));
    e5_row_integer(row, (int64_t)event->end - event->start + 1);
    put_numbers(row, events, event);
    e5_row_integer(row, event->touches_edge);
    e5_row_integer(row, event->censored);
    e5_row_integer(row, event->cells);
    e5_row_blob(row, to->blob.bytes, to->blob.size);
    return e5_row_run(to->db, row, err);
}

static enum e5_status put_states(struct writer *to, const struct e5_event *event, int64_t id, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < event->states && status == E5_OK; i++) {
        const struct e5_event_state *state = &to->events->state[event->first_state + i];
        struct e5_moment moment = e5_moment_of(to->events->calendar, to->events->seconds[state->time]);
        e5_row_integer(&to->state, id);
        e5_row_text(&to->state, moment.stamp);
        e5_row_text(&to->state, moment.day);
        e5_row_real(&to->state, state->area);
        e5_row_real(&to->state, state->mean);
        e5_row_real(&to->state, state->maximum);
        e5_row_real(&to->state, state->latitude);
        e5_row_real(&to->state, e5_grid_fold(state->longitude));
        status = e5_row_run(to->db, &to->state, err);
    }
    return status;
}

static enum e5_status add_new(struct writer *to, const struct e5_event *event, const struct e5_key *key,
                              int64_t *out_id, struct e5_error *err) {
    enum e5_status status = put_event(to, event, key, err);
    *out_id = sqlite3_last_insert_rowid(to->db->handle);
    if (status == E5_OK) status = put_states(to, event, *out_id, err);
    to->added++;
    return status;
}

static enum e5_status complete_known(struct writer *to, const struct e5_event *event, int64_t id,
                                     struct e5_error *err) {
    e5_row_integer(&to->complete, event->touches_edge);
    e5_row_integer(&to->complete, event->censored);
    e5_row_integer(&to->complete, id);
    enum e5_status status = e5_row_run(to->db, &to->complete, err);
    to->completed += sqlite3_changes(to->db->handle);
    to->known++;
    return status;
}

static enum e5_status write_one(struct writer *to, size_t index, struct e5_error *err) {
    const struct e5_event *event = &to->events->event[index];
    struct e5_key key;
    int64_t id = 0;
    if (!is_sound(to->events, event)) return e5_fail(err, E5_INTERNAL, "event %zu points outside its tables", index);
    enum e5_status status = e5_event_key(&to->from->diagnostic_key, to->events, index, &key, err);
    if (status != E5_OK) return status;
    e5_row_text(&to->find, key.hex);
    status = e5_row_look_up(to->db, &to->find, &id, err);
    if (status == E5_OK) status = id == 0 ? add_new(to, event, &key, &id, err) : complete_known(to, event, id, err);
    if (status != E5_OK) return status;
    e5_row_integer(&to->link, id);
    e5_row_integer(&to->link, to->from->run);
    status = e5_row_run(to->db, &to->link, err);
    to->linked += sqlite3_changes(to->db->handle);
    return status;
}

/* --- the batch
 * ------------------------------------------------------------------------------------------------------ */

static enum e5_status prepare(struct writer *to, struct e5_error *err) {
    struct {
        struct e5_row *row;
        const char *sql;
    } statements[] = {
        {&to->find, "SELECT id FROM event WHERE event_key = ?"},
        {&to->insert, insert_event},
        {&to->complete, complete_event},
        {&to->state, insert_state},
        {&to->link, "INSERT OR IGNORE INTO event_run (event_id, run_id) VALUES (?, ?)"},
    };
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && status == E5_OK; i++)
        status = e5_sql_prepare(to->db, statements[i].sql, statements[i].row, err);
    return status;
}

static void finish(struct writer *to) {
    struct e5_row *rows[] = {&to->find, &to->insert, &to->complete, &to->state, &to->link};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) e5_sql_finish(rows[i]);
    e5_buffer_fini(&to->blob);
}

static enum e5_status touch_tables(struct writer *to, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (to->added + to->completed > 0) status = e5_gpkg_touch(to->db, "event", &to->bounds, err);
    if (status == E5_OK && to->added > 0) status = e5_gpkg_touch(to->db, "event_state", NULL, err);
    if (status == E5_OK && to->linked > 0) status = e5_gpkg_touch(to->db, "event_run", NULL, err);
    return status;
}

enum e5_status e5_features_write(struct e5_database *db, const struct e5_events *events,
                                 const struct e5_store_batch *batch, const struct e5_provenance *from,
                                 struct e5_watch *watch, struct e5_store_added *out, struct e5_error *err) {
    struct writer to = {.db = db, .events = events, .batch = batch, .from = from, .bounds.empty = true};
    enum e5_status status = prepare(&to, err);
    for (size_t i = 0; i < events->count && status == E5_OK; i++) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = write_one(&to, i, err);
        e5_watch_add(watch, 1);
    }
    if (status == E5_OK) status = touch_tables(&to, err);
    if (status == E5_OK) *out = (struct e5_store_added){to.added, to.known, from->diagnostic};
    finish(&to);
    return status;
}
