/* wet_bulb: wet-bulb temperature at sea level, by Stull. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

E5_SIMD_BODY double stull(double temperature, double humidity) {
    double t = temperature - E5_ZERO_CELSIUS;
    double sum = t * e5_atan(0.151977 * sqrt(humidity + 8.313659)) +
                 e5_atan2(1.676331 + t, 1 + (t + humidity) * (humidity - 1.676331));
    sum += 0.00391838 * humidity * sqrt(humidity) * e5_atan(0.023101 * humidity);
    return sum - 4.686035 + E5_ZERO_CELSIUS;
}

/* As e5_atan_of_ratio, with what float needs of it. */
E5_SIMD_BODY float arc_tangent(float top, float bottom) {
    float steep = top > 2.4142136f * bottom ? 1 : 0, middle = top > 0.41421356f * bottom ? 1 : 0;
    float n = steep > 0 ? -bottom : middle > 0 ? top - bottom : top;
    float d = steep > 0 ? top : middle > 0 ? top + bottom : bottom;
    float t = n / d, square = t * t, p = -0.06449835225f;
    p = p * square + 0.1074309967f;
    p = p * square - 0.1426389711f;
    p = p * square + 0.1999953879f;
    p = p * square - 0.3333333175f;
    return (steep + middle) * (float)(E5_HALF_PI / 2) + (t + t * square * p);
}

/* In float for floats: the error stays within the last place of the result in K.  Humidity is not negative: of all
 * angles only one can be. */
E5_SIMD_BODY float stull_of_floats(float temperature, float humidity) {
    float t = (temperature - 273) - 0.15f, root = sqrtf(humidity);
    float top = 1.676331f + t, bottom = 1 + (t + humidity) * (humidity - 1.676331f);
    float angle = arc_tangent(fabsf(top), fabsf(bottom));
    float sum = copysignf(bottom < 0 ? 2 * (float)E5_HALF_PI - angle : angle, top) - 4.686035f;
    sum += 0.00391838f * humidity * root * arc_tangent(0.023101f * humidity, 1);
    sum += t * arc_tangent(0.151977f * sqrtf(humidity + 8.313659f), 1);
    return (sum + 0.15f) + 273;
}

E5_POINTWISE_LOOP(stull_f32, float, stull_of_floats(in[0][i], in[1][i]))
E5_POINTWISE_LOOP(stull_f64, double, stull(in[0][i], in[1][i]))

const struct e5_pointwise_ops e5_wet_bulb_ops[] = {E5_POINTWISE_OPS(stull)};
