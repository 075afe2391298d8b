/* correlation: do two series go together, and could that be chance?
 *
 * Pearson's r = Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²), and Spearman's, which is that of the ranks, equal values
 * sharing the mean of theirs.  p is two-sided, by Student's t with n − 2 degrees of freedom.  Pairs of which one is
 * missing are left out; fewer than three pairs, or a series that is constant, give NaN.  Pure functions on the
 * caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_CORRELATION_H
#define E5_DIAG_CORRELATION_H

#include <stdbool.h>
#include <stddef.h>

struct e5_correlation {
    double r, p;
    size_t n; /* pairs that were there */
};

size_t e5_correlation_scratch(size_t n); /* bytes, for series of up to n values */
struct e5_correlation e5_correlation(const double *x, const double *y, size_t n, bool ranks, void *scratch);

#endif
