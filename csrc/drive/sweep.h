/* sweep: a SERIES kernel × cells × pool.
 *
 * Gathers tiles of neighbouring cells into contiguous series of doubles (dtype, byte order, packing and strides are
 * decoded on the way) and runs the kernel on each.  Bit-identical for any number of threads and any tile.  Blocks.
 * A source that does not fit into `budget` bytes goes through a scratch file (drive/spill.h): two passes over the
 * data, memory bounded by the budget and one block of the source. */
#ifndef E5_DRIVE_SWEEP_H
#define E5_DRIVE_SWEEP_H

#include "drive/source.h"
#include "kernels/kernel.h"

struct e5_sweep_plan { /* made by e5_sweep_plan(), freed by _fini */
    const struct e5_kernel *kernel;
    void *plan;
    size_t steps; /* of the time axis */
    size_t out_length, scratch_bytes;
};

E5_MUST_USE enum e5_status e5_sweep_plan(const struct e5_kernel *kernel, const struct e5_params *params,
                                         const struct e5_time_axis *axis, struct e5_sweep_plan *out,
                                         struct e5_error *err);
void e5_sweep_plan_fini(struct e5_sweep_plan *plan);
/* `view`: first dimension time, the others cells.  out: out_length × cells doubles. */
E5_MUST_USE enum e5_status e5_sweep(const struct e5_sweep_plan *plan, const struct e5_view *view, double *out,
                                    struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err);

struct e5_sweep_out { /* where the results of some cells go: rows of `row` values, out_length of them */
    double *values;
    size_t row;
};
/* Part of the cells of a larger field; whoever calls says how much work there is (e5_watch_expect). */
E5_MUST_USE enum e5_status e5_sweep_part(const struct e5_sweep_plan *plan, const struct e5_view *view,
                                         struct e5_sweep_out out, const struct e5_parallel *par,
                                         struct e5_watch *watch, struct e5_error *err);
/* Files, or whatever else comes block by block.  `directory`: for the scratch file, if one is needed. */
E5_MUST_USE enum e5_status e5_sweep_source(const struct e5_sweep_plan *plan, struct e5_source *source, size_t budget,
                                           const char *directory, double *out, struct e5_pool *pool,
                                           struct e5_watch *watch, struct e5_error *err);

#endif
