/* apparent_temperature: of a person in the shade, by Steadman, in the form of the Bureau of Meteorology. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

E5_SIMD_BODY double apparent(double temperature, double humidity, double wind) {
    return temperature + 0.33e-4 * humidity * e5_steadman84(temperature) - 0.7 * wind - 4;
}
E5_POINTWISE(apparent, 3)

const struct e5_pointwise_ops e5_apparent_temperature_ops[] = {E5_POINTWISE_OPS(apparent)};
