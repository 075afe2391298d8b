/* direct: reading around the library: pread, inflate, unshuffle, unpack, in parallel over chunks.
 *
 * Each chunk that the slab touches is decoded once per call.  Scratch belongs to the call: per slot the stored bytes
 * and up to two copies of a decoded chunk; chunks too large for that on every slot (2 GiB in all) are decoded one
 * after the other.  Checksums are verified; whatever does not come out at exactly the size it should have is
 * E5_CORRUPT.
 * Any thread; blocks on disk; a cancel is seen between chunks. */
#ifndef E5_IO_DIRECT_H
#define E5_IO_DIRECT_H

#include "base/parallel.h"
#include "io/chunks.h"
#include "io/slab.h"

/* `map` is ready and not E5_BY_LIBRARY. */
E5_MUST_USE enum e5_status e5_direct_read(const char *path, const struct e5_probe *probe, const struct e5_map *map,
                                          const struct e5_slab *slab, const struct e5_parallel *par,
                                          struct e5_watch *watch, struct e5_error *err);

#endif
