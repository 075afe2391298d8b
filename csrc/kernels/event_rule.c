#include "kernels/event_rule.h"

enum { MIN_AREA, MIN_DURATION, AREAS, LINKS };

void e5_event_rule_common(const struct e5_params *params, size_t whole, struct e5_event_rule *rule) {
    const union e5_param *cell = params->value, *event = params->value + whole;
    *rule = (struct e5_event_rule){
        .areas = (enum e5_areas)event[AREAS].integer,
        .min_days = (size_t)cell[E5_EVENT_MIN_DAYS].integer,
        .max_gap = (size_t)cell[E5_EVENT_MAX_GAP].integer,
        .closing_km = cell[E5_EVENT_CLOSING].number,
        .opening_km = cell[E5_EVENT_OPENING].number,
        .min_blob_area = cell[E5_EVENT_DAILY_AREA].number,
        .join.links = event[LINKS].integer != 0,
        .min_area = event[MIN_AREA].number,
        .min_duration = (size_t)event[MIN_DURATION].integer,
    };
}
