/* Drivers that go through maps block by block: numbers of regions, series at stations, extrema of all maps. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "diag/stations.h"
#include "drive/extrema.h"
#include "drive/regional.h"

enum { STEPS = 70, ROWS = 9, COLUMNS = 14, CELLS = ROWS * COLUMNS, REGIONS = 4 };

static float field[STEPS * CELLS];
static double wide[STEPS * CELLS];
static const int64_t first[] = {0, 3, 3, 8, 9}; /* the second one has no cell */
static const int64_t cell[] = {0, 17, 125, 40, 41, 42, 43, 44, 99};
static const double weight[] = {1, 0.5, 0.25, 2, 2, 2, 2, 1, 3};
static const double beyond[] = {0, 1, 3, 0};

static void fill(void) {
    unsigned random = 5;
    for (size_t i = 0; i < STEPS * CELLS; i++) {
        random = random * 1664525u + 1013904223u;
        wide[i] = field[i] = random >> 28 == 3 ? NAN : (float)(random >> 16) / 256 - 100;
    }
}

static struct e5_view view_of(const void *values, enum e5_dtype dtype) {
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(dtype);
    return (struct e5_view){.data = values,
                            .dtype = dtype,
                            .ndim = 3,
                            .shape = {STEPS, ROWS, COLUMNS},
                            .strides = {CELLS * size, COLUMNS * size, size},
                            .packing = E5_PACKING_NONE};
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static struct e5_regional question(enum e5_regional_statistic statistic, double share) {
    return (struct e5_regional){{REGIONS, first, cell, weight, beyond}, statistic, 20.1, share};
}

/* What the header says, cell by cell. */
static double answer(const struct e5_regional *what, const float *map, size_t region) {
    double all = beyond[region], valid = 0, sum = 0, hit = 0, high = -INFINITY, low = INFINITY;
    for (int64_t i = first[region]; i < first[region + 1]; i++) {
        double x = (double)map[cell[i]];
        all += weight[i];
        if (isnan(x)) continue;
        valid += weight[i], sum += weight[i] * x, high = fmax(high, x), low = fmin(low, x);
        if (what->statistic == E5_REGIONAL_BELOW ? x < (double)20.1f : x > (double)20.1f) hit += weight[i];
    }
    if (valid == 0 || valid < what->min_share * all) return NAN;
    const double results[] = {sum / valid, sum, high, low, hit / valid, hit / valid};
    return results[what->statistic];
}

TEST(every_statistic_of_regions_equals_its_definition) {
    static const double shares[] = {0, 0.5, 0.9};
    static double out[STEPS * REGIONS];
    struct e5_view view = view_of(field, E5_F32);
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(3, &pool, err));
    for (int statistic = E5_REGIONAL_MEAN; statistic <= E5_REGIONAL_BELOW; statistic++)
        for (int s = 0; s < 3; s++)
            for (int threads = 0; threads < 2; threads++) {
                struct e5_regional what = question((enum e5_regional_statistic)statistic, shares[s]);
                struct e5_source source = e5_source_memory(&view);
                size_t wrong = 0, known = 0;
                CHECK_OK(e5_regional(&source, &what, 1, 10 * sizeof field[0] * CELLS, out, threads ? pool : NULL,
                                     NULL, err));
                for (size_t i = 0; i < STEPS * REGIONS; i++) {
                    wrong += !same(out[i], answer(&what, field + i / REGIONS * CELLS, i % REGIONS));
                    known += !isnan(out[i]);
                }
                CHECK(wrong == 0 && known > STEPS / 2);
            }
    e5_pool_free(pool);
}

