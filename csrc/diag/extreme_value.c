/* The functions of ξ have removable singularities at ξ = 0; each is written so that nothing cancels there. */
#include "diag/extreme_value.h"

#include <float.h>
#include <math.h>

#define STEPS 60          /* of Newton's method, at most */
#define HALVINGS 30       /* of a step that leads nowhere */
#define CLOSE 1e-6        /* of the scale: from so near, one more step arrives, as the error is squared each time */
#define SMALL 1e-2        /* |ξ z| below which series stand for differences of large numbers */
#define LOWEST_SHAPE -1.0 /* below, the likelihood grows without bound */

static const struct e5_extreme_fit none = {NAN, NAN, NAN, {{NAN, NAN, NAN}, {NAN, NAN, NAN}, {NAN, NAN, NAN}}, NAN};

/* --- L-moments --- */

void e5_l_moments(const double *sorted, size_t n, double out[3]) {
    double b0 = 0, b1 = 0, b2 = 0, count = (double)n;
    for (size_t i = 0; i < n; i++) {
        double rank = (double)i;
        b0 += sorted[i];
        b1 += rank * sorted[i];
        b2 += rank * (rank - 1) * sorted[i];
    }
    b0 /= count;
    b1 /= count * (count - 1);
    b2 /= count * (count - 1) * (count - 2);
    out[0] = b0;
    out[1] = 2 * b1 - b0;
    out[2] = (6 * b2 - 6 * b1 + b0) / out[1];
}

/* (1 − b^x) / x, which tends to −ln b. */
static double decay(double base, double x) { return x == 0 ? -log(base) : -expm1(x * log(base)) / x; }

/* τ3 of a GEV of Hosking's shape k = −ξ. */
static double gev_skewness(double k) { return 2 * decay(1. / 3, k) / decay(1. / 2, k) - 3; }

/* Hosking's shape of a GEV by its τ3, which falls from 1 at k = −1: between two that enclose it, by the secant that
 * never leaves them. */
static double gev_shape(double skewness) {
    double low = -1 + 1e-12, high = 40, at_low = gev_skewness(low) - skewness,
           at_high = gev_skewness(high) - skewness;
    double guess = 2 / (3 + skewness) - M_LN2 / log(3), k = 7.8590 * guess + 2.9554 * guess * guess;
    if (!(at_low > 0 && at_high < 0)) return NAN;
    for (int i = 0; i < 200 && high - low > 1e-15; i++) {
        if (!(k > low && k < high)) k = (low + high) / 2;
        double at = gev_skewness(k) - skewness, step = 1e-6 * (1 + fabs(k));
        if (at == 0) return k;
        *(at > 0 ? &low : &high) = k;
        double slope = (gev_skewness(k + step) - at - skewness) / step, next = k - at / slope;
        if (fabs(next - k) <= 2 * DBL_EPSILON * (1 + fabs(k))) return next;
        k = next;
    }
    return (low + high) / 2;
}

static struct e5_extreme_fit gev_of(const double moment[3]) {
    struct e5_extreme_fit fit = none;
    double k = gev_shape(moment[2]);
    if (!isfinite(k)) return none;
    double gamma = tgamma(1 + k);
    fit.shape = -k;
    fit.scale = moment[1] / (decay(1. / 2, k) * gamma);
    /* (1 − Γ(1 + k)) / k tends to Euler's constant. */
    double mean = fabs(k) < 1e-7 ? 0.57721566490153286 : (1 - gamma) / k;
    fit.location = moment[0] - fit.scale * mean;
    return fit;
}

static struct e5_extreme_fit gpd_of(const double moment[3], double threshold) {
    struct e5_extreme_fit fit = none;
    double k = (moment[0] - threshold) / moment[1] - 2; /* the location is known: two moments are enough */
    fit.shape = -k;
    fit.scale = (1 + k) * (moment[0] - threshold);
    fit.location = threshold;
    return fit.scale > 0 ? fit : none;
}

struct e5_extreme_fit e5_extreme_by_moments(enum e5_extreme kind, const double moment[3], double threshold) {
    return kind == E5_GEV ? gev_of(moment) : gpd_of(moment, threshold);
}

static bool too_few(const double *sorted, size_t n) { return n < E5_EXTREME_LEAST || !(sorted[n - 1] > sorted[0]); }

struct e5_extreme_fit e5_extreme_by_l_moments(enum e5_extreme kind, const double *sorted, size_t n,
                                              double threshold) {
    double moment[3];
    if (too_few(sorted, n)) return none;
    e5_l_moments(sorted, n, moment);
    return e5_extreme_by_moments(kind, moment, threshold);
}

/* --- maximum likelihood --- */

/* −log of the density of one value, but for log σ, and its derivatives, as functions of z = (x − μ)/σ and ξ. */
struct term {
    double g, z, x, zz, zx, xx; /* x stands for ξ */
};

