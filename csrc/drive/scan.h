/* scan: SCAN kernels × stream × pool.
 *
 * Reads the source once, in blocks of bounded size, and runs any number of SCAN kernels over each block, in parallel
 * over segments of cells.  Results are bit-identical for any number of threads and any block size.  Blocks until
 * done. */
#ifndef E5_DRIVE_SCAN_H
#define E5_DRIVE_SCAN_H

#include "drive/source.h"
#include "kernels/kernel.h"

struct e5_scan_request {
    const struct e5_kernel *kernel;
    const struct e5_params *params;
    const struct e5_periods *periods;
    enum e5_dtype out_dtype; /* E5_F32 or E5_F64 */
    void *out;               /* periods->count × cells, owned by the caller */
};

E5_MUST_USE enum e5_status e5_scan(struct e5_source *source, const struct e5_scan_request *requests, size_t n,
                                   size_t block_bytes, struct e5_pool *pool, struct e5_watch *watch,
                                   struct e5_error *err);

#endif
