#include "model/missing.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define NEVER INT32_MAX

/* Days that may be missing (ETCCDI), and days that must not be (WMO). */
enum { OF_MONTH = 3, OF_SEASON = 6, OF_YEAR = 15, WMO_DAYS = 11, WMO_ROW = 5 };

/* --- tables --- */

static int64_t month_number(enum e5_calendar calendar, int64_t seconds) {
    struct e5_date date = e5_date_from_days(calendar, e5_day_of(seconds));
    return date.year * 12 + date.month - 1;
}

static int64_t month_start(enum e5_calendar calendar, int64_t month) {
    int64_t year = month / 12 - (month % 12 < 0);
    return e5_date_to_days(calendar, (struct e5_date){year, (int)(month - year * 12) + 1, 1}) * E5_DAY;
}

struct making {
    struct e5_missing *missing;
    const struct e5_time_axis *axis;
    const struct e5_periods *periods;
    struct e5_frequency frequency;
    int64_t step;
    size_t sample; /* next */
};

static int32_t clamped(int64_t value) { return value < 0 ? 0 : value > NEVER ? NEVER : (int32_t)value; }

/* Samples that stand for so many days. */
static int32_t samples_in(int64_t days, int64_t step) { return clamped(days * E5_DAY / step); }

/* Take the samples of [start, end) off the axis. */
static struct e5_missing_month make_month(struct making *m, int64_t start, int64_t end) {
    struct e5_missing_month month = {.first = m->sample};
    int64_t at = start; /* where the next sample would be */
    const int64_t *seconds = m->axis->seconds;
    month.expected = clamped((end - start + (m->step - 1) / 2) / m->step); /* nearest; half a step is none */
    for (; m->sample < m->axis->n && seconds[m->sample] < end; m->sample++) {
        m->missing->before[m->sample] = clamped((seconds[m->sample] - at) / m->step);
        at = seconds[m->sample] + m->step;
        month.count++;
    }
    month.after = clamped((end - at + m->step - 1) / m->step);
    if (month.count == 0) month.after = month.expected;
    return month;
}

/* Samples that a period of so many months may lose. */
static int32_t allowed_of(const struct making *m, int64_t months, int64_t expected) {
    struct e5_missing_policy policy = m->missing->policy;
    int64_t days = months <= 1 ? OF_MONTH : months <= 3 ? OF_SEASON : OF_YEAR * ((months + 11) / 12);
    if (policy.rule == E5_MISSING_ETCCDI) return samples_in(days, m->step);
    /* 0.29 of 100 days are 29, though the product is a little less */
    return policy.rule == E5_MISSING_SHARE ? clamped((int64_t)(policy.share * (double)expected + 1e-9)) : NEVER;
}

static void make_period(struct making *m, size_t period, size_t *next) {
    struct e5_missing *missing = m->missing;
    enum e5_calendar calendar = m->axis->calendar;
    int64_t from = m->periods->start[period], to = m->periods->end[period], counting = 0, expected = 0;
    missing->first_month[period] = *next;
    for (int64_t month = month_number(calendar, from); month_start(calendar, month) < to; month++) {
        int64_t start = month_start(calendar, month), end = month_start(calendar, month + 1);
        int in_year = (int)(month - (month / 12 - (month % 12 < 0)) * 12) + 1;
        struct e5_missing_month made = make_month(m, start > from ? start : from, end < to ? end : to);
        if (!e5_frequency_counts(m->frequency, in_year)) continue;
        missing->month[(*next)++] = made;
        expected += made.expected;
        counting++;
    }
    missing->allowed[period] = allowed_of(m, counting, expected);
}

static size_t count_months(const struct e5_time_axis *axis, const struct e5_periods *periods) {
    int64_t first = month_number(axis->calendar, periods->start[0]);
    return (size_t)(month_number(axis->calendar, periods->end[periods->count - 1]) - first) + 1 + periods->count;
}

static void set_limits(struct e5_missing *missing, int64_t step) {
    bool wmo = missing->policy.rule == E5_MISSING_WMO, share = missing->policy.rule == E5_MISSING_SHARE;
    int32_t days = samples_in(WMO_DAYS, step), row = samples_in(WMO_ROW, step);
    missing->most = wmo ? (days > 1 ? days - 1 : 0) : share ? NEVER : samples_in(OF_MONTH, step);
    missing->row = !wmo ? NEVER : row > 1 ? row : 1;
}

