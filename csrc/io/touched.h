/* touched: which cells of a grid of boxes a selection touches: the chunks of a variable, or shares of it.
 *
 * The maker owns it (_fini).  Afterwards read-only: any thread; nothing blocks. */
#ifndef E5_IO_TOUCHED_H
#define E5_IO_TOUCHED_H

#include "io/cut.h"

struct e5_touched {
    int ndim;
    size_t count; /* boxes in all */
    size_t along[E5_MAX_DIMS];   /* how many different places along each dimension … */
    size_t *place[E5_MAX_DIMS];  /* … and which, in ascending order, in units of the box */
    size_t length[E5_MAX_DIMS];  /* of a box along each dimension */
    size_t grid[E5_MAX_DIMS];    /* boxes along each dimension, touched or not */
};

/* `dim` is the variable's shape, `box` that of the boxes. */
E5_MUST_USE enum e5_status e5_touched_make(int ndim, const struct e5_pick *pick, const size_t *dim, const size_t *box,
                                           struct e5_touched *out, struct e5_error *err);
void e5_touched_fini(struct e5_touched *touched);
/* Box number `index` of those touched, and its number in the whole grid. */
uint64_t e5_touched_box(const struct e5_touched *touched, size_t index, struct e5_box *box);

#endif
