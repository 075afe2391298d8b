/* standard_index: what SPI and SPEI share: plans and tiles over diag/standardise. */
#ifndef E5_KERNELS_STANDARD_INDEX_H
#define E5_KERNELS_STANDARD_INDEX_H

#include "diag/standardise.h"
#include "kernels/kernel.h"

/* `how` has all but what the axis tells.  Takes the parameter of the base period. */
E5_MUST_USE enum e5_status e5_standard_index_plan(const struct e5_standard *how, const struct e5_period *base,
                                                  const struct e5_series_input *input, struct e5_series_plan *out,
                                                  struct e5_error *err);
void e5_standard_index_tile(const void *plan, const struct e5_tile *operands, double *out, void *scratch);
void e5_standard_index_free(void *plan);

#endif
