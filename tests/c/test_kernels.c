/* Every row of the table of diagnostics that works on series: what holds for all of them, whatever they compute; and
 * values that were published. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "drive/scan.h"
#include "drive/sweep.h"

/* --- a world: some cells of a daily and of a monthly series, for each operand that a row may have --- */

enum { CELLS = 19, DAYS = 2 * 365, MONTHS = 10 * 12, EMPTY_CELL = 11, STILL_CELL = 7, HOLED_CELL = 5 };

struct world {
    struct e5_time_axis axis;
    int64_t seconds[DAYS];
};
static struct world daily = {.axis = {.calendar = E5_STANDARD, .n = DAYS}};
static struct world monthly = {.axis = {.calendar = E5_STANDARD, .n = MONTHS}};

struct climate { /* values = middle + season × sine of the year + noise × something in −1 … 1, at least `least` */
    const char *operand;
    double middle, season, noise, least;
};
static const struct climate climates[] = {
    {"x", 12, 10, 6, -1e9},        {"tx", 16, 10, 8, -1e9},       {"tn", 8, 10, 8, -1e9},
    {"tmin", 6, 10, 2, -1e9},      {"tmax", 16, 10, 2, -1e9},     {"pr", -2, 2, 9, 0},
    {"threshold", 14, 9, 0, -1e9}, {"stay", 12, 9, 0, -1e9},      {"precipitation", -2, 2, 9, 0},
    {"dewpoint", 2, 6, 2, -1e9},   {"wind_speed", 5, 1, 4, 0},    {"relative_humidity", 60, 15, 20, 0},
    {"solar", 13, 8, 3, 0},        {"net_radiation", 9, 6, 2, 0}, {"pressure", 99, 1, 1, 0},
    {"last_ffmc", 80, 0, 9, 0},    {"last_dmc", 20, 0, 9, 0},     {"last_dc", 90, 0, 50, 0},
    {"rain", 20, 10, 40, 0},
};
enum { RAIN_OF_MONTHS = sizeof climates / sizeof *climates - 1 };

static const struct climate *climate_of(const struct e5_kernel *kernel, const char *operand) {
    if (strcmp(kernel->name, "spi") == 0) return &climates[RAIN_OF_MONTHS];
    for (size_t i = 0; i < RAIN_OF_MONTHS; i++)
        if (strcmp(climates[i].operand, operand) == 0) return &climates[i];
    return &climates[0];
}

static unsigned random_state;
static double noise(void) { /* −1 … 1 in steps that a float has */
    random_state = random_state * 1664525u + 1013904223u;
    return (double)(int)(random_state >> 20) / 2048 - 1;
}

static double eighths(double x) { return round(x * 8) / 8; }

