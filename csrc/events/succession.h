/* succession: which blobs of a step go on in blobs of a later step, and the components that they make.
 *
 * Two rules.  Touching: neighbours in time as the topology says (6, 10, 18, 26; over the seam, on the poles).
 * Overlapping: the area that two blobs have in common, as a share of the area of the earlier one, the later one, the
 * smaller, the larger, or both together (Jaccard), is at least `least` (or a billionth less, for rounding); with
 * `least` 0 any common cell will do.
 *
 * With overlapping, `max_gap` steps may be missing in between: a blob that nothing has continued yet is compared with
 * the blobs of up to 1 + max_gap steps later that continue nothing nearer, nearest steps first.
 *
 * Frames are handed over in order of time, block after block; their blobs get numbers 0, 1, 2 … through the record.
 * Pairs of steps are compared in parallel, and united in order.  The answer depends on the frames only, not on blocks
 * or threads.  The last 1 + max_gap frames of a block are copied, so the caller's may be made anew.
 *
 * The caller owns the table (_init/_fini).  One thread at a time; _frames blocks while `par` works. */
#ifndef E5_EVENTS_SUCCESSION_H
#define E5_EVENTS_SUCCESSION_H

#include "base/parallel.h"
#include "events/frame.h"

#define E5_SUCCESSION_LONGEST_GAP 1000

enum { E5_MET_EARLIER = 1, E5_MET_LATER = 2 }; /* a blob goes on from an earlier one, goes on in a later one */

enum e5_share { E5_SHARE_EARLIER, E5_SHARE_LATER, E5_SHARE_SMALLER, E5_SHARE_LARGER, E5_SHARE_UNION };

struct e5_succession_rule {
    bool overlapping;       /* else touching */
    enum e5_share share;    /* the rest is for overlapping */
    double least;           /* 0 … 1 */
    size_t max_gap;
    bool links; /* keep the table of links; overlapping needs it not, but the family tree of events does */
    const double *row_area; /* km² of a cell of each row: the caller's; needed for overlapping and for links */
};

struct e5_succession {
    const struct e5_topology *topology; /* the caller's */
    struct e5_succession_rule rule;
    size_t blobs; /* so far */
    int32_t *parent; /* of each blob in its tree; never larger than the blob itself */
    struct e5_link *link; /* by (step of `to`, latest step of `from` first, from, to); area 0: they touch */
    size_t links;
    uint8_t *met; /* of each blob, with gaps only: E5_MET_EARLIER, E5_MET_LATER */
    struct e5_frame *past;  /* copies of the latest frames, newest first, for the next block */
    size_t pasts;           /* how many of them follow each other in time up to now */
    size_t parent_room, met_room, link_room;
};

/* E5_INPUT for a neighbourhood, a share or a gap that does not exist. */
E5_MUST_USE enum e5_status e5_succession_init(struct e5_succession *succession, const struct e5_topology *topology,
                                              const struct e5_succession_rule *rule, struct e5_error *err);
void e5_succession_fini(struct e5_succession *succession);
/* The next n steps.  Where linked[i] is false, step i does not follow its predecessor in time, and nothing goes on
 * across that (NULL: all follow each other).  The frames have areas where the rule is overlapping. */
E5_MUST_USE enum e5_status e5_succession_frames(struct e5_succession *succession, const struct e5_frame *frame,
                                                size_t n, const bool *linked, const struct e5_parallel *par,
                                                struct e5_watch *watch, struct e5_error *err);
/* After the last step: `parent` turns into the component of each blob, from 0, by (first step, first cell). */
size_t e5_succession_components(struct e5_succession *succession);

#endif
