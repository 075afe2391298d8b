#include <sys/resource.h>

#include "fetch_room.h"
#include "net/place.h"

/* A queue that works: `at_once` jobs run, each for `seconds`; more than `limit` queued ones are rejected. */
static void begin_queue(int at_once, double seconds, int limit) {
    begin();
    cds.at_once = at_once;
    cds.run_seconds = seconds;
    cds.queue_limit = limit;
    options.settings.max_jobs = 100;
    options.settings.poll_interval = 50; /* 0.05 s */
    options.settings.rejection_wait = 200;
    for (int i = 0; i < MOST; i++) {
        items[i].goal = E5_GOAL_RESULT;
        items[i].target = NULL;
    }
}

static int count_good(int n) {
    int good = 0;
    for (int i = 0; i < n; i++) good += results[i].error.status == E5_OK;
    return good;
}

TEST(one_list_serves_all) {
    begin_queue(4, 0.02, 0);
    options.settings.poll_interval = 200; /* as 5 s, 0.25 s and 10 s are to jobs of half a second */
    options.settings.poll_interval_min = 10;
    options.settings.poll_interval_max = 400;
    CHECK(fetch(200) == E5_OK && count_good(200) == 200);
    CHECK(cds.jobs == 200 && cds.posts == 200 && cds.polls == 0);
    printf("%d calls for 200 jobs, %d lists\n", atomic_load(&cds.api.requests), cds.lists);
    CHECK(atomic_load(&cds.api.requests) <= 300); /* 1.5 calls per job, submissions included */
    end();
}

TEST(the_limit_of_the_queue_is_found) {
    begin_queue(2, 0.02, 5);
    CHECK(fetch(60) == E5_OK && count_good(60) == 60);
    CHECK(cds.rejections <= 12 && cds.jobs == 60 + cds.rejections);
    CHECK(cds.rejections == 0 || strstr(log_text, "is full") != NULL);
    end();
}

TEST(rejected_requests_go_again_and_others_go_on) {
    begin_queue(1, 0.01, 0);
    cds.reject_jobs = 2;
    CHECK(fetch(6) == E5_OK && count_good(6) == 6 && cds.jobs == 8);
    CHECK(strstr(log_text, "rejected because the queue is full") != NULL);
    end();
}

TEST(jobs_that_were_only_submitted_take_room_in_the_queue) {
    begin_queue(1, 0.005, 3);
    for (int i = 0; i < 12; i++) items[i].goal = E5_GOAL_JOB;
    CHECK(fetch(12) == E5_OK && count_good(12) == 12 && cds.posts == 12);
    CHECK(cds.rejections <= 3); /* all at once would be 8; some trials of the limit fail */
    end();
}

TEST(jobs_far_down_the_list_are_found_by_pages) {
    begin_queue(50, 0.3, 0);
    cds.list_most = 7;
    for (int i = 0; i < 30; i++) cds_add_job("other", "{}");
    CHECK(fetch(10) == E5_OK && count_good(10) == 10);
    CHECK(cds.lists > 1);
    end();
}

TEST(jobs_that_no_list_shows_are_asked_for_alone) {
    begin_queue(0, 0, 0);
    cds_add_job("era5", "{}");
    for (int i = 0; i < 100; i++) cds_add_job("other", "{}");
    cds.list_most = 2;
    items[0] = (struct e5_fetch_item){.job_id = "00000000-0000-4000-8000-000000000000", .goal = E5_GOAL_RESULT};
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.polls >= 1);
    end();
}

TEST(lists_that_fail_are_ridden_out) {
    begin_queue(0, 0, 0);
    cds.fail_lists = 3;
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && cds.fail_lists == 0 && cds.polls == 0);
    cds.fail_lists = 1000000;
    options.settings.patience = 0.1;
    items[3].request = "{\"another\":1}";
    CHECK(fetch(4) == E5_OK && results[3].error.status == E5_SERVER && results[3].error.attempts > 1);
    CHECK(results[3].error.job_id[0] != '\0');
    CHECK(strstr(log_text, "WARNING waiting") != NULL); /* it lasts */
    end();
}

TEST(an_unknown_word_is_told_once) {
    struct fetch_call call;
    double seconds;
    begin_queue(0, 0, 0);
    cds.keep_running = 1;
    cds.word = "pondering";
    start_fetch(&call, 2);
    WAIT_UNTIL(&call, cds.lists >= 5);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < 0.5);
    const char *first = strstr(log_text, "unknown status 'pondering'");
    CHECK(first != NULL && strstr(first + 1, "unknown status") == NULL);
    end();
}

TEST(a_quota_is_not_waited_for) {
    begin_queue(0, 0, 0);
    cds.reject_jobs = 1;
    cds.refusal = "You have reached your daily quota of requests";
    CHECK(fetch(6) == E5_OK && results[0].error.status == E5_THROTTLED);
    CHECK(cds.posts < 6); /* those that were sent before the first answer was read */
    CHECK(strstr(results[0].error.hint, "tomorrow") != NULL);
    end();
}

TEST(a_deadline_leaves_the_job_alive) {
    begin();
    cds.keep_running = 1;
    options.settings.deadline = 0.2;
    CHECK(fetch(2) == E5_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(results[i].error.status == E5_JOB_TIMEOUT && strlen(results[i].error.job_id) == 36);
        CHECK(results[i].error.hint[0] != '\0' && strcmp(results[i].status, "running") == 0);
    }
    CHECK(cds.deletions == 0);
    cds.keep_running = 0;
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && cds.posts == 2); /* the same jobs */
    end();
}

