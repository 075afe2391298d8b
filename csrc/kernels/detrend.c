/* detrend: a series less its straight line of least squares.
 *
 * Given: a series of any step; times count as they are, so that gaps do no harm.  Missing values stay missing and are
 * left out of the line; a cell with fewer than two values is all NaN.  The mean goes with the line. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "kernels/kernel.h"

struct plan {
    size_t steps;
    double *time; /* about 0 and of the size of 1, for the sums' sake */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->time);
    free(plan);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    const struct e5_time_axis *axis = input->axis;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    (void)params;
    if (status != E5_OK) return status;
    plan->steps = axis->n;
    status = e5_alloc(axis->n, sizeof *plan->time, &plan->time, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    double length = (double)(axis->seconds[axis->n - 1] - axis->seconds[0]);
    for (size_t i = 0; i < axis->n; i++)
        plan->time[i] = axis->n > 1 ? (double)(axis->seconds[i] - axis->seconds[0]) / length - 0.5 : 0;
    *out = (struct e5_series_plan){plan, axis->n, 0};
    return E5_OK;
}

struct line { /* of each lane, through (time, value) */
    double time[E5_LANES], value[E5_LANES], slope[E5_LANES];
};

/* Means first, then products of what differs from them: no digits are lost to a large mean. */
E5_SIMD_BODY void fit_body(const struct plan *plan, const double *values, struct line *out) {
    double count[E5_LANES] = {0}, product[E5_LANES] = {0}, square[E5_LANES] = {0};
    struct line line = {0};
    for (size_t i = 0; i < plan->steps; i++)
        for (size_t k = 0; k < E5_LANES; k++) {
            double value = values[i * E5_LANES + k];
            count[k] += value == value ? 1.0 : 0.0;
            line.time[k] += value == value ? plan->time[i] : 0.0;
            line.value[k] += value == value ? value : 0.0;
        }
    for (size_t k = 0; k < E5_LANES; k++) line.time[k] /= count[k];
    for (size_t k = 0; k < E5_LANES; k++) line.value[k] /= count[k];
    for (size_t i = 0; i < plan->steps; i++)
        for (size_t k = 0; k < E5_LANES; k++) {
            double value = values[i * E5_LANES + k], along = plan->time[i] - line.time[k];
            product[k] += value == value ? along * (value - line.value[k]) : 0.0;
            square[k] += value == value ? along * along : 0.0;
        }
    for (size_t k = 0; k < E5_LANES; k++) line.slope[k] = product[k] / square[k];
    *out = line;
}
E5_SIMD_VARIANTS(fit, (const struct plan *plan, const double *values, struct line *out), (plan, values, out))

E5_SIMD_BODY void subtract_body(const struct plan *plan, const double *values, const struct line *line,
                                double *restrict out) {
    for (size_t i = 0; i < plan->steps; i++)
        for (size_t k = 0; k < E5_LANES; k++) {
            double fitted = line->value[k] + line->slope[k] * (plan->time[i] - line->time[k]);
            out[i * E5_LANES + k] = values[i * E5_LANES + k] - fitted;
        }
}
E5_SIMD_VARIANTS(subtract,
                 (const struct plan *plan, const double *values, const struct line *line, double *restrict out),
                 (plan, values, line, out))

static void tile(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    struct line line;
    (void)scratch;
    fit(plan, operands[0].values, &line);
    subtract(plan, operands[0].values, &line, out);
}

const struct e5_series_ops e5_detrend_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
