#include "drive/fetch_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "drive/fetch_event.h"
#include "drive/fetch_follow.h"
#include "drive/fetch_mark.h"
#include "drive/fetch_memory.h"
#include "drive/fetch_note.h"
#include "drive/fetch_sound.h"
#include "drive/fetch_target.h"
#include "drive/fetch_wire.h"
#include "net/structure.h"

#define SMALL ((int64_t)8000000) /* bytes */
#define CHECKS_MOST 48           /* at once, of small files: one round that runs, one that gathers, and more */

static void fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *err) {
    e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
}

/* Open: a part that is there goes on only if it is of the very file that the results name now. */

static void expect(struct e5_engine *engine, struct e5_load *load, int64_t size) {
    engine->expected += size - load->expected;
    load->expected = size;
    e5_watch_expect(engine->watch, engine->expected);
}

static void drop_part(struct e5_engine *engine, struct e5_load *load) {
    if (load->part.fd >= 0) e5_watch_add(engine->watch, -e5_part_here(&load->part));
    e5_follow_stop(load);
    e5_part_close(&load->part);
    load->state.pieces.count = 0;
    load->state.etag[0] = '\0';
    load->restart = false;
}

static void take_asset(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_cds_asset *asset = entry->asset;
    struct e5_load *load = entry->load;
    struct e5_state *state = &load->state;
    char url[sizeof state->url];
    bool same = state->size == asset->size && strcmp(state->checksum, asset->checksum) == 0;
    bool any = state->pieces.count > 0 || load->part.fd >= 0;
    if (any && !same) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: the file at the service has changed; from the beginning",
                       e5_entry_name(entry));
        load->restart = true;
    }
    if (load->restart) drop_part(engine, load);
    state->size = asset->size;
    e5_text_copy(state->checksum, sizeof state->checksum, asset->checksum);
    e5_url_redact(asset->href, url, sizeof url);
    e5_text_copy(state->url, sizeof state->url, url);
    expect(engine, load, asset->size > 0 ? asset->size : 0);
}

static bool matches(const struct e5_entry *entry) {
    const struct e5_cds_asset *asset = entry->asset;
    return entry->result->size == asset->size &&
           e5_checksum_judge(&entry->load->checksum, asset->checksum, "") == E5_CHECKSUM_PROVEN;
}

static enum e5_status open_part(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = entry->load;
    struct stat info;
    bool exists = false;
    enum e5_status status = E5_OK;
    e5_follow_sweep(load);
    if (entry->engine->options->overwrite == E5_OVERWRITE_VERIFY && entry->asset->checksum[0] != '\0') {
        status = e5_place_look(&load->place, &exists, &info, err);
        if (status == E5_OK && exists && info.st_size == entry->asset->size) {
            status = e5_fetch_hash_target(entry, watch, err);
            load->kept = status == E5_OK && matches(entry);
            if (!load->kept) entry->result->size = 0;
        }
    }
    if (status != E5_OK || load->kept) return status;
    (void)e5_state_begin(&load->state, &load->place); /* else the first mark makes one */
    return e5_part_open(&load->part, &load->place, load->state.size, &load->state.pieces, err);
}

static void begin_load(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    int64_t here = e5_part_here(&load->part);
    if (here > 0) {
        e5_text_copy(load->part.etag, sizeof load->part.etag, load->state.etag);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: going on at byte %lld", e5_entry_name(entry), (long long)here);
    }
    e5_watch_add(engine->watch, here);
    e5_mark_begin(load);
    e5_wire_begin(engine, load);
    e5_engine_event(engine, entry, E5_EVENT_READY, NULL);
}

static void part_opened(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status != E5_OK) {
        fail(engine, entry, err);
    } else if (entry->load->kept) {
        e5_fetch_keep_target(entry, E5_VERIFIED_CHECKSUM);
        e5_watch_add(engine->watch, entry->load->expected);
        e5_engine_event(engine, entry, E5_EVENT_KEPT, NULL);
    } else {
        begin_load(engine, entry);
    }
}

/* Small files are waited for longer than they take, so more of them at once are quicker; large ones only share what
 * there is, and are whole the later.  An archive that is to be opened makes work like a large one. */
static bool is_large(const struct e5_entry *entry) {
    const struct e5_cds_asset *asset = entry->asset;
    bool packed = entry->item->unpack && strstr(asset->media_type, "zip") != NULL;
    return packed || asset->size < 0 || asset->size > SMALL;
}

