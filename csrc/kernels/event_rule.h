/* event_rule: the parameters that all rows of events have, as events/rule.h wants them. */
#ifndef E5_KERNELS_EVENT_RULE_H
#define E5_KERNELS_EVENT_RULE_H

#include "kernels/kernel.h"

/* Parameters in the order of events.def: those of cells come first; those of whole events are the row's last ones,
 * from `whole` on. */
enum { E5_EVENT_MIN_DAYS, E5_EVENT_MAX_GAP, E5_EVENT_CLOSING, E5_EVENT_OPENING, E5_EVENT_DAILY_AREA, E5_EVENT_OWN };
void e5_event_rule_common(const struct e5_params *params, size_t whole, struct e5_event_rule *rule);

#endif
