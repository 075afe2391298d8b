/* Outlines: read back from their WKB and measured. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "events/polygon.h"

#define MOST 8192

struct shape { /* what an outline is made of, in degrees */
    size_t polygons, rings, vertices;
    double outer, holes; /* areas, both counted positive */
    double west, east, south, north;
    bool valid; /* orientation, closed rings, right angles, no corner twice in a ring, longitudes in range */
};

struct reader {
    const char *at, *end;
};

static uint32_t read_number(struct reader *r) {
    uint32_t number = 0;
    if (r->end - r->at >= 4) memcpy(&number, r->at, 4);
    r->at += 4;
    return number;
}

static uint32_t read_head(struct reader *r, uint32_t type, bool *valid) {
    *valid = *valid && r->at < r->end && *r->at == 1;
    r->at++;
    *valid = *valid && read_number(r) == type;
    return read_number(r);
}

static bool ring_is_sound(double (*p)[2], size_t n) {
    bool sound = n >= 5 && p[0][0] == p[n - 1][0] && p[0][1] == p[n - 1][1];
    for (size_t i = 0; i + 1 < n; i++) {
        double *a = p[i], *b = p[i + 1], *c = p[i + 2 < n ? i + 2 : 1];
        bool across = a[1] == b[1] && a[0] != b[0], along = a[0] == b[0] && a[1] != b[1];
        sound =
            sound && ((across && b[0] == c[0]) || (along && b[1] == c[1])) && fabs(a[0]) <= 180 && fabs(a[1]) <= 90;
        for (size_t k = 0; k < i; k++) sound = sound && !(p[k][0] == a[0] && p[k][1] == a[1]);
    }
    return sound;
}

static void measure_ring(struct reader *r, bool hole, struct shape *shape) {
    static double p[MOST][2];
    uint32_t n = read_number(r);
    double twice = 0;
    if (n > MOST || (size_t)(r->end - r->at) < n * sizeof *p) {
        shape->valid = false;
        return;
    }
    memcpy(p, r->at, n * sizeof *p);
    r->at += n * sizeof *p;
    for (uint32_t i = 0; i + 1 < n; i++) {
        twice += p[i][0] * p[i + 1][1] - p[i + 1][0] * p[i][1];
        shape->west = fmin(shape->west, p[i][0]), shape->east = fmax(shape->east, p[i][0]);
        shape->south = fmin(shape->south, p[i][1]), shape->north = fmax(shape->north, p[i][1]);
    }
    shape->rings++, shape->vertices += n;
    shape->valid = shape->valid && ring_is_sound(p, n) && (twice < 0) == hole;
    if (hole)
        shape->holes -= twice / 2;
    else
        shape->outer += twice / 2;
}

static struct shape measure(const struct e5_buffer *wkb) {
    struct shape shape = {.valid = true, .west = 999, .east = -999, .south = 999, .north = -999};
    struct reader r = {wkb->bytes, wkb->bytes + wkb->size};
    shape.polygons = read_head(&r, 6, &shape.valid);
    for (size_t i = 0; shape.valid && i < shape.polygons; i++) {
        uint32_t rings = read_head(&r, 3, &shape.valid);
        for (uint32_t k = 0; shape.valid && k < rings; k++) measure_ring(&r, k > 0, &shape);
    }
    shape.valid = shape.valid && r.at == r.end;
    return shape;
}

/* A grid of equal steps. */
static struct e5_grid grid_of(double first_latitude, double latitude_step, size_t rows, double first_longitude,
                              double step, size_t columns) {
    double latitude[64], longitude[64];
    struct e5_grid grid;
    for (size_t i = 0; i < rows; i++) latitude[i] = first_latitude + latitude_step * (double)i;
    for (size_t i = 0; i < columns; i++) longitude[i] = first_longitude + step * (double)i;
    CHECK_OK(e5_grid_init(&grid, latitude, rows, longitude, columns, err));
    return grid;
}

static size_t spans_of(const struct e5_grid *grid, const uint8_t *mask, struct e5_span *span) {
    size_t n = 0;
    for (size_t i = 0; i < grid->rows * grid->columns; i++) {
        int32_t row = (int32_t)(i / grid->columns), column = (int32_t)(i % grid->columns);
        if (!mask[i]) continue;
        if (column > 0 && mask[i - 1])
            span[n - 1].end++;
        else
            span[n++] = (struct e5_span){row, column, column + 1};
    }
    return n;
}

