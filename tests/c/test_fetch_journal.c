#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <utime.h>

#include "fetch_room.h"
#include "net/cds.h"
#include "net/place.h"

#define JOURNAL "journal.db" /* beside the targets */

extern char **environ;

static struct e5_journal *open_journal(const char *path) {
    struct e5_journal *journal = NULL;
    CHECK_OK(e5_journal_open(path, options.http.url, "tester", 0.5, &journal, err));
    return journal;
}

static void begin_with_journal(void) {
    begin();
    options.overwrite = E5_OVERWRITE_VERIFY;
    options.journal = open_journal(folder_path(JOURNAL));
}

static void end_with_journal(void) {
    e5_journal_close(options.journal);
    end();
}

static int calls(void) { return atomic_load(&cds.api.requests) + atomic_load(&cds.store.requests); }

static int count_good(int n) {
    int good = 0;
    for (int i = 0; i < n; i++) good += results[i].error.status == E5_OK;
    return good;
}

TEST(finished_files_are_kept_without_a_call) {
    begin_with_journal();
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && cds.jobs == 3);
    int before = calls();
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && calls() == before);
    for (int i = 0; i < 3; i++) {
        CHECK(results[i].kept && results[i].size == DATA_SIZE && results[i].verified == E5_VERIFIED_CHECKSUM);
        CHECK(strcmp(results[i].checksum.whole, cds.md5) == 0 && strlen(results[i].job_id) == 36);
    }
    struct utimbuf old = {1000000000, 1000000000}; /* somebody has touched it: look again */
    CHECK(utime(targets[1], &old) == 0);
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && calls() > before && cds.jobs == 3 && results[1].kept);
    items[0].request = "{\"another\":1}";
    CHECK(fetch(1) == E5_OK && cds.jobs == 4);
    end_with_journal();
}

/* A row of a file beside the first target, as an archive of its job would have left it. */
static void lie_beside(const char *name) {
    struct e5_journal_file file = {.verified = E5_VERIFIED_SIZE};
    struct stat info;
    char path[300];
    folder_write(name, "waves", 5);
    snprintf(path, sizeof path, "%s", folder_path(name));
    CHECK(lstat(path, &info) == 0);
    file.size = info.st_size;
    file.mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    file.inode = (int64_t)info.st_ino;
    snprintf(file.job_id, sizeof file.job_id, "%s", results[0].job_id);
    CHECK_OK(e5_journal_file_save(options.journal, path, &file, NULL, NULL, err));
}

TEST(a_target_is_finished_only_with_what_lies_beside_it) {
    begin_with_journal();
    CHECK(fetch(1) == E5_OK && count_good(1) == 1);
    lie_beside("0.waves.nc");
    lie_beside("0.more.nc");
    int before = calls();
    CHECK(fetch(1) == E5_OK && results[0].kept && calls() == before);
    CHECK(truncate(folder_path("0.waves.nc"), 3) == 0);
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && calls() > before && cds.jobs == 1);
    CHECK(unlink(targets[0]) == 0);
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && is_whole("0.nc"));
    before = calls();
    CHECK(fetch(1) == E5_OK && results[0].kept && calls() == before); /* the changed one is a file of its own now */
    CHECK(unlink(folder_path("0.more.nc")) == 0);
    CHECK(fetch(1) == E5_OK && calls() > before && cds.jobs == 1);
    end_with_journal();
}

TEST(a_finished_job_serves_another_target) {
    begin_with_journal();
    CHECK(fetch(1) == E5_OK && count_good(1) == 1);
    items[0].target = folder_path("other.nc");
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 1 && is_whole("other.nc"));
    items[0].fresh = true;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 2);
    end_with_journal();
}

TEST(results_that_have_expired_are_made_again) {
    begin_with_journal();
    items[0].goal = E5_GOAL_JOB;
    items[0].target = NULL;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 1);
    cds.job[0].status = "dismissed"; /* and gone */
    items[0].goal = E5_GOAL_RESULT;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 2);
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 2); /* the new one is remembered */
    end_with_journal();
}

