#include "drive/fetch_loop.h"

#include <math.h>

#include "base/clock.h"
#include "drive/fetch_dismiss.h"
#include "drive/fetch_event.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_memory.h"
#include "drive/fetch_poll.h"
#include "net/hash_crew.h"

#define STEP 0.05 /* seconds: the longest look away from the watch */

/* Acting on entries that are due. */

static bool needs_service(const struct e5_entry *entry) {
    return entry->life.stage <= E5_STAGE_LOCATE && entry->item->asset == NULL;
}

static void act(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_error *dead = &entry->lane->dead;
    if (entry->is_ended) return;
    entry->is_deferred = entry->job != NULL && entry->life.stage != E5_STAGE_LOAD;
    if (entry->is_deferred || entry->call.exchange != NULL) return; /* their end comes first */
    if (dead->status != E5_OK && needs_service(entry)) {
        struct e5_error why = *dead;
        why.target[0] = why.job_id[0] = '\0';
        e5_engine_fail(engine, entry, &why);
    }
    engine->stages[entry->life.stage](engine, entry);
}

/* The user's deadline: the job goes on at the service, the bytes stay. */
static void end_late(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_error err = E5_ERROR_NONE;
    double allowed = engine->options->settings.deadline;
    enum e5_stage stage = entry->life.stage;
    if (now < entry->deadline || entry->job != NULL || stage >= E5_STAGE_CHECK) return;
    if (stage == E5_STAGE_CLAIM)
        err.status = e5_fail(&err, E5_TARGET_BUSY, "somebody else was still writing it after %g s", allowed);
    else if (stage >= E5_STAGE_OPEN)
        err.status = e5_fail(&err, E5_TRANSFER_TIMEOUT, "the file was not there after %g s", allowed);
    else if (entry->job_id[0] == '\0')
        err.status = e5_fail(&err, E5_JOB_TIMEOUT, "no job could be submitted in %g s", allowed);
    else
        err.status = e5_fail(&err, E5_JOB_TIMEOUT, "the job was still %s after %g s",
                             entry->job_status[0] != '\0' ? entry->job_status : "unfinished", allowed);
    e5_error_hint(&err, "run it again to go on with the same job");
    e5_engine_drop_call(engine, &entry->call);
    entry->deadline = INFINITY;
    e5_engine_fail(engine, entry, &err);
    e5_engine_schedule(engine, entry, 0);
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

/* Looking after what runs. */

static void take_tasks(struct e5_engine *engine) {
    double now = e5_clock_monotonic();
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *entry = engine->claimed[i];
        if (entry->job != NULL && atomic_load(&entry->task_over)) e5_engine_finish_disk(engine, entry);
        engine->tend(engine, entry);
        end_late(engine, entry, now);
    }
}

/* Stopping. */

/* Cancel and engine failure: running exchanges end at once; what the parts hold is written down. */
static void stop(struct e5_engine *engine) {
    while (engine->calls != NULL) e5_engine_drop_call(engine, engine->calls);
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *entry = engine->claimed[i];
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
            entry->result->error = *why;
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
        if (entry->item->target != NULL) e5_error_target(&entry->result->error, entry->item->target);
    }
}

/* The loop. */

static void show(const struct e5_engine *engine) {
    unsigned counts[E5_WATCH_COUNTS] = {0};
    counts[E5_WATCH_FILES] = (unsigned)engine->count;
    counts[E5_WATCH_DONE] = engine->done;
    counts[E5_WATCH_FAILED] = engine->failed;
    counts[E5_WATCH_DOWNLOADING] = engine->loading;
    counts[E5_WATCH_CHECKING] = engine->checking;
    for (size_t i = 0; i < engine->claimed_count; i++) {
        const struct e5_entry *entry = engine->claimed[i];
        bool at_service = entry->life.stage == E5_STAGE_POLL || entry->life.stage == E5_STAGE_RECORD;
        bool runs = entry->running_since > 0;
        if (at_service) counts[runs ? E5_WATCH_RUNNING : E5_WATCH_QUEUED]++;
    }
    for (int which = 0; which < E5_WATCH_COUNTS; which++)
        e5_watch_count(engine->watch, (enum e5_watch_count)which, counts[which]);
    e5_watch_stage(engine->watch, engine->loading > 0    ? "downloading"
                                  : engine->checking > 0 ? "checking"
                                                         : "waiting for the service");
}

static double next_due(const struct e5_engine *engine, double look) {
    if (engine->ended == engine->count) return 0; /* nothing is waited for any more */
    double seconds = fmin(e5_queue_next(&engine->queue), look) - e5_clock_monotonic();
    return seconds < 0 ? 0 : seconds < STEP ? seconds : STEP;
}

static enum e5_status run(struct e5_engine *engine, struct e5_error *why) {
    while (engine->ended < engine->count && why->status == E5_OK) {
        run_due(engine);
        take_tasks(engine);
        e5_lane_claim(engine);
        double look = e5_poll_tend(engine);
        e5_memory_tend(engine);
        show(engine);
        e5_hash_crew_expect(engine->crew, engine->loading);
        why->status = e5_http_step(engine->http, next_due(engine, look), why);
        e5_engine_take_replies(engine);
        if (why->status == E5_OK) *why = engine->error;
        if (why->status == E5_OK) why->status = e5_watch_check(engine->watch, why);
    }
    show(engine);
    return why->status;
}

enum e5_status e5_loop_run(struct e5_engine *engine, struct e5_error *err) {
    struct e5_error why = E5_ERROR_NONE;
    if (run(engine, &why) == E5_OK) return E5_OK;
    e5_error_hint(&why, "run it again to go on where it stopped");
    stop(engine);
    if (why.status == E5_CANCELLED && engine->options->dismiss) e5_dismiss(engine);
    end_all(engine, &why);
    *err = why;
    return why.status;
}
