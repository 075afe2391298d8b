/* gpd: how rare is it?  The generalised Pareto distribution of what exceeds a threshold.
 *
 * Given: a series and a threshold, one per cell.  Values above the threshold that follow each other closely are one
 * event, of which the largest counts.  Returned: scale, shape, events per year, and the level that is passed once in
 * so many years, with limits of confidence. */
#include <math.h>

#include "base/alloc.h"
#include "diag/normal.h"
#include "kernels/kernel.h"
#include "kernels/rare.h"

enum { X, THRESHOLD };                                          /* operands */
enum { RETURN_PERIOD, METHOD, SEPARATION, CONFIDENCE, RESAMPLES }; /* params, in the order of kernels.def */
enum { SCALE, SHAPE, RATE, EVENTS, LEVEL, LOWER, UPPER, LIKELIHOOD, OUTPUTS };

#define YEAR (365.2425 * 86400) /* seconds */

struct plan {
    struct e5_rare rare;
    size_t steps;
    const int64_t *seconds;
    double return_period;
    int64_t separation; /* seconds */
    double step_years;
};

/* How long a series of so many values is. */
static enum e5_status measure(const struct e5_time_axis *axis, double *out, struct e5_error *err) {
    int64_t step;
    enum e5_status status = e5_time_axis_step(axis, &step, err);
    if (status == E5_OK) *out = (double)step / YEAR;
    return status;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    double tail = (1 - params->value[CONFIDENCE].number) / 2, step_years;
    enum e5_status status = measure(input->axis, &step_years, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){
        .rare = {.kind = E5_GPD,
                 .method = (enum e5_rare_method)params->value[METHOD].integer,
                 .normal = e5_normal_quantile(1 - tail),
                 .tail = tail,
                 .resamples = (size_t)params->value[RESAMPLES].integer},
        .steps = input->axis->n,
        .seconds = input->axis->seconds,
        .return_period = params->value[RETURN_PERIOD].number,
        .separation = (int64_t)(params->value[SEPARATION].number * E5_DAY),
        .step_years = step_years,
    };
    *out = (struct e5_series_plan){plan, OUTPUTS,
                                   (plan->steps + e5_rare_scratch(&plan->rare, plan->steps)) * sizeof(double)};
    return E5_OK;
}

/* Peaks of the events; `valid` values were there. */
static size_t gather(const struct plan *plan, const double *series, double threshold, double *peak, size_t *valid) {
    size_t n = 0;
    int64_t last = 0; /* time of the last value above the threshold */
    *valid = 0;
    for (size_t i = 0; i < plan->steps; i++) {
        *valid += isfinite(series[i]) ? 1 : 0;
        if (!(series[i] > threshold) || !isfinite(series[i])) continue;
        if (n > 0 && plan->seconds[i] - last <= plan->separation)
            peak[n - 1] = fmax(peak[n - 1], series[i]);
        else
            peak[n++] = series[i];
        last = plan->seconds[i];
    }
    return n;
}

static void cell(const void *opaque, const double *const *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *peak = scratch, threshold = series[THRESHOLD][0];
    size_t valid, n = gather(plan, series[X], threshold, peak, &valid);
    double rate = (double)n / ((double)valid * plan->step_years);
    struct e5_extreme_fit fit = e5_rare_fit(&plan->rare, peak, n, threshold);
    struct e5_rare_level level =
        e5_rare_level(&plan->rare, &fit, n, 1 - 1 / (rate * plan->return_period), peak + plan->steps);
    out[SCALE] = fit.scale;
    out[SHAPE] = fit.shape;
    out[RATE] = rate;
    out[EVENTS] = isnan(threshold) ? NAN : (double)n;
    out[LEVEL] = level.level;
    out[LOWER] = level.lower;
    out[UPPER] = level.upper;
    out[LIKELIHOOD] = fit.log_likelihood;
}

const struct e5_series_ops e5_gpd_ops = {.plan = plan_new, .cell = cell, .plan_free = free};
