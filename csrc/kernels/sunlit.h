/* sunlit: what diagnostics share whose plan is the daylight of their steps, and whose scratch is a table of it. */
#ifndef E5_KERNELS_SUNLIT_H
#define E5_KERNELS_SUNLIT_H

#include "diag/daylight.h"
#include "kernels/kernel.h"

/* One result per step; the plan is a struct e5_daylight, the scratch a table. */
E5_MUST_USE enum e5_status e5_sunlit_plan(enum e5_sun formula, const struct e5_series_input *input,
                                          struct e5_series_plan *out, struct e5_error *err);
void e5_sunlit_free(void *plan);

#endif
