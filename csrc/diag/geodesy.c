#include "diag/geodesy.h"

#include <math.h>

#include "model/grid.h"

static double radians(double degrees) { return degrees * (M_PI / 180); }
static double degrees_of(double radian) { return radian * (180 / M_PI); }

double e5_geodesy_distance(double lat1, double lon1, double lat2, double lon2) {
    double y = sin(radians(lat2 - lat1) / 2), x = sin(radians(lon2 - lon1) / 2);
    double h = y * y + cos(radians(lat1)) * cos(radians(lat2)) * x * x;
    return 2 * E5_EARTH_RADIUS_KM * asin(sqrt(fmin(h, 1))); /* rounding may lift antipodes above 1 */
}

void e5_centroid_add(struct e5_centroid *sum, double latitude, double longitude, double weight) {
    double phi = radians(latitude), lambda = radians(longitude);
    sum->x += weight * cos(phi) * cos(lambda);
    sum->y += weight * cos(phi) * sin(lambda);
    sum->z += weight * sin(phi);
    sum->weight += fabs(weight);
}

void e5_centroid_get(const struct e5_centroid *sum, double *latitude, double *longitude) {
    double across = hypot(sum->x, sum->y);
    bool cancelled = !(hypot(across, sum->z) > 1e-9 * sum->weight); /* what is left is rounding */
    *latitude = cancelled ? NAN : degrees_of(atan2(sum->z, across));
    *longitude = cancelled ? NAN : degrees_of(atan2(sum->y, sum->x));
}
