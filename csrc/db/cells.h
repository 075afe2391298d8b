/* cells: the cells of an event at one time step, as a short string of bytes that gives them back exactly.
 *
 * Numbers are LEB128: seven bits a byte, least first, the highest bit set on all bytes but the last.  For each blob,
 * in the order of their numbers: how many runs it has, and for each run, in order of row and first column, row − row
 * of the run before, d = first column − first column of the run before, as 2d where d ≥ 0 and −2d − 1 where d < 0,
 *     number of cells;
 * the first run of a blob follows row 0, column 0.  Rows and columns are those of the grid of the run.  Three bytes a
 * run are usual.  Pure functions: any thread; nothing blocks. */
#ifndef E5_DB_CELLS_H
#define E5_DB_CELLS_H

#include "base/buffer.h"
#include "model/event.h"

/* Append the runs of one step, sorted by row and first column. */
E5_MUST_USE enum e5_status e5_cells_encode(const struct e5_run *runs, size_t n, struct e5_buffer *out,
                                           struct e5_error *err);
/* The runs again, sorted by row and first column; their blobs are numbered from 0, their time is 0.  The caller frees
 * *out.  E5_DATABASE for bytes that are no such string. */
E5_MUST_USE enum e5_status e5_cells_decode(const void *bytes, size_t size, struct e5_run **out, size_t *n,
                                           struct e5_error *err);

#endif
