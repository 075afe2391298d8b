/* percentile: one sample quantile per cell, all seasons of the base period together.
 *
 * Given: a series.  Returned: one value; too small values (dry days) can be left out.  Each cell is gathered and
 * selected from: a value of the middle of a long sample has no short list. */
#include "base/alloc.h"
#include "diag/doy.h"
#include "diag/quantile.h"
#include "kernels/kernel.h"

enum { PERCENTILE, BASE_PERIOD, TYPE, AT_LEAST }; /* params, in the order of kernels.def */

struct plan {
    size_t first, n; /* steps of the base */
    double probability, at_least;
    int type;
};

static void plan_free(void *opaque) { free(opaque); }

static enum e5_status find_base(struct plan *plan, const struct e5_time_axis *axis, struct e5_period base,
                                struct e5_error *err) {
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = e5_day_of(axis->seconds[i]);
        if (base.given && (day < base.first_day || day > base.last_day)) continue;
        if (plan->n == 0) plan->first = i;
        plan->n++;
    }
    return plan->n > 0 ? E5_OK : e5_fail(err, E5_INPUT, "no day of the base period is in the series");
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){.probability = params->value[PERCENTILE].number / 100,
                          .at_least = params->value[AT_LEAST].number,
                          .type = (int)params->value[TYPE].integer};
    status = e5_quantile_check(plan->probability, plan->type, err);
    if (status == E5_OK) status = find_base(plan, input->axis, params->value[BASE_PERIOD].period, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, 1, plan->n * sizeof(double)};
    return E5_OK;
}

static void cell(const void *opaque, const double *const *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *sample = scratch;
    size_t n = 0;
    for (size_t i = plan->first; i < plan->first + plan->n; i++) {
        sample[n] = series[0][i] + 0.0; /* −0 becomes +0 */
        n += plan->at_least > E5_NO_LIMIT ? series[0][i] >= plan->at_least : series[0][i] == series[0][i];
    }
    *out = e5_quantile(sample, n, plan->probability, plan->type);
}

/* The limit is rounded to the precision of the values: a float32 of 0.1 is at least 0.1. */
static void tile_f32(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    const float *values = operands->values;
    float limit = (float)plan->at_least;
    double *sample = scratch;
    for (size_t c = 0; c < E5_LANES; c++) {
        size_t n = 0;
        for (size_t i = plan->first; i < plan->first + plan->n; i++) {
            float value = values[i * E5_LANES + c];
            sample[n] = (double)value + 0.0;
            n += plan->at_least > E5_NO_LIMIT ? value >= limit : value == value;
        }
        out[c] = e5_quantile(sample, n, plan->probability, plan->type);
    }
}

const struct e5_series_ops e5_percentile_ops = {
    .plan = plan_new, .cell = cell, .tile_f32 = tile_f32, .plan_free = plan_free};
