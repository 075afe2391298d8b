/* sweep_part: a sweep over cells that lie in memory.
 *
 * Part of sweep.h, which reads what is not in memory.  Blocks until done. */
#ifndef E5_DRIVE_SWEEP_PART_H
#define E5_DRIVE_SWEEP_PART_H

#include "drive/cells.h"
#include "drive/sweep.h"

struct e5_sweep_cells { /* an operand; view NULL: not given */
    const struct e5_view *view;
    size_t first; /* its cell that is the first of the part */
};

/* Cells [first, first + count) of the results, which all operands have; whoever calls says how much work there is
 * (e5_watch_expect). */
E5_MUST_USE enum e5_status e5_sweep_part(const struct e5_sweep *sweep, const struct e5_sweep_cells *operands,
                                         size_t first, size_t count, const struct e5_parallel *par,
                                         struct e5_watch *watch, struct e5_error *err);
size_t e5_sweep_operands(const struct e5_kernel *kernel);

#endif
