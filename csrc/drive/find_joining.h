/* find_joining: steps that are measured, batch after batch → events.
 *
 * Each batch is joined with the steps before it; what stays of it are runs and blobs, in piles that go to disk when
 * they outgrow the budget of the request.  Nothing ever holds a volume of labels, nor two batches: memory is the
 * budget, some bytes a blob, and the tables of events at the end.
 * The driver owns a struct e5_find_joining (_init/_fini) and keeps request, ground and flags.  One thread at a time;
 * _add and _end block while `par` works. */
#ifndef E5_DRIVE_FIND_JOINING_H
#define E5_DRIVE_FIND_JOINING_H

#include "base/pile.h"
#include "drive/find_stream.h"
#include "events/succession.h"

struct e5_find_joining {
    const struct e5_find_request *request; /* its rule, axis, `below`, budget and directory */
    const struct e5_find_ground *ground;
    const struct e5_parallel *par;
    struct e5_watch *watch;
    bool *linked; /* of each step of the record: it follows its predecessor */
    size_t steps; /* so far */
    struct e5_events *events; /* without its tables until the end */
    struct e5_succession succession;
    struct e5_pile runs, blobs;
};

E5_MUST_USE enum e5_status e5_find_joining_init(struct e5_find_joining *joining,
                                                const struct e5_find_request *request,
                                                const struct e5_find_ground *ground, const struct e5_parallel *par,
                                                struct e5_watch *watch, struct e5_error *err);
void e5_find_joining_fini(struct e5_find_joining *joining);
/* The next steps; e5_find_receive_fn. */
E5_MUST_USE enum e5_status e5_find_joining_add(void *joining, const struct e5_find_batch *batch,
                                               struct e5_error *err);
/* After the last step of the axis.  With `severity` a climatology was given.  The caller frees the events. */
E5_MUST_USE enum e5_status e5_find_joining_end(struct e5_find_joining *joining, bool severity, struct e5_events **out,
                                               struct e5_error *err);

#endif
