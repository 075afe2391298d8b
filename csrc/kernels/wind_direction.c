/* wind_direction: where the wind comes from, clockwise from north. */
#include "diag/vector_math.h"
#include "kernels/pointwise.h"

/* 0 is calm, 360 is north. */
E5_SIMD_BODY double direction(double u, double v) {
    double degrees = e5_atan2(-u, -v) * (90 / E5_HALF_PI), from = degrees > 0 ? degrees : degrees + 360;
    return (u == 0) & (v == 0) ? 0 : from;
}

/* Calm below 0.5 m/s; what rounds to 0 is 360. */
E5_SIMD_BODY double xclim(double u, double v) {
    double degrees = e5_atan2(-u, -v) * (90 / E5_HALF_PI), from = degrees < 0 ? degrees + 360 : degrees;
    from = from <= 0.5 ? 360 : from;
    return u * u + v * v < 0.25 ? 0 : from;
}

E5_POINTWISE(direction, 2)
E5_POINTWISE(xclim, 2)

const struct e5_pointwise_ops e5_wind_direction_ops[] = {E5_POINTWISE_OPS(direction), E5_POINTWISE_OPS(xclim)};
