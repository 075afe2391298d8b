#include "diag/gamma.h"

#define AT_ONCE 4   /* terms that share a division */
#define MOST 100000 /* terms */
#define RARE 1e-3   /* share above, below which 1 − (share below) has lost too many digits */

/* So far out that nothing lies above; keeps sums within range. */
E5_SIMD_BODY double cut(double a, double x) {
    double far = a + 12 * sqrt(a) + 60;
    return x > far ? far : x;
}

/* γ(a, x) / Γ(a) = x^a e^−x / Γ(a + 1) · Σ x^n / ((a + 1) … (a + n)) */
E5_SIMD_BODY void series_body(const struct e5_gamma *gamma, const double *x, double *below) {
    const double *a = gamma->shape;
    double sum[E5_LANES], term[E5_LANES], limit[E5_LANES];
    for (int k = 0; k < E5_LANES; k++) {
        sum[k] = term[k] = 1;
        limit[k] = cut(a[k], x[k]);
    }
    for (int n = 1, open = 1; open > 0 && n < MOST; n += AT_ONCE) {
        for (int k = 0; k < E5_LANES; k++) {
            double z = limit[k], d1 = a[k] + n, d2 = d1 + 1, d3 = d1 + 2, d4 = d1 + 3, d34 = d3 * d4, d234 = d2 * d34;
            double part = term[k] * z / (d1 * d234), square = z * z;
            sum[k] += part * (d234 + z * (d34 + z * (d4 + z)));
            term[k] = part * z * square;
        }
        open = 0;
        for (int k = 0; k < E5_LANES; k++) open += term[k] > sum[k] * 1e-17;
    }
    for (int k = 0; k < E5_LANES; k++) {
        double power = a[k] * e5_log(limit[k]) - limit[k] - gamma->log_factorial[k];
        double share = x[k] > 0 ? sum[k] * e5_exp(power) : x[k] * 0;
        below[k] = share > 1 ? 1 : share;
    }
}
E5_SIMD_VARIANTS(series, (const struct e5_gamma *gamma, const double *x, double *below), (gamma, x, below))

/* Γ(a, x) / Γ(a) for x > a + 1, by Legendre's continued fraction (Lentz's way). */
static double fraction(double a, double x) {
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int i = 1; i < MOST; i++) {
        double an = -i * (i - a), change;
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        change = d * c;
        h *= change;
        if (fabs(change - 1) < 1e-16) break;
    }
    return exp(a * log(x) - x - e5_log_gamma(a)) * h;
}

void e5_gamma_init(struct e5_gamma *gamma, const double shape[E5_LANES]) {
    for (int k = 0; k < E5_LANES; k++) {
        gamma->shape[k] = shape[k];
        gamma->log_factorial[k] = e5_log_gamma(shape[k] + 1);
    }
}

void e5_gamma_shares(const struct e5_gamma *gamma, const double x[E5_LANES], double below[E5_LANES],
                     double above[E5_LANES]) {
    series(gamma, x, below);
    for (int k = 0; k < E5_LANES; k++) {
        above[k] = 1 - below[k];
        if (above[k] < RARE && x[k] > gamma->shape[k] + 1) above[k] = fraction(gamma->shape[k], x[k]);
    }
}
