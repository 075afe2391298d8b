/* meet: which blobs of two frames touch each other in time, or lie over each other, and with how much area.
 *
 * The frames share a topology, and the later one is one step later (touching) or any number of steps (overlapping).
 * A zeroed struct e5_meeting is empty; it may be filled again and keeps its memory (_fini).  Its links hold numbers
 * of blobs of the two frames.  Different meetings: any threads at the same time; nothing blocks. */
#ifndef E5_EVENTS_MEET_H
#define E5_EVENTS_MEET_H

#include "events/frame.h"

struct e5_meeting {
    struct e5_link *link;
    size_t n, room;
};

/* Blobs that touch.  With the area of a cell of each row (km²), the links are distinct, ordered by (from, to), and
 * know what the blobs have in common; with NULL they have no area, no order, and may come more than once. */
E5_MUST_USE enum e5_status e5_meet_touch(const struct e5_frame *earlier, const struct e5_frame *later,
                                         const double *row_area, struct e5_meeting *meeting, struct e5_error *err);
/* Blobs that have cells in common: distinct, ordered by (from, to). */
E5_MUST_USE enum e5_status e5_meet_overlap(const struct e5_frame *earlier, const struct e5_frame *later,
                                           const double *row_area, struct e5_meeting *meeting, struct e5_error *err);
void e5_meeting_fini(struct e5_meeting *meeting);

#endif
