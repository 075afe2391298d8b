/* heatwave_aspects: number, days, length, magnitude, amplitude and timing of the heatwaves of each season.
 *
 * Given: what tells a hot day (a temperature and its threshold, or the excess heat factor and 0), and the magnitude
 * of a day, if that is something else.  A heatwave that begins in the season keeps up to `tail` days after its end;
 * one that runs when the season begins has its days in the season only. */
#include <math.h>

#include "base/alloc.h"
#include "diag/spells.h"
#include "kernels/kernel.h"

enum { X, THRESHOLD, MAGNITUDE };                                     /* operands */
enum { OP, MIN_LENGTH, MAX_GAP, GAP_ORDER, TAIL, LEAP_DAY };          /* params, in the order of kernels.def */
enum { HWN, HWF, HWD, HWM, HWA, HWT, OUTPUTS };                       /* in the order of kernels.def */

struct plan {
    struct e5_spell_axis axis;
    struct e5_spell_rule rule;
    enum e5_spell_test test;
    size_t periods, tail;
    int32_t *slot;
    const int32_t *period; /* of each step; the driver's, which outlives the plan */
    size_t *last; /* periods: its last step */
};

struct sums { /* of one season */
    double events, days, longest, means, hottest, peak, start;
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_spell_axis_fini(&plan->axis);
    free(plan->slot);
    free(plan->last);
    free(plan);
}

static enum e5_status fill(struct plan *plan, const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_error *err) {
    size_t steps = input->axis->n;
    enum e5_status status =
        e5_spell_axis_init(&plan->axis, input->axis, input->periods, E5_SPELL_LAST, &plan->rule, err);
    if (status == E5_OK) status = e5_alloc(steps, sizeof *plan->slot, &plan->slot, err);
    if (status == E5_OK) status = e5_alloc(plan->periods, sizeof *plan->last, &plan->last, err);
    if (status == E5_OK)
        status = e5_spell_slots(input->axis, input->rows[THRESHOLD], params->value[LEAP_DAY].integer == 0, plan->slot,
                                err);
    for (size_t t = 0; status == E5_OK && t < steps; t++)
        if (plan->period[t] >= 0) plan->last[plan->period[t]] = t;
    return status;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->rule =
        (struct e5_spell_rule){(size_t)params->value[MIN_LENGTH].integer, (size_t)params->value[MAX_GAP].integer,
                               (enum e5_spell_order)params->value[GAP_ORDER].integer};
    plan->test = (enum e5_spell_test)params->value[OP].integer;
    plan->tail = (size_t)params->value[TAIL].integer;
    plan->periods = input->periods->count;
    plan->period = input->periods->of_sample;
    status = fill(plan, params, input, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    size_t flags = 4 * e5_spell_axis_size(&plan->axis) * sizeof(uint32_t);
    *out = (struct e5_series_plan){plan, OUTPUTS * plan->periods, flags + plan->periods * sizeof(struct sums)};
    return E5_OK;
}

/* --- one heatwave --- */

static void add_event(const struct plan *plan, const double *magnitude, size_t first, size_t last, size_t lane,
                      struct sums *to) {
    double sum = 0, peak = NAN, days = (double)(last - first + 1);
    for (size_t t = first; t <= last; t++) {
        double value = magnitude[t * E5_LANES + lane];
        sum += value;
        peak = fmax(peak, value); /* of the values that are known */
    }
    double mean = sum / days;
    if (to->events == 0) to->start = plan->axis.place[first];
    if (to->events == 0 || mean > to->hottest || (isnan(to->hottest) && !isnan(mean))) {
        to->hottest = mean;
        to->peak = peak;
    }
    to->events += 1;
    to->days += days;
    to->longest = days > to->longest ? days : to->longest;
    to->means += mean;
}

/* A run, in each of the seasons that it touches. */
static void add_run(const struct plan *plan, const double *magnitude, struct e5_spell run, size_t lane,
                    struct sums *sums) {
    for (size_t t = run.first; t <= run.last;) {
        int32_t period = plan->period[t];
        if (period < 0) {
            t++;
            continue;
        }
        size_t end = plan->last[period] + (t == run.first ? plan->tail : 0), last = run.last < end ? run.last : end;
        add_event(plan, magnitude, t, last, lane, &sums[period]);
        t = last + 1;
        while (t <= run.last && plan->period[t] == period) t++;
    }
}

static void put(const struct plan *plan, const struct sums *sums, size_t period, size_t lane, double *out) {
    const struct sums *s = &sums[period];
    double value[OUTPUTS] = {[HWN] = s->events, [HWF] = s->days, [HWD] = s->longest,
                             [HWM] = NAN,       [HWA] = NAN,     [HWT] = NAN};
    if (s->events > 0) {
        value[HWM] = s->means / s->events;
        value[HWA] = s->peak;
        value[HWT] = s->start;
    }
    for (size_t i = 0; i < OUTPUTS; i++) out[(i * plan->periods + period) * E5_LANES + lane] = value[i];
}

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    size_t size = e5_spell_axis_size(&plan->axis);
    uint32_t *flags = scratch, *known = flags + size, *others = known + size;
    struct sums *sums = (struct sums *)(others + 2 * size);
    const double *magnitude = operands[operands[MAGNITUDE].rows > 0 ? MAGNITUDE : X].values;
    struct e5_spell_series x = {operands[X].values, true};
    struct e5_spell_limit limit = {operands[THRESHOLD].values, operands[THRESHOLD].rows, plan->slot};
    struct e5_spell run;
    e5_spell_flags(&plan->axis, x, limit, plan->test, flags);
    if (plan->rule.gap > 0) e5_spell_known(&plan->axis, x, known);
    e5_spell_select(&plan->axis, &plan->rule, flags, known, others);
    for (size_t lane = 0; lane < E5_LANES; lane++) {
        for (size_t p = 0; p < plan->periods; p++) sums[p] = (struct sums){0};
        for (size_t from = 0; e5_spell_next(&plan->axis, flags, lane, from, &run); from = run.last + 1)
            add_run(plan, magnitude, run, lane, sums);
        for (size_t p = 0; p < plan->periods; p++) put(plan, sums, p, lane, out);
    }
}

const struct e5_series_ops e5_heatwave_aspects_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
