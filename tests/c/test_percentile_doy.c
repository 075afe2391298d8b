#include <stdlib.h>

#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "diag/doy.h"
#include "diag/quantile.h"
#include "diag/window.h"
#include "drive/sweep.h"
#include "samples.h"

/* --- series --- */

enum missing { NONE, SOME, MOST, WHOLE_MONTHS, ALL, MISSING_COUNT };

struct series {
    struct e5_time_axis axis;
    int64_t *seconds;
    size_t cells;
    float *field; /* n × cells */
};

/* Tied values, zeros of both signs and infinities are as common as can be. */
static float any_value(void) {
    double chance = uniform();
    if (chance < 0.02) return 0.0f;
    if (chance < 0.04) return -0.0f;
    if (chance < 0.05) return INFINITY;
    if (chance < 0.06) return -INFINITY;
    return chance < 0.3 ? (float)((int)(uniform() * 8) - 4) : (float)(uniform() * 60 - 30);
}

static bool is_missing(enum missing pattern, size_t step) {
    switch (pattern) {
    case NONE: return false;
    case SOME: return uniform() < 0.1;
    case MOST: return uniform() < 0.93;
    case WHOLE_MONTHS: return step % 365 / 30 % 3 == 1;
    default: return true;
    }
}

/* Daily stamps at noon from 1 January of `year`; `gaps`: some days are not in the series at all. */
static struct series new_series(enum e5_calendar calendar, int64_t year, size_t days, size_t cells, bool gaps) {
    struct series series = {.cells = cells, .axis = {.calendar = calendar}};
    int64_t first = e5_date_to_days(calendar, (struct e5_date){year, 1, 1});
    series.seconds = malloc(days * sizeof *series.seconds);
    series.field = malloc(days * cells * sizeof *series.field);
    for (size_t day = 0; day < days; day++) {
        if (gaps && (day % 97 == 13 || (day > 500 && day < 530))) continue;
        series.seconds[series.axis.n++] = (first + (int64_t)day) * E5_DAY + E5_DAY / 2;
    }
    for (size_t i = 0; i < series.axis.n * cells; i++)
        series.field[i] = is_missing((enum missing)(i % cells % MISSING_COUNT), i / cells) ? NAN : any_value();
    series.axis.seconds = series.seconds;
    return series;
}

static void free_series(struct series *series) {
    free(series->seconds);
    free(series->field);
}

static struct e5_view view_of(const struct series *series) {
    return view_of_rows(series->field, E5_F32, series->axis.n, series->cells);
}

static struct e5_params params_of(double percentile, int width, int type, enum e5_neighbours neighbours,
                                  enum e5_leap_rule leap) {
    return (struct e5_params){.value = {{.number = percentile},
                                        {.integer = width},
                                        {.period = {0, 0, false}},
                                        {.integer = type},
                                        {.integer = neighbours},
                                        {.integer = leap},
                                        {.integer = 1},
                                        {.number = 0},
                                        {.number = E5_NO_LIMIT}}};
}

