#include "drive/fetch_engine.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/token.h"

void e5_engine_tell(const struct e5_engine *engine, enum e5_log_level level, const char *format, ...) {
    char line[E5_LOG_LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    e5_token_mask(engine->options->http.key, line);
    e5_log(level, "%s", line);
}

const char *e5_entry_name(const struct e5_entry *entry) {
    const struct e5_fetch_item *item = entry->item;
    const char *last = item->target != NULL ? strrchr(item->target, '/') : NULL;
    if (item->target != NULL) return last != NULL ? last + 1 : item->target;
    return item->dataset != NULL ? item->dataset : entry->job_id;
}

void e5_engine_schedule(struct e5_engine *engine, struct e5_entry *entry, double due) {
    entry->is_blocked = false;
    entry->due = due;
    enum e5_status status = e5_queue_put(&engine->queue, due, entry, &engine->error);
    if (status != E5_OK) engine->error.status = status;
}

void e5_engine_block(struct e5_entry *entry) { entry->is_blocked = true; }

void e5_engine_unblock_all(struct e5_engine *engine) {
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (engine->claimed[i]->is_blocked) e5_engine_schedule(engine, engine->claimed[i], 0);
}

/* Holds: a host that names a wait is left alone by everybody. */

static struct e5_hold *find_hold(struct e5_engine *engine, const char *host) {
    for (size_t i = 0; i < engine->hold_count; i++)
        if (strcmp(engine->holds[i].host, host) == 0) return &engine->holds[i];
    return NULL;
}

double e5_engine_held_until(struct e5_engine *engine, const char *url) {
    struct e5_url parts;
    if (engine->hold_count == 0 || e5_url_parse(url, &parts, NULL) != E5_OK) return 0;
    const struct e5_hold *hold = find_hold(engine, parts.host);
    return hold != NULL ? hold->until : 0;
}

void e5_engine_hold(struct e5_engine *engine, const char *url, double seconds) {
    struct e5_url parts;
    if (seconds <= 0 || e5_url_parse(url, &parts, NULL) != E5_OK) return;
    struct e5_hold *hold = find_hold(engine, parts.host);
    if (hold == NULL) {
        size_t n = engine->hold_count;
        if (e5_grow(n, n + 1, sizeof *engine->holds, &engine->holds, NULL) != E5_OK) return;
        hold = &engine->holds[engine->hold_count++];
        e5_text_copy(hold->host, sizeof hold->host, parts.host);
    }
    hold->until = fmax(hold->until, e5_clock_monotonic() + seconds);
    e5_engine_tell(engine, E5_LOG_INFO, "%s asks to wait %.0f s", hold->host, seconds);
}

/* Calls. */

static void link_call(struct e5_engine *engine, struct e5_call *call) {
    call->previous = NULL;
    call->next = engine->calls;
    if (call->next != NULL) call->next->previous = call;
    engine->calls = call;
}

struct e5_exchange *e5_engine_end_call(struct e5_engine *engine, struct e5_call *call) {
    struct e5_exchange *exchange = call->exchange;
    if (exchange == NULL) return NULL;
    if (call->next != NULL) call->next->previous = call->previous;
    *(call->previous != NULL ? &call->previous->next : &engine->calls) = call->next;
    call->exchange = NULL;
    return exchange;
}

void e5_engine_drop_call(struct e5_engine *engine, struct e5_call *call) {
    e5_http_drop(engine->http, e5_engine_end_call(engine, call));
}

enum e5_status e5_engine_begin_call(struct e5_engine *engine, struct e5_call *call, struct e5_entry *entry,
                                    const struct e5_http_call *what, e5_reply_fn reply, struct e5_error *err) {
    struct e5_http_call owned = *what;
    owned.owner = call;
    call->entry = entry;
    call->reply = reply;
    enum e5_status status = e5_http_start(engine->http, &owned, &call->exchange, err);
    if (status == E5_OK)
        link_call(engine, call);
    else
        call->exchange = NULL;
    return status;
}

bool e5_engine_start_common(struct e5_engine *engine, struct e5_call *call, const struct e5_http_call *what,
                            e5_reply_fn reply) {
    if (e5_engine_held_until(engine, what->url) > e5_clock_monotonic()) return false;
    enum e5_status status = e5_engine_begin_call(engine, call, NULL, what, reply, &engine->error);
    if (status != E5_OK) engine->error.status = status;
    return status == E5_OK;
}

void e5_engine_take_replies(struct e5_engine *engine) {
    struct e5_exchange *exchange;
    while ((exchange = e5_http_ended(engine->http)) != NULL) {
        struct e5_call *call = e5_exchange_owner(exchange);
        e5_engine_end_call(engine, call);
        call->reply(engine, call->entry, exchange);
        e5_http_drop(engine->http, exchange);
    }
}

/* Disk tasks: whatever waits for the disk runs in a thread of its own, so that the loop never does. */

static enum e5_status run_task(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct e5_entry *entry = context;
    struct e5_http *http = entry->engine->http;
    e5_journal_heed(watch);
    enum e5_status status = entry->task(entry, watch, err);
    e5_journal_heed(NULL); /* the thread goes on to other jobs */
    atomic_store(&entry->task_over, true);
    e5_http_wake(http);
    return status;
}

void e5_engine_disk(struct e5_engine *engine, struct e5_entry *entry, e5_disk_fn task, e5_disk_over_fn over) {
    struct e5_error err = E5_ERROR_NONE;
    entry->task = task;
    entry->over = over;
    atomic_store(&entry->task_over, false);
    if (e5_job_start(run_task, entry, &entry->job, &err) == E5_OK) return;
    entry->job = NULL;
    over(engine, entry, &err);
}

void e5_engine_finish_disk(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_job *job = entry->job;
    err.status = e5_job_finish(job, &err);
    entry->job = NULL;
    entry->over(engine, entry, &err);
    if (entry->is_deferred && entry->job == NULL) e5_engine_schedule(engine, entry, 0);
}
