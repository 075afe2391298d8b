#include "diag/tally.h"

#include "check.h"
#include "diag/rolling.h"
#include "diag/season.h"
#include "diag/spells_one.h"
#include "diag/wet_quantile.h"

#define STEPS 40

/* A tile in both precisions: lane c holds the same values plus c. */
static _Alignas(64) float narrow[STEPS * E5_LANES];
static _Alignas(64) double wide[STEPS * E5_LANES];

static void fill(const double *values, size_t n, double step) {
    for (size_t i = 0; i < n * E5_LANES; i++) {
        wide[i] = values[i / E5_LANES] + step * (double)(i % E5_LANES);
        narrow[i] = (float)wide[i];
    }
}

static struct e5_tally_series tile(bool is_wide) {
    return (struct e5_tally_series){is_wide ? (const void *)wide : (const void *)narrow, is_wide};
}

static const double *all(double value) {
    static double limit[E5_LANES];
    for (int c = 0; c < E5_LANES; c++) limit[c] = value;
    return limit;
}

static const int32_t two_periods[] = {0, 0, 0, -1, 1, 1, 0, 1};
static const double eight[] = {3, -1, 5, 100, 3, NAN, 4, 2};

static struct e5_tally_axis axis_of(const int32_t *of_sample, size_t n, size_t periods) {
    struct e5_tally_axis axis;
    CHECK_OK(e5_tally_axis_init(&axis, n, of_sample, periods, err));
    return axis;
}

TEST(counts_and_sums_of_each_test) {
    struct e5_tally_axis axis = axis_of(two_periods, 8, 3);
    double out[3 * E5_LANES];
    fill(eight, 8, 0);
    for (int w = 0; w < 2; w++) {
        e5_tally_count(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_ABOVE, all(3)}, out);
        CHECK(out[0] == 2 && out[E5_LANES + 3] == 0 && out[2 * E5_LANES] == 0);
        e5_tally_count(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_AT_LEAST, all(3)}, out);
        CHECK(out[5] == 3 && out[E5_LANES] == 1);
        e5_tally_count(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_BELOW, all(3)}, out);
        CHECK(out[0] == 1 && out[E5_LANES] == 1);
        e5_tally_count(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_AT_MOST, all(3)}, out);
        CHECK(out[0] == 2 && out[E5_LANES] == 2);
        e5_tally_sum(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_AT_LEAST, all(3)}, out);
        CHECK(out[0] == 12 && out[E5_LANES] == 3 && out[2 * E5_LANES] == 0);
        e5_tally_excess(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_ABOVE, all(3)}, out);
        CHECK(out[0] == 3 && out[E5_LANES] == 0);
        e5_tally_excess(&axis, tile(w), (struct e5_tally_limit){E5_TALLY_BELOW, all(3)}, out);
        CHECK(out[0] == 4 && out[E5_LANES] == 1);
    }
    e5_tally_axis_fini(&axis);
}

TEST(extremes_and_means) {
    struct e5_tally_axis axis = axis_of(two_periods, 8, 3);
    double out[3 * E5_LANES];
    fill(eight, 8, 1);
    for (int w = 0; w < 2; w++) {
        e5_tally_largest(&axis, tile(w), out);
        CHECK(out[0] == 5 && out[2] == 7 && out[E5_LANES] == 3 && isnan(out[2 * E5_LANES]));
        e5_tally_smallest(&axis, tile(w), out);
        CHECK(out[0] == -1 && out[15] == 14 && out[E5_LANES] == 2 && isnan(out[2 * E5_LANES]));
        e5_tally_mean_difference(&axis, tile(w), tile(w), out);
        CHECK(out[0] == 0 && out[E5_LANES] == 0 && isnan(out[2 * E5_LANES]));
        struct e5_tally_limit above = {E5_TALLY_ABOVE, all(2.5)},
                              below = {E5_TALLY_BELOW, (double[E5_LANES]){4.5, 4.5}};
        e5_tally_count_both(&axis, tile(w), above, tile(w), below, out);
        CHECK(out[0] == 2 && out[1] == 1 && out[E5_LANES] == 1);
    }
    e5_tally_axis_fini(&axis);
}

static struct e5_time_axis daily(int64_t *seconds, size_t n) {
    for (size_t i = 0; i < n; i++) seconds[i] = (int64_t)i * E5_DAY;
    return (struct e5_time_axis){E5_NOLEAP, n, seconds};
}

TEST(sums_of_several_days) {
    static const double rain[] = {1, 2, 4, -8, 16, NAN, 32, 64};
    static const int32_t halves[] = {0, 0, 0, 0, 1, 1, 1, 1};
    int64_t seconds[8];
    struct e5_time_axis time = daily(seconds, 8);
    struct e5_rolling rolling;
    double out[2 * E5_LANES];
    fill(rain, 8, 0);
    for (int w = 0; w < 2; w++) {
        CHECK_OK(e5_rolling_init(&rolling, &time, halves, 2, (struct e5_rolling_rule){3, false, false}, err));
        e5_rolling_largest(&rolling, tile(w), out);
        CHECK(out[0] == 7 && out[E5_LANES] == 96);
        e5_rolling_fini(&rolling);
        CHECK_OK(e5_rolling_init(&rolling, &time, halves, 2, (struct e5_rolling_rule){3, true, true}, err));
        e5_rolling_largest(&rolling, tile(w), out); /* 4 + 0 + 16 has its centre in the first half */
        CHECK(out[0] == 20 && isnan(out[E5_LANES]));
        e5_rolling_fini(&rolling);
    }
    seconds[7] += E5_DAY; /* a day is absent before the last one */
    CHECK_OK(e5_rolling_init(&rolling, &time, halves, 2, (struct e5_rolling_rule){3, false, false}, err));
    e5_rolling_largest(&rolling, tile(true), out);
    CHECK(out[E5_LANES] == 96);
    e5_rolling_fini(&rolling);
    CHECK_OK(e5_rolling_init(&rolling, &time, halves, 2, (struct e5_rolling_rule){9, false, false}, err));
    e5_rolling_largest(&rolling, tile(true), out);
    CHECK(isnan(out[0]) && out[E5_LANES] == 119); /* nine days, of which one is absent and one missing */
    e5_rolling_fini(&rolling);
}

