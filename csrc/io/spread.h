/* spread: values in the order of their file → the tidy order, with versions merged.
 *
 * For variables whose dimensions are ordered differently or come in several versions (an expver dimension): the file
 * is read densely into a copy, of which each value then goes to its place; of several versions the first that is not
 * missing.  The planner owns plan and dense picks (_fini, e5_pick_fini).  Any thread; _put blocks. */
#ifndef E5_IO_SPREAD_H
#define E5_IO_SPREAD_H

#include "io/axes.h"
#include "io/pick.h"

struct e5_spread_dim {
    size_t count, stride; /* of the copy, in values */
    const size_t *to;     /* count: where each index leads to in the output, in values */
};

struct e5_spread {
    struct e5_spread_dim dim[E5_AXES]; /* outermost first; the last one is a row */
    size_t versions, version_stride;
    size_t values; /* of the copy */
    size_t *places;
};

/* `pick`: one per role; `dense` gets one per dimension of the variable. */
E5_MUST_USE enum e5_status e5_spread_plan(const struct e5_axes *axes, int ndim, size_t versions,
                                          const struct e5_pick *pick, struct e5_pick *dense, struct e5_spread *out,
                                          struct e5_error *err);
/* Both of `as`, E5_F32 or E5_F64. */
E5_MUST_USE enum e5_status e5_spread_put(const struct e5_spread *spread, enum e5_dtype as, const void *copy,
                                         void *out, const struct e5_parallel *par, struct e5_watch *watch,
                                         struct e5_error *err);
void e5_spread_fini(struct e5_spread *spread);

#endif