static bool is_full(const struct e5_engine *engine, bool large) {
    const struct e5_fetch_settings *settings = &engine->options->settings;
    unsigned most = (unsigned)settings->max_transfers, most_large = (unsigned)settings->max_large_transfers;
    if (engine->loading >= most || engine->checking >= CHECKS_MOST) return true;
    return large && (engine->large >= most_large || engine->large + engine->heavy >= most_large + engine->most_heavy);
}

static void take_a_place(struct e5_engine *engine, struct e5_entry *entry) {
    entry->is_large = is_large(entry);
    entry->is_loading = true;
    engine->loading++;
    engine->large += entry->is_large;
}

void e5_fetch_open(struct e5_engine *engine, struct e5_entry *entry) {
    if (!entry->is_loading && is_full(engine, is_large(entry))) {
        e5_engine_block(entry);
        return;
    }
    if (!entry->is_loading) take_a_place(engine, entry);
    take_asset(engine, entry);
    e5_load_note_job(entry->load, entry);
    if (entry->load->part.fd >= 0)
        e5_engine_event(engine, entry, E5_EVENT_READY, NULL);
    else
        e5_engine_disk(engine, entry, open_part, part_opened);
}

/* Load. */

void e5_fetch_load(struct e5_engine *engine, struct e5_entry *entry) { e5_wire_start(engine, entry); }

void e5_fetch_tend(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->life.stage != E5_STAGE_LOAD) return;
    double now = e5_clock_monotonic();
    e5_wire_tend(engine, entry, now);
    if (entry->life.stage == E5_STAGE_LOAD) e5_follow_tend(entry->load);
    if (entry->life.stage == E5_STAGE_LOAD) e5_mark_tend(engine, entry, now);
}

/* Check. */

static enum e5_status check_sum(struct e5_load *load, struct e5_watch *watch, struct e5_error *err) {
    const struct e5_checksum_result *found = &load->checksum;
    enum e5_status status = e5_follow_finish(load, watch, err);
    if (status != E5_OK) return status;
    load->verdict = e5_checksum_judge(found, load->state.checksum, load->part.etag);
    if (load->verdict != E5_CHECKSUM_DAMAGED) return E5_OK;
    return e5_fail(err, E5_CORRUPT, "checksum differs: %s declared, %s received", load->state.checksum,
                   found->whole[0] != '\0' ? found->whole : found->joined);
}

static enum e5_status publish(struct e5_entry *entry, struct e5_error *err) {
    struct e5_load *load = entry->load;
    bool replace = entry->engine->options->overwrite != E5_OVERWRITE_NEVER;
    enum e5_status status = e5_part_sync(&load->part, err);
    if (status == E5_OK && fstat(load->part.fd, &load->published) != 0)
        status = e5_fail_errno(err, errno, entry->item->target, "cannot look at");
    return status == E5_OK ? e5_place_publish(&load->place, replace, err) : status;
}

/* The user wants what is in the archive; the part itself is removed at the end. */
static enum e5_status unpack(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = entry->load;
    struct e5_fetch_existing existing = {.replace = entry->engine->options->overwrite != E5_OVERWRITE_NEVER,
                                         .is_ours = e5_memory_knows,
                                         .context = entry};
    int fd = load->part.fd;
    int64_t size = e5_part_here(&load->part);
    e5_follow_sweep(load);
    enum e5_status status =
        load->members != NULL
            ? e5_fetch_unpack_finish(load->members, fd, size, &existing, &load->unpacked, watch, err)
            : e5_fetch_unpack(&load->place, fd, size, &existing, &load->unpacked, watch, err);
    load->is_unpacked = status == E5_OK;
    load->published = load->unpacked.target;
    return status;
}

static enum e5_status check_and_publish(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = entry->load;
    enum e5_status status = check_sum(load, watch, err);
    if (status == E5_OK)
        status = e5_structure_check(load->part.fd, entry->item->target, entry->asset->media_type, err);
    if (status == E5_OK) status = e5_watch_check(watch, err);
    bool packed = false;
    if (status == E5_OK && entry->item->unpack)
        status = e5_fetch_is_archive(load->part.fd, entry->item->target, &packed, err);
    if (status != E5_OK) return status;
    if (packed) return unpack(entry, watch, err);
    status = e5_fetch_sound(&load->place, load->part.fd, load->verdict == E5_CHECKSUM_PROVEN, watch, err);
    return status == E5_OK ? publish(entry, err) : status;
}

