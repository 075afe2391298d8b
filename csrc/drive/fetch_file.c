#include "drive/fetch_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "drive/fetch_target.h"
#include "net/structure.h"

#define MARK_BYTES ((int64_t)64 << 20)
#define MARK_SECONDS 30.0

static void fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *err) {
    e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
}

/* Open: a part that is there goes on only if it is of the very file that the results name now. */

static void expect(struct e5_engine *engine, struct e5_entry *entry, int64_t size) {
    engine->expected += size - entry->expected;
    entry->expected = size;
    e5_watch_expect(engine->watch, engine->expected);
}

static void drop_part(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->part.fd >= 0) e5_watch_add(engine->watch, -entry->part.position);
    e5_part_close(&entry->part);
    entry->state.durable = 0;
    entry->state.etag[0] = '\0';
    entry->restart = false;
}

static void take_asset(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_cds_asset *asset = entry->asset;
    struct e5_state *state = &entry->state;
    char url[sizeof state->url];
    bool same = state->size == asset->size && strcmp(state->checksum, asset->checksum) == 0;
    bool any = state->durable > 0 || entry->part.fd >= 0;
    if (any && !same) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: the file at the service has changed; from the beginning",
                       entry->place.name);
        entry->restart = true;
    }
    if (entry->restart) drop_part(engine, entry);
    state->size = asset->size;
    e5_text_copy(state->checksum, sizeof state->checksum, asset->checksum);
    e5_url_redact(asset->href, url, sizeof url);
    e5_text_copy(state->url, sizeof state->url, url);
    expect(engine, entry, asset->size > 0 ? asset->size : 0);
}

static bool matches(const struct e5_entry *entry) {
    const struct e5_cds_asset *asset = entry->asset;
    return entry->result->size == asset->size &&
           e5_checksum_judge(&entry->checksum, asset->checksum, "") == E5_CHECKSUM_PROVEN;
}

static enum e5_status open_part(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct stat info;
    bool exists = false;
    enum e5_status status = E5_OK;
    if (entry->engine->options->overwrite == E5_OVERWRITE_VERIFY) {
        status = e5_place_look(&entry->place, &exists, &info, err);
        if (status == E5_OK && exists && info.st_size == entry->asset->size) {
            status = e5_fetch_hash_target(entry, watch, err);
            entry->kept = status == E5_OK && matches(entry);
            if (!entry->kept) entry->result->size = 0;
        }
    }
    if (status != E5_OK || entry->kept) return status;
    return e5_part_open(&entry->part, &entry->place, entry->state.size, entry->state.durable, watch, err);
}

static void begin_load(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_transfer *transfer = &entry->transfer;
    *transfer =
        (struct e5_transfer){.part = &entry->part, .media_type = entry->asset->media_type, .watch = engine->watch};
    if (entry->part.position > 0) {
        e5_text_copy(transfer->etag, sizeof transfer->etag, entry->state.etag);
        e5_engine_tell(engine, E5_LOG_INFO, "%s: going on at byte %lld of %lld", entry->place.name,
                       (long long)entry->part.position, (long long)entry->part.size);
    }
    e5_watch_add(engine->watch, entry->part.position);
    entry->state.durable = entry->part.position;
    entry->marked_at = e5_clock_monotonic();
    e5_engine_event(engine, entry, E5_EVENT_READY, NULL);
}

static void part_opened(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status != E5_OK) {
        fail(engine, entry, err);
    } else if (entry->kept) {
        e5_fetch_keep_target(entry, E5_VERIFIED_CHECKSUM);
        e5_watch_add(engine->watch, entry->expected);
        e5_engine_event(engine, entry, E5_EVENT_KEPT, NULL);
    } else {
        begin_load(engine, entry);
    }
}

void e5_fetch_open(struct e5_engine *engine, struct e5_entry *entry) {
    unsigned most = engine->options->max_transfers;
    bool full = engine->loading >= most || engine->loading + engine->checking >= most + engine->most_checks;
    if (!entry->is_loading && full) {
        e5_engine_block(entry);
        return;
    }
    engine->loading += !entry->is_loading;
    entry->is_loading = true;
    take_asset(engine, entry);
    if (entry->part.fd >= 0)
        e5_engine_event(engine, entry, E5_EVENT_READY, NULL);
    else
        e5_engine_disk(engine, entry, open_part, part_opened);
}

/* Load. */

static void loaded(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_transfer *transfer = &entry->transfer;
    enum e5_event event = e5_transfer_judge(transfer, exchange, &err);
    if (entry->part.position > transfer->begun_at) e5_retry_progress(&entry->retry);
    if (event == E5_EVENT_TEMPORARY && e5_exchange_head(exchange)->retry_after > 0) {
        err.retry_after = e5_exchange_head(exchange)->retry_after;
        e5_engine_hold(engine, entry->asset->href, err.retry_after);
    }
    /* A second short reply is no accident, and a second dead address means that the results are gone. */
    if (event == E5_EVENT_SHORT && entry->life.spent[E5_BUDGET_SHORT] > 0) event = E5_EVENT_CORRUPT;
    if (event == E5_EVENT_GONE && entry->life.spent[E5_BUDGET_GONE] > 0) event = E5_EVENT_EXPIRED;
    if (event == E5_EVENT_CORRUPT) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: %s", entry->place.name, err.what);
        entry->restart = true; /* not closed here: a mark may be on its way to the disk */
    }
    if (event == E5_EVENT_EXPIRED) {
        entry->state.job_id[0] = '\0';
        entry->own_job = true;
    }
    e5_engine_event(engine, entry, event, &err);
}

void e5_fetch_load(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_http_call call = {.url = entry->asset->href};
    e5_transfer_prepare(&entry->transfer, &call);
    e5_engine_call(engine, entry, &call, loaded);
}

