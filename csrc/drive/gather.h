/* gather: rows of neighbouring cells → tiles of E5_LANES lanes.
 *
 * Arrays are time-major: a wide strip of cells is gathered at once, so that every step is read in whole bursts, and
 * shared out to several tiles.  Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DRIVE_GATHER_H
#define E5_DRIVE_GATHER_H

#include "drive/cells.h"

#define E5_GATHER_TILES 16 /* at most, of one strip */

/* Cells [first, first + n) with all their rows as `as` (E5_F32 only of float32 precision) → tiles, one after the
 * other, NaN in lanes without a cell. */
void e5_gather(const struct e5_cells *cells, size_t first, size_t n, enum e5_dtype as, void *tiles);

#endif
