/* Events: where and when values lie beyond their threshold, at least some days in a row in each cell, joined in time,
 * latitude and longitude.
 *
 * Given     the parameters of its row
 * Returned  the rule that the driver follows (events/rule.h) */
#include "kernels/event_rule.h"

enum { CONNECTIVITY = E5_EVENT_OWN, WHOLE };

static void rule(const struct e5_params *params, struct e5_event_rule *out) {
    static const int neighbours[] = {6, 10, 18, 26};
    e5_event_rule_common(params, WHOLE, out);
    out->neighbours = neighbours[params->value[CONNECTIVITY].integer];
}

const struct e5_field_ops e5_find_events_ops = {.rule = rule};