TEST(a_broken_journal_is_told_once_and_done_without) {
    sqlite3 *other;
    begin_with_journal();
    CHECK(sqlite3_open(folder_path(JOURNAL), &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && cds.jobs == 3);
    const char *first = strstr(log_text, "without the journal");
    CHECK(first != NULL && strstr(first + 1, "without the journal") == NULL);
    sqlite3_close(other);
    end_with_journal();
}

/* Cancel, from the first moment on or later, while somebody else holds the journal, which a call would wait for much
 * longer. */
static void check_hurry(bool at_once) {
    sqlite3 *other;
    struct fetch_call call;
    double seconds;
    begin_with_journal();
    e5_journal_close(options.journal);
    CHECK_OK(e5_journal_open(folder_path(JOURNAL), options.http.url, "tester", 60, &options.journal, err));
    cds.keep_running = 1;
    CHECK(sqlite3_open(folder_path(JOURNAL), &other) == SQLITE_OK);
    CHECK(sqlite3_busy_timeout(other, 5000) == SQLITE_OK);
    if (at_once) CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    start_fetch(&call, 20);
    WAIT_UNTIL(&call, at_once ? e5_job_wait(call.job, 0.1) || true : cds.lists > 0 && cds.jobs > 0);
    if (!at_once) CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < 0.9);
    double begun = e5_clock_monotonic();
    e5_journal_close(options.journal);
    CHECK(e5_clock_monotonic() - begun < 0.5);
    sqlite3_close(other);
    options.journal = NULL;
    end();
}

TEST(a_locked_journal_does_not_hold_up_a_cancel) {
    check_hurry(true);
    check_hurry(false);
}

/* Somebody else has the first request in hand. */
static struct e5_journal *begin_elsewhere(char fingerprint[E5_DIGEST_HEX]) {
    struct e5_journal_job job;
    struct e5_journal *other = open_journal(folder_path(JOURNAL));
    json_t *inputs = json_loads(requests[0], 0, NULL);
    bool granted = false;
    CHECK_OK(e5_cds_fingerprint("era5", inputs, fingerprint, err));
    CHECK_OK(e5_journal_intend(other, fingerprint, "era5", requests[0], 9, false, &granted, &job, err));
    CHECK(granted);
    json_decref(inputs);
    return other;
}

static int count_lines(const char *words) {
    int count = 0;
    for (const char *at = log_text; (at = strstr(at, words)) != NULL; at++) count++;
    return count;
}

TEST(a_submission_elsewhere_is_waited_for_with_patience) {
    char fingerprint[E5_DIGEST_HEX];
    struct fetch_call call;
    double seconds;
    begin_with_journal();
    struct e5_journal *other = begin_elsewhere(fingerprint);
    options.settings.patience = 0.5;
    for (int fresh = 0; fresh < 2; fresh++) { /* which finds out later */
        items[0].fresh = fresh;
        CHECK(fetch(1) == E5_OK && results[0].error.status == E5_TARGET_BUSY && calls() == 0);
        CHECK(strstr(results[0].error.what, "submitting the same request") != NULL);
        CHECK(count_lines("waiting for another process") == 1 && folder_count() <= 3); /* of the journal */
    }
    items[0].fresh = false;
    options.settings.patience = 5;
    start_fetch(&call, 1);
    WAIT_UNTIL(&call, e5_job_wait(call.job, 0.1) || true);
    CHECK(calls() == 0);
    CHECK_OK(e5_journal_withdraw(other, fingerprint, err));
    CHECK(e5_job_wait(call.job, 5) && cancel_fetch(&call, &seconds) == E5_OK);
    CHECK(count_good(1) == 1 && cds.jobs == 1 && count_lines("waiting for another process") == 1);
    e5_journal_close(other);
    end_with_journal();
}

/* The target is somebody's, and once it is free the request is: each wait is told, and has the whole patience. */
TEST(a_wait_for_the_target_and_one_for_a_submission_are_two) {
    char fingerprint[E5_DIGEST_HEX];
    struct fetch_call call;
    struct e5_place place;
    begin_with_journal();
    struct e5_journal *other = begin_elsewhere(fingerprint);
    options.settings.patience = 1;
    CHECK_OK(e5_place_open(&place, targets[0], err));
    CHECK_OK(e5_place_lock(&place, "another", err));
    start_fetch(&call, 1);
    CHECK(!e5_job_wait(call.job, 0.6));
    e5_place_clean(&place);
    e5_place_close(&place);
    CHECK(!e5_job_wait(call.job, 0.8));
    CHECK_OK(e5_journal_withdraw(other, fingerprint, err));
    CHECK(e5_job_finish(call.job, NULL) == E5_OK && count_good(1) == 1);
    log_text[0] = '\0';
    e5_log_drain(keep_line, NULL);
    CHECK(count_lines("waiting for somebody else who is writing it") == 1);
    CHECK(count_lines("waiting for another process") == 1);
    e5_journal_close(other);
    end_with_journal();
}

