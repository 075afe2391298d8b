/* climatology: what is normal for a day of the year, a month or a season.
 *
 * Given: a series of any step.  Returned: mean or standard deviation of all values of the base period that fall on
 * each day of the year, in each month or season.  Missing values are left out. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/cycle.h"
#include "kernels/kernel.h"

enum { GROUP, STATISTIC, BASE_PERIOD }; /* params, in the order of kernels.def */
enum { MEAN, STD };

struct plan {
    size_t steps, slots;
    int32_t *slot; /* of each step; −1 outside the base period */
    bool deviation;
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->slot);
    free(plan);
}

/* Leave out what lies outside the base period; E5_INPUT when nothing is left. */
static enum e5_status cut_base(struct plan *plan, const struct e5_period *base, const struct e5_time_axis *axis,
                               struct e5_error *err) {
    size_t left = 0;
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = e5_day_of(axis->seconds[i]);
        if (base->given && (day < base->first_day || day > base->last_day)) plan->slot[i] = -1;
        left += plan->slot[i] >= 0;
    }
    return left > 0 ? E5_OK : e5_fail(err, E5_INPUT, "climatology: no sample lies in the base period");
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    const struct e5_time_axis *axis = input->axis;
    enum e5_cycle cycle = (enum e5_cycle)params->value[GROUP].integer;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){.steps = axis->n, .slots = e5_cycle_slots(axis->calendar, cycle)};
    plan->deviation = params->value[STATISTIC].integer == STD;
    status = e5_alloc(axis->n, sizeof *plan->slot, &plan->slot, err);
    if (status == E5_OK) {
        e5_cycle_of(axis, cycle, plan->slot);
        status = cut_base(plan, &params->value[BASE_PERIOD].period, axis, err);
    }
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, plan->slots, 2 * plan->slots * E5_LANES * sizeof(double)};
    return E5_OK;
}

static void add(const struct plan *plan, const double *values, double *sum, double *count) {
    for (size_t i = 0; i < plan->steps; i++) {
        if (plan->slot[i] < 0) continue;
        const double *row = values + i * E5_LANES;
        double *to = sum + (size_t)plan->slot[i] * E5_LANES, *n = count + (size_t)plan->slot[i] * E5_LANES;
        for (size_t k = 0; k < E5_LANES; k++) {
            to[k] += row[k] == row[k] ? row[k] : 0.0;
            n[k] += row[k] == row[k] ? 1.0 : 0.0;
        }
    }
}

/* From means to sums of squares of what differs from them. */
static void add_squares(const struct plan *plan, const double *values, const double *mean, double *squares) {
    for (size_t i = 0; i < plan->steps; i++) {
        if (plan->slot[i] < 0) continue;
        const double *row = values + i * E5_LANES, *from = mean + (size_t)plan->slot[i] * E5_LANES;
        double *to = squares + (size_t)plan->slot[i] * E5_LANES;
        for (size_t k = 0; k < E5_LANES; k++) {
            double apart = row[k] - from[k];
            to[k] += apart == apart ? apart * apart : 0.0;
        }
    }
}

/* Scratch: counts, and squares of a deviation, a number per slot and lane each. */
static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    size_t n = plan->slots * E5_LANES;
    double *count = scratch, *squares = count + n;
    memset(out, 0, n * sizeof *out);
    memset(count, 0, n * sizeof *count);
    add(plan, operands[0].values, out, count);
    for (size_t i = 0; i < n; i++) out[i] /= count[i]; /* 0/0 is NaN: nothing fell on it */
    if (!plan->deviation) return;
    memset(squares, 0, n * sizeof *squares);
    add_squares(plan, operands[0].values, out, squares);
    for (size_t i = 0; i < n; i++) out[i] = count[i] > 1 ? sqrt(squares[i] / (count[i] - 1)) : NAN;
}

const struct e5_series_ops e5_climatology_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