/* --- the slow way: sort every pool --- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_quantile(const double *sorted, size_t n, double percentile, int type) {
    if (n == 0) return NAN;
    struct e5_quantile_rank rank = e5_quantile_rank(percentile / 100, type, n);
    return e5_quantile_between(sorted[rank.lower], sorted[rank.upper], rank.fraction);
}

static void slow_cell(const struct series *series, const struct e5_window *window, size_t cell, double percentile,
                      int type, double *slots) {
    double *pool = malloc((series->axis.n + 1) * sizeof *pool);
    for (size_t slot = 0; slot < window->slots; slot++) {
        size_t n = 0;
        for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
            double value = series->field[window->pool[i] * series->cells + cell];
            if (!isnan(value)) pool[n++] = value == 0 ? 0 : value;
        }
        qsort(pool, n, sizeof *pool, ascending);
        slots[slot] = sorted_quantile(pool, n, percentile, type);
    }
    free(pool);
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static double stretched(const double *slots, size_t n, size_t results, size_t at) {
    double position = (double)(at * (n - 1)) / (double)(results - 1), before = floor(position);
    const double *left = slots + (size_t)before;
    return position == before ? left[0] : left[0] + (position - before) * (left[1] - left[0]);
}

static enum e5_status sweep_view(const struct e5_sweep_plan *plan, const struct e5_view *view, double *out,
                                 struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_sweep_operand operand = {.view = view};
    struct e5_sweep_out to = {out, E5_F64, view->shape[1]};
    struct e5_sweep sweep = {.plans = plan, .out = &to, .nplans = 1, .operands = &operand};
    return e5_sweep(&sweep, pool, watch, err);
}

static struct e5_series_input input_of(const struct series *series) {
    return (struct e5_series_input){.axis = &series->axis, .rows = {series->axis.n}};
}

static void check_series(const struct series *series, const struct e5_params *params, struct e5_pool *pool) {
    struct e5_period base = params->value[2].period;
    struct e5_sweep_plan plan;
    struct e5_window window;
    struct e5_view view = view_of(series);
    struct e5_series_input input = input_of(series);
    size_t wrong = 0,
           results = e5_window_result_slots(series->axis.calendar, (enum e5_leap_rule)params->value[5].integer);
    CHECK_OK(e5_window_init(&window, &series->axis, base.given ? base.first_day : INT64_MIN,
                            base.given ? base.last_day : INT64_MAX, (int)params->value[1].integer,
                            (enum e5_neighbours)params->value[4].integer, (enum e5_leap_rule)params->value[5].integer,
                            err));
    CHECK_OK(e5_sweep_plan(e5_kernel_find("percentile_doy"), params, &input, &plan, err));
    CHECK(plan.out_rows == results);
    double *out = malloc(results * series->cells * sizeof *out), slots[366];
    CHECK_OK(sweep_view(&plan, &view, out, pool, NULL, err));
    for (size_t cell = 0; cell < series->cells; cell++) {
        slow_cell(series, &window, cell, params->value[0].number, (int)params->value[3].integer, slots);
        if (params->value[5].integer == E5_LEAP_MEAN && e5_window_leap_slots(series->axis.calendar, E5_LEAP_MEAN))
            slots[59] = slots[58] + 0.5 * (slots[60] - slots[58]);
        for (size_t i = 0; i < results; i++)
            wrong += !same(out[i * series->cells + cell], stretched(slots, window.slots, results, i));
    }
    CHECK(wrong == 0);
    free(out);
    e5_window_fini(&window);
    e5_sweep_plan_fini(&plan);
}

/* --- equal to the slow way, bit for bit --- */

TEST(percentiles_types_and_rules) {
    static const double percentiles[] = {0, 1, 10, 50, 66.6, 90, 95, 99.9, 100};
    struct series series = new_series(E5_STANDARD, 1996, 5 * 365 + 2, MISSING_COUNT, false);
    for (size_t k = 0; k < sizeof percentiles / sizeof *percentiles; k++)
        for (int type = 1; type <= 9; type++)
            for (int rules = 0; rules < 4; rules += 3) {
                struct e5_params params = params_of(percentiles[k], 5, type, rules & 1, rules >> 1);
                check_series(&series, &params, NULL);
            }
    free_series(&series);
}

TEST(windows) {
    static const int widths[] = {1, 3, 5, 7, 9, 15, 21, 31, 61};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        struct series series = new_series(E5_PROLEPTIC, 1981, widths[k] <= 5 ? 10957 : 1500, MISSING_COUNT, false);
        struct e5_params high = params_of(90, widths[k], 8, E5_NEIGHBOURS_WRAP, E5_LEAP_DROP);
        struct e5_params low = params_of(10, widths[k], 7, E5_NEIGHBOURS_REAL, E5_LEAP_STRETCH);
        check_series(&series, &high, NULL);
        check_series(&series, &low, NULL);
        free_series(&series);
    }
}

/* In the middle of a large pool lists would be long: every pool is selected from instead. */
TEST(medians_of_wide_windows) {
    struct series series = new_series(E5_STANDARD, 1981, 3700, MISSING_COUNT, false);
    struct e5_params params = params_of(50, 61, 8, E5_NEIGHBOURS_WRAP, E5_LEAP_STRETCH);
    check_series(&series, &params, NULL);
    free_series(&series);
}

TEST(calendars) {
    for (int calendar = 0; calendar < E5_CALENDAR_COUNT; calendar++)
        for (int rules = 0; rules < 16; rules++) {
            struct series series = new_series((enum e5_calendar)calendar, 1999, 2000, 5, rules == 1);
            struct e5_params params = params_of(90, 5, 8, rules & 3, rules >> 2);
            check_series(&series, &params, NULL);
            free_series(&series);
        }
}

