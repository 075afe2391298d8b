#include "diag/standardise.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/cycle.h"
#include "diag/extreme_value.h"
#include "diag/gamma.h"
#include "diag/normal.h"

#define LEAST 4      /* values of the base period that a fit needs */
#define ALIKE 1e-8   /* ln(mean) − mean(ln) below which values do not differ, and their shape has no end */
#define STEPS 50     /* of Newton's method, at most */
#define SYMMETRIC 1e-6 /* skewness below which Pearson's distribution is normal */

/* Parameters of a distribution, of each lane. */
struct fit {
    double location[E5_LANES], scale[E5_LANES], shape[E5_LANES];
    double zeros[E5_LANES]; /* probability of a zero */
    struct e5_gamma gamma;  /* of the shapes; of Pearson's distribution, too, where it is not normal */
};

/* --- the axis --- */

static enum e5_status too_many(enum e5_standard_step step, struct e5_error *err) {
    bool days = step == E5_STANDARD_DAY;
    enum e5_status status = e5_fail(err, E5_INPUT, "more than one value in a %s", days ? "day" : "month");
    if (days)
        e5_error_hint(err, "make daily sums first, with daily(x, 'sum')");
    else
        e5_error_hint(err, "make monthly sums first, with resample(x, 'sum', freq='MS'); of daily sums there is "
                           "an index of the last days: step='day'");
    return status;
}

static enum e5_status none_leads_up(const struct e5_standard *standard, struct e5_error *err) {
    bool days = standard->step == E5_STANDARD_DAY;
    const char *what = days ? "day" : "month";
    enum e5_status status = e5_fail(err, E5_INPUT, "scale is %zu: no %s has so many %ss without a gap up to it",
                                    standard->scale, what, what);
    if (days)
        e5_error_hint(err, "of monthly sums the index is that of step='month'");
    else
        e5_error_hint(err, "the series is too short, or has gaps: take a smaller scale");
    return status;
}

/* Slots of all steps; −1 for those that a gap or the beginning leaves without `scale` steps up to them. */
static enum e5_status find_slots(struct e5_standard *standard, const struct e5_time_axis *axis,
                                 struct e5_error *err) {
    bool days = standard->step == E5_STANDARD_DAY;
    enum e5_cycle cycle = days ? E5_CYCLE_DAY : E5_CYCLE_MONTH;
    int64_t before = 0;
    size_t run = 0, whole = 0; /* months that lead up to this one without a gap, itself included; steps with enough */
    standard->slots = e5_cycle_slots(axis->calendar, cycle);
    e5_cycle_of(axis, cycle, standard->slot);
    for (size_t i = 0; i < axis->n; i++) {
        int64_t now = days ? e5_day_of(axis->seconds[i]) : e5_cycle_month(axis, i);
        if (i > 0 && now == before) return too_many(standard->step, err);
        run = i > 0 && now == before + 1 ? run + 1 : 1;
        if (run < standard->scale) standard->slot[i] = -1;
        whole += run >= standard->scale;
        before = now;
    }
    return whole > 0 || axis->n == 0 ? E5_OK : none_leads_up(standard, err);
}

/* Steps by slot, in each as they follow each other, so that sums over a slot keep their order. */
static enum e5_status sort_steps(struct e5_standard *standard, struct e5_error *err) {
    enum e5_status status = e5_alloc(standard->months, sizeof *standard->order, &standard->order, err);
    if (status == E5_OK) status = e5_alloc(standard->slots + 1, sizeof *standard->begins, &standard->begins, err);
    if (status != E5_OK) return status;
    size_t n = 0, *next = standard->begins;
    for (size_t slot = 0; slot <= standard->slots; slot++) next[slot] = 0;
    for (size_t i = 0; i < standard->months; i++)
        if (standard->slot[i] >= 0) next[standard->slot[i]]++;
    for (size_t slot = 0; slot <= standard->slots; slot++) {
        size_t here = next[slot];
        next[slot] = n;
        n += here;
    }
    for (size_t i = 0; i < standard->months; i++)
        if (standard->slot[i] >= 0) standard->order[next[standard->slot[i]]++] = i;
    for (size_t slot = standard->slots; slot > 0; slot--) next[slot] = next[slot - 1]; /* each went to its end */
    next[0] = 0;
    return E5_OK;
}

