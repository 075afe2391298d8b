/* heat_index: felt temperature of warm and humid air; Rothfusz's regression with the switches of who uses it. */
#include "diag/vector_math.h"
#include "kernels/pointwise.h"

#define ZERO_CELSIUS 273.15

E5_SIMD_BODY double to_fahrenheit(double kelvin) { return (kelvin - ZERO_CELSIUS) * 1.8 + 32; }
E5_SIMD_BODY double from_fahrenheit(double f) { return (f - 32) / 1.8 + ZERO_CELSIUS; }

/* Rothfusz 1990 with the adjustments of the NWS, in °F and %. */
E5_SIMD_BODY double rothfusz(double t, double r) {
    double constant = -42.379 + t * (2.04901523 - t * 6.83783e-3);
    double linear = 10.14333127 + t * (-0.22475541 + t * 1.22874e-3);
    double square = -5.481717e-2 + t * (8.5282e-4 - t * 1.99e-6);
    double index = constant + r * (linear + r * square);
    double near_95 = (17 - fabs(t - 95)) / 17;
    double dry = (13 - r) / 4 * sqrt(near_95 > 0 ? near_95 : 0), humid = (r - 85) / 10 * ((87 - t) / 5);
    double adjusted = (r < 13) & (t >= 80) & (t <= 112) ? index - dry : index;
    return (r > 85) & (t >= 80) & (t <= 87) ? index + humid : adjusted;
}

E5_SIMD_BODY double simple(double t, double r) { return 0.5 * (t + 61 + 1.2 * (t - 68) + 0.094 * r); }

E5_SIMD_BODY double nws(double temperature, double humidity) {
    double t = to_fahrenheit(temperature), mean = 0.5 * (simple(t, humidity) + t);
    return from_fahrenheit(mean < 80 ? mean : rothfusz(t, humidity));
}

E5_SIMD_BODY double thermofeel(double temperature, double humidity) {
    double t = to_fahrenheit(temperature), plain = simple(t, humidity);
    double index = plain + t < 160 ? plain : rothfusz(t, humidity);
    return from_fahrenheit(t <= 40 ? t + 0 * humidity : index);
}

E5_SIMD_BODY double metpy(double temperature, double humidity) {
    double t = to_fahrenheit(temperature), plain = -10.3 + 1.1 * t + 0.047 * humidity;
    double index = plain < 79 ? plain : rothfusz(t, humidity);
    return from_fahrenheit(t <= 40 ? t + 0 * humidity : index);
}

/* The regression in °C and %, from its nine coefficients 1, t, r, tr, t², r², t²r, tr², t²r². */
E5_SIMD_BODY double regression(double t, double r, const double *c) {
    double constant = c[0] + t * (c[1] + t * c[4]), linear = c[2] + t * (c[3] + t * c[6]);
    return constant + r * (linear + r * (c[5] + t * (c[7] + t * c[8])));
}

E5_SIMD_BODY double xclim(double temperature, double humidity) {
    static const double c[] = {-8.78469475556,   1.61139411,  2.33854883889, -0.14611605, -0.012308094,
                               -0.0164248277778, 0.002211732, 0.00072546,    -0.000003582};
    double t = temperature - ZERO_CELSIUS, index = regression(t, humidity, c) + ZERO_CELSIUS;
    return t > 20 ? index : (double)NAN;
}

E5_SIMD_BODY double simplified(double temperature, double humidity) {
    static const double c[] = {-8.784695,     1.61139411,  2.338549,  -0.14611605, -1.2308094e-2,
                               -1.6424828e-2, 2.211732e-3, 7.2546e-4, -3.582e-6};
    double t = temperature - ZERO_CELSIUS, index = regression(t, humidity, c) + ZERO_CELSIUS;
    return t <= 20 ? temperature + 0 * humidity : index;
}

E5_POINTWISE(nws, 2)
E5_POINTWISE(thermofeel, 2)
E5_POINTWISE(metpy, 2)
E5_POINTWISE(xclim, 2)
E5_POINTWISE(simplified, 2)

const struct e5_pointwise_ops e5_heat_index_ops[] = {E5_POINTWISE_OPS(nws), E5_POINTWISE_OPS(thermofeel),
                                                     E5_POINTWISE_OPS(metpy), E5_POINTWISE_OPS(xclim),
                                                     E5_POINTWISE_OPS(simplified)};
