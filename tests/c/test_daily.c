#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "drive/scan.h"

#define HOURS 24
#define DAYS 9
#define STEPS (HOURS * DAYS)

enum { MAX, MIN, MEAN, SUM };

static struct e5_periods periods;
static int64_t seconds[STEPS];

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

/* Cell by cell and day by day. */
static double one_day(const float *field, size_t cells, size_t cell, size_t day, int statistic, int64_t min_samples) {
    double value = statistic == MAX ? -INFINITY : statistic == MIN ? INFINITY : 0;
    int64_t valid = 0;
    for (size_t hour = 0; hour < HOURS; hour++) {
        double x = field[(day * HOURS + hour) * cells + cell];
        if (isnan(x)) continue;
        valid++;
        if (statistic == MAX && x > value) value = x;
        if (statistic == MIN && x < value) value = x;
        if (statistic >= MEAN) value += x;
    }
    if (valid < (min_samples > 0 ? min_samples : HOURS)) return NAN;
    return statistic == MEAN ? value / (double)valid : value;
}

/* Cells differ in how much is missing: nothing, single hours, half of all, whole days, everything. */
static float *new_field(size_t cells) {
    float *field = malloc(STEPS * cells * sizeof *field);
    unsigned random = 1;
    for (size_t step = 0; step < STEPS; step++)
        for (size_t cell = 0; cell < cells; cell++) {
            random = random * 1664525u + 1013904223u;
            double x = (double)(random >> 8) / 1000 - 8000;
            unsigned chance = random >> 12 & 255;
            bool missing = (cell % 5 == 1 && chance < 6) || (cell % 5 == 2 && chance < 128) ||
                           (cell % 5 == 3 && step / HOURS % 2 == 1) || (cell % 5 == 4 && cell % 3 == 0);
            field[step * cells + cell] = missing ? NAN : (float)x;
        }
    return field;
}

static enum e5_status run(const float *field, size_t cells, int statistic, int64_t min_samples, struct e5_pool *pool,
                          double *out, struct e5_error *err) {
    struct e5_params params = {.value = {{.integer = statistic}, {.integer = min_samples}}};
    struct e5_scan_request request = {e5_kernel_find("daily"), &params, &periods, E5_F64, out};
    struct e5_view view = {.data = field,
                           .dtype = E5_F32,
                           .ndim = 2,
                           .shape = {STEPS, cells},
                           .strides = {(ptrdiff_t)(cells * sizeof *field), sizeof *field},
                           .packing = E5_PACKING_NONE};
    struct e5_source source = e5_source_memory(&view);
    return e5_scan(&source, &request, 1, 40000, pool, NULL, err);
}

TEST(every_statistic_equals_its_definition) {
    static const size_t sizes[] = {1, 7, 64, 1533};
    static const unsigned threads[] = {1, 2, 4, 7};
    static const int64_t tolerances[] = {0, 1, 12, 23, 24, 25};
    for (size_t k = 0; k < 4; k++) {
        size_t cells = sizes[k], wrong = 0, missing = 0;
        struct e5_pool *pool = NULL;
        float *field = new_field(cells);
        double *out = malloc(DAYS * cells * sizeof *out);
        CHECK_OK(e5_pool_new(threads[k], &pool, err));
        for (int statistic = MAX; statistic <= SUM; statistic++)
            for (size_t t = 0; t < 6; t++) {
                CHECK_OK(run(field, cells, statistic, tolerances[t], pool, out, err));
                for (size_t i = 0; i < DAYS * cells; i++) {
                    double want = one_day(field, cells, i % cells, i / cells, statistic, tolerances[t]);
                    wrong += !same(out[i], want);
                    missing += isnan(want);
                }
            }
        CHECK(wrong == 0);
        CHECK(k == 0 || missing > 0);
        e5_pool_free(pool);
        free(field);
        free(out);
    }
}

TEST(threads_do_not_change_a_bit) {
    enum { CELLS = 9001 };
    float *field = new_field(CELLS);
    double *first = malloc(DAYS * CELLS * sizeof *first), *out = malloc(DAYS * CELLS * sizeof *out);
    static const unsigned threads[] = {2, 4, 7};
    CHECK_OK(run(field, CELLS, MEAN, 1, NULL, first, err));
    for (int t = 0; t < 3; t++) {
        struct e5_pool *pool = NULL;
        CHECK_OK(e5_pool_new(threads[t], &pool, err));
        CHECK_OK(run(field, CELLS, MEAN, 1, pool, out, err));
        CHECK(memcmp(first, out, DAYS * CELLS * sizeof *out) == 0);
        e5_pool_free(pool);
    }
    free(field);
    free(first);
    free(out);
}

/* A day that the data do not fill is missing, however complete what there is may be. */
TEST(a_day_cut_short_is_missing) {
    float field[STEPS];
    double out[DAYS];
    int32_t kept[STEPS];
    for (int i = 0; i < STEPS; i++) field[i] = 1;
    memcpy(kept, periods.of_sample, sizeof kept);
    periods.of_sample[0] = -1;
    periods.of_sample[STEPS - 1] = -1;
    CHECK_OK(run(field, 1, SUM, 0, NULL, out, err));
    CHECK(isnan(out[0]) && isnan(out[DAYS - 1]));
    for (int day = 1; day < DAYS - 1; day++) CHECK(out[day] == HOURS);
    CHECK_OK(run(field, 1, SUM, 23, NULL, out, err));
    CHECK(out[0] == 23 && out[DAYS - 1] == 23);
    memcpy(periods.of_sample, kept, sizeof kept);
}

TEST(extremes_may_be_infinite) {
    float field[STEPS];
    double out[DAYS];
    for (int i = 0; i < STEPS; i++) field[i] = i < HOURS ? -INFINITY : INFINITY;
    CHECK_OK(run(field, 1, MAX, 0, NULL, out, err));
    CHECK(out[0] == -INFINITY && out[1] == INFINITY);
    CHECK_OK(run(field, 1, MIN, 0, NULL, out, err));
    CHECK(out[0] == -INFINITY && out[1] == INFINITY);
}

TEST(parameters_are_checked) {
    float field[STEPS] = {0};
    double out[DAYS];
    CHECK_STATUS(E5_INPUT, run(field, 1, SUM + 1, 0, NULL, out, err));
    CHECK_STATUS(E5_INPUT, run(field, 1, -1, 0, NULL, out, err));
    CHECK_STATUS(E5_INPUT, run(field, 1, MAX, -1, NULL, out, err));
}

int main(void) {
    struct e5_time_axis axis = {.calendar = E5_STANDARD, .n = STEPS, .seconds = seconds};
    for (int i = 0; i < STEPS; i++) seconds[i] = (int64_t)i * 3600;
    CHECK_OK(e5_periods_by_day(&axis, E5_DAY_INSTANT, 0, &periods, err));
    CHECK(periods.count == DAYS && periods.expected[0] == HOURS);
    RUN(every_statistic_equals_its_definition);
    RUN(threads_do_not_change_a_bit);
    RUN(a_day_cut_short_is_missing);
    RUN(extremes_may_be_infinite);
    RUN(parameters_are_checked);
    e5_periods_fini(&periods);
    return check_summary();
}
