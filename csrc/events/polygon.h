/* polygon: the outline of a set of grid cells as a WKB multipolygon.
 *
 * Rings are those of events/ring, on the map of events/lattice: valid in the sense of simple features, outer ones
 * counter-clockwise, longitudes −180 … 180, cut at the antimeridian (RFC 7946).  Vertices lie on cell edges; straight
 * edges carry no intermediate vertices.  In degrees of longitude and sines of latitude the area is that of the cells.
 * Parts come in the order of their southernmost, then westernmost cells, whichever way the data run.
 *
 * A struct e5_polygon is scratch for any number of outlines on one grid, which it borrows (_init/_fini).  One thread
 * at a time; nothing blocks. */
#ifndef E5_EVENTS_POLYGON_H
#define E5_EVENTS_POLYGON_H

#include "base/buffer.h"
#include "events/lattice.h"
#include "events/ring.h"

struct e5_polygon {
    struct e5_lattice lattice;
    struct e5_span *span; /* on the map */
    size_t spans, room;
    struct e5_rings rings;
};

void e5_polygon_init(struct e5_polygon *polygon, const struct e5_grid *grid);
void e5_polygon_fini(struct e5_polygon *polygon);
/* Cells as spans of the grid, in the order of rows and columns, with a cell at least between two of a row; appends to
 * `wkb`. */
E5_MUST_USE enum e5_status e5_polygon_write(struct e5_polygon *polygon, const struct e5_span *span, size_t n,
                                            struct e5_buffer *wkb, struct e5_error *err);

#endif
