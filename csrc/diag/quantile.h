/* quantile: sample quantiles of Hyndman and Fan's types 1 to 9.
 *
 * Hyndman & Fan 1996, Am. Stat. 50, 361.  For n sorted values and probability q the quantile lies at position
 * p = α + q (n + 1 − α − β); j = floor(p + 4ε), γ = p − j (0 when within 4ε); Q lies γ of the way from x_j to
 * x_{j+1}, with indices clamped to 1 … n.  Types 1 to 3 step: γ > 0 counts as 1; γ = 0 is 0 in type 1, ½ in type 2,
 * and in type 3 0 where j is even, else 1.  n = 1 gives the value, n = 0 NaN.  Operations are rounded in NumPy's
 * order, so that numpy.quantile gives the same bits.  Pure functions: any thread; nothing blocks. */
#ifndef E5_DIAG_QUANTILE_H
#define E5_DIAG_QUANTILE_H

#include "base/error.h"

struct e5_quantile_rank {
    size_t lower, upper; /* order statistics, from 0 */
    double fraction;     /* of the way from lower to upper */
};

E5_MUST_USE enum e5_status e5_quantile_check(double probability, int type, struct e5_error *err);
/* Which order statistics make the quantile of n > 0 values. */
struct e5_quantile_rank e5_quantile_rank(double probability, int type, size_t n);
/* From the nearer end, so that the result never leaves [lower, upper]; infinite neighbours do not spoil a hit. */
static inline double e5_quantile_between(double lower, double upper, double fraction) {
    double way = upper - lower;
    double between = fraction < 0.5 ? lower + way * fraction : upper - way * (1 - fraction);
    return fraction == 0 ? lower : between;
}
/* Quantile of n values that hold no NaN; `values` is reordered. */
double e5_quantile(double *values, size_t n, double probability, int type);

#endif
