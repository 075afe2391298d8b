/* gev: how rare is it?  The generalised extreme value distribution of the maxima of blocks.
 *
 * Given: one maximum (or minimum) per block, mostly a year.  Returned: location, scale, shape, and the level that is
 * passed once in so many blocks, with limits of confidence. */
#include <math.h>

#include "base/alloc.h"
#include "diag/normal.h"
#include "kernels/kernel.h"
#include "kernels/rare.h"

enum { RETURN_PERIOD, METHOD, EXTREME, CONFIDENCE, RESAMPLES }; /* params, in the order of kernels.def */
enum { LOCATION, SCALE, SHAPE, LEVEL, LOWER, UPPER, LIKELIHOOD, OUTPUTS };

struct plan {
    struct e5_rare rare;
    size_t steps;
    double probability, sign; /* minima are maxima of what has the other sign */
};

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    double tail = (1 - params->value[CONFIDENCE].number) / 2;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->rare = (struct e5_rare){
        .kind = E5_GEV,
        .method = (enum e5_rare_method)params->value[METHOD].integer,
        .normal = e5_normal_quantile(1 - tail),
        .tail = tail,
        .resamples = (size_t)params->value[RESAMPLES].integer,
    };
    plan->steps = input->axis->n;
    plan->probability = 1 - 1 / params->value[RETURN_PERIOD].number;
    plan->sign = params->value[EXTREME].integer == 0 ? 1 : -1;
    *out = (struct e5_series_plan){plan, OUTPUTS,
                                   (plan->steps + e5_rare_scratch(&plan->rare, plan->steps)) * sizeof(double)};
    return E5_OK;
}

static void cell(const void *opaque, const double *const *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *values = scratch;
    size_t n = 0;
    for (size_t i = 0; i < plan->steps; i++) {
        values[n] = plan->sign * series[0][i];
        n += isfinite(series[0][i]) ? 1 : 0;
    }
    struct e5_extreme_fit fit = e5_rare_fit(&plan->rare, values, n, 0);
    struct e5_rare_level level = e5_rare_level(&plan->rare, &fit, n, plan->probability, values + plan->steps);
    out[LOCATION] = plan->sign * fit.location;
    out[SCALE] = fit.scale;
    out[SHAPE] = fit.shape;
    out[LEVEL] = plan->sign * level.level;
    out[LOWER] = plan->sign * (plan->sign > 0 ? level.lower : level.upper);
    out[UPPER] = plan->sign * (plan->sign > 0 ? level.upper : level.lower);
    out[LIKELIHOOD] = fit.log_likelihood;
}

const struct e5_series_ops e5_gev_ops = {.plan = plan_new, .cell = cell, .plan_free = free};
