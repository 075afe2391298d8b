#include "drive/fetch_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define TWIN_WAIT 0.05 /* an equal request is being submitted */
#define READ_BLOCK ((size_t)1 << 20)

static void fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *err) {
    e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
}

/* Claim: nothing is asked of the service before target, directory and lock are known to be good. */

static enum e5_status refuse_existing(struct e5_entry *entry, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_EXISTS, "'%s' exists and is not to be replaced", entry->place.name);
    e5_error_target(err, entry->item->target);
    return status;
}

/* While somebody else has the target: if it is for the same request, the finished file serves us too. */
static void wait_for_other(struct e5_engine *engine, struct e5_entry *entry, ino_t target, struct e5_error *err) {
    double now = e5_clock_monotonic();
    if (entry->busy_since == 0) {
        entry->busy_since = now;
        entry->busy_target = target;
        e5_engine_tell(engine, E5_LOG_INFO, "%s: waiting for somebody else who is writing it", entry->place.name);
    }
    entry->was_busy = entry->was_busy || e5_place_holder_has(&entry->place, entry->fingerprint);
    bool patient = now - entry->busy_since < engine->policy.patience;
    e5_place_close(&entry->place);
    e5_engine_event(engine, entry, patient ? E5_EVENT_BUSY : E5_EVENT_PERMANENT, err);
}

static enum e5_event read_state(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_state *state = &entry->state;
    bool found = e5_state_load(state, &entry->place);
    bool ours = found && strcmp(state->fingerprint, entry->fingerprint) == 0;
    if (found && !ours)
        e5_engine_tell(engine, E5_LOG_INFO, "%s: what an earlier call left is of another request; starting over",
                       entry->place.name);
    if (!ours) e5_place_clean(&entry->place);
    if (!ours) e5_state_init(state, entry->fingerprint);
    bool known = ours && e5_cds_good_id(state->job_id);
    if (known || (ours && state->pending)) e5_engine_take_slot(entry); /* the job is there, whatever the limit */
    if (known) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: going on with job %s", entry->place.name, state->job_id);
        entry->poll_wait = engine->options->poll_first;
        return E5_EVENT_ATTACH;
    }
    state->job_id[0] = '\0';
    return ours && state->pending ? E5_EVENT_PENDING : E5_EVENT_FRESH;
}

/* The other one's file is whole: it has its final name. */
enum e5_status e5_fetch_hash_target(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    char *block = NULL;
    struct e5_checksum sum = {0};
    ssize_t got = 1;
    int fd = openat(entry->place.directory, entry->place.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return e5_fail_errno(err, errno, entry->item->target, "cannot read");
    entry->result->size = lseek(fd, 0, SEEK_END);
    enum e5_status status = e5_alloc(READ_BLOCK, 1, &block, err);
    if (status == E5_OK) status = e5_checksum_init(&sum, entry->result->size, err);
    for (off_t at = 0; status == E5_OK && got > 0; at += got) {
        got = pread(fd, block, READ_BLOCK, at);
        status = got < 0 ? e5_fail_errno(err, errno, entry->item->target, "cannot read") : e5_watch_check(watch, err);
        if (status == E5_OK) status = e5_checksum_add(&sum, block, (size_t)got, err);
    }
    if (status == E5_OK) status = e5_checksum_result(&sum, &entry->checksum, err);
    e5_checksum_fini(&sum);
    free(block);
    close(fd);
    return status;
}

void e5_fetch_keep_target(struct e5_entry *entry, enum e5_verified verified) {
    entry->result->kept = true;
    entry->result->verified = verified;
    memcpy(entry->result->md5, entry->checksum.whole, sizeof entry->result->md5);
}

static void other_hashed(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status == E5_OK) e5_fetch_keep_target(entry, E5_VERIFIED_SIZE);
    e5_engine_event(engine, entry, err->status == E5_OK ? E5_EVENT_KEPT : E5_EVENT_PERMANENT, err);
}