static double ask_journal(const char *question) {
    sqlite3 *handle;
    sqlite3_stmt *row;
    CHECK(sqlite3_open(folder_path(JOURNAL), &handle) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(handle, question, -1, &row, NULL) == SQLITE_OK);
    double answer = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_double(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(handle);
    return answer;
}

TEST(others_are_told_that_a_long_submission_goes_on) {
    struct fetch_call call;
    double seconds;
    begin_with_journal();
    cds.refuse_with = 503;
    start_fetch(&call, 1);
    WAIT_UNTIL(&call, cds.posts >= 3 && ask_journal("SELECT seen - begun FROM job") > 0.2);
    CHECK(ask_journal("SELECT seen - begun FROM job") > 0.2);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED);
    end_with_journal();
}

TEST(what_was_learnt_about_the_queue_is_kept) {
    struct e5_journal_lane lane = {0};
    bool found = false;
    begin_with_journal();
    cds.at_once = 4;
    cds.run_seconds = 0.01;
    options.settings.max_jobs = 100;
    for (int i = 0; i < 20; i++) items[i].goal = E5_GOAL_RESULT, items[i].target = NULL;
    CHECK(fetch(20) == E5_OK && count_good(20) == 20);
    CHECK_OK(e5_journal_lane_load(options.journal, "era5", &found, &lane, err));
    CHECK(found && lane.limit >= 2);
    end_with_journal();
}

/* Other processes: this program, told what to fetch. */

static pid_t start_process(const char *place, int n, int goal) {
    char count[20], what[20];
    pid_t child = 0;
    snprintf(count, sizeof count, "%d", n);
    snprintf(what, sizeof what, "%d", goal);
    char *args[] = {"test_fetch_journal", (char *)options.http.url, folder, (char *)place, count, what, NULL};
    cds_sync();
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, args, environ) != 0) abort();
    return child;
}

static int be_process(char **args) {
    static char name[300];
    int n = atoi(args[4]);
    snprintf(folder, sizeof folder, "%s", args[2]);
    options = (struct e5_fetch_options){.http = {.url = args[1], .key = KEY, .user_agent = "tester/1"},
                                        .overwrite = E5_OVERWRITE_VERIFY};
    e5_fetch_settings_init(&options.settings);
    options.settings.poll_interval = 20;
    options.settings.rejection_wait = 100;
    options.settings.pace = 0.001;
    options.journal = open_journal(folder_path(JOURNAL));
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%d.nc", args[3], i);
        snprintf(targets[i], sizeof targets[i], "%s", folder_path(name));
        snprintf(requests[i], sizeof requests[i], "{\"variable\":[\"2t\"],\"year\":%d}", 2000 + i);
        items[i] =
            (struct e5_fetch_item){.dataset = "era5", .request = requests[i], .goal = (enum e5_goal)atoi(args[5])};
        if (items[i].goal == E5_GOAL_FILE) items[i].target = targets[i];
    }
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = e5_fetch(&options, items, (size_t)n, NULL, results, NULL, &err);
    e5_journal_close(options.journal);
    return status == E5_OK && count_good(n) == n ? 0 : 1;
}

/* 0: it has ended well. */
static int wait_for(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    cds_sync();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void kill_when(pid_t child, const atomic_int *counter, int value) {
    for (int i = 0; i < 5000 && atomic_load(counter) < value; i++) usleep(1000);
    kill(child, SIGKILL);
    CHECK(wait_for(child) == -1);
}

TEST(a_process_that_dies_during_a_submission_leaves_one_job) {
    begin_with_journal();
    cds.stall_replies = 1;
    kill_when(start_process("", 1, E5_GOAL_JOB), &cds.jobs, 1);
    CHECK(cds.jobs == 1);
    items[0].goal = E5_GOAL_JOB;
    items[0].target = NULL;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 1 && cds.looks == 1);
    CHECK(strcmp(results[0].job_id, "00000000-0000-4000-8000-000000000000") == 0);
    end_with_journal();
}

TEST(a_process_that_dies_before_the_submission_arrives_is_replaced) {
    begin_with_journal();
    cds.refuse_with = 503; /* never accepted: it tries again and again */
    kill_when(start_process("", 1, E5_GOAL_JOB), &cds.posts, 2);
    cds.refuse_with = 0;
    items[0].goal = E5_GOAL_JOB;
    items[0].target = NULL;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 1 && cds.looks == 3);
    end_with_journal();
}

