#include "db/ids.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- parts of a key --- */

static void flush(struct e5_hasher *hasher) {
    e5_digest_add(&hasher->digest, hasher->bytes, hasher->filled);
    hasher->filled = 0;
}

static void add_integer(struct e5_hasher *hasher, int64_t number) {
    if (hasher->filled + 8 > sizeof hasher->bytes) flush(hasher);
    unsigned char *to = hasher->bytes + hasher->filled;
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)((uint64_t)number >> (8 * i));
    hasher->filled += 8;
}

static void add_text(struct e5_hasher *hasher, const char *text) {
    size_t length = strlen(text);
    add_integer(hasher, (int64_t)length);
    if (hasher->filled + length > sizeof hasher->bytes) flush(hasher);
    if (length > sizeof hasher->bytes) {
        e5_digest_add(&hasher->digest, text, length);
        return;
    }
    memcpy(hasher->bytes + hasher->filled, text, length);
    hasher->filled += length;
}

static void add_key(struct e5_hasher *hasher, const struct e5_key *key) { add_text(hasher, key->hex); }

static int64_t degrees_of(double degrees) { return isfinite(degrees) ? llround(degrees * 1e4) : INT64_MIN; }

/* −180 and 180 are one meridian. */
static int64_t longitude_of(double degrees) {
    int64_t folded = degrees_of(e5_grid_fold(degrees));
    return folded == 1800000 ? -1800000 : folded;
}

static void add_degrees(struct e5_hasher *hasher, double degrees) { add_integer(hasher, degrees_of(degrees)); }

static void add_longitude(struct e5_hasher *hasher, double degrees) { add_integer(hasher, longitude_of(degrees)); }

/* --- one key --- */

static enum e5_status begin(struct e5_hasher *hasher, const char *tag, struct e5_error *err) {
    hasher->filled = 0;
    enum e5_status status = e5_digest_init(&hasher->digest, E5_SHA256, err);
    if (status == E5_OK) add_text(hasher, tag);
    return status;
}

static enum e5_status finish(struct e5_hasher *hasher, struct e5_key *out) {
    flush(hasher);
    e5_digest_hex(&hasher->digest, out->hex);
    e5_digest_fini(&hasher->digest);
    return E5_OK;
}

enum e5_status e5_diagnostic_key(const struct e5_store_batch *batch, struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "diagnostic 1", err);
    if (status != E5_OK) return status;
    add_text(&hasher, batch->kind);
    add_text(&hasher, batch->variable);
    add_text(&hasher, batch->definition);
    return finish(&hasher, out);
}

enum e5_status e5_dataset_key(const struct e5_store_source *source, struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "dataset 1", err);
    if (status != E5_OK) return status;
    add_integer(&hasher, source->size);
    add_text(&hasher, source->checksum);
    if (source->checksum[0] == '\0') {
        add_text(&hasher, source->path);
        add_text(&hasher, source->request);
    }
    return finish(&hasher, out);
}

enum e5_status e5_download_key(const struct e5_store_download *download, struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "download 1", err);
    if (status != E5_OK) return status;
    add_text(&hasher, download->service);
    add_text(&hasher, download->job);
    add_text(&hasher, download->request);
    add_integer(&hasher, download->size);
    add_text(&hasher, download->checksum);
    return finish(&hasher, out);
}

enum e5_status e5_grid_key(const struct e5_grid *grid, struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "grid 1", err);
    if (status != E5_OK) return status;
    add_integer(&hasher, (int64_t)grid->rows);
    for (size_t i = 0; i < grid->rows; i++) add_degrees(&hasher, grid->latitude[i]);
    add_integer(&hasher, (int64_t)grid->columns);
    for (size_t i = 0; i < grid->columns; i++) add_longitude(&hasher, grid->longitude[i]);
    return finish(&hasher, out);
}