enum e5_status e5_missing_init(struct e5_missing *missing, const struct e5_time_axis *axis,
                               const struct e5_periods *periods, struct e5_frequency frequency,
                               struct e5_missing_policy policy, struct e5_error *err) {
    struct making m = {.missing = missing, .axis = axis, .periods = periods, .frequency = frequency};
    size_t next = 0;
    if (policy.rule == E5_MISSING_SHARE && !(policy.share >= 0 && policy.share <= 1))
        return e5_fail(err, E5_INPUT, "the share of missing samples is %g, must be 0 to 1", policy.share);
    *missing = (struct e5_missing){
        .policy = policy, .samples = axis->n, .periods = periods->count, .of_sample = periods->of_sample};
    enum e5_status status = e5_time_axis_step(axis, &m.step, err);
    if (status == E5_OK)
        status = e5_alloc(periods->count + 1, sizeof *missing->first_month, &missing->first_month, err);
    if (status == E5_OK) status = e5_alloc(count_months(axis, periods), sizeof *missing->month, &missing->month, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *missing->before, &missing->before, err);
    if (status == E5_OK) status = e5_alloc(periods->count, sizeof *missing->allowed, &missing->allowed, err);
    if (status != E5_OK) {
        e5_missing_fini(missing);
        return status;
    }
    set_limits(missing, m.step);
    for (size_t p = 0; p < periods->count; p++) make_period(&m, p, &next);
    missing->first_month[periods->count] = next;
    return E5_OK;
}

void e5_missing_fini(struct e5_missing *missing) {
    free(missing->first_month);
    free(missing->month);
    free(missing->before);
    free(missing->allowed);
    *missing = (struct e5_missing){0};
}

/* --- judging --- */

struct lanes {
    int32_t of[E5_MISSING_LANES];
};

static uint16_t above(const struct lanes *lanes, int32_t limit) {
    unsigned bits = 0;
    for (int c = 0; c < E5_MISSING_LANES; c++) bits |= (unsigned)(lanes->of[c] > limit) << c;
    return (uint16_t)bits;
}

static bool is_whole(const struct e5_missing_month *month) { return (int32_t)month->count >= month->expected; }

/* A period of which no sample may be missing. */
static uint16_t any_of(const struct e5_missing *missing, size_t period, const uint16_t *absent) {
    unsigned bits = 0;
    for (size_t k = missing->first_month[period]; k < missing->first_month[period + 1]; k++) {
        const struct e5_missing_month *month = &missing->month[k];
        if (!is_whole(month)) return UINT16_MAX;
        for (size_t i = 0; i < month->count; i++) bits |= absent[month->first + i];
    }
    return (uint16_t)bits;
}

/* Missing samples of a month, and the longest run of them, lane by lane. */
static void tally_month(const struct e5_missing *missing, const struct e5_missing_month *month,
                        const uint16_t *absent, struct lanes *total, struct lanes *longest) {
    struct lanes valid = {{0}}, run = {{0}};
    for (size_t i = month->first; i < month->first + month->count; i++)
        for (int c = 0; c < E5_MISSING_LANES; c++) {
            int32_t here = absent[i] >> c & 1, length = run.of[c] + missing->before[i] + here;
            longest->of[c] = length > longest->of[c] ? length : longest->of[c];
            run.of[c] = here ? length : 0;
            valid.of[c] += 1 - here;
        }
    for (int c = 0; c < E5_MISSING_LANES; c++) {
        int32_t length = run.of[c] + month->after, lost = month->expected - valid.of[c];
        longest->of[c] = length > longest->of[c] ? length : longest->of[c];
        total->of[c] = lost > 0 ? lost : 0;
    }
}

static uint16_t counted(const struct e5_missing *missing, size_t period, const uint16_t *absent) {
    struct lanes sum = {{0}};
    unsigned bits = 0;
    for (size_t k = missing->first_month[period]; k < missing->first_month[period + 1]; k++) {
        struct lanes total = {{0}}, longest = {{0}};
        tally_month(missing, &missing->month[k], absent, &total, &longest);
        bits |= above(&total, missing->most);
        bits |= missing->row == NEVER ? 0u : above(&longest, missing->row - 1);
        for (int c = 0; c < E5_MISSING_LANES; c++) sum.of[c] += total.of[c];
    }
    return (uint16_t)(bits | above(&sum, missing->allowed[period]));
}

void e5_missing_judge(const struct e5_missing *missing, const uint16_t *absent, uint16_t *taken) {
    for (size_t p = 0; p < missing->periods; p++)
        taken[p] = missing->policy.rule == E5_MISSING_NONE  ? 0
                   : missing->policy.rule == E5_MISSING_ANY ? any_of(missing, p, absent)
                                                            : counted(missing, p, absent);
}
