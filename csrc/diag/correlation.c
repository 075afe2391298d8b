#include "diag/correlation.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "diag/gamma.h"

/* --- Student's t, by the incomplete beta function --- */

/* Continued fraction of I_x(a, b) / front, 26.5.8 of Abramowitz & Stegun, by the modified method of Lentz. */
static double beta_fraction(double x, double a, double b) {
    enum { MOST = 400 };
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), fraction = d;
    for (int m = 1; m < MOST; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        fraction *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        fraction *= c * d;
        if (fabs(c * d - 1) < DBL_EPSILON) break;
    }
    return fraction;
}

/* I_x(a, ½) of x = 1 − y; whichever of both tails converges fast. */
static double beta_below(double x, double y, double a) {
    const double b = 0.5;
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    double front = exp(a * log(x) + b * log(y) + e5_log_gamma(a + b) - e5_log_gamma(a) - e5_log_gamma(b));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(y, b, a) / b;
}

/* --- ranks --- */

struct place {
    double value;
    size_t index;
};

/* Stable, from runs of one on; the result is in `place`. */
static void merge_sort(struct place *place, struct place *other, size_t n) {
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            size_t middle = start + run < n ? start + run : n, end = start + 2 * run < n ? start + 2 * run : n;
            size_t i = start, j = middle;
            for (size_t k = start; k < end; k++)
                other[k] = i < middle && (j >= end || place[i].value <= place[j].value) ? place[i++] : place[j++];
        }
        memcpy(place, other, n * sizeof *place);
    }
}

static void to_ranks(double *values, size_t n, struct place *place) {
    for (size_t i = 0; i < n; i++) place[i] = (struct place){values[i], i};
    merge_sort(place, place + n, n);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && place[end].value == place[first].value;) end++;
        for (size_t i = first; i < end; i++) values[place[i].index] = (double)(first + end - 1) / 2;
    }
}

/* --- correlation --- */

size_t e5_correlation_scratch(size_t n) { return n * (2 * sizeof(double) + 2 * sizeof(struct place)); }

/* Subtract the mean; the sum of squares, 0 for equal values. */
static double centre(double *values, size_t n) {
    double sum = 0, squares = 0;
    bool varies = false;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        varies |= values[i] != values[0];
    }
    for (size_t i = 0; i < n; i++) {
        values[i] -= sum / (double)n;
        squares += values[i] * values[i];
    }
    return varies ? squares : 0;
}

struct e5_correlation e5_correlation(const double *x, const double *y, size_t n, bool ranks, void *scratch) {
    struct place *place = scratch;
    double *a = (double *)(void *)(place + 2 * n), *b = a + n, product = 0;
    struct e5_correlation found = {NAN, NAN, 0};
    for (size_t i = 0; i < n; i++) {
        a[found.n] = x[i];
        b[found.n] = y[i];
        found.n += !isnan(x[i]) && !isnan(y[i]);
    }
    if (found.n < 3) return found;
    if (ranks) {
        to_ranks(a, found.n, place);
        to_ranks(b, found.n, place);
    }
    double squares_a = centre(a, found.n), squares_b = centre(b, found.n), both = squares_a * squares_b;
    if (!(squares_a > 0 && squares_b > 0)) return found;
    for (size_t i = 0; i < found.n; i++) product += a[i] * b[i];
    product /=
        isnormal(both) ? sqrt(both) : sqrt(squares_a) * sqrt(squares_b); /* the first gives exactly 1 for equals */
    found.r = fmax(fmin(product, 1), -1);
    found.p = beta_below((1 - found.r) * (1 + found.r), found.r * found.r, ((double)found.n - 2) / 2);
    return found;
}
