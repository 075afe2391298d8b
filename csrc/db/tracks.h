/* tracks: the tracks of points of one batch: their rows, those of their points, and the link to the run.
 *
 * Runs inside the caller's transaction; looks at the watch between tracks and counts them there.  The path of a track
 * is cut where it crosses the antimeridian. */
#ifndef E5_DB_TRACKS_H
#define E5_DB_TRACKS_H

#include "db/provenance.h"

/* E5_INPUT for tracks that are not as model/track.h says. */
E5_MUST_USE enum e5_status e5_tracks_write(struct e5_database *db, const struct e5_tracks *tracks,
                                           const struct e5_store_batch *batch, const struct e5_provenance *from,
                                           struct e5_watch *watch, struct e5_store_added *out, struct e5_error *err);

#endif
