#include "diag/daylight.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "diag/cycle.h"
#include "diag/vector_math.h"

#define PI (2 * E5_HALF_PI)

/* --- steps --- */

static struct e5_date date_of_step(const struct e5_time_axis *axis, size_t step) {
    int64_t seconds = axis->seconds[step];
    return e5_date_from_days(axis->calendar, e5_day_of(seconds));
}

static enum e5_status check_months(const struct e5_time_axis *axis, struct e5_error *err) {
    for (size_t i = 1; i < axis->n; i++)
        if (e5_cycle_month(axis, i) == e5_cycle_month(axis, i - 1))
            return e5_fail(err, E5_INPUT, "steps %zu and %zu fall in one month", i - 1, i);
    return E5_OK;
}

enum e5_status e5_steps_are_months(const struct e5_time_axis *axis, bool *out, struct e5_error *err) {
    int64_t step;
    enum e5_status status = e5_time_axis_step(axis, &step, err);
    if (status != E5_OK) return status;
    *out = step >= 28 * E5_DAY && step <= 31 * E5_DAY;
    if (*out) return check_months(axis, err);
    if (step == E5_DAY) return E5_OK;
    status = e5_fail(err, E5_INPUT, "steps are neither days nor months");
    e5_error_hint(err, "make daily values first, with daily(x, …), or monthly ones with resample(x, …, freq='MS')");
    return status;
}

/* --- the sun --- */

/* Of a day of the year, from 1, in a year of 365 days. */
static struct e5_sun_day day_by_fao56(double day) {
    double angle = 2 * PI / 365 * day, declination = 0.409 * sin(angle - 1.39);
    return (struct e5_sun_day){sin(declination), cos(declination), 24 * 60 * 0.0820 * (1 + 0.033 * cos(angle))};
}

static struct e5_sun_day day_by_spencer(double day) {
    double angle = 2 * PI / 365 * (day - 1);
    double declination = 0.006918 - 0.399912 * cos(angle) + 0.070257 * sin(angle) - 0.006758 * cos(2 * angle) +
                         0.000907 * sin(2 * angle) - 0.002697 * cos(3 * angle) + 0.001480 * sin(3 * angle);
    double distance = 1.000110 + 0.034221 * cos(angle) + 0.001280 * sin(angle) + 0.000719 * cos(2 * angle) +
                      0.000077 * sin(2 * angle);
    return (struct e5_sun_day){sin(declination), cos(declination), 1361 * 86400e-6 * distance};
}

static void place_step(const struct e5_time_axis *axis, bool months, size_t step, uint16_t *first, uint16_t *count) {
    struct e5_date date = date_of_step(axis, step);
    if (months) date.day = 1;
    *first = (uint16_t)(e5_date_yearday(axis->calendar, date) - 1);
    *count = months ? (uint16_t)e5_calendar_month_days(axis->calendar, date.year, date.month) : 1;
}

enum e5_status e5_daylight_init(struct e5_daylight *daylight, const struct e5_time_axis *axis, enum e5_sun formula,
                                struct e5_error *err) {
    bool months;
    *daylight = (struct e5_daylight){.steps = axis->n};
    enum e5_status status = e5_steps_are_months(axis, &months, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *daylight->first, &daylight->first, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *daylight->count, &daylight->count, err);
    if (status != E5_OK) {
        e5_daylight_fini(daylight);
        return status;
    }
    for (size_t i = 0; i < axis->n; i++) place_step(axis, months, i, &daylight->first[i], &daylight->count[i]);
    double stretch = axis->calendar == E5_DAYS_360 ? 365 / 360.0 : 1;
    for (int d = 0; d < E5_DAYLIGHT_DAYS; d++) {
        double day = 1 + d * stretch;
        daylight->day[d] = formula == E5_SUN_FAO56 ? day_by_fao56(day) : day_by_spencer(day);
    }
    return E5_OK;
}

void e5_daylight_fini(struct e5_daylight *daylight) {
    free(daylight->first);
    free(daylight->count);
    *daylight = (struct e5_daylight){0};
}

/* --- lanes --- */

/* Angle of the hour of sunset, 0 in the polar night and π under the midnight sun. */
E5_SIMD_BODY double sunset(double sine, double cosine, struct e5_sun_day day) {
    double x = -(sine * day.sine) / (cosine * day.cosine);
    x = x < -1 ? -1 : x;
    return e5_acos(x > 1 ? 1 : x);
}

/* MJ m⁻² d⁻¹ between sunrise and sunset. */
E5_SIMD_BODY double on_horizontal(double sine, double cosine, double set, struct e5_sun_day day) {
    return day.radiation / PI * (set * sine * day.sine + cosine * day.cosine * e5_sin(set));
}

E5_SIMD_BODY void fill_body(const struct e5_sun_day *day, const double *latitude, bool radiation,
                            double *restrict table) {
    double sine[E5_LANES], cosine[E5_LANES];
    E5_EACH_LANE(c) sine[c] = e5_sin(latitude[c] * (E5_HALF_PI / 90));
    E5_EACH_LANE(c) cosine[c] = e5_cos(latitude[c] * (E5_HALF_PI / 90));
    for (size_t d = 0; d < E5_DAYLIGHT_DAYS; d++) {
        double *row = table + d * E5_LANES;
        E5_EACH_LANE(c) row[c] = sunset(sine[c], cosine[c], day[d]);
        if (radiation) {
            E5_EACH_LANE(c) row[c] = on_horizontal(sine[c], cosine[c], row[c], day[d]);
        } else {
            E5_EACH_LANE(c) row[c] *= 24 / PI;
        }
    }
}
E5_SIMD_VARIANTS(fill, (const struct e5_sun_day *day, const double *latitude, bool radiation, double *restrict table),
                 (day, latitude, radiation, table))

void e5_daylight_hours(const struct e5_daylight *daylight, const double *latitude, double *table) {
    fill(daylight->day, latitude, false, table);
}

void e5_daylight_radiation(const struct e5_daylight *daylight, const double *latitude, double *table) {
    fill(daylight->day, latitude, true, table);
}

E5_SIMD_BODY void mean_of_body(const double *rows, size_t count, double *restrict lanes) {
    E5_EACH_LANE(c) lanes[c] = rows[c];
    for (size_t d = 1; d < count; d++) {
        __asm__ volatile(""); /* else GCC jams the loops into each other and loses the vectors */
        E5_EACH_LANE(c) lanes[c] += rows[d * E5_LANES + c];
    }
    E5_EACH_LANE(c) lanes[c] /= (double)count;
}
E5_SIMD_VARIANTS(mean_of, (const double *rows, size_t count, double *restrict lanes), (rows, count, lanes))

void e5_daylight_mean(const struct e5_daylight *daylight, const double *table, size_t step, double *lanes) {
    mean_of(table + (size_t)daylight->first[step] * E5_LANES, daylight->count[step], lanes);
}
