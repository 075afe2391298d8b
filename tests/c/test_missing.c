#include "model/missing.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

enum { MOST = 3000, LANES = E5_MISSING_LANES };

static int64_t stamps[MOST];
static uint16_t absent[MOST], taken[64];

static unsigned random_state = 7;
static unsigned random_below(unsigned n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 10) % n;
}

/* Daily stamps from a date on; `gaps`: some days are not there. */
static struct e5_time_axis axis_from(enum e5_calendar calendar, struct e5_date from, size_t n, bool gaps) {
    int64_t day = e5_date_to_days(calendar, from);
    for (size_t i = 0; i < n; i++, day++) {
        if (gaps && random_below(40) == 0) day += 1 + random_below(9);
        stamps[i] = day * E5_DAY + E5_DAY / 2;
    }
    return (struct e5_time_axis){.calendar = calendar, .n = n, .seconds = stamps};
}

/* --- the slow way: day by day through the calendar --- */

static bool is_there(const struct e5_time_axis *axis, int64_t day, int lane) {
    for (size_t i = 0; i < axis->n; i++)
        if (stamps[i] / E5_DAY - (stamps[i] % E5_DAY < 0) == day) return (absent[i] >> lane & 1) == 0;
    return false;
}

static bool is_taken(const struct e5_time_axis *axis, const struct e5_periods *periods, size_t p, unsigned only,
                     enum e5_missing_rule rule, int lane) {
    int64_t first = periods->start[p] / E5_DAY - (periods->start[p] % E5_DAY < 0);
    int64_t end = (periods->end[p] - 1) / E5_DAY - ((periods->end[p] - 1) % E5_DAY < 0) + 1;
    int lost = 0, months = 0, in_month = 0, run = 0, last = 0;
    bool result = false;
    if (periods->end[p] % E5_DAY != 0) end--; /* the whole series reaches to noon of the day after its last */
    for (int64_t day = first; day < end; day++) {
        struct e5_date date = e5_date_from_days(axis->calendar, day);
        if (only != 0 && (only >> (date.month - 1) & 1) == 0) continue;
        if (date.month != last) in_month = run = 0, months++;
        last = date.month;
        bool missing = !is_there(axis, day, lane);
        lost += missing;
        in_month += missing;
        run = missing ? run + 1 : 0;
        if (rule == E5_MISSING_ETCCDI && in_month > 3) result = true;
        if (rule == E5_MISSING_WMO && (in_month >= 11 || run >= 5)) result = true;
    }
    int allowed = months <= 1 ? 3 : months <= 3 ? 6 : (months + 11) / 12 * 15;
    if (rule == E5_MISSING_ANY) return lost > 0;
    return result || (rule == E5_MISSING_ETCCDI && lost > allowed);
}

static void check_all(const struct e5_time_axis *axis, struct e5_frequency frequency) {
    for (int rule = E5_MISSING_ANY; rule <= E5_MISSING_NONE; rule++) {
        struct e5_periods periods;
        struct e5_missing missing;
        size_t wrong = 0;
        CHECK_OK(e5_periods_by_calendar(axis, frequency, &periods, err));
        CHECK_OK(e5_missing_init(&missing, axis, &periods, frequency,
                                 (struct e5_missing_policy){(enum e5_missing_rule)rule, 0}, err));
        CHECK(periods.count <= sizeof taken / sizeof *taken);
        e5_missing_judge(&missing, absent, taken);
        for (size_t p = 0; p < periods.count; p++)
            for (int lane = 0; lane < LANES; lane++)
                wrong += (taken[p] >> lane & 1) !=
                         (rule == E5_MISSING_NONE
                              ? 0
                              : is_taken(axis, &periods, p, frequency.only, (enum e5_missing_rule)rule, lane));
        CHECK(wrong == 0);
        e5_missing_fini(&missing);
        e5_periods_fini(&periods);
    }
}

/* Lanes miss more and more: nothing, single days, whole weeks. */
static void lose_days(size_t n) {
    for (size_t i = 0; i < n; i++) absent[i] = 0;
    for (int lane = 1; lane < LANES; lane++)
        for (int k = 0; k < lane * lane / 2; k++) {
            size_t at = random_below((unsigned)n), length = 1 + random_below(lane < 8 ? 1 : 7);
            for (size_t i = at; i < at + length && i < n; i++) absent[i] |= (uint16_t)(1u << lane);
        }
}

TEST(every_rule_equals_counting_days) {
    static const struct e5_frequency frequencies[] = {{1, 1, 0}, {3, 12, 0},     {12, 1, 0},      {12, 7, 0},
                                                      {0, 1, 0}, {12, 1, 0x1c0}, {12, 12, 0x803}, {12, 1, 0x40}};
    static const enum e5_calendar calendars[] = {E5_STANDARD, E5_NOLEAP, E5_DAYS_360};
    for (size_t c = 0; c < 3; c++)
        for (int gaps = 0; gaps < 2; gaps++) {
            struct e5_time_axis axis = axis_from(calendars[c], (struct e5_date){1999, 3 + gaps, 9}, 800, gaps != 0);
            lose_days(axis.n);
            for (size_t f = 0; f < sizeof frequencies / sizeof *frequencies; f++) check_all(&axis, frequencies[f]);
        }
}

