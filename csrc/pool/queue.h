/* queue: entries with a due time, earliest first.
 *
 * A CDS job that is still queued at the service is such an entry, not a sleeping thread.  Equal times keep their
 * order of entry. The holder owns the queue, never the items.  One thread at a time; nothing blocks. */
#ifndef E5_POOL_QUEUE_H
#define E5_POOL_QUEUE_H

#include <stdint.h>

#include "base/error.h"

struct e5_queue_entry {
    double due;
    uint64_t order;
    void *item;
};

struct e5_queue {
    struct e5_queue_entry *heap;
    size_t count, capacity;
    uint64_t next_order;
};

E5_MUST_USE enum e5_status e5_queue_put(struct e5_queue *queue, double due, void *item, struct e5_error *err);
void *e5_queue_take(struct e5_queue *queue, double now); /* an item that is due, or NULL */
double e5_queue_next(const struct e5_queue *queue);      /* when the first is due; infinity when empty */
void e5_queue_fini(struct e5_queue *queue);

#endif