TEST(both_precisions_give_the_same_means) {
    static double out[STEPS * REGIONS], again[STEPS * REGIONS];
    struct e5_view single = view_of(field, E5_F32), full = view_of(wide, E5_F64);
    struct e5_regional what = question(E5_REGIONAL_MEAN, 0);
    struct e5_source source = e5_source_memory(&single), other = e5_source_memory(&full);
    CHECK_OK(e5_regional(&source, &what, 1, 1, out, NULL, NULL, err));
    CHECK_OK(e5_regional(&other, &what, 1, SIZE_MAX, again, NULL, NULL, err));
    CHECK(memcmp(out, again, sizeof out) == 0);
}

TEST(several_questions_are_answered_in_one_walk) {
    static double one[STEPS * REGIONS], all[3 * STEPS * REGIONS];
    struct e5_view view = view_of(field, E5_F32);
    struct e5_source source = e5_source_memory(&view);
    const struct e5_regional what[] = {question(E5_REGIONAL_MEAN, 0), question(E5_REGIONAL_BELOW, 0.5),
                                       question(E5_REGIONAL_MAX, 0.9)};
    CHECK_OK(e5_regional(&source, what, 3, 10 * sizeof field[0] * CELLS, all, NULL, NULL, err));
    for (int i = 0; i < 3; i++) {
        source = e5_source_memory(&view);
        CHECK_OK(e5_regional(&source, &what[i], 1, SIZE_MAX, one, NULL, NULL, err));
        CHECK(memcmp(one, all + (ptrdiff_t)i * STEPS * REGIONS, sizeof one) == 0);
    }
}

TEST(regions_that_do_not_fit_the_map_are_an_error_of_ours) {
    static const int64_t outside[] = {0, 17, CELLS, 40, 41, 42, 43, 44, 99}, backwards[] = {0, 3, 2, 8, 9};
    static const double nothing[] = {1, 0.5, 0, 2, 2, 2, 2, 1, 3};
    struct e5_regions good = question(E5_REGIONAL_MEAN, 0).regions, bad[3] = {good, good, good};
    bad[0].cell = outside;
    bad[1].first = backwards;
    bad[2].weight = nothing;
    CHECK_OK(e5_regions_check(&good, CELLS, err));
    for (int i = 0; i < 3; i++) CHECK_STATUS(E5_INTERNAL, e5_regions_check(&bad[i], CELLS, err));
    struct e5_view view = view_of(field, E5_F32);
    struct e5_source source = e5_source_memory(&view);
    struct e5_regional what = {.regions = bad[0]};
    double untouched = -7;
    CHECK_STATUS(E5_INTERNAL, e5_regional(&source, &what, 1, 1000, &untouched, NULL, NULL, err));
    CHECK(untouched == -7);
}

TEST(a_cancelled_walk_over_regions_stops) {
    static double out[STEPS * REGIONS];
    struct e5_view view = view_of(field, E5_F32);
    struct e5_source source = e5_source_memory(&view);
    struct e5_regional what = question(E5_REGIONAL_SUM, 0);
    struct e5_watch watch = {0};
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_regional(&source, &what, 1, 1, out, NULL, &watch, err));
    CHECK(atomic_load(&watch.done) < STEPS * CELLS);
}

/* --- stations --- */

enum { STATIONS = 5 };
static const int64_t rows[STATIONS * E5_STATION_CELLS] = {0, 0, 1, 1, 8, 8, 8, 8, 3, 3, 4, 4, 2, 2, 2, 2, 5, 5, 6, 6};
static const int64_t columns[STATIONS * E5_STATION_CELLS] = {0, 1, 0,  1,  13, 13, 13, 13, 7, 8,
                                                             7, 8, 11, 11, 11, 11, 2,  3,  2, 3};
static const double weights[STATIONS * E5_STATION_CELLS] = {0.1,  0.2,  0.3, 0.4, 1, 0, 0,   0,   0.25, 0.25,
                                                            0.25, 0.25, NAN, 0,   0, 0, 0.5, 0.5, 0,    0};

