/* row_sums: sum and number of the values of each row of maps, without those that are missing.
 *
 * A row is what lies along the last dimension.  NaN is left out, and what equals `nodata` in the precision of floats
 * or doubles.  Sums are of doubles, in an order that depends on the length of a row only: the work is split over
 * `par` between rows, and gives the same bits however that is.  The caller owns all memory.  Blocks until all is
 * done. */
#ifndef E5_DIAG_ROW_SUMS_H
#define E5_DIAG_ROW_SUMS_H

#include "base/parallel.h"
#include "model/view.h"

/* One entry in `sum` and `count` for each row, in the order of the view's other dimensions; `nodata` is NaN when
 * there is none. */
E5_MUST_USE enum e5_status e5_row_sums(const struct e5_view *view, double nodata, double *sum, double *count,
                                       const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err);

#endif
