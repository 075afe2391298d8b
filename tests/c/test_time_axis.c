#include "base/alloc.h"
#include "check.h"
#include "model/time_axis.h"

enum { HOUR = 3600, MANY = 2000 };

static int64_t stamps[MANY];

static const struct e5_frequency by_months = {.months = 1, .anchor = 1}, by_years = {.months = 12, .anchor = 1},
                                 whole = {.anchor = 1};

static struct e5_time_axis axis_of(enum e5_calendar calendar, int64_t from, int64_t step, size_t n) {
    for (size_t i = 0; i < n; i++) stamps[i] = from + (int64_t)i * step;
    return (struct e5_time_axis){.calendar = calendar, .n = n, .seconds = stamps};
}

static int64_t at(int64_t year, int month, int day) {
    return e5_date_to_days(E5_STANDARD, (struct e5_date){year, month, day}) * E5_DAY;
}

static size_t samples_in(const struct e5_periods *periods, size_t n, int32_t period) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += periods->of_sample[i] == period;
    return count;
}

TEST(an_axis_must_increase) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, 0, HOUR, 5);
    CHECK_OK(e5_time_axis_check(&axis, err));
    stamps[3] = stamps[2];
    CHECK_STATUS(E5_INPUT, e5_time_axis_check(&axis, err));
    stamps[3] = stamps[2] - 1;
    CHECK_STATUS(E5_INPUT, e5_time_axis_check(&axis, err));
    axis.n = 0;
    CHECK_STATUS(E5_INPUT, e5_time_axis_check(&axis, err));
    axis.n = 1;
    stamps[0] = INT64_MIN;
    CHECK_STATUS(E5_INPUT, e5_time_axis_check(&axis, err));
    stamps[0] = INT64_MAX;
    CHECK_STATUS(E5_INPUT, e5_time_axis_check(&axis, err));
}

TEST(the_usual_step_is_the_most_frequent) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, 0, HOUR, 6);
    int64_t step = 0;
    stamps[4] += 10 * HOUR;
    stamps[5] += 20 * HOUR;
    CHECK_OK(e5_time_axis_step(&axis, &step, err));
    CHECK(step == HOUR);
    axis.n = 1;
    CHECK_OK(e5_time_axis_step(&axis, &step, err));
    CHECK(step == E5_DAY);
    static const int64_t tie[] = {0, 7, 10, 17, 20};
    axis = (struct e5_time_axis){.n = 5, .seconds = tie};
    CHECK_OK(e5_time_axis_step(&axis, &step, err));
    CHECK(step == 3);
    e5_alloc_fail_after(1); /* no difference is more frequent than all others together: they are sorted */
    CHECK_STATUS(E5_MEMORY, e5_time_axis_step(&axis, &step, err));
    e5_alloc_fail_after(0);
}

TEST(days_of_instants) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(2023, 6, 1), HOUR, 72);
    struct e5_periods days;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &days, err));
    CHECK(days.count == 3);
    for (size_t i = 0; i < 72; i++) CHECK(days.of_sample[i] == (int32_t)(i / 24));
    for (size_t p = 0; p < 3; p++) CHECK(days.start[p] == at(2023, 6, 1 + (int)p) && days.expected[p] == 24);
    e5_periods_fini(&days);
    CHECK(days.count == 0 && days.start == NULL);
}

TEST(days_of_hours_that_end) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(2023, 6, 1), HOUR, 49);
    struct e5_periods days;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_HOUR_ENDING, 0, &days, err));
    CHECK(days.count == 3 && days.start[0] == at(2023, 5, 31));
    CHECK(days.of_sample[0] == 0 && days.of_sample[1] == 1 && days.of_sample[24] == 1);
    CHECK(days.of_sample[25] == 2 && days.of_sample[48] == 2);
    CHECK(samples_in(&days, 49, 0) == 1 && samples_in(&days, 49, 1) == 24 && days.expected[0] == 24);
    e5_periods_fini(&days);
}

TEST(days_of_totals_since_midnight) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(2020, 1, 1) + HOUR, HOUR, 60);
    struct e5_periods days;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_SINCE_MIDNIGHT, 0, &days, err));
    CHECK(days.count == 3 && days.start[0] == at(2020, 1, 1));
    for (size_t i = 0; i < 60; i++) CHECK(days.of_sample[i] == (i == 23 ? 0 : i == 47 ? 1 : -1));
    CHECK(days.expected[0] == 1 && days.expected[2] == 1); /* the third day has no sample, and stays visible */
    e5_periods_fini(&days);
}

