#include "base/alloc.h"
#include "check.h"
#include "model/grid.h"

enum { MOST = 3600 };

static double latitude[MOST], longitude[MOST];

static void line(double *axis, size_t n, double first, double step) {
    for (size_t i = 0; i < n; i++) axis[i] = first + (double)i * step;
}

static enum e5_status start(struct e5_grid *grid, size_t rows, size_t columns, struct e5_error *err) {
    return e5_grid_init(grid, latitude, rows, longitude, columns, err);
}

static double total_area(const struct e5_grid *grid) {
    double sum = 0;
    for (size_t r = 0; r < grid->rows; r++) sum += grid->area[r] * (double)grid->columns;
    return sum;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fabs(b); }

static const double sphere = 4 * M_PI * E5_EARTH_RADIUS_KM * E5_EARTH_RADIUS_KM;

TEST(a_global_grid_covers_the_sphere) {
    struct e5_grid grid;
    line(latitude, 721, 90, -0.25);
    line(longitude, 1440, 0, 0.25);
    CHECK_OK(start(&grid, 721, 1440, err));
    CHECK(near(total_area(&grid), sphere));
    CHECK(grid.periodic && grid.pole_first && grid.pole_last && grid.step == 0.25);
    CHECK(grid.edge[0] == 90 && grid.edge[1] == 89.875 && grid.edge[721] == -90);
    for (size_t r = 0; r < 721; r++) CHECK(fabs(grid.area[r] - grid.area[720 - r]) < 1e-9);
    e5_grid_fini(&grid);
    CHECK(grid.latitude == NULL);
}

TEST(cell_centres_off_the_poles_cover_it_too) {
    struct e5_grid grid;
    line(latitude, 720, -89.875, 0.25);
    line(longitude, 1440, -179.875, 0.25);
    CHECK_OK(start(&grid, 720, 1440, err));
    CHECK(near(total_area(&grid), sphere));
    CHECK(grid.periodic && !grid.pole_first && !grid.pole_last);
    e5_grid_fini(&grid);
}

TEST(float32_longitudes_close_the_circle) {
    struct e5_grid grid;
    line(latitude, 2, 0, 0.1);
    for (size_t i = 0; i < 3600; i++) longitude[i] = (double)(float)((double)i * 0.1);
    CHECK_OK(start(&grid, 2, 3600, err));
    CHECK(grid.periodic && grid.step == 0.1);
    e5_grid_fini(&grid);
    CHECK_OK(start(&grid, 2, 3599, err));
    CHECK(!grid.periodic);
    e5_grid_fini(&grid);
}

TEST(a_cell_has_the_area_of_its_formula) {
    struct e5_grid grid;
    line(latitude, 3, 50, 0.25);
    line(longitude, 4, 5, 0.25);
    CHECK_OK(start(&grid, 3, 4, err));
    double r = E5_EARTH_RADIUS_KM, degree = M_PI / 180;
    double expected = r * r * 0.25 * degree * (sin(50.375 * degree) - sin(50.125 * degree));
    CHECK(fabs(grid.area[1] - expected) < 1e-8 && expected > 490 && expected < 500);
    CHECK(!grid.periodic && !grid.pole_first && !grid.pole_last);
    CHECK(grid.edge[0] == 49.875 && grid.edge[3] == 50.625);
    e5_grid_fini(&grid);
}

/* Between two latitudes, by the definition: the integral of the two radii of curvature, with Simpson's rule. */
static double area_on_wgs84(double south, double north, double width) {
    const double a = 6378.137, f = 1 / 298.257223563, e2 = f * (2 - f), degree = M_PI / 180;
    enum { PARTS = 64 };
    double sum = 0, step = (north - south) * degree / PARTS;
    for (int i = 0; i <= PARTS; i++) {
        double phi = south * degree + i * step, rest = 1 - e2 * sin(phi) * sin(phi);
        double meridian = a * (1 - e2) / (rest * sqrt(rest)), vertical = a / sqrt(rest);
        sum += (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2) * meridian * vertical * cos(phi);
    }
    return sum * step / 3 * width * degree;
}

TEST(areas_on_the_ellipsoid) {
    struct e5_grid grid;
    line(latitude, 721, 90, -0.25);
    line(longitude, 1440, 0, 0.25);
    CHECK_OK(start(&grid, 721, 1440, err));
    e5_grid_use_wgs84(&grid);
    CHECK(grid.wgs84);
    CHECK(fabs(grid.area[360] - 769.31641101825) < 1e-9 && fabs(grid.area[1] - 3.40216256202) < 1e-9); /* PROJ */
    CHECK(near(total_area(&grid), 510065621.7240884)); /* twice a hemisphere by GeographicLib */
    for (size_t r = 0; r < 721; r++) {
        double expected = area_on_wgs84(grid.edge[r + 1], grid.edge[r], 0.25);
        CHECK(fabs(grid.area[r] - expected) < 1e-11 * expected);
        CHECK(fabs(grid.area[r] - grid.area[720 - r]) < 1e-9);
    }
    e5_grid_fini(&grid);
    line(latitude, 1801, -90, 0.1);
    line(longitude, 3600, -180, 0.1);
    CHECK_OK(start(&grid, 1801, 3600, err));
    e5_grid_use_wgs84(&grid);
    CHECK(near(total_area(&grid), 510065621.7240884));
    e5_grid_fini(&grid);
}

TEST(uneven_latitudes_meet_half_way) {
    static const double uneven[] = {10, 7, 6};
    struct e5_grid grid;
    line(longitude, 2, 0, 1);
    CHECK_OK(e5_grid_init(&grid, uneven, 3, longitude, 2, err));
    CHECK(grid.edge[0] == 11.5 && grid.edge[1] == 8.5 && grid.edge[2] == 6.5 && grid.edge[3] == 5.5);
    e5_grid_fini(&grid);
}

