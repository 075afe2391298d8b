/* fire_weather: the codes and indices of the Canadian Forest Fire Weather Index system, for one cell and day.
 *
 * Weather is that of local noon: °C, % (at most 100), km/h, and mm of rain in the last 24 hours.  Lines of arithmetic
 * for vectorised loops, as in diag/vector_math.h; conditions choose between values that are computed both. */
#ifndef E5_DIAG_FIRE_WEATHER_H
#define E5_DIAG_FIRE_WEATHER_H

#include <stdbool.h>

#include "diag/vector_math.h"

/* x^y, right to some ten roundings: these equations need no more, and at half the time of e5_pow. */
E5_SIMD_BODY double e5_fire_power(double x, double y) { return e5_exp(y * e5_log(x)); }

/* Moisture of the fine fuel in %, of its code. */
E5_SIMD_BODY double e5_fine_fuel_moisture(double code) { return 147.2 * (101 - code) / (59.5 + code); }

/* Its rise by rain; `rain` is above 0.5 mm. */
E5_SIMD_BODY double e5_wetted_fine_fuel(double moisture, double rain) {
    double fallen = rain - 0.5;
    double wet = moisture + 42.5 * fallen * e5_exp(-100 / (251 - moisture)) * (1 - e5_exp(-6.93 / fallen));
    double excess = moisture > 150 ? moisture - 150 : 0;
    wet += 0.0015 * excess * excess * sqrt(fallen);
    return wet > 250 ? 250 : wet;
}

/* Logarithm to base 10 of the daily drying (or, with 100 − humidity, wetting) factor. */
E5_SIMD_BODY double e5_fine_fuel_rate(double temperature, double humidity, double wind) {
    double share = 0.01 * humidity, square = share * share, fourth = square * square;
    double rate = 0.424 * (1 - e5_fire_power(share, 1.7)) + 0.0694 * sqrt(wind) * (1 - fourth * fourth);
    return rate * (0.581 * e5_exp(0.0365 * temperature));
}

/* Fine fuel moisture code, from that of the day before. */
E5_SIMD_BODY double e5_fine_fuel_code(double before, double temperature, double humidity, double wind, double rain) {
    double start = e5_fine_fuel_moisture(before);
    start = rain > 0.5 ? e5_wetted_fine_fuel(start, rain > 0.5 ? rain : 1) : start;
    double common = 0.18 * (21.1 - temperature) * (1 - e5_exp(-0.115 * humidity)),
           damp = e5_exp((humidity - 100) / 10);
    double dry_end = 0.942 * e5_fire_power(humidity, 0.679) + 11 * damp + common;
    double wet_end = 0.618 * e5_fire_power(humidity, 0.753) + 10 * damp + common;
    bool dries = start > dry_end, wets = (start < dry_end) & (start < wet_end);
    double end = dries ? dry_end : wet_end;
    double rate = e5_fine_fuel_rate(temperature, dries ? humidity : 100 - humidity, wind);
    double moved = end + (start - end) * e5_exp10(-rate), moisture = (dries | wets) ? moved : start;
    double code = 59.5 * (250 - moisture) / (147.2 + moisture);
    code = code > 101 ? 101 : code;
    return code < 0 ? 0 : code;
}

/* Duff moisture code; `hours` is the effective length of the day.  Two forms of the moisture are in use: Van
 * Wagner's, and that of the Canadian Forest Service's programs (`service`). */
E5_SIMD_BODY double e5_duff_code(double before, double temperature, double humidity, double rain, double hours,
                                 bool service) {
    double warm = temperature < -1.1 ? -1.1 : temperature, fallen = 0.92 * rain - 1.27;
    double moisture = service ? 280 * e5_exp(-0.023 * before) : e5_exp(5.6348 - before / 43.43); /* above 20 % */
    double logarithm = e5_log(before);
    double slope = before <= 33   ? 100 / (0.5 + 0.3 * before)
                   : before <= 65 ? 14 - 1.3 * logarithm
                                  : 6.2 * logarithm - 17.2;
    double wetted = moisture + 1000 * fallen / (48.77 + slope * fallen);
    double after = (service ? 43.43 * 5.6348 : 244.72) - 43.43 * e5_log(rain > 1.5 ? wetted : 1);
    after = rain > 1.5 ? (after > 0 ? after : 0) : before;
    double code = after + 1.894e-4 * (warm + 1.1) * (100 - humidity) * hours;
    return code < 0 ? 0 : code;
}

