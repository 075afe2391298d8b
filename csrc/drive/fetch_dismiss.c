#include "drive/fetch_dismiss.h"

#include <stdlib.h>

#include "base/clock.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_memory.h"

#define LONGEST 0.7 /* seconds: whoever cancels wants to go */
#define STEP 0.05

/* A job that waits or runs, as far as is known. */
static bool is_open(const struct e5_entry *entry) {
    enum e5_cds_state state = e5_cds_state_of(entry->job_status);
    bool ended = state == E5_CDS_SUCCESSFUL || state == E5_CDS_FAILED || state == E5_CDS_REJECTED;
    bool at_service = entry->is_claimed && (entry->is_queued || entry->life.stage <= E5_STAGE_POLL);
    return entry->job_id[0] != '\0' && at_service && !ended;
}

static json_t *list_jobs(const struct e5_engine *engine) {
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < engine->count; i++)
        if (is_open(&engine->entries[i])) json_array_append_new(list, json_string(engine->entries[i].job_id));
    return list;
}

static void not_dismissed(const struct e5_engine *engine) {
    e5_engine_tell(engine, E5_LOG_WARNING, "the jobs could not be dismissed; they go on at the service");
}

static void on_dismissed(struct e5_engine *engine, struct e5_entry *nobody, struct e5_exchange *exchange) {
    (void)nobody;
    int status = e5_exchange_outcome(exchange, NULL) == E5_OK ? e5_exchange_head(exchange)->status : 0;
    if (status < 200 || status > 299) {
        not_dismissed(engine);
        return;
    }
    unsigned n = 0;
    for (size_t i = 0; i < engine->count; i++) {
        struct e5_entry *entry = &engine->entries[i];
        if (!is_open(entry)) continue;
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: dismissed", entry->job_id);
        e5_memory_note_status(engine, entry->job_id, "dismissed");
        e5_fetch_forget_job(entry);
        n++;
    }
    e5_engine_tell(engine, E5_LOG_WARNING, "%u job%s dismissed at the service", n, n == 1 ? " was" : "s were");
}

static void send(struct e5_engine *engine, const char *body) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_call call = {0};
    double until = e5_clock_monotonic() + LONGEST;
    enum e5_status status = e5_cds_delete_url(engine->service, &url, &err);
    struct e5_http_call what = {.url = url.bytes, .post = body};
    if (status == E5_OK && e5_engine_start_common(engine, &call, &what, on_dismissed)) {
        while (call.exchange != NULL && status == E5_OK && e5_clock_monotonic() < until) {
            status = e5_http_step(engine->http, STEP, &err);
            e5_engine_take_replies(engine);
        }
        if (call.exchange != NULL) not_dismissed(engine);
    } else {
        not_dismissed(engine);
    }
    e5_engine_drop_call(engine, &call);
    e5_buffer_fini(&url);
}

void e5_dismiss(struct e5_engine *engine) {
    json_t *list = list_jobs(engine);
    json_t *object = json_array_size(list) > 0 ? json_pack("{s:O}", "job_ids", list) : NULL;
    char *body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (body != NULL) send(engine, body);
    free(body);
    json_decref(object);
    json_decref(list);
}
