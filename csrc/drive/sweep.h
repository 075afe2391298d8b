/* sweep: a SERIES kernel × cells × pool.
 *
 * Gathers tiles of neighbouring cells (dtype, byte order, packing and strides are decoded on the way), runs the plans
 * on each of them, and sets to NaN what the policy for missing data of a plan takes away.  Several plans of one
 * kernel share one pass over the data, each with its own one of several thresholds where an operand holds these.
 * Bit-identical for any number of threads and any tile.  Blocks. Operands lie in memory or come from sources in any
 * mixture.  Sources that do not fit into `budget` bytes go through scratch files (drive/spill.h): two passes over the
 * data, memory bounded by the budget and one block of a source. */
#ifndef E5_DRIVE_SWEEP_H
#define E5_DRIVE_SWEEP_H

#include "drive/source.h"
#include "kernels/kernel.h"
#include "model/missing.h"

struct e5_sweep_plan { /* made by e5_sweep_plan(), freed by _fini */
    const struct e5_kernel *kernel;
    void *plan;
    size_t out_rows, scratch_bytes;
    struct e5_series_input input; /* borrowed */
    size_t choice[E5_MAX_OPERANDS]; /* of operands that hold several: which one this plan takes, from 0 */
};

E5_MUST_USE enum e5_status e5_sweep_plan(const struct e5_kernel *kernel, const struct e5_params *params,
                                         const struct e5_series_input *input, struct e5_sweep_plan *out,
                                         struct e5_error *err);
void e5_sweep_plan_fini(struct e5_sweep_plan *plan);

struct e5_sweep_operand { /* one of them, or neither: an optional operand that is not given */
    const struct e5_view *view; /* first dimension its rows, the others the cells */
    struct e5_source *source;
    size_t several; /* of maps: so many lie behind each other, such as thresholds; 0: one */
};
struct e5_sweep_out { /* where results go: out_rows rows of `row` values */
    void *values;
    enum e5_dtype dtype; /* E5_F32 or E5_F64 */
    size_t row;
};
struct e5_sweep {
    const struct e5_sweep_plan *plans; /* of one kernel and one input, in which only `missing` may differ */
    const struct e5_sweep_out *out;    /* one per plan */
    size_t nplans;
    const struct e5_sweep_operand *operands; /* as many as the kernel has */
    size_t budget;
    const char *directory; /* for scratch files, if they are needed */
};
E5_MUST_USE enum e5_status e5_sweep(const struct e5_sweep *sweep, struct e5_pool *pool, struct e5_watch *watch,
                                    struct e5_error *err);

#endif
