/* percentile_exceedance: how often a period is beyond the percentile of its days of the year.
 *
 * Given: a daily series.  Returned: per period days, and their percentage; diag/exceedance.h does the work. */
#include <math.h>

#include "base/alloc.h"
#include "diag/exceedance.h"
#include "kernels/kernel.h"

/* params, in the order of kernels.def */
enum {
    PERCENTILE,
    BEYOND,
    BASE_PERIOD,
    BOOTSTRAP,
    WINDOW,
    TYPE,
    NEIGHBOURS,
    LEAP_DAY,
    SMOOTHING,
    MIN_SHARE,
    PERCENT_OF
};
enum { OF_VALID, OF_ALL };

struct plan {
    struct e5_doy doy;
    struct e5_exceedance exceedance;
    const struct e5_periods *periods;
    size_t *days; /* periods: samples */
    bool of_all;
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_exceedance_fini(&plan->exceedance);
    e5_doy_fini(&plan->doy);
    free(plan->days);
    free(plan);
}

static enum e5_status make_doy(struct plan *plan, const struct e5_params *params, const struct e5_time_axis *axis,
                               struct e5_error *err) {
    struct e5_period base = params->value[BASE_PERIOD].period;
    struct e5_doy_options options = {.first_day = base.given ? base.first_day : INT64_MIN,
                                     .last_day = base.given ? base.last_day : INT64_MAX,
                                     .window = (int)params->value[WINDOW].integer,
                                     .neighbours = (enum e5_neighbours)params->value[NEIGHBOURS].integer,
                                     .leap = (enum e5_leap_rule)params->value[LEAP_DAY].integer,
                                     .probability = params->value[PERCENTILE].number / 100,
                                     .type = (int)params->value[TYPE].integer,
                                     .min_share = params->value[MIN_SHARE].number,
                                     .smoothing = (int)params->value[SMOOTHING].integer};
    return e5_doy_init(&plan->doy, axis, &options, err);
}

static enum e5_status count_days(struct plan *plan, struct e5_error *err) {
    enum e5_status status = e5_alloc(plan->periods->count, sizeof *plan->days, &plan->days, err);
    for (size_t i = 0; status == E5_OK && i < plan->exceedance.samples; i++)
        if (plan->periods->of_sample[i] >= 0) plan->days[plan->periods->of_sample[i]]++;
    return status;
}

static size_t counts_size(const struct plan *plan) {
    size_t bytes = plan->exceedance.samples * E5_LANES * sizeof(uint16_t);
    return (bytes + 63) / 64 * 64;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->periods = input->periods;
    plan->of_all = params->value[PERCENT_OF].integer == OF_ALL;
    status = make_doy(plan, params, input->axis, err);
    if (status == E5_OK)
        status = e5_exceedance_init(&plan->exceedance, &plan->doy, input->axis,
                                    (enum e5_beyond)params->value[BEYOND].integer,
                                    params->value[BOOTSTRAP].integer != 0, err);
    if (status == E5_OK) status = count_days(plan, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    size_t scratch = counts_size(plan) + e5_exceedance_scratch(&plan->exceedance);
    *out = (struct e5_series_plan){plan, 2 * input->periods->count, scratch};
    return E5_OK;
}

/* `percent` holds the numbers of valid days. */
static void finish(const struct plan *plan, double *days, double *percent) {
    for (size_t i = 0; i < plan->periods->count * E5_LANES; i++) {
        double all = plan->of_all ? (double)plan->days[i / E5_LANES] : percent[i];
        if (percent[i] == 0) days[i] = NAN;
        percent[i] = 100 * days[i] / all;
    }
}

static void tile_f32(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *percent = out + plan->periods->count * E5_LANES;
    e5_exceedance_f32(&plan->exceedance, operands->values, scratch, NULL, (char *)scratch + counts_size(plan));
    e5_exceedance_sum(&plan->exceedance, plan->periods, scratch, out, percent);
    finish(plan, out, percent);
}

static void tile_f64(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *percent = out + plan->periods->count * E5_LANES;
    e5_exceedance_f64(&plan->exceedance, operands->values, scratch, NULL, (char *)scratch + counts_size(plan));
    e5_exceedance_sum(&plan->exceedance, plan->periods, scratch, out, percent);
    finish(plan, out, percent);
}

const struct e5_series_ops e5_percentile_exceedance_ops = {
    .plan = plan_new, .tile_f32 = tile_f32, .tile_f64 = tile_f64, .plan_free = plan_free};