enum e5_status e5_standard_init(struct e5_standard *standard, const struct e5_time_axis *axis, int64_t base_first_day,
                                int64_t base_last_day, struct e5_error *err) {
    size_t left = 0;
    standard->months = axis->n;
    enum e5_status status = e5_alloc(axis->n, sizeof *standard->slot, &standard->slot, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *standard->base, &standard->base, err);
    if (status == E5_OK) status = find_slots(standard, axis, err);
    if (status == E5_OK) status = sort_steps(standard, err);
    for (size_t i = 0; status == E5_OK && i < axis->n; i++) {
        int64_t day = e5_day_of(axis->seconds[i]);
        standard->base[i] = day >= base_first_day && day <= base_last_day;
        left += standard->base[i];
    }
    if (status == E5_OK && left == 0)
        status = e5_fail(err, E5_INPUT, "no %s lies in the base period",
                         standard->step == E5_STANDARD_DAY ? "day" : "month");
    return status;
}

void e5_standard_fini(struct e5_standard *standard) {
    free(standard->slot);
    free(standard->base);
    free(standard->order);
    free(standard->begins);
}

struct steps { /* of one slot */
    const size_t *at;
    size_t n;
};

static struct steps steps_of(const struct e5_standard *standard, size_t slot) {
    size_t begin = standard->begins[slot];
    return (struct steps){standard->order + begin, standard->begins[slot + 1] - begin};
}

/* --- sums --- */

E5_SIMD_BODY void add_up_body(const double *tile, size_t months, size_t scale, double *restrict sums) {
    for (size_t t = 0; t < months; t++)
        for (size_t k = 0; k < E5_LANES; k++) {
            double sum = t + 1 >= scale ? 0 : NAN;
            for (size_t i = 0; t + 1 >= scale && i < scale; i++) sum += tile[(t + 1 - scale + i) * E5_LANES + k];
            sums[t * E5_LANES + k] = sum;
        }
}
E5_SIMD_VARIANTS(add_up, (const double *tile, size_t months, size_t scale, double *restrict sums),
                 (tile, months, scale, sums))

/* --- the gamma distribution --- */

struct totals { /* of the base period's values of a month, of each lane */
    double positive[E5_LANES], all[E5_LANES], sum[E5_LANES], logs[E5_LANES];
};

E5_SIMD_BODY void total_body(const double *sums, const struct steps *steps, const bool *base, struct totals *out) {
    struct totals t = {0};
    for (size_t s = 0; s < steps->n; s++) {
        size_t i = steps->at[s];
        if (!base[i]) continue;
        for (size_t k = 0; k < E5_LANES; k++) {
            double value = sums[i * E5_LANES + k], safe = value > 0 ? value : 1;
            t.all[k] += value >= 0 ? 1.0 : 0.0;
            t.positive[k] += value > 0 ? 1.0 : 0.0;
            t.sum[k] += value > 0 ? value : 0.0;
            t.logs[k] += e5_log(safe);
        }
    }
    *out = t;
}
E5_SIMD_VARIANTS(total, (const double *sums, const struct steps *steps, const bool *base, struct totals *out),
                 (sums, steps, base, out))

/* ψ(x) and ψ'(x), by their series at x + 8. */
static void digamma(double x, double *first, double *second) {
    double shift = 0, bend = 0;
    for (; x < 8; x++) {
        shift += 1 / x;
        bend += 1 / (x * x);
    }
    double i = 1 / x, s = i * i;
    *first = log(x) - i / 2 - s * (1. / 12 - s * (1. / 120 - s * (1. / 252 - s * (1. / 240 - s / 132)))) - shift;
    *second = i + s / 2 + i * s * (1. / 6 - s * (1. / 30 - s * (1. / 42 - s * (1. / 30 - s * 5 / 66)))) + bend;
}

/* Shape of greatest likelihood: ln a − ψ(a) = A, from Thom's approximation on. */
static double likely_shape(double shape, double a) {
    for (int i = 0; i < STEPS; i++) {
        double first, second;
        digamma(shape, &first, &second);
        /* In 1/shape, where the function is nearly straight. */
        double inverse = 1 / shape + (log(shape) - first - a) / (shape * shape * (1 / shape - second));
        double next = inverse > 0 ? 1 / inverse : shape / 2;
        if (fabs(next - shape) <= 1e-14 * shape) return next;
        shape = next;
    }
    return shape;
}

static void fit_gamma(const struct e5_standard *standard, const double *sums, struct steps steps, struct fit *fit) {
    struct totals t;
    total(sums, &steps, standard->base, &t);
    for (size_t k = 0; k < E5_LANES; k++) {
        double mean = t.sum[k] / t.positive[k], a = log(mean) - t.logs[k] / t.positive[k];
        double shape = (1 + sqrt(1 + 4 * a / 3)) / (4 * a);
        bool good = t.positive[k] >= LEAST && a > ALIKE;
        if (good && standard->method == E5_STANDARD_LIKELIHOOD) shape = likely_shape(shape, a);
        fit->location[k] = 0;
        fit->shape[k] = good ? shape : NAN;
        fit->scale[k] = mean / fit->shape[k];
        fit->zeros[k] = (t.all[k] - t.positive[k]) / t.all[k];
    }
}

