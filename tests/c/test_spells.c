/* Runs of days on tiles, against walking every cell day by day. */
#include "diag/spells.h"

#include <math.h>
#include <stdlib.h>

#include "base/isa.h"
#include "check.h"

#define LANES E5_LANES
enum { STEPS = 500, PERIODS = 9 };

/* --- the slow way: one cell, one flag a step --- */

struct record {
    size_t steps;
    int64_t seconds[STEPS];
    int32_t period[STEPS], place[STEPS];
    int64_t start[PERIODS];
    bool broken[STEPS]; /* no run reaches from the step before to this one */
};

static size_t end_of_run(const struct record *record, const int *flag, size_t t, int value) {
    size_t end = t + 1;
    while (end < record->steps && !record->broken[end] && flag[end] == value) end++;
    return end;
}

static void slow_filter(const struct record *record, int *flag, size_t minimum) {
    for (size_t t = 0, end; t < record->steps; t = end) {
        end = end_of_run(record, flag, t, flag[t]);
        for (size_t i = t; flag[t] && end - t < minimum && i < end; i++) flag[i] = 2;
    }
    for (size_t t = 0; t < record->steps; t++) flag[t] = flag[t] == 1;
}

static void slow_bridge(const struct record *record, int *flag, const float *x, size_t gap) {
    for (size_t t = 0, end; t < record->steps; t = end) {
        end = end_of_run(record, flag, t, flag[t]);
        bool inside = !flag[t] && t > 0 && !record->broken[t] && end < record->steps && !record->broken[end];
        for (size_t i = t; i < end; i++) inside = inside && !isnan(x[i * LANES]);
        for (size_t i = t; inside && end - t <= gap && i < end; i++) flag[i] = 1;
    }
}

static void slow_select(const struct record *record, const struct e5_spell_rule *rule, int *flag, const float *x) {
    if (rule->order == E5_SPELL_FILTER_JOIN) slow_filter(record, flag, rule->minimum);
    slow_bridge(record, flag, x, rule->gap);
    if (rule->order == E5_SPELL_FILL_FILTER) slow_filter(record, flag, rule->minimum);
}

static void slow_count(const struct record *record, const int *flag, enum e5_spell_border border, int32_t period,
                       int32_t out[5]) {
    memset(out, 0, 5 * sizeof *out);
    for (size_t t = 0, end; t < record->steps; t = end) {
        end = end_of_run(record, flag, t, flag[t]);
        if (border == E5_SPELL_OWN)
            for (size_t i = t; i < end; i++)
                if (record->period[i] != record->period[t]) end = i;
        if (!flag[t] || record->period[border == E5_SPELL_LAST ? end - 1 : t] != period) continue;
        int32_t length = (int32_t)(end - t);
        out[3] = out[0] > 0                ? out[3]
                 : border == E5_SPELL_LAST ? record->place[end - 1] - length + 1
                                           : record->place[t];
        out[4] = border == E5_SPELL_FIRST ? record->place[t] + length - 1 : record->place[end - 1];
        out[0]++;
        out[1] += length;
        out[2] = length > out[2] ? length : out[2];
    }
}

/* --- a random record: absent days, periods and days without one, missing values --- */

static uint32_t seed = 7;
static double uniform(void) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

static void make_record(struct record *record, bool holes) {
    int64_t day = 0;
    record->steps = STEPS;
    for (size_t t = 0; t < STEPS; t++, day += 1 + (holes && uniform() < 0.02 ? 3 : 0)) {
        record->seconds[t] = day * E5_DAY;
        record->period[t] = holes && t / 20 % 4 == 3 ? -1 : (int32_t)(t / 60);
        bool first = t == 0 || record->period[t] != record->period[t - 1];
        if (first && record->period[t] >= 0 && t % 60 == 0) record->start[record->period[t]] = day * E5_DAY;
        int64_t start = record->period[t] >= 0 ? record->start[record->period[t]] : record->seconds[0];
        record->place[t] = (int32_t)((record->seconds[t] - start) / E5_DAY + 1);
    }
}

static void break_record(struct record *record, enum e5_spell_border border) {
    record->broken[0] = true;
    for (size_t t = 1; t < record->steps; t++)
        record->broken[t] = record->seconds[t] - record->seconds[t - 1] > E5_DAY ||
                            (border == E5_SPELL_CUT && record->period[t] != record->period[t - 1]);
}

static void make_values(float *x, bool missing) {
    for (size_t c = 0; c < LANES; c++) {
        double share = c == 0 ? 1 : c == 1 ? -1 : uniform(), state = 0;
        for (size_t t = 0; t < STEPS; t++) {
            if (uniform() < 0.3) state = uniform();
            x[t * LANES + c] = missing && uniform() < 0.03 ? NAN : (float)(state < share);
        }
    }
}

/* --- comparison --- */