static double sampled(const float *map, size_t station, bool skip) {
    double sum = 0, used = 0, whole = 0;
    for (size_t i = station * 4; i < station * 4 + 4; i++) {
        double x = (double)map[rows[i] * COLUMNS + columns[i]];
        if (weights[i] == 0) continue;
        whole += weights[i];
        if (skip && isnan(x)) continue;
        used += weights[i], sum += weights[i] * x;
    }
    return used == whole ? sum : used > 0 ? sum * (whole / used) : NAN;
}

TEST(series_at_stations_are_weighted_means_of_their_cells) {
    static float out32[STATIONS * STEPS];
    static double out64[STATIONS * STEPS];
    struct e5_view single = view_of(field, E5_F32), full = view_of(wide, E5_F64);
    for (int skip = 0; skip < 2; skip++) {
        struct e5_stations stations = {STATIONS, rows, columns, weights, skip};
        size_t wrong = 0, known = 0;
        CHECK_OK(e5_stations_sample(&stations, &single, &(struct e5_station_series){out64, E5_F64, STEPS}, NULL, NULL,
                                    err));
        CHECK_OK(e5_stations_sample(&stations, &full, &(struct e5_station_series){out32, E5_F32, STEPS}, NULL, NULL,
                                    err));
        for (size_t i = 0; i < STATIONS * STEPS; i++) {
            double wanted = sampled(field + i % STEPS * CELLS, i / STEPS, skip);
            wrong += !same(out64[i], wanted) + !same((double)out32[i], (double)(float)wanted);
            known += !isnan(wanted);
        }
        CHECK(wrong == 0 && known > STEPS);
    }
}

TEST(the_nearest_cell_is_copied) {
    static const int64_t row[] = {4, 4, 4, 4, 7, 7, 7, 7}, column[] = {5, 5, 5, 5, 0, 0, 0, 0};
    static const double one[] = {1, 0, 0, 0, NAN, 0, 0, 0};
    struct e5_view view = view_of(field, E5_F32);
    struct e5_stations stations = {2, row, column, one, false};
    float out[2 * STEPS];
    CHECK_OK(e5_stations_sample(&stations, &view, &(struct e5_station_series){out, E5_F32, STEPS}, NULL, NULL, err));
    for (size_t t = 0; t < STEPS; t++) {
        CHECK(same((double)out[t], (double)field[t * CELLS + 4 * COLUMNS + 5]));
        CHECK(isnan(out[STEPS + t]));
    }
}

TEST(a_station_outside_the_map_is_refused) {
    static const int64_t bad[4][2] = {{-1, 0}, {ROWS, 0}, {0, -1}, {0, COLUMNS}};
    struct e5_view view = view_of(field, E5_F32);
    double out[STEPS] = {-7};
    for (int i = 0; i < 4; i++) {
        int64_t row[4] = {1, 1, 1, bad[i][0]}, column[4] = {1, 1, 1, bad[i][1]};
        struct e5_stations stations = {1, row, column, weights, false};
        struct e5_station_series series = {out, E5_F64, STEPS};
        CHECK_STATUS(E5_INTERNAL, e5_stations_sample(&stations, &view, &series, NULL, NULL, err));
    }
    CHECK(out[0] == -7);
    struct e5_stations stations = {STATIONS, rows, columns, weights, false};
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_stations_sample(&stations, &view, &(struct e5_station_series){out, E5_F64, STEPS},
                                               NULL, NULL, err));
    e5_alloc_fail_after(0);
    CHECK(out[0] == -7);
}

/* --- extrema --- */

static struct e5_grid grid;

static void make_grid(void) {
    double latitude[ROWS], longitude[COLUMNS];
    for (int i = 0; i < ROWS; i++) latitude[i] = 60 - 2 * i;
    for (int i = 0; i < COLUMNS; i++) longitude[i] = 10 + 2 * i;
    CHECK_OK(e5_grid_init(&grid, latitude, ROWS, longitude, COLUMNS, err));
}

static const struct e5_extrema_rule lows = {.around = E5_AROUND, .search = 300, .reach = 500, .depth = 1};

