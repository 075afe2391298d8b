/* hargreaves: potential evapotranspiration of minimum and maximum temperature.  Hargreaves & Samani 1985.
 *
 * Given: daily (or monthly mean) temperatures.  Returned: mm per day. */
#include "diag/evapotranspiration.h"
#include "kernels/sunlit.h"

enum { TMIN, TMAX, TMEAN, LATITUDE }; /* operands, in the order of the row */
enum { SUN };                         /* params */

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    return e5_sunlit_plan((enum e5_sun)params->value[SUN].integer, input, LATITUDE, out, err);
}

struct day { /* of E5_LANES cells; `mean` NULL: half way between the others */
    const double *low, *high, *mean;
};

E5_SIMD_BODY void evaporate_body(struct day day, const double *radiation, double *restrict out) {
    double mean[E5_LANES];
    if (day.mean != NULL) {
        E5_EACH_LANE(c) mean[c] = day.mean[c];
    } else {
        E5_EACH_LANE(c) mean[c] = 0.5 * (day.low[c] + day.high[c]);
    }
    E5_EACH_LANE(c) out[c] = e5_hargreaves_samani(day.low[c], day.high[c], mean[c], radiation[c]);
}
E5_SIMD_VARIANTS(evaporate, (struct day day, const double *radiation, double *restrict out), (day, radiation, out))

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct e5_daylight *plan = opaque;
    const double *low = operands[TMIN].values, *high = operands[TMAX].values;
    const double *mean = operands[TMEAN].rows > 0 ? operands[TMEAN].values : NULL;
    double *table = scratch, radiation[E5_LANES];
    e5_daylight_radiation(plan, operands[LATITUDE].values, table);
    for (size_t at = 0; at < plan->steps * E5_LANES; at += E5_LANES) {
        struct day day = {low + at, high + at, mean != NULL ? mean + at : NULL};
        e5_daylight_mean(plan, table, at / E5_LANES, radiation);
        evaporate(day, radiation, out + at);
    }
}

const struct e5_series_ops e5_hargreaves_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = e5_sunlit_free};
