/* penman_monteith: reference evapotranspiration of FAO-56, equation 6.
 *
 * Given: daily (or monthly mean) temperatures, dew point, wind, net radiation and pressure.  Returned: mm per day.
 * The ground stores no heat from day to day; from month to month it does (equations 43 and 44). */
#include <math.h>

#include "base/alloc.h"
#include "diag/cycle.h"
#include "diag/daylight.h"
#include "diag/evapotranspiration.h"
#include "kernels/kernel.h"

enum { TMIN, TMAX, DEWPOINT, WIND, RADIATION, PRESSURE, OPERANDS }; /* in the order of the row */
enum { WIND_HEIGHT };                                               /* params */

struct plan {
    size_t steps;
    bool months;
    bool *follows; /* of each step: it comes a month after the one before */
    double wind;   /* at 2 m, of that at its height */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->follows);
    free(plan);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    const struct e5_time_axis *axis = input->axis;
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){.steps = axis->n};
    plan->wind = 4.87 / log(67.8 * params->value[WIND_HEIGHT].number - 5.42); /* equation 47 */
    status = e5_steps_are_months(axis, &plan->months, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *plan->follows, &plan->follows, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    for (size_t i = 0; i < axis->n; i++)
        plan->follows[i] = i > 0 && e5_cycle_month(axis, i) == e5_cycle_month(axis, i - 1) + 1;
    *out = (struct e5_series_plan){plan, axis->n, 0};
    return E5_OK;
}

/* Heat that flows into the ground in a month, MJ m⁻² d⁻¹: by the months before and after it, or the one of them that
 * is known. */
static void heat_of_month(const struct plan *plan, const struct e5_tile *operands, size_t step, double *heat) {
    const double *low = operands[TMIN].values, *high = operands[TMAX].values;
    for (size_t c = 0; c < E5_LANES; c++) {
        size_t at = step * E5_LANES + c;
        double mean = 0.5 * (low[at] + high[at]), before = NAN, after = NAN;
        if (plan->follows[step]) before = 0.5 * (low[at - E5_LANES] + high[at - E5_LANES]);
        if (step + 1 < plan->steps && plan->follows[step + 1])
            after = 0.5 * (low[at + E5_LANES] + high[at + E5_LANES]);
        int known = !isnan(before) + !isnan(after);
        double rise = (isnan(after) ? mean : after) - (isnan(before) ? mean : before);
        heat[c] = known == 2 ? 0.07 * rise : 0.14 * rise;
    }
}

E5_SIMD_BODY void evaporate_body(const double *const *day, double wind, const double *heat, double *restrict out) {
    E5_EACH_LANE(c)
    out[c] = e5_penman_monteith(day[TMIN][c], day[TMAX][c], day[DEWPOINT][c], day[WIND][c] * wind, day[RADIATION][c],
                                heat[c], day[PRESSURE][c]);
}
E5_SIMD_VARIANTS(evaporate, (const double *const *day, double wind, const double *heat, double *restrict out),
                 (day, wind, heat, out))

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    double heat[E5_LANES] = {0}, usual[E5_LANES];
    (void)scratch;
    E5_EACH_LANE(c) usual[c] = E5_FAO56_PRESSURE;
    for (size_t step = 0; step < plan->steps; step++) {
        const double *day[OPERANDS];
        for (int i = 0; i < OPERANDS; i++)
            day[i] = operands[i].rows > 0 ? (const double *)operands[i].values + step * E5_LANES : usual;
        if (plan->months) heat_of_month(plan, operands, step, heat);
        evaporate(day, plan->wind, heat, out + step * E5_LANES);
    }
}

const struct e5_series_ops e5_penman_monteith_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