/* --- distributions fitted to sorted values --- */

static void insert(double *sorted, size_t n, double value) {
    for (; n > 0 && sorted[n - 1] > value; n--) sorted[n] = sorted[n - 1];
    sorted[n] = value;
}

static size_t gather(const bool *base, const double *sums, struct steps steps, size_t lane, double *sorted) {
    size_t n = 0;
    for (size_t s = 0; s < steps.n; s++) {
        size_t i = steps.at[s];
        double value = sums[i * E5_LANES + lane];
        if (base[i] && isfinite(value)) insert(sorted, n++, value);
    }
    return n;
}

/* By L-moments; Hosking's rational approximations of the shape, whose error is below 5e-6 of it. */
static void fit_pearson3(const double moment[3], double *location, double *scale, double *shape) {
    double t = fabs(moment[2]), z, alpha;
    if (t < SYMMETRIC) {
        *location = moment[0];
        *scale = moment[1] * sqrt(M_PI);
        *shape = 0;
        return;
    }
    if (t < 1. / 3) {
        z = 3 * M_PI * t * t;
        alpha = (1 + 0.2906 * z) / (z * (1 + z * (0.1882 + z * 0.0442)));
    } else {
        z = 1 - t;
        alpha = z * (0.36067 + z * (-0.59567 + z * 0.25361)) / (1 + z * (-2.78861 + z * (2.56096 + z * -0.77045)));
    }
    double root = sqrt(alpha), ratio = exp(e5_log_gamma(alpha) - e5_log_gamma(alpha + 0.5));
    double deviation = moment[1] * sqrt(M_PI) * root * ratio, sign = moment[2] < 0 ? -1 : 1;
    *scale = sign * deviation / root;
    *location = moment[0] - sign * deviation * root;
    *shape = alpha;
}

/* F = 1 / (1 + (scale / (x − location))^shape) */
static void fit_log_logistic(const double moment[3], double *location, double *scale, double *shape) {
    double k = -moment[2]; /* Hosking's generalised logistic distribution is this one */
    double angle = M_PI * k, a = k == 0 ? moment[1] : moment[1] * sin(angle) / angle;
    double centre = moment[0] - (k == 0 ? 0 : a * (1 / k - M_PI / sin(angle)));
    *shape = k; /* (x − location)/scale = (1 − k (x − centre)/a)^… is kept in this form, which has a limit at k = 0 */
    *scale = a;
    *location = centre;
}

static void fit_sorted(const struct e5_standard *standard, const double *sums, struct steps steps, double *sorted,
                       struct fit *fit) {
    for (size_t k = 0; k < E5_LANES; k++) {
        double moment[3];
        size_t n = gather(standard->base, sums, steps, k, sorted);
        fit->location[k] = fit->scale[k] = fit->shape[k] = NAN;
        fit->zeros[k] = 0;
        if (n < LEAST || !(sorted[n - 1] > sorted[0])) continue;
        e5_l_moments(sorted, n, moment);
        if (standard->distribution == E5_STANDARD_PEARSON3) {
            fit_pearson3(moment, &fit->location[k], &fit->scale[k], &fit->shape[k]);
        } else if (standard->distribution == E5_STANDARD_LOG_LOGISTIC) {
            fit_log_logistic(moment, &fit->location[k], &fit->scale[k], &fit->shape[k]);
        } else {
            fit->location[k] = moment[0];
            fit->scale[k] = moment[1] * sqrt(M_PI);
            fit->shape[k] = 0;
        }
    }
}

/* --- from sums to scores --- */

static void prepare(struct fit *fit) {
    double shape[E5_LANES];
    for (size_t k = 0; k < E5_LANES; k++) shape[k] = fit->shape[k] > 0 ? fit->shape[k] : 1;
    e5_gamma_init(&fit->gamma, shape);
}

struct shares { /* of the distribution, below and above a value */
    double below[E5_LANES], above[E5_LANES];
};

static void gamma_shares(const struct fit *fit, const double *values, enum e5_standard_zeros zeros,
                         struct shares *out) {
    double x[E5_LANES];
    for (size_t k = 0; k < E5_LANES; k++) x[k] = values[k] > 0 ? values[k] / fit->scale[k] : 0;
    e5_gamma_shares(&fit->gamma, x, out->below, out->above);
    for (size_t k = 0; k < E5_LANES; k++) {
        double q = fit->zeros[k], zero = zeros == E5_ZEROS_CENTRE ? q / 2 : q;
        out->below[k] = values[k] > 0 ? q + (1 - q) * out->below[k] : zero;
        out->above[k] = values[k] > 0 ? (1 - q) * out->above[k] : 1 - zero;
        if (isnan(values[k]) || isnan(fit->shape[k])) out->below[k] = out->above[k] = NAN;
    }
}