enum e5_status e5_run_key(const struct e5_key *diagnostic, const char *program, const struct e5_key *datasets,
                          size_t n, struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "run 1", err);
    if (status != E5_OK) return status;
    add_key(&hasher, diagnostic);
    add_text(&hasher, program);
    for (size_t i = 0; i < n; i++) add_key(&hasher, &datasets[i]);
    return finish(&hasher, out);
}

enum e5_status e5_span_key(const struct e5_key *run, const struct e5_key *grid, const struct e5_events *events,
                           struct e5_key *out, struct e5_error *err) {
    struct e5_hasher hasher;
    enum e5_status status = begin(&hasher, "run 2", err);
    if (status != E5_OK) return status;
    add_key(&hasher, run);
    add_key(&hasher, grid);
    add_text(&hasher, e5_calendar_name(events->calendar));
    add_integer(&hasher, (int64_t)events->steps);
    if (events->steps > 0) {
        add_integer(&hasher, events->seconds[0]);
        add_integer(&hasher, events->seconds[events->steps - 1]);
    }
    return finish(&hasher, out);
}

/* --- many keys --- */

enum e5_status e5_hasher_init(struct e5_hasher *hasher, const struct e5_key *diagnostic, struct e5_error *err) {
    *hasher = (struct e5_hasher){.diagnostic = diagnostic};
    return e5_digest_init(&hasher->digest, E5_SHA256, err);
}

void e5_hasher_fini(struct e5_hasher *hasher) {
    e5_digest_fini(&hasher->digest);
    free(hasher->arc);
    hasher->arc = NULL;
    hasher->arcs = 0;
}

static enum e5_status finish_one(struct e5_hasher *hasher, struct e5_key *out, struct e5_error *err) {
    flush(hasher);
    e5_digest_hex(&hasher->digest, out->hex);
    return e5_digest_restart(&hasher->digest, err);
}

static void begin_event(struct e5_hasher *hasher, const char *tag, const struct e5_events *events, size_t index) {
    add_text(hasher, tag);
    add_key(hasher, hasher->diagnostic);
    add_text(hasher, e5_calendar_name(events->calendar));
    add_integer(hasher, events->event[index].start_seconds);
    add_integer(hasher, events->event[index].end_seconds);
}

static void add_run(struct e5_hasher *hasher, const struct e5_events *events, const struct e5_run *run) {
    const struct e5_grid *grid = &events->grid;
    add_integer(hasher, events->seconds[run->time]);
    add_degrees(hasher, grid->latitude[run->row]);
    add_longitude(hasher, grid->longitude[run->first]);
    add_longitude(hasher, grid->longitude[run->first + run->count - 1]);
    add_integer(hasher, run->count);
}

enum e5_status e5_event_key_1(struct e5_hasher *hasher, const struct e5_events *events, size_t index,
                              struct e5_key *out, struct e5_error *err) {
    const struct e5_event *event = &events->event[index];
    begin_event(hasher, "event 1", events, index);
    for (size_t i = 0; i < event->runs; i++) add_run(hasher, events, &events->run[event->first_run + i]);
    return finish_one(hasher, out, err);
}

/* --- cells as they lie on the globe, however the file turns them --- */

static int32_t column_round(const struct e5_grid *grid, int32_t column) {
    return column < (int32_t)grid->columns ? column : column - (int32_t)grid->columns;
}

/* A circle has no end: it is said to begin at its westernmost longitude. */
static int32_t westernmost(const struct e5_grid *grid) {
    size_t found = 0;
    for (size_t i = 1; i < grid->columns; i++)
        if (longitude_of(grid->longitude[i]) < longitude_of(grid->longitude[found])) found = i;
    return (int32_t)found;
}

static struct e5_arc arc_of(const struct e5_grid *grid, int32_t row, int32_t first, int32_t count) {
    if (grid->periodic && count == (int32_t)grid->columns) first = westernmost(grid);
    return (struct e5_arc){.latitude = degrees_of(grid->latitude[row]),
                           .west = longitude_of(grid->longitude[first]),
                           .east = longitude_of(grid->longitude[column_round(grid, first + count - 1)]),
                           .count = count};
}

