#include "drive/fetch_lane.h"

#include <math.h>

#include "base/clock.h"
#include "drive/fetch_memory.h"

#define AHEAD 8 /* entries of a dataset that are claimed before they may submit */

/* Submitting. */

static bool is_before_submission(const struct e5_entry *entry) {
    return entry->life.stage == E5_STAGE_CLAIM || entry->life.stage == E5_STAGE_INTEND;
}

static unsigned count_ahead(const struct e5_engine *engine, const struct e5_lane *lane) {
    unsigned n = 0;
    for (size_t i = 0; i < engine->claimed_count; i++)
        n += engine->claimed[i]->lane == lane && is_before_submission(engine->claimed[i]);
    return n;
}

unsigned e5_lane_limit(const struct e5_engine *engine, const struct e5_lane *lane, double now) {
    unsigned waiting = lane->unclaimed + count_ahead(engine, lane);
    return e5_admission_limit(&lane->admission, &engine->admission, now, waiting);
}

/* Jobs of others take room, but never all of it: nobody knows how long they stay. */
bool e5_lane_is_open(const struct e5_engine *engine, const struct e5_lane *lane, double now) {
    unsigned limit = e5_lane_limit(engine, lane, now);
    if (limit == 0) return false;
    return lane->queued == 0 || lane->queued + lane->foreign < limit;
}

void e5_lane_join(struct e5_entry *entry) {
    if (!entry->is_queued) entry->lane->queued++;
    entry->is_queued = true;
}

void e5_lane_leave(struct e5_entry *entry) {
    if (!entry->is_queued) return;
    entry->is_queued = false;
    entry->lane->queued--;
    e5_engine_unblock_all(entry->engine);
}

void e5_lane_submitted(struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    entry->submitted = now;
    entry->is_proven = false;
    entry->others = lane->queued - entry->is_queued + lane->foreign;
    e5_admission_submitted(&lane->admission, &entry->engine->admission, now, entry->others);
}

void e5_lane_survived(struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    double before = lane->admission.limit;
    if (entry->is_proven || entry->submitted <= 0) return;
    entry->is_proven = true;
    entry->crowded_since = 0;
    entry->rejections = 0;
    e5_admission_survived(&lane->admission, &entry->engine->admission, now, entry->submitted, entry->others);
    if (lane->admission.limit <= before) return;
    e5_memory_note_lane(entry->engine, lane);
    e5_engine_unblock_all(entry->engine);
}

void e5_lane_rejected(struct e5_entry *entry, double now) {
    struct e5_lane *lane = entry->lane;
    struct e5_engine *engine = entry->engine;
    unsigned before = lane->admission.rejected;
    if (entry->submitted > 0)
        e5_admission_rejected(&lane->admission, &engine->admission, now, entry->submitted, entry->others);
    if (lane->admission.rejected == before) return;
    e5_memory_note_lane(engine, lane);
    e5_engine_tell(engine, E5_LOG_INFO, "the queue for %s is full: %.0f at a time from now on", lane->dataset,
                   lane->admission.limit);
}

/* A refused token refuses them all; a licence, or a dataset that is closed, is a matter of one. */
void e5_lane_kill(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why) {
    bool all = why->status == E5_AUTH && why->http_status != 403;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct e5_lane *lane = &engine->lanes[i];
        if ((lane == entry->lane || all) && lane->dead.status == E5_OK) lane->dead = *why;
    }
    for (size_t i = 0; i < engine->claimed_count; i++) {
        struct e5_entry *other = engine->claimed[i];
        bool idle = other->call.exchange == NULL && other->job == NULL && other->life.stage <= E5_STAGE_LOCATE;
        if (other != entry && idle && other->lane->dead.status != E5_OK) e5_engine_schedule(engine, other, 0);
    }
}

/* Claiming. */

static bool may_claim(const struct e5_engine *engine, const struct e5_lane *lane) {
    const struct e5_entry *entry = lane->waiting;
    if (entry == NULL) return false;
    if (entry->item->target != NULL && engine->places >= E5_FETCH_CLAIMS) return false;
    return lane->dead.status != E5_OK || count_ahead(engine, lane) < AHEAD;
}

static void claim(struct e5_engine *engine, struct e5_lane *lane) {
    struct e5_entry *entry = lane->waiting;
    double deadline = engine->options->settings.deadline;
    lane->waiting = entry->next;
    lane->unclaimed--;
    engine->claimed[engine->claimed_count++] = entry;
    engine->places += entry->item->target != NULL;
    entry->is_claimed = true;
    entry->deadline = deadline > 0 ? e5_clock_monotonic() + deadline : INFINITY;
    e5_engine_schedule(engine, entry, 0);
}

/* In turn, so that a long list of one dataset does not keep the others waiting. */
void e5_lane_claim(struct e5_engine *engine) {
    size_t in_vain = 0;
    while (in_vain < engine->lane_count) {
        struct e5_lane *lane = &engine->lanes[engine->next_lane++ % engine->lane_count];
        if (may_claim(engine, lane)) {
            claim(engine, lane);
            in_vain = 0;
        } else {
            in_vain++;
        }
    }
}
