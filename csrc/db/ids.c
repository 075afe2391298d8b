#include "db/ids.h"

#include <math.h>
#include <string.h>

/* --- parts of a key
 * ------------------------------------------------------------------------------------------------- */

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

static void add_degrees(struct e5_hasher *hasher, double degrees) {
    add_integer(hasher, isfinite(degrees) ? llround(degrees * 1e4) : INT64_MIN);
}

/* −180 and 180 are one meridian. */
static void add_longitude(struct e5_hasher *hasher, double degrees) {
    double folded = e5_grid_fold(degrees);
    add_degrees(hasher, folded == 180 ? -180 : folded);
}

/* --- one key
 * -------------------------------------------------------------------------------------------------------- */

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

/* --- many keys
 * ------------------------------------------------------------------------------------------------------ */

enum e5_status e5_hasher_init(struct e5_hasher *hasher, const struct e5_key *diagnostic, struct e5_error *err) {
    hasher->diagnostic = diagnostic;
    hasher->filled = 0;
    return e5_digest_init(&hasher->digest, E5_SHA256, err);
}

void e5_hasher_fini(struct e5_hasher *hasher) { e5_digest_fini(&hasher->digest); }

static enum e5_status finish_one(struct e5_hasher *hasher, struct e5_key *out, struct e5_error *err) {
    flush(hasher);
    e5_digest_hex(&hasher->digest, out->hex);
    return e5_digest_restart(&hasher->digest, err);
}

static void add_run(struct e5_hasher *hasher, const struct e5_events *events, const struct e5_run *run) {
    const struct e5_grid *grid = &events->grid;
    add_integer(hasher, events->seconds[run->time]);
    add_degrees(hasher, grid->latitude[run->row]);
    add_longitude(hasher, grid->longitude[run->first]);
    add_longitude(hasher, grid->longitude[run->first + run->count - 1]);
    add_integer(hasher, run->count);
}

enum e5_status e5_event_key(struct e5_hasher *hasher, const struct e5_events *events, size_t index,
                            struct e5_key *out, struct e5_error *err) {
    const struct e5_event *event = &events->event[index];
    add_text(hasher, "event 1");
    add_key(hasher, hasher->diagnostic);
    add_text(hasher, e5_calendar_name(events->calendar));
    add_integer(hasher, event->start_seconds);
    add_integer(hasher, event->end_seconds);
    for (size_t i = 0; i < event->runs; i++) add_run(hasher, events, &events->run[event->first_run + i]);
    return finish_one(hasher, out, err);
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
