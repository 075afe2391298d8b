/* find: a source → events.
 *
 * Steps are read in blocks and each of them becomes bits, beyond its threshold or not; bits pass the filter of
 * spells, which holds them back until it knows enough; what comes out is closed and opened, cut into blobs, measured
 * while its values are in memory, and joined with the step before.  What stays of a step are runs and blobs, in piles
 * that go to disk when they outgrow the budget.  Nothing ever holds a volume of labels. The answer does not depend on
 * blocks, threads or how a source is split into files.  A step that does not follow its predecessor at the usual
 * distance ends spells and events.  Missing values, and cells with a missing threshold, are never part of an event,
 * and with a threshold none that the mask leaves out.  Blocks until done. */
#ifndef E5_DRIVE_FIND_H
#define E5_DRIVE_FIND_H

#include "drive/source.h"
#include "events/limits.h"
#include "events/rule.h"
#include "model/event.h"

struct e5_find_request {
    const struct e5_event_rule *rule;
    struct e5_source *source; /* steps × (rows × columns) */
    const struct e5_grid *grid;
    struct e5_time_axis axis;
    bool below; /* events lie below their threshold */
    const struct e5_limits *threshold;   /* NULL: zero, and cells are those of `where` alone */
    const struct e5_limits *core;        /* an event must pass it somewhere; NULL: nothing */
    const struct e5_limits *climatology; /* what severity is measured from; NULL: there is none */
    const struct e5_limits *where;       /* cells that may belong to events: neither 0 nor missing; NULL: all */
    size_t block_bytes;
    size_t budget;         /* bytes of runs and of blobs that stay in memory each */
    const char *directory; /* for what does not */
};

E5_MUST_USE enum e5_status e5_find(const struct e5_find_request *request, struct e5_pool *pool,
                                   struct e5_watch *watch, struct e5_events **out, struct e5_error *err);

#endif