static struct shape shape_of(const struct e5_grid *grid, const uint8_t *mask) {
    struct e5_span span[64 * 32];
    struct e5_polygon polygon;
    struct e5_buffer wkb = {0};
    e5_polygon_init(&polygon, grid);
    CHECK_OK(e5_polygon_write(&polygon, span, spans_of(grid, mask, span), &wkb, err));
    struct shape shape = measure(&wkb);
    CHECK(shape.valid);
    e5_buffer_fini(&wkb);
    e5_polygon_fini(&polygon);
    return shape;
}

/* The picture is read like a map: rows from north to south, '#' is a cell of 1° × 1°. */
static struct shape shape_of_picture(const char *picture, size_t rows) {
    size_t columns = strlen(picture) / rows;
    struct e5_grid grid = grid_of(50, -1, rows, 5, 1, columns);
    uint8_t mask[256];
    for (size_t i = 0; i < rows * columns; i++) mask[i] = picture[i] == '#';
    struct shape shape = shape_of(&grid, mask);
    e5_grid_fini(&grid);
    return shape;
}

static bool near(double a, double b) { return fabs(a - b) < 1e-9; }

#define CHECK_SHAPE(call, polygons_, rings_, outer_, holes_)         \
    do {                                                             \
        struct shape got = call;                                     \
        CHECK(got.polygons == (polygons_) && got.rings == (rings_)); \
        CHECK(near(got.outer, outer_) && near(got.holes, holes_));   \
    } while (0)

TEST(one_cell_is_a_box) {
    struct shape shape = shape_of_picture("#", 1);
    CHECK(shape.polygons == 1 && shape.rings == 1 && shape.vertices == 5);
    CHECK(near(shape.west, 4.875) && near(shape.east, 5.125)); /* a lone cell is a quarter of a degree wide */
    shape = shape_of_picture("...."
                             ".##."
                             "....",
                             3);
    CHECK(shape.vertices == 5); /* no vertex in the middle of an edge */
    CHECK(near(shape.west, 5.5) && near(shape.east, 7.5) && near(shape.south, 48.5) && near(shape.north, 49.5));
}

TEST(holes_and_islands) {
    CHECK_SHAPE(shape_of_picture("###"
                                 "#.#"
                                 "###",
                                 3),
                1, 2, 9, 1);
    CHECK_SHAPE(shape_of_picture("#######"
                                 "#.....#"
                                 "#.###.#"
                                 "#.#.#.#"
                                 "#.###.#"
                                 "#.....#"
                                 "#######",
                                 7),
                2, 4, 49 + 9, 25 + 1);
    CHECK_SHAPE(shape_of_picture("#.#"
                                 "..."
                                 "#.#",
                                 3),
                4, 4, 4, 0);
}

TEST(corners_separate_parts_but_not_rings) {
    CHECK_SHAPE(shape_of_picture("#."
                                 ".#",
                                 2),
                2, 2, 2, 0);
    CHECK_SHAPE(shape_of_picture(".#"
                                 "#.",
                                 2),
                2, 2, 2, 0);
    /* A hole that touches the outer ring in a corner. */
    CHECK_SHAPE(shape_of_picture(".##"
                                 "#.#"
                                 "###",
                                 3),
                1, 2, 8, 1);
    /* Two holes that touch each other. */
    CHECK_SHAPE(shape_of_picture("####"
                                 "#.##"
                                 "##.#"
                                 "####",
                                 4),
                1, 3, 16, 2);
    /* Four holes round a cell that hangs in their corners: one hole, and a part inside it. */
    CHECK_SHAPE(shape_of_picture("#####"
                                 "##.##"
                                 "#.#.#"
                                 "##.##"
                                 "#####",
                                 5),
                2, 3, 25 + 1, 5);
    CHECK_SHAPE(shape_of_picture("#.#.#"
                                 ".#.#."
                                 "#.#.#",
                                 3),
                8, 8, 8, 0);
}

TEST(antimeridian_cuts) {
    uint8_t mask[36] = {0};
    struct e5_grid grid = grid_of(10, -10, 3, 0, 30, 12); /* column 6 straddles 180 */
    mask[12 + 6] = 1;
    struct shape shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 2 && near(shape.outer, 300) && near(shape.west, -180) && near(shape.east, 180));
    mask[12 + 6] = 0, mask[12] = mask[12 + 11] = 1; /* Greenwich is no seam */
    shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 1 && near(shape.west, -45) && near(shape.east, 15));
    memset(mask + 12, 1, 12); /* closed round the globe */
    shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 1 && shape.vertices == 5 && near(shape.outer, 3600));
    e5_grid_fini(&grid);
}

