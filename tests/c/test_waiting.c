#include "drive/waiting.h"

#include "base/log.h"
#include "check.h"

static struct e5_waiting waiting;
static struct e5_retry retry;
static int infos, warnings;
static char last_line[E5_LOG_LINE_SIZE];

static void count(void *context, enum e5_log_level level, const char *line) {
    (void)context;
    infos += level == E5_LOG_INFO;
    warnings += level == E5_LOG_WARNING;
    snprintf(last_line, sizeof last_line, "%s", line);
}

/* A fault that began at 1000 is there still. */
static void tell(double now, double pace) {
    e5_waiting_tell(&waiting, &retry, pace, now, "x.nc", 2.5, "no answer to secret-key", "secret-key");
    e5_log_drain(count, NULL);
}

static void begin(void) {
    waiting = (struct e5_waiting){0};
    e5_retry_init(&retry, 1);
    retry.since = 1000;
    infos = warnings = 0;
}

TEST(a_passing_fault_is_told_once_a_minute) {
    begin();
    for (int i = 0; i < 3; i++) tell(1000 + i, 1);
    CHECK(infos == 1 && warnings == 0);
    CHECK(strcmp(last_line, "x.nc: waiting 2.5 s: no answer to ***") == 0);
    retry.since = 1060; /* another one, within the same minute and after it */
    tell(1059.9, 1);
    CHECK(infos == 1);
    tell(1060, 1);
    CHECK(infos == 2 && warnings == 0);
}

TEST(one_that_lasts_is_warned_of_once_more_and_then_once_a_minute) {
    begin();
    tell(1000, 1);
    for (int i = 0; i < 50; i++) tell(1005 + i, 1);
    CHECK(infos == 1 && warnings == 1);
    tell(1064.9, 1);
    CHECK(warnings == 1);
    tell(1065, 1);
    CHECK(infos == 1 && warnings == 2);
}

TEST(a_wait_that_is_long_is_warned_of_before_it) {
    begin();
    tell(1002.4, 1);
    CHECK(infos == 1 && warnings == 0);
    tell(1002.6, 1);
    CHECK(infos == 1 && warnings == 1);
}

TEST(what_is_lasting_goes_with_the_pace) {
    begin();
    tell(1000.1, 0.01);
    CHECK(infos == 0 && warnings == 1);
}

TEST(a_wait_of_all_has_no_name) {
    begin();
    e5_waiting_tell(&waiting, &retry, 1, 1000, "", 1, "why", NULL);
    e5_log_drain(count, NULL);
    CHECK(strcmp(last_line, "waiting 1.0 s: why") == 0);
}

int main(void) {
    RUN(a_passing_fault_is_told_once_a_minute);
    RUN(one_that_lasts_is_warned_of_once_more_and_then_once_a_minute);
    RUN(a_wait_that_is_long_is_warned_of_before_it);
    RUN(what_is_lasting_goes_with_the_pace);
    RUN(a_wait_of_all_has_no_name);
    return check_summary();
}
