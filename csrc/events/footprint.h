/* footprint: the ground that an event has covered: its area, its box, its outline.
 *
 * Runs are marked in a map of bits and read back from the rows and words between the outermost ones, so that an event
 * costs what it needs itself, whatever the size of the grid.
 * The holder owns the struct, which is scratch for any number of events on one grid (_init/_fini).  One thread at a
 * time; nothing blocks. */
#ifndef E5_EVENTS_FOOTPRINT_H
#define E5_EVENTS_FOOTPRINT_H

#include "events/polygon.h"
#include "model/event.h"

struct e5_footprint {
    const struct e5_grid *grid; /* borrowed */
    size_t words;               /* of a row of bits */
    uint64_t *touched;          /* a map of rows; all zero between two calls */
    uint64_t *columns;          /* one row: columns that any row touches; the same */
    struct e5_span *span;       /* of the event at hand */
    size_t spans, room;
    struct e5_polygon polygon;
};

E5_MUST_USE enum e5_status e5_footprint_init(struct e5_footprint *footprint, const struct e5_grid *grid,
                                             struct e5_error *err);
void e5_footprint_fini(struct e5_footprint *footprint);
/* Area, box and flags of the event with these runs, at least one; appends its outline to `wkb`.
 * touches_edge: a cell lies where the grid ends and the globe goes on.  crosses_seam: cells lie in the first and in
 * the last column of a periodic grid.  touches_pole: cells lie in a row on a pole. */
E5_MUST_USE enum e5_status e5_footprint_measure(struct e5_footprint *footprint, const struct e5_run *run,
                                                struct e5_event *event, struct e5_buffer *wkb, struct e5_error *err);
/* The box of some runs, at least one: the edges of the outermost cells, and the smallest arc of longitude that holds
 * all columns: the circle without its widest gap, of equal ones the first one eastwards from the first column. */
void e5_footprint_box(struct e5_footprint *footprint, const struct e5_run *run, size_t runs, struct e5_bounds *box);

#endif