/* With y = 1 + ξ z, w = ln y: w/ξ; u = w/ξ² − z/(ξ y), which is its derivative with the sign turned; v = ∂u/∂ξ. */
struct logs {
    double y, ratio, u, v;
};

static struct logs logs_of(double z, double shape) {
    double e = shape * z, y = 1 + e;
    if (fabs(e) >= SMALL) {
        double w = log1p(e), u = (w - e / y) / (shape * shape);
        return (struct logs){y, w / shape, u, (-2 * u + e * e / (y * y) / (shape * shape)) / shape};
    }
    double ratio = 0, u = 0, v = 0, power = 1; /* Σ over k of (−e)^k … */
    for (int k = 0; k < 10; k++, power *= -e) {
        ratio += power / (k + 1);
        u += power * (k + 1) / (k + 2);
        v -= power * (k + 1) * (k + 2) / (k + 3);
    }
    return (struct logs){y, z * ratio, z * z * u, z * z * z * v};
}

static struct term gev_term(double z, double shape) {
    struct logs l = logs_of(z, shape);
    double t = exp(-l.ratio), rest = 1 - t, y2 = l.y * l.y;
    return (struct term){
        .g = (1 + shape) * l.ratio + t,
        .z = (1 + shape - t) / l.y,
        .x = z / l.y - rest * l.u,
        .zz = (1 + shape) * (t - shape) / y2,
        .zx = (1 - t * l.u) / l.y - (1 + shape - t) * z / y2,
        .xx = -z * z / y2 - rest * l.v + t * l.u * l.u,
    };
}

static struct term gpd_term(double z, double shape) {
    struct logs l = logs_of(z, shape);
    double y2 = l.y * l.y;
    return (struct term){
        .g = (1 + shape) * l.ratio,
        .z = (1 + shape) / l.y,
        .x = z / l.y - l.u,
        .zz = -(1 + shape) * shape / y2,
        .zx = 1 / l.y - (1 + shape) * z / y2,
        .xx = -z * z / y2 - l.v,
    };
}

/* In the order location, log of scale, shape. */
struct surface {
    double value, gradient[3], hessian[3][3];
};

static bool inside(const double *sorted, size_t n, const struct e5_extreme_fit *fit) {
    double first = 1 + fit->shape * (sorted[0] - fit->location) / fit->scale;
    double last = 1 + fit->shape * (sorted[n - 1] - fit->location) / fit->scale;
    return fit->shape > LOWEST_SHAPE && fit->scale > 0 && first > 0 && last > 0;
}

static double value_at(enum e5_extreme kind, const double *sorted, size_t n, const struct e5_extreme_fit *fit) {
    double sum = (double)n * log(fit->scale);
    if (!inside(sorted, n, fit)) return INFINITY;
    for (size_t i = 0; i < n; i++) {
        double ratio = logs_of((sorted[i] - fit->location) / fit->scale, fit->shape).ratio;
        sum += (1 + fit->shape) * ratio + (kind == E5_GEV ? exp(-ratio) : 0);
    }
    return sum;
}

static struct surface surface_at(enum e5_extreme kind, const double *sorted, size_t n,
                                 const struct e5_extreme_fit *fit) {
    struct surface s = {.value = (double)n * log(fit->scale), .gradient = {0, (double)n, 0}};
    double inverse = 1 / fit->scale;
    for (size_t i = 0; i < n; i++) {
        double z = (sorted[i] - fit->location) * inverse;
        struct term t = kind == E5_GEV ? gev_term(z, fit->shape) : gpd_term(z, fit->shape);
        s.value += t.g;
        s.gradient[0] -= t.z * inverse;
        s.gradient[1] -= t.z * z;
        s.gradient[2] += t.x;
        s.hessian[0][0] += t.zz * inverse * inverse;
        s.hessian[0][1] += (t.zz * z + t.z) * inverse;
        s.hessian[0][2] -= t.zx * inverse;
        s.hessian[1][1] += (t.zz * z + t.z) * z;
        s.hessian[1][2] -= t.zx * z;
        s.hessian[2][2] += t.xx;
    }
    for (int i = 1; i < 3; i++)
        for (int k = 0; k < i; k++) s.hessian[i][k] = s.hessian[k][i];
    return s;
}

/* Cholesky factors of `from` (`size` rows from `first` on) with `more` on the diagonal; false when it has none. */
static bool factorise(double from[3][3], int first, double more, double lower[3][3]) {
    for (int i = first; i < 3; i++)
        for (int k = first; k <= i; k++) {
            double sum = from[i][k] + (i == k ? more * fabs(from[i][i]) : 0);
            for (int j = first; j < k; j++) sum -= lower[i][j] * lower[k][j];
            if (i == k && !(sum > 0)) return false;
            lower[i][k] = i == k ? sqrt(sum) : sum / lower[k][k];
        }
    return true;
}

