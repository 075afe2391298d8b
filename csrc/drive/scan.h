/* scan: SCAN kernels × stream × pool.
 *
 * Reads the source once, in blocks of bounded size, and runs any number of SCAN kernels over each block, in parallel
 * over segments of cells.  Results are bit-identical for any number of threads and any block size.  Blocks until
 * done. */
#ifndef E5_DRIVE_SCAN_H
#define E5_DRIVE_SCAN_H

#include "drive/scan_request.h"
#include "drive/source.h"

E5_MUST_USE enum e5_status e5_scan(struct e5_source *source, const struct e5_scan_request *requests, size_t n,
                                   size_t block_bytes, struct e5_pool *pool, struct e5_watch *watch,
                                   struct e5_error *err);

#endif
