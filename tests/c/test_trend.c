#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "diag/trend.h"
#include "samples.h"

/* --- series of all kinds --- */

enum { MOST = 150, PAIRS = MOST * (MOST - 1) / 2, ROUNDS = 600 };
enum kind { NORMAL, TIED, WIDE, TINY, HUGE_ONES, EQUAL, GAPS, MOSTLY_ZERO, TENTHS, KINDS };

static double normal(void) { return sqrt(-2 * log(uniform() + 1e-300)) * cos(2 * M_PI * uniform()); }

static double value_of_kind(enum kind kind) {
    switch (kind) {
    case NORMAL: return normal();
    case TIED: return floor(3 * uniform());
    case WIDE: return exp(20 * normal());
    case TINY: return 1e-310 * normal();
    case HUGE_ONES: return 3e307 * normal();
    case EQUAL: return 5;
    case GAPS: return uniform() < 0.1 ? NAN : uniform() < 0.1 ? (double)INFINITY : normal();
    case MOSTLY_ZERO: return uniform() < 0.1 ? normal() : 0;
    case TENTHS: return 0.1 * round(4 * normal());
    case KINDS: break;
    }
    return NAN;
}

/* --- the slow way: all slopes, sorted --- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at(const double *sorted, size_t n, double position) {
    double clamped = fmax(1, fmin(position, (double)n)), whole = floor(clamped), fraction = clamped - whole;
    const double *value = sorted + (size_t)whole - 1;
    return fraction == 0 ? value[0] : value[0] + fraction * (value[1] - value[0]);
}

static double tie_term(const double *sorted, size_t n) {
    double sum = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && sorted[end] == sorted[i];) end++;
        double t = (double)(end - i);
        sum += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

static struct e5_trend slow(const double *time, const double *values, size_t n, double quantile) {
    static double slopes[PAIRS], times[MOST], kept[MOST], sorted[MOST];
    size_t count = 0, pairs = 0;
    struct e5_trend out = {.s = 0};
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) times[count] = time[i], kept[count++] = values[i];
    if (count < 3) return (struct e5_trend){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            double rise = kept[j] - kept[i];
            out.s += (rise > 0) - (rise < 0);
            slopes[pairs++] = rise / (times[j] - times[i]);
        }
    qsort(slopes, pairs, sizeof *slopes, by_value);
    memcpy(sorted, kept, count * sizeof *kept);
    qsort(sorted, count, sizeof *sorted, by_value);
    double c = (double)count, number = (double)pairs;
    double half = quantile * sqrt((c * (c - 1) * (2 * c + 5) - tie_term(sorted, count)) / 18);
    out.slope = at(slopes, pairs, (number + 1) / 2);
    out.lower = at(slopes, pairs, (number - half) / 2);
    out.upper = at(slopes, pairs, (number + half) / 2 + 1);
    double twice = times[(count - 1) / 2] + times[count / 2];
    out.intercept = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2 - out.slope * twice / 2;
    return out;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool alike(struct e5_trend a, struct e5_trend b) {
    return same(a.s, b.s) && same(a.slope, b.slope) && same(a.lower, b.lower) && same(a.upper, b.upper) &&
           same(a.intercept, b.intercept);
}

/* Of series of up to `most` values; times are even or not. */
static void compare_with_sorting(enum kind kind, size_t most) {
    double values[MOST];
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = (size_t)(uniform() * (double)(most + 1));
        struct e5_trend_axis axis;
        CHECK_OK(e5_trend_axis_init(&axis, n, NULL));
        for (size_t i = 0; i < n; i++) {
            axis.time[i] = i == 0 ? 1950 : axis.time[i - 1] + (round % 2 == 0 ? 1 : 0.01 + uniform());
            values[i] = value_of_kind(kind);
        }
        e5_trend_axis_finish(&axis);
        double *scratch = malloc(e5_trend_scratch(n) * sizeof *scratch);
        CHECK(alike(e5_trend(&axis, values, 1.96, scratch), slow(axis.time, values, n, 1.96)));
        free(scratch);
        e5_trend_axis_fini(&axis);
    }
}

TEST(slopes_are_those_of_sorting) {
    for (int kind = 0; kind < KINDS; kind++) compare_with_sorting((enum kind)kind, 62);
}

TEST(long_series) { compare_with_sorting(NORMAL, MOST); }

TEST(every_instruction_set) {
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        for (int kind = 0; kind < KINDS; kind++) compare_with_sorting((enum kind)kind, 40);
    }
}

TEST(every_allocation_may_fail) {
    struct e5_trend_axis axis;
    for (int n = 1; n <= 3; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_trend_axis_init(&axis, 10, NULL));
    }
    e5_alloc_fail_after(0);
}

int main(void) {
    RUN(slopes_are_those_of_sorting);
    RUN(long_series);
    RUN(every_instruction_set);
    RUN(every_allocation_may_fail);
    return check_summary();
}
