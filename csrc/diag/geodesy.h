/* geodesy: distances and means on the sphere.
 *
 * Degrees in and out, km on a sphere of radius 6371.0.  Distances are good to a few roundings of the result, from
 * neighbours to antipodes: sine and cosine of half the angle are both found without cancellation, and the smaller is
 * used.  NaN in gives NaN out; latitudes are expected within ±90°.  Pure functions on the caller's memory: any
 * thread; nothing blocks. */
#ifndef E5_DIAG_GEODESY_H
#define E5_DIAG_GEODESY_H

#include <stddef.h>

/* Great circles between n pairs of points. */
void e5_geodesy_pairs(const double *lat1, const double *lon1, const double *lat2, const double *lon2, double *out,
                      size_t n);

/* Points as unit vectors, so that a distance between any two needs no circular function of their coordinates.  What
 * rounding leaves of x, y, z follows in its own arrays: neighbours differ by little more than that. */
enum { E5_GEODESY_AXES = 6 };
struct e5_geodesy_points {
    double *axis[E5_GEODESY_AXES]; /* x, y, z, and what is left of them */
    size_t count;
};
void e5_geodesy_points(const double *latitude, const double *longitude, struct e5_geodesy_points *out);
/* Great circles from point `i` of one list to `count` points of another, from `first` on. */
void e5_geodesy_row(const struct e5_geodesy_points *from, size_t i, const struct e5_geodesy_points *to, size_t first,
                    size_t count, double *out);

struct e5_centroid { /* running sum of weighted unit vectors; zeroed to begin with */
    double x, y, z, weight;
};
void e5_centroid_add(struct e5_centroid *sum, double latitude, double longitude, double weight);
/* Direction of the sum; both NaN when the vectors cancel. */
void e5_centroid_get(const struct e5_centroid *sum, double *latitude, double *longitude);

#endif
