#include "drive/fetch_submit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_event.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_load.h"
#include "drive/fetch_memory.h"
#include "drive/fetch_reply.h"

#define TWIN_WAIT 0.05 /* an equal request is being submitted */
#define ROOM_WAIT 0.25 /* between looks for room in the queue, where nothing tells of it */

/* The same request elsewhere in the batch: one job serves both. */

static struct e5_entry *find_twin(struct e5_entry *entry) {
    for (struct e5_entry *other = entry->twin; other != entry; other = other->twin) {
        bool submits = other->lane->submitter == other || other->life.stage == E5_STAGE_LOOK;
        bool failed = other->life.stage == E5_STAGE_FAILED;
        if (entry->item->fresh || other->item->fresh || !other->is_claimed || failed) continue;
        bool has_job = other->job_id[0] != '\0' && strcmp(other->job_id, entry->lost_id) != 0;
        if (has_job || submits) return other;
    }
    return NULL;
}

static void share_job(struct e5_engine *engine, struct e5_entry *entry, const struct e5_entry *twin) {
    e5_lane_leave(entry);
    e5_fetch_adopt(entry, twin->job_id, twin->job_status);
    entry->is_sharer = true;
    entry->submitted = twin->submitted;
    entry->is_proven = true; /* the other one tells */
    e5_engine_tell(engine, E5_LOG_INFO, "%s: shares job %s", e5_entry_name(entry), entry->job_id);
    e5_engine_event(engine, entry, E5_EVENT_CREATED, NULL);
}

/* Intend: a slot, and the grant of the journal, which all processes share. */

static enum e5_status save(struct e5_entry *entry, struct e5_error *err) {
    return entry->load != NULL ? e5_state_save(&entry->load->state, &entry->load->place, err) : E5_OK;
}

static enum e5_status intend(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    (void)watch; /* short, and too important to be left out */
    if (!entry->recall->is_granted) e5_memory_intend(entry);
    return entry->recall->is_granted ? save(entry, err) : E5_OK;
}

static void wait_for_room(struct e5_engine *engine, struct e5_entry *entry, double seconds) {
    e5_engine_schedule(engine, entry, e5_clock_monotonic() + fmax(seconds * engine->policy.pace, 0.01));
    e5_engine_block(entry); /* or until somebody tells */
}

static void give_up_slot(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->lane->submitter == entry) entry->lane->submitter = NULL;
    e5_lane_leave(entry);
    e5_engine_unblock_all(engine);
}

/* The journal knows better: there is a job, somebody is about to make it, or the queue is full. */
static void not_granted(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_journal_job *job = &entry->recall->job;
    struct e5_error err = E5_ERROR_NONE;
    give_up_slot(engine, entry);
    if (job->state == E5_JOURNAL_ALIVE || job->state == E5_JOURNAL_ENDED) {
        e5_fetch_adopt(entry, job->job_id, job->status);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: going on with job %s", e5_entry_name(entry), entry->job_id);
        e5_engine_event(engine, entry, E5_EVENT_CREATED, NULL);
        return;
    }
    if (job->state != E5_JOURNAL_BUSY) {
        entry->lane->is_full = true;
        wait_for_room(engine, entry, ROOM_WAIT);
    } else if (e5_engine_awaits_other(engine, entry, E5_OTHER_SUBMITS, &err)) {
        e5_engine_schedule(engine, entry, e5_clock_monotonic() + e5_engine_other_wait(entry));
    } else {
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    }
}

static void intended(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    const struct e5_recall *recall = entry->recall;
    bool lost = recall->job.state == E5_JOURNAL_INTENDED && !entry->has_looked;
    entry->is_granted = recall->is_granted && e5_memory_is_there(engine);
    if (err->status != E5_OK) {
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
    } else if (!recall->is_granted) {
        not_granted(engine, entry);
    } else {
        entry->lane->is_full = false;
        entry->busy_since = 0;
        entry->is_pending = lost;
        if (lost) entry->asked = e5_clock_monotonic() - fmax(e5_clock_wall() - recall->job.begun, 0);
        e5_engine_event(engine, entry, lost ? E5_EVENT_PENDING : E5_EVENT_SAVED, NULL);
    }
}

