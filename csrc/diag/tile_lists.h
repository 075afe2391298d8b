/* tile_lists: sorted lists of a tile of cells: rows are ranks, the largest value first; lanes are cells.
 *
 * All steps are those of sorting networks, the same for every cell: one loop without branches over the lanes of two,
 * four or eight rows.  A list has a power of two of rows, at least E5_LIST_MIN; behind the last value of a lane
 * stands −∞.  It holds the largest values of a sample, or the smallest ones negated; a zero has no sign.  This header
 * has what does not depend on the type of values; tile_lists.def has the steps, for the file that defines the type.
 * Any thread; nothing blocks. */
#ifndef E5_DIAG_TILE_LISTS_H
#define E5_DIAG_TILE_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/simd.h"

#define E5_LIST_MIN 8

/* Rows of a list with room for `least` values. */
static inline size_t e5_list_rows(size_t least) {
    size_t rows = E5_LIST_MIN;
    while (rows < least) rows *= 2;
    return rows;
}

#endif
