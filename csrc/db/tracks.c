#include "db/tracks.h"

#include <math.h>

#include "db/gpkg.h"
#include "db/moment.h"

struct writer {
    struct e5_database *db;
    const struct e5_tracks *tracks;
    const struct e5_store_batch *batch;
    const struct e5_provenance *from;
    struct e5_hasher hasher;
    struct e5_row find, track, point, link;
    struct e5_buffer wkb, blob;
    struct e5_box bounds; /* of all tracks added */
    int64_t added, known, linked;
};

/* --- the path as a multilinestring --- */

struct path { /* on its way into `wkb` */
    struct e5_buffer *wkb;
    uint32_t lines, points; /* points: of the line under way */
    size_t count_at;        /* where its number of points belongs */
};

enum { WKB_LINE = 2, WKB_MULTILINE = 5 };

static enum e5_status put_words(struct e5_buffer *wkb, const uint32_t *word, size_t n, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        unsigned char bytes[4] = {(unsigned char)word[i], (unsigned char)(word[i] >> 8),
                                  (unsigned char)(word[i] >> 16), (unsigned char)(word[i] >> 24)};
        status = e5_buffer_append(wkb, bytes, sizeof bytes, err);
    }
    return status;
}

static void set_word(struct e5_buffer *wkb, size_t at, uint32_t word) {
    for (int i = 0; i < 4; i++) wkb->bytes[at + (size_t)i] = (char)(unsigned char)(word >> 8 * i);
}

static enum e5_status begin_line(struct path *path, struct e5_error *err) {
    enum e5_status status = e5_buffer_append(path->wkb, "\1", 1, err);
    if (status == E5_OK) status = put_words(path->wkb, (const uint32_t[]){WKB_LINE, 0}, 2, err);
    path->count_at = path->wkb->size - 4;
    path->points = 0;
    path->lines++;
    return status;
}

static enum e5_status put_point(struct path *path, double x, double y, struct e5_error *err) {
    unsigned char bytes[16];
    e5_geometry_double(bytes, x);
    e5_geometry_double(bytes + 8, y);
    enum e5_status status = e5_buffer_append(path->wkb, bytes, sizeof bytes, err);
    if (status == E5_OK) set_word(path->wkb, path->count_at, ++path->points);
    return status;
}

/* From one side of the antimeridian to the other: the line ends on it and another one begins. */
static enum e5_status cross(struct path *path, double x, double y, double next_x, double next_y,
                            struct e5_error *err) {
    double edge = x > 0 ? 180 : -180;
    double to_edge = fabs(edge - x), beyond = 180 - fabs(next_x);
    double way = to_edge + beyond;
    double at = way > 0 ? y + (next_y - y) * to_edge / way : next_y;
    enum e5_status status = put_point(path, edge, at, err);
    if (status == E5_OK) status = begin_line(path, err);
    return status == E5_OK ? put_point(path, -edge, at, err) : status;
}

/* The path of the points first … end − 1, of which there are at least two. */
static enum e5_status make_path(struct writer *to, size_t first, size_t end, struct e5_error *err) {
    const double *latitude = to->tracks->latitude;
    struct path path = {.wkb = &to->wkb};
    e5_buffer_clear(&to->wkb);
    enum e5_status status = e5_buffer_append(&to->wkb, "\1", 1, err);
    if (status == E5_OK) status = put_words(&to->wkb, (const uint32_t[]){WKB_MULTILINE, 0}, 2, err);
    if (status == E5_OK) status = begin_line(&path, err);
    double x = e5_grid_fold(to->tracks->longitude[first]);
    if (status == E5_OK) status = put_point(&path, x, latitude[first], err);
    for (size_t i = first + 1; i < end && status == E5_OK; i++) {
        double next = e5_grid_fold(to->tracks->longitude[i]);
        if (fabs(next - x) > 180) status = cross(&path, x, latitude[i - 1], next, latitude[i], err);
        if (status == E5_OK) status = put_point(&path, next, latitude[i], err);
        x = next;
    }
    if (status == E5_OK) set_word(&to->wkb, 5, path.lines);
    return status;
}

