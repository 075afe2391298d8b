/* geodesy: distances and means on the sphere.
 *
 * Degrees in and out, km on a sphere of radius 6371.0.  Pure functions: any thread; nothing blocks. */
#ifndef E5_DIAG_GEODESY_H
#define E5_DIAG_GEODESY_H

struct e5_centroid { /* running sum of weighted unit vectors; zeroed to begin with */
    double x, y, z, weight;
};

double e5_geodesy_distance(double lat1, double lon1, double lat2, double lon2); /* great circle, haversine */
void e5_centroid_add(struct e5_centroid *sum, double latitude, double longitude, double weight);
/* Direction of the sum; both NaN when the vectors cancel. */
void e5_centroid_get(const struct e5_centroid *sum, double *latitude, double *longitude);

#endif
