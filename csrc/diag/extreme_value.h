/* extreme_value: the distributions of what is rare, fitted to the values of one cell.
 *
 * Generalised extreme value (of maxima of blocks) and generalised Pareto (of what exceeds a threshold), with location
 * μ, scale σ > 0 and shape ξ (positive: heavy tail, as in the climate literature; scipy's c and Hosking's k are −ξ).
 *   GEV  F(x) = exp(−(1 + ξ (x − μ)/σ)^(−1/ξ)),   GPD  F(x) = 1 − (1 + ξ (x − μ)/σ)^(−1/ξ)  with μ the threshold;
 * ξ = 0 is the limit.  Fits: L-moments (Hosking & Wallis 1997), exact to rounding, and maximum likelihood by Newton's
 * method from there, with the covariance of the estimates from the observed information (Coles 2001).
 * Values are finite, without NaN.  Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_EXTREME_VALUE_H
#define E5_DIAG_EXTREME_VALUE_H

#include <stdbool.h>
#include <stddef.h>

enum e5_extreme { E5_GEV, E5_GPD };

struct e5_extreme_fit { /* all NaN where there is no fit: too few values, all alike, no maximum of the likelihood */
    double location, scale, shape;
    double covariance[3][3]; /* of maximum likelihood, in that order; else NaN; the GPD's location has none: 0 */
    double log_likelihood;
};

#define E5_EXTREME_LEAST 5 /* values */

/* First L-moments λ1, λ2 and the ratio τ3, unbiased, of n sorted values, ascending. */
void e5_l_moments(const double *sorted, size_t n, double out[3]);
/* By λ1, λ2 and τ3. */
struct e5_extreme_fit e5_extreme_by_moments(enum e5_extreme kind, const double moment[3], double threshold);
/* `threshold`: location of the GPD; the GEV does not look at it.  `sorted`: ascending. */
struct e5_extreme_fit e5_extreme_by_l_moments(enum e5_extreme kind, const double *sorted, size_t n, double threshold);
struct e5_extreme_fit e5_extreme_by_likelihood(enum e5_extreme kind, const double *sorted, size_t n,
                                               double threshold);
/* Value that a share `probability` stays below. */
double e5_extreme_quantile(enum e5_extreme kind, const struct e5_extreme_fit *fit, double probability);
/* Its standard error by the delta method; NaN without a covariance. */
double e5_extreme_quantile_error(enum e5_extreme kind, const struct e5_extreme_fit *fit, double probability);

#endif
