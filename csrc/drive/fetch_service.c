#include "drive/fetch_service.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define YOUNG 60.0          /* seconds in which a job may be unknown to a lagging replica */
#define LIST_MARGIN 20      /* jobs of other clients that may stand between ours */
#define LIST_MOST 1000
#define TELL_WORKING 3600.0 /* lines about a job that does not end */

static enum e5_event failure_of(const struct e5_exchange *exchange, const struct e5_error *err) {
    if (!e5_exchange_is_temporary(exchange)) return E5_EVENT_PERMANENT;
    return err->status == E5_SERVER ? E5_EVENT_UNREADABLE : E5_EVENT_TEMPORARY;
}

/* The call itself failed, or there is a whole reply: then true. */
static bool has_reply(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_error err = E5_ERROR_NONE;
    if (e5_exchange_outcome(exchange, &err) == E5_OK) return true;
    e5_engine_event(engine, entry, failure_of(exchange, &err), &err);
    return false;
}

/* A wait that the service asks for binds all calls to it. */
static void note_wait(struct e5_engine *engine, struct e5_exchange *exchange, struct e5_error *err) {
    double seconds = e5_exchange_head(exchange)->retry_after;
    if (err->status != E5_THROTTLED && err->status != E5_SERVER) return;
    err->retry_after = seconds;
    e5_engine_hold(engine, engine->service, seconds);
}

static void get(struct e5_engine *engine, struct e5_entry *entry, const char *job_id, const char *what,
                e5_reply_fn reply) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = e5_cds_job_url(engine->service, job_id, what, &url, &err);
    struct e5_http_call call = {.url = url.bytes};
    if (status == E5_OK)
        e5_engine_call(engine, entry, &call, reply);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    e5_buffer_fini(&url);
}

/* Submit. */

static void take_job(struct e5_entry *entry, const char *job_id) {
    e5_text_copy(entry->state.job_id, sizeof entry->state.job_id, job_id);
    entry->state.pending = false;
    entry->unsaved = true;
    entry->job_since = e5_clock_monotonic();
    entry->poll_wait = entry->engine->options->poll_first;
    entry->job_status[0] = '\0';
}

/* Nobody knows whether it arrived, unless it certainly did not. */
static enum e5_event submission_failure(const struct e5_exchange *exchange) {
    if (!e5_exchange_is_temporary(exchange)) return E5_EVENT_PERMANENT;
    return e5_exchange_was_sent(exchange) ? E5_EVENT_LOST : E5_EVENT_TEMPORARY;
}

static void on_submitted(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news = {.error = E5_ERROR_NONE};
    const struct e5_http_head *head = e5_exchange_head(exchange);
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (e5_exchange_outcome(exchange, &news.error) == E5_OK)
        e5_cds_read_submitted(head->status, body->bytes, body->size, head->location, engine->service,
                              entry->item->dataset, &news);
    else
        news.event = submission_failure(exchange);
    entry->state.pending = news.event == E5_EVENT_LOST;
    if (news.event == E5_EVENT_LOST)
        e5_engine_tell(engine, E5_LOG_INFO, "%s: no clear reply to the submission; checking whether the job exists",
                       entry->place.name);
    if (news.event == E5_EVENT_CREATED) {
        take_job(entry, news.job_id);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: job %s submitted", entry->place.name, news.job_id);
    }
    note_wait(engine, exchange, &news.error);
    e5_engine_event(engine, entry, news.event, &news.error);
}

void e5_fetch_submit(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    char *body = NULL;
    enum e5_status status = e5_cds_submit_url(engine->service, entry->item->dataset, &url, &err);
    if (status == E5_OK) status = e5_cds_submit_body(entry->inputs, &body, &err);
    struct e5_http_call call = {.url = url.bytes, .post = body};
    entry->state.pending = true;
    if (status == E5_OK)
        e5_engine_call(engine, entry, &call, on_submitted);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    free(body);
    e5_buffer_fini(&url);
}

/* Look: the newest jobs of the dataset, one by one, until one has our request. */

static bool is_taken(const struct e5_engine *engine, const char *job_id) {
    for (size_t i = 0; i < engine->count; i++)
        if (strcmp(engine->entries[i].state.job_id, job_id) == 0) return true;
    return false;
}

static void look_at_next(struct e5_engine *engine, struct e5_entry *entry);

