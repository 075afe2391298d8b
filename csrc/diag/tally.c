/* Every test is made one: sign × x > limit.  x ≥ limit is x > the double next below; a comparison that is turned
 * round is one of the negatives.  Loops over the lanes are the innermost and have no branches, so that they
 * vectorise. */
#include "diag/tally.h"

#include <math.h>

#include "base/alloc.h"

/* --- the axis --- */

enum e5_status e5_tally_axis_init(struct e5_tally_axis *axis, size_t steps, const int32_t *of_sample, size_t periods,
                                  struct e5_error *err) {
    struct e5_tally_span *span = NULL;
    *axis = (struct e5_tally_axis){.periods = periods};
    enum e5_status status = e5_alloc(steps, sizeof *axis->span, &axis->span, err);
    for (size_t t = 0; status == E5_OK && t < steps; t++) {
        if (of_sample[t] < 0) {
            span = NULL;
            continue;
        }
        if (span == NULL || span->period != (size_t)of_sample[t]) {
            span = &axis->span[axis->count++];
            *span = (struct e5_tally_span){.first = t, .period = (size_t)of_sample[t]};
        }
        span->end = t + 1;
    }
    return status;
}

void e5_tally_axis_fini(struct e5_tally_axis *axis) {
    free(axis->span);
    *axis = (struct e5_tally_axis){0};
}

/* --- one test --- */

struct bound {
    double sign, above[E5_LANES];
};

static struct bound bound_of(struct e5_tally_limit limit) {
    bool below = limit.test == E5_TALLY_BELOW || limit.test == E5_TALLY_AT_MOST;
    bool inclusive = limit.test == E5_TALLY_AT_LEAST || limit.test == E5_TALLY_AT_MOST;
    struct bound bound = {.sign = below ? -1 : 1};
    E5_EACH_LANE(c) {
        double above = bound.sign * limit.values[c];
        bound.above[c] = inclusive ? nextafter(above, -INFINITY) : above;
    }
    return bound;
}