static void begin_submission(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_error err = E5_ERROR_NONE;
    e5_lane_join(entry);
    entry->lane->submitter = entry;
    if (e5_memory_prepare(entry, &err) != E5_OK) {
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
        return;
    }
    entry->recall->is_granted = entry->is_granted || !e5_memory_is_there(engine);
    entry->recall->limit = e5_lane_limit(engine, entry->lane, now);
    if (entry->load != NULL) {
        e5_load_note_job(entry->load, entry);
        entry->load->state.pending = true;
    }
    e5_engine_disk(engine, entry, intend, intended);
}

void e5_fetch_intend(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_lane *lane = entry->lane;
    struct e5_entry *twin = find_twin(entry);
    double now = e5_clock_monotonic();
    if (twin != NULL && twin->job_id[0] != '\0')
        share_job(engine, entry, twin);
    else if (twin != NULL)
        e5_engine_schedule(engine, entry, now + TWIN_WAIT);
    else if (lane->submitter != NULL && lane->submitter != entry)
        e5_engine_block(entry);
    else if (!entry->is_queued && !e5_lane_is_open(engine, lane, now))
        wait_for_room(engine, entry, ROOM_WAIT);
    else
        begin_submission(engine, entry, now);
}

/* Submit. */

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
    entry->is_pending = news.event == E5_EVENT_LOST;
    if (news.event == E5_EVENT_LOST)
        e5_engine_tell(engine, E5_LOG_INFO, "%s: no clear reply to the submission; checking whether the job exists",
                       e5_entry_name(entry));
    if (news.event == E5_EVENT_CREATED) {
        e5_fetch_take_job(entry, news.job_id);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: job %s submitted", e5_entry_name(entry), news.job_id);
    }
    e5_reply_note_wait(engine, exchange, &news.error);
    e5_engine_event(engine, entry, news.event, &news.error);
}

static enum e5_status write_body(const struct e5_entry *entry, char **out, struct e5_error *err) {
    json_t *inputs = NULL;
    const char *request = entry->item->request;
    enum e5_status status = e5_json_parse(request, strlen(request), E5_INPUT, &inputs, err);
    if (status == E5_OK) status = e5_cds_submit_body(inputs, out, err);
    json_decref(inputs);
    return status;
}

void e5_fetch_submit(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_buffer url = {0};
    struct e5_error err = E5_ERROR_NONE;
    char *body = NULL;
    enum e5_status status = e5_cds_submit_url(engine->service, entry->item->dataset, &url, &err);
    if (status == E5_OK) status = write_body(entry, &body, &err);
    struct e5_http_call call = {.url = url.bytes, .post = body};
    e5_lane_submitted(entry, e5_clock_monotonic());
    if (entry->asked <= 0) entry->asked = entry->submitted;
    if (status == E5_OK)
        e5_reply_call(engine, entry, &call, on_submitted);
    else
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
    entry->is_pending = entry->call.exchange != NULL;
    free(body);
    e5_buffer_fini(&url);
}

/* Record: the job is on disk before anything else is done with it. */

static enum e5_status record(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    (void)watch;
    if (entry->is_new) e5_memory_created(entry);
    return save(entry, err);
}

static void recorded(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (entry->is_new) {
        entry->is_granted = entry->wants_new = false;
        entry->asked = 0;
    }
    entry->is_new = false;
    if (err->status == E5_OK && entry->load != NULL) entry->load->unsaved = false;
    e5_engine_event(engine, entry, err->status == E5_OK ? E5_EVENT_SAVED : E5_EVENT_PERMANENT, err);
}

void e5_fetch_record(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->load != NULL) e5_load_note_job(entry->load, entry);
    e5_engine_disk(engine, entry, record, recorded);
}
