#include "drive/fetch_reply.h"

#include "base/clock.h"
#include "drive/fetch_event.h"

enum e5_event e5_reply_failure(const struct e5_exchange *exchange, const struct e5_error *err) {
    if (!e5_exchange_is_temporary(exchange)) return E5_EVENT_PERMANENT;
    return err->status == E5_SERVER ? E5_EVENT_UNREADABLE : E5_EVENT_TEMPORARY;
}

bool e5_reply_is_whole(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_error err = E5_ERROR_NONE;
    if (e5_exchange_outcome(exchange, &err) == E5_OK) return true;
    e5_engine_event(engine, entry, e5_reply_failure(exchange, &err), &err);
    return false;
}

void e5_reply_note_wait(struct e5_engine *engine, const struct e5_exchange *exchange, struct e5_error *err) {
    double seconds = e5_exchange_head(exchange)->retry_after;
    if (err->status != E5_THROTTLED && err->status != E5_SERVER) return;
    err->retry_after = seconds;
    e5_engine_hold(engine, engine->service, seconds);
}

void e5_reply_start(struct e5_engine *engine, struct e5_call *call, struct e5_entry *entry,
                    const struct e5_http_call *what, e5_reply_fn reply) {
    struct e5_error err = E5_ERROR_NONE;
    double until = e5_engine_held_until(engine, what->url);
    if (until > e5_clock_monotonic())
        e5_engine_schedule(engine, entry, until);
    else if (e5_engine_begin_call(engine, call, entry, what, reply, &err) != E5_OK)
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
}

void e5_reply_call(struct e5_engine *engine, struct e5_entry *entry, const struct e5_http_call *what,
                   e5_reply_fn reply) {
    e5_reply_start(engine, &entry->call, entry, what, reply);
}

void e5_reply_ask(struct e5_engine *engine, struct e5_entry *entry, const char *job_id, const char *what,
                  e5_reply_fn reply) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = e5_cds_job_url(engine->service, job_id, what, &url, &err);
    struct e5_http_call call = {.url = url.bytes};
    if (status == E5_OK)
        e5_reply_call(engine, entry, &call, reply);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    e5_buffer_fini(&url);
}
