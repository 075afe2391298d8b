#include "drive/fetch_news.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "drive/fetch_adopt.h"
#include "drive/fetch_event.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_memory.h"

#define TELL_WORKING 3600.0 /* seconds between lines about a job that does not end */

/* Where the job stands in the queue, and what that tells about the queue. */
static void note_queue(struct e5_engine *engine, struct e5_entry *entry, const struct e5_cds_news *news, double now) {
    enum e5_cds_state state = e5_cds_state_of(news->status);
    bool accepted = state == E5_CDS_ACCEPTED, running = state == E5_CDS_RUNNING;
    bool crowded = news->event == E5_EVENT_CROWDED;
    if (accepted && !entry->is_sharer && !entry->is_ended) e5_lane_join(entry);
    if (running && entry->running_since <= 0) entry->running_since = now;
    if (crowded)
        e5_lane_rejected(entry, now);
    else if (state != E5_CDS_REJECTED && (!accepted || now - entry->submitted > engine->admission.confirm))
        e5_lane_survived(entry, now);
    bool ended = news->event == E5_EVENT_ENDED || news->event == E5_EVENT_LOCATED || news->event == E5_EVENT_BROKEN;
    if (ended && entry->running_since > 0) {
        e5_pacer_ran(&engine->poller.pacer, now - entry->running_since);
        entry->running_since = 0;
    }
    engine->poller.view.left += entry->is_queued && !accepted && !crowded;
    if (!accepted) e5_lane_leave(entry);
}

static void note_unknown_word(struct e5_engine *engine, const struct e5_entry *entry, const char *word) {
    if (engine->poller.told_word || e5_cds_state_of(word) != E5_CDS_OTHER) return;
    engine->poller.told_word = true;
    e5_engine_tell(engine, E5_LOG_WARNING, "job %s: unknown status '%s', taken as still working", entry->job_id,
                   word);
}

static void note_status(struct e5_engine *engine, struct e5_entry *entry, const char *word, double now) {
    note_unknown_word(engine, entry, word);
    if (strcmp(word, entry->job_status) != 0) {
        e5_text_copy(entry->job_status, sizeof entry->job_status, word);
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: status has been updated to %s", entry->job_id, word);
        e5_memory_note_status(engine, entry->job_id, word);
        entry->poll_wait = 0;
        entry->told_at = now;
    } else if (now - entry->told_at > TELL_WORKING) {
        double since = entry->submitted > 0 ? entry->submitted : now;
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: still %s after %.1f h", entry->job_id, word,
                       (now - since) / 3600);
        entry->told_at = now;
    }
}

static enum e5_status keep_asset(struct e5_entry *entry, const struct e5_cds_asset *asset, struct e5_error *err) {
    enum e5_status status = entry->asset != NULL ? E5_OK : e5_alloc(1, sizeof *asset, &entry->asset, err);
    if (status == E5_OK) *entry->asset = *asset;
    return status;
}

static bool ends_job(const struct e5_cds_news *news) {
    enum e5_event event = news->event;
    bool refused = event == E5_EVENT_PERMANENT && news->error.status == E5_THROTTLED; /* rejected: a quota */
    return refused || event == E5_EVENT_BROKEN || event == E5_EVENT_SHAKY || event == E5_EVENT_CROWDED ||
           event == E5_EVENT_EXPIRED || event == E5_EVENT_MISSING || event == E5_EVENT_DISMISSED;
}

void e5_news_take(struct e5_engine *engine, struct e5_entry *entry, struct e5_cds_news *news) {
    double now = e5_clock_monotonic();
    double young = engine->options->settings.young * engine->policy.pace;
    if (news->has_status) {
        note_queue(engine, entry, news, now);
        note_status(engine, entry, news->status, now);
    } else if (news->event == E5_EVENT_CROWDED) {
        e5_lane_rejected(entry, now);
    }
    if (news->event == E5_EVENT_MISSING && entry->submitted > 0 && now - entry->submitted < young)
        news->event = E5_EVENT_YOUNG;
    if (news->event == E5_EVENT_LOCATED && keep_asset(entry, &news->asset, &news->error) != E5_OK)
        news->event = E5_EVENT_PERMANENT;
    e5_error_job(&news->error, entry->job_id);
    if (ends_job(news)) {
        e5_engine_tell(engine, E5_LOG_INFO, "job %s: %s", entry->job_id, news->error.what);
        e5_memory_note_status(engine, entry->job_id, "gone");
        e5_fetch_forget_job(entry);
    }
    e5_engine_event(engine, entry, news->event, &news->error);
}

void e5_news_take_late(struct e5_engine *engine, struct e5_entry *entry, const struct e5_cds_news *news) {
    double now = e5_clock_monotonic();
    if (!news->has_status) return;
    note_queue(engine, entry, news, now);
    note_status(engine, entry, news->status, now);
}
