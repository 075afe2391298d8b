#include <errno.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/text.h"
#include "check.h"

/* Sanitizers stop the program where the C library returns NULL; these tests want to see the NULL. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
const char *__tsan_default_options(void) { return "allocator_may_return_null=1"; }

TEST(every_status_has_its_row) {
    for (enum e5_status a = 0; a < E5_STATUS_COUNT; a++) {
        CHECK(e5_status_name(a)[0] != '\0' && e5_status_code(a)[0] != '\0' && e5_status_meaning(a)[0] != '\0');
        for (enum e5_status b = 0; b < a; b++) CHECK(strcmp(e5_status_code(a), e5_status_code(b)) != 0);
    }
    CHECK(E5_OK == 0 && strcmp(e5_status_name(E5_CORRUPT), "CORRUPT") == 0);
    CHECK(e5_status_retryable(E5_NETWORK) && !e5_status_retryable(E5_INPUT));
    CHECK(strcmp(e5_status_name((enum e5_status)9999), "INTERNAL") == 0);
}

TEST(first_report_wins) {
    struct e5_error err = E5_ERROR_NONE;
    e5_error_hint(&err, "too early");
    CHECK(err.hint[0] == '\0');
    CHECK(e5_fail(&err, E5_CORRUPT, "file %d", 7) == E5_CORRUPT);
    CHECK(e5_fail(&err, E5_MEMORY, "later") == E5_MEMORY);
    CHECK(err.status == E5_CORRUPT && strcmp(err.what, "file 7") == 0);
    e5_error_hint(&err, "try %s", "again");
    e5_error_target(&err, "/tmp/x.nc");
    e5_error_job(&err, "abc");
    CHECK(strcmp(err.hint, "try again") == 0 && strcmp(err.target, "/tmp/x.nc") == 0 &&
          strcmp(err.job_id, "abc") == 0);
    CHECK(e5_fail(NULL, E5_INPUT, "nobody listens") == E5_INPUT);
}

TEST(failed_system_calls_keep_errno) {
    struct e5_error err = E5_ERROR_NONE;
    CHECK(e5_fail_errno(&err, ENOSPC, "/data/x", "writing") == E5_STORAGE);
    CHECK(err.sys_errno == ENOSPC && strcmp(err.target, "/data/x") == 0);
    CHECK(strncmp(err.what, "writing: /data/x: ", 18) == 0 && strlen(err.what) > 18);
    CHECK(e5_fail_errno(NULL, ENOMEM, "/data/x", "writing") == E5_MEMORY);
}

TEST(reports_are_cut_and_clean) {
    struct e5_error err = E5_ERROR_NONE;
    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(e5_fail(&err, E5_SERVER, "\x1b[31m\r\n%s", longest) == E5_SERVER);
    CHECK(strlen(err.what) == sizeof err.what - 1 && strncmp(err.what, " [31m  x", 8) == 0);
}

static bool cleans(const char *from, const char *to) {
    char text[64];
    snprintf(text, sizeof text, "%s", from);
    e5_text_clean(text);
    return strcmp(text, to) == 0;
}

TEST(text_from_outside_becomes_printable) {
    CHECK(cleans("plain", "plain") && cleans("", ""));
    CHECK(cleans("a\nb\x1b[2J\x7f", "a b [2J "));
    CHECK(cleans("Göteborg 漢 🌍", "Göteborg 漢 🌍"));
    CHECK(cleans("\xff\xfe", "??"));
    CHECK(cleans("a\xc3", "a?"));         /* cut in the middle of a character */
    CHECK(cleans("\xe6\xbc", "??"));      /* three bytes promised, two there */
    CHECK(cleans("\xc0\x8a", "??"));      /* overlong newline */
    CHECK(cleans("\xc2\x9b"
                 "31m",
                 "??31m")); /* 8-bit control sequence introducer */
    CHECK(cleans("\xf8\x88\x80\x80\x80", "?????"));
    CHECK(cleans("\xe2\x80\xae"
                 "cba",
                 "???cba")); /* from right to left */
    CHECK(cleans("\xe2\x81\xa6\xef\xbb\xbf", "??????"));
    CHECK(cleans("a–b…", "a–b…"));
}

TEST(text_copies_whole_characters) {
    char out[5];
    CHECK(e5_text_copy(out, sizeof out, "abcd") && strcmp(out, "abcd") == 0);
    CHECK(!e5_text_copy(out, sizeof out, "abcde") && strcmp(out, "abcd") == 0);
    CHECK(!e5_text_copy(out, sizeof out, "abcö") && strcmp(out, "abc") == 0);
    CHECK(e5_text_starts("era5fast", "era5") && !e5_text_starts("era", "era5"));
    CHECK(e5_text_ends("x.nc", ".nc") && !e5_text_ends("nc", ".nc"));
}

