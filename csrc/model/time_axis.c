#include "model/time_axis.h"

#include <stdlib.h>

#include "base/alloc.h"

#define FURTHEST 1000000000000000 /* seconds: sums with offsets stay far from the ends of int64 */
#define MOST_PERIODS 10000000     /* 27,000 years of days: more comes from damaged time stamps */

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

enum e5_status e5_time_axis_check(const struct e5_time_axis *axis, struct e5_error *err) {
    if (axis->n == 0) return e5_fail(err, E5_INPUT, "the time axis is empty");
    for (size_t i = 0; i < axis->n; i++) {
        if (axis->seconds[i] < -FURTHEST || axis->seconds[i] > FURTHEST)
            return e5_fail(err, E5_INPUT, "time %zu is out of range", i);
        if (i > 0 && axis->seconds[i] <= axis->seconds[i - 1])
            return e5_fail(err, E5_INPUT, "times must increase: time %zu is not later than the one before", i);
    }
    return E5_OK;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t most_frequent(const int64_t *sorted, size_t n) {
    size_t best = 0, run = 0;
    int64_t value = sorted[0];
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && sorted[i] == sorted[i - 1] ? run + 1 : 1;
        if (run > best) {
            best = run;
            value = sorted[i];
        }
    }
    return value;
}

enum e5_status e5_time_axis_step(const struct e5_time_axis *axis, int64_t *out, struct e5_error *err) {
    int64_t *difference = NULL;
    *out = E5_DAY;
    if (axis->n < 2) return E5_OK;
    enum e5_status status = e5_alloc(axis->n - 1, sizeof *difference, &difference, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i + 1 < axis->n; i++) difference[i] = axis->seconds[i + 1] - axis->seconds[i];
    qsort(difference, axis->n - 1, sizeof *difference, compare);
    *out = most_frequent(difference, axis->n - 1);
    free(difference);
    return E5_OK;
}

/* Checks the axis and makes room for `count` periods, with of_sample yet to be filled. */
static enum e5_status allocate(const struct e5_time_axis *axis, int64_t count, struct e5_periods *out,
                               struct e5_error *err) {
    if (count > MOST_PERIODS)
        return e5_fail(err, E5_UNSAFE, "the time axis spans %lld periods, from damaged stamps?", (long long)count);
    enum e5_status status = e5_alloc((size_t)count, sizeof *out->start, &out->start, err);
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *out->expected, &out->expected, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *out->of_sample, &out->of_sample, err);
    out->count = status == E5_OK ? (size_t)count : 0;
    if (status != E5_OK) e5_periods_fini(out);
    return status;
}

static int32_t expected_samples(int64_t samples) {
    if (samples < 1) return 1;
    return samples < INT32_MAX ? (int32_t)samples : INT32_MAX;
}

/* The day a stamp belongs to.  What ends at midnight belongs to the day that ends there. */
static int64_t day_of(int64_t seconds, enum e5_day_rule rule, int64_t utc_offset) {
    return floor_divide(seconds + utc_offset - (rule == E5_DAY_INSTANT ? 0 : 1), E5_DAY);
}

static bool belongs(int64_t seconds, enum e5_day_rule rule, int64_t utc_offset) {
    return rule != E5_DAY_SINCE_MIDNIGHT || (seconds + utc_offset) % E5_DAY == 0;
}

enum e5_status e5_periods_by_day(const struct e5_time_axis *axis, enum e5_day_rule rule, int64_t utc_offset,
                                 struct e5_periods *out, struct e5_error *err) {
    int64_t step;
    *out = (struct e5_periods){0};
    if (utc_offset <= -2 * E5_DAY || utc_offset >= 2 * E5_DAY)
        return e5_fail(err, E5_INPUT, "the offset from UTC is out of range: %lld s", (long long)utc_offset);
    enum e5_status status = e5_time_axis_check(axis, err);
    if (status == E5_OK) status = e5_time_axis_step(axis, &step, err);
    if (status != E5_OK) return status;
    int64_t first = day_of(axis->seconds[0], rule, utc_offset);
    int64_t last = day_of(axis->seconds[axis->n - 1], rule, utc_offset);
    status = allocate(axis, last - first + 1, out, err);
    if (status != E5_OK) return status;
    int32_t expected = expected_samples(rule == E5_DAY_SINCE_MIDNIGHT ? 1 : E5_DAY / step);
    for (size_t p = 0; p < out->count; p++) {
        out->start[p] = (first + (int64_t)p) * E5_DAY - utc_offset;
        out->expected[p] = expected;
    }
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = day_of(axis->seconds[i], rule, utc_offset);
        out->of_sample[i] = belongs(axis->seconds[i], rule, utc_offset) ? (int32_t)(day - first) : -1;
    }
    return E5_OK;
}

/* Periods of a calendar are numbered: months since January of year 0, years, or 0 for the whole. */
static int64_t number_of(enum e5_calendar calendar, enum e5_frequency frequency, int64_t seconds) {
    if (frequency == E5_WHOLE) return 0;
    struct e5_date date = e5_date_from_days(calendar, floor_divide(seconds, E5_DAY));
    return frequency == E5_BY_YEAR ? date.year : date.year * 12 + date.month - 1;
}

static int64_t start_of(enum e5_calendar calendar, enum e5_frequency frequency, int64_t number) {
    struct e5_date date = {number, 1, 1};
    if (frequency == E5_BY_MONTH) {
        date.year = floor_divide(number, 12);
        date.month = (int)(number - date.year * 12) + 1;
    }
    return e5_date_to_days(calendar, date) * E5_DAY;
}

static void span_of(const struct e5_time_axis *axis, enum e5_frequency frequency, int64_t number, int64_t step,
                    int64_t *start, int64_t *end) {
    bool whole = frequency == E5_WHOLE;
    *start = whole ? axis->seconds[0] : start_of(axis->calendar, frequency, number);
    *end = whole ? axis->seconds[axis->n - 1] + step : start_of(axis->calendar, frequency, number + 1);
}

enum e5_status e5_periods_by_calendar(const struct e5_time_axis *axis, enum e5_frequency frequency,
                                      struct e5_periods *out, struct e5_error *err) {
    int64_t step;
    *out = (struct e5_periods){0};
    enum e5_status status = e5_time_axis_check(axis, err);
    if (status == E5_OK) status = e5_time_axis_step(axis, &step, err);
    if (status != E5_OK) return status;
    int64_t first = number_of(axis->calendar, frequency, axis->seconds[0]);
    int64_t last = number_of(axis->calendar, frequency, axis->seconds[axis->n - 1]);
    status = allocate(axis, last - first + 1, out, err);
    if (status != E5_OK) return status;
    for (size_t p = 0; p < out->count; p++) {
        int64_t end;
        span_of(axis, frequency, first + (int64_t)p, step, &out->start[p], &end);
        out->expected[p] = expected_samples((end - out->start[p] + step / 2) / step); /* nearest: months differ */
    }
    for (size_t i = 0; i < axis->n; i++)
        out->of_sample[i] = (int32_t)(number_of(axis->calendar, frequency, axis->seconds[i]) - first);
    return E5_OK;
}

void e5_periods_fini(struct e5_periods *periods) {
    free(periods->start);
    free(periods->of_sample);
    free(periods->expected);
    *periods = (struct e5_periods){0};
}
