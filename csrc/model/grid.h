/* grid: a regular latitude–longitude grid on the sphere.
 *
 * The grid owns copies of its axes (_init/_fini).  Area of a cell: R² Δλ (sin φ_north − sin φ_south), edges half way
 * between rows, the outermost clamped to ±90°; all cells of a global grid add up to 4πR².  On the ellipsoid of WGS 84
 * it is a² Δλ (q_north − q_south) / 2 with q = (1 − e²) (sin φ / (1 − e² sin² φ) + artanh(e sin φ) / e), the
 * latitudes taken as geodetic (Snyder 1987, Map projections: a working manual, US Geological Survey Professional
 * Paper 1395, equation 3-12); all cells of a global grid add up to 510 065 621.724 km².  Latitudes run either way, at
 * any spacing; longitudes run eastward in equal steps, in any convention, also with a jump of 360° in between.  A
 * single row or column takes the spacing of the other axis, and a single cell is 0.25° wide.  Read-only after _init:
 * any thread; nothing blocks. */
#ifndef E5_MODEL_GRID_H
#define E5_MODEL_GRID_H

#include "base/error.h"

#define E5_EARTH_RADIUS_KM 6371.0

struct e5_grid {
    size_t rows, columns;
    double *latitude, *longitude; /* degrees, in the order of the data */
    double *edge;                 /* rows + 1: row r lies between the latitudes edge[r] and edge[r + 1] */
    double step;                  /* degrees from one column to the next; cells reach step/2 to either side */
    double *area;                 /* rows: km² of one cell of that row */
    bool wgs84;                   /* areas are those of the ellipsoid, not of the sphere */
    bool periodic;                /* the columns close a circle: the last one neighbours the first */
    bool pole_first, pole_last;   /* that row lies on a pole: its cells are one point and touch each other */
};

/* E5_INPUT says which coordinate is out of range, out of order or out of step. */
E5_MUST_USE enum e5_status e5_grid_init(struct e5_grid *grid, const double *latitude, size_t rows,
                                        const double *longitude, size_t columns, struct e5_error *err);
void e5_grid_fini(struct e5_grid *grid);
/* Areas on the ellipsoid of WGS 84 instead of the sphere; nothing else changes: distances stay those of the sphere.
 */
void e5_grid_use_wgs84(struct e5_grid *grid);
/* Longitude folded into −180 … 180. */
double e5_grid_fold(double longitude);

#endif
