#include "base/watch.h"

void e5_watch_cancel(struct e5_watch *watch) {
    if (watch != NULL) atomic_store_explicit(&watch->cancel, true, memory_order_release);
}

bool e5_watch_cancelled(const struct e5_watch *watch) {
    return watch != NULL && atomic_load_explicit(&watch->cancel, memory_order_acquire);
}

enum e5_status e5_watch_check(const struct e5_watch *watch, struct e5_error *err) {
    return e5_watch_cancelled(watch) ? e5_fail(err, E5_CANCELLED, "cancelled") : E5_OK;
}

void e5_watch_add(struct e5_watch *watch, int64_t done) {
    if (watch != NULL) atomic_fetch_add_explicit(&watch->done, done, memory_order_relaxed);
}

void e5_watch_expect(struct e5_watch *watch, int64_t total) {
    if (watch != NULL) atomic_store_explicit(&watch->total, total, memory_order_relaxed);
}

void e5_watch_count(struct e5_watch *watch, enum e5_watch_count which, unsigned value) {
    if (watch != NULL) atomic_store_explicit(&watch->counts[which], value, memory_order_relaxed);
}

void e5_watch_stage(struct e5_watch *watch, const char *static_text) {
    if (watch != NULL) atomic_store_explicit(&watch->stage, static_text, memory_order_release);
}