/* *target: the file that is there now, 0: none. */
static enum e5_status take_place(struct e5_engine *engine, struct e5_entry *entry, ino_t *target,
                                 struct e5_error *err) {
    struct stat info = {0};
    bool exists, never = engine->options->overwrite == E5_OVERWRITE_NEVER;
    enum e5_status status = e5_place_open(&entry->place, entry->item->target, err);
    if (status == E5_OK) status = e5_place_look(&entry->place, &exists, &info, err);
    if (status == E5_OK && exists && never && !entry->was_busy) status = refuse_existing(entry, err);
    *target = status == E5_OK && exists ? info.st_ino : 0;
    if (status == E5_OK) status = e5_place_lock(&entry->place, entry->fingerprint, err);
    if (status == E5_OK) status = e5_place_look(&entry->place, &exists, &info, err);
    if (status == E5_OK) *target = exists ? info.st_ino : 0;
    return status;
}

void e5_fetch_claim(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error err = E5_ERROR_NONE;
    ino_t target = 0;
    enum e5_status status = take_place(engine, entry, &target, &err);
    if (status == E5_TARGET_BUSY) {
        wait_for_other(engine, entry, target, &err);
        return;
    }
    if (status == E5_OK && target != 0 && entry->was_busy && target != entry->busy_target) {
        e5_engine_disk(engine, entry, e5_fetch_hash_target, other_hashed); /* what the other one has just finished */
        return;
    }
    if (status == E5_OK && target != 0 && engine->options->overwrite == E5_OVERWRITE_NEVER)
        status = refuse_existing(entry, &err);
    if (status == E5_OK)
        e5_engine_event(engine, entry, read_state(engine, entry), NULL);
    else
        fail(engine, entry, &err);
}

/* Intend and record: what is about to be, and what has become, is on disk before the next step. */

static enum e5_status save(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    (void)watch; /* short, and too important to be left out */
    return e5_state_save(&entry->state, &entry->place, err);
}

static void saved(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status == E5_OK)
        entry->unsaved = false;
    else if (entry->life.stage == E5_STAGE_INTEND)
        entry->state.pending = false;
    e5_engine_event(engine, entry, err->status == E5_OK ? E5_EVENT_SAVED : E5_EVENT_PERMANENT, err);
}

static bool is_twin(const struct e5_entry *entry, const struct e5_entry *other) {
    return other != entry && !other->own_job && strcmp(other->fingerprint, entry->fingerprint) == 0;
}

/* The same request elsewhere in the batch: one job serves both. */
static struct e5_entry *find_twin(struct e5_engine *engine, struct e5_entry *entry) {
    for (size_t i = 0; i < engine->count && !entry->own_job; i++) {
        struct e5_entry *other = &engine->entries[i];
        if (!is_twin(entry, other) || !other->claimed || other->life.stage == E5_STAGE_FAILED) continue;
        bool submits = other->lane->submitter == other || other->life.stage == E5_STAGE_LOOK;
        if (other->state.job_id[0] != '\0' || submits) return other;
    }
    return NULL;
}

static void share_job(struct e5_engine *engine, struct e5_entry *entry, const struct e5_entry *twin) {
    e5_text_copy(entry->state.job_id, sizeof entry->state.job_id, twin->state.job_id);
    entry->state.pending = false;
    entry->unsaved = true;
    entry->job_since = twin->job_since;
    entry->poll_wait = engine->options->poll_first;
    e5_engine_tell(engine, E5_LOG_INFO, "%s: shares job %s", entry->place.name, entry->state.job_id);
    e5_engine_event(engine, entry, E5_EVENT_CREATED, NULL);
}

void e5_fetch_intend(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_lane *lane = entry->lane;
    struct e5_entry *twin = find_twin(engine, entry);
    double now = e5_clock_monotonic();
    bool full = !entry->has_slot && lane->open >= lane->slots;
    if (twin != NULL && twin->state.job_id[0] != '\0') {
        share_job(engine, entry, twin);
    } else if (twin != NULL) {
        e5_engine_schedule(engine, entry, now + TWIN_WAIT);
    } else if (now < lane->hold) {
        e5_engine_schedule(engine, entry, lane->hold);
    } else if (full || (lane->submitter != NULL && lane->submitter != entry)) {
        e5_engine_block(entry);
    } else {
        e5_engine_take_slot(entry);
        lane->submitter = entry;
        entry->state.pending = true;
        e5_engine_disk(engine, entry, save, saved);
    }
}

void e5_fetch_record(struct e5_engine *engine, struct e5_entry *entry) { e5_engine_disk(engine, entry, save, saved); }
