#include "db/ids.h"

#include <math.h>
#include <string.h>

static void add_integer(struct e5_digest *digest, int64_t number) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    e5_digest_add(digest, bytes, sizeof bytes);
}

static void add_text(struct e5_digest *digest, const char *text) {
    size_t length = strlen(text);
    add_integer(digest, (int64_t)length);
    e5_digest_add(digest, text, length);
}

static void add_degrees(struct e5_digest *digest, double degrees) {
    add_integer(digest, isfinite(degrees) ? llround(degrees * 1e4) : INT64_MIN);
}

/* −180 and 180 are one meridian. */
static void add_longitude(struct e5_digest *digest, double degrees) {
    double folded = e5_grid_fold(degrees);
    add_degrees(digest, folded == 180 ? -180 : folded);
}

static enum e5_status begin(struct e5_digest *digest, const char *tag, struct e5_error *err) {
    enum e5_status status = e5_digest_init(digest, E5_SHA256, err);
    if (status == E5_OK) add_text(digest, tag);
    return status;
}

static enum e5_status finish(struct e5_digest *digest, struct e5_key *out) {
    e5_digest_hex(digest, out->hex);
    e5_digest_fini(digest);
    return E5_OK;
}

enum e5_status e5_diagnostic_key(const struct e5_store_batch *batch, struct e5_key *out, struct e5_error *err) {
    struct e5_digest digest;
    enum e5_status status = begin(&digest, "diagnostic 1", err);
    if (status != E5_OK) return status;
    add_text(&digest, batch->kind);
    add_text(&digest, batch->variable);
    add_text(&digest, batch->definition);
    return finish(&digest, out);
}

enum e5_status e5_dataset_key(const struct e5_store_source *source, struct e5_key *out, struct e5_error *err) {
    struct e5_digest digest;
    enum e5_status status = begin(&digest, "dataset 1", err);
    if (status != E5_OK) return status;
    add_integer(&digest, source->size);
    add_text(&digest, source->checksum);
    if (source->checksum[0] == '\0') {
        add_text(&digest, source->path);
        add_text(&digest, source->request);
    }
    return finish(&digest, out);
}

enum e5_status e5_run_key(const struct e5_key *diagnostic, const char *program, const struct e5_key *datasets,
                          size_t n, struct e5_key *out, struct e5_error *err) {
    struct e5_digest digest;
    enum e5_status status = begin(&digest, "run 1", err);
    if (status != E5_OK) return status;
    add_text(&digest, diagnostic->hex);
    add_text(&digest, program);
    for (size_t i = 0; i < n; i++) add_text(&digest, datasets[i].hex);
    return finish(&digest, out);
}

static void add_run(struct e5_digest *digest, const struct e5_events *events, const struct e5_run *run) {
    const struct e5_grid *grid = &events->grid;
    add_integer(digest, events->seconds[run->time]);
    add_degrees(digest, grid->latitude[run->row]);
    add_longitude(digest, grid->longitude[run->first]);
    add_longitude(digest, grid->longitude[run->first + run->count - 1]);
    add_integer(digest, run->count);
}

enum e5_status e5_event_key(const struct e5_key *diagnostic, const struct e5_events *events, size_t index,
                            struct e5_key *out, struct e5_error *err) {
    const struct e5_event *event = &events->event[index];
    struct e5_digest digest;
    enum e5_status status = begin(&digest, "event 1", err);
    if (status != E5_OK) return status;
    add_text(&digest, diagnostic->hex);
    add_text(&digest, e5_calendar_name(events->calendar));
    add_integer(&digest, event->start_seconds);
    add_integer(&digest, event->end_seconds);
    for (size_t i = 0; i < event->runs; i++) add_run(&digest, events, &events->run[event->first_run + i]);
    return finish(&digest, out);
}