static bool starts_with(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* Rows × CELLS values that are the same as float and as double. */
static double *new_values(const struct e5_kernel *kernel, const struct e5_operand_spec *spec, size_t rows,
                          int index) {
    const struct climate *climate = climate_of(kernel, spec->name);
    bool series = starts_with(spec->dims, "time"), latitude = spec->units && strcmp(spec->units, "degree") == 0;
    double *values = malloc(rows * CELLS * sizeof *values), year = rows == MONTHS ? 12 : 365.25;
    random_state = 7u + (unsigned)index;
    for (size_t row = 0; row < rows; row++)
        for (size_t cell = 0; cell < CELLS; cell++) {
            double sine = rows > 1 ? sin(6.2831853 * ((double)row / year - 0.3)) : 0;
            double x =
                climate->middle + climate->season * sine * (0.5 + (double)cell / CELLS) + climate->noise * noise();
            if (latitude || strcmp(spec->name, "hemisphere") == 0) x = -70.0 + 140.0 * (double)cell / CELLS;
            if (x < climate->least) x = climate->least;
            if (series && cell == STILL_CELL) x = climate->middle < 0 ? 0 : climate->middle;
            if (series && (cell == EMPTY_CELL || (cell == HOLED_CELL && row % 90 < 7))) x = NAN;
            values[row * CELLS + cell] = eighths(x);
        }
    return values;
}

static void *as_floats(const double *values, size_t n) {
    float *floats = malloc(n * sizeof *floats);
    for (size_t i = 0; i < n; i++) floats[i] = (float)values[i];
    return floats;
}

struct operands {
    size_t n;
    void *values[E5_MAX_OPERANDS];
    struct e5_view view[E5_MAX_OPERANDS];
    size_t rows[E5_MAX_OPERANDS]; /* 0: not given */
};

static size_t rows_of(const struct e5_operand_spec *spec, const struct world *world) {
    if (starts_with(spec->dims, "time")) return world->axis.n;
    if (starts_with(spec->dims, "dayofyear")) return strcmp(spec->name, "normal") == 0 ? 365 : 366;
    return 1;
}

static struct operands new_operands(const struct e5_kernel *kernel, const struct world *world, bool optional,
                                    enum e5_dtype dtype) {
    struct operands new = {0};
    for (; kernel->operands[new.n].name != NULL; new.n++) {
        const struct e5_operand_spec *spec = &kernel->operands[new.n];
        size_t rows = rows_of(spec, world);
        if (spec->optional && !optional) continue;
        double *values = new_values(kernel, spec, rows, (int)new.n);
        new.rows[new.n] = rows;
        new.values[new.n] = dtype == E5_F64 ? values : as_floats(values, rows * CELLS);
        if (dtype != E5_F64) free(values);
        ptrdiff_t size = (ptrdiff_t)e5_dtype_size(dtype);
        new.view[new.n] = (struct e5_view){.data = new.values[new.n],
                                           .dtype = dtype,
                                           .ndim = 2,
                                           .shape = {rows, CELLS},
                                           .strides = {CELLS * size, size},
                                           .packing = E5_PACKING_NONE};
    }
    return new;
}

static void turn_cells_round(struct operands *operands) {
    for (size_t i = 0; i < operands->n; i++) {
        struct e5_view *view = &operands->view[i];
        view->data = (const char *)view->data + (CELLS - 1) * view->strides[1];
        view->strides[1] = -view->strides[1];
    }
}

static void free_operands(struct operands *operands) {
    for (size_t i = 0; i < operands->n; i++) free(operands->values[i]);
}

/* --- parameters of a row, from its table --- */

static int64_t choice_named(const char *choices, const char *quoted) {
    size_t length = strcspn(quoted, "'");
    for (int64_t index = 0;; index++, choices += strcspn(choices, " ") + 1) {
        if (strncmp(choices, quoted, length) == 0 && strcspn(choices, " ") == length) return index;
        if (choices[strcspn(choices, " ")] == '\0') return 0;
    }
}

static size_t choices_of(const struct e5_param_spec *spec) {
    size_t n = 1;
    for (const char *at = spec->choices; *at != '\0'; at++) n += *at == ' ';
    return n;
}

static union e5_param usual(const struct e5_param_spec *spec) {
    const char *text = spec->standard;
    switch (spec->type) {
    case E5_INTEGER: return (union e5_param){.integer = text ? strtol(text, NULL, 10) : 3};
    case E5_NUMBER: return (union e5_param){.number = text ? strtod(text, NULL) : spec->high > 1000 ? 15 : 90};
    case E5_CHOICE:
        return (union e5_param){.integer = text ? choice_named(spec->choices, text + (*text == '\'')) : 0};
    case E5_CHOICES: return (union e5_param){.integer = (int64_t)(((uint64_t)1 << choices_of(spec)) - 1)};
    case E5_FLAG: return (union e5_param){.integer = strcmp(text, "True") == 0};
    default: return (union e5_param){.period = {.given = false}};
    }
}

static struct e5_params usual_params(const struct e5_kernel *kernel) {
    struct e5_params params = {0};
    for (size_t i = 0; kernel->params[i].name != NULL; i++) params.value[i] = usual(&kernel->params[i]);
    return params;
}

/* The lowest that is allowed, and one that is far from the usual one. */
static int64_t other_integer(const struct e5_param_spec *spec, size_t i) {
    int64_t far = 2 * usual(spec).integer + 25, most = (int64_t)spec->high;
    return i == 0 ? (int64_t)spec->low : far < most ? far : most;
}

/* Other values of a parameter that are allowed; false when there is no i-th. */
static bool other_value(const struct e5_param_spec *spec, const struct world *world, size_t i, union e5_param *out) {
    int64_t first = e5_day_of(world->axis.seconds[0]), last = e5_day_of(world->axis.seconds[world->axis.n - 1]);
    switch (spec->type) {
    case E5_INTEGER: return i < 2 && (out->integer = other_integer(spec, i), true);
    case E5_NUMBER:
        out->number = spec->units != NULL ? usual(spec).number + 1 : i == 0 ? spec->low : spec->high;
        return i < (spec->units != NULL ? 1 : 2);
    case E5_CHOICE: return i < choices_of(spec) && (out->integer = (int64_t)i, true);
    case E5_CHOICES: return i < choices_of(spec) && (out->integer = (int64_t)1 << i, true);
    case E5_FLAG: return i < 2 && (out->integer = (int64_t)i, true);
    case E5_PERIOD: /* its second quarter up to its third, and days that are not in the series */
        out->period = (struct e5_period){first + (last - first) / 4, first + 3 * (last - first) / 4, true};
        if (i == 1) out->period = (struct e5_period){first - 9000, first - 8000, true};
        return i < 2;
    default: return false;
    }
}

/* --- running a row --- */

struct run {
    const struct e5_kernel *kernel;
    const struct world *world;
    struct e5_params params;
    struct e5_frequency frequency;
    enum e5_missing_rule missing;
    struct operands operands;
    struct e5_pool *pool;
    size_t rows; /* of the result */
    double *out;
};

static enum e5_status scan(struct run *run, const struct e5_periods *periods, struct e5_error *err) {
    struct e5_source source = e5_source_memory(&run->operands.view[0]);
    run->rows = periods->count;
    run->out = malloc(run->rows * CELLS * sizeof *run->out);
    struct e5_scan_request request = {run->kernel, &run->params, periods, E5_F64, run->out};
    return e5_scan(&source, &request, 1, 40000, run->pool, NULL, err);
}

static enum e5_status sweep(struct run *run, const struct e5_series_input *input, struct e5_error *err) {
    struct e5_sweep_plan plan;
    struct e5_sweep_operand operands[E5_MAX_OPERANDS] = {{0}};
    enum e5_status status = e5_sweep_plan(run->kernel, &run->params, input, &plan, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < run->operands.n; i++)
        if (run->operands.rows[i] > 0) operands[i].view = &run->operands.view[i];
    run->rows = plan.out_rows;
    run->out = malloc(run->rows * CELLS * sizeof *run->out);
    struct e5_sweep_out out = {run->out, E5_F64, CELLS};
    struct e5_sweep all = {.plans = &plan, .out = &out, .nplans = 1, .operands = operands, .budget = SIZE_MAX};
    status = e5_sweep(&all, run->pool, NULL, err);
    e5_sweep_plan_fini(&plan);
    return status;
}

static enum e5_status compute(struct run *run, struct e5_error *err) {
    const struct e5_time_axis *axis = &run->world->axis;
    struct e5_periods periods = {0};
    struct e5_missing missing = {0};
    struct e5_series_input input = {.axis = axis};
    bool grouped = run->kernel->grouping == E5_GROUP_BY_FREQUENCY;
    run->out = NULL;
    enum e5_status status = e5_kernel_check(run->kernel, &run->params, err);
    if (status == E5_OK && grouped) status = e5_periods_by_calendar(axis, run->frequency, &periods, err);
    if (status == E5_OK && grouped)
        status = e5_missing_init(&missing, axis, &periods, run->frequency,
                                 (struct e5_missing_policy){run->missing, 0}, err);
    if (grouped) input.periods = &periods, input.missing = run->missing != E5_MISSING_NONE ? &missing : NULL;
    memcpy(input.rows, run->operands.rows, sizeof input.rows);
    if (status == E5_OK) status = run->kernel->kind == E5_SCAN ? scan(run, &periods, err) : sweep(run, &input, err);
    e5_missing_fini(&missing);
    e5_periods_fini(&periods);
    if (status != E5_OK) free(run->out), run->out = NULL;
    return status;
}

static size_t known(const double *values, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += !isnan(values[i]);
    return count;
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

/* Rows whose cells are in the other order: each cell's results must not depend on its lane, nor on threads. */
static size_t differing(const double *values, const double *turned, size_t rows) {
    size_t count = 0;
    for (size_t row = 0; row < rows; row++)
        for (size_t cell = 0; cell < CELLS; cell++)
            count += !same(values[row * CELLS + cell], turned[row * CELLS + CELLS - 1 - cell]);
    return count;
}

static struct e5_pool *pool;
static unsigned turn;

/* What a row refuses, it refuses with words of its own: its name, or that of what is wrong. */
static bool names_it(const struct e5_kernel *kernel, const char *what) {
    bool named = strstr(what, kernel->name) != NULL || strstr(what, "base period") != NULL;
    for (size_t i = 0; kernel->params[i].name != NULL; i++) named = named || strstr(what, kernel->params[i].name);
    for (size_t i = 0; kernel->operands[i].name != NULL; i++) named = named || strstr(what, kernel->operands[i].name);
    return named;
}

/* Once, and once more with cells in the other order, in three threads, with fewer instructions of the processor. */
static enum e5_status compute_both_ways(struct run *run, const char *what) {
    struct run turned = *run;
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = compute(run, &err);
    turn_cells_round(&turned.operands);
    turned.pool = pool;
    e5_isa_limit(turn++ % 2 ? E5_ISA_AVX2 : E5_ISA_BASELINE);
    CHECK(compute(&turned, NULL) == status);
    e5_isa_limit(E5_ISA_AVX512);
    bool good = status == E5_OK ? run->rows == turned.rows && differing(run->out, turned.out, run->rows) == 0
                                : status == E5_INPUT && names_it(run->kernel, err.what);
    if (!good) printf("%s, %s: %s\n", run->kernel->name, what, status == E5_OK ? "bits differ" : err.what);
    CHECK(good);
    free(turned.out);
    return status;
}

static bool of_series(const struct e5_kernel *kernel) {
    return kernel->kind == E5_SERIES || (kernel->kind == E5_SCAN && kernel->grouping == E5_GROUP_BY_FREQUENCY);
}

static struct run new_run(const struct e5_kernel *kernel, const struct world *world, bool optional,
                          enum e5_dtype dtype) {
    return (struct run){.kernel = kernel,
                        .world = world,
                        .params = usual_params(kernel),
                        .frequency = {.months = 12, .anchor = 1},
                        .operands = new_operands(kernel, world, optional, dtype)};
}

/* Rows that are made for one value a month or a year. */
static bool of_months(const struct e5_kernel *kernel) {
    return strstr("spi spei thornthwaite gev mann_kendall", kernel->name) != NULL;
}

/* --- what holds for every row --- */

TEST(usual_parameters_give_numbers_in_every_order_of_cells) {
    size_t rows = 0;
    for (size_t k = 0; k < e5_kernel_count; k++) {
        size_t numbers = 0;
        if (!of_series(&e5_kernels[k])) continue;
        for (int way = 0; way < 8; way++) {
            if (of_months(&e5_kernels[k]) && !(way & 1)) continue;
            struct run run = new_run(&e5_kernels[k], way & 1 ? &monthly : &daily, way & 2, way & 4 ? E5_F32 : E5_F64);
            if (compute_both_ways(&run, "usual parameters") == E5_OK) numbers += known(run.out, run.rows * CELLS);
            free(run.out);
            free_operands(&run.operands);
        }
        if (numbers < CELLS) printf("%s: %zu numbers\n", e5_kernels[k].name, numbers);
        CHECK(numbers >= CELLS);
        rows++;
    }
    CHECK(rows >= 20);
}

/* Without what is switched on, such as the bootstrap: that has a turn of its own, and takes its time. */
static struct e5_params plain_params(const struct e5_kernel *kernel) {
    struct e5_params params = usual_params(kernel);
    for (size_t i = 0; kernel->params[i].name != NULL; i++)
        if (kernel->params[i].type == E5_FLAG) params.value[i].integer = 0;
    return params;
}

TEST(every_value_of_every_parameter_in_every_order_of_cells) {
    for (size_t k = 0; k < e5_kernel_count; k++) {
        const struct e5_kernel *kernel = &e5_kernels[k];
        if (!of_series(kernel)) continue;
        const struct world *world = of_months(kernel) ? &monthly : &daily;
        struct run run = new_run(kernel, world, true, k % 2 ? E5_F32 : E5_F64);
        for (size_t p = 0; kernel->params[p].name != NULL; p++) {
            run.params = plain_params(kernel);
            for (size_t i = 0; other_value(&kernel->params[p], world, i, &run.params.value[p]); i++) {
                compute_both_ways(&run, kernel->params[p].name);
                free(run.out);
            }
        }
        free_operands(&run.operands);
    }
}

TEST(values_that_are_not_allowed_are_refused_by_name) {
    for (size_t k = 0; k < e5_kernel_count; k++)
        for (size_t p = 0; e5_kernels[k].params[p].name != NULL; p++) {
            const struct e5_param_spec *spec = &e5_kernels[k].params[p];
            struct e5_params params = usual_params(&e5_kernels[k]);
            struct e5_error said = E5_ERROR_NONE;
            union e5_param *value = &params.value[p];
            CHECK_OK(e5_kernel_check(&e5_kernels[k], &params, err));
            switch (spec->type) {
            case E5_INTEGER: value->integer = (int64_t)spec->high + 1; break;
            case E5_NUMBER: value->number = NAN; break;
            case E5_CHOICE: value->integer = (int64_t)choices_of(spec); break;
            case E5_CHOICES: value->integer = (int64_t)1 << choices_of(spec); break;
            case E5_PERIOD: value->period = (struct e5_period){2, 1, true}; break;
            default: continue; /* two values, both allowed */
            }
            CHECK(e5_kernel_check(&e5_kernels[k], &params, &said) == E5_INPUT);
            CHECK(starts_with(said.what, e5_kernels[k].name) && strstr(said.what, spec->name) != NULL);
        }
}

/* The names of parameters that a way of grouping brings along. */
TEST(groupings_bring_their_parameters) {
    static const struct {
        const char *kernel, *names;
    } rows[] = {{"daily", "hours utc_offset "},
                {"resample", "freq months "},
                {"spell_statistics", "freq months missing "},
                {"find_events", "percentile base_period window "},
                {"detrend", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char names[100] = "";
        const struct e5_param_spec *spec = e5_grouping_params(e5_kernel_find(rows[i].kernel));
        for (; spec->name != NULL; spec++) strcat(strcat(names, spec->name), " ");
        CHECK(strcmp(names, rows[i].names) == 0);
    }
    CHECK(e5_kernel_find("nothing") == NULL);
}

TEST(every_allocation_may_fail) {
    for (size_t k = 0; k < e5_kernel_count; k++) {
        const struct e5_kernel *kernel = &e5_kernels[k];
        enum e5_status status = E5_MEMORY;
        int failures = 0;
        if (!of_series(kernel)) continue;
        struct run run = new_run(kernel, of_months(kernel) ? &monthly : &daily, true, E5_F64);
        run.params = plain_params(kernel);
        while (status == E5_MEMORY && failures < 200) {
            e5_alloc_fail_after(failures + 1);
            status = compute(&run, NULL);
            e5_alloc_fail_after(0);
            free(run.out);
            failures += status == E5_MEMORY;
        }
        if (status != E5_OK || failures < 2) printf("%s: %s\n", kernel->name, e5_status_name(status));
        CHECK(status == E5_OK && failures >= 2);
        free_operands(&run.operands);
    }
}

/* --- known answers --- */

/* One cell over a few steps: one array per operand, series as long as the axis and single maps; NULL: not given. */
struct cell {
    struct e5_view view[E5_MAX_OPERANDS];
    struct e5_sweep_operand operands[E5_MAX_OPERANDS];
    struct e5_series_input input;
};

static void show_cell(struct cell *cell, const struct e5_kernel *kernel, const struct e5_time_axis *axis,
                      const double *const *values) {
    *cell = (struct cell){.input.axis = axis};
    for (size_t i = 0; kernel->operands[i].name != NULL; i++) {
        if (values[i] == NULL) continue;
        cell->input.rows[i] = starts_with(kernel->operands[i].dims, "time") ? axis->n : 1;
        cell->view[i] = (struct e5_view){.data = values[i],
                                         .dtype = E5_F64,
                                         .ndim = 2,
                                         .shape = {cell->input.rows[i], 1},
                                         .strides = {sizeof(double), sizeof(double)},
                                         .packing = E5_PACKING_NONE};
        cell->operands[i].view = &cell->view[i];
    }
}

static double *answer(const char *name, const struct e5_time_axis *axis, const double *const *values,
                      struct e5_params params, size_t *rows) {
    struct cell cell;
    struct e5_sweep_plan plan;
    const struct e5_kernel *kernel = e5_kernel_find(name);
    show_cell(&cell, kernel, axis, values);
    CHECK_OK(e5_sweep_plan(kernel, &params, &cell.input, &plan, err));
    double *out = malloc(plan.out_rows * sizeof *out);
    struct e5_sweep_out to = {out, E5_F64, 1};
    struct e5_sweep all = {.plans = &plan, .out = &to, .nplans = 1, .operands = cell.operands, .budget = SIZE_MAX};
    CHECK_OK(e5_sweep(&all, NULL, NULL, err));
    *rows = plan.out_rows;
    e5_sweep_plan_fini(&plan);
    return out;
}

static struct e5_time_axis days_from(int64_t *seconds, size_t n, struct e5_date first) {
    for (size_t i = 0; i < n; i++) seconds[i] = (e5_date_to_days(E5_STANDARD, first) + (int64_t)i) * E5_DAY;
    return (struct e5_time_axis){E5_STANDARD, n, seconds};
}

/* Van Wagner & Pickett 1985, Forestry Technical Report 33: the first days of their table, from 13 April on. */
TEST(fire_weather_of_its_authors) {
    enum { N = 4 };
    static const double t[] = {17, 20, 8.5, 6.5}, h[] = {42, 21, 40, 25}, w[] = {25, 25, 17, 6}, r[] = {0, 2.4, 0, 0},
                        latitude[] = {46};
    static const double table[][N] = {{87.7, 86.2, 87.0, 88.8}, {8.5, 10.4, 11.8, 13.2}, {19.0, 23.6, 26.1, 28.2},
                                      {10.9, 8.8, 6.5, 4.9},    {8.5, 10.4, 11.7, 13.1}, {10.1, 9.3, 7.6, 6.2}};
    const double *values[E5_MAX_OPERANDS] = {t, h, w, r, latitude};
    int64_t seconds[N];
    size_t rows;
    struct e5_time_axis axis = days_from(seconds, N, (struct e5_date){1985, 4, 13});
    double *out = answer("fire_weather", &axis, values, usual_params(e5_kernel_find("fire_weather")), &rows);
    CHECK(rows == 7 * N);
    for (int code = 0; code < 6; code++)
        for (int day = 0; day < N; day++) CHECK(fabs(out[code * N + day] - table[code][day]) < 0.11);
    free(out);
}

/* Allen et al. 1998, FAO Irrigation and drainage paper 56, example 18: Brussels on 6 July. */
TEST(evapotranspiration_of_its_authors) {
    static const double low[] = {12.3}, high[] = {21.5}, dewpoint[] = {12.08}, wind[] = {2.078},
                        radiation[] = {13.28}, pressure[] = {100.1};
    const double *values[E5_MAX_OPERANDS] = {low, high, dewpoint, wind, radiation, pressure};
    struct e5_params params = {{{.number = 2}}};
    int64_t seconds[1];
    size_t rows;
    struct e5_time_axis axis = days_from(seconds, 1, (struct e5_date){1998, 7, 6});
    double *out = answer("penman_monteith", &axis, values, params, &rows);
    CHECK(rows == 1 && fabs(out[0] - 3.88) < 0.01);
    free(out);
}

/* A straight line has one slope, whatever is asked of it. */
TEST(a_line_is_a_line) {
    enum { N = 400 };
    double line[N], other[N];
    int64_t seconds[N];
    size_t rows;
    const double *values[E5_MAX_OPERANDS] = {line, other};
    struct e5_time_axis axis = days_from(seconds, N, (struct e5_date){2001, 1, 1});
    for (int i = 0; i < N; i++) line[i] = 3 + i / 365.0, other[i] = -line[i];
    double *out = answer("correlation", &axis, values, usual_params(e5_kernel_find("correlation")), &rows);
    CHECK(fabs(out[0] + 1) < 1e-12 && out[rows - 1] == N);
    free(out);
    values[1] = NULL;
    out = answer("detrend", &axis, values, usual_params(e5_kernel_find("detrend")), &rows);
    CHECK(rows >= N);
    for (int i = 0; i < N; i++) CHECK(fabs(out[i]) < 1e-9);
    free(out);
    axis.n = 365;
    out = answer("mann_kendall", &axis, values, usual_params(e5_kernel_find("mann_kendall")), &rows);
    CHECK(rows == 7 && fabs(out[0] - 1) < 1e-9 && fabs(out[1] - 1) < 1e-9 && fabs(out[2] - 1) < 1e-9);
    CHECK(out[4] == 1 && out[5] > 10 && out[6] < 1e-12);
    free(out);
}

/* A distribution of values that are all alike has no width; rounding must not give it one. */
TEST(months_that_never_differ_have_no_index) {
    static double same_always[MONTHS];
    const double *values[E5_MAX_OPERANDS] = {same_always};
    static const char *const names[] = {"spi", "spei"};
    for (int i = 0; i < MONTHS; i++) same_always[i] = 0.1;
    for (int k = 0; k < 4; k++) {
        struct e5_params params = usual_params(e5_kernel_find(names[k / 2]));
        size_t rows;
        params.value[2].integer += k % 2; /* the next distribution */
        double *out = answer(names[k / 2], &monthly.axis, values, params, &rows);
        CHECK(rows == MONTHS && known(out, rows) == 0);
        free(out);
    }
}

/* Series whose steps a row cannot use, and operands that do not belong together. */
TEST(series_that_do_not_fit_are_refused) {
    static int64_t hours[DAYS];
    static double x[DAYS];
    const struct e5_time_axis hourly = {E5_STANDARD, DAYS, hours}, *of_days = &daily.axis;
    static int64_t long_ones[20000], crooked_ones[4];
    const struct e5_time_axis crooked = {E5_STANDARD, 4, crooked_ones};
    const struct e5_time_axis brief = {E5_STANDARD, 2, monthly.axis.seconds};
    struct e5_time_axis many = days_from(long_ones, 20000, (struct e5_date){1950, 1, 1});
    const struct {
        const char *name;
        const struct e5_time_axis *axis;
        const double *values[5];
        const char *what, *hint;
    } cases[] = {
        {"spi", of_days, {x}, "more than one value in a month", "resample"},
        {"spei", &brief, {x}, "no month has so many months", "smaller scale"},
        {"thornthwaite", of_days, {x, x}, "steps are not months", "resample"},
        {"thornthwaite", of_days, {x}, "cell_latitude is missing", ""},
        {"hargreaves", of_days, {x, x}, "cell_latitude is missing", ""},
        {"hargreaves", &hourly, {x, x, NULL, x}, "neither days nor months", "daily("},
        {"fire_weather", of_days, {x, x, x, x}, "cell_latitude is missing", ""},
        {"fire_weather", &hourly, {x, x, x, x, x}, "not a day apart", ""},
        {"mann_kendall", &many, {x}, "20000 steps", "resample"},
        {"anomaly", of_days, {x, x}, "1 maps are neither", "climatology"},
        {"spell_statistics", of_days, {x, x, x}, "y and y_threshold", ""},
        {"hargreaves", &crooked, {x, x, NULL, x}, "steps 1 and 2 fall in one month", ""},
    };
    for (int i = 0; i < DAYS; i++) hours[i] = (int64_t)i * 3600;
    for (int i = 0; i < 4; i++) /* 1 January, 1 and 29 March, 26 April: most of them 28 days apart */
        crooked_ones[i] =
            (e5_date_to_days(E5_STANDARD, (struct e5_date){2001, 3, 1}) + (i > 0 ? (i - 1) * 28 : -59)) * E5_DAY;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct e5_kernel *kernel = e5_kernel_find(cases[i].name);
        struct e5_params params = usual_params(kernel);
        const double *values[E5_MAX_OPERANDS] = {NULL};
        struct e5_error err = E5_ERROR_NONE;
        struct e5_sweep_plan plan;
        struct cell cell;
        memcpy(values, cases[i].values, sizeof cases[i].values);
        show_cell(&cell, kernel, cases[i].axis, values);
        bool refused = e5_sweep_plan(kernel, &params, &cell.input, &plan, &err) == E5_INPUT;
        bool told = strstr(err.what, cases[i].what) != NULL && strstr(err.hint, cases[i].hint) != NULL;
        if (!refused || !told) printf("%s: %s (%s)\n", cases[i].name, err.what, err.hint);
        CHECK(refused && told);
        e5_sweep_plan_fini(&plan);
    }
}

/* Winter ends where a season of fires begins: without one nobody knows where. */
TEST(overwintering_needs_a_season) {
    static const double x[DAYS];
    const struct e5_kernel *kernel = e5_kernel_find("fire_weather");
    struct e5_params params = usual_params(kernel);
    const double *values[E5_MAX_OPERANDS] = {x, x, x, x, x};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_sweep_plan plan;
    struct cell cell;
    for (size_t p = 0; kernel->params[p].name != NULL; p++)
        if (strcmp(kernel->params[p].name, "overwintering") == 0) params.value[p].integer = 1;
    show_cell(&cell, kernel, &daily.axis, values);
    CHECK(e5_sweep_plan(kernel, &params, &cell.input, &plan, &err) == E5_INPUT);
    CHECK(strstr(err.what, "overwintering needs season=") != NULL);
    e5_sweep_plan_fini(&plan);
}

TEST(rules_of_events_are_those_of_their_parameters) {
    static const int of_find[] = {6, 10, 18, 26}, of_track[] = {6, 26};
    for (int i = 0; i < 6; i++) {
        const struct e5_kernel *kernel = e5_kernel_find(i < 4 ? "find_events" : "track");
        struct e5_params params = usual_params(kernel);
        struct e5_event_rule rule;
        for (size_t p = 0; kernel->params[p].name != NULL; p++) {
            if (strcmp(kernel->params[p].name, "connectivity") == 0) params.value[p].integer = i < 4 ? i : i - 4;
            if (strcmp(kernel->params[p].name, "min_days") == 0) params.value[p].integer = 11;
            if (strcmp(kernel->params[p].name, "max_gap") == 0) params.value[p].integer = 12;
            if (strcmp(kernel->params[p].name, "closing_km") == 0) params.value[p].number = 13;
            if (strcmp(kernel->params[p].name, "opening_km") == 0) params.value[p].number = 14;
            if (strcmp(kernel->params[p].name, "min_daily_area_km2") == 0) params.value[p].number = 15;
            if (strcmp(kernel->params[p].name, "min_area_km2") == 0) params.value[p].number = 16;
            if (strcmp(kernel->params[p].name, "min_duration") == 0) params.value[p].integer = 17;
            if (strcmp(kernel->params[p].name, "areas") == 0) params.value[p].integer = E5_AREAS_WGS84;
            if (strcmp(kernel->params[p].name, "links") == 0) params.value[p].integer = 0;
            if (strcmp(kernel->params[p].name, "overlap") == 0) params.value[p].number = 0.25;
            if (strcmp(kernel->params[p].name, "of") == 0) params.value[p].integer = E5_SHARE_LARGER;
            if (strcmp(kernel->params[p].name, "max_missing") == 0) params.value[p].integer = 18;
        }
        kernel->ops.field->rule(&params, &rule);
        CHECK(rule.neighbours == (i < 4 ? of_find[i] : of_track[i - 4]));
        CHECK(rule.min_days == 11 && rule.max_gap == 12 && rule.closing_km == 13 && rule.opening_km == 14);
        CHECK(rule.min_blob_area == 15 && rule.min_area == 16 && rule.min_duration == 17);
        CHECK(rule.areas == E5_AREAS_WGS84 && !rule.join.links && rule.join.overlapping == (i >= 4));
        if (i >= 4) CHECK(rule.join.least == 0.25 && rule.join.share == E5_SHARE_LARGER && rule.join.max_gap == 18);
    }
}

int main(void) {
    for (int i = 0; i < DAYS; i++)
        daily.seconds[i] = (e5_date_to_days(E5_STANDARD, (struct e5_date){2001, 1, 1}) + i) * E5_DAY;
    for (int i = 0; i < MONTHS; i++)
        monthly.seconds[i] = e5_date_to_days(E5_STANDARD, (struct e5_date){1981 + i / 12, i % 12 + 1, 1}) * E5_DAY;
    daily.axis.seconds = daily.seconds;
    monthly.axis.seconds = monthly.seconds;
    CHECK_OK(e5_pool_new(3, &pool, err));
    RUN(usual_parameters_give_numbers_in_every_order_of_cells);
    RUN(values_that_are_not_allowed_are_refused_by_name);
    RUN(groupings_bring_their_parameters);
    RUN(every_allocation_may_fail);
    RUN(fire_weather_of_its_authors);
    RUN(evapotranspiration_of_its_authors);
    RUN(a_line_is_a_line);
    RUN(months_that_never_differ_have_no_index);
    RUN(series_that_do_not_fit_are_refused);
    RUN(overwintering_needs_a_season);
    RUN(rules_of_events_are_those_of_their_parameters);
    RUN(every_value_of_every_parameter_in_every_order_of_cells);
    e5_pool_free(pool);
    return check_summary();
}
