#include <stdlib.h>

#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "diag/exceedance.h"
#include "samples.h"

/* --- series --- */

enum { YEARS = 6, MOST = 366 * YEARS };

static int64_t seconds[MOST];
static _Alignas(64) float tile[MOST * E5_LANES];
static _Alignas(64) double wide[MOST * E5_LANES];
/* Tied values are common; the share of missing ones rises from lane to lane. */
static struct e5_time_axis fill(enum e5_calendar calendar, double missing) {
    struct e5_time_axis axis = {.calendar = calendar, .seconds = seconds};
    int64_t first = e5_date_to_days(calendar, (struct e5_date){1999, 1, 1});
    int64_t end = e5_date_to_days(calendar, (struct e5_date){1999 + YEARS, 1, 1});
    for (int64_t day = first; day < end; day++) seconds[axis.n++] = day * E5_DAY + E5_DAY / 2;
    for (size_t i = 0; i < axis.n * E5_LANES; i++) {
        double value = uniform() < 0.3 ? (double)(int)(uniform() * 8) - 4 : uniform() * 20 - 10;
        bool gone = uniform() < missing * (double)(i % E5_LANES) / E5_LANES;
        tile[i] = gone ? NAN : (float)value;
        wide[i] = (double)tile[i];
    }
    return axis;
}

/* --- the slow way: pool and sort every replicate --- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_quantile(const struct e5_doy *doy, double *sample, size_t n, size_t pool) {
    if (!e5_doy_enough(doy, n, pool)) return NAN;
    qsort(sample, n, sizeof *sample, ascending);
    struct e5_quantile_rank rank = e5_quantile_rank(doy->options.probability, doy->options.type, n);
    return e5_quantile_between(sample[rank.lower], sample[rank.upper], rank.fraction);
}

static double pool_threshold(const struct e5_exceedance *exceedance, size_t slot, size_t lane, size_t removed,
                             size_t doubled) {
    static double sample[MOST];
    const struct e5_window *window = &exceedance->doy->window;
    size_t n = 0;
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        int32_t step = (int32_t)window->pool[i];
        if (exceedance->year[step] == (int32_t)removed)
            step = e5_exceedance_step(exceedance, removed, doubled, exceedance->day[step]);
        if (step < 0 || isnan(wide[(size_t)step * E5_LANES + lane])) continue;
        sample[n++] = wide[(size_t)step * E5_LANES + lane] + 0.0;
    }
    return sorted_quantile(exceedance->doy, sample, n, window->pool_first[slot + 1] - window->pool_first[slot]);
}

static bool is_beyond(enum e5_beyond beyond, double x, double threshold) {
    switch (beyond) {
    case E5_ABOVE: return x > threshold;
    case E5_BELOW: return x < threshold;
    case E5_ABOVE_OR_EQUAL: return x >= threshold;
    default: return x <= threshold;
    }
}

static uint16_t slow_count(const struct e5_exceedance *exceedance, const double *thresholds, size_t sample,
                           size_t lane) {
    double x = wide[sample * E5_LANES + lane];
    size_t slot = (size_t)exceedance->slot[sample], year = (size_t)exceedance->year[sample];
    double full = thresholds[slot * E5_LANES + lane];
    uint16_t count = 0;
    if (isnan(x) || isnan(full)) return E5_EXCEEDANCE_MISSING;
    if (exceedance->year[sample] < 0)
        return is_beyond(exceedance->beyond, x, full) ? (uint16_t)exceedance->replicates : 0;
    struct e5_doy_place place = e5_doy_place(exceedance->doy, slot);
    for (size_t other = 0; other < exceedance->years; other++) {
        if (other == year) continue;
        double left = pool_threshold(exceedance, place.left, lane, year, other);
        double right = pool_threshold(exceedance, place.right, lane, year, other);
        count += is_beyond(exceedance->beyond, x, e5_doy_along(left, right, place.fraction));
    }
    return count;
}

static struct e5_doy_options options_of(enum e5_calendar calendar, double probability, int window) {
    return (struct e5_doy_options){
        .first_day = e5_date_to_days(calendar, (struct e5_date){2000, 1, 1}),
        .last_day = e5_date_to_days(calendar, (struct e5_date){2003, 12, calendar == E5_DAYS_360 ? 30 : 31}),
        .window = window,
        .probability = probability,
        .type = 8,
    };
}

/* Flags of the replicates add up to the counts of the days of the base, and no other day has any. */
static void check_flags(const struct e5_exceedance *exceedance, const uint16_t *count, void *scratch) {
    static uint16_t again[MOST * E5_LANES];
    static uint32_t bit[MOST];
    size_t samples = exceedance->samples, size = (samples + 31) / 32 * E5_LANES, wrong = 0;
    uint32_t *flags = calloc(exceedance->replicates * size, sizeof *flags);
    struct e5_replicate_flags each = {flags, size, bit};
    for (size_t i = 0; i < samples; i++) bit[i] = (uint32_t)i;
    e5_exceedance_flags_f32(exceedance, tile, again, NULL, &each, scratch);
    CHECK(memcmp(again, count, samples * E5_LANES * sizeof *count) == 0);
    for (size_t i = 0; i < samples * E5_LANES; i++) {
        bool none = exceedance->year[i / E5_LANES] < 0 || count[i] == E5_EXCEEDANCE_MISSING;
        uint16_t sum = 0, wanted = none ? 0 : count[i];
        for (size_t k = 0; k < exceedance->replicates; k++)
            sum += flags[k * size + i / E5_LANES / 32 * E5_LANES + i % E5_LANES] >> i / E5_LANES % 32 & 1;
        wrong += sum != wanted;
    }
    CHECK(wrong == 0);
    free(flags);
}