TEST(allocations_are_checked_and_zeroed) {
    double *numbers = NULL;
    char *copy = NULL;
    size_t product;
    CHECK_OK(e5_alloc(100, sizeof *numbers, &numbers, err));
    for (size_t i = 0; i < 100; i++) CHECK(numbers[i] == 0);
    numbers[99] = 5;
    CHECK_OK(e5_grow(100, 300, sizeof *numbers, &numbers, err));
    CHECK(numbers[99] == 5 && numbers[100] == 0 && numbers[299] == 0);
    CHECK_OK(e5_grow(300, 10, sizeof *numbers, &numbers, err));
    CHECK_STATUS(E5_MEMORY, e5_grow(300, SIZE_MAX / 4, sizeof *numbers, &numbers, err));
    CHECK(numbers[99] == 5);
    free(numbers);
    CHECK_OK(e5_alloc(0, 0, &numbers, err));
    CHECK(numbers != NULL);
    free(numbers);
    CHECK_STATUS(E5_MEMORY, e5_alloc(SIZE_MAX / 4, 8, &numbers, err));
    CHECK(numbers == NULL);
    CHECK_OK(e5_strdup("text", &copy, err));
    CHECK(strcmp(copy, "text") == 0);
    free(copy);
    CHECK_OK(e5_multiply(6, 7, &product, err));
    CHECK(product == 42);
    CHECK_STATUS(E5_UNSAFE, e5_multiply(SIZE_MAX / 2, 3, &product, err));
}

TEST(the_nth_allocation_can_be_made_to_fail) {
    void *memory = NULL;
    e5_alloc_fail_after(2);
    CHECK_OK(e5_alloc(1, 1, &memory, err));
    free(memory);
    CHECK_STATUS(E5_MEMORY, e5_alloc(1, 1, &memory, err));
    CHECK(memory == NULL);
    CHECK_OK(e5_alloc(1, 1, &memory, err));
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_grow(1, 2, 1, &memory, err));
    free(memory);
    e5_alloc_fail_after(1);
    e5_alloc_fail_after(0);
    CHECK_OK(e5_alloc(1, 1, &memory, err));
    free(memory);
}

TEST(buffers_grow_up_to_their_ceiling) {
    struct e5_buffer buffer = {.ceiling = 1000};
    for (int i = 0; i < 100; i++) CHECK_OK(e5_buffer_append(&buffer, "0123456789", 10, err));
    CHECK(buffer.size == 1000 && buffer.bytes[1000] == '\0' && buffer.bytes[999] == '9');
    CHECK_STATUS(E5_UNSAFE, e5_buffer_append(&buffer, "x", 1, err));
    CHECK_STATUS(E5_UNSAFE, e5_buffer_append(&buffer, "x", SIZE_MAX, err));
    CHECK(buffer.size == 1000);
    e5_buffer_clear(&buffer);
    CHECK(buffer.size == 0 && buffer.bytes[0] == '\0');
    CHECK_OK(e5_buffer_printf(&buffer, err, "%s %d", "year", 2003));
    CHECK(strcmp(buffer.bytes, "year 2003") == 0 && buffer.size == 9);
    CHECK_STATUS(E5_UNSAFE, e5_buffer_printf(&buffer, err, "%1000d", 1));
    CHECK(strcmp(buffer.bytes, "year 2003") == 0);
    e5_buffer_fini(&buffer);
    CHECK(buffer.bytes == NULL && buffer.ceiling == 1000);
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_buffer_append(&buffer, "x", 1, err));
    CHECK_OK(e5_buffer_append(&buffer, NULL, 0, err));
    CHECK(strcmp(buffer.bytes, "") == 0);
    e5_buffer_fini(&buffer);
}

TEST(clocks_run) {
    char stamp[E5_CLOCK_STAMP_SIZE];
    double before = e5_clock_monotonic();
    CHECK(e5_clock_monotonic() >= before && e5_clock_wall() > 1.6e9);
    e5_clock_stamp(1770113472.125, stamp);
    CHECK(strcmp(stamp, "2026-02-03T10:11:12.125Z") == 0);
    e5_clock_stamp(-0.5, stamp);
    CHECK(strcmp(stamp, "1969-12-31T23:59:59.500Z") == 0);
}

static void digest_is(enum e5_digest_kind kind, const char *text, const char *expected) {
    struct e5_digest digest = {0};
    char hex[E5_DIGEST_HEX];
    CHECK_OK(e5_digest_init(&digest, kind, err));
    for (const char *at = text; *at != '\0'; at++) e5_digest_add(&digest, at, 1);
    e5_digest_hex(&digest, hex);
    CHECK(strcmp(hex, expected) == 0);
    e5_digest_fini(&digest);
    e5_digest_fini(&digest);
}