/* `wide` is a constant in each of its uses, so that one loop becomes two. */
E5_SIMD_BODY double value_at(const void *values, bool wide, size_t i) {
    return wide ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

static void set_all(const struct e5_tally_axis *axis, double value, double *out) {
    for (size_t i = 0; i < axis->periods * E5_LANES; i++) out[i] = value;
}

/* --- counts --- */

/* The float next to `above` that lies below it: for floats x, x > above is x > that. */
static float float_below(double above) {
    float nearest = (float)above;
    return (double)nearest > above ? nextafterf(nearest, -INFINITY) : nearest;
}

E5_SIMD_BODY void count_f32(const float *x, struct e5_tally_span span, float sign, const float *above, double *out) {
    int32_t days[E5_LANES] = {0};
    for (size_t t = span.first; t < span.end; t++)
        for (size_t c = 0; c < E5_LANES; c++) days[c] += sign * x[t * E5_LANES + c] > above[c];
    for (size_t c = 0; c < E5_LANES; c++) out[c] += days[c];
}

E5_SIMD_BODY void count_f64(const double *x, struct e5_tally_span span, double sign, const double *above,
                            double *out) {
    int64_t days[E5_LANES] = {0};
    for (size_t t = span.first; t < span.end; t++)
        for (size_t c = 0; c < E5_LANES; c++) days[c] += sign * x[t * E5_LANES + c] > above[c];
    for (size_t c = 0; c < E5_LANES; c++) out[c] += (double)days[c];
}

E5_SIMD_BODY void count_days_body(const struct e5_tally_axis *axis, struct e5_tally_series x,
                                  const struct bound *bound, const float *above, double *out) {
    for (size_t s = 0; s < axis->count; s++) {
        double *to = out + axis->span[s].period * E5_LANES;
        if (x.wide)
            count_f64(x.values, axis->span[s], bound->sign, bound->above, to);
        else
            count_f32(x.values, axis->span[s], (float)bound->sign, above, to);
    }
}
E5_SIMD_VARIANTS(count_days,
                 (const struct e5_tally_axis *axis, struct e5_tally_series x, const struct bound *bound,
                  const float *above, double *out),
                 (axis, x, bound, above, out))

void e5_tally_count(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                    double *out) {
    struct bound bound = bound_of(limit);
    float above[E5_LANES];
    for (size_t c = 0; c < E5_LANES; c++) above[c] = float_below(bound.above[c]);
    set_all(axis, 0, out);
    count_days(axis, x, &bound, above, out);
}

/* --- sums --- */

E5_SIMD_BODY void add_span(const void *values, bool wide, struct e5_tally_span span, const struct bound *bound,
                           bool beyond, double *restrict out) {
    double sum[E5_LANES], above[E5_LANES], sign = bound->sign;
    for (size_t c = 0; c < E5_LANES; c++) sum[c] = out[c];
    for (size_t c = 0; c < E5_LANES; c++) above[c] = bound->above[c];
    for (size_t t = span.first; t < span.end; t++) E5_EACH_LANE(c) {
            double x = value_at(values, wide, t * E5_LANES + c);
            sum[c] += sign * x > above[c] ? (beyond ? sign * x - above[c] : x) : 0;
        }
    for (size_t c = 0; c < E5_LANES; c++) out[c] = sum[c];
}

E5_SIMD_BODY void add_axis(const struct e5_tally_axis *axis, const void *values, bool wide, const struct bound *bound,
                           bool beyond, double *out) {
    for (size_t s = 0; s < axis->count; s++)
        add_span(values, wide, axis->span[s], bound, beyond, out + axis->span[s].period * E5_LANES);
}

E5_SIMD_BODY void add_body(const struct e5_tally_axis *axis, struct e5_tally_series x, const struct bound *bound,
                           bool beyond, double *out) {
    if (beyond && x.wide) /* constants, so that each has its own loop */
        add_axis(axis, x.values, true, bound, true, out);
    else if (beyond)
        add_axis(axis, x.values, false, bound, true, out);
    else if (x.wide)
        add_axis(axis, x.values, true, bound, false, out);
    else
        add_axis(axis, x.values, false, bound, false, out);
}
E5_SIMD_VARIANTS(add,
                 (const struct e5_tally_axis *axis, struct e5_tally_series x, const struct bound *bound, bool beyond,
                  double *out),
                 (axis, x, bound, beyond, out))

void e5_tally_sum(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                  double *out) {
    struct bound bound = bound_of(limit);
    set_all(axis, 0, out);
    add(axis, x, &bound, false, out);
}

void e5_tally_excess(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                     double *out) {
    limit.test = limit.test == E5_TALLY_AT_LEAST  ? E5_TALLY_ABOVE
                 : limit.test == E5_TALLY_AT_MOST ? E5_TALLY_BELOW
                                                  : limit.test; /* at the limit there is nothing to add */
    struct bound bound = bound_of(limit);
    set_all(axis, 0, out);
    add(axis, x, &bound, true, out);
}

/* --- two series --- */

E5_SIMD_BODY void both_body(const struct e5_tally_axis *axis, struct e5_tally_series x, const struct bound *bound,
                            struct e5_tally_series other, const struct bound *other_bound, double *out) {
    for (size_t s = 0; s < axis->count; s++)
        for (size_t t = axis->span[s].first; t < axis->span[s].end; t++) E5_EACH_LANE(c) {
                size_t i = t * E5_LANES + c;
                bool first = bound->sign * value_at(x.values, x.wide, i) > bound->above[c];
                bool second = other_bound->sign * value_at(other.values, other.wide, i) > other_bound->above[c];
                out[axis->span[s].period * E5_LANES + c] += first && second ? 1 : 0;
            }
}
E5_SIMD_VARIANTS(both,
                 (const struct e5_tally_axis *axis, struct e5_tally_series x, const struct bound *bound,
                  struct e5_tally_series other, const struct bound *other_bound, double *out),
                 (axis, x, bound, other, other_bound, out))

void e5_tally_count_both(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                         struct e5_tally_series other, struct e5_tally_limit other_limit, double *out) {
    struct bound bound = bound_of(limit), other_bound = bound_of(other_limit);
    set_all(axis, 0, out);
    both(axis, x, &bound, other, &other_bound, out);
}

E5_SIMD_BODY void difference_span(const void *x, const void *other, bool wide, struct e5_tally_span span,
                                  double *restrict out, double *restrict valid) {
    double sum[E5_LANES], days[E5_LANES];
    E5_EACH_LANE(c) sum[c] = out[c];
    E5_EACH_LANE(c) days[c] = valid[c];
    for (size_t t = span.first; t < span.end; t++) {
        double range[E5_LANES];
        E5_EACH_LANE(c) {
            size_t i = t * E5_LANES + c;
            range[c] = value_at(x, wide, i) - value_at(other, wide, i);
        }
        E5_EACH_LANE(c) sum[c] += range[c] == range[c] ? range[c] : 0;
        E5_EACH_LANE(c) days[c] += range[c] == range[c] ? 1 : 0;
    }
    E5_EACH_LANE(c) out[c] = sum[c];
    E5_EACH_LANE(c) valid[c] = days[c];
}

/* The spans of a period follow each other: its mean is complete before the next one begins. */
E5_SIMD_BODY void difference_body(const struct e5_tally_axis *axis, struct e5_tally_series x,
                                  struct e5_tally_series other, double *out) {
    double valid[E5_LANES] = {0};
    for (size_t s = 0; s < axis->count; s++) {
        struct e5_tally_span span = axis->span[s];
        double *to = out + span.period * E5_LANES;
        bool first = s == 0 || axis->span[s - 1].period != span.period;
        bool last = s + 1 == axis->count || axis->span[s + 1].period != span.period;
        for (size_t c = 0; first && c < E5_LANES; c++) to[c] = valid[c] = 0;
        if (x.wide)
            difference_span(x.values, other.values, true, span, to, valid);
        else
            difference_span(x.values, other.values, false, span, to, valid);
        for (size_t c = 0; last && c < E5_LANES; c++) to[c] = valid[c] > 0 ? to[c] / valid[c] : NAN;
    }
}
E5_SIMD_VARIANTS(difference,
                 (const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_series other,
                  double *out),
                 (axis, x, other, out))

void e5_tally_mean_difference(const struct e5_tally_axis *axis, struct e5_tally_series x,
                              struct e5_tally_series other, double *out) {
    set_all(axis, NAN, out);
    difference(axis, x, other, out);
}

/* --- extremes --- */

/* An extreme of floats is one of them: nothing is lost. */
E5_SIMD_BODY void extreme_f32(const float *values, struct e5_tally_span span, float sign, double *restrict out) {
    float most[E5_LANES];
    E5_EACH_LANE(c) most[c] = (float)out[c];
    for (size_t t = span.first; t < span.end; t++) E5_EACH_LANE(c) {
            float x = sign * values[t * E5_LANES + c];
            most[c] = x > most[c] ? x : most[c];
        }
    E5_EACH_LANE(c) out[c] = (double)most[c];
}

E5_SIMD_BODY void extreme_f64(const double *values, struct e5_tally_span span, double sign, double *restrict out) {
    double most[E5_LANES];
    E5_EACH_LANE(c) most[c] = out[c];
    for (size_t t = span.first; t < span.end; t++) E5_EACH_LANE(c) {
            double x = sign * values[t * E5_LANES + c];
            most[c] = x > most[c] ? x : most[c];
        }
    E5_EACH_LANE(c) out[c] = most[c];
}

E5_SIMD_BODY void extreme_body(const struct e5_tally_axis *axis, struct e5_tally_series x, double sign, double *out) {
    for (size_t s = 0; s < axis->count; s++) {
        double *to = out + axis->span[s].period * E5_LANES;
        if (x.wide)
            extreme_f64(x.values, axis->span[s], sign, to);
        else
            extreme_f32(x.values, axis->span[s], (float)sign, to);
    }
}
E5_SIMD_VARIANTS(extreme, (const struct e5_tally_axis *axis, struct e5_tally_series x, double sign, double *out),
                 (axis, x, sign, out))

/* Where nothing was larger than −∞ there was no value, or none that is finite: the tiles hold no infinities. */
static void find_extreme(const struct e5_tally_axis *axis, struct e5_tally_series x, double sign, double *out) {
    set_all(axis, -INFINITY, out);
    extreme(axis, x, sign, out);
    for (size_t i = 0; i < axis->periods * E5_LANES; i++) out[i] = out[i] == -INFINITY ? NAN : sign * out[i];
}

void e5_tally_largest(const struct e5_tally_axis *axis, struct e5_tally_series x, double *out) {
    find_extreme(axis, x, 1, out);
}

void e5_tally_smallest(const struct e5_tally_axis *axis, struct e5_tally_series x, double *out) {
    find_extreme(axis, x, -1, out);
}
