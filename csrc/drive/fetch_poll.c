#include "drive/fetch_poll.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "drive/fetch_event.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_memory.h"
#include "drive/fetch_news.h"
#include "drive/fetch_reply.h"

#define MARGIN 20      /* jobs of other clients that may stand between ours */
#define PAGE_MOST 1000 /* jobs in one reply */
#define PAGES_MOST 10
#define UNREADABLE 3   /* lists in a row, then every job is asked for alone */
#define SHORTEST 1e-3

/* Who is served by the list. */

static bool is_listed(const struct e5_entry *entry) {
    return entry->life.stage == E5_STAGE_POLL && !entry->is_off_list && entry->call.exchange == NULL;
}

/* Its goal is reached, but it takes room in the queue. */
static bool is_late(const struct e5_entry *entry) { return entry->is_ended && entry->is_queued; }

static bool waits_for_others(const struct e5_entry *entry) {
    const struct e5_lane *lane = entry->lane;
    return entry->life.stage == E5_STAGE_INTEND && entry->is_blocked &&
           (lane->queued > 0 || lane->foreign > 0 || lane->is_full);
}

static bool is_wanted(const struct e5_engine *engine) {
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (is_listed(engine->claimed[i]) || waits_for_others(engine->claimed[i])) return true;
    return false;
}

static void count_jobs(struct e5_engine *engine) {
    struct e5_poller *poller = &engine->poller;
    struct e5_pacer_view *view = &poller->view;
    double now = e5_clock_monotonic();
    view->queued = view->waiting = 0;
    view->chance = 0;
    view->newest = poller->newest;
    for (size_t i = 0; i < engine->lane_count; i++) {
        view->queued += engine->lanes[i].queued;
        view->waiting += engine->lanes[i].unclaimed;
    }
    for (size_t i = 0; i < engine->claimed_count; i++) {
        const struct e5_entry *entry = engine->claimed[i];
        view->waiting += entry->life.stage == E5_STAGE_INTEND;
        if (!is_listed(entry) || entry->running_since <= 0) continue;
        view->chance += e5_pacer_chance(&poller->pacer, &poller->policy, now - entry->running_since);
    }
}

/* The reply. */

static void off_list(struct e5_engine *engine, struct e5_entry *entry) {
    entry->is_off_list = true;
    e5_engine_schedule(engine, entry, 0);
}

/* Temporary faults are ridden out for all together; what the list cannot tell at all is asked job by job. */
static void on_failed(struct e5_engine *engine, enum e5_event event, const struct e5_error *err) {
    struct e5_poller *poller = &engine->poller;
    double wait, now = e5_clock_monotonic();
    bool again = event == E5_EVENT_TEMPORARY || (event == E5_EVENT_UNREADABLE && poller->unreadable++ < UNREADABLE);
    bool patient = e5_retry_again(&poller->retry, &engine->policy, now, err->retry_after, &wait);
    if (again && patient) {
        poller->not_before = now + wait;
        e5_waiting_tell(&engine->waiting, &poller->retry, engine->policy.pace, now, "", wait, err->what,
                        engine->options->http.key);
        return;
    }
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *entry = engine->claimed[i];
        if (!is_listed(entry)) continue;
        entry->retry.tries += poller->retry.row;
        if (again) entry->retry.row = poller->retry.row, entry->retry.since = poller->retry.since;
        if (again || err->status == E5_AUTH) /* a token that is refused is not sent again */
            e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
        else
            off_list(engine, entry);
    }
}

/* Rows by job, and what the list says about the queues. */
static json_t *read_rows(struct e5_engine *engine, const json_t *jobs) {
    json_t *rows = json_object();
    size_t i;
    json_t *job;
    json_array_foreach(jobs, i, job) {
        const char *id = e5_json_text(job, "jobID"), *word = e5_json_text(job, "status");
        enum e5_cds_state state = e5_cds_state_of(word);
        bool queued = state == E5_CDS_ACCEPTED;
        bool is_stale = (queued || state == E5_CDS_RUNNING) && json_object_get(rows, id) != NULL;
        if (!e5_cds_good_id(id) || is_stale || json_object_set(rows, id, job) != 0) continue;
        for (size_t k = 0; k < engine->lane_count; k++)
            engine->lanes[k].foreign +=
                queued && strcmp(engine->lanes[k].dataset, e5_json_text(job, "processID")) == 0;
    }
    return rows;
}