static void solve(double lower[3][3], int first, const double right[3], double out[3]) {
    for (int i = first; i < 3; i++) {
        out[i] = right[i];
        for (int k = first; k < i; k++) out[i] -= lower[i][k] * out[k];
        out[i] /= lower[i][i];
    }
    for (int i = 2; i >= first; i--) {
        for (int k = i + 1; k < 3; k++) out[i] -= lower[k][i] * out[k];
        out[i] /= lower[i][i];
    }
}

static struct e5_extreme_fit moved(const struct e5_extreme_fit *fit, const double step[3], double part) {
    struct e5_extreme_fit next = *fit;
    next.location -= part * step[0];
    next.scale *= exp(-part * step[1]);
    next.shape -= part * step[2];
    return next;
}

/* One step downhill; false when there is none.  The Hessian is lifted until it is positive definite. */
static bool descend(enum e5_extreme kind, const double *sorted, size_t n, struct e5_extreme_fit *fit, bool *done) {
    int first = kind == E5_GEV ? 0 : 1; /* the GPD's location is given */
    struct surface s = surface_at(kind, sorted, n, fit);
    double lower[3][3], step[3] = {0}, part = 1, lift = 0;
    while (!factorise(s.hessian, first, lift, lower) && lift < 1e6) lift = lift == 0 ? 1e-3 : 10 * lift;
    if (!(lift < 1e6)) return false;
    solve(lower, first, s.gradient, step);
    bool close = lift == 0 && fmax(fabs(step[0]) / fit->scale, fmax(fabs(step[1]), fabs(step[2]))) < CLOSE;
    for (int i = 0; i < HALVINGS; i++, part /= 2) {
        struct e5_extreme_fit next = moved(fit, step, part);
        if (close || value_at(kind, sorted, n, &next) <= s.value) {
            *fit = next;
            *done = close;
            return true;
        }
    }
    return false;
}

/* Where Newton's method begins: the fit by L-moments, or near it where that does not allow all values. */
static struct e5_extreme_fit start(enum e5_extreme kind, const double *sorted, size_t n, double threshold) {
    struct e5_extreme_fit fit = e5_extreme_by_l_moments(kind, sorted, n, threshold);
    double moment[3];
    if (isfinite(fit.shape) && inside(sorted, n, &fit)) return fit;
    e5_l_moments(sorted, n, moment);
    fit.shape = 0;
    fit.scale = kind == E5_GEV ? moment[1] / M_LN2 : moment[0] - threshold;
    fit.location = kind == E5_GEV ? moment[0] - 0.57721566490153286 * fit.scale : threshold;
    return fit;
}

/* From (location, log scale, shape) to (location, scale, shape). */
static void invert(struct surface *s, int first, struct e5_extreme_fit *fit) {
    double lower[3][3], unit[3], column[3];
    double factor[3] = {1, fit->scale, 1};
    if (!factorise(s->hessian, first, 0, lower)) return;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 3; i++) fit->covariance[i][k] = 0;
    for (int k = first; k < 3; k++) {
        for (int i = 0; i < 3; i++) unit[i] = i == k;
        solve(lower, first, unit, column);
        for (int i = first; i < 3; i++) fit->covariance[i][k] = column[i] * factor[i] * factor[k];
    }
}

struct e5_extreme_fit e5_extreme_by_likelihood(enum e5_extreme kind, const double *sorted, size_t n,
                                               double threshold) {
    bool done = false;
    if (too_few(sorted, n)) return none;
    struct e5_extreme_fit fit = start(kind, sorted, n, threshold);
    for (int i = 0; i < STEPS && !done; i++)
        if (!descend(kind, sorted, n, &fit, &done)) return none;
    if (!done) return none;
    struct surface s = surface_at(kind, sorted, n, &fit);
    fit.log_likelihood = -s.value;
    invert(&s, kind == E5_GEV ? 0 : 1, &fit);
    return fit;
}

/* --- quantiles --- */

/* −ln of what the quantile is a power of: ln(−ln p) for the GEV, ln(1 − p) for the GPD. */
static double reduced(enum e5_extreme kind, double probability) {
    return kind == E5_GEV ? -log(-log(probability)) : -log1p(-probability);
}

double e5_extreme_quantile(enum e5_extreme kind, const struct e5_extreme_fit *fit, double probability) {
    double y = reduced(kind, probability), e = fit->shape * y;
    return fit->location + fit->scale * (fit->shape == 0 ? y : expm1(e) / fit->shape);
}

double e5_extreme_quantile_error(enum e5_extreme kind, const struct e5_extreme_fit *fit, double probability) {
    double y = reduced(kind, probability), e = fit->shape * y, variance = 0;
    double ratio = fit->shape == 0 ? y : expm1(e) / fit->shape;
    /* ∂/∂ξ of (e^(ξ y) − 1)/ξ, which tends to y²/2 */
    double slope = fabs(e) < 1e-5 ? y * y * (0.5 + e / 3) : (y * exp(e) - ratio) / fit->shape;
    const double gradient[3] = {1, ratio, fit->scale * slope};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) variance += gradient[i] * gradient[k] * fit->covariance[i][k];
    return sqrt(variance);
}