static bool counts_agree(const struct record *record, const struct e5_spell_axis *axis, const int *flag, size_t lane,
                         const struct e5_spell_counts *counts) {
    for (int32_t p = 0; p < PERIODS; p++) {
        int32_t slow[5];
        slow_count(record, flag, axis->border, p, slow);
        const struct e5_spell_counts *fast = &counts[p];
        if (fast->count[lane] != slow[0] || fast->total[lane] != slow[1] || fast->longest[lane] != slow[2] ||
            fast->first[lane] != slow[3] || fast->last[lane] != slow[4])
            return false;
    }
    return true;
}

static bool runs_agree(const struct record *record, const struct e5_spell_axis *axis, const uint32_t *flags,
                       const int *flag, size_t lane) {
    struct e5_spell run;
    size_t from = 0;
    for (size_t t = 0, end; t < record->steps; t = end) {
        end = end_of_run(record, flag, t, flag[t]);
        if (!flag[t]) continue;
        if (!e5_spell_next(axis, flags, lane, from, &run) || run.first != t || run.last != end - 1) return false;
        from = end;
    }
    return !e5_spell_next(axis, flags, lane, from, &run);
}

static void compare(struct record *record, const float *x, enum e5_spell_border border,
                    const struct e5_spell_rule *rule) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_time_axis time = {E5_STANDARD, record->steps, record->seconds};
    struct e5_periods periods = {.count = PERIODS, .start = record->start, .of_sample = record->period};
    struct e5_spell_axis axis;
    _Alignas(64) double half[LANES];
    static _Alignas(64) struct e5_spell_counts counts[PERIODS + 1];
    for (size_t c = 0; c < LANES; c++) half[c] = 0.5;
    break_record(record, border);
    CHECK(e5_spell_axis_init(&axis, &time, &periods, border, rule, &err) == E5_OK);
    size_t size = e5_spell_axis_size(&axis);
    uint32_t *flags = aligned_alloc(64, 4 * size * sizeof *flags);
    e5_spell_flags(&axis, (struct e5_spell_series){x, false}, (struct e5_spell_limit){half, 1, NULL}, E5_SPELL_ABOVE,
                   flags);
    e5_spell_known(&axis, (struct e5_spell_series){x, false}, flags + size);
    e5_spell_select(&axis, rule, flags, flags + size, flags + 2 * size);
    e5_spell_count(&axis, PERIODS, flags, counts);
    for (size_t c = 0; c < LANES; c++) {
        int flag[STEPS];
        for (size_t t = 0; t < record->steps; t++) flag[t] = x[t * LANES + c] > 0.5f;
        slow_select(record, rule, flag, x + c);
        CHECK(counts_agree(record, &axis, flag, c, counts));
        CHECK(runs_agree(record, &axis, flags, flag, c));
    }
    free(flags);
    e5_spell_axis_fini(&axis);
}

static void compare_all(bool holes, bool missing) {
    static _Alignas(64) float x[STEPS * LANES];
    static const struct e5_spell_rule rules[] = {{1, 0, E5_SPELL_FILTER_JOIN},  {3, 0, E5_SPELL_FILTER_JOIN},
                                                 {5, 2, E5_SPELL_FILTER_JOIN},  {5, 2, E5_SPELL_FILL_FILTER},
                                                 {2, 1, E5_SPELL_FILL_FILTER},  {40, 7, E5_SPELL_FILL_FILTER},
                                                 {3, 40, E5_SPELL_FILTER_JOIN}, {700, 0, E5_SPELL_FILTER_JOIN}};
    struct record record;
    make_record(&record, holes);
    make_values(x, missing);
    for (enum e5_spell_border border = E5_SPELL_CUT; border <= E5_SPELL_OWN; border++)
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) compare(&record, x, border, &rules[i]);
}

TEST(same_as_walking_day_by_day) {
    for (enum e5_isa isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit(isa);
        compare_all(false, false);
        compare_all(true, false);
        compare_all(false, true);
        compare_all(true, true);
    }
    e5_isa_limit(E5_ISA_AVX512);
}

/* --- tests of a day --- */

static void one_day(const float value, double limit, bool expected[4]) {
    struct e5_error err = E5_ERROR_NONE;
    int64_t seconds[] = {0, E5_DAY};
    struct e5_time_axis time = {E5_STANDARD, 2, seconds};
    struct e5_spell_axis axis;
    _Alignas(64) float x[2 * LANES];
    _Alignas(64) double wide[2 * LANES], limits[LANES];
    _Alignas(64) uint32_t flags[64 * LANES];
    for (size_t i = 0; i < 2 * LANES; i++) wide[i] = x[i] = value;
    for (size_t c = 0; c < LANES; c++) limits[c] = limit;
    CHECK(e5_spell_axis_init(&axis, &time, NULL, E5_SPELL_CUT, &(struct e5_spell_rule){1, 0, 0}, &err) == E5_OK);
    for (enum e5_spell_test test = E5_SPELL_ABOVE; test <= E5_SPELL_AT_MOST; test++) {
        struct e5_spell_limit where = {limits, 1, NULL};
        e5_spell_flags(&axis, (struct e5_spell_series){x, false}, where, test, flags);
        CHECK(flags[5] == (expected[test] ? 3u : 0u));
        e5_spell_flags(&axis, (struct e5_spell_series){wide, true}, where, test, flags);
        CHECK(flags[5] == (expected[test] ? 3u : 0u));
    }
    e5_spell_axis_fini(&axis);
}

