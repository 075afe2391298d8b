/* properties: what the events in a table of runs are like.
 *
 * Sums are made in double in one order: the runs of a step by row and column, then the steps of an event by time, so
 * that the bits do not depend on the number of threads.  Any thread; blocks while `par` works. */
#ifndef E5_DIAG_PROPERTIES_H
#define E5_DIAG_PROPERTIES_H

#include "base/parallel.h"
#include "model/event.h"

struct e5_property_input {
    const void *value;       /* steps × rows × columns */
    bool wide;               /* the values are double, not float */
    const double *threshold; /* slots × rows × columns */
    const int32_t *slot;     /* steps: slot of each step */
    double step_days;        /* length of a step */
};

/* `events` comes with its grid, seconds and the tables of diag/collect; everything else in it is filled in. */
E5_MUST_USE enum e5_status e5_properties(const struct e5_property_input *input, const struct e5_parallel *par,
                                         struct e5_watch *watch, struct e5_events *events, struct e5_error *err);

#endif