static int from_south_west(const void *a, const void *b) {
    const struct e5_arc *one = a, *other = b;
    if (one->latitude != other->latitude) return one->latitude < other->latitude ? -1 : 1;
    return (one->west > other->west) - (one->west < other->west);
}

/* The runs of one row make arcs; those on both sides of the seam of the file are one. */
static size_t make_arcs(const struct e5_grid *grid, const struct e5_run *run, size_t runs, struct e5_arc *arc) {
    const struct e5_run *last = &run[runs - 1];
    bool joined =
        grid->periodic && runs > 1 && run->first == 0 && last->first + last->count == (int32_t)grid->columns;
    size_t n = 0;
    for (size_t i = joined; i < runs; i++) {
        int32_t count = run[i].count + (joined && i + 1 == runs ? run->count : 0);
        arc[n++] = arc_of(grid, run[i].row, run[i].first, count);
    }
    return n;
}

static enum e5_status reserve_arcs(struct e5_hasher *hasher, size_t arcs, struct e5_error *err) {
    if (arcs <= hasher->arcs) return E5_OK;
    size_t more = arcs > 2 * hasher->arcs ? arcs : 2 * hasher->arcs;
    enum e5_status status = e5_grow(hasher->arcs, more, sizeof *hasher->arc, &hasher->arc, err);
    if (status == E5_OK) hasher->arcs = more;
    return status;
}

/* The runs of one step. */
static enum e5_status add_step(struct e5_hasher *hasher, const struct e5_events *events, const struct e5_run *run,
                               size_t runs, struct e5_error *err) {
    enum e5_status status = reserve_arcs(hasher, runs, err);
    if (status != E5_OK) return status;
    size_t arcs = 0;
    for (size_t i = 0, end; i < runs; i = end) {
        for (end = i + 1; end < runs && run[end].row == run[i].row;) end++;
        arcs += make_arcs(&events->grid, &run[i], end - i, hasher->arc + arcs);
    }
    qsort(hasher->arc, arcs, sizeof *hasher->arc, from_south_west);
    for (size_t i = 0; i < arcs; i++) {
        const struct e5_arc *arc = &hasher->arc[i];
        add_integer(hasher, events->seconds[run->time]);
        add_integer(hasher, arc->latitude);
        add_integer(hasher, arc->west);
        add_integer(hasher, arc->east);
        add_integer(hasher, arc->count);
    }
    return E5_OK;
}

enum e5_status e5_event_key(struct e5_hasher *hasher, const struct e5_events *events, size_t index,
                            struct e5_key *out, struct e5_error *err) {
    const struct e5_event *event = &events->event[index];
    const struct e5_run *run = events->run + event->first_run;
    enum e5_status status = E5_OK;
    begin_event(hasher, "event 2", events, index);
    for (size_t i = 0, end; i < event->runs && status == E5_OK; i = end) {
        for (end = i + 1; end < event->runs && run[end].time == run[i].time;) end++;
        status = add_step(hasher, events, &run[i], end - i, err);
    }
    return status == E5_OK ? finish_one(hasher, out, err) : status;
}

static void add_value(struct e5_hasher *hasher, double value) {
    int64_t bits = INT64_MIN;
    if (!isnan(value)) memcpy(&bits, &value, sizeof bits);
    add_integer(hasher, bits);
}

enum e5_status e5_track_key(struct e5_hasher *hasher, const struct e5_tracks *tracks, size_t index,
                            struct e5_key *out, struct e5_error *err) {
    add_text(hasher, "track 1");
    add_key(hasher, hasher->diagnostic);
    add_text(hasher, e5_calendar_name(tracks->calendar));
    add_integer(hasher, tracks->first[index + 1] - tracks->first[index]);
    for (int64_t i = tracks->first[index]; i < tracks->first[index + 1]; i++) {
        add_integer(hasher, tracks->seconds[i]);
        add_degrees(hasher, tracks->latitude[i]);
        add_longitude(hasher, tracks->longitude[i]);
        add_value(hasher, tracks->value[i]);
    }
    return finish_one(hasher, out, err);
}