/* What is known of other jobs may be news to other processes. */
static void tell_journal(struct e5_engine *engine, const json_t *rows) {
    const char *id;
    json_t *job;
    if (!e5_memory_is_there(engine)) return;
    json_object_foreach((json_t *)rows, id, job) e5_memory_note_status(engine, id, e5_json_text(job, "status"));
}

static void serve(struct e5_engine *engine, const json_t *rows, struct e5_entry *entry) {
    struct e5_cds_news news;
    const json_t *row = json_object_get(rows, entry->job_id);
    if (row == NULL || !e5_cds_read_entry(row, engine->service, &news)) return;
    bool queued = e5_cds_state_of(news.status) == E5_CDS_ACCEPTED;
    entry->is_asked = false;
    if (queued && !entry->is_sharer && entry->lane->foreign > 0) entry->lane->foreign--;
    if (is_late(entry))
        e5_news_take_late(engine, entry, &news);
    else
        e5_news_take(engine, entry, &news);
}

static bool is_served(const struct e5_entry *entry) {
    return is_late(entry) || (entry->is_claimed && is_listed(entry));
}

static unsigned count_asked(const struct e5_engine *engine) {
    unsigned n = 0;
    for (size_t i = 0; i < engine->count; i++) n += is_served(&engine->entries[i]) && engine->entries[i].is_asked;
    return n;
}

/* Those that the list does not show any more. */
static void give_up_missing(struct e5_engine *engine) {
    for (size_t i = 0; i < engine->count; i++) {
        struct e5_entry *entry = &engine->entries[i];
        if (!is_served(entry) || !entry->is_asked) continue;
        entry->is_asked = false;
        if (is_late(entry))
            e5_lane_leave(entry);
        else
            off_list(engine, entry);
    }
}

static bool start_page(struct e5_engine *engine, const char *cursor);

static void finish_look(struct e5_engine *engine) {
    struct e5_poller *poller = &engine->poller;
    count_jobs(engine);
    e5_pacer_looked(&poller->pacer, &poller->policy, e5_clock_monotonic(), &poller->view);
    poller->view.left = 0;
    poller->unreadable = 0;
    e5_retry_progress(&poller->retry);
    e5_engine_unblock_all(engine); /* there may be room in the queues */
}

static void on_list(struct e5_engine *engine, struct e5_entry *nobody, struct e5_exchange *exchange) {
    struct e5_cds_news news = {.error = E5_ERROR_NONE};
    const struct e5_buffer *body = e5_exchange_body(exchange);
    char cursor[E5_CDS_CURSOR_SIZE] = "";
    json_t *jobs = NULL;
    (void)nobody;
    if (e5_exchange_outcome(exchange, &news.error) == E5_OK)
        jobs = e5_cds_read_page(e5_exchange_head(exchange)->status, body->bytes, body->size, cursor, &news);
    else
        news.event = e5_reply_failure(exchange, &news.error);
    if (jobs == NULL) {
        e5_reply_note_wait(engine, exchange, &news.error);
        on_failed(engine, news.event, &news.error);
        return;
    }
    json_t *rows = read_rows(engine, jobs);
    bool full = json_array_size(jobs) >= engine->poller.limit && ++engine->poller.pages < PAGES_MOST;
    for (size_t i = 0; rows != NULL && i < engine->count; i++)
        if (is_served(&engine->entries[i])) serve(engine, rows, &engine->entries[i]);
    tell_journal(engine, rows);
    json_decref(rows);
    json_decref(jobs);
    if (full && cursor[0] != '\0' && count_asked(engine) > 0 && start_page(engine, cursor)) return;
    give_up_missing(engine);
    finish_look(engine);
}

