/* direct: reading around the library: pread, inflate, unshuffle, unpack, in parallel over chunks.
 *
 * Each chunk that the slab touches is decoded once per call, and no other is read; of what is not compressed, little
 * more than the wanted bytes.  Chunks of which only a part is wanted are shared with later calls (chunk_cache.h).
 * Scratch belongs to the call: per slot the stored bytes and up to two copies of a decoded chunk; chunks too large
 * for that on every slot (2 GiB in all) are decoded one after the other.  Checksums are verified; whatever does not
 * come out at exactly the size it should have is E5_CORRUPT. Any thread; blocks on disk; a cancel is seen between
 * chunks. */
#ifndef E5_IO_DIRECT_H
#define E5_IO_DIRECT_H

#include "base/parallel.h"
#include "io/chunks.h"
#include "io/slab.h"

/* `map`, one of the layout's, is ready and not E5_BY_LIBRARY; the slab wants at least one element. */
E5_MUST_USE enum e5_status e5_direct_read(const char *path, const struct e5_layout *layout, const struct e5_map *map,
                                          const struct e5_slab *slab, const struct e5_parallel *par,
                                          struct e5_watch *watch, struct e5_error *err);
/* Decode a chunk, by its number in the grid, and leave it to the cache; false where that has no room for it beside
 * what was used from the call `since` on.  What cannot be decoded is left alone. */
bool e5_direct_keep(const char *path, const struct e5_layout *layout, const struct e5_map *map, uint64_t number,
                    uint64_t since);

#endif
