/* evapotranspiration: what grass that never lacks water would give to the air, of one cell and step.
 *
 * Temperatures are in °C, pressures in kPa, radiation in MJ m⁻² d⁻¹, wind in m/s at 2 m, results in mm/d.  Allen et
 * al. 1998, FAO Irrigation and Drainage Paper 56 (FAO-56).  Lines of arithmetic for vectorised loops, as in
 * diag/vector_math.h. */
#ifndef E5_DIAG_EVAPOTRANSPIRATION_H
#define E5_DIAG_EVAPOTRANSPIRATION_H

#include "diag/vector_math.h"

#define E5_FAO56_PRESSURE 101.3 /* at the level of the sea */
#define E5_MM_PER_MJ 0.408      /* water that 1 MJ m⁻² evaporates */

/* Equation 11. */
E5_SIMD_BODY double e5_fao56_vapour_pressure(double t) { return 0.6108 * e5_exp(17.27 * t / (t + 237.3)); }

/* Equation 52; minima above the maxima count as the same, results below 0 as 0. */
E5_SIMD_BODY double e5_hargreaves_samani(double tmin, double tmax, double mean, double radiation) {
    double range = tmax - tmin;
    range = range < 0 ? 0 : range;
    double result = 0.0023 * E5_MM_PER_MJ * radiation * (mean + 17.8) * sqrt(range);
    return result < 0 ? 0 : result;
}

/* Equation 6; `heat` is what flows into the ground. */
E5_SIMD_BODY double e5_penman_monteith(double tmin, double tmax, double dewpoint, double wind, double radiation,
                                       double heat, double pressure) {
    double mean = 0.5 * (tmin + tmax), away = mean + 237.3;
    double slope = 4098 * e5_fao56_vapour_pressure(mean) / (away * away), gamma = 0.665e-3 * pressure;
    double deficit =
        0.5 * (e5_fao56_vapour_pressure(tmin) + e5_fao56_vapour_pressure(tmax)) - e5_fao56_vapour_pressure(dewpoint);
    double above = E5_MM_PER_MJ * slope * (radiation - heat) + gamma * 900 / (mean + 273) * wind * deficit;
    return above / (slope + gamma * (1 + 0.34 * wind));
}

/* Equations 37 to 40: net radiation of grass, of that of the sun on the ground and at the top of the atmosphere.
 * Clear skies let through more where the air is thin (equation 7 tells the height of its pressure).  Without a sun
 * the sky counts as half clear; NaN stays. */
E5_SIMD_BODY double e5_fao56_net_radiation(double solar, double top, double tmin, double tmax, double dewpoint,
                                           double pressure) {
    double height = (1 - e5_pow(pressure / E5_FAO56_PRESSURE, 1 / 5.26)) * (293 / 0.0065);
    double clear = (0.75 + 2e-5 * height) * top, share = top > 0 ? solar / clear : 0.5 + (pressure - pressure);
    share = share > 1 ? 1 : share;
    share = share < 0.3 ? 0.3 : share; /* overcast: ASCE-EWRI 2005, equation 18 */
    double low = tmin + 273.16, high = tmax + 273.16;
    double emitted = 4.903e-9 * 0.5 * (low * low * low * low + high * high * high * high);
    double lost = emitted * (0.34 - 0.14 * sqrt(e5_fao56_vapour_pressure(dewpoint))) * (1.35 * share - 0.35);
    return (1 - 0.23) * solar - lost;
}

/* Thornthwaite's heat index of a month, and his evapotranspiration in a month of 30 days of 12 hours. */
E5_SIMD_BODY double e5_thornthwaite_heat(double t) { return e5_pow((t < 0 ? 0 : t) / 5, 1.514); }
E5_SIMD_BODY double e5_thornthwaite_month(double t, double heat) {
    double a = ((6.75e-7 * heat - 7.71e-5) * heat + 0.01792) * heat + 0.49239, warm = t < 0 ? 0 : t;
    double result = 16 * e5_pow(warm > 0 ? 10 * warm / heat : warm, a);
    return result + (heat - heat); /* NaN where the index is */
}

#endif