TEST(regional_grid_across_the_antimeridian) {
    uint8_t mask[12] = {0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0};
    struct e5_grid grid = grid_of(-20, 1, 3, 178, 1, 4); /* 178 … 181: a half column on each side */
    struct shape shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 2 && near(shape.outer, 4) && near(shape.south, -19.5) && near(shape.north, -18.5));
    e5_grid_fini(&grid);
    grid = grid_of(-20, 1, 3, 178.5, 1, 4); /* an edge on the antimeridian: nothing to halve */
    shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 2 && near(shape.outer, 4));
    e5_grid_fini(&grid);
    grid = grid_of(-20, 1, 3, 180.5, 1, 4); /* begins there */
    shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 1 && near(shape.west, -180) && near(shape.east, -176));
    e5_grid_fini(&grid);
    grid = grid_of(-20, 1, 3, 176.5, 1, 4); /* ends there */
    shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 1 && near(shape.west, 176) && near(shape.east, 180));
    e5_grid_fini(&grid);
}

TEST(poles_end_at_90_degrees) {
    uint8_t mask[60] = {0};
    struct e5_grid grid = grid_of(-90, 45, 5, -180, 30, 12);
    memset(mask, 1, 12);
    memset(mask + 48, 1, 12);
    struct shape shape = shape_of(&grid, mask);
    CHECK(shape.polygons == 2 && near(shape.outer, 2 * 360 * 22.5));
    CHECK(near(shape.south, -90) && near(shape.north, 90) && near(shape.west, -180) && near(shape.east, 180));
    e5_grid_fini(&grid);
}

/* Whatever the mask: sound rings, and the area of the cells. */
TEST(random_masks_keep_their_area) {
    static const double grids[][6] = {
        {10, -1, 20, 0, 1, 20}, {-10, 1, 20, 170, 1, 21}, {85, -10, 18, 0, 10, 36}, {-90, 10, 19, -175, 10, 36}};
    uint8_t mask[1024];
    uint32_t seed = 11;
    for (size_t round = 0; round < 400; round++) {
        const double *g = grids[round % 4];
        struct e5_grid grid = grid_of(g[0], g[1], (size_t)g[2], g[3], g[4], (size_t)g[5]);
        double area = 0;
        for (size_t i = 0; i < grid.rows * grid.columns; i++) {
            seed = seed * 1664525u + 1013904223u;
            mask[i] = (seed >> 8) % 100 < 10 + round % 9 * 10;
            size_t row = i / grid.columns;
            if (mask[i]) area += grid.step * fabs(grid.edge[row] - grid.edge[row + 1]);
        }
        struct shape shape = shape_of(&grid, mask);
        CHECK(fabs(shape.outer - shape.holes - area) < 1e-6);
        e5_grid_fini(&grid);
    }
}

TEST(no_cells_make_an_empty_multipolygon) {
    struct e5_grid grid = grid_of(50, -1, 2, 5, 1, 2);
    struct e5_buffer wkb = {0};
    struct e5_polygon polygon;
    e5_polygon_init(&polygon, &grid);
    CHECK_OK(e5_polygon_write(&polygon, NULL, 0, &wkb, err));
    CHECK(wkb.size == 9 && measure(&wkb).polygons == 0);
    e5_buffer_fini(&wkb);
    e5_polygon_fini(&polygon);
    e5_grid_fini(&grid);
}

TEST(memory_may_run_out_anywhere) {
    static const struct e5_span span[] = {{0, 0, 4}, {1, 1, 4}, {2, 1, 2}, {2, 3, 4}, {3, 0, 4}};
    struct e5_grid grid = grid_of(50, -1, 4, 5, 1, 4);
    enum e5_status status = E5_MEMORY;
    long n = 1;
    for (; status == E5_MEMORY && n < 100; n++) {
        struct e5_buffer wkb = {0};
        struct e5_polygon polygon;
        e5_polygon_init(&polygon, &grid);
        e5_alloc_fail_after(n);
        status = e5_polygon_write(&polygon, span, sizeof span / sizeof *span, &wkb, NULL);
        e5_buffer_fini(&wkb);
        e5_polygon_fini(&polygon);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && n > 8);
    e5_grid_fini(&grid);
}

int main(void) {
    RUN(one_cell_is_a_box);
    RUN(holes_and_islands);
    RUN(corners_separate_parts_but_not_rings);
    RUN(antimeridian_cuts);
    RUN(regional_grid_across_the_antimeridian);
    RUN(poles_end_at_90_degrees);
    RUN(random_masks_keep_their_area);
    RUN(no_cells_make_an_empty_multipolygon);
    RUN(memory_may_run_out_anywhere);
    return check_summary();
}
