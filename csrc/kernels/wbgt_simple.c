/* wbgt_simple: wet-bulb globe temperature from temperature and humidity alone. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

E5_SIMD_BODY double globe(double temperature, double humidity) {
    double hectopascals = 1e-4 * humidity * e5_steadman84(temperature);
    return 0.567 * (temperature - E5_ZERO_CELSIUS) + 0.393 * hectopascals + 3.94 + E5_ZERO_CELSIUS;
}
E5_POINTWISE(globe, 2)

const struct e5_pointwise_ops e5_wbgt_simple_ops[] = {E5_POINTWISE_OPS(globe)};