/* One whole year: exactly as many days as the rule allows, and one more. */
TEST(limits_of_the_etccdi) {
    struct e5_time_axis axis = axis_from(E5_NOLEAP, (struct e5_date){2001, 1, 1}, 365, false);
    struct e5_frequency years = {12, 1, 0};
    struct e5_periods periods;
    struct e5_missing missing;
    CHECK_OK(e5_periods_by_calendar(&axis, years, &periods, err));
    CHECK_OK(e5_missing_init(&missing, &axis, &periods, years, (struct e5_missing_policy){E5_MISSING_ETCCDI, 0},
                             err));
    for (size_t i = 0; i < 365; i++) absent[i] = 0;
    for (size_t month = 0; month < 5; month++) /* 15 days, 3 of each of five months */
        for (size_t k = 0; k < 3; k++) absent[month * 31 + 5 + k] |= 3;
    absent[300] |= 2; /* … and a sixteenth in the second lane */
    for (size_t k = 0; k < 4; k++) absent[200 + k] |= 4; /* 4 days of one month in the third */
    e5_missing_judge(&missing, absent, taken);
    CHECK(taken[0] == (2 | 4));
    e5_missing_fini(&missing);
    e5_periods_fini(&periods);
}

/* A year of 365 days and a season of 90: a tenth of them, and one day more. */
TEST(shares_of_a_period) {
    static const struct e5_frequency frequencies_of[] = {{12, 1, 0}, {12, 1, 1 << 5 | 1 << 6 | 1 << 7}};
    static const size_t allowed[] = {36, 9};
    for (int k = 0; k < 2; k++) {
        struct e5_time_axis axis = axis_from(E5_NOLEAP, (struct e5_date){2001, 1, 1}, 365, false);
        struct e5_periods periods;
        struct e5_missing missing;
        CHECK_OK(e5_periods_by_calendar(&axis, frequencies_of[k], &periods, err));
        CHECK_OK(e5_missing_init(&missing, &axis, &periods, frequencies_of[k],
                                 (struct e5_missing_policy){E5_MISSING_SHARE, 0.1}, err));
        for (size_t i = 0; i < 365; i++)
            absent[i] = (uint16_t)((i >= 151 && i < 151 + allowed[k]) | (i >= 151 && i <= 151 + allowed[k]) << 1);
        e5_missing_judge(&missing, absent, taken);
        CHECK(taken[0] == 2);
        e5_missing_fini(&missing);
        e5_periods_fini(&periods);
    }
}

/* Hourly data: a sample is an hour, a day 24 of them. */
TEST(a_share_is_none_but_0_to_1) {
    static const double wrong[] = {-0.1, 1.1, NAN};
    struct e5_time_axis axis = axis_from(E5_NOLEAP, (struct e5_date){2001, 1, 1}, 365, false);
    struct e5_frequency years = {12, 1, 0};
    struct e5_periods periods;
    struct e5_missing missing;
    CHECK_OK(e5_periods_by_calendar(&axis, years, &periods, err));
    for (int k = 0; k < 3; k++) {
        struct e5_missing_policy policy = {E5_MISSING_SHARE, wrong[k]};
        CHECK_STATUS(E5_INPUT, e5_missing_init(&missing, &axis, &periods, years, policy, err));
    }
    e5_periods_fini(&periods);
}

TEST(hours_count_as_parts_of_days) {
    struct e5_time_axis axis = {.calendar = E5_STANDARD, .n = 744, .seconds = stamps};
    struct e5_frequency months = {1, 1, 0};
    struct e5_periods periods;
    struct e5_missing missing;
    for (size_t i = 0; i < 744; i++)
        stamps[i] = e5_date_to_days(E5_STANDARD, (struct e5_date){2001, 1, 1}) * E5_DAY + (int64_t)i * 3600;
    CHECK_OK(e5_periods_by_calendar(&axis, months, &periods, err));
    CHECK_OK(e5_missing_init(&missing, &axis, &periods, months, (struct e5_missing_policy){E5_MISSING_ETCCDI, 0},
                             err));
    for (size_t i = 0; i < 744; i++) absent[i] = (uint16_t)((i < 72) | (i < 73) << 1);
    e5_missing_judge(&missing, absent, taken);
    CHECK(taken[0] == 2);
    e5_missing_fini(&missing);
    e5_periods_fini(&periods);
}

TEST(every_allocation_may_fail) {
    struct e5_time_axis axis = axis_from(E5_STANDARD, (struct e5_date){2001, 1, 1}, 365, false);
    struct e5_frequency years = {12, 1, 0};
    struct e5_periods periods;
    struct e5_missing missing;
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    CHECK_OK(e5_periods_by_calendar(&axis, years, &periods, err));
    for (int n = 1; status != E5_OK && n < 100; n++) {
        e5_alloc_fail_after(n);
        status =
            e5_missing_init(&missing, &axis, &periods, years, (struct e5_missing_policy){E5_MISSING_ANY, 0}, NULL);
        failures += status == E5_MEMORY;
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures >= 4);
    e5_missing_fini(&missing);
    e5_periods_fini(&periods);
}

int main(void) {
    RUN(every_rule_equals_counting_days);
    RUN(limits_of_the_etccdi);
    RUN(shares_of_a_period);
    RUN(a_share_is_none_but_0_to_1);
    RUN(hours_count_as_parts_of_days);
    RUN(every_allocation_may_fail);
    return check_summary();
}