TEST(digests_equal_known_ones) {
    digest_is(E5_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
    digest_is(E5_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    digest_is(E5_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_is(E5_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

struct lines {
    size_t n;
    char first[E5_LOG_LINE_SIZE], last[E5_LOG_LINE_SIZE];
    enum e5_log_level level;
};

static void take_line(void *context, enum e5_log_level level, const char *line) {
    struct lines *lines = context;
    if (lines->n++ == 0) e5_text_copy(lines->first, sizeof lines->first, line);
    e5_text_copy(lines->last, sizeof lines->last, line);
    lines->level = level;
}

TEST(log_keeps_the_newest_lines_and_counts_the_lost) {
    struct lines lines = {0};
    e5_log(E5_LOG_WARNING, "job %s\n", "a");
    CHECK(e5_log_drain(take_line, &lines) == 0);
    CHECK(lines.n == 1 && strcmp(lines.first, "job a ") == 0 && lines.level == E5_LOG_WARNING);
    for (int i = 0; i < 1000; i++) e5_log(E5_LOG_INFO, "%d", i);
    lines = (struct lines){0};
    size_t lost = e5_log_drain(take_line, &lines);
    CHECK(lost > 0 && lost + lines.n == 1000);
    CHECK((size_t)atoi(lines.first) == lost && strcmp(lines.last, "999") == 0);
    CHECK(e5_log_drain(take_line, &lines) == 0);
}

TEST(watch_counts_and_cancels) {
    struct e5_watch watch = {0};
    e5_watch_expect(&watch, 10);
    e5_watch_add(&watch, 3);
    e5_watch_add(&watch, 4);
    e5_watch_stage(&watch, "reading");
    CHECK(watch.done == 7 && watch.total == 10 && strcmp(watch.stage, "reading") == 0);
    CHECK_OK(e5_watch_check(&watch, err));
    e5_watch_cancel(&watch);
    CHECK(e5_watch_cancelled(&watch));
    CHECK_STATUS(E5_CANCELLED, e5_watch_check(&watch, err));
    CHECK_OK(e5_watch_check(NULL, err));
    e5_watch_cancel(NULL);
    e5_watch_add(NULL, 1);
    e5_watch_expect(NULL, 1);
    e5_watch_stage(NULL, "x");
}

struct tally {
    size_t calls, sum, fail_at, cancel_at;
    struct e5_watch watch;
};

static enum e5_status count_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct tally *tally = context;
    tally->calls++;
    tally->sum += index + slot;
    if (index == tally->cancel_at) e5_watch_cancel(&tally->watch);
    return index == tally->fail_at ? e5_fail(err, E5_CORRUPT, "task %zu", index) : E5_OK;
}

TEST(tasks_run_one_by_one_without_a_pool) {
    struct tally tally = {.fail_at = SIZE_MAX, .cancel_at = SIZE_MAX};
    CHECK(e5_parallel_slots(NULL) == 1);
    CHECK_OK(e5_parallel_for(NULL, NULL, 100, count_task, &tally, err));
    CHECK(tally.calls == 100 && tally.sum == 4950);
    tally = (struct tally){.fail_at = 5, .cancel_at = SIZE_MAX};
    CHECK_STATUS(E5_CORRUPT, e5_parallel_for(NULL, NULL, 100, count_task, &tally, err));
    CHECK(tally.calls == 6);
    tally = (struct tally){.fail_at = SIZE_MAX, .cancel_at = 2};
    CHECK_STATUS(E5_CANCELLED, e5_parallel_for(NULL, &tally.watch, 100, count_task, &tally, err));
    CHECK(tally.calls == 3);
    CHECK_OK(e5_parallel_for(NULL, NULL, 0, count_task, &tally, err));
}

static enum e5_status backwards(void *self, struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                                struct e5_error *err) {
    *(int *)self += 1;
    for (size_t i = n; i-- > 0;) {
        enum e5_status status = e5_watch_check(watch, err);
        if (status == E5_OK) status = task(context, i, (unsigned)(i % 2), err);
        if (status != E5_OK) return status;
    }
    return E5_OK;
}

TEST(tasks_go_to_whoever_is_given) {
    int used = 0;
    struct e5_parallel par = {.self = &used, .slots = 2, .run = backwards};
    struct tally tally = {.fail_at = SIZE_MAX, .cancel_at = SIZE_MAX};
    CHECK(e5_parallel_slots(&par) == 2);
    CHECK_OK(e5_parallel_for(&par, NULL, 4, count_task, &tally, err));
    CHECK(used == 1 && tally.calls == 4 && tally.sum == 8);
    CHECK_OK(e5_parallel_for(&par, NULL, 1, count_task, &tally, err));
    CHECK(used == 1 && tally.calls == 5); /* a single task is not worth a thread */
}

int main(void) {
    RUN(every_status_has_its_row);
    RUN(first_report_wins);
    RUN(failed_system_calls_keep_errno);
    RUN(reports_are_cut_and_clean);
    RUN(text_from_outside_becomes_printable);
    RUN(text_copies_whole_characters);
    RUN(allocations_are_checked_and_zeroed);
    RUN(the_nth_allocation_can_be_made_to_fail);
    RUN(buffers_grow_up_to_their_ceiling);
    RUN(clocks_run);
    RUN(digests_equal_known_ones);
    RUN(log_keeps_the_newest_lines_and_counts_the_lost);
    RUN(watch_counts_and_cancels);
    RUN(tasks_run_one_by_one_without_a_pool);
    RUN(tasks_go_to_whoever_is_given);
    return check_summary();
}
