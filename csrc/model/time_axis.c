#include "model/time_axis.h"

#include <stdlib.h>
#include <string.h>

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

/* What more than half of the differences are, if one is (Boyer and Moore: whatever else there is cancels out); else
 * some value that is not. */
static int64_t candidate_of(const struct e5_time_axis *axis) {
    int64_t candidate = 0;
    size_t votes = 0;
    for (size_t i = 1; i < axis->n; i++) {
        int64_t difference = axis->seconds[i] - axis->seconds[i - 1];
        if (votes == 0) candidate = difference;
        if (difference == candidate)
            votes++;
        else
            votes--;
    }
    return candidate;
}

static bool is_majority(const struct e5_time_axis *axis, int64_t candidate) {
    size_t count = 0;
    for (size_t i = 1; i < axis->n; i++) count += axis->seconds[i] - axis->seconds[i - 1] == candidate;
    return count > (axis->n - 1) / 2;
}

enum e5_status e5_time_axis_step(const struct e5_time_axis *axis, int64_t *out, struct e5_error *err) {
    int64_t *difference = NULL;
    *out = E5_DAY;
    if (axis->n < 2) return E5_OK;
    int64_t candidate = candidate_of(axis);
    if (is_majority(axis, candidate)) return *out = candidate, E5_OK;
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
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *out->end, &out->end, err);
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
        out->start[p] = (first + (int64_t)p) * E5_DAY;
        out->end[p] = out->start[p] + E5_DAY;
        out->expected[p] = expected;
    }
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = day_of(axis->seconds[i], rule, utc_offset);
        out->of_sample[i] = belongs(axis->seconds[i], rule, utc_offset) ? (int32_t)(day - first) : -1;
    }
    return E5_OK;
}

/* --- periods of the calendar --- */

static const char *const month_names[12] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                            "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

/* The month after a "-", January when there is nothing; 0: neither. */
static int anchor_of(const char *text) {
    if (*text == '\0') return 1;
    for (int i = 0; i < 12; i++)
        if (*text == '-' && strcmp(text + 1, month_names[i]) == 0) return i + 1;
    return 0;
}

enum e5_status e5_frequency_parse(const char *text, struct e5_frequency *out, struct e5_error *err) {
    *out = (struct e5_frequency){.anchor = 1};
    if (strcmp(text, "all") == 0) return E5_OK;
    out->months = strncmp(text, "YS", 2) == 0 ? 12 : strncmp(text, "QS", 2) == 0 ? 3 : 0;
    if (out->months > 0) out->anchor = anchor_of(text + 2);
    if (strcmp(text, "MS") == 0) out->months = 1;
    if (out->months > 0 && out->anchor > 0) return E5_OK;
    enum e5_status status = e5_fail(err, E5_INPUT, "freq is '%.40s'", text);
    e5_error_hint(err, "it is YS, QS, MS or all; YS-JUL are years that begin in July, QS-DEC seasons from December");
    return status;
}

bool e5_frequency_counts(struct e5_frequency frequency, int month) {
    return frequency.only == 0 || (frequency.only >> (month - 1) & 1) != 0;
}

/* Periods are numbered from one that begins in year 0; the whole series is number 0. */
static int64_t number_of(struct e5_frequency frequency, struct e5_date date) {
    if (frequency.months == 0) return 0;
    return floor_divide(date.year * 12 + date.month - frequency.anchor, frequency.months);
}

static struct e5_date date_of(enum e5_calendar calendar, int64_t seconds) {
    return e5_date_from_days(calendar, floor_divide(seconds, E5_DAY));
}

static int64_t start_of_month(enum e5_calendar calendar, int64_t month) { /* since January of year 0 */
    int64_t year = floor_divide(month, 12);
    return e5_date_to_days(calendar, (struct e5_date){year, (int)(month - year * 12) + 1, 1}) * E5_DAY;
}

/* Seconds of the months between start and end that count. */
static int64_t counted(enum e5_calendar calendar, struct e5_frequency frequency, int64_t start, int64_t end) {
    if (frequency.only == 0) return end - start;
    int64_t sum = 0, at = start;
    while (at < end) {
        struct e5_date date = date_of(calendar, at);
        int64_t next = start_of_month(calendar, date.year * 12 + date.month), to = next < end ? next : end;
        if (e5_frequency_counts(frequency, date.month)) sum += to - at;
        at = to;
    }
    return sum;
}

/* The calendar is asked once a month. */
static enum e5_status put_samples(const struct e5_time_axis *axis, struct e5_frequency frequency, int64_t first,
                                  struct e5_periods *out, struct e5_error *err) {
    size_t found = 0;
    int64_t month_ends = INT64_MIN;
    int32_t period = -1;
    for (size_t i = 0; i < axis->n; i++) {
        if (axis->seconds[i] >= month_ends) {
            struct e5_date date = date_of(axis->calendar, axis->seconds[i]);
            bool counts = e5_frequency_counts(frequency, date.month);
            period = counts ? (int32_t)(number_of(frequency, date) - first) : -1;
            month_ends = start_of_month(axis->calendar, date.year * 12 + date.month);
        }
        out->of_sample[i] = period;
        found += period >= 0;
    }
    if (found > 0) return E5_OK;
    e5_periods_fini(out);
    return e5_fail(err, E5_INPUT, "no time of the series lies in the months asked for");
}

enum e5_status e5_periods_by_calendar(const struct e5_time_axis *axis, struct e5_frequency frequency,
                                      struct e5_periods *out, struct e5_error *err) {
    int64_t step;
    *out = (struct e5_periods){0};
    enum e5_status status = e5_time_axis_check(axis, err);
    if (status == E5_OK) status = e5_time_axis_step(axis, &step, err);
    if (status != E5_OK) return status;
    enum e5_calendar calendar = axis->calendar;
    int64_t first = number_of(frequency, date_of(calendar, axis->seconds[0]));
    int64_t last = number_of(frequency, date_of(calendar, axis->seconds[axis->n - 1]));
    status = allocate(axis, last - first + 1, out, err);
    if (status != E5_OK) return status;
    for (size_t p = 0; p < out->count; p++) {
        int64_t month = (first + (int64_t)p) * frequency.months + frequency.anchor - 1;
        bool whole = frequency.months == 0;
        out->start[p] = whole ? axis->seconds[0] : start_of_month(calendar, month);
        out->end[p] = whole ? axis->seconds[axis->n - 1] + step : start_of_month(calendar, month + frequency.months);
        int64_t length = counted(calendar, frequency, out->start[p], out->end[p]);
        out->expected[p] = expected_samples((length + step / 2) / step); /* nearest: months differ */
    }
    return put_samples(axis, frequency, first, out, err);
}

void e5_periods_fini(struct e5_periods *periods) {
    free(periods->start);
    free(periods->end);
    free(periods->of_sample);
    free(periods->expected);
    *periods = (struct e5_periods){0};
}