/* A scale below 0 means the mirror image. */
static void pearson3_shares(const struct fit *fit, const double *values, struct shares *out) {
    double x[E5_LANES];
    for (size_t k = 0; k < E5_LANES; k++) {
        double z = (values[k] - fit->location[k]) / fit->scale[k];
        x[k] = isnan(z) ? NAN : z > 0 ? z : 0;
    }
    e5_gamma_shares(&fit->gamma, x, out->below, out->above);
    for (size_t k = 0; k < E5_LANES; k++) {
        double below = out->below[k], z = (values[k] - fit->location[k]) / fit->scale[k];
        if (fit->shape[k] == 0) {
            out->below[k] = e5_normal_below(z);
            out->above[k] = e5_normal_below(-z);
        } else if (fit->scale[k] < 0) {
            out->below[k] = out->above[k];
            out->above[k] = below;
        }
    }
}

static void log_logistic_shares(const struct fit *fit, const double *values, struct shares *out) {
    for (size_t k = 0; k < E5_LANES; k++) {
        double z = (values[k] - fit->location[k]) / fit->scale[k], shape = fit->shape[k], base = 1 - shape * z;
        double y = shape == 0 ? z : base > 0 ? -log(base) / shape : shape > 0 ? INFINITY : -INFINITY;
        out->below[k] = isnan(z) ? NAN : 1 / (1 + exp(-y));
        out->above[k] = isnan(z) ? NAN : 1 / (1 + exp(y));
    }
}

static void shares_of(const struct e5_standard *standard, const struct fit *fit, const double *values,
                      struct shares *out) {
    switch (standard->distribution) {
    case E5_STANDARD_GAMMA: gamma_shares(fit, values, standard->zeros, out); break;
    case E5_STANDARD_PEARSON3:
    case E5_STANDARD_NORMAL: pearson3_shares(fit, values, out); break;
    case E5_STANDARD_LOG_LOGISTIC: log_logistic_shares(fit, values, out); break;
    }
}

/* From whichever share is the smaller, which has all its digits. */
E5_SIMD_BODY void score_where(const struct shares *shares, double limit, const int far, double *restrict out) {
    for (size_t k = 0; k < E5_LANES; k++) {
        int low = shares->below[k] < shares->above[k];
        double z = e5_normal_quantile_of(low ? shares->below[k] : shares->above[k], far);
        z = low ? z : -z;
        z = z > limit ? limit : z;
        out[k] = z < -limit ? -limit : z;
    }
}
E5_SIMD_BODY void score_body(const struct shares *shares, double limit, double *out) {
    int64_t far = 0;
    for (size_t k = 0; k < E5_LANES; k++)
        far += (shares->below[k] < E5_NORMAL_FAR) | (shares->above[k] < E5_NORMAL_FAR);
    if (far > 0)
        score_where(shares, limit, 1, out);
    else
        score_where(shares, limit, 0, out);
}
E5_SIMD_VARIANTS(score, (const struct shares *shares, double limit, double *out), (shares, limit, out))

/* Scratch: the sums, and the sorted values of one month. */
size_t e5_standard_scratch(const struct e5_standard *standard) {
    return (E5_LANES + 1) * standard->months * sizeof(double);
}

static void score_month(const struct e5_standard *standard, const struct fit *fit, struct steps steps,
                        const double *sums, double *out) {
    struct shares shares;
    for (size_t s = 0; s < steps.n; s++) {
        size_t t = steps.at[s];
        shares_of(standard, fit, sums + t * E5_LANES, &shares);
        score(&shares, standard->limit, out + t * E5_LANES);
    }
}

void e5_standard_tile(const struct e5_standard *standard, const double *tile, double *out, void *scratch) {
    double *sums = scratch, *sorted = sums + E5_LANES * standard->months;
    struct fit fit;
    add_up(tile, standard->months, standard->scale, sums);
    for (size_t t = 0; t < standard->months; t++)
        for (size_t k = 0; k < E5_LANES && standard->slot[t] < 0; k++) out[t * E5_LANES + k] = NAN;
    for (size_t slot = 0; slot < standard->slots; slot++) {
        struct steps steps = steps_of(standard, slot);
        if (standard->distribution == E5_STANDARD_GAMMA)
            fit_gamma(standard, sums, steps, &fit);
        else
            fit_sorted(standard, sums, steps, sorted, &fit);
        if (standard->distribution != E5_STANDARD_LOG_LOGISTIC) prepare(&fit);
        score_month(standard, &fit, steps, sums, out);
    }
}
