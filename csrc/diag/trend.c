#include "diag/trend.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"
#include "diag/select.h"

#define LEAST 3 /* values: below, no pair of pairs can disagree */

struct pairs { /* of a series */
    int64_t s;    /* that rise, less that fall */
    int64_t ties; /* of equal values */
};

/* Slopes of all pairs, earlier with later. */
E5_SIMD_BODY void compare_body(const double *restrict time, const double *restrict values, size_t n,
                               double *restrict slope, float *restrict key, struct pairs *out) {
    int64_t s = 0, ties = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double *later = values + i + 1, *when = time + i + 1;
        for (size_t j = 0; j < n - 1 - i; j++) {
            double rise = later[j] - values[i];
            s += (int64_t)(rise > 0) - (int64_t)(rise < 0);
            ties += rise == 0;
            slope[j] = rise / (when[j] - time[i]);
            key[j] = (float)slope[j];
        }
        slope += n - 1 - i;
        key += n - 1 - i;
    }
    *out = (struct pairs){s, ties};
}
E5_SIMD_VARIANTS(compare,
                 (const double *restrict time, const double *restrict values, size_t n, double *restrict slope,
                  float *restrict key, struct pairs *out),
                 (time, values, n, slope, key, out))

/* Σ t (t − 1) (2t + 5) over the groups of t equal values. */
static double tie_term(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t before = 0, group = 0;
        for (size_t j = 0; j < n; j++) {
            group += values[j] == values[i];
            before += j < i && values[j] == values[i];
        }
        double t = (double)group;
        if (before == 0) sum += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

static double variance(const double *values, size_t n, bool ties) {
    double count = (double)n, whole = count * (count - 1) * (2 * count + 5);
    return (whole - (ties ? tie_term(values, n) : 0)) / 18;
}

/* Order statistic at a fractional position from 1, between its two neighbours; ends are clamped. */
static double at(const struct e5_select_list *list, double position) {
    double last = (double)list->n, clamped = position < 1 ? 1 : position > last ? last : position;
    double found[2], whole = floor(clamped), fraction = clamped - whole;
    e5_select(list, (size_t)whole - 1, found);
    return fraction == 0 ? found[0] : found[0] + fraction * (found[1] - found[0]);
}

/* Of few values, which are sorted. */
static double median(double *values, size_t n) {
    for (size_t i = 1; i < n; i++) {
        double value = values[i];
        size_t k = i;
        for (; k > 0 && values[k - 1] > value; k--) values[k] = values[k - 1];
        values[k] = value;
    }
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static size_t keep_finite(const double *time, const double *values, size_t n, double *times, double *kept) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        times[count] = time[i];
        kept[count] = values[i];
        count += isfinite(values[i]) ? 1 : 0;
    }
    return count;
}

static size_t pairs_of(size_t n) { return n > 0 ? n * (n - 1) / 2 : 0; }

size_t e5_trend_scratch(size_t n) { return 2 * (n + 1) + pairs_of(n) + (pairs_of(n) + 1) / 2; }

struct e5_trend e5_trend(const double *time, const double *values, size_t n, double quantile, double *scratch) {
    double *times = scratch, *kept = times + n + 1, *slope = kept + n + 1;
    size_t count = keep_finite(time, values, n, times, kept), all = pairs_of(count);
    struct e5_select_list slopes = {slope, (const float *)(slope + pairs_of(n)), all};
    struct pairs found = {0};
    if (count < LEAST) return (struct e5_trend){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    compare(times, kept, count, slope, (float *)(slope + pairs_of(n)), &found);
    double spread = sqrt(variance(kept, count, found.ties > 0)), sign = (found.s > 0) - (found.s < 0);
    double number = (double)all, half = quantile * spread;
    struct e5_trend out = {.s = (double)found.s, .tau = (double)found.s / number};
    out.z = found.s == 0 ? 0 : (out.s - sign) / spread;
    out.p = erfc(fabs(out.z) / M_SQRT2);
    out.slope = at(&slopes, (number + 1) / 2);
    out.lower = at(&slopes, (number - half) / 2);
    out.upper = at(&slopes, (number + half) / 2 + 1);
    out.intercept = median(kept, count) - out.slope * (times[(count - 1) / 2] + times[count / 2]) / 2;
    return out;
}
