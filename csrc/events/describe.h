/* describe: what the steps of events and whole events are like, from their blobs and runs.
 *
 * Sums run over the steps of an event in order of time, so that the bits do not depend on the number of threads.
 * Blocks while `par` works. */
#ifndef E5_EVENTS_DESCRIBE_H
#define E5_EVENTS_DESCRIBE_H

#include "base/parallel.h"
#include "events/measure.h"

/* `events` comes with its grid and axes, all runs, blobs and links, the index ranges of its events, and time and
 * number of blobs of its states; everything else in it is filled in, links are put in order.  `sum` has one row per
 * state. */
E5_MUST_USE enum e5_status e5_describe(const struct e5_measured *sum, bool severity, const struct e5_parallel *par,
                                       struct e5_watch *watch, struct e5_events *events, struct e5_error *err);

#endif
