#include "pool/job.h"

#include <math.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/thread.h"

#define LONGEST_WAIT 1e8 /* seconds: three years; keeps time_t safe on every platform */

struct e5_job {
    e5_job_fn body;
    void *context;
    struct e5_thread thread;
    pid_t pid; /* the process in which the thread lives */
    pthread_mutex_t lock;
    pthread_cond_t returned;
    bool done; /* under lock */
    struct e5_watch watch;
    enum e5_status status; /* these two belong to the thread until it has been joined */
    struct e5_error error;
};

static void run(void *argument) {
    struct e5_job *job = argument;
    job->status = job->body(job->context, &job->watch, &job->error);
    pthread_mutex_lock(&job->lock);
    job->done = true;
    pthread_cond_broadcast(&job->returned);
    pthread_mutex_unlock(&job->lock);
}

static void init_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* the wall clock may jump */
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
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
    init_condition(&job->returned);
    status = e5_thread_start(&job->thread, "e5-job", run, job, err);
    if (status == E5_OK)
        *out = job;
    else
        job_free(job);
    return status;
}

struct e5_watch *e5_job_watch(struct e5_job *job) { return &job->watch; }

static struct timespec moment(double monotonic) {
    double whole = floor(monotonic);
    return (struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)((monotonic - whole) * 1e9)};
}

bool e5_job_wait(struct e5_job *job, double seconds) {
    if (job->pid != getpid()) return true; /* nothing will ever return in a forked child */
    double patience = seconds > 0 ? fmin(seconds, LONGEST_WAIT) : 0;
    struct timespec until = moment(e5_clock_monotonic() + patience);
    pthread_mutex_lock(&job->lock);
    for (int late = 0; !job->done && late == 0;) late = pthread_cond_timedwait(&job->returned, &job->lock, &until);
    bool done = job->done;
    pthread_mutex_unlock(&job->lock);
    return done;
}

enum e5_status e5_job_finish(struct e5_job *job, struct e5_error *err) {
    if (job->pid != getpid()) { /* lock and thread belong to the parent: only the memory is ours */
        free(job);
        return e5_fail(err, E5_FORKED, "a job was begun before fork() and does not run in the child");
    }
    e5_thread_join(&job->thread);
    enum e5_status status = job->status;
    if (status != E5_OK && err != NULL && err->status == E5_OK) {
        *err = job->error;
        err->status = status;
    }
    job_free(job);
    return status;
}
