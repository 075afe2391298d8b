/* wind_chill: felt temperature of cold moving air, by Osczevski and Bluestein. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

/* In °C and km/h. */
E5_SIMD_BODY double formula(double t, double v) {
    double power = e5_pow(v, 0.16);
    return 13.12 + 0.6215 * t - 11.37 * power + 0.3965 * t * power;
}

E5_SIMD_BODY double canada(double temperature, double wind) {
    double t = temperature - E5_ZERO_CELSIUS, v = 3.6 * wind;
    double index = v < 5 ? t + (-1.59 + 0.1345 * t) / 5 * v : formula(t, v);
    return t <= 0 ? index + E5_ZERO_CELSIUS : (double)NAN;
}
E5_SIMD_BODY double us(double temperature, double wind) {
    double t = temperature - E5_ZERO_CELSIUS, v = 3.6 * wind, index = formula(t, v) + E5_ZERO_CELSIUS;
    return (t <= 10) & (v > 4.828032) ? index : (double)NAN; /* 50 °F, 3 miles an hour */
}
E5_SIMD_BODY double unlimited(double temperature, double wind) {
    return formula(temperature - E5_ZERO_CELSIUS, 3.6 * wind) + E5_ZERO_CELSIUS;
}

E5_POINTWISE(canada, 2)
E5_POINTWISE(us, 2)
E5_POINTWISE(unlimited, 2)

const struct e5_pointwise_ops e5_wind_chill_ops[] = {E5_POINTWISE_OPS(canada), E5_POINTWISE_OPS(us),
                                                     E5_POINTWISE_OPS(unlimited)};
