#include <sys/syscall.h>

#include "fetch_room.h"

/* Only part files are synced so, in place of the C library's. */
static atomic_int syncs;

int fdatasync(int fd) {
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

TEST(a_batch_becomes_files) {
    begin();
    items[3].dataset = items[4].dataset = "other";
    CHECK(fetch(5) == E5_OK);
    for (int i = 0; i < 5; i++) {
        CHECK(results[i].error.status == E5_OK && results[i].size == DATA_SIZE && !results[i].kept);
        CHECK(results[i].verified == E5_VERIFIED_CHECKSUM && strcmp(results[i].checksum.whole, cds.md5) == 0);
        CHECK(strlen(results[i].job_id) == 36 && is_whole(strrchr(items[i].target, '/') + 1));
    }
    CHECK(cds.jobs == 5 && folder_count() == 5 && cds.lists > 0);
    CHECK(atomic_load(&watch.done) == 5 * DATA_SIZE && atomic_load(&watch.total) == 5 * DATA_SIZE);
    CHECK(strstr(log_text, "submitted") != NULL && strstr(log_text, "status has been updated to successful") != NULL);
    end();
}

TEST(equal_requests_share_a_job) {
    begin();
    items[1].request = "{\"year\": 2000, \"variable\": [\"2t\"]}"; /* the same, written differently */
    items[2] = items[0];
    CHECK(fetch(3) == E5_OK);
    for (int i = 0; i < 3; i++) CHECK(results[i].error.status == E5_OK && results[i].size == DATA_SIZE);
    CHECK(cds.jobs == 1 && folder_count() == 2);
    end();
}

TEST(a_refused_token_is_shown_once) {
    begin();
    cds.refuse_with = 401;
    CHECK(fetch(5) == E5_OK);
    for (int i = 0; i < 5; i++) {
        CHECK(results[i].error.status == E5_AUTH && results[i].error.http_status == 401);
        CHECK(strstr(results[i].error.what, KEY) == NULL && strstr(results[i].error.what, "***") != NULL);
        CHECK(strcmp(results[i].error.target, items[i].target) == 0);
    }
    CHECK(cds.posts == 1 && folder_count() == 0);
    end();
}

TEST(a_lost_reply_makes_no_second_job) {
    begin();
    cds.lose_replies = 1;
    CHECK(fetch(2) == E5_OK);
    CHECK(results[0].error.status == E5_OK && results[1].error.status == E5_OK);
    CHECK(cds.jobs == 2 && strstr(log_text, "checking whether the job exists") != NULL);
    end();
}

TEST(a_job_that_cannot_be_asked_about_is_asked_about_again) {
    static const int statuses[] = {429, 500, 503, 524, 200, 401};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        bool permanent = statuses[i] == 401;
        begin();
        cds.lose_replies = 1;
        cds.fail_looks = 3;
        cds.fail_with = statuses[i];
        CHECK(fetch(1) == E5_OK && results[0].error.status == (permanent ? E5_AUTH : E5_OK));
        CHECK(cds.jobs == 1 && cds.posts == 1 && cds.looks == (permanent ? 1 : 4));
        end();
    }
}

/* A new job is wanted although there is one that was made `seconds` ago; the reply to its submission is lost. */
static void check_fresh(double seconds, double clock_ahead, const char *job_id) {
    begin();
    CHECK(fetch(1) == E5_OK && cds.jobs == 1);
    cds.job[0].created -= seconds;
    cds.clock_ahead = clock_ahead;
    cds.refuse_with = 502; /* lost without a job, then with one */
    cds.posts = 0;
    cds.refusals = 1;
    cds.lose_replies = 1;
    items[0].fresh = true;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && strcmp(results[0].job_id, job_id) == 0);
    end();
}

TEST(a_new_job_is_never_an_older_one) {
    check_fresh(60, 0, "00000001-0000-4000-8000-000000000000");
    check_fresh(60, 86400, "00000001-0000-4000-8000-000000000000");
    check_fresh(60, -86400, "00000001-0000-4000-8000-000000000000");
    check_fresh(1, 0, "00000000-0000-4000-8000-000000000000"); /* too close to tell: no second job is made */
}

