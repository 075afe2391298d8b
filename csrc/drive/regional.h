/* regional: regions × source × pool.
 *
 * Reads the source once, in blocks of bounded size, and reduces every map to one number per region and question.
 * Bit-identical for any number of threads and any block size.  Blocks until done. */
#ifndef E5_DRIVE_REGIONAL_H
#define E5_DRIVE_REGIONAL_H

#include "diag/regional.h"
#include "drive/source.h"

/* `count` questions (1 or more) about the same regions; out: count × steps × regions. */
E5_MUST_USE enum e5_status e5_regional(struct e5_source *source, const struct e5_regional *what, size_t count,
                                       size_t block_bytes, double *out, struct e5_pool *pool, struct e5_watch *watch,
                                       struct e5_error *err);

#endif