TEST(days_of_a_zone) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(2020, 1, 1), HOUR, 48);
    struct e5_periods days;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 5 * HOUR + HOUR / 2, &days, err));
    CHECK(days.count == 3 && days.start[1] == at(2020, 1, 2));
    CHECK(days.of_sample[18] == 0 && days.of_sample[19] == 1 && samples_in(&days, 48, 1) == 24);
    e5_periods_fini(&days);
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_SINCE_MIDNIGHT, -3 * HOUR, &days, err));
    CHECK(days.of_sample[3] == 0 && days.of_sample[27] == 1 && days.of_sample[0] == -1);
    CHECK(days.start[0] == at(2019, 12, 31));
    e5_periods_fini(&days);
    CHECK_STATUS(E5_INPUT, e5_periods_by_day(&axis, E5_DAY_INSTANT, 3 * E5_DAY, &days, err));
}

TEST(empty_days_stay_visible) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(1969, 12, 30), 6 * HOUR, 8);
    struct e5_periods days;
    for (size_t i = 4; i < 8; i++) stamps[i] += 5 * E5_DAY; /* 30 December, then 5 January */
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &days, err));
    CHECK(days.count == 7 && days.expected[3] == 4 && samples_in(&days, 8, 3) == 0);
    CHECK(days.of_sample[3] == 0 && days.of_sample[4] == 6 && days.start[6] == at(1970, 1, 5));
    e5_periods_fini(&days);
}

TEST(coarse_and_single_samples) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(2024, 1, 1) + 12 * HOUR, E5_DAY, 31);
    struct e5_periods days;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &days, err));
    CHECK(days.count == 31 && days.expected[0] == 1 && days.of_sample[30] == 30);
    e5_periods_fini(&days);
    axis = axis_of(E5_STANDARD, at(2024, 1, 1), 10 * E5_DAY, 3);
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &days, err));
    CHECK(days.count == 21 && days.expected[0] == 1);
    e5_periods_fini(&days);
    axis.n = 1;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &days, err));
    CHECK(days.count == 1 && days.expected[0] == 1 && days.of_sample[0] == 0);
    e5_periods_fini(&days);
}

TEST(months_and_years) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(1999, 11, 15), E5_DAY, 500);
    struct e5_periods periods;
    CHECK_OK(e5_periods_by_calendar(&axis, by_months, &periods, err));
    CHECK(periods.count == 17 && periods.start[0] == at(1999, 11, 1) && periods.start[16] == at(2001, 3, 1));
    CHECK(periods.expected[0] == 30 && periods.expected[3] == 29 && samples_in(&periods, 500, 0) == 16);
    CHECK(samples_in(&periods, 500, 3) == 29);
    e5_periods_fini(&periods);
    CHECK_OK(e5_periods_by_calendar(&axis, by_years, &periods, err));
    CHECK(periods.count == 3 && periods.start[1] == at(2000, 1, 1) && periods.expected[1] == 366);
    CHECK(samples_in(&periods, 500, 1) == 366 && samples_in(&periods, 500, 0) == 47);
    e5_periods_fini(&periods);
    CHECK_OK(e5_periods_by_calendar(&axis, whole, &periods, err));
    CHECK(periods.count == 1 && periods.expected[0] == 500 && periods.start[0] == at(1999, 11, 15));
    CHECK(samples_in(&periods, 500, 0) == 500);
    e5_periods_fini(&periods);
}

TEST(months_before_year_one_and_on_other_calendars) {
    struct e5_time_axis axis = axis_of(E5_DAYS_360, -1970 * 360 * (int64_t)E5_DAY - 45 * E5_DAY, 6 * HOUR, 400);
    struct e5_periods periods;
    CHECK_OK(e5_periods_by_calendar(&axis, by_months, &periods, err));
    CHECK(periods.count == 4 && periods.expected[0] == 120 && samples_in(&periods, 400, 0) == 60);
    CHECK(samples_in(&periods, 400, 1) == 120);
    e5_periods_fini(&periods);
    axis = axis_of(E5_STANDARD, -141427 * (int64_t)E5_DAY - 10 * E5_DAY, E5_DAY, 40);
    CHECK_OK(e5_periods_by_calendar(&axis, by_months, &periods, err));
    CHECK(periods.count == 3 && periods.expected[1] == 21 && samples_in(&periods, 40, 1) == 21); /* October 1582 */
    e5_periods_fini(&periods);
}

