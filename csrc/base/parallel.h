/* parallel: "do n independent things", without knowing who does them.
 *
 * Rooms that may not see the pool (io, diag, kernels) receive a struct e5_parallel and call e5_parallel_for(); drive/
 * fills it in from a pool.  With `par` NULL the tasks run one after the other in the calling thread.
 *
 * A task gets its index and a slot: no two tasks that run at the same time share a slot, slots are < par->slots, so
 * per-slot scratch needs no lock.  Which thread takes which index is not defined: tasks must not depend on it.  The
 * error reported is that of the lowest failing index, so it does not depend on the number of threads either.  Tasks
 * not yet begun are skipped after a failure or a cancel.  The call blocks until all begun tasks have returned.
 *
 * Beside that there is work that nobody waits for, and that may as well never be done. */
#ifndef E5_BASE_PARALLEL_H
#define E5_BASE_PARALLEL_H

#include "base/watch.h"

typedef enum e5_status (*e5_task_fn)(void *context, size_t index, unsigned slot, struct e5_error *err);

/* A little of some work; false when there is no more of it. */
typedef bool (*e5_spare_fn)(void);

struct e5_parallel {
    void *self;
    unsigned slots;
    enum e5_status (*run)(void *self, struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                          struct e5_error *err);
    void (*offer)(void *self, e5_spare_fn work); /* NULL: nobody has time */
};

E5_MUST_USE enum e5_status e5_parallel_for(const struct e5_parallel *par, struct e5_watch *watch, size_t n,
                                           e5_task_fn task, void *context, struct e5_error *err);
unsigned e5_parallel_slots(const struct e5_parallel *par); /* at least 1, also for NULL */
/* Threads that have no task call `work` again and again until it says false, perhaps several at once.  There is one
 * such work at a time: it takes the place of what was offered before.  Does not block. */
void e5_parallel_offer(const struct e5_parallel *par, e5_spare_fn work);

#endif
