/* find_stream: a source → steps that are measured, batch after batch, in order.
 *
 * Two cursors run along the steps: those up to the first have become bits, those up to the second have come out of
 * the filter of spells and been measured; the values in between wait.  Memory: some blocks of the source, and the
 * values of as many steps as the filter holds back.
 * Only a range of the steps may be wanted.  The others tell the filter what lies around it and are not measured; with
 * e5_find_around() of them on either side, or all there are, the range comes out as it would of the whole record.
 * Blocks until done. */
#ifndef E5_DRIVE_FIND_STREAM_H
#define E5_DRIVE_FIND_STREAM_H

#include "drive/find_steps.h"

struct e5_find_batch { /* the receiver may change what is in it; it is made anew afterwards */
    size_t steps;
    struct e5_frame *frame;
    struct e5_find_step *found;
};
typedef enum e5_status (*e5_find_receive_fn)(void *receiver, const struct e5_find_batch *batch, struct e5_error *err);

struct e5_find_range { /* of the steps of a source */
    const bool *linked; /* of each step of the source: it follows its predecessor in time */
    size_t first, end;  /* steps that are wanted */
};

size_t e5_find_around(const struct e5_event_rule *rule); /* steps */
E5_MUST_USE enum e5_status e5_find_stream(const struct e5_find_request *request, const struct e5_find_ground *ground,
                                          const struct e5_find_range *range, const struct e5_parallel *par,
                                          struct e5_watch *watch, e5_find_receive_fn receive, void *receiver,
                                          struct e5_error *err);

#endif
