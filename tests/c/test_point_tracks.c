#include "base/alloc.h"
#include "check.h"
#include "events/assignment.h"
#include "events/point_tracks.h"

/* --- assignment --- */

enum { MOST = 5 };
#define ALONE 100.0

static double cost[MOST][MOST];

/* Least of Σ (cost − alone) over all ways to pair rows from `row` on with columns that are free. */
static double least(size_t rows, size_t columns, size_t row, unsigned taken) {
    if (row == rows) return 0;
    double best = least(rows, columns, row + 1, taken);
    for (size_t j = 0; j < columns; j++)
        if (!(taken >> j & 1) && cost[row][j] <= ALONE)
            best = fmin(best, cost[row][j] - ALONE + least(rows, columns, row + 1, taken | 1u << j));
    return best;
}

static double total(size_t rows, size_t columns, struct e5_assignment *scratch) {
    struct e5_pair pair[MOST * MOST] = {{0}};
    size_t n = 0, other[MOST], taken[MOST] = {0};
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            if (cost[i][j] <= ALONE) pair[n++] = (struct e5_pair){i, j, cost[i][j]};
    CHECK_OK(e5_assign(pair, n, rows, columns, ALONE, scratch, other, err));
    for (size_t i = 0; i < rows; i++) {
        if (other[i] == E5_ALONE) continue;
        CHECK(other[i] < columns && taken[other[i]]++ == 0 && cost[i][other[i]] <= ALONE);
        sum += cost[i][other[i]] - ALONE;
    }
    return sum;
}

TEST(no_other_way_costs_less) {
    struct e5_assignment scratch = {0};
    unsigned seed = 1;
    for (int round = 0; round < 3000; round++) {
        size_t rows = (size_t)round % MOST + 1, columns = (size_t)round / MOST % MOST + 1;
        for (int i = 0; i < MOST * MOST; i++) {
            seed = seed * 1103515245 + 12345;
            cost[i / MOST][i % MOST] = (seed >> 16) % (round % 3 == 0 ? 250 : 120); /* many ties; many alone */
        }
        CHECK(fabs(total(rows, columns, &scratch) - least(rows, columns, 0, 0)) < 1e-9);
    }
    e5_assignment_fini(&scratch);
}

/* --- tracks --- */

enum { POINTS = 8 };

static int64_t step[POINTS], track[POINTS];
static double latitude[POINTS], longitude[POINTS];

static void put(size_t i, int64_t when, double lat, double lon) {
    step[i] = when;
    latitude[i] = lat;
    longitude[i] = lon;
}

static enum e5_status join(size_t count, double distance, int64_t gap, struct e5_error *err) {
    struct e5_points points = {count, step, latitude, longitude};
    return e5_point_tracks(&points, distance, gap, NULL, track, err);
}

static bool tracks_are(size_t count, const int64_t *expected) {
    return memcmp(track, expected, count * sizeof *track) == 0;
}

TEST(all_links_of_a_step_are_found_together) {
    put(0, 0, 0, 0); /* the nearest to both is the same point */
    put(1, 0, 0, 3);
    put(2, 1, 0, -2.5);
    put(3, 1, 0, 1);
    CHECK_OK(join(4, 500, 0, err));
    CHECK(tracks_are(4, (int64_t[]){0, 1, 0, 1}));
}

TEST(a_gap_may_be_crossed_or_not) {
    put(0, 0, 50, 179);
    put(1, 2, 50.1, -179.5);
    put(2, 3, 50.2, -178);
    CHECK_OK(join(3, 300, 0, err));
    CHECK(tracks_are(3, (int64_t[]){0, 1, 1}));
    CHECK_OK(join(3, 300, 1, err));
    CHECK(tracks_are(3, (int64_t[]){0, 0, 0}));
    CHECK_OK(join(3, 100, 1, err));
    CHECK(tracks_are(3, (int64_t[]){0, 1, 2})); /* 107 km and 107 km */
}

TEST(tracks_go_over_the_pole) {
    put(0, 0, 89, 0);
    put(1, 1, 89.5, 180);
    put(2, 2, 88.5, 170);
    CHECK_OK(join(3, 200, 0, err));
    CHECK(tracks_are(3, (int64_t[]){0, 0, 0}));
}

TEST(nothing_gives_nothing) { CHECK_OK(join(0, 200, 0, err)); }

TEST(running_out_of_memory_is_reported) {
    put(0, 0, 0, 0);
    put(1, 0, 0, 3);
    put(2, 1, 0, -2.5);
    put(3, 1, 0, 1);
    for (long n = 1; n < 10; n++) {
        struct e5_error err = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        enum e5_status status = join(4, 500, 0, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_MEMORY);
    }
}

TEST(more_members_than_can_be_numbered) {
    struct e5_assignment scratch = {0};
    struct e5_error said = E5_ERROR_NONE;
    const struct e5_pair pair = {0};
    size_t other[1];
    CHECK(e5_assign(&pair, 1, (size_t)INT32_MAX, 1, ALONE, &scratch, other, &said) == E5_UNSAFE);
    CHECK(strstr(said.what, "2147483648 members are too many to pair") != NULL);
    e5_assignment_fini(&scratch);
}

int main(void) {
    RUN(no_other_way_costs_less);
    RUN(all_links_of_a_step_are_found_together);
    RUN(a_gap_may_be_crossed_or_not);
    RUN(tracks_go_over_the_pole);
    RUN(nothing_gives_nothing);
    RUN(running_out_of_memory_is_reported);
    RUN(more_members_than_can_be_numbered);
    return check_summary();
}