/* One map after the other. */
static void one_by_one(const struct e5_extrema_plan *plan, struct e5_extrema *out) {
    struct e5_extrema_scratch scratch = {0};
    for (int32_t t = 0; t < STEPS; t++)
        CHECK_OK(e5_extrema_map(plan, field + t * CELLS, E5_F32, t, &scratch, out, err));
    e5_extrema_scratch_fini(&scratch);
}

TEST(extrema_of_all_maps_do_not_depend_on_blocks_or_threads) {
    struct e5_extrema_plan plan;
    struct e5_extrema wanted = {0};
    struct e5_view view = view_of(field, E5_F32);
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(3, &pool, err));
    CHECK_OK(e5_extrema_plan(&lows, &grid, &plan, err));
    one_by_one(&plan, &wanted);
    CHECK(wanted.count > STEPS);
    for (int way = 0; way < 4; way++) {
        struct e5_source source = e5_source_memory(&view);
        struct e5_extrema found = {0};
        CHECK_OK(e5_extrema(&source, &plan, way & 1 ? 5000 : SIZE_MAX, &found, way & 2 ? pool : NULL, NULL, err));
        CHECK(found.count == wanted.count);
        for (size_t i = 0; i < found.count && i < wanted.count; i++)
            CHECK(found.row[i].time == wanted.row[i].time && found.row[i].row == wanted.row[i].row &&
                  found.row[i].column == wanted.row[i].column && found.row[i].value == wanted.row[i].value &&
                  found.row[i].depth == wanted.row[i].depth);
        free(found.row);
    }
    free(wanted.row);
    e5_extrema_plan_fini(&plan);
    e5_pool_free(pool);
}

TEST(searches_for_extrema_that_fail_say_so) {
    struct e5_extrema_plan plan;
    struct e5_view view = view_of(field, E5_F32), flat = view;
    struct e5_watch watch = {0};
    struct e5_extrema found = {0};
    struct e5_error refused = E5_ERROR_NONE;
    enum e5_status status = E5_MEMORY;
    long failures = 0;
    flat.shape[1] = ROWS - 1;
    CHECK_OK(e5_extrema_plan(&lows, &grid, &plan, err));
    struct e5_source source = e5_source_memory(&flat);
    CHECK(e5_extrema(&source, &plan, 5000, &found, NULL, NULL, &refused) == E5_INPUT);
    CHECK(strstr(refused.what, "grid") != NULL);
    e5_watch_cancel(&watch);
    source = e5_source_memory(&view);
    CHECK_STATUS(E5_CANCELLED, e5_extrema(&source, &plan, 5000, &found, NULL, &watch, err));
    CHECK(found.count == 0);
    while (status == E5_MEMORY && failures < 5000) {
        free(found.row);
        found = (struct e5_extrema){0};
        source = e5_source_memory(&view);
        e5_alloc_fail_after(failures + 1);
        status = e5_extrema(&source, &plan, 5000, &found, NULL, NULL, NULL);
        e5_alloc_fail_after(0);
        failures += status == E5_MEMORY;
    }
    CHECK(status == E5_OK && failures > 5 && found.count > STEPS);
    free(found.row);
    e5_extrema_plan_fini(&plan);
}

int main(void) {
    fill();
    make_grid();
    RUN(every_statistic_of_regions_equals_its_definition);
    RUN(several_questions_are_answered_in_one_walk);
    RUN(both_precisions_give_the_same_means);
    RUN(regions_that_do_not_fit_the_map_are_an_error_of_ours);
    RUN(a_cancelled_walk_over_regions_stops);
    RUN(series_at_stations_are_weighted_means_of_their_cells);
    RUN(the_nearest_cell_is_copied);
    RUN(a_station_outside_the_map_is_refused);
    RUN(extrema_of_all_maps_do_not_depend_on_blocks_or_threads);
    RUN(searches_for_extrema_that_fail_say_so);
    e5_grid_fini(&grid);
    return check_summary();
}