/* The call. */

static bool start_page(struct e5_engine *engine, const char *cursor) {
    struct e5_buffer url = {0};
    enum e5_status status =
        e5_cds_list_url(engine->service, NULL, (unsigned)engine->poller.limit, &url, &engine->error);
    if (status == E5_OK && cursor != NULL) status = e5_cds_add_cursor(&url, cursor, &engine->error);
    struct e5_http_call what = {.url = url.bytes};
    bool begun = status == E5_OK && e5_engine_start_common(engine, &engine->poller.call, &what, on_list);
    e5_buffer_fini(&url);
    return begun;
}

static void start_look(struct e5_engine *engine) {
    unsigned served = 0;
    for (size_t i = 0; i < engine->count; i++) {
        engine->entries[i].is_asked = is_served(&engine->entries[i]);
        served += engine->entries[i].is_asked;
    }
    for (size_t i = 0; i < engine->lane_count; i++) engine->lanes[i].foreign = 0;
    engine->poller.limit = served + MARGIN < PAGE_MOST ? served + MARGIN : PAGE_MOST;
    engine->poller.pages = 0;
    start_page(engine, NULL);
}

void e5_poll_init(struct e5_engine *engine) {
    const struct e5_fetch_settings *settings = &engine->options->settings;
    struct e5_poller *poller = &engine->poller;
    double pace = settings->pace, now = e5_clock_monotonic();
    poller->policy = (struct e5_pacer_policy){fmax(settings->poll_interval * pace, SHORTEST),
                                              fmax(settings->poll_interval_min * pace, SHORTEST),
                                              fmax(settings->poll_interval_max * pace, SHORTEST)};
    poller->newest = now;
    e5_retry_init(&poller->retry, engine->random.random + 1);
    e5_pacer_init(&poller->pacer, now);
}

double e5_poll_tend(struct e5_engine *engine) {
    struct e5_poller *poller = &engine->poller;
    if (poller->call.exchange != NULL || !is_wanted(engine)) return INFINITY;
    count_jobs(engine);
    double due = e5_pacer_next(&poller->pacer, &poller->policy, &poller->view);
    if (poller->is_urgent) due = fmin(due, poller->pacer.looked_at + poller->policy.shortest);
    due = fmax(fmax(due, poller->not_before), e5_engine_held_until(engine, engine->service));
    if (e5_clock_monotonic() < due) return due;
    poller->is_urgent = false;
    start_look(engine);
    return INFINITY;
}

/* One job. */

static void on_status(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!e5_reply_is_whole(engine, entry, exchange)) return;
    e5_cds_read_status(e5_exchange_head(exchange)->status, body->bytes, body->size, &news);
    e5_reply_note_wait(engine, exchange, &news.error);
    e5_news_take(engine, entry, &news);
}

void e5_fetch_poll(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_poller *poller = &engine->poller;
    if (entry->is_off_list) {
        e5_reply_ask(engine, entry, entry->job_id, "", on_status);
    } else if (entry->submitted > 0) {
        poller->newest = fmax(poller->newest, entry->submitted);
    } else if (entry->told_at <= 0) { /* a job of an earlier call: who knows what has become of it */
        poller->is_urgent = true;
        entry->told_at = e5_clock_monotonic();
    }
}

static void on_results(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_cds_news news;
    struct e5_buffer url = {0};
    const struct e5_buffer *body = e5_exchange_body(exchange);
    if (!e5_reply_is_whole(engine, entry, exchange)) return;
    if (e5_cds_job_url(engine->service, entry->job_id, "/results", &url, &engine->error) != E5_OK) return;
    e5_cds_read_results(e5_exchange_head(exchange)->status, body->bytes, body->size, url.bytes, &news);
    e5_buffer_fini(&url);
    e5_reply_note_wait(engine, exchange, &news.error);
    e5_news_take(engine, entry, &news);
}

void e5_fetch_locate(struct e5_engine *engine, struct e5_entry *entry) {
    e5_reply_ask(engine, entry, entry->job_id, "/results", on_results);
}
