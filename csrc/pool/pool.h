/* pool: a fixed number of threads that run parallel loops.
 *
 * A pool of n has n − 1 worker threads; the caller of e5_pool_for() is the n-th and works along, so a loop always
 * makes progress, however many callers there are: N callers never make N × n threads.  Workers start with the first
 * loop that needs them, or with the first spare work, which those take that find no loop.  A loop begun inside a task
 * runs inline in that task's thread.  Rules for tasks, errors and spare work: base/parallel.h.
 *
 * The creator owns the pool and frees it when no loop is running.  e5_pool_for() may be called from any thread and
 * blocks; e5_pool_free() waits for the pieces of spare work at hand; the other calls do not block.  After fork() the
 * child's pool has no threads: loops fail with E5_FORKED, and what is offered is not done. */
#ifndef E5_POOL_POOL_H
#define E5_POOL_POOL_H

#include "base/parallel.h"

struct e5_pool;

E5_MUST_USE enum e5_status e5_pool_new(unsigned threads, struct e5_pool **out, struct e5_error *err);
void e5_pool_free(struct e5_pool *pool); /* joins the workers; NULL is allowed */
unsigned e5_pool_size(const struct e5_pool *pool);
E5_MUST_USE enum e5_status e5_pool_for(struct e5_pool *pool, struct e5_watch *watch, size_t n, e5_task_fn task,
                                       void *context, struct e5_error *err);
/* The pool as the rooms below see it; valid as long as the pool. */
struct e5_parallel e5_pool_parallel(struct e5_pool *pool);

#endif
