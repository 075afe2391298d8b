/* gev: how rare is it?  The generalised extreme value distribution of the maxima of blocks.
 *
 * Given: one maximum (or minimum) per block, mostly a year.  Returned: location, scale, shape, and the level that is
 * passed once in so many blocks, with limits of confidence. */
#include <math.h>

#include "base/alloc.h"
#include "diag/normal.h"
#include "diag/tile_sort.h"
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
    size_t list = e5_list_rows(plan->steps) * E5_LANES, sorted = plan->steps;
    *out = (struct e5_series_plan){plan, OUTPUTS,
                                   (list + sorted + e5_rare_scratch(&plan->rare, plan->steps)) * sizeof(double)};
    return E5_OK;
}

/* Values that count, with the sign of maxima; −∞ for the others. */
E5_SIMD_BODY void load_body(const double *values, size_t steps, double sign, double *list) {
    for (size_t i = 0; i < steps * E5_LANES; i++) {
        double value = sign * values[i] + 0; /* without a sign of zero */
        list[i] = value - value == 0 ? value : -INFINITY;
    }
}
E5_SIMD_VARIANTS(load, (const double *values, size_t steps, double sign, double *list), (values, steps, sign, list))

static void write_out(const struct plan *plan, const struct e5_extreme_fit *fit, const struct e5_rare_level *level,
                      double *out) {
    double low = plan->sign * level->lower, high = plan->sign * level->upper;
    out[LOCATION * E5_LANES] = plan->sign * fit->location;
    out[SCALE * E5_LANES] = fit->scale;
    out[SHAPE * E5_LANES] = fit->shape;
    out[LEVEL * E5_LANES] = plan->sign * level->level;
    out[LOWER * E5_LANES] = plan->sign > 0 ? low : high;
    out[UPPER * E5_LANES] = plan->sign > 0 ? high : low;
    out[LIKELIHOOD * E5_LANES] = fit->log_likelihood;
}

/* Scratch: the sorted list of the tile, the values of one lane in rising order, and what levels need. */
static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *list = scratch, *sorted = list + e5_list_rows(plan->steps) * E5_LANES, *rest = sorted + plan->steps;
    double moments[3][E5_LANES], count[E5_LANES];
    load(operands[0].values, plan->steps, plan->sign, list);
    e5_tile_sort(list, plan->steps);
    e5_tile_l_moments(list, plan->steps, moments, count);
    for (size_t c = 0; c < E5_LANES; c++) {
        size_t n = (size_t)count[c];
        for (size_t i = 0; i < n; i++) sorted[i] = list[(n - 1 - i) * E5_LANES + c];
        const double moment[3] = {moments[0][c], moments[1][c], moments[2][c]};
        struct e5_extreme_fit fit = e5_rare_fit_sorted(&plan->rare, sorted, n, moment);
        struct e5_rare_level level = e5_rare_level(&plan->rare, &fit, n, plan->probability, rest);
        write_out(plan, &fit, &level, out + c);
    }
}

const struct e5_series_ops e5_gev_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = free};
