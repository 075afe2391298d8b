/* collect: from the blobs and runs that a stream of steps has left behind to the tables of events.
 *
 * Blobs are numbered through all steps, in the order of time and first cell.  A component of them is an event if it
 * passes the rules for whole events; then its tables are made and filled in the order that model/event.h promises:
 * sums run over the blobs of a step, then over steps, so that the bits do not depend on the number of threads.
 * Blocks while `par` works and on the disk that a pile may lie on. */
#ifndef E5_EVENTS_COLLECT_H
#define E5_EVENTS_COLLECT_H

#include "base/pile.h"
#include "events/measure.h"
#include "events/rule.h"

struct e5_found_blob {
    int32_t time;
    struct e5_measured measured;
};

struct e5_found {
    struct e5_pile *runs;  /* struct e5_run by (time, row, first column); `blob` counts through all steps */
    struct e5_pile *blobs; /* struct e5_found_blob by (time, first cell); neither can be read again */
    const int32_t *component; /* of each blob: numbered by their first blobs */
    size_t components;
    const struct e5_link *link; /* numbers count through all steps; in any order */
    size_t links;
};

/* `events` comes with its grid, calendar, steps, seconds, step_days and `below`, and takes the tables over, also on
 * failure.  With `severity` a climatology was given. */
E5_MUST_USE enum e5_status e5_collect(const struct e5_found *found, const struct e5_event_rule *rule, bool severity,
                                      const struct e5_parallel *par, struct e5_watch *watch, struct e5_events *events,
                                      struct e5_error *err);

#endif
