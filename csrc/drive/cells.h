/* cells: an array as drivers see it: steps × cells, whatever its shape, strides, byte order and packing.
 *
 * The first dimension is time; the others, in C order, are the cells.  Values have one precision wherever the array
 * lives: float32, and integers of at most 16 bits (packed or not), are float32 values, all else is float64.
 * A struct e5_cells borrows the view.  Any thread may read; nothing blocks. */
#ifndef E5_DRIVE_CELLS_H
#define E5_DRIVE_CELLS_H

#include "model/view.h"

struct e5_cells {
    const struct e5_view *view;
    size_t steps, count;
    ptrdiff_t step_stride;
    enum e5_dtype dtype; /* E5_F32 or E5_F64: the precision of the values */
    bool plain;          /* stored as `dtype`, native, neither packed nor out of alignment */
    int ndim;            /* dimensions of the cells, neighbours merged where their strides allow; at least 1 */
    size_t shape[E5_MAX_DIMS];
    ptrdiff_t strides[E5_MAX_DIMS];
};

struct e5_cells e5_cells_of(const struct e5_view *view);
/* Cells [first, first + n) of one step: as doubles, or as `dtype`. */
void e5_cells_row(const struct e5_cells *cells, size_t step, size_t first, size_t n, double *out);
void e5_cells_row_as_stored(const struct e5_cells *cells, size_t step, size_t first, size_t n, void *out);
/* Where cells [first, first + n) of step 0 lie side by side as values of `dtype`; NULL if they do not. */
const char *e5_cells_side_by_side(const struct e5_cells *cells, size_t first, size_t n);
/* Hint that these cells will be asked for soon; rows of a large array lie in pages of their own, where the machine
 * does not look ahead by itself. */
void e5_cells_prefetch(const struct e5_cells *cells, size_t step, size_t first, size_t n);
/* Steps [first, first + n) of one cell. */
void e5_cells_series(const struct e5_cells *cells, size_t cell, size_t first, size_t n, double *out);

#endif
