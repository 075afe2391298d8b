#include "drive/fetch_look.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_event.h"
#include "drive/fetch_reply.h"

#define MARGIN 20 /* jobs of other clients that may stand between ours */
#define DOUBT 5.0 /* seconds by which the clocks of the service may differ among each other */
#define MOST 24   /* jobs compared with a lost submission */

struct e5_candidates {
    char ids[MOST][E5_CDS_ID_SIZE];
    unsigned count, at; /* those before `at` have another request */
};

static bool is_taken(const struct e5_engine *engine, const struct e5_entry *entry, const char *job_id) {
    if (strcmp(entry->lost_id, job_id) == 0) return true;
    for (size_t i = 0; i < engine->count; i++)
        if (strcmp(engine->entries[i].job_id, job_id) == 0) return true;
    return false;
}

static bool is_known(const struct e5_candidates *candidates, const char *job_id) {
    for (unsigned i = 0; i < candidates->count; i++)
        if (strcmp(candidates->ids[i], job_id) == 0) return true;
    return false;
}

static bool has_our_request(const struct e5_entry *entry, const struct e5_buffer *body, bool *is_told) {
    json_t *inputs = NULL;
    const char *request = entry->item->request;
    *is_told = false;
    bool same = e5_json_parse(request, strlen(request), E5_INPUT, &inputs, NULL) == E5_OK &&
                e5_cds_same_request(body->bytes, body->size, inputs, is_told);
    json_decref(inputs);
    return same;
}

/* Nothing was learnt: it is asked again, and is no look in vain. */
static void not_answered(struct e5_engine *engine, struct e5_entry *entry, const struct e5_exchange *exchange,
                         struct e5_cds_news *news) {
    e5_reply_note_wait(engine, exchange, &news->error);
    e5_engine_event(engine, entry, news->event, &news->error);
}

static void look_at_next(struct e5_engine *engine, struct e5_entry *entry);

/* One of which a replica that lags does not know, or tell, the request is to be compared in the next look. */
static void drop_candidate(struct e5_candidates *candidates) {
    unsigned left = --candidates->count - candidates->at;
    memmove(candidates->ids[candidates->at], candidates->ids[candidates->at + 1], left * E5_CDS_ID_SIZE);
}

static void on_candidate(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    struct e5_candidates *candidates = entry->candidates;
    const char *job_id = candidates->ids[candidates->at];
    int status = e5_exchange_head(exchange)->status;
    bool is_told = false;
    if (!e5_reply_is_whole(engine, entry, exchange)) return;
    e5_cds_read_status(status, body->bytes, body->size, &news);
    if (!news.has_status && status != 404) {
        not_answered(engine, entry, exchange, &news);
        return;
    }
    if (news.has_status && has_our_request(entry, body, &is_told)) {
        e5_fetch_take_job(entry, job_id);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: found job %s", e5_entry_name(entry), job_id);
        e5_engine_event(engine, entry, E5_EVENT_CREATED, NULL);
        return;
    }
    if (is_told)
        candidates->at++;
    else
        drop_candidate(candidates);
    look_at_next(engine, entry);
}

static void look_at_next(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_candidates *candidates = entry->candidates;
    struct e5_error err = E5_ERROR_NONE;
    if (candidates->at < candidates->count) {
        e5_reply_ask(engine, entry, candidates->ids[candidates->at], "?request=True", on_candidate);
        return;
    }
    entry->has_looked = true;
    err.status = e5_fail(&err, E5_SERVER, "the reply to the submission was lost");
    e5_engine_event(engine, entry, E5_EVENT_ABSENT, &err);
}

/* Room for another one.  The oldest job goes: of those compared, the list comes to it last. */
static void forget_compared(struct e5_candidates *candidates) {
    candidates->at--;
    drop_candidate(candidates);
}

/* Where a new job is wanted, an earlier one of an equal request does not serve.  `now` is the service's clock, which
 * alone tells the age of a job; 0: not known. */
static bool is_too_old(const struct e5_entry *entry, const struct e5_cds_news *news, double now) {
    if (!entry->wants_new || news->created <= 0 || now <= 0 || entry->asked <= 0) return false;
    return now - news->created > e5_clock_monotonic() - entry->asked + DOUBT;
}

static void keep_candidates(struct e5_engine *engine, const struct e5_entry *entry, const json_t *jobs, double now) {
    struct e5_candidates *candidates = entry->candidates;
    struct e5_cds_news news;
    size_t i;
    const json_t *job;
    json_array_foreach(jobs, i, job) {
        bool usable =
            e5_cds_read_entry(job, engine->service, &news) &&
            (news.event == E5_EVENT_WORKING || news.event == E5_EVENT_ENDED || news.event == E5_EVENT_LOCATED);
        if (!usable || is_too_old(entry, &news, now)) continue;
        if (is_taken(engine, entry, news.job_id) || is_known(candidates, news.job_id)) continue;
        if (candidates->count == MOST && candidates->at == 0) break;
        if (candidates->count == MOST) forget_compared(candidates);
        memcpy(candidates->ids[candidates->count++], news.job_id, sizeof news.job_id);
    }
}

static void on_look(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!e5_reply_is_whole(engine, entry, exchange)) return;
    json_t *jobs = e5_cds_read_list(e5_exchange_head(exchange)->status, body->bytes, body->size, &news);
    if (jobs == NULL) {
        not_answered(engine, entry, exchange, &news);
        return;
    }
    keep_candidates(engine, entry, jobs, e5_exchange_head(exchange)->date);
    json_decref(jobs);
    look_at_next(engine, entry);
}

void e5_fetch_look(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    unsigned limit = entry->lane->queued + MARGIN;
    enum e5_status status = e5_cds_list_url(engine->service, entry->item->dataset, limit, &url, &err);
    if (status == E5_OK && entry->candidates == NULL)
        status = e5_alloc(1, sizeof *entry->candidates, &entry->candidates, &err);
    struct e5_http_call call = {.url = url.bytes};
    if (status == E5_OK)
        e5_reply_call(engine, entry, &call, on_look);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    e5_buffer_fini(&url);
}
