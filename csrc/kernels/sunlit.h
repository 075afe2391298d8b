/* sunlit: what diagnostics share that depend on the length of the day. */
#ifndef E5_KERNELS_SUNLIT_H
#define E5_KERNELS_SUNLIT_H

#include "diag/daylight.h"
#include "kernels/kernel.h"

/* E5_INPUT when the operand that holds the latitude of each cell is not given. */
E5_MUST_USE enum e5_status e5_latitude_check(const struct e5_series_input *input, size_t operand,
                                             struct e5_error *err);
/* Of those whose plan is the daylight of their steps: one result per step; the plan is a struct e5_daylight, the
 * scratch a table. */
E5_MUST_USE enum e5_status e5_sunlit_plan(enum e5_sun formula, const struct e5_series_input *input, size_t latitude,
                                          struct e5_series_plan *out, struct e5_error *err);
void e5_sunlit_free(void *plan);

#endif
