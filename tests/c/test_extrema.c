#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "events/extrema.h"

enum { ROWS = 19, COLUMNS = 36, CELLS = ROWS * COLUMNS };

static double value[CELLS];
static struct e5_grid grid;
static struct e5_extrema found;

static double away(double lat1, double lon1, double lat2, double lon2) {
    double a = M_PI / 180, u = sin((lat1 - lat2) * a / 2), v = sin((lon1 - lon2) * a / 2);
    return 2 * asin(sqrt(u * u + cos(lat1 * a) * cos(lat2 * a) * v * v)) / a;
}

/* A globe in steps of 10° with both poles, high everywhere. */
static void start(bool poles) {
    double latitude[ROWS], longitude[COLUMNS];
    for (int i = 0; i < ROWS; i++) latitude[i] = poles ? 90 - 10 * i : 90 - 180.0 / ROWS * (i + 0.5);
    for (int i = 0; i < COLUMNS; i++) longitude[i] = 10 * i;
    e5_grid_fini(&grid);
    CHECK_OK(e5_grid_init(&grid, latitude, ROWS, longitude, COLUMNS, err));
    for (int i = 0; i < CELLS; i++) value[i] = 1000;
}

/* Deepen the field round a place by so much, less and less up to 40°. */
static void dig(double latitude, double longitude, double depth) {
    for (int i = 0; i < CELLS; i++) {
        double far = away(latitude, longitude, grid.latitude[i / COLUMNS], grid.longitude[i % COLUMNS]);
        if (far < 40) value[i] -= depth * (1 - far / 40);
    }
}

static enum e5_status search(struct e5_extrema_rule rule, struct e5_error *err) {
    struct e5_extrema_plan plan;
    struct e5_extrema_scratch scratch = {0};
    found.count = 0;
    enum e5_status status = e5_extrema_plan(&rule, &grid, &plan, err);
    if (status != E5_OK) return status;
    status = e5_extrema_map(&plan, value, E5_F64, 7, &scratch, &found, err);
    e5_extrema_scratch_fini(&scratch);
    e5_extrema_plan_fini(&plan);
    return status;
}

static const struct e5_extrema_rule rule = {.around = E5_AROUND, .reach = 6000, .depth = 1};

static bool found_one(int row, int column) {
    return found.count == 1 && found.row[0].row == row && found.row[0].column == column && found.row[0].time == 7;
}

TEST(lows_are_found_all_round_the_globe) {
    for (int column = 0; column < COLUMNS; column++) {
        start(true);
        dig(40, 10 * column, 50);
        CHECK_OK(search(rule, err));
        CHECK(found_one(5, column));
        CHECK(found.row[0].value == 950 && fabs(found.row[0].depth - 50) < 1e-9);
    }
}

TEST(a_low_on_a_pole_is_one) {
    start(true);
    dig(90, 0, 50);
    CHECK_OK(search(rule, err));
    CHECK(found_one(0, 0));
    value[5] = 940; /* a pole that is not sure of its value has the lowest */
    CHECK_OK(search(rule, err));
    CHECK(found_one(0, 0) && found.row[0].value == 940);
}

TEST(cells_on_both_sides_of_a_pole_touch) {
    start(false);
    dig(80, 90, 50); /* all ways from it over the pole rise */
    value[9 + 18] -= 1;
    value[9] = 900;
    value[27] = 890;
    CHECK_OK(search(rule, err));
    CHECK(found_one(0, 27));
}

TEST(highs_are_lows_upside_down) {
    start(true);
    dig(-30, 200, 50);
    for (int i = 0; i < CELLS; i++) value[i] = -value[i];
    struct e5_extrema_rule other = rule;
    other.highest = true;
    CHECK_OK(search(other, err));
    CHECK(found_one(12, 20) && found.row[0].value == -950 && fabs(found.row[0].depth - 50) < 1e-9);
}

TEST(level_ground_is_one_low_or_none) {
    start(true);
    for (int i = 8; i < 12; i++) value[i * COLUMNS + 3] = value[i * COLUMNS + 5] = 900;
    value[11 * COLUMNS + 4] = 900; /* a bay, first seen at two ends */
    CHECK_OK(search(rule, err));
    CHECK(found_one(8, 3));
    value[12 * COLUMNS + 5] = value[12 * COLUMNS + 6] = 899; /* the ground has a way down */
    CHECK_OK(search(rule, err));
    CHECK(found_one(12, 5));
}

TEST(of_two_lows_that_are_near_the_lower_stays) {
    struct e5_extrema_rule near = rule;
    start(true);
    value[9 * COLUMNS + 4] = 950;
    value[9 * COLUMNS + 7] = 940; /* 30° on the equator are 3336 km */
    near.merge = 3300;
    CHECK_OK(search(near, err));
    CHECK(found.count == 2);
    near.merge = 3400;
    CHECK_OK(search(near, err));
    CHECK(found_one(9, 7));
    value[9 * COLUMNS + 4] = 940;
    CHECK_OK(search(near, err));
    CHECK(found_one(9, 4)); /* of equals the first */
    value[9 * COLUMNS + 10] = 930; /* what takes another one away may go itself */
    value[9 * COLUMNS + 7] = 935;
    CHECK_OK(search(near, err));
    CHECK(found_one(9, 10));
}

