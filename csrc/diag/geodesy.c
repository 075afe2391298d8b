#include "diag/geodesy.h"

#include <math.h>

#include "diag/vector_math.h"
#include "model/grid.h"

static double radians(double degrees) { return degrees * (M_PI / 180); }
static double degrees_of(double radian) { return radian * (180 / M_PI); }

/* (arcsin(r) − r) / r³ of r² ≤ ¼, interpolated at Chebyshev nodes: the arc sine is then good to 2^-56. */
E5_SIMD_BODY double arcsine_series(double square) {
    double p = 0x1.d504fe1234875p-6;
    p = p * square - 0x1.dfbb0bbc2bacbp-7;
    p = p * square + 0x1.1a9f5621326afp-6;
    p = p * square + 0x1.69c481ebbde9ap-8;
    p = p * square + 0x1.51b5bf9b88474p-7;
    p = p * square + 0x1.783f870249963p-7;
    p = p * square + 0x1.c9cbef9d98c4ep-7;
    p = p * square + 0x1.1c4d56c5daa75p-6;
    p = p * square + 0x1.6e8baff8070cfp-6;
    p = p * square + 0x1.f1c71c2dac622p-6;
    p = p * square + 0x1.6db6db6e09dc2p-5;
    p = p * square + 0x1.33333333331c7p-4;
    return p * square + 0x1.5555555555555p-3;
}

/* km from the squares of sine and cosine of half the angle: up to 60° by the sine, from 120° on by the cosine, and
 * between these by the cosine of the whole angle. */
E5_SIMD_BODY double distance_of(double sine2, double cosine2) {
    double least = sine2 < cosine2 ? sine2 : cosine2, whole = cosine2 - sine2;
    double outer = least <= 0.25 ? 1 : 0;
    double r = outer > 0 ? sqrt(least) : whole, square = outer > 0 ? least : whole * whole;
    double arc = r + r * (square * arcsine_series(square));
    double far = E5_HALF_PI + (E5_HALF_PI - 2 * arc);
    double angle = outer > 0 ? (sine2 < cosine2 ? 2 * arc : far) : E5_HALF_PI - arc;
    return angle * E5_EARTH_RADIUS_KM;
}

/* With half the differences u, v and the middle m of the latitudes, the squares are sums of what is never negative:
 * sin²u cos²v + cos²m sin²v, and cos²u cos²v + sin²m sin²v.  cos m comes from its distance to the pole, and turns of
 * longitude are taken out in degrees, where that is exact. */
E5_SIMD_BODY double pair_distance(double lat1, double lon1, double lat2, double lon2) {
    const double half = M_PI / 360;
    double east = lon2 - lon1, turns = east * (1.0 / 360) + E5_ROUND;
    east -= 360 * (turns - E5_ROUND);
    double u = (lat2 - lat1) * half, v = east * half, middle = fabs(lat1 + lat2);
    double su = e5_sin(u), cu = e5_cos(u), sv = e5_sin(v), cv = e5_cos(v);
    double sm = e5_sin(middle * half), cm = e5_sin((180 - middle) * half);
    su *= su, cu *= cu, sv *= sv, cv *= cv;
    return distance_of(su * cv + cm * cm * sv, cu * cv + sm * sm * sv);
}

E5_SIMD_BODY void pairs_body(const double *restrict lat1, const double *restrict lon1, const double *restrict lat2,
                             const double *restrict lon2, double *restrict out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = pair_distance(lat1[i], lon1[i], lat2[i], lon2[i]);
}
E5_SIMD_VARIANTS(pairs,
                 (const double *lat1, const double *lon1, const double *lat2, const double *lon2, double *out,
                  size_t n),
                 (lat1, lon1, lat2, lon2, out, n))

void e5_geodesy_pairs(const double *lat1, const double *lon1, const double *lat2, const double *lon2, double *out,
                      size_t n) {
    pairs(lat1, lon1, lat2, lon2, out, n);
}

/* Sine and cosine of degrees, with the bits of long double; multiples of 90° are exact. */
static void sine_cosine(double degrees, long double *sine, long double *cosine) {
    double quarters = nearbyint(degrees / 90);
    long double rest = ((long double)degrees - 90 * (long double)quarters) * (3.14159265358979323846264338328L / 180);
    long double s = sinl(rest), c = cosl(rest);
    int quarter = isfinite(degrees) ? (int)fmod(quarters, 4) & 3 : 0;
    *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

void e5_geodesy_points(const double *latitude, const double *longitude, struct e5_geodesy_points *out) {
    for (size_t i = 0; i < out->count; i++) {
        long double up, across, east, north;
        sine_cosine(latitude[i], &up, &across);
        sine_cosine(longitude[i], &east, &north);
        long double vector[3] = {across * north, across * east, up};
        for (int k = 0; k < 3; k++) {
            out->axis[k][i] = (double)vector[k];
            out->axis[k + 3][i] = (double)(vector[k] - out->axis[k][i]);
        }
    }
}

/* Sum of the squares of a − b and of a + b, each with what rounding left of it. */
E5_SIMD_BODY void row_body(const double *restrict a, const double *restrict x, const double *restrict y,
                           const double *restrict z, const double *restrict x2, const double *restrict y2,
                           const double *restrict z2, double *restrict out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double dx = (a[0] - x[i]) + (a[3] - x2[i]), sx = a[0] + x[i];
        double dy = (a[1] - y[i]) + (a[4] - y2[i]), sy = a[1] + y[i];
        double dz = (a[2] - z[i]) + (a[5] - z2[i]), sz = a[2] + z[i];
        out[i] = distance_of(0.25 * (dx * dx + dy * dy + dz * dz), 0.25 * (sx * sx + sy * sy + sz * sz));
    }
}
E5_SIMD_VARIANTS(row,
                 (const double *a, const double *x, const double *y, const double *z, const double *x2,
                  const double *y2, const double *z2, double *out, size_t n),
                 (a, x, y, z, x2, y2, z2, out, n))

void e5_geodesy_row(const struct e5_geodesy_points *from, size_t i, const struct e5_geodesy_points *to, size_t first,
                    size_t count, double *out) {
    double a[E5_GEODESY_AXES];
    const double *b[E5_GEODESY_AXES];
    for (int k = 0; k < E5_GEODESY_AXES; k++) {
        a[k] = from->axis[k][i];
        b[k] = to->axis[k] + first;
    }
    row(a, b[0], b[1], b[2], b[3], b[4], b[5], out, count);
}

void e5_centroid_add(struct e5_centroid *sum, double latitude, double longitude, double weight) {
    double phi = radians(latitude), lambda = radians(longitude);
    sum->x += weight * cos(phi) * cos(lambda);
    sum->y += weight * cos(phi) * sin(lambda);
    sum->z += weight * sin(phi);
    sum->weight += fabs(weight);
}

void e5_centroid_get(const struct e5_centroid *sum, double *latitude, double *longitude) {
    double flat = sum->x * sum->x + sum->y * sum->y, across = sqrt(flat); /* areas: far from overflow */
    bool cancelled = !(sqrt(flat + sum->z * sum->z) > 1e-9 * sum->weight); /* what is left is rounding */
    *latitude = cancelled ? NAN : degrees_of(atan2(sum->z, across));
    double east = degrees_of(atan2(sum->y, sum->x));
    bool antimeridian = 180 - fabs(east) < 1e-9; /* rounding would call it 180 once and −180 another time */
    *longitude = cancelled ? NAN : antimeridian ? -180 : east;
}
