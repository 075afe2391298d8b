/* features: the rows of one batch: events with outline, their states, and the link to the run that found them.
 *
 * Runs inside the caller's transaction; looks at the watch between events and counts them there. */
#ifndef E5_DB_FEATURES_H
#define E5_DB_FEATURES_H

#include "db/provenance.h"

E5_MUST_USE enum e5_status e5_features_write(struct e5_database *db, const struct e5_events *events,
                                             const struct e5_store_batch *batch, const struct e5_provenance *from,
                                             struct e5_watch *watch, struct e5_store_added *out,
                                             struct e5_error *err);

#endif
