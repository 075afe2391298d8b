/* spill: a source larger than memory, laid out anew on disk so that whole series can be read.
 *
 * Files hold one map after the other; a series of a cell would touch all of them.  So the source is read once, in
 * order of time, and written to a scratch file in tiles of neighbouring cells: a tile holds all steps of its cells
 * (steps × cells of the tile) in one place.
 * The maker owns the spill (_close).  _write blocks on source and disk, _read on disk; tiles may be read from several
 * threads at once.  Faults: no room, or no directory E5_STORAGE with what to do. */
#ifndef E5_DRIVE_SPILL_H
#define E5_DRIVE_SPILL_H

#include "base/scratch.h"
#include "drive/source.h"

struct e5_spill {
    struct e5_scratch scratch;
    size_t steps, cells;
    size_t tile; /* cells of a tile; the last one may have fewer */
    enum e5_dtype dtype;
};

/* Tiles of `tile` cells; the source is read in blocks of some `block_bytes`. */
E5_MUST_USE enum e5_status e5_spill_write(struct e5_source *source, const char *directory, size_t tile,
                                          size_t block_bytes, const struct e5_parallel *par, struct e5_watch *watch,
                                          struct e5_spill *out, struct e5_error *err);
void e5_spill_close(struct e5_spill *spill);
size_t e5_spill_tiles(const struct e5_spill *spill);
size_t e5_spill_tile_cells(const struct e5_spill *spill, size_t tile);
/* All steps of the cells of a tile → steps × cells of the tile. */
E5_MUST_USE enum e5_status e5_spill_read(const struct e5_spill *spill, size_t tile, void *out, struct e5_error *err);

#endif
