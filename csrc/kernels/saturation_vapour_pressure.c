/* saturation_vapour_pressure: of water vapour over water, by temperature. */
#include "diag/humidity.h"
#include "kernels/pointwise.h"

#define LOOPS(formula) E5_POINTWISE(e5_##formula, 1)
E5_SATURATION_FORMULAS(LOOPS)

#define OPS(formula) E5_POINTWISE_OPS(e5_##formula),
const struct e5_pointwise_ops e5_saturation_vapour_pressure_ops[] = {E5_SATURATION_FORMULAS(OPS)};
