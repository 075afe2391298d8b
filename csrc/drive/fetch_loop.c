#include "drive/fetch_engine.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define STEP 0.05         /* the longest look away from the watch */
#define LAG 2.0           /* a replica catches up */
#define LOOK 10.0         /* between looks for a lost job */
#define CROWD 60.0        /* a full queue empties */
#define LOCK_RETRY 0.2
#define TELL_EVERY 60.0   /* lines about waiting */

/* Events. */

static bool is_progress(enum e5_event event) {
    return event == E5_EVENT_CREATED || event == E5_EVENT_WORKING || event == E5_EVENT_ENDED ||
           event == E5_EVENT_LOCATED || event == E5_EVENT_READY || event == E5_EVENT_WHOLE;
}

/* No call for this dataset can succeed; a refused token refuses them all. */
static void kill_lanes(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why) {
    bool one = why->status == E5_LICENCE || why->http_status == 403;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct e5_lane *lane = &engine->lanes[i];
        if (lane == entry->lane || !one)
            if (lane->dead.status == E5_OK) lane->dead = *why;
    }
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *other = engine->claimed[i];
        bool idle = other->call.exchange == NULL && other->job == NULL;
        if (other != entry && idle && other->lane->dead.status != E5_OK) e5_engine_schedule(engine, other, 0);
    }
}

static double crowd_wait(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    if (now >= lane->hold) { /* several rejections that arrive together are one sign */
        unsigned n = lane->crowded < 4 ? lane->crowded : 4;
        lane->slots = lane->slots > 1 ? lane->slots / 2 : 1;
        lane->crowded++;
        lane->successes = 0;
        lane->hold = now + engine->policy.pace * CROWD * ldexp(1 + 0.5 * e5_retry_random(&engine->random), (int)n);
        e5_engine_tell(engine, E5_LOG_INFO, "the queue for %s is full: %u at a time from now on, next in %.0f s",
                       lane->dataset, lane->slots, lane->hold - now);
    }
    if (entry->crowded_since == 0) entry->crowded_since = now;
    return now - entry->crowded_since < engine->policy.patience ? lane->hold - now : INFINITY;
}

/* A lane that was narrowed widens by one after as many successes as it has slots; those of the time before the
 * narrowing, which come during the hold, do not count. */
static void note_success(const struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    entry->crowded_since = 0;
    if (now < lane->hold || lane->slots >= engine->options->max_jobs) return;
    lane->crowded = 0;
    if (++lane->successes < lane->slots) return;
    lane->successes = 0;
    lane->slots++;
}

static double retry_wait(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why, double now) {
    double wait, asked = why != NULL ? why->retry_after : 0;
    if (!e5_retry_again(&entry->retry, &engine->policy, now, asked, &wait)) return INFINITY;
    if (why != NULL && now >= engine->told_at) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: waiting %.1f s: %s", entry->place.name, wait, why->what);
        engine->told_at = now + TELL_EVERY;
    }
    return wait;
}

/* Seconds until the new stage is acted on; infinity where patience is over. */
static double wait_for(struct e5_engine *engine, struct e5_entry *entry, enum e5_wait wait,
                       const struct e5_error *why, double now) {
    double seconds = entry->poll_wait;
    switch (wait) {
    case E5_WAIT_NONE: return 0;
    case E5_WAIT_RETRY: return retry_wait(engine, entry, why, now);
    case E5_WAIT_LAG: return LAG * engine->policy.pace;
    case E5_WAIT_LOOK: return LOOK * engine->policy.pace;
    case E5_WAIT_CROWD: return crowd_wait(engine, entry, now);
    case E5_WAIT_LOCK: return LOCK_RETRY;
    case E5_WAIT_POLL: break;
    }
    entry->poll_wait = fmin(1.5 * seconds, engine->options->poll_cap);
    return seconds;
}

static void give_back(struct e5_engine *engine, struct e5_entry *entry) {
    enum e5_stage stage = entry->life.stage;
    bool submits = stage == E5_STAGE_INTEND || stage == E5_STAGE_SUBMIT;
    bool at_service = stage >= E5_STAGE_INTEND && stage <= E5_STAGE_LOCATE;
    if (entry->lane->submitter == entry && !submits) {
        entry->lane->submitter = NULL;
        e5_engine_unblock_all(engine);
    }
    if (entry->has_slot && !at_service) e5_engine_drop_slot(entry);
    if (entry->is_loading && stage != E5_STAGE_OPEN && stage != E5_STAGE_LOAD) {
        entry->is_loading = false;
        engine->loading--;
        e5_engine_unblock_all(engine);
    }
    if (entry->is_checking && stage != E5_STAGE_CHECK) {
        entry->is_checking = false;
        engine->checking--;
        e5_engine_unblock_all(engine);
    }
}

