/* Closing and opening on the sphere: against the definition, cell by cell. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "diag/geodesy.h"
#include "events/morphology.h"

struct world {
    const char *name;
    double south, row_step, west, step;
    size_t rows, columns;
};

static const struct world worlds[] = {
    {"globe with poles", -90, 15, 0, 5, 13, 72},
    {"globe with poles, north first", 90, -15, -180, 7.5, 13, 48},
    {"globe without poles", -80, 16, 0.5, 360.0 / 131, 11, 131},
    {"few columns", -90, 30, 0, 45, 7, 8},
    {"one word", -80, 10, 0, 360.0 / 64, 17, 64},
    {"region", 30, 0.5, -10, 0.5, 20, 80},
    {"region at the pole", 90, -2, 100, 2, 9, 130},
    {"region at the pole, wide", 89, -2, 0, 2, 9, 179},
    {"one row", 45, 1, 0, 1, 1, 200},
    {"one column", 0, 1, 0, 1, 40, 1},
};
enum { WORLDS = sizeof worlds / sizeof *worlds };

static struct e5_grid grid_of(const struct world *w) {
    double latitude[64], longitude[256];
    struct e5_grid grid;
    for (size_t i = 0; i < w->rows; i++) latitude[i] = w->south + w->row_step * (double)i;
    for (size_t i = 0; i < w->columns; i++) longitude[i] = w->west + w->step * (double)i;
    CHECK_OK(e5_grid_init(&grid, latitude, w->rows, longitude, w->columns, err));
    return grid;
}

static uint64_t state;
static double noise(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* --- the definition --- */

static double near_by[40 * 40 * 256]; /* distance of two rows and so many columns */

static void find_distances(const struct e5_grid *grid) {
    double start = 0;
    for (size_t i = 0; i < grid->rows * grid->rows * grid->columns; i++) {
        size_t row = i / grid->columns % grid->rows, other = i / grid->columns / grid->rows;
        double east = (double)(i % grid->columns) * grid->step;
        if (!grid->periodic) east = fmin(east, 180);
        e5_geodesy_pairs(&grid->latitude[row], &start, &grid->latitude[other], &east, &near_by[i], 1);
    }
}

/* Those cells whose disc holds a cell that is `wanted`. */
static void dilate(const struct e5_grid *grid, double radius, const bool *cell, bool wanted, bool *out) {
    size_t columns = grid->columns, cells = grid->rows * columns;
    memset(out, 0, cells);
    for (size_t a = 0; a < cells; a++)
        for (size_t b = 0; b < cells && cell[a] == wanted; b++) {
            size_t apart = a % columns > b % columns ? a % columns - b % columns : b % columns - a % columns;
            size_t lines = a / columns * grid->rows + b / columns;
            out[b] |= near_by[lines * columns + apart] <= radius * (1 + 1e-9);
        }
}

/* Grown by the discs around `wanted` cells, then shrunk by those around what is left. */
static void twice(const struct e5_grid *grid, double radius, bool wanted, bool *cell) {
    static bool grown[4096], shrunk[4096];
    size_t cells = grid->rows * grid->columns;
    find_distances(grid);
    dilate(grid, radius, cell, wanted, grown);
    dilate(grid, radius, grown, false, shrunk);
    for (size_t i = 0; i < cells; i++) cell[i] = shrunk[i] != wanted;
}

/* --- bits --- */

static size_t words_of(const struct e5_grid *grid) { return (grid->columns + 63) / 64; }

static uint64_t *bits_of(const struct e5_grid *grid, const bool *cell) {
    uint64_t *frame;
    CHECK_OK(e5_alloc(grid->rows * words_of(grid), sizeof *frame, &frame, err));
    for (size_t i = 0; i < grid->rows * grid->columns; i++) {
        size_t column = i % grid->columns, word = i / grid->columns * words_of(grid) + column / 64;
        if (cell[i]) frame[word] |= (uint64_t)1 << column % 64;
    }
    return frame;
}

static bool same(const struct e5_grid *grid, const uint64_t *frame, const bool *cell) {
    uint64_t *wanted = bits_of(grid, cell);
    bool equal = memcmp(frame, wanted, grid->rows * words_of(grid) * sizeof *frame) == 0;
    free(wanted);
    return equal;
}

static void compare(const struct world *w, double radius, double share) {
    static bool cell[4096], valid[4096];
    struct e5_grid grid = grid_of(w);
    struct e5_disc disc;
    uint64_t *scratch;
    CHECK_OK(e5_disc_init(&disc, &grid, radius, err));
    CHECK_OK(e5_alloc(e5_disc_scratch(&disc), sizeof *scratch, &scratch, err));
    memset(scratch, 0xa5, e5_disc_scratch(&disc) * sizeof *scratch); /* what it holds does not matter */
    for (size_t i = 0; i < grid.rows * grid.columns; i++) cell[i] = noise() < share, valid[i] = noise() < 0.9;
    uint64_t *frame = bits_of(&grid, cell), *known = bits_of(&grid, valid);
    e5_disc_close(&disc, known, frame, scratch);
    twice(&grid, radius, true, cell);
    for (size_t i = 0; i < grid.rows * grid.columns; i++) cell[i] = cell[i] && valid[i];
    CHECK(same(&grid, frame, cell));
    e5_disc_open(&disc, frame, scratch);
    twice(&grid, radius, false, cell);
    bool equal = same(&grid, frame, cell);
    CHECK(equal);
    if (!equal) printf("%s, %g km, %g\n", w->name, radius, share);
    free(frame);
    free(known);
    free(scratch);
    e5_disc_fini(&disc);
    e5_grid_fini(&grid);
}

