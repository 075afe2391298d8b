/* point_tracks: points of following steps become tracks.
 *
 * At each step the points are given to the tracks that may still go on, so that Σ (d² − distance²) over the links is
 * least, d being the great circle from the last point of the track: one best assignment for all of them (Crocker &
 * Grier 1996), not one after the other.  A link is at most `distance` km long, also across a gap; a track that has
 * found no point for more than `gap` steps has ended.  What is left over begins a track of its own.
 *
 * Depends on the points alone, not on the way they are cut into calls or threads.  One call runs in the calling
 * thread; nothing blocks. */
#ifndef E5_EVENTS_POINT_TRACKS_H
#define E5_EVENTS_POINT_TRACKS_H

#include <stdint.h>

#include "base/watch.h"

struct e5_points { /* in order of step, and those of a step in order of latitude; borrowed */
    size_t count;
    const int64_t *step;
    const double *latitude, *longitude; /* degrees */
};

/* track[i]: number of the track of point i; tracks are numbered by their first points. */
E5_MUST_USE enum e5_status e5_point_tracks(const struct e5_points *points, double distance, int64_t gap,
                                           struct e5_watch *watch, int64_t *track, struct e5_error *err);

#endif