void e5_engine_event(struct e5_engine *engine, struct e5_entry *entry, enum e5_event event,
                     const struct e5_error *why) {
    double now = e5_clock_monotonic();
    if (is_progress(event)) e5_retry_progress(&entry->retry);
    if (event == E5_EVENT_LOCATED) note_success(engine, entry, now);
    if (event == E5_EVENT_PERMANENT && (why->status == E5_AUTH || why->status == E5_LICENCE))
        kill_lanes(engine, entry, why);
    enum e5_wait wait = e5_lifecycle_advance(&entry->life, event);
    double seconds = wait_for(engine, entry, wait, why, now);
    if (event == E5_EVENT_CROWDED || event == E5_EVENT_BUSY) e5_engine_drop_slot(entry);
    if (isinf(seconds)) {
        entry->life.stage = E5_STAGE_FAILED;
        seconds = 0;
    }
    if (entry->life.stage == E5_STAGE_FAILED) {
        entry->error = why != NULL ? *why : E5_ERROR_NONE;
        if (entry->error.status == E5_OK)
            entry->error.status = e5_fail(&entry->error, E5_INTERNAL, "unexpected event %d", (int)event);
    }
    give_back(engine, entry);
    e5_engine_schedule(engine, entry, now + seconds);
}

void e5_engine_call(struct e5_engine *engine, struct e5_entry *entry, const struct e5_http_call *call,
                    e5_reply_fn reply) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_http_call owned = *call;
    double until = e5_engine_held_until(engine, call->url);
    if (until > e5_clock_monotonic()) {
        e5_engine_schedule(engine, entry, until);
        return;
    }
    owned.owner = &entry->call;
    entry->call.reply = reply;
    entry->call.entry = entry;
    if (e5_http_start(engine->http, &owned, &entry->call.exchange, &err) != E5_OK)
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, &err);
}

/* Admission: targets are claimed as slots come free, in the order given. */

static bool admit_one(struct e5_engine *engine, struct e5_lane *lane) {
    struct e5_entry *entry = lane->waiting;
    bool dead = lane->dead.status != E5_OK;
    if (entry == NULL || engine->claimed_count == E5_FETCH_CLAIMS) return false;
    if (!dead && (lane->open >= lane->slots || e5_clock_monotonic() < lane->hold)) return false;
    lane->waiting = entry->next;
    engine->claimed[engine->claimed_count++] = entry;
    entry->claimed = true;
    e5_engine_take_slot(entry);
    e5_engine_schedule(engine, entry, 0);
    return true;
}

static void admit(struct e5_engine *engine) {
    for (size_t i = 0; i < engine->lane_count; i++)
        while (admit_one(engine, &engine->lanes[i])) continue;
}

static void add_hint(struct e5_error *err) {
    if (err->hint[0] != '\0' || !e5_status_retryable(err->status)) return;
    if (err->status == E5_CORRUPT)
        e5_error_hint(err, "it was fetched twice: what the service holds may be damaged; nothing was kept");
    else
        e5_error_hint(err, "run it again to go on where it stopped");
}

void e5_engine_end(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error *err = &entry->error;
    if (entry->life.stage == E5_STAGE_FAILED) {
        if (err->target[0] == '\0') e5_error_target(err, entry->item->target);
        if (entry->state.job_id[0] != '\0') e5_error_job(err, entry->state.job_id);
        add_hint(err);
        err->attempts = entry->retry.tries;
        if (entry->retry.row > 0) err->elapsed = e5_clock_monotonic() - entry->retry.since;
        e5_engine_mask(engine, err->what);
        e5_engine_mask(engine, err->hint);
        entry->result->error = *err;
    }
    bool known = entry->state.job_id[0] != '\0'; /* else the one that failed, if any */
    e5_text_copy(entry->result->job_id, sizeof entry->result->job_id, known ? entry->state.job_id : err->job_id);
    entry->due = INFINITY;
    entry->is_blocked = false;
    entry->is_ended = true;
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (engine->claimed[i] == entry) engine->claimed[i--] = engine->claimed[--engine->claimed_count];
    give_back(engine, entry);
    engine->ended++;
}

static bool needs_service(enum e5_stage stage) { return stage <= E5_STAGE_LOCATE; }

