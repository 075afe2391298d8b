/* vapour_pressure: of the air, by temperature and relative humidity. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

#define LOOPS(formula)                                                      \
    E5_SIMD_BODY double by_##formula(double temperature, double humidity) { \
        return 0.01 * humidity * e5_##formula(temperature);                 \
    }                                                                       \
    E5_POINTWISE(by_##formula, 2)
E5_SATURATION_FORMULAS(LOOPS)

#define OPS(formula) E5_POINTWISE_OPS(by_##formula),
const struct e5_pointwise_ops e5_vapour_pressure_ops[] = {E5_SATURATION_FORMULAS(OPS)};
