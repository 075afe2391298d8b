#include "drive/fetch_event.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_memory.h"
#include "net/token.h"

#define LOCK_WAIT 0.2   /* seconds between looks at a target that somebody else has */
#define LOCK_LONGEST 2  /* the same where a submission of somebody else has gone on for long */

/* How long to wait. */

/* Others go on as the queue permits; this one waits longer each time. */
static double crowd_wait(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    double wait = e5_admission_wait(&lane->admission, &engine->admission, ++entry->rejections);
    if (entry->crowded_since <= 0) entry->crowded_since = now;
    e5_engine_tell(engine, E5_LOG_INFO, "%s: rejected because the queue is full; again in %.0f s",
                   e5_entry_name(entry), wait);
    return now - entry->crowded_since < engine->policy.patience ? wait : INFINITY;
}

static double retry_wait(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why, double now) {
    double wait, asked = why != NULL ? why->retry_after : 0;
    if (!e5_retry_again(&entry->retry, &engine->policy, now, asked, &wait)) return INFINITY;
    if (why != NULL)
        e5_waiting_tell(&engine->waiting, &entry->retry, engine->policy.pace, now, e5_entry_name(entry), wait,
                        why->what, engine->options->http.key);
    return wait;
}

static double poll_wait(const struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_pacer_policy *policy = &engine->poller.policy;
    if (!entry->is_off_list) return 0; /* the list tells */
    entry->poll_wait = fmin(fmax(1.5 * entry->poll_wait, policy->shortest), policy->longest);
    return entry->poll_wait;
}

bool e5_engine_awaits_other(struct e5_engine *engine, struct e5_entry *entry, const char *what,
                            struct e5_error *err) {
    double now = e5_clock_monotonic();
    if (entry->busy_since <= 0) {
        entry->busy_since = now;
        e5_engine_tell(engine, E5_LOG_INFO, "%s: waiting for %s", e5_entry_name(entry), what);
    }
    if (now - entry->busy_since < engine->policy.patience) return true;
    err->status = e5_fail(err, E5_TARGET_BUSY, "still waiting for %s after %.0f s", what, now - entry->busy_since);
    return false;
}

double e5_engine_other_wait(const struct e5_entry *entry) {
    double waited = entry->busy_since > 0 ? e5_clock_monotonic() - entry->busy_since : 0;
    return fmin(fmax(LOCK_WAIT, 0.1 * waited), LOCK_LONGEST);
}

/* Seconds until the new stage is acted on; infinity where patience is over. */
static double wait_for(struct e5_engine *engine, struct e5_entry *entry, enum e5_wait wait,
                       const struct e5_error *why, double now) {
    const struct e5_fetch_settings *settings = &engine->options->settings;
    switch (wait) {
    case E5_WAIT_NONE: break;
    case E5_WAIT_RETRY: return retry_wait(engine, entry, why, now);
    case E5_WAIT_LAG: return settings->lag_wait * engine->policy.pace;
    case E5_WAIT_LOOK: return settings->look_wait * engine->policy.pace;
    case E5_WAIT_CROWD: return crowd_wait(engine, entry, now);
    case E5_WAIT_LOCK: return e5_engine_other_wait(entry);
    case E5_WAIT_POLL: return poll_wait(engine, entry);
    }
    return 0;
}

/* What the new stage does not need. */

/* A job that is all that was wanted goes on taking room in the queue. */
static bool is_at_service(const struct e5_entry *entry) {
    enum e5_stage stage = entry->life.stage;
    bool late = stage == E5_STAGE_DONE && entry->life.goal == E5_STAGE_POLL;
    return late || (stage >= E5_STAGE_INTEND && stage <= E5_STAGE_LOCATE);
}

static void give_back(struct e5_engine *engine, struct e5_entry *entry) {
    enum e5_stage stage = entry->life.stage;
    bool submits = stage == E5_STAGE_INTEND || stage == E5_STAGE_SUBMIT;
    if (entry->lane->submitter == entry && !submits) {
        entry->lane->submitter = NULL;
        e5_engine_unblock_all(engine);
    }
    if (!is_at_service(entry)) e5_lane_leave(entry);
    if (entry->is_loading && stage != E5_STAGE_OPEN && stage != E5_STAGE_LOAD) {
        entry->is_loading = false;
        engine->loading--;
        engine->large -= entry->is_large;
        e5_engine_unblock_all(engine);
    }
    if (entry->is_checking && stage != E5_STAGE_CHECK) {
        entry->is_checking = false;
        engine->checking--;
        engine->heavy -= entry->is_large;
        e5_engine_unblock_all(engine);
    }
}

/* Events. */

static bool is_progress(enum e5_event event) {
    return event == E5_EVENT_CREATED || event == E5_EVENT_WORKING || event == E5_EVENT_ENDED ||
           event == E5_EVENT_LOCATED || event == E5_EVENT_READY || event == E5_EVENT_WHOLE;
}

