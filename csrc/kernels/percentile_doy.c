/* percentile_doy: quantiles of the pools of a moving window over the days of the year.
 *
 * Given: a daily series.  Returned: one value per slot; diag/doy.h does the work. */
#include "base/alloc.h"
#include "diag/doy.h"
#include "kernels/kernel.h"

/* params, in the order of kernels.def */
enum { PERCENTILE, WINDOW, BASE_PERIOD, TYPE, NEIGHBOURS, LEAP_DAY, SMOOTHING, MIN_SHARE, AT_LEAST };

static void plan_free(void *opaque) {
    e5_doy_fini(opaque);
    free(opaque);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct e5_doy *doy;
    struct e5_period base = params->value[BASE_PERIOD].period;
    struct e5_doy_options options = {.first_day = base.given ? base.first_day : INT64_MIN,
                                     .last_day = base.given ? base.last_day : INT64_MAX,
                                     .window = (int)params->value[WINDOW].integer,
                                     .neighbours = (enum e5_neighbours)params->value[NEIGHBOURS].integer,
                                     .leap = (enum e5_leap_rule)params->value[LEAP_DAY].integer,
                                     .probability = params->value[PERCENTILE].number / 100,
                                     .type = (int)params->value[TYPE].integer,
                                     .min_share = params->value[MIN_SHARE].number,
                                     .smoothing = (int)params->value[SMOOTHING].integer,
                                     .at_least = params->value[AT_LEAST].number,
                                     .limited = params->value[AT_LEAST].number > E5_NO_LIMIT};
    enum e5_status status = e5_alloc(1, sizeof *doy, &doy, err);
    if (status != E5_OK) return status;
    status = e5_doy_init(doy, input->axis, &options, err);
    if (status != E5_OK) {
        free(doy);
        return status;
    }
    *out = (struct e5_series_plan){doy, doy->results, e5_doy_scratch(doy)};
    return E5_OK;
}

static void tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    e5_doy_percentiles_f32(plan, operands->values, out, scratch);
}

static void tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    e5_doy_percentiles_f64(plan, operands->values, out, scratch);
}

const struct e5_series_ops e5_percentile_doy_ops = {
    .plan = plan_new, .tile_f32 = tile_f32, .tile_f64 = tile_f64, .plan_free = plan_free};
