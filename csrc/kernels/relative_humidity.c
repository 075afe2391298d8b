/* relative_humidity: vapour pressure at the dewpoint as a share of that at the temperature. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

#define LOOPS(formula)                                                      \
    E5_SIMD_BODY double by_##formula(double temperature, double dewpoint) { \
        return 100 * e5_##formula##_ratio(dewpoint, temperature);           \
    }                                                                       \
    E5_POINTWISE(by_##formula, 2)
E5_SATURATION_FORMULAS(LOOPS)

#define OPS(formula) E5_POINTWISE_OPS(by_##formula),
const struct e5_pointwise_ops e5_relative_humidity_ops[] = {E5_SATURATION_FORMULAS(OPS)};
