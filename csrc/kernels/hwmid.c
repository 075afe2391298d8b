/* hwmid: the heat wave magnitude index daily of each year.
 *
 * Given: daily maximum temperature and its threshold for each day of the year.  A hot day's magnitude is how far it
 * lies above the lower quartile of the annual maxima of the reference period, in quartile ranges; a heatwave's the
 * sum of its days'; a year's that of its largest heatwave.  Years that the series does not cover to their ends have
 * no annual maximum. */
#include <math.h>

#include "base/alloc.h"
#include "diag/quantile.h"
#include "diag/spells.h"
#include "kernels/kernel.h"

enum { X, THRESHOLD };                                                 /* operands */
enum { BASE_PERIOD, MIN_LENGTH, TYPE, LEAP_DAY };                      /* params, in the order of kernels.def */
enum { MAGNITUDE, DURATION, START, OUTPUTS };                          /* in the order of kernels.def */

struct plan {
    struct e5_spell_axis axis;
    struct e5_spell_rule rule;
    size_t periods, first, end; /* periods of the reference are [first, end) */
    int type;
    int32_t *slot;
    const int32_t *period; /* of each step; the driver's, which outlives the plan */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_spell_axis_fini(&plan->axis);
    free(plan->slot);
    free(plan);
}

/* Whether the series begins or ends within a period, and lacks days of it. */
static bool is_cut(const struct e5_series_input *input, size_t period) {
    const struct e5_periods *periods = input->periods;
    const struct e5_time_axis *axis = input->axis;
    if (axis->seconds[0] < periods->start[period] + E5_DAY &&
        axis->seconds[axis->n - 1] >= periods->end[period] - E5_DAY)
        return false;
    int32_t samples = 0;
    for (size_t t = 0; t < axis->n; t++) samples += periods->of_sample[t] == (int32_t)period;
    return samples < periods->expected[period];
}

static enum e5_status fill(struct plan *plan, const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_error *err) {
    struct e5_period base = params->value[BASE_PERIOD].period;
    const struct e5_periods *periods = input->periods;
    plan->end = plan->periods;
    while (base.given && plan->first < plan->end && periods->start[plan->first] < base.first_day * E5_DAY)
        plan->first++;
    while (base.given && plan->end > plan->first && periods->start[plan->end - 1] > base.last_day * E5_DAY)
        plan->end--;
    if (plan->first < plan->end && is_cut(input, plan->first)) plan->first++;
    if (plan->first < plan->end && is_cut(input, plan->end - 1)) plan->end--;
    if (plan->first == plan->end) return e5_fail(err, E5_INPUT, "hwmid: no whole year of the base is in the series");
    enum e5_status status = e5_quantile_check(0.25, plan->type, err);
    if (status == E5_OK)
        status = e5_spell_axis_init(&plan->axis, input->axis, periods, E5_SPELL_CUT, &plan->rule, err);
    if (status == E5_OK) status = e5_alloc(input->axis->n, sizeof *plan->slot, &plan->slot, err);
    if (status == E5_OK)
        status = e5_spell_slots(input->axis, input->rows[THRESHOLD], params->value[LEAP_DAY].integer == 0, plan->slot,
                                err);
    return status;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->rule = (struct e5_spell_rule){(size_t)params->value[MIN_LENGTH].integer, 0, E5_SPELL_FILTER_JOIN};
    plan->type = (int)params->value[TYPE].integer;
    plan->periods = input->periods->count;
    plan->period = input->periods->of_sample;
    status = fill(plan, params, input, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    size_t flags = e5_spell_axis_size(&plan->axis) * sizeof(uint32_t);
    *out = (struct e5_series_plan){plan, OUTPUTS * plan->periods, flags + 2 * plan->periods * sizeof(double)};
    return E5_OK;
}

/* --- one cell --- */

/* Annual maxima of the reference; the number of them. */
static size_t find_maxima(const struct plan *plan, const double *x, double *maxima) {
    size_t n = 0;
    for (size_t p = plan->first; p < plan->end; p++) maxima[p] = -INFINITY;
    for (size_t t = 0; t < plan->axis.steps; t++) {
        int32_t p = plan->period[t];
        double value = x[t * E5_LANES];
        if (p >= (int32_t)plan->first && p < (int32_t)plan->end && value > maxima[p]) maxima[p] = value;
    }
    for (size_t p = plan->first; p < plan->end; p++)
        if (isfinite(maxima[p])) maxima[n++] = maxima[p];
    return n;
}

static double magnitude(const double *x, struct e5_spell run, double low, double range) {
    double sum = 0;
    for (size_t t = run.first; t <= run.last; t++) sum += x[t * E5_LANES] > low ? (x[t * E5_LANES] - low) / range : 0;
    return sum;
}

/* `values`: room for the quartiles' two samples. */
static void one_cell(const struct plan *plan, const double *x, const uint32_t *flags, size_t lane, double *values,
                     double *out) {
    double *copy = values + plan->periods;
    size_t n = find_maxima(plan, x, values), row = plan->periods * E5_LANES;
    struct e5_spell run;
    for (size_t i = 0; i < n; i++) copy[i] = values[i];
    double low = e5_quantile(values, n, 0.25, plan->type), range = e5_quantile(copy, n, 0.75, plan->type) - low;
    for (size_t p = 0; p < plan->periods; p++) {
        out[p * E5_LANES] = out[row + p * E5_LANES] = range > 0 ? 0 : NAN;
        out[2 * row + p * E5_LANES] = NAN;
    }
    for (size_t from = 0; range > 0 && e5_spell_next(&plan->axis, flags, lane, from, &run); from = run.last + 1) {
        int32_t p = plan->period[run.first];
        double sum = magnitude(x, run, low, range);
        if (p < 0 || !(sum > out[(size_t)p * E5_LANES])) continue;
        out[(size_t)p * E5_LANES] = sum;
        out[row + (size_t)p * E5_LANES] = (double)(run.last - run.first + 1);
        out[2 * row + (size_t)p * E5_LANES] = plan->axis.place[run.first];
    }
}

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    uint32_t *flags = scratch;
    double *values = (double *)(flags + e5_spell_axis_size(&plan->axis));
    struct e5_spell_limit limit = {operands[THRESHOLD].values, operands[THRESHOLD].rows, plan->slot};
    e5_spell_flags(&plan->axis, (struct e5_spell_series){operands[X].values, true}, limit, E5_SPELL_ABOVE, flags);
    e5_spell_select(&plan->axis, &plan->rule, flags, NULL, NULL);
    for (size_t lane = 0; lane < E5_LANES; lane++)
        one_cell(plan, (const double *)operands[X].values + lane, flags, lane, values, out + lane);
}

const struct e5_series_ops e5_hwmid_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
