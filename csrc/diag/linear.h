/* linear: values × scale + offset, of arrays of any type and layout.
 *
 * Computed in double and rounded once to the type of the result.  NaN stays NaN, and what equals `nodata` stays as it
 * is.  The caller owns both arrays; the work is split over `par`, and gives the same bits however that is.  Blocks
 * until all is done. */
#ifndef E5_DIAG_LINEAR_H
#define E5_DIAG_LINEAR_H

#include "base/parallel.h"
#include "model/view.h"

struct e5_linear {
    double scale, offset;
    double nodata; /* NaN when there is none */
};

/* `out` holds native, neighbouring floats or doubles in the order of the view's dimensions. */
E5_MUST_USE enum e5_status e5_linear(const struct e5_view *view, const struct e5_linear *map, void *out,
                                     enum e5_dtype dtype, const struct e5_parallel *par, struct e5_watch *watch,
                                     struct e5_error *err);

#endif
