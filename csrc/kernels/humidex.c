/* humidex: temperature and what its humidity adds, by Masterton and Richardson. */
#include "diag/vector_math.h"
#include "kernels/pointwise.h"

/* `base` is the vapour pressure in hPa at temperature `zero` in K, `share` the degrees per hPa. */
E5_SIMD_BODY double with_constants(double temperature, double dewpoint, double base, double zero, double share) {
    return temperature + share * (base * e5_exp(5417.7530 * (1 / zero - 1 / dewpoint)) - 10);
}

E5_SIMD_BODY double masterton(double temperature, double dewpoint) {
    return with_constants(temperature, dewpoint, 6.11, 273.16, 5.0 / 9);
}
E5_SIMD_BODY double thermofeel(double temperature, double dewpoint) {
    return with_constants(temperature, dewpoint, 6.11, 273.15, 0.5555);
}
E5_SIMD_BODY double xclim(double temperature, double dewpoint) {
    return with_constants(temperature, dewpoint, 6.112, 273.16, 5.0 / 9);
}

E5_POINTWISE(masterton, 2)
E5_POINTWISE(thermofeel, 2)
E5_POINTWISE(xclim, 2)

const struct e5_pointwise_ops e5_humidex_ops[] = {E5_POINTWISE_OPS(masterton), E5_POINTWISE_OPS(thermofeel),
                                                  E5_POINTWISE_OPS(xclim)};
