/* wind_speed: length of the horizontal wind. */
#include <math.h>

#include "kernels/pointwise.h"

/* Squares of winds are far from the ends of float, so that nothing is gained by scaling or by doubles. */
E5_POINTWISE_LOOP(speed_f32, float, sqrtf(in[0][i] * in[0][i] + in[1][i] * in[1][i]))
E5_POINTWISE_LOOP(speed_f64, double, sqrt(in[0][i] * in[0][i] + in[1][i] * in[1][i]))

const struct e5_pointwise_ops e5_wind_speed_ops[] = {E5_POINTWISE_OPS(speed)};
