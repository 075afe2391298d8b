/* excess_heat: the excess heat factor, and with `cold` the excess cold factor, of each day.
 *
 * Given: a daily mean temperature, or a maximum and a minimum whose mean is meant; the threshold may be given, else
 * it is a percentile of all days of the base.  Returned: the factor in K², and its severity, the factor by a
 * percentile of the positive ones of the base.  Sums of 3 and 30 days are made anew for each day, in order of time.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "diag/quantile.h"
#include "diag/spells.h"
#include "kernels/kernel.h"

enum { X, TN, THRESHOLD }; /* operands */
/* params, in the order of kernels.def */
enum { PERCENTILE, SEVERITY, BASE_PERIOD, TYPE, DIRECTION, NEGATIVE, COLD, LEAP_DAY };
enum { DAYS = 3, BEFORE = 30 }; /* of the present, and of what people are used to */

struct plan {
    size_t steps, first, end; /* steps of the base are [first, end) */
    double probability, severe;
    int type;
    double sign; /* −1: cold is heat upside down, temperatures and percentiles are turned over */
    bool zero;
    size_t shift; /* steps from the first day of the three to the one that has the result */
    bool *whole; /* steps: the days around it that are needed are all in the series */
    int32_t *slot; /* of the threshold; NULL when it is not given */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->whole);
    free(plan->slot);
    free(plan);
}

static void find_base(struct plan *plan, const struct e5_time_axis *axis, struct e5_period base) {
    plan->end = axis->n;
    if (!base.given) return;
    while (plan->first < axis->n && axis->seconds[plan->first] < base.first_day * E5_DAY) plan->first++;
    while (plan->end > plan->first && axis->seconds[plan->end - 1] >= (base.last_day + 1) * E5_DAY) plan->end--;
}

static void find_whole(struct plan *plan, const struct e5_time_axis *axis) {
    for (size_t t = BEFORE; t + DAYS <= axis->n; t++)
        plan->whole[t] = axis->seconds[t + DAYS - 1] - axis->seconds[t - BEFORE] == (BEFORE + DAYS - 1) * E5_DAY;
}

static enum e5_status fill(struct plan *plan, const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_error *err) {
    size_t rows = input->rows[THRESHOLD];
    find_base(plan, input->axis, params->value[BASE_PERIOD].period);
    if (plan->first >= plan->end) return e5_fail(err, E5_INPUT, "excess_heat: no day of the base is in the series");
    enum e5_status status = e5_quantile_check(plan->probability, plan->type, err);
    if (status == E5_OK) status = e5_quantile_check(plan->severe, plan->type, err);
    if (status == E5_OK) status = e5_alloc(plan->steps, sizeof *plan->whole, &plan->whole, err);
    if (status == E5_OK && rows > 0) status = e5_alloc(plan->steps, sizeof *plan->slot, &plan->slot, err);
    if (status == E5_OK && rows > 0)
        status = e5_spell_slots(input->axis, rows, params->value[LEAP_DAY].integer == 0, plan->slot, err);
    if (status == E5_OK) find_whole(plan, input->axis);
    return status;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->steps = input->axis->n;
    plan->probability = params->value[PERCENTILE].number / 100;
    plan->severe = params->value[SEVERITY].number / 100;
    plan->type = (int)params->value[TYPE].integer;
    plan->sign = params->value[COLD].integer != 0 ? -1 : 1;
    plan->shift = params->value[DIRECTION].integer != 0 ? DAYS - 1 : 0;
    plan->zero = params->value[NEGATIVE].integer != 0;
    status = fill(plan, params, input, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    size_t series = plan->steps * E5_LANES, pool = (plan->steps + 7) / 8 * 8;
    *out = (struct e5_series_plan){plan, 2 * plan->steps, (series + pool) * sizeof(double)};
    return E5_OK;
}

/* --- one tile --- */

static void take_means(const struct plan *plan, const struct e5_tile *operands, double *restrict mean) {
    const double *x = operands[X].values, *tn = operands[TN].values;
    bool two = operands[TN].rows > 0;
    for (size_t i = 0; i < plan->steps * E5_LANES; i++) mean[i] = plan->sign * (two ? (x[i] + tn[i]) / 2 : x[i]);
}

/* Percentile of the base's values of a lane, NaN left out, or of those above 0 alone. */
static double percentile(const struct plan *plan, const double *series, size_t lane, double probability,
                         bool positive, double *pool) {
    size_t n = 0;
    for (size_t t = plan->first; t < plan->end; t++) {
        double value = series[t * E5_LANES + lane];
        pool[n] = value;
        n += positive ? value > 0 : value == value;
    }
    return e5_quantile(pool, n, probability, plan->type);
}

E5_SIMD_BODY void factors_body(const struct plan *plan, const double *mean, const double *than, size_t slots,
                               double *restrict out) {
    for (size_t t = BEFORE; t + DAYS <= plan->steps; t++) {
        const double *now = mean + t * E5_LANES,
                     *limit = than + (slots > 1 ? plan->slot[t + plan->shift] : 0) * E5_LANES;
        double *restrict factor = out + (t + plan->shift) * E5_LANES;
        double three[E5_LANES], thirty[E5_LANES] = {0};
        if (!plan->whole[t]) continue;
        for (size_t k = BEFORE; k > 0; k--) {
            const double *past = now - k * E5_LANES;
            E5_EACH_LANE(c) thirty[c] += past[c];
        }
        E5_EACH_LANE(c) three[c] = (now[c] + now[c + E5_LANES] + now[c + 2 * E5_LANES]) / DAYS;
        E5_EACH_LANE(c) {
            double excess = three[c] - limit[c], change = three[c] - thirty[c] / BEFORE;
            factor[c] = excess * (change < 1 ? 1 : change);
        }
    }
}
E5_SIMD_VARIANTS(factors,
                 (const struct plan *plan, const double *mean, const double *than, size_t slots,
                  double *restrict out),
                 (plan, mean, than, slots, out))

static void take_severity(const struct plan *plan, double *out, double *pool) {
    double *severity = out + plan->steps * E5_LANES;
    for (size_t lane = 0; lane < E5_LANES; lane++) {
        double severe = percentile(plan, out, lane, plan->severe, true, pool);
        for (size_t t = 0; t < plan->steps; t++) severity[t * E5_LANES + lane] = out[t * E5_LANES + lane] / severe;
    }
}

static void drop_negative(const struct plan *plan, double *out) {
    for (size_t i = 0; plan->zero && i < plan->steps * E5_LANES; i++)
        if (out[i] < 0) out[i] = 0;
}

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double *mean = scratch, *pool = mean + plan->steps * E5_LANES;
    _Alignas(64) double fixed[E5_LANES], given[E5_SPELL_SLOTS * E5_LANES];
    size_t slots = operands[THRESHOLD].rows;
    for (size_t i = 0; i < 2 * plan->steps * E5_LANES; i++) out[i] = NAN;
    take_means(plan, operands, mean);
    for (size_t c = 0; slots == 0 && c < E5_LANES; c++)
        fixed[c] = percentile(plan, mean, c, plan->probability, false, pool);
    for (size_t i = 0; i < slots * E5_LANES; i++)
        given[i] = plan->sign * ((const double *)operands[THRESHOLD].values)[i];
    factors(plan, mean, slots > 0 ? given : fixed, slots, out);
    drop_negative(plan, out);
    take_severity(plan, out, pool);
    for (size_t i = 0; i < plan->steps * E5_LANES; i++) out[i] = plan->sign * out[i]; /* ECF is negative where cold */
}

const struct e5_series_ops e5_excess_heat_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