TEST(equals_the_definition_cell_by_cell) {
    static const double radius[] = {0, 60, 120, 600, 1500, 11000, 30000};
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t r = 0; r < sizeof radius / sizeof *radius; r++) {
            compare(&worlds[w], radius[r], 0.02);
            compare(&worlds[w], radius[r], 0.4);
            compare(&worlds[w], radius[r], 0.97);
        }
}

/* A distance of neighbours given to the last digit or so counts as reached. */
TEST(a_centre_on_the_circle_is_in_the_disc) {
    struct e5_grid grid = grid_of(&worlds[0]);
    struct e5_disc disc;
    for (int digit = -1; digit <= 1; digit++) {
        CHECK_OK(e5_disc_init(&disc, &grid, 15 * M_PI / 180 * E5_EARTH_RADIUS_KM * (1 + digit * 1e-12), err));
        CHECK(disc.first[7] - disc.first[6] == 3); /* the equator reaches both its neighbours */
        e5_disc_fini(&disc);
    }
    CHECK_OK(e5_disc_init(&disc, &grid, 15 * M_PI / 180 * E5_EARTH_RADIUS_KM * (1 - 1e-6), err));
    CHECK(disc.first[7] - disc.first[6] == 1);
    e5_disc_fini(&disc);
    e5_grid_fini(&grid);
}

static size_t cells_in(const struct e5_grid *grid, const uint64_t *frame) {
    size_t n = 0;
    for (size_t i = 0; i < grid->rows * words_of(grid); i++) n += (size_t)__builtin_popcountll(frame[i]);
    return n;
}

/* What lies outside a region takes nothing away: an object in its corner is as it was. */
TEST(edge_of_a_region_erodes_nothing) {
    static bool cell[4096];
    struct e5_grid grid = grid_of(&worlds[5]);
    for (size_t i = 0; i < grid.rows * grid.columns; i++) cell[i] = i / grid.columns < 6 && i % grid.columns < 9;
    uint64_t *frame = bits_of(&grid, cell), *scratch;
    struct e5_disc disc;
    CHECK_OK(e5_disc_init(&disc, &grid, 56, err)); /* one cell to the north and to the south, one to the sides */
    CHECK_OK(e5_alloc(e5_disc_scratch(&disc), sizeof *scratch, &scratch, err));
    e5_disc_open(&disc, frame, scratch);
    CHECK(cells_in(&grid, frame) == 6 * 9 - 1); /* but the free corner is rounded */
    e5_disc_close(&disc, NULL, frame, scratch);
    CHECK(cells_in(&grid, frame) == 6 * 9 - 1);
    free(frame);
    free(scratch);
    e5_disc_fini(&disc);
    e5_grid_fini(&grid);
}

TEST(no_disc_of_such_a_radius) {
    struct e5_grid grid = grid_of(&worlds[0]);
    struct e5_disc disc;
    CHECK_STATUS(E5_INPUT, e5_disc_init(&disc, &grid, -1, err));
    CHECK_STATUS(E5_INPUT, e5_disc_init(&disc, &grid, NAN, err));
    CHECK_STATUS(E5_INPUT, e5_disc_init(&disc, &grid, INFINITY, err));
    e5_grid_fini(&grid);
    struct e5_error said = E5_ERROR_NONE;
    const struct e5_grid endless = {.rows = 2, .columns = (size_t)INT32_MAX + 1};
    CHECK(e5_disc_init(&disc, &endless, 100, &said) == E5_UNSAFE);
    CHECK(strstr(said.what, "2 × 2147483648 cells are too many") != NULL);
}

TEST(memory_that_runs_out) {
    struct e5_grid grid = grid_of(&worlds[0]);
    struct e5_disc disc;
    enum e5_status status = E5_MEMORY;
    for (long n = 1; status == E5_MEMORY && n < 20; n++) {
        e5_alloc_fail_after(n);
        status = e5_disc_init(&disc, &grid, 500, NULL);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK);
    e5_disc_fini(&disc);
    e5_grid_fini(&grid);
}

int main(void) {
    RUN(equals_the_definition_cell_by_cell);
    RUN(a_centre_on_the_circle_is_in_the_disc);
    RUN(edge_of_a_region_erodes_nothing);
    RUN(no_disc_of_such_a_radius);
    RUN(memory_that_runs_out);
    return check_summary();
}