TEST(a_process_that_dies_while_its_jobs_run_leaves_them) {
    begin_with_journal();
    cds.keep_running = 1;
    kill_when(start_process("gone", 3, E5_GOAL_FILE), &cds.jobs, 3);
    cds.keep_running = 0;
    CHECK(fetch(3) == E5_OK && count_good(3) == 3 && cds.jobs == 3); /* other targets, the same jobs */
    end_with_journal();
}

TEST(a_process_that_dies_during_a_transfer_leaves_its_part) {
    begin_with_journal();
    cds.cut_at = 50000;
    pid_t child = start_process("", 1, E5_GOAL_FILE);
    for (int i = 0; i < 5000 && atomic_load(&cds.store.requests) == 0; i++) usleep(1000);
    kill(child, SIGKILL);
    CHECK(wait_for(child) == -1);
    cds.cut_at = 0;
    CHECK(fetch(1) == E5_OK && count_good(1) == 1 && cds.jobs == 1 && is_whole("0.nc"));
    end_with_journal();
}

TEST(processes_that_want_the_same_share_the_jobs) {
    begin_with_journal();
    cds.at_once = 3;
    cds.run_seconds = 0.02;
    pid_t first = start_process("a", 12, E5_GOAL_FILE), second = start_process("b", 12, E5_GOAL_FILE);
    CHECK(wait_for(first) == 0 && wait_for(second) == 0);
    CHECK(cds.jobs == 12);
    end_with_journal();
}

TEST(processes_keep_to_one_limit_together) {
    begin_with_journal();
    cds.at_once = 2;
    cds.run_seconds = 0.01;
    cds.queue_limit = 2;
    pid_t first = start_process("a", 30, E5_GOAL_RESULT);
    for (int i = 0; i < 30; i++) {
        snprintf(requests[i], sizeof requests[i], "{\"mine\":%d}", i);
        items[i].goal = E5_GOAL_RESULT;
        items[i].target = NULL;
    }
    options.settings.rejection_wait = 100;
    options.settings.max_jobs = 20;
    CHECK(fetch(30) == E5_OK && count_good(30) == 30 && wait_for(first) == 0);
    CHECK(cds.jobs == 60 + cds.rejections && cds.rejections <= 15);
    printf("%d of 60 rejected\n", cds.rejections);
    end_with_journal();
}

TEST(killed_at_random_every_job_is_made_once) {
    unsigned seed = 1;
    begin_with_journal();
    cds.at_once = 3;
    cds.run_seconds = 0.005;
    for (int round = 0; round < 20; round++) {
        pid_t child = start_process("", 20, E5_GOAL_FILE);
        seed = seed * 1103515245 + 12345;
        usleep(5000 + (seed >> 8) % 40000);
        kill(child, SIGKILL);
        wait_for(child);
    }
    CHECK(fetch(20) == E5_OK && count_good(20) == 20 && cds.jobs == 20);
    for (int i = 0; i < 20; i++) CHECK(is_whole(strrchr(targets[i], '/') + 1));
    end_with_journal();
}

int main(int argc, char **argv) {
    if (argc > 5) return be_process(argv);
    RUN(finished_files_are_kept_without_a_call);
    RUN(a_target_is_finished_only_with_what_lies_beside_it);
    RUN(a_finished_job_serves_another_target);
    RUN(results_that_have_expired_are_made_again);
    RUN(a_broken_journal_is_told_once_and_done_without);
    RUN(a_locked_journal_does_not_hold_up_a_cancel);
    RUN(a_submission_elsewhere_is_waited_for_with_patience);
    RUN(a_wait_for_the_target_and_one_for_a_submission_are_two);
    RUN(others_are_told_that_a_long_submission_goes_on);
    RUN(what_was_learnt_about_the_queue_is_kept);
    RUN(a_process_that_dies_during_a_submission_leaves_one_job);
    RUN(a_process_that_dies_before_the_submission_arrives_is_replaced);
    RUN(a_process_that_dies_while_its_jobs_run_leaves_them);
    RUN(a_process_that_dies_during_a_transfer_leaves_its_part);
    RUN(processes_that_want_the_same_share_the_jobs);
    RUN(processes_keep_to_one_limit_together);
    RUN(killed_at_random_every_job_is_made_once);
    return check_summary();
}
