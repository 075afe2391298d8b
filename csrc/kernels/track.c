/* Events by overlap: cells beyond their threshold are connected on each day, and what overlaps enough with an object
 * of the day before is the same event.
 *
 * Given     the parameters of its row
 * Returned  the rule that the driver follows (events/rule.h) */
#include "kernels/event_rule.h"

enum { CONNECTIVITY = E5_EVENT_OWN, OVERLAP, OF, MAX_MISSING, WHOLE };

static void rule(const struct e5_params *params, struct e5_event_rule *out) {
    static const int neighbours[] = {6, 26}; /* 4 and 8 in space */
    e5_event_rule_common(params, WHOLE, out);
    out->neighbours = neighbours[params->value[CONNECTIVITY].integer];
    out->join.overlapping = true;
    out->join.least = params->value[OVERLAP].number;
    out->join.share = (enum e5_share)params->value[OF].integer;
    out->join.max_gap = (size_t)params->value[MAX_MISSING].integer;
}

const struct e5_field_ops e5_track_ops = {.rule = rule};
