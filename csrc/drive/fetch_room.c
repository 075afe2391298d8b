#include "drive/fetch_room.h"

static enum e5_status make(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = context;
    int64_t upto = 0;
    enum e5_status status = e5_watch_check(watch, err);
    while (status == E5_OK && e5_part_make_room(&load->part, &upto)) status = e5_watch_check(watch, err);
    return status;
}

void e5_room_begin(struct e5_load *load) {
    if (load->room != NULL || !e5_part_wants_room(&load->part)) return;
    if (e5_job_start(make, load, &load->room, NULL) != E5_OK) load->room = NULL;
}

void e5_room_end(struct e5_load *load) {
    struct e5_job *job = load->room;
    load->room = NULL;
    if (job == NULL) return;
    e5_watch_cancel(e5_job_watch(job));
    (void)!e5_job_finish(job, NULL);
}
