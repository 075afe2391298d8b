/* gamma: the gamma function and its incomplete form, as straight lines of arithmetic for loops that are vectorised.
 *
 * Seen against scipy: e5_log_gamma is good to 1e-14 of the larger of itself and 1.  Arguments are positive.  Pure
 * functions: any thread; nothing blocks. */
#ifndef E5_DIAG_GAMMA_H
#define E5_DIAG_GAMMA_H

#include "diag/vector_math.h"

/* ln Γ(x): Stirling's series at x + 8, less the logarithm of the product between. */
E5_SIMD_BODY double e5_log_gamma(double x) {
    static const double series[] = {1. / 12,   -1. / 360,      1. / 1260, -1. / 1680,
                                    1. / 1188, -691. / 360360, 1. / 156,  -3617. / 122400};
    const double half_log_two_pi = 0.91893853320467274178;
    double product = x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5) * (x + 6) * (x + 7);
    double y = x + 8, inverse = 1 / y, square = inverse * inverse, sum = series[7];
    for (int i = 6; i >= 0; i--) sum = sum * square + series[i];
    return (y - 0.5) * e5_log(y) - y + half_log_two_pi + sum * inverse - e5_log(product);
}

/* Distributions side by side, and what many values of them share. */
#define E5_GAMMA_TERMS 160
struct e5_gamma {
    double shape[E5_LANES], log_factorial[E5_LANES]; /* ln Γ(shape + 1) */
    double far[E5_LANES];                            /* where nothing lies above any more */
    double reach[E5_LANES], inverse[E5_LANES];       /* up to which value the terms serve, and 1 / that */
    size_t terms;
    double term[E5_GAMMA_TERMS * E5_LANES]; /* of the power series at `reach`, 0 where they no longer count */
};

/* Share of the gamma distribution of scale 1 that lies below x, for E5_LANES values side by side, and the
 * share above it; for shapes up to 1000 good to 1e-11 and 1e-8 of themselves.  x = 0 gives 0; NaN in gives NaN. */
void e5_gamma_shares(const struct e5_gamma *gamma, const double x[E5_LANES], double below[E5_LANES],
                     double above[E5_LANES]);
void e5_gamma_init(struct e5_gamma *gamma, const double shape[E5_LANES]);

#endif
