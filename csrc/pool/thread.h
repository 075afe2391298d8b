/* thread: the only place that makes threads.
 *
 * New threads block all signals (Python's main thread handles them) and carry a short name.  The starter owns the
 * handle and must join or detach it exactly once. */
#ifndef E5_POOL_THREAD_H
#define E5_POOL_THREAD_H

#include <pthread.h>

#include "base/error.h"

struct e5_thread {
    pthread_t handle;
};

E5_MUST_USE enum e5_status e5_thread_start(struct e5_thread *thread, const char *name, void (*body)(void *),
                                           void *context, struct e5_error *err);
void e5_thread_join(struct e5_thread *thread); /* blocks until the body has returned */
void e5_thread_detach(struct e5_thread *thread); /* nobody waits for it */
/* Processors this process may use: affinity mask and cgroup quota; at least 1. */
unsigned e5_thread_processors(void);

#endif
