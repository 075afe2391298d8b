/* fetch_room: a folder, a service, settings that lose no time, and items "0.nc", "1.nc", … to fetch. */
#ifndef FETCH_ROOM_H
#define FETCH_ROOM_H

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/fetch.h"
#include "folder.h"
#include "mini_cds.h"
#include "pool/job.h"

#define MOST 200
#define KEY "secret-key"

static struct e5_fetch_options options;
static struct e5_fetch_item items[MOST];
static struct e5_fetch_result results[MOST];
static char requests[MOST][80], targets[MOST][200];
static struct e5_watch watch;
static char log_text[200000];

static inline void keep_line(void *context, enum e5_log_level level, const char *line) {
    (void)context;
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof log_text - used, "%s%s\n", level == E5_LOG_WARNING ? "WARNING " : "", line);
}

static inline void begin(void) {
    static char url[100];
    folder_make();
    cds_start();
    snprintf(url, sizeof url, "%s/api/", cds.api.origin);
    options = (struct e5_fetch_options){.http = {.url = url, .key = KEY, .user_agent = "tester/1"},
                                        .overwrite = E5_OVERWRITE_ALWAYS};
    e5_fetch_settings_init(&options.settings);
    options.settings.max_jobs = 3;
    options.settings.max_transfers = 2;
    options.settings.patience = 5;
    options.settings.poll_interval = 10;
    options.settings.pace = 0.001;
    for (int i = 0; i < MOST; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d.nc", i);
        snprintf(targets[i], sizeof targets[i], "%s", folder_path(name));
        snprintf(requests[i], sizeof requests[i], "{\"variable\":[\"2t\"],\"year\":%d}", 2000 + i);
        items[i] = (struct e5_fetch_item){
            .dataset = "era5", .request = requests[i], .target = targets[i], .goal = E5_GOAL_FILE};
    }
}

static inline void end(void) {
    cds_sync();
    cds_stop();
    e5_fetch_results_fini(results, MOST);
    folder_remove();
}

static inline enum e5_status fetch(size_t n) {
    struct e5_error err = E5_ERROR_NONE;
    memset(&watch, 0, sizeof watch);
    e5_fetch_results_fini(results, MOST);
    enum e5_status status = e5_fetch(&options, items, n, NULL, results, &watch, &err);
    log_text[0] = '\0';
    e5_log_drain(keep_line, NULL);
    CHECK(status == err.status && strstr(log_text, KEY) == NULL);
    return status;
}

static inline bool is_whole(const char *name) {
    static char text[DATA_SIZE + 1];
    return folder_read(name, text, sizeof text) == DATA_SIZE && memcmp(text, cds.data, DATA_SIZE) == 0;
}

/* A call in a job of its own, so that it can be cancelled. */
struct fetch_call {
    struct e5_job *job;
    size_t n;
};

static inline enum e5_status fetch_in_job(void *context, struct e5_watch *inner, struct e5_error *err) {
    const struct fetch_call *call = context;
    return e5_fetch(&options, items, call->n, NULL, results, inner, err);
}

static inline void start_fetch(struct fetch_call *call, size_t n) {
    call->n = n;
    e5_fetch_results_fini(results, MOST);
    CHECK_OK(e5_job_start(fetch_in_job, call, &call->job, err));
}

#define PROMPT 5.0 /* seconds: one is promised, but machines are busy; who does not hear would wait for minutes */

/* Cancel and tell how it ended. */
static inline enum e5_status cancel_fetch(struct fetch_call *call, double *seconds) {
    double begun = e5_clock_monotonic();
    cds_sync();
    e5_watch_cancel(e5_job_watch(call->job));
    enum e5_status status = e5_job_finish(call->job, NULL);
    *seconds = e5_clock_monotonic() - begun;
    log_text[0] = '\0';
    e5_log_drain(keep_line, NULL);
    return status;
}

#define WAIT_UNTIL(call, condition)                   \
    for (int i_ = 0; i_ < 5000 && !(condition); i_++) \
        if (e5_job_wait((call)->job, 0.001)) break

#endif