TEST(a_lower_cell_near_by_can_be_enough) {
    struct e5_extrema_rule near = rule;
    start(true);
    dig(0, 120, 100);
    value[9 * COLUMNS + 9] -= 30; /* a small low on the flank of the large one */
    CHECK_OK(search(near, err));
    CHECK(found.count == 2);
    near.search = 2300;
    CHECK_OK(search(near, err));
    CHECK(found_one(9, 12));
}

TEST(a_contour_closes_within_its_distance_or_not) {
    struct e5_extrema_rule near = rule;
    start(true);
    dig(0, 180, 40); /* rises 10 every 10° */
    near.reach = 2600; /* two rows, and a cell to their side */
    near.around = E5_BESIDE;
    near.depth = 20;
    CHECK_OK(search(near, err));
    CHECK(found_one(9, 18) && fabs(found.row[0].depth - 20) < 1e-6);
    near.depth = 20.1;
    CHECK_OK(search(near, err));
    CHECK(found.count == 0);
    near.depth = 1;
    value[9 * COLUMNS + 17] = value[9 * COLUMNS + 16] = 961; /* a valley through the rim */
    CHECK_OK(search(near, err));
    CHECK(found.count == 1 && found.row[0].depth < 20);
}

TEST(what_is_missing_closes_nothing) {
    struct e5_extrema_rule any = rule;
    start(true);
    dig(0, 180, 40);
    value[8 * COLUMNS + 19] = NAN;
    CHECK_OK(search(rule, err));
    CHECK(found.count == 0);
    any.depth = 0;
    CHECK_OK(search(any, err));
    CHECK(found_one(9, 18) && found.row[0].depth == 0);
    for (int i = 0; i < CELLS; i++) value[i] = NAN;
    CHECK_OK(search(any, err));
    CHECK(found.count == 0);
}

TEST(a_field_of_one_value_is_one_low_without_a_way_out) {
    struct e5_extrema_rule whole = rule;
    whole.reach = 30000;
    start(true);
    CHECK_OK(search(whole, err));
    CHECK(found_one(0, 0) && isinf(found.row[0].depth));
}

TEST(the_edge_of_a_region_is_no_low) {
    double latitude[4] = {3, 2, 1, 0}, longitude[4] = {0, 1, 2, 3};
    static const double map[16] = {1, 5, 5, 5, 5, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 2};
    struct e5_extrema_rule any = {.around = E5_BESIDE, .reach = 1000};
    start(true);
    e5_grid_fini(&grid);
    CHECK_OK(e5_grid_init(&grid, latitude, 4, longitude, 4, err));
    memcpy(value, map, sizeof map);
    CHECK_OK(search(any, err));
    CHECK(found_one(1, 1) && found.row[0].depth == 1);
}

TEST(every_set_of_instructions_gives_the_same_table) {
    struct e5_extremum first[CELLS];
    struct e5_extrema_rule near = rule;
    size_t count = 0;
    start(true);
    for (int i = 0; i < CELLS; i++) value[i] = fmod(i * 7919.0 * i, 101);
    near.reach = 1500;
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        CHECK_OK(search(near, err));
        if (isa == E5_ISA_BASELINE) memcpy(first, found.row, (count = found.count) * sizeof *first);
        CHECK(found.count == count && count > 20 && memcmp(first, found.row, count * sizeof *first) == 0);
    }
}

TEST(running_out_of_memory_is_reported) {
    start(true);
    dig(40, 0, 50);
    for (long n = 1; n < 8; n++) {
        struct e5_error err = E5_ERROR_NONE;
        free(found.row);
        found = (struct e5_extrema){0};
        e5_alloc_fail_after(n);
        enum e5_status status = search(rule, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_MEMORY);
    }
}

int main(void) {
    RUN(lows_are_found_all_round_the_globe);
    RUN(a_low_on_a_pole_is_one);
    RUN(cells_on_both_sides_of_a_pole_touch);
    RUN(highs_are_lows_upside_down);
    RUN(level_ground_is_one_low_or_none);
    RUN(of_two_lows_that_are_near_the_lower_stays);
    RUN(a_lower_cell_near_by_can_be_enough);
    RUN(a_contour_closes_within_its_distance_or_not);
    RUN(what_is_missing_closes_nothing);
    RUN(a_field_of_one_value_is_one_low_without_a_way_out);
    RUN(the_edge_of_a_region_is_no_low);
    RUN(every_set_of_instructions_gives_the_same_table);
    RUN(running_out_of_memory_is_reported);
    e5_grid_fini(&grid);
    free(found.row);
    return check_summary();
}