static void on_candidate(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    const struct e5_buffer *body = e5_exchange_body(exchange);
    const char *job_id = entry->candidates[entry->candidate];
    if (!has_reply(engine, entry, exchange)) return;
    if (e5_exchange_head(exchange)->status == 200 && e5_cds_same_request(body->bytes, body->size, entry->inputs)) {
        take_job(entry, job_id);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: found job %s", entry->place.name, job_id);
        e5_engine_event(engine, entry, E5_EVENT_CREATED, NULL);
        return;
    }
    entry->candidate++;
    look_at_next(engine, entry);
}

static void look_at_next(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->candidate < entry->candidate_count) {
        get(engine, entry, entry->candidates[entry->candidate], "?request=True", on_candidate);
        return;
    }
    struct e5_error err = E5_ERROR_NONE;
    err.status = e5_fail(&err, E5_SERVER, "the reply to the submission was lost");
    e5_engine_event(engine, entry, E5_EVENT_ABSENT, &err);
}

static void keep_candidates(struct e5_engine *engine, struct e5_entry *entry, const json_t *jobs) {
    struct e5_cds_news news;
    size_t i;
    const json_t *job;
    entry->candidate = entry->candidate_count = 0;
    json_array_foreach(jobs, i, job) {
        bool usable =
            e5_cds_read_entry(job, engine->service, &news) &&
            (news.event == E5_EVENT_WORKING || news.event == E5_EVENT_ENDED || news.event == E5_EVENT_LOCATED);
        if (!usable || is_taken(engine, news.job_id) || entry->candidate_count == E5_FETCH_CANDIDATES) continue;
        memcpy(entry->candidates[entry->candidate_count++], news.job_id, sizeof news.job_id);
    }
}

static void on_look(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!has_reply(engine, entry, exchange)) return;
    json_t *jobs = e5_cds_read_list(e5_exchange_head(exchange)->status, body->bytes, body->size, &news);
    if (jobs == NULL) {
        note_wait(engine, exchange, &news.error);
        e5_engine_event(engine, entry, news.event, &news.error);
        return;
    }
    keep_candidates(engine, entry, jobs);
    json_decref(jobs);
    look_at_next(engine, entry);
}

void e5_fetch_look(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    unsigned limit = entry->lane->slots + LIST_MARGIN;
    enum e5_status status = e5_cds_list_url(engine->service, entry->item->dataset, limit, &url, &err);
    struct e5_http_call call = {.url = url.bytes};
    if (status == E5_OK)
        e5_engine_call(engine, entry, &call, on_look);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    e5_buffer_fini(&url);
}

/* Poll and locate: what became of the job. */

static void forget_job(struct e5_entry *entry) {
    entry->state.job_id[0] = '\0';
    entry->own_job = true;
    entry->off_list = false;
    entry->unsaved = true;
}

static void note_status(struct e5_engine *engine, struct e5_entry *entry, const char *word) {
    double now = e5_clock_monotonic();
    if (word[0] == '\0') return;
    if (strcmp(word, entry->job_status) != 0) {
        e5_text_copy(entry->job_status, sizeof entry->job_status, word);
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: status has been updated to %s", entry->state.job_id, word);
        entry->poll_wait = engine->options->poll_first;
        entry->told_at = now;
    } else if (now - entry->told_at > TELL_WORKING) {
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: still %s after %.1f h", entry->state.job_id, word,
                       (now - entry->job_since) / 3600);
        entry->told_at = now;
    }
}

static enum e5_status keep_asset(struct e5_entry *entry, const struct e5_cds_asset *asset, struct e5_error *err) {
    enum e5_status status = entry->asset != NULL ? E5_OK : e5_alloc(1, sizeof *asset, &entry->asset, err);
    if (status == E5_OK) *entry->asset = *asset;
    return status;
}

/* News of a job, from whichever call, become an event. */
static void take_news(struct e5_engine *engine, struct e5_entry *entry, struct e5_cds_news *news) {
    enum e5_event event = news->event;
    note_status(engine, entry, news->status);
    if (event == E5_EVENT_MISSING && e5_clock_monotonic() - entry->job_since < YOUNG * engine->policy.pace)
        event = E5_EVENT_YOUNG;
    if (event == E5_EVENT_LOCATED && keep_asset(entry, &news->asset, &news->error) != E5_OK)
        event = E5_EVENT_PERMANENT;
    e5_error_job(&news->error, entry->state.job_id);
    bool over = event == E5_EVENT_BROKEN || event == E5_EVENT_SHAKY || event == E5_EVENT_CROWDED ||
                event == E5_EVENT_EXPIRED || event == E5_EVENT_MISSING || event == E5_EVENT_DISMISSED;
    if (over) {
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: %s", entry->state.job_id, news->error.what);
        forget_job(entry);
    }
    e5_engine_event(engine, entry, event, &news->error);
}

