/* ring: the boundary of a set of cells in a plane, as rings that are valid in the sense of simple features.
 *
 * Cells come as spans of rows, rows upwards, and the boundary is walked with the cells on the left: outer rings run
 * counter-clockwise, holes clockwise.  Cells that have no more than a corner in common are separate parts, and no
 * ring touches itself: a loop that a walk leaves behind at a corner is a ring of its own.  Work and memory grow with
 * the number of spans, whatever area they cover.
 *
 * A zeroed struct e5_rings is ready; it holds result and scratch, and keeps them for the next set (_fini frees them).
 * One thread at a time; nothing blocks. */
#ifndef E5_EVENTS_RING_H
#define E5_EVENTS_RING_H

#include <stdint.h>

#include "base/error.h"

struct e5_span { /* cells [first, end) of a row */
    int32_t row, first, end;
};

struct e5_corner { /* the south-western one of that cell */
    int32_t row, column;
};

struct e5_ring {
    int32_t part; /* numbered in the order of their first spans */
    bool hole;
    size_t first, count; /* in `vertex`; the first one is not repeated at the end */
};

struct e5_rings {
    size_t count, parts;
    struct e5_ring *ring; /* by part, its outer ring first */
    struct e5_corner *vertex;
    /* scratch */
    struct e5_side *side; /* two of each span */
    int32_t *parent;      /* of each span: its part in the end */
    struct e5_pass *walk;
    size_t *passed; /* of each corner that is passed twice: 1 + its place on the walk, or 0 */
    size_t vertices, walked, crossings;
    size_t ring_room, vertex_room, side_room, parent_room, walk_room, passed_room;
};

/* Spans in the order of rows and columns, with a cell at least between two of a row. */
E5_MUST_USE enum e5_status e5_rings_find(struct e5_rings *rings, const struct e5_span *span, size_t n,
                                         struct e5_error *err);
void e5_rings_fini(struct e5_rings *rings);

#endif
