/* polygon: the outline of a set of grid cells as a WKB multipolygon.
 *
 * Outer rings run counter-clockwise, holes clockwise; parts that touch in a corner only are parts of their own, so
 * the result is valid in the sense of simple features.  Longitudes are −180 … 180 and a shape across the antimeridian
 * is cut there (RFC 7946).  Vertices lie on cell edges; straight edges carry no intermediate vertices. Any thread;
 * nothing blocks. */
#ifndef E5_DIAG_POLYGON_H
#define E5_DIAG_POLYGON_H

#include <stdint.h>

#include "base/buffer.h"
#include "model/grid.h"

/* `cell` lists n distinct cells as row × columns + column, ascending; appends to `wkb`. */
E5_MUST_USE enum e5_status e5_polygon_of_cells(const struct e5_grid *grid, const int64_t *cell, size_t n,
                                               struct e5_buffer *wkb, struct e5_error *err);

#endif