static void check_counts(const struct e5_time_axis *axis, const struct e5_doy_options *options,
                         enum e5_beyond beyond) {
    static uint16_t single[MOST * E5_LANES], doubles[MOST * E5_LANES];
    static _Alignas(64) double thresholds[366 * E5_LANES];
    struct e5_doy doy;
    struct e5_exceedance exceedance;
    size_t wrong = 0;
    CHECK_OK(e5_doy_init(&doy, axis, options, err));
    CHECK_OK(e5_exceedance_init(&exceedance, &doy, axis, beyond, true, err));
    void *scratch = aligned_alloc(64, (e5_exceedance_scratch(&exceedance) + 63) / 64 * 64);
    e5_exceedance_f32(&exceedance, tile, single, thresholds, scratch);
    e5_exceedance_f64(&exceedance, wide, doubles, NULL, scratch);
    CHECK(memcmp(single, doubles, axis->n * E5_LANES * sizeof *single) == 0);
    for (size_t i = 0; i < axis->n; i++)
        for (size_t c = i % 5; c < E5_LANES; c += 5)
            wrong += single[i * E5_LANES + c] != slow_count(&exceedance, thresholds, i, c);
    CHECK(wrong == 0);
    check_flags(&exceedance, single, scratch);
    free(scratch);
    e5_exceedance_fini(&exceedance);
    e5_doy_fini(&doy);
}

/* --- equal to the slow way --- */

TEST(neighbours_and_leap_days) {
    struct e5_time_axis axis = fill(E5_STANDARD, 0.03);
    for (int neighbours = E5_NEIGHBOURS_WRAP; neighbours <= E5_NEIGHBOURS_RING; neighbours++)
        for (int leap = E5_LEAP_DROP; leap <= E5_LEAP_MEAN; leap++) {
            struct e5_doy_options options = options_of(E5_STANDARD, 0.9, 5);
            options.neighbours = (enum e5_neighbours)neighbours;
            options.leap = (enum e5_leap_rule)leap;
            check_counts(&axis, &options, E5_ABOVE);
        }
}

TEST(sides_and_percentiles) {
    static const double probabilities[] = {0.9, 0.1, 0.5, 0.99, 0};
    struct e5_time_axis axis = fill(E5_STANDARD, 0);
    for (int beyond = E5_ABOVE; beyond <= E5_BELOW_OR_EQUAL; beyond++)
        for (size_t k = 0; k < sizeof probabilities / sizeof *probabilities; k++) {
            struct e5_doy_options options = options_of(E5_STANDARD, probabilities[k], 5);
            check_counts(&axis, &options, (enum e5_beyond)beyond);
        }
}

