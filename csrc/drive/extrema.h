/* extrema: local minima or maxima of all maps of a source, read once, block by block.
 *
 * The maps of a block are searched at the same time; the table is in order of time, row and column, whatever the
 * number of threads and the size of blocks.  The caller owns the source and the table (free(out->row)).  Blocks the
 * calling thread. */
#ifndef E5_DRIVE_EXTREMA_H
#define E5_DRIVE_EXTREMA_H

#include "drive/source.h"
#include "events/extrema.h"

E5_MUST_USE enum e5_status e5_extrema(struct e5_source *source, const struct e5_extrema_plan *plan,
                                      size_t block_bytes, struct e5_extrema *out, struct e5_pool *pool,
                                      struct e5_watch *watch, struct e5_error *err);

#endif