TEST(short_and_broken_series) {
    static const size_t lengths[] = {1, 2, 40, 365, 366, 800};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        for (int rules = 0; rules < 4; rules++)
            for (int gaps = 0; gaps < 2; gaps++) {
                struct series series = new_series(E5_STANDARD, 2003, lengths[k], 5, gaps != 0);
                struct e5_params params = params_of(75, 5, 8, rules & 1, rules >> 1);
                check_series(&series, &params, NULL);
                free_series(&series);
            }
}

/* Days whose neighbours are there but which are not there themselves: with real neighbours they have no pool, however
 * many values lie around them. */
TEST(sparse_series) {
    for (int rules = 0; rules < 4; rules++) {
        struct series series = new_series(E5_STANDARD, 2001, 1500, 5, false);
        struct e5_params params = params_of(90, 3, 8, rules & 1, rules >> 1);
        size_t kept = 0;
        for (size_t i = 0; i < series.axis.n; i++)
            if (i % 365 % 4 == 0 || i % 365 % 4 == 2) series.seconds[kept++] = series.seconds[i];
        series.axis.n = kept;
        check_series(&series, &params, NULL);
        free_series(&series);
    }
}

TEST(part_of_the_series_is_the_base) {
    struct series series = new_series(E5_STANDARD, 1990, 4000, 5, false);
    for (int rules = 0; rules < 4; rules++) {
        struct e5_params params = params_of(90, 5, 8, rules & 1, rules >> 1);
        params.value[2].period = (struct e5_period){
            .given = true,
            .first_day = e5_date_to_days(E5_STANDARD, (struct e5_date){1992, 3, 17}),
            .last_day = e5_date_to_days(E5_STANDARD, (struct e5_date){1997, 10, 2}),
        };
        check_series(&series, &params, NULL);
    }
    free_series(&series);
}

TEST(threads_do_not_change_a_bit) {
    static const unsigned threads[] = {1, 2, 4, 7};
    struct series series = new_series(E5_STANDARD, 2000, 800, 201, false);
    struct e5_params params = params_of(90, 5, 8, E5_NEIGHBOURS_WRAP, E5_LEAP_DROP);
    for (int t = 0; t < 4; t++) {
        struct e5_pool *pool = NULL;
        CHECK_OK(e5_pool_new(threads[t], &pool, err));
        check_series(&series, &params, pool);
        e5_pool_free(pool);
    }
    free_series(&series);
}

/* Values worked out by hand: on day d of year y the value is 10 d + y, so the pool of three days and two years around
 * slot 100 is 991, 992, 1001, 1002, 1011, 1012; type 7 at 50 %: half-way between 1001 and 1002. */
/* Each is compared with sorting every pool, so that the instruction sets agree with each other as well. */
TEST(every_instruction_set) {
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        CHECK((int)e5_isa() <= isa);
        test_percentiles_types_and_rules();
        test_windows();
    }
}

TEST(a_pool_counted_on_fingers) {
    struct series series = new_series(E5_NOLEAP, 2001, 730, 1, false);
    struct e5_params params = params_of(50, 3, 7, E5_NEIGHBOURS_WRAP, E5_LEAP_DROP);
    struct e5_sweep_plan plan;
    struct e5_view view = view_of(&series);
    struct e5_series_input input = input_of(&series);
    double out[365];
    for (size_t i = 0; i < 730; i++) series.field[i] = (float)(10 * (i % 365 + 1) + i / 365 + 1);
    CHECK_OK(e5_sweep_plan(e5_kernel_find("percentile_doy"), &params, &input, &plan, err));
    CHECK_OK(sweep_view(&plan, &view, out, NULL, NULL, err));
    CHECK(out[99] == 1001.5);
    CHECK(out[0] == 21.5); /* 1 and 2 January, 31 December of the same year: 11, 12, 21, 22, 3651, 3652 */
    e5_sweep_plan_fini(&plan);
    free_series(&series);
}

/* --- refusals --- */

static enum e5_status plan_only(const struct series *series, const struct e5_params *params, struct e5_error *err) {
    struct e5_sweep_plan plan;
    struct e5_series_input input = input_of(series);
    enum e5_status status = e5_sweep_plan(e5_kernel_find("percentile_doy"), params, &input, &plan, err);
    e5_sweep_plan_fini(&plan);
    return status;
}