TEST(many_gaps_and_wide_windows) {
    struct e5_time_axis axis = fill(E5_STANDARD, 0.9);
    struct e5_doy_options options = options_of(E5_STANDARD, 0.8, 15);
    options.min_share = 0.4;
    check_counts(&axis, &options, E5_ABOVE);
    options.neighbours = E5_NEIGHBOURS_REAL;
    options.leap = E5_LEAP_STRETCH;
    options.window = 31;
    check_counts(&axis, &options, E5_BELOW);
}

TEST(calendars) {
    static const enum e5_calendar calendars[] = {E5_NOLEAP, E5_ALL_LEAP, E5_DAYS_360, E5_JULIAN};
    for (int k = 0; k < 4; k++) {
        struct e5_time_axis axis = fill(calendars[k], 0.01);
        struct e5_doy_options options = options_of(calendars[k], 0.9, 3);
        check_counts(&axis, &options, E5_ABOVE);
    }
}

TEST(every_instruction_set) {
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        struct e5_time_axis axis = fill(E5_STANDARD, 0.02);
        struct e5_doy_options options = options_of(E5_STANDARD, 0.9, 5);
        check_counts(&axis, &options, E5_ABOVE);
    }
}

/* --- sums --- */

TEST(sums_are_shares_of_the_replicates) {
    static uint16_t count[4 * E5_LANES];
    int32_t of_sample[] = {0, 0, -1, 1};
    struct e5_periods periods = {.count = 2, .of_sample = of_sample};
    struct e5_exceedance exceedance = {.samples = 4, .replicates = 29};
    double days[2 * E5_LANES], valid[2 * E5_LANES];
    count[0] = 29, count[E5_LANES] = 3, count[2 * E5_LANES] = 29, count[3 * E5_LANES] = E5_EXCEEDANCE_MISSING;
    e5_exceedance_sum(&exceedance, &periods, count, days, valid);
    CHECK(days[0] == 32 / 29. && valid[0] == 2);
    CHECK(days[E5_LANES] == 0 && valid[E5_LANES] == 0);
    CHECK(days[1] == 0 && valid[1] == 2);
}

/* --- refusals --- */

TEST(what_the_bootstrap_cannot_do_is_refused) {
    struct e5_time_axis axis = fill(E5_STANDARD, 0);
    struct e5_doy_options good = options_of(E5_STANDARD, 0.9, 5), options[3] = {good, good, good};
    struct e5_doy doy;
    struct e5_exceedance exceedance;
    options[0].last_day = options[0].first_day + 300; /* one year */
    options[1].smoothing = 31;
    options[2].neighbours = E5_NEIGHBOURS_AROUND;
    for (int k = 0; k < 3; k++) {
        CHECK_OK(e5_doy_init(&doy, &axis, &options[k], err));
        CHECK_STATUS(E5_INPUT, e5_exceedance_init(&exceedance, &doy, &axis, E5_ABOVE, true, err));
        CHECK_OK(e5_exceedance_init(&exceedance, &doy, &axis, E5_ABOVE, false, err));
        e5_exceedance_fini(&exceedance);
        e5_doy_fini(&doy);
    }
}

TEST(every_allocation_may_fail) {
    struct e5_time_axis axis = fill(E5_STANDARD, 0);
    struct e5_doy_options options = options_of(E5_STANDARD, 0.9, 5);
    struct e5_doy doy;
    struct e5_exceedance exceedance;
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    for (int n = 1; status != E5_OK && n < 100; n++) {
        e5_alloc_fail_after(n);
        status = e5_doy_init(&doy, &axis, &options, NULL);
        if (status == E5_OK) {
            status = e5_exceedance_init(&exceedance, &doy, &axis, E5_ABOVE, true, NULL);
            if (status == E5_OK) e5_exceedance_fini(&exceedance);
            e5_doy_fini(&doy);
        }
        failures += status != E5_OK;
        CHECK(status == E5_OK || status == E5_MEMORY);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures > 10);
}

int main(void) {
    RUN(neighbours_and_leap_days);
    RUN(sides_and_percentiles);
    RUN(many_gaps_and_wide_windows);
    RUN(calendars);
    RUN(every_instruction_set);
    RUN(sums_are_shares_of_the_replicates);
    RUN(what_the_bootstrap_cannot_do_is_refused);
    RUN(every_allocation_may_fail);
    return check_summary();
}
