/* collect: from labelled runs to the tables of events.
 *
 * Components whose largest area in one step is below a minimum are left out.  For the others `event` (with its index
 * ranges), `run` and `state` (with its times) are made and filled, in the order that model/event.h promises; what
 * the events are like is for diag/properties.  Any thread; nothing blocks. */
#ifndef E5_DIAG_COLLECT_H
#define E5_DIAG_COLLECT_H

#include "diag/label.h"

/* `events` comes with its grid and takes the tables over, also on failure. */
E5_MUST_USE enum e5_status e5_collect(const struct e5_labels *labels, double min_area_km2, struct e5_events *events,
                                      struct e5_error *err);

#endif