TEST(parameters_are_checked) {
    struct series series = new_series(E5_STANDARD, 2001, 400, 1, false);
    struct e5_params even = params_of(90, 4, 8, 0, 0), wide = params_of(90, 63, 8, 0, 0);
    struct e5_params high = params_of(100.5, 5, 8, 0, 0), type = params_of(90, 5, 10, 0, 0);
    struct e5_params none = params_of(NAN, 5, 8, 0, 0);
    CHECK_STATUS(E5_INPUT, plan_only(&series, &even, err));
    CHECK_STATUS(E5_INPUT, plan_only(&series, &wide, err));
    CHECK_STATUS(E5_INPUT, plan_only(&series, &high, err));
    CHECK_STATUS(E5_INPUT, plan_only(&series, &type, err));
    CHECK_STATUS(E5_INPUT, plan_only(&series, &none, err));
    static const struct {
        double share;
        int smoothing;
        const char *what;
    } cases[] = {{1.5, 0, "share of valid samples is 1.5"},
                 {NAN, 0, "share of valid samples is nan"},
                 {0, 4, "smoothing over 4 days"},
                 {0, -1, "smoothing over -1 days"},
                 {0, 367, "smoothing over 367 days"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct e5_error said = E5_ERROR_NONE;
        struct e5_doy doy;
        const struct e5_doy_options options = {.first_day = INT64_MIN,
                                               .last_day = INT64_MAX,
                                               .window = 5,
                                               .probability = 0.9,
                                               .type = 8,
                                               .min_share = cases[i].share,
                                               .smoothing = cases[i].smoothing};
        CHECK(e5_doy_init(&doy, &series.axis, &options, &said) == E5_INPUT);
        CHECK(strstr(said.what, cases[i].what) != NULL);
    }
    free_series(&series);
}

TEST(a_base_outside_says_what_there_is) {
    struct series series = new_series(E5_STANDARD, 2001, 400, 1, false);
    struct e5_params params = params_of(90, 5, 8, 0, 0);
    struct e5_error error = E5_ERROR_NONE;
    params.value[2].period = (struct e5_period){0, 364, true};
    CHECK(plan_only(&series, &params, &error) == E5_INPUT);
    CHECK(strstr(error.what, "2001-01-01 to 2002-02-04") != NULL);
    free_series(&series);
}

TEST(an_empty_or_hourly_series_is_refused) {
    struct series series = new_series(E5_STANDARD, 2001, 400, 1, false);
    struct e5_params params = params_of(90, 5, 8, 0, 0);
    series.seconds[7] = series.seconds[6] + 3600;
    CHECK_STATUS(E5_INPUT, plan_only(&series, &params, err));
    series.axis.n = 0;
    CHECK_STATUS(E5_INPUT, plan_only(&series, &params, err));
    free_series(&series);
}

TEST(every_allocation_may_fail) {
    struct series series = new_series(E5_STANDARD, 2001, 800, 3, false);
    struct e5_params params = params_of(90, 5, 8, E5_NEIGHBOURS_REAL, E5_LEAP_STRETCH);
    struct e5_view view = view_of(&series);
    struct e5_series_input input = input_of(&series);
    double out[366 * 3];
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    for (int n = 1; status != E5_OK && n < 100; n++) {
        struct e5_sweep_plan plan;
        e5_alloc_fail_after(n);
        status = e5_sweep_plan(e5_kernel_find("percentile_doy"), &params, &input, &plan, NULL);
        if (status == E5_OK) status = sweep_view(&plan, &view, out, NULL, NULL, NULL);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failures += status == E5_MEMORY;
        e5_sweep_plan_fini(&plan);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures >= 8);
    free_series(&series);
}

int main(void) {
    RUN(percentiles_types_and_rules);
    RUN(windows);
    RUN(medians_of_wide_windows);
    RUN(calendars);
    RUN(short_and_broken_series);
    RUN(sparse_series);
    RUN(part_of_the_series_is_the_base);
    RUN(threads_do_not_change_a_bit);
    RUN(every_instruction_set);
    RUN(a_pool_counted_on_fingers);
    RUN(parameters_are_checked);
    RUN(a_base_outside_says_what_there_is);
    RUN(an_empty_or_hourly_series_is_refused);
    RUN(every_allocation_may_fail);
    return check_summary();
}
