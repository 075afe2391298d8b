#include "drive/fetch_engine.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

void e5_engine_mask(const struct e5_engine *engine, char *text) {
    const char *key = engine->options->key;
    size_t length = key != NULL ? strlen(key) : 0;
    if (length < 4) return;
    for (char *found = strstr(text, key); found != NULL; found = strstr(found + 3, key)) {
        memcpy(found, "***", 3);
        memmove(found + 3, found + length, strlen(found + length) + 1);
    }
}

void e5_engine_tell(const struct e5_engine *engine, enum e5_log_level level, const char *format, ...) {
    char line[E5_LOG_LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    e5_engine_mask(engine, line);
    e5_log(level, "%s", line);
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

void e5_engine_take_slot(struct e5_entry *entry) {
    if (!entry->has_slot) entry->lane->open++;
    entry->has_slot = true;
}

void e5_engine_drop_slot(struct e5_entry *entry) {
    if (entry->has_slot) entry->lane->open--;
    entry->has_slot = false;
    if (entry->lane->submitter == entry) entry->lane->submitter = NULL;
    e5_engine_unblock_all(entry->engine);
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

bool e5_engine_call_list(struct e5_engine *engine, const char *url, e5_reply_fn reply) {
    struct e5_http_call call = {.url = url, .owner = &engine->list};
    if (engine->list.exchange != NULL || e5_engine_held_until(engine, url) > e5_clock_monotonic()) return false;
    engine->list.reply = reply;
    enum e5_status status = e5_http_start(engine->http, &call, &engine->list.exchange, &engine->error);
    if (status != E5_OK) engine->error.status = status;
    return status == E5_OK;
}

/* Disk tasks: whatever waits for the disk runs in a thread of its own, so that the loop never does. */

static enum e5_status run_task(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct e5_entry *entry = context;
    struct e5_http *http = entry->engine->http;
    enum e5_status status = entry->task(entry, watch, err);
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
