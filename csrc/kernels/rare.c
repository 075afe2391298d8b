#include "kernels/rare.h"

#include <math.h>

#include "diag/quantile.h"
#include "diag/random.h"

#define KEY 0x657261356661u /* of the numbers that samples are drawn by */
#define TYPE 7              /* of the quantiles of resamples */

size_t e5_rare_scratch(const struct e5_rare *rare, size_t n) { return n + rare->resamples; }

/* Series of maxima are short and the insertion is all they need; long lists of exceedances come nearly in order of
 * nothing, and are halved first. */
static void sort(double *values, size_t n, size_t gap) {
    for (size_t i = gap; i < n; i++) {
        double value = values[i];
        size_t k = i;
        for (; k >= gap && values[k - gap] > value; k -= gap) values[k] = values[k - gap];
        values[k] = value;
    }
}

static void shell_sort(double *values, size_t n) {
    static const size_t gaps[] = {29524, 9841, 3280, 1093, 364, 121, 40}; /* Knuth's */
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        if (gaps[i] * 3 < n) sort(values, n, gaps[i]);
    if (n > 120) sort(values, n, 13);
    if (n > 40) sort(values, n, 4);
    sort(values, n, 1);
}

static struct e5_extreme_fit fit(const struct e5_rare *rare, const double *sorted, size_t n, double threshold) {
    return rare->method == E5_RARE_L_MOMENTS ? e5_extreme_by_l_moments(rare->kind, sorted, n, threshold)
                                             : e5_extreme_by_likelihood(rare->kind, sorted, n, threshold);
}

struct e5_extreme_fit e5_rare_fit(const struct e5_rare *rare, double *values, size_t n, double threshold) {
    shell_sort(values, n);
    return fit(rare, values, n, threshold);
}

struct e5_extreme_fit e5_rare_fit_sorted(const struct e5_rare *rare, const double *sorted, size_t n,
                                         const double moment[3]) {
    bool fits = rare->method == E5_RARE_L_MOMENTS && n >= E5_EXTREME_LEAST && sorted[n - 1] > sorted[0];
    return fits ? e5_extreme_by_moments(rare->kind, moment, 0) : fit(rare, sorted, n, 0);
}

static double draw(const struct e5_rare *rare, const struct e5_extreme_fit *from, uint64_t number) {
    double probability = ((double)(e5_random(KEY, number) >> 11) + 0.5) * 0x1p-53;
    return e5_extreme_quantile(rare->kind, from, probability);
}

/* Levels of samples drawn from the fit; how many of them could be fitted. */
static size_t resample(const struct e5_rare *rare, const struct e5_extreme_fit *from, size_t n, double probability,
                       double *sample, double *levels) {
    size_t found = 0;
    for (size_t r = 0; r < rare->resamples; r++) {
        for (size_t i = 0; i < n; i++) sample[i] = draw(rare, from, r * n + i);
        struct e5_extreme_fit again = e5_rare_fit(rare, sample, n, from->location);
        levels[found] = e5_extreme_quantile(rare->kind, &again, probability);
        found += isfinite(levels[found]) ? 1 : 0;
    }
    return found;
}

struct e5_rare_level e5_rare_level(const struct e5_rare *rare, const struct e5_extreme_fit *from, size_t n,
                                   double probability, double *scratch) {
    double *levels = scratch + n, level = e5_extreme_quantile(rare->kind, from, probability);
    if (!(probability > 0 && probability < 1)) return (struct e5_rare_level){NAN, NAN, NAN};
    if (rare->method == E5_RARE_LIKELIHOOD) {
        double half = rare->normal * e5_extreme_quantile_error(rare->kind, from, probability);
        return (struct e5_rare_level){level, level - half, level + half};
    }
    if (rare->resamples == 0 || isnan(level)) return (struct e5_rare_level){level, NAN, NAN};
    size_t found = resample(rare, from, n, probability, scratch, levels);
    double lower = e5_quantile(levels, found, rare->tail, TYPE);
    return (struct e5_rare_level){level, lower, e5_quantile(levels, found, 1 - rare->tail, TYPE)};
}
