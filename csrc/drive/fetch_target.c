#include "drive/fetch_target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_event.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_load.h"
#include "drive/fetch_memory.h"

static void fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *err) {
    e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
}

/* Claim: nothing is asked of the service before target, directory and lock are known to be good. */

static enum e5_status refuse_existing(struct e5_entry *entry, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_EXISTS, "'%s' exists and is not to be replaced", e5_entry_name(entry));
    e5_error_target(err, entry->item->target);
    return status;
}

/* While somebody else has the target: if it is for the same request, the finished file serves us too. */
static void wait_for_other(struct e5_engine *engine, struct e5_entry *entry, ino_t target, struct e5_error *err) {
    if (!entry->load->is_waiting) entry->load->busy_target = target;
    entry->load->is_waiting = true;
    entry->load->was_busy = entry->load->was_busy || e5_place_holder_has(&entry->load->place, entry->fingerprint);
    bool patient = e5_engine_awaits_other(engine, entry, "somebody else who is writing it", err);
    e5_place_close(&entry->load->place);
    e5_engine_event(engine, entry, patient ? E5_EVENT_BUSY : E5_EVENT_PERMANENT, err);
}

/* What an earlier call left beside the target; a job that is known, or may be there, goes into the entry. */
static void read_state(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_state *state = &entry->load->state;
    bool found = e5_state_load(state, &entry->load->place) && !entry->item->fresh;
    bool ours = found && strcmp(state->fingerprint, entry->fingerprint) == 0;
    if (found && !ours)
        e5_engine_tell(engine, E5_LOG_INFO, "%s: what an earlier call left is of another request; starting over",
                       e5_entry_name(entry));
    e5_fetch_unpack_clean(&entry->load->place);
    if (!ours) e5_place_clean(&entry->load->place);
    if (!ours) e5_state_init(state, entry->fingerprint);
    if (!ours || entry->item->request == NULL) return;
    if (e5_cds_good_id(state->job_id))
        e5_text_copy(entry->job_id, sizeof entry->job_id, state->job_id);
    else
        entry->is_pending = state->pending;
}

/* The other one's file is whole: it has its final name. */
enum e5_status e5_fetch_hash_target(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_hash hash;
    struct stat info;
    const char *target = entry->item->target, *declared = entry->asset != NULL ? entry->asset->checksum : "";
    int fd = openat(entry->load->place.directory, e5_entry_name(entry), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        enum e5_status failed = e5_fail_errno(err, errno, target, "cannot read");
        if (fd >= 0) close(fd);
        return failed;
    }
    enum e5_checksum_want want =
        declared[0] != '\0' ? e5_checksum_wanted(info.st_size, declared, "") : E5_CHECKSUM_WHOLE;
    enum e5_status status = e5_hash_init(&hash, entry->load->crew, want, info.st_size, err);
    if (status == E5_OK)
        status = e5_hash_finish(&hash, fd, target, info.st_size, declared, watch, &entry->load->checksum, err);
    entry->result->size = info.st_size;
    e5_hash_fini(&hash);
    close(fd);
    return status;
}

void e5_fetch_keep_target(struct e5_entry *entry, enum e5_verified verified) {
    entry->result->kept = true;
    entry->result->verified = verified;
    entry->result->checksum = entry->load->checksum;
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
    enum e5_status status = e5_place_open(&entry->load->place, entry->item->target, err);
    if (status == E5_OK) status = e5_place_look(&entry->load->place, &exists, &info, err);
    if (status == E5_OK && exists && never && !entry->load->was_busy) status = refuse_existing(entry, err);
    *target = status == E5_OK && exists ? info.st_ino : 0;
    if (status == E5_OK) status = e5_place_lock(&entry->load->place, entry->fingerprint, err);
    if (status == E5_OK) status = e5_place_look(&entry->load->place, &exists, &info, err);
    if (status == E5_OK) *target = exists ? info.st_ino : 0;
    return status;
}

/* The way on: to the file, to a job, or to a submission. */

static void go_on_with_job(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->item->job_id == NULL || strcmp(entry->item->job_id, entry->job_id) != 0)
        e5_engine_tell(engine, E5_LOG_INFO, "%s: going on with job %s", e5_entry_name(entry), entry->job_id);
    e5_engine_event(engine, entry, E5_EVENT_ATTACH, NULL);
}

