/* net_radiation: of grass, where only the radiation of the sun is known.  FAO-56, equations 37 to 40.
 *
 * Given: daily (or monthly mean) solar radiation, temperatures and dew point.  Returned: MJ m⁻² d⁻¹. */
#include "diag/evapotranspiration.h"
#include "kernels/sunlit.h"

enum { SOLAR, TMIN, TMAX, DEWPOINT, PRESSURE, LATITUDE }; /* operands, in the order of the row */

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    (void)params;
    return e5_sunlit_plan(E5_SUN_FAO56, input, LATITUDE, out, err);
}

struct day { /* of E5_LANES cells */
    const double *solar, *low, *high, *dewpoint, *pressure;
};

E5_SIMD_BODY void balance_body(struct day day, const double *top, double *restrict out) {
    E5_EACH_LANE(c)
    out[c] = e5_fao56_net_radiation(day.solar[c], top[c], day.low[c], day.high[c], day.dewpoint[c], day.pressure[c]);
}
E5_SIMD_VARIANTS(balance, (struct day day, const double *top, double *restrict out), (day, top, out))

static void tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct e5_daylight *plan = opaque;
    const double *values[LATITUDE];
    double *table = scratch, top[E5_LANES], usual[E5_LANES];
    for (int i = SOLAR; i <= PRESSURE; i++) values[i] = operands[i].values;
    E5_EACH_LANE(c) usual[c] = E5_FAO56_PRESSURE;
    e5_daylight_radiation(plan, operands[LATITUDE].values, table);
    for (size_t at = 0; at < plan->steps * E5_LANES; at += E5_LANES) {
        struct day day = {values[SOLAR] + at, values[TMIN] + at, values[TMAX] + at, values[DEWPOINT] + at,
                          operands[PRESSURE].rows > 0 ? values[PRESSURE] + at : usual};
        e5_daylight_mean(plan, table, at / E5_LANES, top);
        balance(day, top, out + at);
    }
}

const struct e5_series_ops e5_net_radiation_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = e5_sunlit_free};
