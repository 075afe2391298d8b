/* fire_weather: the Canadian Forest Fire Weather Index system, day by day.
 *
 * Three codes carry over from day to day, so that a cell's days are computed in order, and cells side by side.  A day
 * with a missing value is missing and leaves the codes as they were; so does one outside the season of fires, and on
 * the first day of the next season they begin anew. */
#include "diag/fire_weather.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "kernels/sunlit.h"
#include "model/calendar.h"

enum { TEMPERATURE, HUMIDITY, WIND, RAIN, LATITUDE, LAST_FINE, LAST_DUFF, LAST_DROUGHT, SEASON }; /* operands */
enum { FINE_START, DUFF_START, DROUGHT_START, FORM, OVERWINTERING, CARRY_OVER, WETTING };         /* params */
enum { FINE, DUFF, DROUGHT, SPREAD, BUILD_UP, FIRE, SEVERITY, OUTPUTS };

struct plan {
    size_t steps;
    uint8_t *month; /* of each step, from 0 */
    double start[3];
    bool service;
    bool overwintering; /* the drought code of a spring follows from that of the autumn and the rain in between */
    double carry_over, wetting;
};

/* --- one day of a tile; lane by lane the same arithmetic, so that loops over the lanes are vectorised --- */

struct day {
    double temperature[E5_LANES], humidity[E5_LANES], wind[E5_LANES], rain[E5_LANES];
    double hours[E5_LANES], factor[E5_LANES];
    double missing[E5_LANES]; /* NaN where a value is, else 0 */
};

struct codes {
    double fine[E5_LANES], duff[E5_LANES], drought[E5_LANES];
};

/* `codes` become those of the day; missing ones keep theirs, and are NaN in `out`. */
E5_SIMD_BODY void step_codes(const struct day *day, bool service, struct codes *codes, double *const *out) {
    E5_EACH_LANE(c) {
        double now =
            e5_fine_fuel_code(codes->fine[c], day->temperature[c], day->humidity[c], day->wind[c], day->rain[c]);
        now += day->missing[c];
        out[FINE][c] = now;
        codes->fine[c] = now == now ? now : codes->fine[c];
    }
    E5_EACH_LANE(c) {
        double now =
            e5_duff_code(codes->duff[c], day->temperature[c], day->humidity[c], day->rain[c], day->hours[c], service);
        now += day->missing[c];
        out[DUFF][c] = now;
        codes->duff[c] = now == now ? now : codes->duff[c];
    }
    E5_EACH_LANE(c) {
        double now = e5_drought_code(codes->drought[c], day->temperature[c], day->rain[c], day->factor[c]);
        now += day->missing[c];
        out[DROUGHT][c] = now;
        codes->drought[c] = now == now ? now : codes->drought[c];
    }
}

E5_SIMD_BODY void step_indices(const struct day *day, double *const *out) {
    E5_EACH_LANE(c) out[SPREAD][c] = e5_spread_index(out[FINE][c], day->wind[c]);
    E5_EACH_LANE(c) out[BUILD_UP][c] = e5_build_up_index(out[DUFF][c], out[DROUGHT][c]);
    E5_EACH_LANE(c) out[FIRE][c] = e5_fire_index(out[SPREAD][c], out[BUILD_UP][c]);
    E5_EACH_LANE(c) out[SEVERITY][c] = e5_fire_severity(out[FIRE][c]);
}

E5_SIMD_BODY void van_wagner_body(const struct day *day, struct codes *codes, double *const *out) {
    step_codes(day, false, codes, out);
    step_indices(day, out);
}
E5_SIMD_BODY void service_body(const struct day *day, struct codes *codes, double *const *out) {
    step_codes(day, true, codes, out);
    step_indices(day, out);
}
E5_SIMD_VARIANTS(van_wagner, (const struct day *day, struct codes *codes, double *const *out), (day, codes, out))
E5_SIMD_VARIANTS(service, (const struct day *day, struct codes *codes, double *const *out), (day, codes, out))

/* --- a tile --- */

static double value_of(const struct e5_tile *tile, size_t row, size_t lane, bool single) {
    size_t at = row * E5_LANES + lane;
    return single ? (double)((const float *)tile->values)[at] : ((const double *)tile->values)[at];
}

static void read_day(const struct e5_tile *operands, size_t step, bool single, struct day *day) {
    for (size_t c = 0; c < E5_LANES; c++) {
        double t = value_of(&operands[TEMPERATURE], step, c, single),
               h = value_of(&operands[HUMIDITY], step, c, single);
        double w = value_of(&operands[WIND], step, c, single), r = value_of(&operands[RAIN], step, c, single);
        double sum = t + h + w + r;
        day->missing[c] = sum == sum ? 0 : (double)NAN;
        day->temperature[c] = t;
        h = h > 100 ? 100 : h;
        day->humidity[c] = h < 0 ? 0 : h;
        day->wind[c] = w < 0 ? 0 : w;
        day->rain[c] = r < 0 ? 0 : r;
    }
}

static void read_latitude(const struct e5_tile *latitude, int month, struct day *day) {
    for (size_t c = 0; c < E5_LANES; c++) {
        double degrees = value_of(latitude, 0, c, false);
        day->hours[c] = e5_duff_hours(degrees, month);
        day->factor[c] = e5_drought_factor(degrees, month);
    }
}