TEST(monthly_series_fill_their_periods) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, 0, 1, 24);
    struct e5_periods periods;
    for (int i = 0; i < 24; i++) stamps[i] = at(2001 + i / 12, 1 + i % 12, 1);
    CHECK_OK(e5_periods_by_calendar(&axis, by_months, &periods, err));
    CHECK(periods.count == 24);
    for (size_t p = 0; p < 24; p++) CHECK(periods.expected[p] == 1);
    e5_periods_fini(&periods);
    CHECK_OK(e5_periods_by_calendar(&axis, by_years, &periods, err));
    CHECK(periods.count == 2 && periods.expected[0] == 12 && samples_in(&periods, 24, 1) == 12);
    e5_periods_fini(&periods);
}

TEST(damaged_stamps_do_not_eat_memory) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, 0, 900000000000000, 2);
    struct e5_periods periods;
    CHECK_STATUS(E5_UNSAFE, e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &periods, err));
    CHECK_STATUS(E5_UNSAFE, e5_periods_by_calendar(&axis, by_years, &periods, err));
    CHECK_OK(e5_periods_by_calendar(&axis, whole, &periods, err));
    e5_periods_fini(&periods);
}

TEST(memory_that_fails_leaves_nothing_behind) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, 0, HOUR, 50);
    struct e5_periods periods;
    for (long n = 1; n <= 4; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &periods, err));
        CHECK(periods.start == NULL && periods.count == 0);
    }
    e5_alloc_fail_after(0);
}

/* --- names of frequencies, seasons, years that begin anywhere --- */

TEST(frequencies_are_known_by_name) {
    static const struct {
        const char *text;
        int months, anchor;
    } good[] = {{"YS", 12, 1},     {"YS-JAN", 12, 1}, {"YS-JUL", 12, 7}, {"QS", 3, 1},
                {"QS-DEC", 3, 12}, {"MS", 1, 1},      {"all", 0, 1}};
    static const char *const bad[] = {"", "Y", "YE", "YS-", "YS-jul", "YSJUL", "QS-XYZ", "MS-JAN", "ALL", "2MS"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct e5_frequency found;
        CHECK_OK(e5_frequency_parse(good[i].text, &found, err));
        CHECK(found.months == good[i].months && found.anchor == good[i].anchor && found.only == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct e5_frequency found;
        CHECK_STATUS(E5_INPUT, e5_frequency_parse(bad[i], &found, err));
    }
}

TEST(seasons_and_other_years) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(1999, 11, 15), E5_DAY, 500);
    struct e5_periods periods;
    CHECK_OK(e5_periods_by_calendar(&axis, (struct e5_frequency){3, 12, 0}, &periods, err));
    CHECK(periods.count == 7 && periods.start[0] == at(1999, 9, 1) && periods.start[1] == at(1999, 12, 1));
    CHECK(periods.end[1] == at(2000, 3, 1) && periods.expected[1] == 91 && samples_in(&periods, 500, 1) == 91);
    e5_periods_fini(&periods);
    CHECK_OK(e5_periods_by_calendar(&axis, (struct e5_frequency){12, 7, 0}, &periods, err));
    CHECK(periods.count == 2 && periods.start[0] == at(1999, 7, 1) && periods.end[0] == at(2000, 7, 1));
    CHECK(periods.expected[0] == 366 && periods.expected[1] == 365);
    e5_periods_fini(&periods);
}

TEST(some_months_only) {
    struct e5_time_axis axis = axis_of(E5_STANDARD, at(1999, 11, 15), E5_DAY, 500);
    struct e5_periods periods;
    CHECK_OK(e5_periods_by_calendar(&axis, (struct e5_frequency){12, 12, 0x803}, &periods, err)); /* DJF */
    CHECK(periods.count == 3 && periods.expected[1] == 91 && samples_in(&periods, 500, 1) == 91);
    CHECK(samples_in(&periods, 500, -1) > 0 && periods.of_sample[0] == -1);
    e5_periods_fini(&periods);
    axis.n = 20; /* November and December */
    CHECK_STATUS(E5_INPUT, e5_periods_by_calendar(&axis, (struct e5_frequency){12, 1, 0x40}, &periods, err));
}

int main(void) {
    RUN(an_axis_must_increase);
    RUN(the_usual_step_is_the_most_frequent);
    RUN(days_of_instants);
    RUN(days_of_hours_that_end);
    RUN(days_of_totals_since_midnight);
    RUN(days_of_a_zone);
    RUN(empty_days_stay_visible);
    RUN(coarse_and_single_samples);
    RUN(months_and_years);
    RUN(months_before_year_one_and_on_other_calendars);
    RUN(monthly_series_fill_their_periods);
    RUN(damaged_stamps_do_not_eat_memory);
    RUN(memory_that_fails_leaves_nothing_behind);
    RUN(frequencies_are_known_by_name);
    RUN(seasons_and_other_years);
    RUN(some_months_only);
    return check_summary();
}