static void act(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_error *dead = &entry->lane->dead;
    if (entry->is_ended) return;
    entry->is_deferred = entry->job != NULL && entry->life.stage != E5_STAGE_LOAD;
    if (entry->is_deferred || entry->call.exchange != NULL) return; /* their end comes first */
    if (dead->status != E5_OK && needs_service(entry->life.stage)) {
        struct e5_error why = *dead;
        why.target[0] = why.job_id[0] = '\0';
        entry->life.stage = E5_STAGE_FAILED;
        entry->error = why;
        give_back(engine, entry);
    }
    engine->stages[entry->life.stage](engine, entry);
}

static void run_due(struct e5_engine *engine) {
    struct e5_entry *entry;
    double now = e5_clock_monotonic();
    while ((entry = e5_queue_take(&engine->queue, now)) != NULL) {
        if (entry->due > now) continue; /* put off since this was queued */
        entry->due = INFINITY;
        act(engine, entry);
    }
}

/* The loop. */

static void take_replies(struct e5_engine *engine) {
    struct e5_exchange *exchange;
    while ((exchange = e5_http_ended(engine->http)) != NULL) {
        struct e5_call *call = e5_exchange_owner(exchange);
        call->exchange = NULL;
        call->reply(engine, call->entry, exchange);
        e5_http_drop(engine->http, exchange);
    }
}

static void take_tasks(struct e5_engine *engine) {
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *entry = engine->claimed[i];
        if (entry->job != NULL && atomic_load(&entry->task_over)) e5_engine_finish_disk(engine, entry);
        engine->tend(engine, entry);
    }
}

/* Cancel and engine failure: running exchanges end at once; what the parts hold is written down. */
static void stop(struct e5_engine *engine) {
    engine->is_stopping = true;
    e5_http_drop(engine->http, engine->list.exchange);
    engine->list.exchange = NULL;
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *entry = engine->claimed[i];
        e5_http_drop(engine->http, entry->call.exchange);
        entry->call.exchange = NULL;
        if (entry->job != NULL) e5_watch_cancel(e5_job_watch(entry->job));
    }
    for (size_t i = engine->claimed_count; i-- > 0;)
        if (engine->claimed[i]->job != NULL) e5_engine_finish_disk(engine, engine->claimed[i]);
}

/* Ending takes an entry out of the list, unless a last disk task was begun for it. */
static void end_claimed(struct e5_engine *engine, const struct e5_error *why) {
    for (size_t i = 0; i < engine->claimed_count;) {
        struct e5_entry *entry = engine->claimed[i];
        size_t before = engine->claimed_count;
        if (entry->life.stage != E5_STAGE_DONE && entry->life.stage != E5_STAGE_FAILED) {
            entry->life.stage = E5_STAGE_FAILED;
            entry->error = *why;
        }
        engine->stages[entry->life.stage](engine, entry);
        if (engine->claimed_count == before) i++;
    }
    while (engine->claimed_count > 0) {
        if (engine->claimed[0]->job != NULL)
            e5_engine_finish_disk(engine, engine->claimed[0]);
        else
            e5_engine_end(engine, engine->claimed[0]);
    }
}

static void end_all(struct e5_engine *engine, const struct e5_error *why) {
    end_claimed(engine, why);
    for (size_t i = 0; i < engine->count; i++) {
        struct e5_entry *entry = &engine->entries[i];
        if (entry->is_ended) continue;
        entry->result->error = *why;
        e5_error_target(&entry->result->error, entry->item->target);
    }
}

static void show_stage(const struct e5_engine *engine) {
    e5_watch_stage(engine->watch, engine->loading > 0    ? "downloading"
                                  : engine->checking > 0 ? "checking"
                                                         : "waiting for the service");
}

static double next_due(const struct e5_engine *engine) {
    double seconds = e5_queue_next(&engine->queue) - e5_clock_monotonic();
    return seconds < 0 ? 0 : seconds < STEP ? seconds : STEP;
}

enum e5_status e5_engine_run(struct e5_engine *engine, struct e5_error *err) {
    struct e5_error why = E5_ERROR_NONE;
    while (engine->ended < engine->count && why.status == E5_OK) {
        admit(engine);
        run_due(engine);
        take_tasks(engine);
        show_stage(engine);
        why.status = e5_http_step(engine->http, next_due(engine), &why);
        take_replies(engine);
        if (why.status == E5_OK) why = engine->error;
        if (why.status == E5_OK) why.status = e5_watch_check(engine->watch, &why);
    }
    if (why.status == E5_OK) return E5_OK;
    e5_error_hint(&why, "run it again to go on where it stopped");
    stop(engine);
    end_all(engine, &why);
    *err = why;
    return why.status;
}