/* The blob stays empty (NULL in the table) for a single point. */
static enum e5_status make_blob(struct writer *to, size_t first, size_t end, struct e5_error *err) {
    struct e5_box box;
    e5_buffer_clear(&to->blob);
    if (end - first < 2) return E5_OK;
    enum e5_status status = make_path(to, first, end, err);
    if (status == E5_OK) status = e5_wkb_bounds(to->wkb.bytes, to->wkb.size, &box, err);
    if (status != E5_OK) return status;
    e5_box_widen(&to->bounds, &box);
    return e5_geometry_write(&to->blob, to->wkb.bytes, to->wkb.size, &box, err);
}

/* --- one track --- */

struct summary {
    double low, high, path;    /* of the value; km */
    double south, north;
    double west, east; /* unfolded: along the track */
};

static struct summary summarise(const struct e5_tracks *tracks, size_t first, size_t end) {
    struct summary s = {NAN, NAN, 0, INFINITY, -INFINITY, INFINITY, -INFINITY};
    double x = e5_grid_fold(tracks->longitude[first]);
    for (size_t i = first; i < end; i++) {
        x += e5_grid_fold(tracks->longitude[i] - x); /* the shorter way round from the point before */
        s.low = fmin(s.low, tracks->value[i]);
        s.high = fmax(s.high, tracks->value[i]);
        if (i > first) s.path += tracks->step[i];
        s.south = fmin(s.south, tracks->latitude[i]);
        s.north = fmax(s.north, tracks->latitude[i]);
        s.west = fmin(s.west, x);
        s.east = fmax(s.east, x);
    }
    return s;
}

static void put_time(struct e5_row *row, const struct e5_moment *moment) {
    e5_row_text(row, moment->stamp[0] != '\0' ? moment->stamp : NULL);
    e5_row_text(row, moment->day);
}

static enum e5_status put_track(struct writer *to, size_t index, const struct e5_key *key, struct e5_error *err) {
    const struct e5_tracks *tracks = to->tracks;
    size_t first = (size_t)tracks->first[index], end = (size_t)tracks->first[index + 1];
    struct e5_row *row = &to->track;
    struct e5_moment start = e5_moment_of(tracks->calendar, tracks->seconds[first]);
    struct e5_moment last = e5_moment_of(tracks->calendar, tracks->seconds[end - 1]);
    struct summary s = summarise(tracks, first, end);
    double seconds = (double)(tracks->seconds[end - 1] - tracks->seconds[first]);
    bool ring = s.east - s.west >= 360;
    enum e5_status status = make_blob(to, first, end, err);
    if (status != E5_OK) return status;
    e5_row_text(row, key->hex);
    e5_row_integer(row, to->from->diagnostic);
    e5_row_text(row, to->batch->kind);
    e5_row_text(row, to->batch->variable);
    put_time(row, &start);
    put_time(row, &last);
    e5_row_text(row, e5_calendar_name(tracks->calendar));
    e5_row_integer(row, (int64_t)(end - first));
    const double numbers[] = {seconds / 3600,
                              s.path,
                              tracks->displacement[index],
                              s.low,
                              s.high,
                              seconds > 0 ? s.path * 1000 / seconds : NAN,
                              s.south,
                              s.north,
                              ring ? -180 : e5_grid_fold(s.west),
                              ring ? 180 : e5_grid_fold(s.east)};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) e5_row_real(row, numbers[i]);
    e5_row_blob(row, to->blob.bytes, to->blob.size);
    return e5_row_run(to->db, row, err);
}

static enum e5_status put_points(struct writer *to, size_t index, int64_t id, struct e5_error *err) {
    const struct e5_tracks *tracks = to->tracks;
    struct e5_row *row = &to->point;
    enum e5_status status = E5_OK;
    for (size_t i = (size_t)tracks->first[index]; i < (size_t)tracks->first[index + 1] && status == E5_OK; i++) {
        struct e5_moment moment = e5_moment_of(tracks->calendar, tracks->seconds[i]);
        e5_row_integer(row, id);
        put_time(row, &moment);
        e5_row_real(row, tracks->latitude[i]);
        e5_row_real(row, e5_grid_fold(tracks->longitude[i]));
        e5_row_real(row, tracks->value[i]);
        e5_row_real(row, tracks->step[i]);
        e5_row_real(row, tracks->speed[i]);
        e5_row_real(row, tracks->direction[i]);
        status = e5_row_run(to->db, row, err);
    }
    return status;
}

