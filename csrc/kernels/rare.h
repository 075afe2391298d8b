/* rare: what the fits of rare values share: sorting, intervals of confidence.
 *
 * Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_KERNELS_RARE_H
#define E5_KERNELS_RARE_H

#include "diag/extreme_value.h"

enum e5_rare_method { E5_RARE_L_MOMENTS, E5_RARE_LIKELIHOOD };

struct e5_rare {
    enum e5_extreme kind;
    enum e5_rare_method method;
    double normal;    /* quantile of the normal distribution for the level of confidence */
    double tail;      /* share of resamples that lie below the lower limit */
    size_t resamples; /* of L-moments, whose limits are otherwise NaN */
};

struct e5_rare_level { /* a return level, and its limits */
    double level, lower, upper;
};

/* Scratch of the functions below, in doubles, for up to n values. */
size_t e5_rare_scratch(const struct e5_rare *rare, size_t n);
/* `values` are put in order. */
struct e5_extreme_fit e5_rare_fit(const struct e5_rare *rare, double *values, size_t n, double threshold);
/* Of maxima that are in rising order, and whose L-moments are known. */
struct e5_extreme_fit e5_rare_fit_sorted(const struct e5_rare *rare, const double *sorted, size_t n,
                                         const double moment[3]);
/* The value that a share `probability` stays below: limits by the delta method, or from `resamples` samples drawn
 * from the fit, whose numbers are the same in every cell. */
struct e5_rare_level e5_rare_level(const struct e5_rare *rare, const struct e5_extreme_fit *fit, size_t n,
                                   double probability, double *scratch);

#endif