TEST(longitudes_in_any_convention) {
    static const double jump[] = {179.5, 179.75, -180, -179.75}, wrap[] = {359.5, 359.75, 0, 0.25};
    struct e5_grid grid;
    line(latitude, 2, 10, 0.25);
    CHECK_OK(e5_grid_init(&grid, latitude, 2, jump, 4, err));
    CHECK(grid.step == 0.25 && !grid.periodic && grid.longitude[2] == -180);
    e5_grid_fini(&grid);
    CHECK_OK(e5_grid_init(&grid, latitude, 2, wrap, 4, err));
    CHECK(grid.step == 0.25);
    e5_grid_fini(&grid);
    line(longitude, 1440, 0, 0.25);
    for (size_t i = 720; i < 1440; i++) longitude[i] -= 360; /* 0 … 179.75, −180 … −0.25 */
    CHECK_OK(start(&grid, 2, 1440, err));
    CHECK(grid.periodic);
    e5_grid_fini(&grid);
    line(longitude, 2, 0, 180);
    CHECK_OK(start(&grid, 2, 2, err));
    CHECK(grid.periodic);
    e5_grid_fini(&grid);
}

TEST(lone_cells_take_the_other_spacing) {
    struct e5_grid grid;
    line(latitude, 3, 50, -0.1);
    line(longitude, 3, 8, 0.5);
    CHECK_OK(start(&grid, 3, 1, err));
    CHECK(fabs(grid.step - 0.1) < 1e-12 && !grid.periodic);
    e5_grid_fini(&grid);
    CHECK_OK(start(&grid, 1, 3, err));
    CHECK(grid.edge[0] == 50.25 && grid.edge[1] == 49.75);
    e5_grid_fini(&grid);
    CHECK_OK(start(&grid, 1, 1, err));
    CHECK(grid.step == 0.25 && grid.edge[0] - grid.edge[1] == 0.25 && grid.area[0] > 0);
    e5_grid_fini(&grid);
    latitude[0] = 90;
    CHECK_OK(start(&grid, 1, 3, err));
    CHECK(grid.edge[0] == 90 && grid.edge[1] == 89.75 && grid.pole_first && !grid.pole_last);
    e5_grid_fini(&grid);
}

static void refuses_latitude(size_t index, double value) {
    struct e5_grid grid;
    line(latitude, 5, 50, -0.25);
    line(longitude, 5, 0, 0.25);
    latitude[index] = value;
    CHECK_STATUS(E5_INPUT, start(&grid, 5, 5, err));
    CHECK(grid.area == NULL);
}

static void refuses_longitude(size_t index, double value) {
    struct e5_grid grid;
    line(latitude, 5, 50, -0.25);
    line(longitude, 5, 0, 0.25);
    longitude[index] = value;
    CHECK_STATUS(E5_INPUT, start(&grid, 5, 5, err));
}

TEST(bad_axes_are_refused) {
    struct e5_grid grid;
    refuses_latitude(2, NAN);
    refuses_latitude(2, 90.5);
    refuses_latitude(0, INFINITY);
    refuses_latitude(2, 49.75);
    refuses_latitude(4, 49.5);
    refuses_longitude(2, NAN);
    refuses_longitude(0, 500000);
    refuses_longitude(2, 0.6);
    refuses_longitude(4, 1.25);
    line(longitude, 5, 0, 0);
    CHECK_STATUS(E5_INPUT, start(&grid, 5, 5, err));
    line(longitude, 5, 5, -1);
    CHECK_STATUS(E5_INPUT, start(&grid, 5, 5, err));
    CHECK_STATUS(E5_INPUT, start(&grid, 0, 5, err));
    CHECK_STATUS(E5_INPUT, start(&grid, 5, 0, err));
}

TEST(a_repeated_meridian_is_refused) {
    struct e5_grid grid;
    struct e5_error err = E5_ERROR_NONE;
    line(latitude, 2, 0, 1);
    line(longitude, 361, 0, 1);
    CHECK(start(&grid, 2, 361, &err) == E5_INPUT && err.hint[0] != '\0');
}

TEST(longitudes_fold) {
    CHECK(e5_grid_fold(190) == -170 && e5_grid_fold(-190) == 170 && e5_grid_fold(0) == 0);
    CHECK(e5_grid_fold(359.75) == -0.25 && fabs(e5_grid_fold(180)) == 180 && e5_grid_fold(725) == 5);
}

TEST(memory_that_fails_leaves_nothing_behind) {
    struct e5_grid grid;
    line(latitude, 5, 50, -0.25);
    line(longitude, 5, 0, 0.25);
    for (long n = 1; n <= 4; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, start(&grid, 5, 5, err));
        CHECK(grid.latitude == NULL && grid.rows == 0);
    }
    e5_alloc_fail_after(0);
}

int main(void) {
    RUN(a_global_grid_covers_the_sphere);
    RUN(cell_centres_off_the_poles_cover_it_too);
    RUN(float32_longitudes_close_the_circle);
    RUN(a_cell_has_the_area_of_its_formula);
    RUN(areas_on_the_ellipsoid);
    RUN(uneven_latitudes_meet_half_way);
    RUN(longitudes_in_any_convention);
    RUN(lone_cells_take_the_other_spacing);
    RUN(bad_axes_are_refused);
    RUN(a_repeated_meridian_is_refused);
    RUN(longitudes_fold);
    RUN(memory_that_fails_leaves_nothing_behind);
    return check_summary();
}