/* Codes of the day before the first: those given for a cell, else the same for all. */
static void read_start(const struct plan *plan, const struct e5_tile *operands, struct codes *codes) {
    double *const lanes[] = {codes->fine, codes->duff, codes->drought};
    for (int i = 0; i < 3; i++)
        for (size_t c = 0; c < E5_LANES; c++) {
            const struct e5_tile *last = &operands[LAST_FINE + i];
            double given = last->rows > 0 ? value_of(last, 0, c, false) : (double)NAN;
            lanes[i][c] = given == given ? given : plan->start[i];
        }
}

/* --- seasons --- */

struct seasons { /* as of the day before */
    bool on[E5_LANES];
    double autumn[E5_LANES]; /* drought code of the last season's last day; NaN: there was none */
    double winter[E5_LANES]; /* mm of precipitation since then */
};

static bool is_on(const struct e5_tile *season, size_t step, size_t lane, bool single, bool before) {
    double given = value_of(season, step, lane, single);
    return given == given ? given != 0 : before;
}

/* A season that is on already goes on with the codes of the day before. */
static void begin_seasons(const struct e5_tile *operands, bool single, struct seasons *seasons) {
    const struct e5_tile *last = &operands[LAST_DROUGHT];
    for (size_t c = 0; c < E5_LANES; c++) {
        seasons->on[c] = is_on(&operands[SEASON], 0, c, single, false);
        seasons->autumn[c] = last->rows > 0 ? value_of(last, 0, c, false) : (double)NAN;
        seasons->winter[c] = 0;
    }
}

static double spring_code(const struct plan *plan, double autumn, double winter) {
    double start = plan->start[DROUGHT_START], code;
    if (!plan->overwintering || autumn != autumn) return start;
    code = e5_drought_after_winter(autumn, winter, plan->carry_over, plan->wetting);
    return code > start ? code : start;
}

/* Days outside of a season are missing; with its first day the codes begin anew. */
static void apply_season(const struct plan *plan, const struct e5_tile *season, size_t step, bool single,
                         struct seasons *seasons, struct day *day, struct codes *codes) {
    for (size_t c = 0; c < E5_LANES; c++) {
        bool before = seasons->on[c], now = is_on(season, step, c, single, before);
        seasons->on[c] = now;
        if (now && !before) {
            codes->fine[c] = plan->start[FINE_START];
            codes->duff[c] = plan->start[DUFF_START];
            codes->drought[c] = spring_code(plan, seasons->autumn[c], seasons->winter[c]);
        }
        if (now) continue;
        if (before) {
            seasons->autumn[c] = codes->drought[c];
            seasons->winter[c] = 0;
        }
        seasons->winter[c] += day->rain[c] > 0 ? day->rain[c] : 0;
        day->missing[c] = (double)NAN;
    }
}

static void run_tile(const struct plan *plan, const struct e5_tile *operands, bool single, double *out) {
    struct day day;
    struct codes codes;
    struct seasons seasons;
    bool always = operands[SEASON].rows == 0;
    int month = -1;
    read_start(plan, operands, &codes);
    if (!always) begin_seasons(operands, single, &seasons);
    for (size_t step = 0; step < plan->steps; step++) {
        double *rows[OUTPUTS];
        for (size_t i = 0; i < OUTPUTS; i++) rows[i] = out + (i * plan->steps + step) * E5_LANES;
        if (plan->month[step] != month) read_latitude(&operands[LATITUDE], month = plan->month[step], &day);
        read_day(operands, step, single, &day);
        if (!always) apply_season(plan, &operands[SEASON], step, single, &seasons, &day, &codes);
        (plan->service ? service : van_wagner)(&day, &codes, rows);
    }
}

static void tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    (void)scratch;
    run_tile(plan, operands, true, out);
}

static void tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    (void)scratch;
    run_tile(plan, operands, false, out);
}

/* --- life of a plan --- */

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->month);
    free(plan);
}

static enum e5_status check_days(const struct e5_time_axis *axis, struct e5_error *err) {
    for (size_t i = 1; i < axis->n; i++)
        if (axis->seconds[i] - axis->seconds[i - 1] != E5_DAY)
            return e5_fail(err, E5_INPUT, "fire_weather: steps %zu and %zu are not a day apart", i - 1, i);
    return E5_OK;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    const struct e5_time_axis *axis = input->axis;
    struct plan *plan;
    enum e5_status status = check_days(axis, err);
    if (status == E5_OK) status = e5_latitude_check(input, LATITUDE, err);
    if (status == E5_OK && params->value[OVERWINTERING].integer != 0 && input->rows[SEASON] == 0)
        status = e5_fail(err, E5_INPUT, "fire_weather: overwintering needs season=, the days of the season of fires");
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->steps = axis->n;
    for (int i = FINE_START; i <= DROUGHT_START; i++) plan->start[i] = params->value[i].number;
    plan->service = params->value[FORM].integer == 1;
    plan->overwintering = params->value[OVERWINTERING].integer != 0;
    plan->carry_over = params->value[CARRY_OVER].number;
    plan->wetting = params->value[WETTING].number;
    status = e5_alloc(axis->n, sizeof *plan->month, &plan->month, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    for (size_t i = 0; i < axis->n; i++) {
        int64_t seconds = axis->seconds[i], day = e5_day_of(seconds);
        plan->month[i] = (uint8_t)(e5_date_from_days(axis->calendar, day).month - 1);
    }
    *out = (struct e5_series_plan){plan, OUTPUTS * axis->n, 0};
    return E5_OK;
}

const struct e5_series_ops e5_fire_weather_ops = {
    .plan = plan_new, .tile_f32 = tile_f32, .tile_f64 = tile_f64, .plan_free = plan_free};
