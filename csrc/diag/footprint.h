/* footprint: the ground that an event has covered: its area, its box, its outline.
 *
 * The holder owns the struct, which is scratch for any number of events on one grid (_init/_fini).  One thread at a
 * time; nothing blocks. */
#ifndef E5_DIAG_FOOTPRINT_H
#define E5_DIAG_FOOTPRINT_H

#include "diag/lattice.h"
#include "model/event.h"

struct e5_footprint {
    struct e5_lattice lattice; /* borrows the grid */
    uint8_t *touched;          /* rows × columns; all zero between two events */
    bool *column_touched;
    int64_t *cell;             /* of the event at hand, ascending */
    size_t cells, room;
};

E5_MUST_USE enum e5_status e5_footprint_init(struct e5_footprint *footprint, const struct e5_grid *grid,
                                             struct e5_error *err);
void e5_footprint_fini(struct e5_footprint *footprint);
/* Area, box and edge of the event with these runs; appends its outline to `wkb`. */
E5_MUST_USE enum e5_status e5_footprint_measure(struct e5_footprint *footprint, const struct e5_run *run,
                                                struct e5_event *event, struct e5_buffer *wkb, struct e5_error *err);

#endif
