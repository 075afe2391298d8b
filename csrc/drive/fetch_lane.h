/* fetch_lane: who may begin, who may submit: the queue of each dataset at the service, and our share of it.
 *
 * Belongs to the engine's thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_LANE_H
#define E5_DRIVE_FETCH_LANE_H

#include "drive/fetch_engine.h"

/* Claim entries, in the order given: some more per dataset than may submit, so that jobs of an earlier call are found
 * soon. */
void e5_lane_claim(struct e5_engine *engine);
/* Jobs that may be queued now; what may go wrong with more is told by a rejection. */
unsigned e5_lane_limit(const struct e5_engine *engine, const struct e5_lane *lane, double now);
/* May one more be submitted? */
bool e5_lane_is_open(const struct e5_engine *engine, const struct e5_lane *lane, double now);
/* The entry's job is being submitted or queued, or it is so no more. */
void e5_lane_join(struct e5_entry *entry);
void e5_lane_leave(struct e5_entry *entry);
/* What became of a submission: it is on its way; its job stands the queue; it was rejected. */
void e5_lane_submitted(struct e5_entry *entry, double now);
void e5_lane_survived(struct e5_entry *entry, double now);
void e5_lane_rejected(struct e5_entry *entry, double now);
/* No call for the dataset of `entry` can succeed, or none at all. */
void e5_lane_kill(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why);

#endif