TEST(wet_quantiles_are_those_of_the_sorted_values) {
    double values[STEPS], sorted[STEPS], out[E5_LANES];
    for (size_t i = 0; i < STEPS; i++) values[i] = (double)(i * 7 % STEPS) / 4; /* 0 to 9.75, each once */
    values[3] = NAN;
    values[4] = values[5]; /* a tie */
    fill(values, STEPS, 0.5);
    for (int w = 0; w < 2; w++)
        for (int k = 0; k <= 20; k++) {
            struct e5_wet_quantile rule = {2, STEPS, 1, k / 20., 8};
            e5_wet_quantile(&rule, tile(w), out);
            for (size_t c = 0; c < E5_LANES; c++) {
                size_t n = 0;
                for (size_t i = 2; i < STEPS; i++)
                    if (wide[i * E5_LANES + c] >= 1) sorted[n++] = wide[i * E5_LANES + c];
                CHECK(out[c] == e5_quantile(sorted, n, k / 20., 8));
            }
        }
    struct e5_wet_quantile dry = {0, STEPS, 100, 0.5, 8};
    e5_wet_quantile(&dry, tile(false), out);
    for (size_t c = 0; c < E5_LANES; c++) CHECK(isnan(out[c]));
}

/* Two years: cold, warm from day 60, cold from day 250. */
TEST(growing_seasons) {
    static float tg[730 * E5_LANES];
    static int64_t seconds[730];
    struct e5_time_axis time = daily(seconds, 730);
    struct e5_periods periods;
    struct e5_season_axis axis;
    double out[2 * E5_LANES];
    for (size_t i = 0; i < 730 * E5_LANES; i++) {
        size_t day = i / E5_LANES % 365, late = i % E5_LANES == 1 ? 130 : 0, c = i % E5_LANES;
        tg[i] = c == 2 ? 20 : c == 3 ? 5 : day >= 60 + late && day < 250 ? 10 : 0;
    }
    CHECK_OK(e5_periods_by_calendar(&time, (struct e5_frequency){12, 1, 0}, &periods, err));
    CHECK_OK(e5_season_axis_init(&axis, &time, &periods, err));
    struct e5_tally_series x = {tg, false};
    e5_season_length(&axis, x, 5, 6, E5_SEASON_CLIMDEX, out);
    CHECK(out[0] == 190 && out[E5_LANES] == 190); /* two years alike */
    CHECK(out[1] == 0);                           /* warm too late: no season */
    CHECK(out[2] == 365);                         /* no end */
    CHECK(out[3] == 0);                           /* at the limit is not above it */
    e5_season_length(&axis, x, 5, 6, E5_SEASON_XCLIM, out);
    CHECK(out[0] == 190 && out[3] == 365);
    e5_season_last_below(&axis, x, 5, out);
    CHECK(out[0] == 60 && out[1] == 181 && isnan(out[2]) && isnan(out[3]));
    e5_season_axis_fini(&axis);
    e5_periods_fini(&periods);
}

TEST(one_number_of_spells_is_that_of_all) {
    static const double wet[] = {1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1};
    static const enum e5_spell_border borders[] = {E5_SPELL_CUT, E5_SPELL_LAST, E5_SPELL_OWN};
    int64_t seconds[12];
    struct e5_time_axis time = daily(seconds, 12);
    int64_t start[] = {0, 6 * E5_DAY}, end[] = {6 * E5_DAY, 12 * E5_DAY};
    int32_t of_sample[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, expected[] = {6, 6};
    struct e5_periods periods = {2, start, end, of_sample, expected};
    const double longest[3][2] = {{3, 3}, {3, 5}, {3, 3}};
    seconds[11] += E5_DAY;
    fill(wet, 12, 0);
    for (int b = 0; b < 3; b++) {
        struct e5_spell_axis axis;
        struct e5_spell_rule rule = {.minimum = 1};
        static _Alignas(64) uint32_t flags[8 * E5_LANES];
        double out[2 * E5_LANES];
        CHECK_OK(e5_spell_axis_init(&axis, &time, &periods, borders[b], &rule, err));
        CHECK(e5_spell_axis_size(&axis) <= 8 * E5_LANES);
        struct e5_spell_limit limit = {all(0.5), 1, NULL};
        e5_spell_flags(&axis, (struct e5_spell_series){wide, true}, limit, E5_SPELL_ABOVE, flags);
        e5_spell_longest(&axis, 2, flags, out);
        CHECK(out[0] == longest[b][0] && out[E5_LANES + 7] == longest[b][1]);
        e5_spell_days(&axis, 2, flags, out);
        CHECK(out[0] == 5 && out[E5_LANES] == 4);
        e5_spell_axis_fini(&axis);
    }
}

int main(void) {
    RUN(counts_and_sums_of_each_test);
    RUN(extremes_and_means);
    RUN(sums_of_several_days);
    RUN(wet_quantiles_are_those_of_the_sorted_values);
    RUN(growing_seasons);
    RUN(one_number_of_spells_is_that_of_all);
    return check_summary();
}