static void on_status(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!has_reply(engine, entry, exchange)) return;
    e5_cds_read_status(e5_exchange_head(exchange)->status, body->bytes, body->size, &news);
    note_wait(engine, exchange, &news.error);
    take_news(engine, entry, &news);
}

static bool is_listed(const struct e5_entry *entry) {
    return entry->life.stage == E5_STAGE_POLL && !entry->off_list && entry->call.exchange == NULL;
}

static void on_list_failed(struct e5_engine *engine, enum e5_event event, const struct e5_error *err) {
    if (event != E5_EVENT_TEMPORARY && event != E5_EVENT_PERMANENT) event = E5_EVENT_UNREADABLE;
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (is_listed(engine->claimed[i]) && isinf(engine->claimed[i]->due))
            e5_engine_event(engine, engine->claimed[i], event, err);
}

/* Entries that the list does not show any more are asked for one by one from now on. */
static void serve(struct e5_engine *engine, const json_t *jobs, struct e5_entry *entry) {
    struct e5_cds_news news;
    size_t i;
    const json_t *job;
    json_array_foreach(jobs, i, job) {
        if (strcmp(e5_json_text(job, "jobID"), entry->state.job_id) != 0) continue;
        if (!e5_cds_read_entry(job, engine->service, &news)) break;
        take_news(engine, entry, &news);
        return;
    }
    if (!isinf(entry->due)) return; /* not asked for now: it may be newer than the list */
    entry->off_list = true;
    e5_engine_schedule(engine, entry, 0);
}

static void on_list(struct e5_engine *engine, struct e5_entry *nobody, struct e5_exchange *exchange) {
    struct e5_cds_news news = {.error = E5_ERROR_NONE};
    const struct e5_buffer *body = e5_exchange_body(exchange);
    json_t *jobs = NULL;
    (void)nobody;
    if (e5_exchange_outcome(exchange, &news.error) == E5_OK)
        jobs = e5_cds_read_list(e5_exchange_head(exchange)->status, body->bytes, body->size, &news);
    else
        news.event = failure_of(exchange, &news.error);
    if (jobs == NULL) {
        note_wait(engine, exchange, &news.error);
        on_list_failed(engine, news.event, &news.error);
        return;
    }
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (is_listed(engine->claimed[i])) serve(engine, jobs, engine->claimed[i]);
    json_decref(jobs);
}

static unsigned listed_count(const struct e5_engine *engine) {
    unsigned n = 0;
    for (size_t i = 0; i < engine->claimed_count; i++) n += is_listed(engine->claimed[i]);
    return n;
}

/* One call answers for all open jobs; an entry whose list is on its way waits for that. */
void e5_fetch_poll(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_buffer url = {0};
    unsigned listed = listed_count(engine), limit = listed + LIST_MARGIN;
    if (entry->off_list || listed < 2) {
        get(engine, entry, entry->state.job_id, "", on_status);
        return;
    }
    if (engine->list.exchange != NULL) return;
    bool begun = e5_cds_list_url(engine->service, NULL, limit < LIST_MOST ? limit : LIST_MOST, &url, NULL) == E5_OK &&
                 e5_engine_call_list(engine, url.bytes, on_list);
    if (!begun) get(engine, entry, entry->state.job_id, "", on_status); /* put off until the hold is over */
    e5_buffer_fini(&url);
}

static void on_results(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    struct e5_buffer url = {0};
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!has_reply(engine, entry, exchange)) return;
    if (e5_cds_job_url(engine->service, entry->state.job_id, "/results", &url, NULL) != E5_OK) return;
    e5_cds_read_results(e5_exchange_head(exchange)->status, body->bytes, body->size, url.bytes, &news);
    e5_buffer_fini(&url);
    note_wait(engine, exchange, &news.error);
    take_news(engine, entry, &news);
}

void e5_fetch_locate(struct e5_engine *engine, struct e5_entry *entry) {
    get(engine, entry, entry->state.job_id, "/results", on_results);
}