TEST(comparison_is_in_double) {
    one_day(1, 1, (bool[]){false, true, false, true});
    one_day(1, 2, (bool[]){false, false, true, true});
    one_day(-1, -2, (bool[]){true, true, false, false});
    one_day(273.15f, 273.15, (bool[]){false, false, true, true}); /* as a float it is a little less */
    one_day(0.1f, 0.1, (bool[]){true, true, false, false});       /* … and this one more */
    one_day(NAN, 0, (bool[]){false, false, false, false});
    one_day(0, NAN, (bool[]){false, false, false, false});
    one_day(3e38f, 1e300, (bool[]){false, false, true, true});
    one_day(-3e38f, -1e300, (bool[]){true, true, false, false});
    one_day(0.0f, 1e-300, (bool[]){false, false, true, true});
    one_day(INFINITY, INFINITY, (bool[]){false, true, false, true});
}

TEST(a_run_lingers_above_the_lower_limit) {
    struct e5_error err = E5_ERROR_NONE;
    enum { DAYS = 70 };
    int64_t seconds[DAYS];
    for (size_t t = 0; t < DAYS; t++) seconds[t] = (int64_t)t * E5_DAY;
    struct e5_time_axis time = {E5_STANDARD, DAYS, seconds};
    struct e5_spell_axis axis;
    _Alignas(64) uint32_t start[8 * LANES] = {0}, stay[8 * LANES] = {0};
    CHECK(e5_spell_axis_init(&axis, &time, NULL, E5_SPELL_CUT, &(struct e5_spell_rule){1, 0, 0}, &err) == E5_OK);
    start[0] = 1u << 30 | 1u << 3;
    stay[0] = 1u << 31 | 1u << 30 | 1u << 29 | 1u << 5 | 1u << 3 | 1u << 2;
    stay[LANES] = 7;
    start[1] = 1;
    stay[1] = stay[LANES + 1] = ~0u;
    e5_spell_linger(&axis, start, stay);
    CHECK(start[0] == (3u << 30 | 1u << 3) && start[LANES] == 7);
    CHECK(start[1] == ~0u && start[LANES + 1] == ~0u && start[2] == 0);
    e5_spell_axis_fini(&axis);
}

TEST(months_follow_each_other) {
    struct e5_error err = E5_ERROR_NONE;
    int64_t seconds[] = {0, 31 * E5_DAY, 59 * E5_DAY, 90 * E5_DAY, 151 * E5_DAY};
    struct e5_time_axis time = {E5_STANDARD, 5, seconds};
    struct e5_spell_axis axis;
    CHECK(e5_spell_axis_init(&axis, &time, NULL, E5_SPELL_CUT, &(struct e5_spell_rule){1, 0, 0}, &err) == E5_OK);
    CHECK(axis.bit[3] == 3 && axis.bit[4] == 5 && axis.bits == 6);
    e5_spell_axis_fini(&axis);
}

TEST(what_no_axis_can_hold_is_refused) {
    struct e5_error said = E5_ERROR_NONE, slots = E5_ERROR_NONE;
    int64_t seconds[] = {0, E5_DAY};
    int32_t slot[2];
    struct e5_time_axis endless = {E5_STANDARD, (size_t)INT32_MAX, seconds}, noleap = {E5_NOLEAP, 2, seconds};
    struct e5_spell_axis axis;
    struct e5_spell_rule rule = {1, 0, 0};
    CHECK(e5_spell_axis_init(&axis, &endless, NULL, E5_SPELL_CUT, &rule, &said) == E5_UNSAFE);
    CHECK(strstr(said.what, "a series of 2147483647 steps is too long") != NULL);
    CHECK(e5_spell_slots(&noleap, 366, false, slot, &slots) == E5_INPUT);
    CHECK(strstr(slots.what, "366 maps are not one for each day of a year of the calendar noleap") != NULL);
}

int main(void) {
    RUN(same_as_walking_day_by_day);
    RUN(comparison_is_in_double);
    RUN(a_run_lingers_above_the_lower_limit);
    RUN(months_follow_each_other);
    RUN(what_no_axis_can_hold_is_refused);
    return check_summary();
}
