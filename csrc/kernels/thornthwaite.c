/* thornthwaite: potential evapotranspiration of monthly mean temperature and the length of the day.
 *
 * Thornthwaite 1948.  Given: monthly means.  Returned: mm per day. */
#include <math.h>

#include "base/alloc.h"
#include "diag/cycle.h"
#include "diag/daylight.h"
#include "diag/evapotranspiration.h"
#include "kernels/sunlit.h"

enum { TEMPERATURE, LATITUDE };                     /* operands, in the order of the row */
enum { HEAT_INDEX, BASE_PERIOD, MONTH_LENGTH, SUN }; /* params */
enum { CLIMATOLOGY, YEAR };                         /* choices of HEAT_INDEX */

#define MONTHS 12
#define TABLE (E5_DAYLIGHT_DAYS * E5_LANES) /* doubles of scratch */

struct plan {
    struct e5_daylight daylight;
    int64_t *month; /* of each step, counted through the years */
    bool *base;     /* steps of the base period */
    bool by_year, by_calendar;
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_daylight_fini(&plan->daylight);
    free(plan->month);
    free(plan->base);
    free(plan);
}

static enum e5_status fill_plan(struct plan *plan, const struct e5_period *base, const struct e5_time_axis *axis,
                                struct e5_error *err) {
    bool months, some = false;
    enum e5_status status = e5_steps_are_months(axis, &months, err);
    if (status == E5_OK && !months) {
        status = e5_fail(err, E5_INPUT, "thornthwaite: steps are not months");
        e5_error_hint(err, "make monthly means first, with resample(x, 'mean', freq='MS')");
    }
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *plan->month, &plan->month, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *plan->base, &plan->base, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = e5_day_of(axis->seconds[i]);
        plan->month[i] = e5_cycle_month(axis, i);
        plan->base[i] = !base->given || (day >= base->first_day && day <= base->last_day);
        some |= plan->base[i];
    }
    return some ? E5_OK : e5_fail(err, E5_INPUT, "thornthwaite: no month lies in the base period");
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    const union e5_param *value = params->value;
    struct plan *plan;
    enum e5_status status = e5_latitude_check(input, LATITUDE, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){.by_year = value[HEAT_INDEX].integer == YEAR, .by_calendar = value[MONTH_LENGTH].integer};
    status = e5_daylight_init(&plan->daylight, input->axis, (enum e5_sun)value[SUN].integer, err);
    if (status == E5_OK) status = fill_plan(plan, &value[BASE_PERIOD].period, input->axis, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, input->axis->n, TABLE * sizeof(double)};
    return E5_OK;
}

/* Add what a month brings to the heat index. */
E5_SIMD_BODY void warm_body(const double *month, double *restrict heat) {
    E5_EACH_LANE(c) heat[c] += e5_thornthwaite_heat(month[c]);
}
E5_SIMD_VARIANTS(warm, (const double *month, double *restrict heat), (month, heat))

/* Heat index of a usual year, of the means of its months; NaN where a month has no value. */
static void heat_of_climatology(const struct plan *plan, const double *values, double *heat) {
    double sum[MONTHS][E5_LANES] = {{0}}, count[MONTHS][E5_LANES] = {{0}};
    for (size_t i = 0; i < plan->daylight.steps; i++) {
        if (!plan->base[i]) continue;
        int month = (int)((plan->month[i] % MONTHS + MONTHS) % MONTHS);
        const double *row = values + i * E5_LANES;
        for (size_t c = 0; c < E5_LANES; c++) {
            sum[month][c] += row[c] == row[c] ? row[c] : 0;
            count[month][c] += row[c] == row[c];
        }
    }
    for (size_t c = 0; c < E5_LANES; c++) heat[c] = 0;
    for (int month = 0; month < MONTHS; month++) {
        for (size_t c = 0; c < E5_LANES; c++) sum[month][c] /= count[month][c]; /* 0/0 is NaN */
        warm(sum[month], heat);
    }
}

/* Heat index of the year that begins with a step; NaN where a month is missing.  Returns the year's steps. */
static size_t heat_of_year(const struct plan *plan, const double *values, size_t first, double *heat) {
    size_t i = first;
    for (size_t c = 0; c < E5_LANES; c++) heat[c] = 0;
    for (; i < plan->daylight.steps && plan->month[i] - plan->month[first] < MONTHS; i++) {
        if (plan->month[i] % MONTHS == 0 && i > first) break;
        warm(values + i * E5_LANES, heat);
    }
    if (i - first < MONTHS)
        for (size_t c = 0; c < E5_LANES; c++) heat[c] = NAN;
    return i - first;
}

/* From hours of daylight and heat index to mm per day. */
E5_SIMD_BODY void evaporate_body(const double *values, const double *heat, double days, double *restrict out) {
    E5_EACH_LANE(c) out[c] *= e5_thornthwaite_month(values[c], heat[c]) / (12 * days);
}
E5_SIMD_VARIANTS(evaporate, (const double *values, const double *heat, double days, double *restrict out),
                 (values, heat, days, out))

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct plan *plan = opaque;
    const double *values = operands[TEMPERATURE].values;
    double *table = scratch, heat[E5_LANES];
    size_t year = 0; /* the step after those whose heat index is known */
    e5_daylight_hours(&plan->daylight, operands[LATITUDE].values, table);
    if (!plan->by_year) heat_of_climatology(plan, values, heat);
    for (size_t i = 0; i < plan->daylight.steps; i++) {
        size_t at = i * E5_LANES;
        if (plan->by_year && i == year) year += heat_of_year(plan, values, i, heat);
        e5_daylight_mean(&plan->daylight, table, i, out + at);
        evaporate(values + at, heat, plan->by_calendar ? plan->daylight.count[i] : 30, out + at);
    }
}

const struct e5_series_ops e5_thornthwaite_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
