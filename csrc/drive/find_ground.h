/* find_ground: where events lie: the grid with the areas that are meant, and which of its cells touch.
 *
 * The maker owns it (_init/_fini); frames and their succession borrow the topology.  Read-only in between: any
 * thread; nothing blocks. */
#ifndef E5_DRIVE_FIND_GROUND_H
#define E5_DRIVE_FIND_GROUND_H

#include "events/frame.h"
#include "events/rule.h"

struct e5_find_ground {
    struct e5_grid grid;
    struct e5_topology topology;
    const double *row_area;        /* km² of a cell of each row; NULL: blobs need no areas of their own */
    size_t row_words, frame_words; /* of bits: of a row, of a step */
};

E5_MUST_USE enum e5_status e5_find_ground_init(struct e5_find_ground *ground, const struct e5_grid *grid,
                                               const struct e5_event_rule *rule, struct e5_error *err);
void e5_find_ground_fini(struct e5_find_ground *ground);

#endif