static enum e5_status add_new(struct writer *to, size_t index, const struct e5_key *key, int64_t *out_id,
                              struct e5_error *err) {
    enum e5_status status = put_track(to, index, key, err);
    *out_id = sqlite3_last_insert_rowid(to->db->handle);
    to->added++;
    return status == E5_OK ? put_points(to, index, *out_id, err) : status;
}

static enum e5_status write_one(struct writer *to, size_t index, struct e5_error *err) {
    struct e5_key key;
    int64_t id = 0;
    enum e5_status status = e5_track_key(&to->hasher, to->tracks, index, &key, err);
    if (status != E5_OK) return status;
    e5_row_text(&to->find, key.hex);
    status = e5_row_look_up(to->db, &to->find, &id, err);
    to->known += id != 0;
    if (status == E5_OK && id == 0) status = add_new(to, index, &key, &id, err);
    if (status != E5_OK) return status;
    e5_row_integer(&to->link, id);
    e5_row_integer(&to->link, to->from->run);
    status = e5_row_run(to->db, &to->link, err);
    to->linked += sqlite3_changes(to->db->handle);
    return status;
}

/* --- the batch --- */

static enum e5_status check(const struct e5_tracks *tracks, struct e5_error *err) {
    for (size_t i = 0; i < tracks->count; i++) {
        int64_t first = tracks->first[i], end = tracks->first[i + 1];
        if (first < 0 || end <= first) return e5_fail(err, E5_INPUT, "track %zu has no points", i);
        for (int64_t k = first; k < end; k++)
            if (!(fabs(tracks->latitude[k]) <= 90) || !isfinite(tracks->longitude[k]))
                return e5_fail(err, E5_INPUT, "a point of track %zu is not on the Earth", i);
    }
    return E5_OK;
}

static enum e5_status prepare(struct writer *to, struct e5_error *err) {
    struct {
        struct e5_row *row;
        const char *sql;
    } statements[] = {
        {&to->find, "SELECT id FROM track WHERE track_key = ?"},
        {&to->track,
         "INSERT INTO track (track_key, diagnostic_id, kind, variable, start_time, start_day, end_time, end_day,"
         " calendar, points, duration_hours, path_km, displacement_km, value_min, value_max, mean_speed, south, "
         "north,"
         " west, east, geom) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&to->point,
         "INSERT INTO track_point (track_id, time, day, latitude, longitude, value, step_km, speed, direction)"
         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&to->link, "INSERT OR IGNORE INTO track_run (track_id, run_id) VALUES (?, ?)"},
    };
    enum e5_status status = e5_hasher_init(&to->hasher, &to->from->diagnostic_key, err);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && status == E5_OK; i++)
        status = e5_sql_prepare(to->db, statements[i].sql, statements[i].row, err);
    return status;
}

static void finish(struct writer *to) {
    struct e5_row *rows[] = {&to->find, &to->track, &to->point, &to->link};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) e5_sql_finish(rows[i]);
    e5_hasher_fini(&to->hasher);
    e5_buffer_fini(&to->wkb);
    e5_buffer_fini(&to->blob);
}

static enum e5_status touch_tables(struct writer *to, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (to->added > 0) status = e5_gpkg_touch(to->db, "track", &to->bounds, err);
    if (status == E5_OK && to->added > 0) status = e5_gpkg_touch(to->db, "track_point", NULL, err);
    if (status == E5_OK && to->linked > 0) status = e5_gpkg_touch(to->db, "track_run", NULL, err);
    return status;
}

enum e5_status e5_tracks_write(struct e5_database *db, const struct e5_tracks *tracks,
                               const struct e5_store_batch *batch, const struct e5_provenance *from,
                               struct e5_watch *watch, struct e5_store_added *out, struct e5_error *err) {
    struct writer to = {.db = db, .tracks = tracks, .batch = batch, .from = from, .bounds.empty = true};
    enum e5_status status = check(tracks, err);
    if (status != E5_OK) return status;
    status = prepare(&to, err);
    for (size_t i = 0; i < tracks->count && status == E5_OK; i++) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = write_one(&to, i, err);
        e5_watch_add(watch, 1);
    }
    if (status == E5_OK) status = touch_tables(&to, err);
    if (status == E5_OK) *out = (struct e5_store_added){to.added, to.known, from->diagnostic};
    finish(&to);
    return status;
}