/* Drought code; `factor` stands for the length of the day. */
E5_SIMD_BODY double e5_drought_code(double before, double temperature, double rain, double factor) {
    double warm = temperature < -2.8 ? -2.8 : temperature, loss = 0.36 * (warm + 2.8) + factor;
    double fallen = 3.937 * (0.83 * rain - 1.27), room = 800 * e5_exp(-before / 400);
    double after = before - 400 * e5_log(rain > 2.8 ? 1 + fallen / room : 1);
    return (after > 0 ? after : 0) + 0.5 * (loss > 0 ? loss : 0);
}

/* Drought code of the spring, from that of the last autumn and the precipitation in mm since then; `carry_over` is
 * the share of the autumn's moisture that is left, `wetting` that of the precipitation that gets into the ground. */
E5_SIMD_BODY double e5_drought_after_winter(double autumn, double rain, double carry_over, double wetting) {
    return 400 * e5_log(800 / (carry_over * 800 * e5_exp(-autumn / 400) + wetting * 3.94 * rain));
}

/* Initial spread index. */
E5_SIMD_BODY double e5_spread_index(double fine_fuel_code, double wind) {
    double moisture = e5_fine_fuel_moisture(fine_fuel_code);
    double fuel = 91.9 * e5_exp(-0.1386 * moisture) * (1 + e5_fire_power(moisture, 5.31) / 4.93e7);
    return 0.208 * e5_exp(0.05039 * wind) * fuel;
}

/* Build-up index. */
E5_SIMD_BODY double e5_build_up_index(double duff_code, double drought_code) {
    double sum = duff_code + 0.4 * drought_code, share = 0.8 * drought_code / (sum > 0 ? sum : 1);
    double deep = duff_code - (1 - share) * (0.92 + e5_fire_power(0.0114 * duff_code, 1.7));
    double index = duff_code <= 0.4 * drought_code ? share * duff_code : deep;
    return index < 0 ? 0 : index;
}

/* Fire weather index. */
E5_SIMD_BODY double e5_fire_index(double spread_index, double build_up_index) {
    double low = 0.626 * e5_fire_power(build_up_index, 0.809) + 2;
    double high = 1000 / (25 + 108.64 * e5_exp(-0.023 * build_up_index));
    double intensity = 0.1 * spread_index * e5_choose(build_up_index <= 80, low, high);
    double scaled = e5_exp(2.72 * e5_fire_power(0.434 * e5_log(intensity), 0.647));
    return e5_choose(intensity > 1, scaled, intensity);
}

/* Daily severity rating. */
E5_SIMD_BODY double e5_fire_severity(double fire_index) { return 0.0272 * e5_fire_power(fire_index, 1.77); }

/* --- length of the day, by month (0 … 11) and latitude --- */

/* Hours for the duff moisture code; NaN for what is no latitude. */
static inline double e5_duff_hours(double latitude, int month) {
    static const double hours[5][12] = {{11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10, 11.2, 11.8},
                                        {10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2},
                                        {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9},
                                        {7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8},
                                        {6.5, 7.5, 9, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8, 7, 6}};
    int band = (latitude >= -30) + (latitude >= -15) + (latitude >= 15) + (latitude >= 30);
    return fabs(latitude) <= 90 ? hours[band][month] : (double)NAN;
}

/* Factor for the drought code. */
static inline double e5_drought_factor(double latitude, int month) {
    static const double north[12] = {-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6};
    double factor = latitude >= 15 ? north[month] : latitude >= -15 ? 1.39 : north[(month + 6) % 12];
    return fabs(latitude) <= 90 ? factor : (double)NAN;
}

#endif
