/* trend: the test of Mann and Kendall, and the slope of Theil and Sen.
 *
 * Mann 1945, Econometrica 13, 245; Kendall 1975, Rank Correlation Methods; Sen 1968, J. Am. Stat. Assoc. 63, 1379.
 * S is the number of pairs that rise less that of pairs that fall, with the variance corrected for ties,
 * z = (S − sign S) / √var, p two-sided.  The slope is the median of the slopes of all pairs, its limits are Sen's for
 * a level of confidence, the intercept lets the line pass through the medians of times and values.
 * An axis
 * belongs to who made it (_fini) and is read-only; all else is the caller's memory.  Any thread; nothing blocks. */
#ifndef E5_DIAG_TREND_H
#define E5_DIAG_TREND_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct e5_trend { /* all NaN when fewer than three values are there */
    double slope, lower, upper, intercept;
    double tau; /* Kendall's tau-b is S over the pairs without ties; this is S over all pairs */
    double s, z, p;
};

/* The times of all series, and what is the same for their pairs: those of the first time with all later ones, then
 * those of the second, … */
struct e5_trend_axis {
    size_t n;
    double *time;    /* rising */
    double *inverse; /* pairs: 1 / distance; filled up with 0 to whole groups */
    uint16_t *early; /* pairs: number of the first time */
};
/* For up to 65,535 times. */
E5_MUST_USE enum e5_status e5_trend_axis_init(struct e5_trend_axis *axis, size_t n, struct e5_error *err);
/* To be called once `time` is written. */
void e5_trend_axis_finish(struct e5_trend_axis *axis);
void e5_trend_axis_fini(struct e5_trend_axis *axis);

size_t e5_trend_scratch(size_t n); /* doubles for series of n values */
/* `quantile`: of the normal distribution for the limits, 1.96 for 95 %.  Values that are not finite are left out. */
struct e5_trend e5_trend(const struct e5_trend_axis *axis, const double *values, double quantile, double *scratch);

#endif
