/* utci: universal thermal climate index, by its operational polynomial. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

/* Polynomials of t, from the constant to the highest power. */
#define T0(a) (a)
#define T1(a, b) ((a) + t * (b))
#define T2(a, ...) ((a) + t * T1(__VA_ARGS__))
#define T3(a, ...) ((a) + t * T2(__VA_ARGS__))
#define T4(a, ...) ((a) + t * T3(__VA_ARGS__))
#define T5(a, ...) ((a) + t * T4(__VA_ARGS__))
#define T6(a, ...) ((a) + t * T5(__VA_ARGS__))

/* Horner's scheme over the rows of the table, the highest powers first; all conditions are known to the compiler. */
#define UTCI(e_power, d_power, v_power, polynomial)                                            \
    by_v = (v_power) == 6 - (e_power) - (d_power) ? (polynomial) : by_v * wind + (polynomial); \
    if ((v_power) == 0) by_d = (d_power) == 6 - (e_power) ? by_v : by_d * difference + by_v;   \
    if ((v_power) == 0 && (d_power) == 0) by_e = (e_power) == 6 ? by_d : by_e * pressure + by_d;

/* What is added to the air temperature t in °C; radiant minus air temperature, wind in m/s, pressure in kPa. */
E5_SIMD_BODY double offset(double t, double difference, double wind, double pressure) {
    double by_v = 0, by_d = 0, by_e = 0;
#include "kernels/utci.def"
    return by_e;
}

E5_SIMD_BODY double everywhere(double temperature, double radiant, double wind, double vapour) {
    return temperature + offset(temperature - E5_ZERO_CELSIUS, radiant - temperature, wind, 1e-3 * vapour);
}

E5_SIMD_BODY double broede(double temperature, double radiant, double wind, double vapour) {
    double t = temperature - E5_ZERO_CELSIUS, difference = radiant - temperature;
    double v = e5_choose(wind < 0.5, 0.5, wind);
    double index = everywhere(temperature, radiant, v, vapour);
    bool valid = (t >= -50) & (t <= 50) & (difference >= -30) & (difference <= 70) & (v <= 17) & (vapour < 5000);
    return valid ? index : (double)NAN;
}

E5_SIMD_BODY double xclim(double temperature, double radiant, double wind, double vapour) {
    double t = temperature - E5_ZERO_CELSIUS, difference = radiant - temperature;
    double index = everywhere(temperature, radiant, wind, vapour);
    bool valid = (t > -50) & (t < 50) & (difference > -30) & (difference < 30) & (wind >= 0.5) & (wind < 17);
    return valid ? index : (double)NAN;
}

E5_POINTWISE(broede, 4)
E5_POINTWISE(xclim, 4)
E5_POINTWISE(everywhere, 4)

const struct e5_pointwise_ops e5_utci_ops[] = {E5_POINTWISE_OPS(broede), E5_POINTWISE_OPS(xclim),
                                               E5_POINTWISE_OPS(everywhere)};
