/* wbgt: wet-bulb globe temperature from what its three thermometers show. */
#include "kernels/pointwise.h"

E5_SIMD_BODY double yaglou(double temperature, double natural_wet_bulb, double globe) {
    return 0.7 * natural_wet_bulb + 0.2 * globe + 0.1 * temperature;
}
E5_POINTWISE(yaglou, 3)

const struct e5_pointwise_ops e5_wbgt_ops[] = {E5_POINTWISE_OPS(yaglou)};
