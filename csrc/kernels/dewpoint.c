/* dewpoint: the temperature at which the vapour pressure of the air would be saturated. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

/* Inverse of e5_bolton80. */
E5_SIMD_BODY double dewpoint(double temperature, double humidity) {
    double celsius = temperature - E5_ZERO_CELSIUS;
    double logarithm = e5_log(0.01 * humidity) + 17.67 * celsius / (celsius + 243.5);
    return 243.5 * logarithm / (17.67 - logarithm) + E5_ZERO_CELSIUS;
}
E5_POINTWISE(dewpoint, 2)

const struct e5_pointwise_ops e5_dewpoint_ops[] = {E5_POINTWISE_OPS(dewpoint)};
