/* trend: the test of Mann and Kendall, and the slope of Theil and Sen.
 *
 * Mann 1945, Econometrica 13, 245; Kendall 1975, Rank Correlation Methods; Sen 1968, J. Am. Stat. Assoc. 63, 1379.
 * S is the number of pairs that rise less that of pairs that fall, with the variance corrected for ties,
 * z = (S − sign S) / √var, p two-sided.  The slope is the median of the slopes of all pairs, its limits are Sen's for
 * a level of confidence, the intercept lets the line pass through the medians of times and values.
 * Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_TREND_H
#define E5_DIAG_TREND_H

#include <stddef.h>

struct e5_trend { /* all NaN when fewer than three values are there */
    double slope, lower, upper, intercept;
    double tau; /* Kendall's tau-b is S over the pairs without ties; this is S over all pairs */
    double s, z, p;
};

size_t e5_trend_scratch(size_t n); /* doubles for series of up to n values */
/* `quantile`: of the normal distribution for the limits, 1.96 for 95 %.  Values that are not finite are left out. */
struct e5_trend e5_trend(const double *time, const double *values, size_t n, double quantile, double *scratch);

#endif
