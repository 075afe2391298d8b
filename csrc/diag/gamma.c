#include "diag/gamma.h"

#define AT_ONCE 4   /* terms that share a division */
#define MOST 100000 /* terms */
#define RARE 1e-3   /* share above, below which 1 − (share below) has lost too many digits */

#define LEAST 1e-17 /* share of the sum, below which terms change nothing */

/* --- γ(a, x) / Γ(a) = x^a e^−x / Γ(a + 1) · Σ x^n / ((a + 1) … (a + n)) --- */

/* The sums, term after term. */
E5_SIMD_BODY void series_body(const struct e5_gamma *gamma, const double *x, double *restrict sum) {
    const double *a = gamma->shape;
    double term[E5_LANES], limit[E5_LANES];
    for (int k = 0; k < E5_LANES; k++) {
        sum[k] = term[k] = 1;
        limit[k] = x[k] > gamma->far[k] ? gamma->far[k] : x[k];
    }
    for (int n = 1, open = 1; open > 0 && n < MOST; n += AT_ONCE) {
        for (int k = 0; k < E5_LANES; k++) {
            double z = limit[k], d1 = a[k] + n, d2 = d1 + 1, d3 = d1 + 2, d4 = d1 + 3, d34 = d3 * d4, d234 = d2 * d34;
            double part = term[k] * z / (d1 * d234), square = z * z;
            sum[k] += part * (d234 + z * (d34 + z * (d4 + z)));
            term[k] = part * z * square;
        }
        open = 0;
        for (int k = 0; k < E5_LANES; k++) open += term[k] > sum[k] * LEAST;
    }
}
E5_SIMD_VARIANTS(series, (const struct e5_gamma *gamma, const double *x, double *sum), (gamma, x, sum))

/* Terms at a value beyond which few lie.  A lane's terms end where they end for it alone. */
E5_SIMD_BODY void make_terms_body(struct e5_gamma *gamma) {
    double sum[E5_LANES], last[E5_LANES];
    size_t n = 1;
    for (int k = 0; k < E5_LANES; k++) {
        gamma->reach[k] = gamma->shape[k] + 4.5 * sqrt(gamma->shape[k]) + 4;
        gamma->inverse[k] = 1 / gamma->reach[k];
        gamma->term[k] = sum[k] = last[k] = 1;
    }
    for (int open = 1; open > 0 && n < E5_GAMMA_TERMS; n++) {
        double *term = gamma->term + n * E5_LANES;
        for (int k = 0; k < E5_LANES; k++) {
            double next = last[k] * gamma->reach[k] / (gamma->shape[k] + (double)n);
            next = next > sum[k] * LEAST ? next : 0;
            sum[k] += next;
            term[k] = last[k] = next;
        }
        open = 0;
        for (int k = 0; k < E5_LANES; k++) open += last[k] > 0;
    }
    for (; n % AT_ONCE != 0; n++)
        for (int k = 0; k < E5_LANES; k++) gamma->term[n * E5_LANES + (size_t)k] = 0;
    for (int k = 0; k < E5_LANES; k++)
        gamma->reach[k] = last[k] > 0 ? -1 : gamma->reach[k]; /* too many for the room */
    gamma->terms = n;
}
E5_SIMD_VARIANTS(make_terms, (struct e5_gamma * gamma), (gamma))

/* The sums as polynomials in x / reach: four, of every fourth power, that do not wait for each other. */
E5_SIMD_BODY void polynomial_body(const struct e5_gamma *gamma, const double *restrict x, double *restrict out) {
    double z4[E5_LANES], a[E5_LANES], b[E5_LANES], c[E5_LANES], d[E5_LANES];
    for (int k = 0; k < E5_LANES; k++) {
        double z = x[k] * gamma->inverse[k], square = z * z;
        z4[k] = square * square;
        a[k] = b[k] = c[k] = d[k] = 0;
    }
    for (size_t n = gamma->terms; n > 0; n -= AT_ONCE) {
        const double *term = gamma->term + (n - AT_ONCE) * E5_LANES;
        for (int k = 0; k < E5_LANES; k++) {
            a[k] = a[k] * z4[k] + term[k];
            b[k] = b[k] * z4[k] + term[E5_LANES + k];
            c[k] = c[k] * z4[k] + term[2 * E5_LANES + k];
            d[k] = d[k] * z4[k] + term[3 * E5_LANES + k];
        }
    }
    for (int k = 0; k < E5_LANES; k++) {
        double z = x[k] * gamma->inverse[k];
        out[k] = a[k] + z * b[k] + z * z * (c[k] + z * d[k]);
    }
}
E5_SIMD_VARIANTS(polynomial, (const struct e5_gamma *gamma, const double *x, double *out), (gamma, x, out))

E5_SIMD_BODY void times_power_body(const struct e5_gamma *gamma, const double *x, double *below) {
    for (int k = 0; k < E5_LANES; k++) {
        double limit = x[k] > gamma->far[k] ? gamma->far[k] : x[k];
        double power = gamma->shape[k] * e5_log(limit) - limit - gamma->log_factorial[k];
        double share = x[k] > 0 ? below[k] * e5_exp(power) : x[k] * 0;
        below[k] = share > 1 ? 1 : share;
    }
}
E5_SIMD_VARIANTS(times_power, (const struct e5_gamma *gamma, const double *x, double *below), (gamma, x, below))

/* Each lane goes the way of its own value. */
static void shares_below(const struct e5_gamma *gamma, const double *x, double *below) {
    double slow[E5_LANES];
    int far = 0;
    polynomial(gamma, x, below);
    for (int k = 0; k < E5_LANES; k++) far += x[k] > gamma->reach[k];
    if (far > 0) series(gamma, x, slow);
    for (int k = 0; k < E5_LANES && far > 0; k++) below[k] = x[k] > gamma->reach[k] ? slow[k] : below[k];
    times_power(gamma, x, below);
}

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
        gamma->far[k] = shape[k] + 12 * sqrt(shape[k]) + 60; /* sums stay within range */
    }
    make_terms(gamma);
}

void e5_gamma_shares(const struct e5_gamma *gamma, const double x[E5_LANES], double below[E5_LANES],
                     double above[E5_LANES]) {
    shares_below(gamma, x, below);
    for (int k = 0; k < E5_LANES; k++) {
        above[k] = 1 - below[k];
        if (above[k] < RARE && x[k] > gamma->shape[k] + 1) above[k] = fraction(gamma->shape[k], x[k]);
    }
}