TEST(a_submission_lost_after_many_looks_is_found) {
    begin();
    cds.refuse_with = 502;
    cds.refusals = 3;
    cds.others = 15; /* more than are compared at once */
    cds.lose_replies = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK);
    CHECK(cds.posts == 4 && cds.jobs == 3 * 15 + 1);
    end();
}

TEST(a_submission_that_was_never_made_is_repeated) {
    begin();
    cds.refuse_with = 502;
    cds.refusals = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK);
    CHECK(cds.posts == 2 && cds.looks == 3 && cds.jobs == 1);
    end();
}

/* Begin two, cancel as soon as `bytes` have come and both have jobs, and tell how it ended. */
static enum e5_status cancel_after(int64_t bytes, double *seconds) {
    struct fetch_call call;
    start_fetch(&call, 2);
    WAIT_UNTIL(&call, atomic_load(&e5_job_watch(call.job)->done) >= bytes && cds.jobs >= 2);
    return cancel_fetch(&call, seconds);
}

static void check_resume(bool ignore_ranges) {
    double seconds;
    begin();
    options.settings.max_transfers = 1;
    cds.cut_at = 50000;
    syncs = 0;
    CHECK(cancel_after(50000, &seconds) == E5_CANCELLED && seconds < PROMPT && syncs == 0);
    for (int i = 0; i < 2; i++) CHECK(results[i].error.status == E5_CANCELLED && results[i].error.hint[0] != '\0');
    CHECK(folder_read("0.nc", log_text, 1) == -1 && folder_count() == 3); /* part and state, and a state */
    cds.cut_at = 0;
    cds.ignore_ranges = ignore_ranges;
    CHECK(fetch(2) == E5_OK && is_whole("0.nc") && is_whole("1.nc"));
    CHECK(strcmp(results[0].checksum.whole, cds.md5) == 0 && results[0].verified == E5_VERIFIED_CHECKSUM);
    CHECK(cds.posts == 2 && cds.ranges == 1 && folder_count() == 2);
    CHECK(strstr(log_text, "going on at byte 50000") != NULL);
    CHECK(atomic_load(&watch.done) == 2 * DATA_SIZE && syncs == 2);
    end();
}

TEST(cancelled_work_goes_on_where_it_stopped) { check_resume(false); }
TEST(an_ignored_range_does_no_harm) { check_resume(true); }

TEST(another_request_does_not_inherit_a_part) {
    double seconds;
    begin();
    options.settings.max_transfers = 1;
    cds.cut_at = 50000;
    CHECK(cancel_after(50000, &seconds) == E5_CANCELLED);
    cds.cut_at = 0;
    items[0].request = "{\"another\":1}";
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc"));
    CHECK(cds.posts == 3 && cds.ranges == 0);
    end();
}

TEST(a_login_page_is_no_data) {
    begin();
    cds.pages = 2;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT);
    CHECK(strstr(results[0].error.what, "Please log in") != NULL && strlen(results[0].error.job_id) == 36);
    CHECK(cds.pages == 0 && folder_count() == 1); /* the state: the job need not be made again */
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && cds.jobs == 1 && is_whole("0.nc"));
    end();
}

TEST(damage_is_fetched_once_more) {
    begin();
    cds.flips = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc"));
    cds.flips = 2;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT && cds.flips == 0);
    CHECK(strstr(results[0].error.what, "checksum differs") != NULL && is_whole("0.nc")); /* the old file stands */
    end();
}

/* A store that does not say how much comes: an end in order is no end of the file. */
TEST(a_reply_that_ends_too_early_is_noticed) {
    begin();
    cds.open_ends = 1;
    cds.ends_at = 1000;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc"));
    cds.open_ends = 1000;
    options.settings.patience = 0.2;
    CHECK(fetch(2) == E5_OK && results[1].error.status == E5_CORRUPT);
    CHECK(strstr(results[1].error.what, "got 1000 of 200000 bytes") != NULL && !is_whole("1.nc"));
    end();
    begin();
    cds.open_ends = 1000;
    options.settings.patience = 0.2;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT);
    CHECK(strstr(results[0].error.what, "empty reply") != NULL && folder_count() <= 2);
    end();
}