/* What cannot be followed is the end: a new job without a request, an address without a job. */
static enum e5_event possible(struct e5_entry *entry, enum e5_event event) {
    bool wants_new = event == E5_EVENT_EXPIRED || event == E5_EVENT_SHAKY || event == E5_EVENT_MISSING ||
                     event == E5_EVENT_CROWDED;
    if (event == E5_EVENT_GONE && entry->job_id[0] == '\0') {
        event = E5_EVENT_EXPIRED;
        wants_new = true;
    }
    return wants_new && entry->item->request == NULL ? E5_EVENT_PERMANENT : event;
}

/* No further call can succeed: an account, a licence, a closed dataset, a quota. */
static bool is_fatal_to_others(const struct e5_entry *entry, const struct e5_error *why) {
    bool submits = entry->life.stage == E5_STAGE_SUBMIT;
    if (why->status == E5_AUTH) return submits || why->http_status == 401 || why->http_status == 407;
    return why->status == E5_LICENCE || (why->status == E5_THROTTLED && entry->item->request != NULL);
}

static void note_failure(struct e5_entry *entry, enum e5_event event, const struct e5_error *why) {
    struct e5_error *err = &entry->result->error;
    *err = why != NULL ? *why : E5_ERROR_NONE;
    if (err->status == E5_OK) err->status = e5_fail(err, E5_INTERNAL, "unexpected event %d", (int)event);
}

/* What may pass has been counted already when it was asked how long to wait. */
static void count_attempts(struct e5_entry *entry, bool counted) {
    entry->result->error.attempts = entry->retry.tries + (counted ? 0 : 1);
}

void e5_engine_event(struct e5_engine *engine, struct e5_entry *entry, enum e5_event event,
                     const struct e5_error *why) {
    double now = e5_clock_monotonic();
    event = possible(entry, event);
    if (is_progress(event)) e5_retry_progress(&entry->retry);
    if (event == E5_EVENT_PERMANENT && is_fatal_to_others(entry, why)) e5_lane_kill(engine, entry, why);
    if (event == E5_EVENT_SOUND) e5_memory_note_file(engine, entry);
    if (event == E5_EVENT_EXPIRED && entry->job_id[0] != '\0') e5_fetch_forget_job(entry);
    enum e5_wait wait = e5_lifecycle_advance(&entry->life, event);
    double seconds = wait_for(engine, entry, wait, why, now);
    bool gives_up = isinf(seconds);
    if (gives_up) {
        entry->life.stage = E5_STAGE_FAILED;
        seconds = 0;
    }
    if (entry->life.stage == E5_STAGE_FAILED) {
        note_failure(entry, event, why);
        count_attempts(entry, gives_up && wait == E5_WAIT_RETRY);
    }
    give_back(engine, entry);
    e5_engine_schedule(engine, entry, now + seconds);
}

void e5_engine_fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why) {
    entry->life.stage = E5_STAGE_FAILED;
    entry->result->error = *why;
    count_attempts(entry, true);
    give_back(engine, entry);
}

/* Ending. */

static void add_hint(const struct e5_entry *entry, struct e5_error *err) {
    const char *anew = entry->item->request != NULL ? "; with fresh=True it is made anew" : "";
    if (err->hint[0] != '\0' || !e5_status_retryable(err->status)) return;
    if (err->status == E5_CORRUPT)
        e5_error_hint(err, "it was fetched twice: what the service holds may be damaged; nothing was kept%s", anew);
    else
        e5_error_hint(err, "run it again to go on where it stopped");
}

static void finish_error(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error *err = &entry->result->error;
    if (err->target[0] == '\0' && entry->item->target != NULL) e5_error_target(err, entry->item->target);
    if (entry->job_id[0] != '\0') e5_error_job(err, entry->job_id);
    add_hint(entry, err);
    if (entry->retry.row > 0) err->elapsed = e5_clock_monotonic() - entry->retry.since;
    e5_token_mask(engine->options->http.key, err->what);
    e5_token_mask(engine->options->http.key, err->hint);
}

static void fill_result(struct e5_entry *entry) {
    struct e5_fetch_result *result = entry->result;
    bool known = entry->job_id[0] != '\0'; /* else the one that failed, if any */
    e5_text_copy(result->job_id, sizeof result->job_id, known ? entry->job_id : result->error.job_id);
    e5_text_copy(result->status, sizeof result->status, entry->job_status);
    if (entry->asset != NULL) result->asset = e5_cds_asset_trim(entry->asset);
    entry->asset = NULL;
}

void e5_engine_end(struct e5_engine *engine, struct e5_entry *entry) {
    bool failed = entry->life.stage == E5_STAGE_FAILED;
    if (failed) finish_error(engine, entry);
    fill_result(entry);
    e5_engine_drop_call(engine, &entry->call);
    e5_memory_note_end(engine, entry, entry->is_pending);
    free(entry->candidates);
    free(entry->recall);
    entry->candidates = NULL;
    entry->recall = NULL;
    entry->due = INFINITY;
    entry->is_blocked = false;
    entry->is_ended = true;
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (engine->claimed[i] == entry) engine->claimed[i--] = engine->claimed[--engine->claimed_count];
    engine->places -= entry->item->target != NULL;
    give_back(engine, entry);
    engine->ended++;
    engine->failed += failed;
    engine->done += !failed;
}