static void checked(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    struct e5_fetch_result *result = entry->result;
    struct e5_load *load = entry->load;
    if (err->status == E5_OK) {
        result->size = load->published.st_size;
        result->files = load->unpacked.files;
        result->checksum = load->checksum;
        result->verified = load->verdict == E5_CHECKSUM_PROVEN ? E5_VERIFIED_CHECKSUM
                           : load->part.size >= 0              ? E5_VERIFIED_SIZE
                                                               : E5_UNVERIFIED;
        e5_part_close(&load->part);
        e5_engine_event(engine, entry, E5_EVENT_SOUND, NULL);
    } else if (err->status == E5_CORRUPT) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: %s", e5_entry_name(entry), err->what);
        load->restart = true;
        err->hint[0] = '\0'; /* whoever reads such a file is to download it again, which is what happens here */
        e5_engine_event(engine, entry, E5_EVENT_CORRUPT, err);
    } else {
        fail(engine, entry, err);
    }
}

/* What is small is checked in no time, but may wait for company with which it is hashed. */
void e5_fetch_check(struct e5_engine *engine, struct e5_entry *entry) {
    engine->heavy += entry->is_large;
    engine->checking++;
    entry->is_checking = true;
    e5_engine_disk(engine, entry, check_and_publish, checked);
}

/* End: leave nothing behind after success, and after failure just what the next call can use. */

static enum e5_status clean(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = entry->load;
    bool holds = load->part.fd >= 0 ? e5_part_here(&load->part) > 0 : load->state.pieces.count > 0;
    (void)watch, (void)err;
    e5_follow_sweep(load);
    if (load->state.fingerprint[0] == '\0') return E5_OK;
    e5_fetch_unpack_clean(&load->place); /* it was ours to look at, so it is ours to remove */
    bool tells = holds || entry->item->request != NULL; /* of bytes, or of a job: what the next call goes on with */
    if (!load->is_useful || !tells)
        e5_place_clean(&load->place);
    else if (!holds)
        unlinkat(load->place.directory, load->place.part, 0);
    return E5_OK;
}

static void cleaned(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    struct e5_load *load = entry->load;
    if (err->status != E5_OK) (void)!clean(entry, NULL, NULL); /* no thread was to be had for it */
    e5_part_close(&load->part);
    e5_place_close(&load->place);
    free(load->unpacked.info);
    free(load);
    entry->load = NULL;
    e5_engine_end(engine, entry);
}

static void close_all(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    struct e5_error none = E5_ERROR_NONE;
    bool failed = entry->life.stage == E5_STAGE_FAILED && entry->result->error.status != E5_EXISTS;
    bool found = !load->place.alone; /* names of its own are found by no other call */
    load->is_useful =
        failed && found && (entry->is_pending || entry->job_id[0] != '\0' || entry->item->asset != NULL);
    if (entry->item->unpack) {
        e5_engine_disk(engine, entry, clean, cleaned); /* an archive and its members: it may take a while */
    } else {
        (void)!clean(entry, NULL, NULL);
        cleaned(engine, entry, &none);
    }
}

static void last_mark_made(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    struct e5_load *load = entry->load;
    if (err->status == E5_OK)
        e5_mark_made(load);
    else
        e5_engine_tell(engine, E5_LOG_WARNING, "%s: %s", e5_entry_name(entry), err->what);
    close_all(engine, entry);
}

/* A cancel is to be quick: where a note stands, which survives this process, the part need not be synced. */
static bool note_will_do(const struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    if (entry->result->error.status != E5_CANCELLED || load->unsaved || load->part.fd < 0) return false;
    e5_note_write(load);
    return !load->needs_mark && load->state.boot[0] != '\0';
}

void e5_fetch_end(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    if (load == NULL) {
        e5_engine_end(engine, entry);
        return;
    }
    bool failed = entry->life.stage == E5_STAGE_FAILED;
    bool locked = load->place.lock >= 0;
    bool unmarked = e5_mark_is_due(load);
    bool disk_fails = entry->result->error.status == E5_STORAGE;
    bool useful = entry->job_id[0] != '\0' || entry->item->asset != NULL;
    e5_wire_drop(engine, load);
    e5_follow_stop(load);
    if (load->restart) drop_part(engine, load);
    if (failed && locked && useful && (unmarked || load->unsaved) && !disk_fails && !note_will_do(entry)) {
        e5_mark_prepare(entry);
        e5_engine_disk(engine, entry, e5_mark_write, last_mark_made);
    } else {
        close_all(engine, entry);
    }
}
