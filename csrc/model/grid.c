#include "model/grid.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

#define LONE_CELL 0.25           /* degrees: ERA5's own grid */
#define FLOAT32_ROUNDING 3.1e-5  /* degrees: files keep longitudes up to 360 in float32 */
#define ON_POLE (90 - 1e-6)      /* degrees */
#define DEGREE (M_PI / 180)
#define WGS84_EQUATOR_KM 6378.137
#define WGS84_FLATTENING (1 / 298.257223563)

/* What lies within already stays as it is; to find that out by division takes long. */
double e5_grid_fold(double longitude) { return fabs(longitude) <= 180 ? longitude : remainder(longitude, 360); }

static enum e5_status check_latitudes(const double *latitude, size_t rows, struct e5_error *err) {
    for (size_t i = 0; i < rows; i++)
        if (!(fabs(latitude[i]) <= 90)) /* also NaN */
            return e5_fail(err, E5_INPUT, "latitude %zu is %g, must be -90 to 90", i, latitude[i]);
    double sign = rows > 1 && latitude[1] < latitude[0] ? -1 : 1;
    for (size_t i = 1; i < rows; i++)
        if (!(sign * (latitude[i] - latitude[i - 1]) > 0))
            return e5_fail(err, E5_INPUT, "latitudes are not in order: %g follows %g", latitude[i], latitude[i - 1]);
    return E5_OK;
}

/* Equal steps east, whatever the convention: differences are taken modulo 360. */
static enum e5_status check_longitudes(const double *longitude, size_t columns, double *out_step,
                                       struct e5_error *err) {
    double east = 0; /* of the first column */
    for (size_t i = 0; i < columns; i++)
        if (!(fabs(longitude[i]) <= 720))
            return e5_fail(err, E5_INPUT, "longitude %zu is %g: not in degrees", i, longitude[i]);
    for (size_t i = 1; i < columns; i++) east += e5_grid_fold(longitude[i] - longitude[i - 1]);
    double step = east / (double)(columns - 1), tolerance = 1e-3 * step + FLOAT32_ROUNDING;
    if (!(step > FLOAT32_ROUNDING)) return e5_fail(err, E5_INPUT, "longitudes must run eastward");
    if (east > 360 - step + 2 * tolerance) {
        enum e5_status status = e5_fail(err, E5_INPUT, "longitudes go round the globe more than once");
        e5_error_hint(err, "leave out the column that is repeated at the end");
        return status;
    }
    for (size_t i = 1; i < columns; i++)
        if (fabs(e5_grid_fold(longitude[i] - longitude[0] - (double)i * step)) > tolerance)
            return e5_fail(err, E5_INPUT, "longitudes are not evenly spaced: %g follows %g", longitude[i],
                           longitude[i - 1]);
    *out_step = step;
    return E5_OK;
}

static double clamp(double latitude) { return fmin(fmax(latitude, -90), 90); }

static void find_edges(struct e5_grid *grid, double lone_step) {
    const double *phi = grid->latitude;
    size_t n = grid->rows;
    double first = n > 1 ? phi[1] - phi[0] : -lone_step, last = n > 1 ? phi[n - 1] - phi[n - 2] : -lone_step;
    grid->edge[0] = clamp(phi[0] - first / 2);
    for (size_t r = 1; r < n; r++) grid->edge[r] = (phi[r - 1] + phi[r]) / 2;
    grid->edge[n] = clamp(phi[n - 1] + last / 2);
}

/* sin a − sin b of the edges of a row as a product: exact also for narrow rows near the poles. */
static double height_of(const struct e5_grid *grid, size_t row) {
    double half_sum = (grid->edge[row] + grid->edge[row + 1]) / 2 * DEGREE;
    double half_difference = fabs(grid->edge[row] - grid->edge[row + 1]) / 2 * DEGREE;
    return 2 * cos(half_sum) * sin(half_difference);
}

static void find_areas(struct e5_grid *grid) {
    for (size_t r = 0; r < grid->rows; r++)
        grid->area[r] = E5_EARTH_RADIUS_KM * E5_EARTH_RADIUS_KM * grid->step * DEGREE * height_of(grid, r);
}

/* The difference of q between the edges, from their sines and the exact difference of these: s/(1 − e²s²) and artanh
 * have differences of their own that lose nothing. */
void e5_grid_use_wgs84(struct e5_grid *grid) {
    const double e2 = WGS84_FLATTENING * (2 - WGS84_FLATTENING), e = sqrt(e2);
    grid->wgs84 = true;
    for (size_t r = 0; r < grid->rows; r++) {
        double one = sin(grid->edge[r] * DEGREE), other = sin(grid->edge[r + 1] * DEGREE),
               height = height_of(grid, r);
        double fraction = height * (1 + e2 * one * other) / ((1 - e2 * one * one) * (1 - e2 * other * other));
        double q = (1 - e2) * (fraction + atanh(e * height / (1 - e2 * one * other)) / e);
        grid->area[r] = WGS84_EQUATOR_KM * WGS84_EQUATOR_KM * grid->step * DEGREE * q / 2;
    }
}

static enum e5_status allocate(struct e5_grid *grid, struct e5_error *err) {
    enum e5_status status = e5_alloc(grid->rows, sizeof(double), &grid->latitude, err);
    if (status == E5_OK) status = e5_alloc(grid->columns, sizeof(double), &grid->longitude, err);
    if (status == E5_OK) status = e5_alloc(grid->rows + 1, sizeof(double), &grid->edge, err);
    if (status == E5_OK) status = e5_alloc(grid->rows, sizeof(double), &grid->area, err);
    if (status != E5_OK) e5_grid_fini(grid);
    return status;
}

enum e5_status e5_grid_init(struct e5_grid *grid, const double *latitude, size_t rows, const double *longitude,
                            size_t columns, struct e5_error *err) {
    double row_step = LONE_CELL, step = LONE_CELL;
    *grid = (struct e5_grid){.rows = rows, .columns = columns};
    if (rows == 0 || columns == 0) return e5_fail(err, E5_INPUT, "a grid of %zu × %zu cells is empty", rows, columns);
    enum e5_status status = check_latitudes(latitude, rows, err);
    if (status == E5_OK && rows > 1) row_step = step = fabs(latitude[rows - 1] - latitude[0]) / (double)(rows - 1);
    if (status == E5_OK && columns > 1) status = check_longitudes(longitude, columns, &step, err);
    if (status == E5_OK) status = allocate(grid, err);
    if (status != E5_OK) return status;
    memcpy(grid->latitude, latitude, rows * sizeof *latitude);
    memcpy(grid->longitude, longitude, columns * sizeof *longitude);
    grid->step = step;
    grid->periodic = columns > 1 && fabs(step * (double)columns - 360) <= 1e-3 * step + FLOAT32_ROUNDING;
    if (grid->periodic) grid->step = 360 / (double)columns; /* free of the rounding of the file */
    grid->pole_first = fabs(latitude[0]) >= ON_POLE;
    grid->pole_last = rows > 1 && fabs(latitude[rows - 1]) >= ON_POLE;
    find_edges(grid, columns > 1 ? step : row_step);
    find_areas(grid);
    return E5_OK;
}

void e5_grid_fini(struct e5_grid *grid) {
    free(grid->latitude);
    free(grid->longitude);
    free(grid->edge);
    free(grid->area);
    *grid = (struct e5_grid){0};
}
