/* job: one call that runs in another thread, so that its caller can wait in short steps.
 *
 * The starter owns the job and must end it with e5_job_finish(), which waits, hands over status and error, and frees.
 * The body may use a pool.  e5_job_watch() is valid until then.  Any thread; _wait and _finish block. */
#ifndef E5_POOL_JOB_H
#define E5_POOL_JOB_H

#include "base/watch.h"

struct e5_job;
typedef enum e5_status (*e5_job_fn)(void *context, struct e5_watch *watch, struct e5_error *err);

E5_MUST_USE enum e5_status e5_job_start(e5_job_fn body, void *context, struct e5_job **out, struct e5_error *err);
struct e5_watch *e5_job_watch(struct e5_job *job);
bool e5_job_wait(struct e5_job *job, double seconds); /* true when the body has returned */
E5_MUST_USE enum e5_status e5_job_finish(struct e5_job *job, struct e5_error *err);

#endif
