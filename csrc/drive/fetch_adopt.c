#include "drive/fetch_adopt.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "drive/fetch_lane.h"
#include "drive/fetch_load.h"

void e5_fetch_adopt(struct e5_entry *entry, const char *job_id, const char *word) {
    e5_text_copy(entry->job_id, sizeof entry->job_id, job_id);
    e5_text_copy(entry->job_status, sizeof entry->job_status, word);
    entry->is_pending = false;
    entry->submitted = 0;
    entry->is_off_list = false;
    if (entry->load != NULL) entry->load->unsaved = true;
}

void e5_fetch_take_job(struct e5_entry *entry, const char *job_id) {
    double now = e5_clock_monotonic();
    double submitted = entry->submitted > 0 ? entry->submitted : now;
    e5_fetch_adopt(entry, job_id, "accepted");
    entry->submitted = submitted;
    entry->told_at = now;
    entry->running_since = 0;
    entry->is_new = true;
}

void e5_fetch_forget_job(struct e5_entry *entry) {
    e5_lane_leave(entry);
    memcpy(entry->lost_id, entry->job_id, sizeof entry->lost_id);
    entry->job_id[0] = entry->job_status[0] = '\0';
    entry->is_off_list = entry->is_sharer = entry->is_new = false;
    entry->submitted = entry->running_since = 0;
    if (entry->load != NULL) entry->load->unsaved = true;
}