static void begin(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error err = E5_ERROR_NONE;
    const struct e5_fetch_item *item = entry->item;
    if (item->job_id != NULL) e5_text_copy(entry->job_id, sizeof entry->job_id, item->job_id);
    if (item->asset != NULL && e5_alloc(1, sizeof *entry->asset, &entry->asset, &err) != E5_OK) {
        fail(engine, entry, &err);
    } else if (item->asset != NULL) {
        *entry->asset = *item->asset;
        e5_engine_event(engine, entry, E5_EVENT_KNOWN, NULL);
    } else if (entry->job_id[0] != '\0') {
        go_on_with_job(engine, entry);
    } else if (entry->is_pending) {
        e5_lane_join(entry); /* the job may be there, whatever the limit */
        e5_engine_event(engine, entry, E5_EVENT_PENDING, NULL);
    } else {
        e5_engine_event(engine, entry, E5_EVENT_FRESH, NULL);
    }
}

static void keep_finished(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_journal_file *file = &entry->recall->file;
    struct e5_fetch_result *result = entry->result;
    bool joined = strcmp(file->checksum_kind, "composite") == 0;
    char *sum = joined ? result->checksum.joined : result->checksum.whole;
    e5_text_copy(entry->job_id, sizeof entry->job_id, file->job_id);
    e5_text_copy(sum, E5_CHECKSUM_SIZE, file->checksum);
    result->size = file->size;
    result->verified = (enum e5_verified)file->verified;
    result->kept = true;
    e5_engine_event(engine, entry, E5_EVENT_KEPT, NULL);
}

static enum e5_status recall(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    (void)watch, (void)err;
    e5_memory_find(entry);
    return E5_OK;
}

static void recalled(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    const struct e5_journal_job *job = &entry->recall->job;
    bool usable = job->state == E5_JOURNAL_ALIVE || (job->state == E5_JOURNAL_ENDED && job->age < E5_RECALL_OLD);
    bool open = entry->item->job_id == NULL && entry->job_id[0] == '\0' && !entry->is_pending;
    if (entry->recall->is_finished) {
        keep_finished(engine, entry);
    } else if (open && job->state == E5_JOURNAL_BUSY) {
        bool goes_on = e5_engine_awaits_other(engine, entry, E5_OTHER_SUBMITS, err);
        if (goes_on && entry->load != NULL) e5_place_close(&entry->load->place);
        e5_engine_event(engine, entry, goes_on ? E5_EVENT_BUSY : E5_EVENT_PERMANENT, err);
    } else {
        entry->busy_since = 0;
        if (open && usable) e5_fetch_adopt(entry, job->job_id, job->status);
        entry->wants_new = entry->wants_new || (open && !usable && job->state == E5_JOURNAL_ENDED);
        begin(engine, entry);
    }
}

static void consult_journal(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error err = E5_ERROR_NONE;
    if (!e5_memory_is_there(engine))
        begin(engine, entry);
    else if (e5_memory_prepare(entry, &err) == E5_OK)
        e5_engine_disk(engine, entry, recall, recalled);
    else
        fail(engine, entry, &err);
}

void e5_fetch_claim(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_load *load;
    ino_t target = 0;
    if (entry->item->target == NULL) {
        consult_journal(engine, entry);
        return;
    }
    enum e5_status status = entry->load == NULL ? e5_load_new(engine, &entry->load, &err) : E5_OK;
    if (status == E5_OK) entry->load->wants_members = entry->item->unpack;
    if (status == E5_OK) status = take_place(engine, entry, &target, &err);
    load = entry->load;
    if (status == E5_TARGET_BUSY) {
        wait_for_other(engine, entry, target, &err);
        return;
    }
    if (status == E5_OK && load->is_waiting) { /* a wait for something else, later on, is another one */
        load->is_waiting = false;
        entry->busy_since = 0;
    }
    if (status == E5_OK && target != 0 && load->was_busy && target != load->busy_target) {
        e5_engine_disk(engine, entry, e5_fetch_hash_target, other_hashed); /* what the other one has just finished */
        return;
    }
    if (status == E5_OK && target != 0 && engine->options->overwrite == E5_OVERWRITE_NEVER)
        status = refuse_existing(entry, &err);
    if (status != E5_OK) {
        fail(engine, entry, &err);
        return;
    }
    read_state(engine, entry);
    consult_journal(engine, entry);
}
