/* rule: what makes an event out of cells beyond their threshold.
 *
 * Plain values; the order in which they apply is that of the members. */
#ifndef E5_EVENTS_RULE_H
#define E5_EVENTS_RULE_H

#include "events/succession.h"

enum e5_areas { E5_AREAS_SPHERE, E5_AREAS_WGS84 };

struct e5_event_rule {
    enum e5_areas areas;
    size_t min_days, max_gap;      /* of each cell along time, in steps (events/spell_filter) */
    double closing_km, opening_km; /* of each step; 0: none (events/morphology) */
    double min_blob_area;          /* km² */
    int neighbours;                /* 6, 10, 18 or 26; in space 4 for 6, else 8 */
    struct e5_succession_rule join;      /* from step to step; areas of rows are the driver's */
    double min_area;               /* of whole events: km² of their largest step … */
    size_t min_duration;           /* … and steps from the first to the last, both counted */
};

#endif
