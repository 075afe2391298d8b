#include "pool/job.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/idle.h"

struct e5_job {
    e5_job_fn body;
    void *context;
    pid_t pid; /* the process in which its thread lives */
    pthread_mutex_t lock;
    pthread_cond_t returned;
    bool done; /* under lock */
    struct e5_watch watch;
    enum e5_status status; /* these two belong to the thread until it is done */
    struct e5_error error;
};

static void run(void *argument) {
    struct e5_job *job = argument;
    job->status = job->body(job->context, &job->watch, &job->error);
    pthread_mutex_lock(&job->lock);
    job->done = true;
    pthread_cond_broadcast(&job->returned);
    pthread_mutex_unlock(&job->lock); /* from here on the job is its waiter's, who frees it */
}

static void job_free(struct e5_job *job) {
    pthread_cond_destroy(&job->returned);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

enum e5_status e5_job_start(e5_job_fn body, void *context, struct e5_job **out, struct e5_error *err) {
    struct e5_job *job;
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *job, &job, err);
    if (status != E5_OK) return status;
    job->body = body;
    job->context = context;
    job->pid = getpid();
    pthread_mutex_init(&job->lock, NULL);
    e5_clock_condition_init(&job->returned);
    status = e5_idle_run(run, job, err);
    if (status == E5_OK)
        *out = job;
    else
        job_free(job);
    return status;
}

struct e5_watch *e5_job_watch(struct e5_job *job) { return &job->watch; }

bool e5_job_wait(struct e5_job *job, double seconds) {
    if (job->pid != getpid()) return true; /* nothing will ever return in a forked child */
    double until = e5_clock_monotonic() + fmax(seconds, 0);
    pthread_mutex_lock(&job->lock);
    for (bool in_time = true; !job->done && in_time;) in_time = e5_clock_wait(&job->returned, &job->lock, until);
    bool done = job->done;
    pthread_mutex_unlock(&job->lock);
    return done;
}

enum e5_status e5_job_finish(struct e5_job *job, struct e5_error *err) {
    if (job->pid != getpid()) { /* lock and thread belong to the parent: only the memory is ours */
        free(job);
        return e5_fail(err, E5_FORKED, "a job was begun before fork() and does not run in the child");
    }
    while (!e5_job_wait(job, INFINITY)) continue;
    enum e5_status status = job->status;
    if (status != E5_OK && err != NULL && err->status == E5_OK) {
        *err = job->error;
        err->status = status;
    }
    job_free(job);
    return status;
}