TEST(existing_targets_are_treated_as_told) {
    begin();
    folder_write("0.nc", "old", 3);
    options.overwrite = E5_OVERWRITE_NEVER;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_EXISTS && atomic_load(&cds.api.requests) == 0);
    options.overwrite = E5_OVERWRITE_VERIFY;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && !results[0].kept && is_whole("0.nc"));
    int before = atomic_load(&cds.store.requests);
    CHECK(fetch(1) == E5_OK && results[0].kept && atomic_load(&cds.store.requests) == before);
    CHECK(results[0].size == DATA_SIZE && strcmp(results[0].checksum.whole, cds.md5) == 0);
    CHECK(folder_count() == 1);
    end();
}

TEST(one_bad_item_does_not_stop_the_others) {
    begin();
    cds.fail_jobs = 1;
    options.settings.max_jobs = 1;
    items[1].request = "[]";
    items[2].target = "/nowhere/at/all.nc";
    CHECK(fetch(4) == E5_OK);
    CHECK(results[0].error.status == E5_JOB_FAILED && strstr(results[0].error.what, "MarsNoDataError") != NULL);
    CHECK(results[0].error.attempts == 1);
    CHECK(results[1].error.status == E5_INPUT && results[2].error.status == E5_STORAGE);
    CHECK(results[3].error.status == E5_OK && is_whole("3.nc"));
    CHECK(cds.jobs == 2 && folder_count() == 1);
    end();
}

TEST(a_full_queue_is_waited_for) {
    begin();
    cds.reject_jobs = 1;
    options.settings.max_jobs = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && cds.jobs == 2);
    CHECK(strstr(log_text, "1 at a time from now on") != NULL);
    end();
}

TEST(dead_addresses_are_given_up) {
    begin();
    cds.dead_links = true;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_RESULTS_EXPIRED);
    CHECK(cds.jobs == 2 && folder_count() == 0); /* asked for once more, in vain */
    end();
}

TEST(patience_ends) {
    begin();
    cds.refuse_with = 503;
    options.settings.patience = 0.1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_SERVER && results[0].error.attempts > 1);
    CHECK(results[0].error.elapsed > 0 && folder_count() == 0);
    end();
}

TEST(two_items_for_one_target_make_one_file) {
    begin();
    items[1] = items[0];
    CHECK(fetch(2) == E5_OK && cds.jobs == 1);
    CHECK(results[0].error.status == E5_OK && results[1].error.status == E5_OK);
    CHECK(results[0].kept != results[1].kept && strcmp(results[0].checksum.whole, results[1].checksum.whole) == 0);
    end();
}

TEST(bad_settings_are_refused) {
    begin();
    options.http.url = "http://example.org/api";
    CHECK(fetch(1) == E5_CONFIG && results[0].error.status == E5_CONFIG);
    options.http.url = NULL;
    CHECK(fetch(1) == E5_CONFIG && results[0].error.status == E5_CONFIG);
    options.http.url = cds.api.origin;
    options.settings.max_jobs = 0;
    CHECK(fetch(1) == E5_INPUT);
    options.settings.max_jobs = 1;
    CHECK(fetch(0) == E5_OK && atomic_load(&cds.api.requests) == 0);
    end();
}

int main(void) {
    RUN(a_batch_becomes_files);
    RUN(equal_requests_share_a_job);
    RUN(a_refused_token_is_shown_once);
    RUN(a_lost_reply_makes_no_second_job);
    RUN(a_job_that_cannot_be_asked_about_is_asked_about_again);
    RUN(a_new_job_is_never_an_older_one);
    RUN(a_submission_lost_after_many_looks_is_found);
    RUN(a_submission_that_was_never_made_is_repeated);
    RUN(cancelled_work_goes_on_where_it_stopped);
    RUN(an_ignored_range_does_no_harm);
    RUN(another_request_does_not_inherit_a_part);
    RUN(a_login_page_is_no_data);
    RUN(damage_is_fetched_once_more);
    RUN(a_reply_that_ends_too_early_is_noticed);
    RUN(existing_targets_are_treated_as_told);
    RUN(one_bad_item_does_not_stop_the_others);
    RUN(a_full_queue_is_waited_for);
    RUN(dead_addresses_are_given_up);
    RUN(patience_ends);
    RUN(two_items_for_one_target_make_one_file);
    RUN(bad_settings_are_refused);
    return check_summary();
}