TEST(a_deadline_ends_a_transfer_as_well) {
    begin();
    cds.cut_at = 50000;
    options.settings.deadline = 0.3;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_TRANSFER_TIMEOUT && folder_count() == 2);
    end();
}

TEST(a_deadline_ends_the_wait_for_somebody_else_and_for_a_job) {
    struct e5_place place;
    begin();
    options.settings.deadline = 0.2;
    CHECK_OK(e5_place_open(&place, targets[0], err));
    CHECK_OK(e5_place_lock(&place, "another", err));
    cds.refuse_with = 503;
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_TARGET_BUSY);
    CHECK(strstr(results[0].error.what, "somebody else was still writing it after 0.2 s") != NULL);
    CHECK(results[1].error.status == E5_JOB_TIMEOUT && results[1].error.job_id[0] == '\0');
    CHECK(strstr(results[1].error.what, "no job could be submitted in 0.2 s") != NULL);
    e5_place_clean(&place);
    e5_place_close(&place);
    end();
}

TEST(cancelling_dismisses_jobs_when_asked) {
    struct fetch_call call;
    double seconds;
    begin();
    cds.keep_running = 1;
    options.dismiss = true;
    start_fetch(&call, 2);
    WAIT_UNTIL(&call, cds.lists >= 2 && cds.jobs == 2);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < PROMPT);
    CHECK(cds.deletions == 1 && folder_count() == 0);
    for (int i = 0; i < 2; i++) CHECK(strcmp(cds.job[i].status, "dismissed") == 0);
    cds.keep_running = 0;
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && cds.jobs == 4); /* no dead job was kept */
    end();
}

TEST(a_silent_service_does_not_hold_up_a_cancel) {
    struct fetch_call call;
    double seconds;
    begin();
    cds.keep_running = 1;
    cds.stall_deletions = 1;
    options.dismiss = true;
    start_fetch(&call, 2);
    WAIT_UNTIL(&call, cds.lists >= 2 && cds.jobs == 2);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < PROMPT);
    CHECK(strstr(log_text, "could not be dismissed") != NULL && folder_count() == 2); /* the jobs are remembered */
    cds.keep_running = 0;
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && cds.jobs == 2);
    end();
}

TEST(cancelling_leaves_jobs_alone_otherwise) {
    struct fetch_call call;
    double seconds;
    begin();
    cds.keep_running = 1;
    start_fetch(&call, 2);
    WAIT_UNTIL(&call, cds.lists >= 2 && cds.jobs == 2);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < 0.5 && cds.deletions == 0);
    CHECK(folder_count() == 2);
    end();
}

TEST(counts_tell_what_goes_on) {
    struct fetch_call call;
    double seconds;
    begin();
    cds.keep_running = 1;
    items[0].request = "[]";
    start_fetch(&call, 3);
    struct e5_watch *shown = e5_job_watch(call.job);
    WAIT_UNTIL(&call, atomic_load(&shown->counts[E5_WATCH_RUNNING]) == 2);
    CHECK(atomic_load(&shown->counts[E5_WATCH_RUNNING]) == 2 && atomic_load(&shown->counts[E5_WATCH_FILES]) == 3);
    CHECK(atomic_load(&shown->counts[E5_WATCH_FAILED]) == 1 && atomic_load(&shown->counts[E5_WATCH_DONE]) == 0);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED);
    end();
}

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

TEST(ten_thousand_items_cost_little) {
    enum { MANY = 10000 };
    struct e5_error err = E5_ERROR_NONE;
    begin();
    cds.refuse_with = 401;
    struct e5_fetch_item *many = calloc(MANY, sizeof *many);
    char (*texts)[60] = calloc(MANY, sizeof *texts);
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "{\"variable\":[\"2t\"],\"year\":%d}", i);
        many[i] = (struct e5_fetch_item){
            .dataset = "era5", .request = texts[i], .target = targets[0], .goal = E5_GOAL_FILE};
    }
    long before = peak_kib();
    struct e5_fetch_result *ends = calloc(MANY, sizeof *ends);
    CHECK(e5_fetch(&options, many, MANY, NULL, ends, NULL, &err) == E5_OK);
    long grown = peak_kib() - before;
    CHECK(ends[0].error.status == E5_AUTH && ends[MANY - 1].error.status == E5_AUTH && cds.posts == 1);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(grown < 48 << 10);
#endif
    printf("10,000 items: %.1f MiB\n", (double)grown / 1024);
    e5_fetch_results_fini(ends, MANY);
    free(ends);
    free(many);
    free(texts);
    e5_log_drain(keep_line, NULL);
    end();
}

int main(void) {
    RUN(ten_thousand_items_cost_little);
    RUN(one_list_serves_all);
    RUN(the_limit_of_the_queue_is_found);
    RUN(rejected_requests_go_again_and_others_go_on);
    RUN(jobs_that_were_only_submitted_take_room_in_the_queue);
    RUN(jobs_far_down_the_list_are_found_by_pages);
    RUN(jobs_that_no_list_shows_are_asked_for_alone);
    RUN(lists_that_fail_are_ridden_out);
    RUN(an_unknown_word_is_told_once);
    RUN(a_quota_is_not_waited_for);
    RUN(a_deadline_leaves_the_job_alive);
    RUN(a_deadline_ends_a_transfer_as_well);
    RUN(a_deadline_ends_the_wait_for_somebody_else_and_for_a_job);
    RUN(cancelling_dismisses_jobs_when_asked);
    RUN(a_silent_service_does_not_hold_up_a_cancel);
    RUN(cancelling_leaves_jobs_alone_otherwise);
    RUN(counts_tell_what_goes_on);
    return check_summary();
}
