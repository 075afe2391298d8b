/* daylight: how long the sun shines on a day, and what reaches the top of the atmosphere meanwhile.
 *
 * Steps of a series are days or whole months; what holds for a month is the mean over its days.  Formulas: FAO-56
 * (equations 21 to 25 and 34, solar constant 0.0820 MJ m⁻² min⁻¹), or the Fourier series of Spencer (1971) with
 * 1361 W/m².  Both know a year of one length: the days of other calendars are stretched to it.
 *
 * A struct e5_daylight owns its arrays (_fini).  Any thread; nothing blocks. */
#ifndef E5_DIAG_DAYLIGHT_H
#define E5_DIAG_DAYLIGHT_H

#include "base/simd.h"
#include "model/time_axis.h"

enum e5_sun { E5_SUN_FAO56, E5_SUN_SPENCER };

#define E5_DAYLIGHT_DAYS 366

struct e5_sun_day {
    double sine, cosine; /* of the declination */
    double radiation;    /* on a surface that faces the sun, MJ m⁻² d⁻¹ */
};

struct e5_daylight {
    size_t steps;
    uint16_t *first, *count; /* of each step: its first day of the year, from 0, and its days */
    struct e5_sun_day day[E5_DAYLIGHT_DAYS];
};

/* Whether the steps of a series are months, and not days; E5_INPUT when they are neither, or two fall in a month. */
E5_MUST_USE enum e5_status e5_steps_are_months(const struct e5_time_axis *axis, bool *out, struct e5_error *err);

E5_MUST_USE enum e5_status e5_daylight_init(struct e5_daylight *daylight, const struct e5_time_axis *axis,
                                            enum e5_sun formula, struct e5_error *err);
void e5_daylight_fini(struct e5_daylight *daylight);

/* Of every day of the year and E5_LANES latitudes in degrees, value of lane c on day d at [d × E5_LANES + c]: hours
 * from sunrise to sunset; and MJ m⁻² d⁻¹ on a horizontal surface.  `table` has room for E5_DAYLIGHT_DAYS rows. */
void e5_daylight_hours(const struct e5_daylight *daylight, const double *latitude, double *table);
void e5_daylight_radiation(const struct e5_daylight *daylight, const double *latitude, double *table);
/* The mean of a table over the days of a step. */
void e5_daylight_mean(const struct e5_daylight *daylight, const double *table, size_t step, double *lanes);

#endif
