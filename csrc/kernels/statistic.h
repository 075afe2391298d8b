/* statistic: extreme, mean or sum of the samples of a period: what `daily` and `resample` have in common.
 *
 * Both rows of kernels.def begin with the parameters `statistic` (max min mean sum) and `min_samples`.  Pure
 * functions on the driver's memory: any thread; nothing blocks. */
#ifndef E5_KERNELS_STATISTIC_H
#define E5_KERNELS_STATISTIC_H

#include "kernels/kernel.h"

size_t e5_statistic_state_size(const struct e5_params *params, enum e5_dtype dtype);
void e5_statistic_begin(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params);
void e5_statistic_steps(void *state, const struct e5_rows *rows, const struct e5_params *params);
void e5_statistic_end(void *state, double *out, size_t cells, int32_t expected, enum e5_dtype dtype,
                      const struct e5_params *params);

#endif