static enum e5_status write_mark(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    (void)watch; /* a cancel is just when a mark is wanted */
    enum e5_status status = entry->part.fd >= 0 ? e5_part_sync(&entry->part, err) : E5_OK;
    return status == E5_OK ? e5_state_save(&entry->mark, &entry->place, err) : status;
}

static void marked(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status == E5_OK) {
        entry->state.durable = entry->mark.durable;
        entry->unsaved = false;
    } else if (entry->life.stage == E5_STAGE_LOAD) {
        e5_http_drop(engine->http, entry->call.exchange);
        entry->call.exchange = NULL;
        fail(engine, entry, err);
    }
}

static void prepare_mark(struct e5_entry *entry) {
    if (entry->part.fd >= 0) {
        e5_text_copy(entry->state.etag, sizeof entry->state.etag, entry->transfer.etag);
        entry->mark = entry->state;
        entry->mark.durable = entry->part.position;
    } else {
        entry->mark = entry->state;
    }
    entry->marked_at = e5_clock_monotonic();
}

void e5_fetch_tend(struct e5_engine *engine, struct e5_entry *entry) {
    if (entry->life.stage != E5_STAGE_LOAD || entry->job != NULL) return;
    int64_t position = entry->part.position;
    if (position < entry->state.durable) entry->state.durable = 0; /* the store made us begin anew */
    int64_t unmarked = position - entry->state.durable;
    if (unmarked <= 0) return;
    if (unmarked < MARK_BYTES && e5_clock_monotonic() - entry->marked_at < MARK_SECONDS) return;
    prepare_mark(entry);
    e5_engine_disk(engine, entry, write_mark, marked);
}

/* Check. */

static enum e5_status check_sum(struct e5_entry *entry, struct e5_error *err) {
    enum e5_status status = e5_checksum_result(&entry->part.checksum, &entry->checksum, err);
    if (status != E5_OK) return status;
    entry->verdict = e5_checksum_judge(&entry->checksum, entry->state.checksum, entry->transfer.etag);
    if (entry->verdict != E5_CHECKSUM_DAMAGED) return E5_OK;
    return e5_fail(err, E5_CORRUPT, "checksum differs: %s declared, %s received", entry->state.checksum,
                   entry->checksum.whole);
}

static enum e5_status check_and_publish(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    bool replace = entry->engine->options->overwrite != E5_OVERWRITE_NEVER;
    enum e5_status status = check_sum(entry, err);
    if (status == E5_OK)
        status = e5_structure_check(entry->part.fd, entry->item->target, entry->asset->media_type, err);
    if (status == E5_OK) status = e5_watch_check(watch, err);
    if (status == E5_OK) status = e5_part_sync(&entry->part, err);
    if (status == E5_OK) status = e5_place_publish(&entry->place, replace, err);
    return status;
}

static void checked(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    struct e5_fetch_result *result = entry->result;
    if (err->status == E5_OK) {
        result->size = entry->part.position;
        memcpy(result->md5, entry->checksum.whole, sizeof result->md5);
        result->verified = entry->verdict == E5_CHECKSUM_PROVEN ? E5_VERIFIED_CHECKSUM
                           : entry->part.size >= 0              ? E5_VERIFIED_SIZE
                                                                : E5_UNVERIFIED;
        e5_part_close(&entry->part);
        e5_engine_event(engine, entry, E5_EVENT_SOUND, NULL);
    } else if (err->status == E5_CORRUPT) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: %s", entry->place.name, err->what);
        entry->restart = true;
        e5_engine_event(engine, entry, E5_EVENT_CORRUPT, err);
    } else {
        fail(engine, entry, err);
    }
}

void e5_fetch_check(struct e5_engine *engine, struct e5_entry *entry) {
    engine->checking++;
    entry->is_checking = true;
    e5_engine_disk(engine, entry, check_and_publish, checked);
}

/* End: leave nothing behind after success, and after failure just what the next call can use. */

static void close_all(struct e5_engine *engine, struct e5_entry *entry) {
    const struct e5_state *state = &entry->state;
    bool useful = entry->life.stage == E5_STAGE_FAILED && entry->error.status != E5_EXISTS &&
                  (state->pending || e5_cds_good_id(state->job_id));
    if (state->fingerprint[0] != '\0') { /* it was ours to look at, so it is ours to remove */
        if (!useful)
            e5_place_clean(&entry->place);
        else if (state->durable == 0)
            unlinkat(entry->place.directory, entry->place.part, 0);
    }
    e5_part_close(&entry->part);
    e5_place_close(&entry->place);
    free(entry->asset);
    entry->asset = NULL;
    e5_engine_end(engine, entry);
}

static void last_mark_made(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status == E5_OK)
        entry->state.durable = entry->mark.durable;
    else
        e5_engine_tell(engine, E5_LOG_WARNING, "%s: %s", entry->place.name, err->what);
    close_all(engine, entry);
}

void e5_fetch_end(struct e5_engine *engine, struct e5_entry *entry) {
    bool failed = entry->life.stage == E5_STAGE_FAILED;
    bool locked = entry->place.lock >= 0 || entry->place.alone;
    bool unmarked = entry->part.fd >= 0 && entry->part.position != entry->state.durable;
    bool disk_fails = entry->error.status == E5_STORAGE;
    if (entry->restart) drop_part(engine, entry);
    if (failed && locked && entry->state.job_id[0] != '\0' && (unmarked || entry->unsaved) && !disk_fails) {
        prepare_mark(entry);
        e5_engine_disk(engine, entry, write_mark, last_mark_made);
    } else {
        close_all(engine, entry);
    }
}
