#include "diag/season.h"

#include <math.h>

#include "base/alloc.h"

/* --- the axis --- */

static int64_t six_months_later(enum e5_calendar calendar, int64_t day) {
    struct e5_date date = e5_date_from_days(calendar, day);
    date.year += date.month > 6;
    date.month = date.month > 6 ? date.month - 6 : date.month + 6;
    date.day = 1;
    return e5_date_to_days(calendar, date);
}

static struct e5_season_year year_of(const struct e5_time_axis *time, const struct e5_periods *periods, int32_t p) {
    int64_t start = e5_day_of(periods->start[p]), middle = six_months_later(time->calendar, start);
    struct e5_season_year year = {.start = (int32_t)(start - e5_day_of(time->seconds[0]))};
    bool found = false;
    for (size_t t = 0; t < time->n; t++) {
        if (periods->of_sample[t] != p) continue;
        if (!found) year.first = t;
        if (e5_day_of(time->seconds[t]) == middle) year.middle = year.end = t;
        if (year.end > 0) year.end = t + 1;
        found = true;
    }
    return year;
}

enum e5_status e5_season_axis_init(struct e5_season_axis *axis, const struct e5_time_axis *time,
                                   const struct e5_periods *periods, struct e5_error *err) {
    *axis = (struct e5_season_axis){.years = periods->count};
    enum e5_status status = e5_alloc(periods->count, sizeof *axis->year, &axis->year, err);
    if (status == E5_OK) status = e5_alloc(time->n, sizeof *axis->day, &axis->day, err);
    if (status != E5_OK) return status;
    for (size_t p = 0; p < periods->count; p++) axis->year[p] = year_of(time, periods, (int32_t)p);
    for (size_t t = 0; t < time->n; t++)
        axis->day[t] = (int32_t)(e5_day_of(time->seconds[t]) - e5_day_of(time->seconds[0]));
    return E5_OK;
}

void e5_season_axis_fini(struct e5_season_axis *axis) {
    free(axis->year);
    free(axis->day);
    *axis = (struct e5_season_axis){0};
}

/* --- runs --- */

struct search { /* for the first run of `days` steps from `first` to before `end` with sign × x > above */
    const int32_t *day;
    size_t first, end;
    double sign, above;
    bool others; /* the steps that do not pass are meant */
    int32_t days;
};

#define NONE (-1)

#define AT_ONCE 16 /* steps between looking whether all lanes have their run */

E5_SIMD_BODY bool all_found(const int32_t *found) {
    int32_t least = found[0];
    for (size_t c = 1; c < E5_LANES; c++) least = found[c] < least ? found[c] : least;
    return least != NONE;
}

/* step: where the run begins in each lane, or NONE. */
E5_SIMD_BODY void first_run(struct e5_tally_series x, bool wide, struct search s, int32_t *restrict step) {
    int32_t run[E5_LANES] = {0}, found[E5_LANES], flip = s.others ? -1 : 0;
    for (int c = 0; c < E5_LANES; c++) found[c] = NONE;
    for (size_t t = s.first; t < s.end && !(t % AT_ONCE == 0 && all_found(found)); t++) {
        int32_t follows = t > s.first && s.day[t] == s.day[t - 1] + 1 ? -1 : 0;
        int32_t begins = (int32_t)t - s.days + 1;
        E5_EACH_LANE(c) {
            double value = wide ? ((const double *)x.values)[t * E5_LANES + c]
                                : (double)((const float *)x.values)[t * E5_LANES + c];
            int32_t passes = -(int32_t)(s.sign * value > s.above) ^ flip;
            run[c] = ((run[c] & follows) + 1) & passes;
            found[c] = (run[c] >= s.days) & (found[c] == NONE) ? begins : found[c];
        }
    }
    for (int c = 0; c < E5_LANES; c++) step[c] = found[c];
}

E5_SIMD_BODY void find_run_body(struct e5_tally_series x, struct search s, int32_t *step) {
    if (x.wide)
        first_run(x, true, s, step);
    else
        first_run(x, false, s, step);
}
E5_SIMD_VARIANTS(find_run, (struct e5_tally_series x, struct search s, int32_t *step), (x, s, step))

static double length_of(const struct e5_season_axis *axis, struct e5_season_year year, int32_t begin, int32_t end) {
    if (begin == NONE) return 0;
    int32_t after = end == NONE ? axis->day[year.end - 1] + 1 : axis->day[end];
    return after - axis->day[begin];
}

void e5_season_length(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, int32_t days,
                      enum e5_season_rule rule, double *out) {
    bool xclim = rule == E5_SEASON_XCLIM;
    for (size_t p = 0; p < axis->years; p++) {
        struct e5_season_year year = axis->year[p];
        int32_t begin[E5_LANES], end[E5_LANES];
        double above = xclim ? nextafter(limit, -INFINITY) : limit;
        size_t over = xclim ? (size_t)days - 1 : 0,
               stop = year.middle + over < year.end ? year.middle + over : year.end;
        struct search warm = {axis->day, year.first, stop, 1, above, false, days};
        struct search cold = {axis->day, year.middle, year.end, xclim ? 1 : -1, xclim ? above : -limit, xclim, days};
        find_run(x, warm, begin);
        find_run(x, cold, end);
        for (size_t c = 0; c < E5_LANES; c++)
            out[p * E5_LANES + c] = year.end == 0 ? NAN : length_of(axis, year, begin[c], end[c]);
    }
}

/* --- first and last days of a kind --- */

static bool is_below(struct e5_tally_series x, size_t step, size_t cell, double limit) {
    size_t i = step * E5_LANES + cell;
    return (x.wide ? ((const double *)x.values)[i] : ((const float *)x.values)[i]) < limit;
}

void e5_season_last_below(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, double *out) {
    for (size_t p = 0; p < axis->years; p++)
        for (size_t c = 0; c < E5_LANES; c++) {
            struct e5_season_year year = axis->year[p];
            size_t t = year.middle;
            bool found = false;
            while (!found && t > year.first) found = is_below(x, --t, c, limit);
            out[p * E5_LANES + c] = found && year.end > 0 ? axis->day[t] - year.start + 1 : NAN;
        }
}

void e5_season_span_below(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, double *out) {
    for (size_t p = 0; p < axis->years; p++)
        for (size_t c = 0; c < E5_LANES; c++) {
            struct e5_season_year year = axis->year[p];
            size_t first = year.first, end = year.end;
            while (first < end && !is_below(x, first, c, limit)) first++;
            while (first < end && !is_below(x, end - 1, c, limit)) end--;
            double span = first < end ? axis->day[end - 1] - axis->day[first] + 1 : 0;
            out[p * E5_LANES + c] = year.end == 0 ? NAN : span;
        }
}
