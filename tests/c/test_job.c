#include "pool/job.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "check.h"
#include "pool/pool.h"

static enum e5_status fail_at_once(void *context, struct e5_watch *watch, struct e5_error *err) {
    e5_watch_add(watch, 7);
    return e5_fail(err, E5_CORRUPT, "file %s is damaged", (const char *)context);
}

static enum e5_status run_until_cancelled(void *context, struct e5_watch *watch, struct e5_error *err) {
    (void)context;
    while (!e5_watch_cancelled(watch)) sched_yield();
    return e5_watch_check(watch, err);
}

static enum e5_status succeed(void *context, struct e5_watch *watch, struct e5_error *err) {
    (void)watch;
    (void)err;
    *(bool *)context = true;
    return E5_OK;
}

TEST(success) {
    struct e5_job *job = NULL;
    bool ran = false;
    CHECK_OK(e5_job_start(succeed, &ran, &job, err));
    CHECK(e5_job_wait(job, INFINITY));
    CHECK_OK(e5_job_finish(job, err));
    CHECK(ran);
}

TEST(finish_hands_over_status_and_error) {
    struct e5_job *job = NULL;
    struct e5_error error = E5_ERROR_NONE;
    char name[] = "x.nc";
    CHECK_OK(e5_job_start(fail_at_once, name, &job, err));
    CHECK(e5_job_wait(job, 30));
    CHECK(atomic_load(&e5_job_watch(job)->done) == 7);
    CHECK(e5_job_finish(job, &error) == E5_CORRUPT);
    CHECK(error.status == E5_CORRUPT && strcmp(error.what, "file x.nc is damaged") == 0);
}

TEST(finish_waits_and_needs_no_error) {
    struct e5_job *job = NULL;
    char name[] = "x.nc";
    CHECK_OK(e5_job_start(fail_at_once, name, &job, err));
    CHECK(e5_job_finish(job, NULL) == E5_CORRUPT);
}

TEST(an_earlier_report_is_kept) {
    struct e5_job *job = NULL;
    struct e5_error error = E5_ERROR_NONE;
    char name[] = "x.nc";
    CHECK(e5_fail(&error, E5_INPUT, "before") == E5_INPUT);
    CHECK_OK(e5_job_start(fail_at_once, name, &job, err));
    CHECK(e5_job_finish(job, &error) == E5_CORRUPT);
    CHECK(strcmp(error.what, "before") == 0);
}

TEST(wait_is_short_and_cancel_reaches_the_body) {
    struct e5_job *job = NULL;
    CHECK_OK(e5_job_start(run_until_cancelled, NULL, &job, err));
    double begin = e5_clock_monotonic();
    CHECK(!e5_job_wait(job, 0.02));
    CHECK(e5_clock_monotonic() - begin >= 0.02);
    CHECK(!e5_job_wait(job, 0));
    CHECK(!e5_job_wait(job, -1));
    e5_watch_cancel(e5_job_watch(job));
    CHECK(e5_job_wait(job, 30));
    CHECK_STATUS(E5_CANCELLED, e5_job_finish(job, err));
}

static enum e5_status count(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)index;
    (void)slot;
    (void)err;
    atomic_fetch_add((atomic_int *)context, 1);
    return E5_OK;
}

struct loop_of_job {
    struct e5_pool *pool;
    atomic_int count;
};

static enum e5_status run_loop(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct loop_of_job *loop = context;
    return e5_pool_for(loop->pool, watch, 1000, count, &loop->count, err);
}

TEST(a_job_may_use_a_pool) {
    struct loop_of_job loop = {0};
    struct e5_job *job = NULL;
    CHECK_OK(e5_pool_new(3, &loop.pool, err));
    CHECK_OK(e5_job_start(run_loop, &loop, &job, err));
    CHECK_OK(e5_job_finish(job, err));
    CHECK(atomic_load(&loop.count) == 1000);
    e5_pool_free(loop.pool);
}

static enum e5_status note_signals(void *context, struct e5_watch *watch, struct e5_error *err) {
    (void)watch;
    (void)err;
    pthread_sigmask(SIG_SETMASK, NULL, context);
    return E5_OK;
}

static enum e5_status count_jobs(void *context, struct e5_watch *watch, struct e5_error *err) {
    static _Thread_local int jobs_here;
    (void)watch;
    (void)err;
    *(int *)context = ++jobs_here;
    return E5_OK;
}

TEST(a_thread_that_waits_is_used_again) {
    int most = 0;
    for (int i = 0; i < 50; i++) {
        struct e5_job *job = NULL;
        int here = 0;
        CHECK_OK(e5_job_start(count_jobs, &here, &job, err));
        CHECK_OK(e5_job_finish(job, err));
        most = here > most ? here : most;
    }
    CHECK(most > 1); /* not 50: one that has just finished may not have sat down yet */
}

#ifdef __SANITIZE_THREAD__ /* lets no child begin threads whose parent had several */
#define FORKS 0
#else
#define FORKS 20
#endif

static void *begin_many(void *context) {
    for (int i = 0; i < 1000; i++) {
        struct e5_job *job = NULL;
        bool ran = false;
        if (e5_job_start(succeed, &ran, &job, NULL) != E5_OK || e5_job_finish(job, NULL) != E5_OK || !ran)
            atomic_fetch_add((atomic_int *)context, 1);
    }
    return NULL;
}

TEST(many_begin_jobs_at_once_and_fork_meanwhile) {
    pthread_t thread[8];
    atomic_int wrong = 0;
    for (int i = 0; i < 8; i++) CHECK(pthread_create(&thread[i], NULL, begin_many, &wrong) == 0);
    for (int i = 0; i < FORKS; i++) {
        int code = -1;
        pid_t child = fork();
        if (child == 0) {
            struct e5_job *job = NULL;
            bool ran = false;
            alarm(20);
            CHECK_LEAVE(e5_job_start(succeed, &ran, &job, NULL) != E5_OK || e5_job_finish(job, NULL) != E5_OK ||
                        !ran);
        }
        CHECK(waitpid(child, &code, 0) == child && WIFEXITED(code) && WEXITSTATUS(code) == 0);
    }
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    CHECK(atomic_load(&wrong) == 0);
}

TEST(threads_block_signals_and_the_caller_does_not) {
    struct e5_job *job = NULL;
    sigset_t inside, here;
    sigemptyset(&inside);
    CHECK_OK(e5_job_start(note_signals, &inside, &job, err));
    CHECK_OK(e5_job_finish(job, err));
    pthread_sigmask(SIG_SETMASK, NULL, &here);
    CHECK(sigismember(&inside, SIGINT) && sigismember(&inside, SIGTERM) && sigismember(&inside, SIGUSR1));
    CHECK(!sigismember(&here, SIGINT));
}

TEST(a_forked_child_is_refused_and_does_not_hang) {
    struct e5_job *job = NULL;
    int code = -1;
    CHECK_OK(e5_job_start(run_until_cancelled, NULL, &job, err));
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        bool returned = e5_job_wait(job, INFINITY);
        CHECK_LEAVE(!returned || e5_job_finish(job, NULL) != E5_FORKED);
    }
    CHECK(waitpid(child, &code, 0) == child && WIFEXITED(code) && WEXITSTATUS(code) == 0);
    e5_watch_cancel(e5_job_watch(job));
    CHECK_STATUS(E5_CANCELLED, e5_job_finish(job, err));
}

TEST(no_memory_is_reported) {
    bool ran = false;
    for (int n = 1; n <= 3; n++) {
        struct e5_job *job = NULL;
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_job_start(succeed, &ran, &job, err));
        CHECK(job == NULL && !ran);
    }
    e5_alloc_fail_after(0);
}

int main(void) {
    RUN(no_memory_is_reported); /* first: no thread waits yet, so that one must be made */
    RUN(success);
    RUN(finish_hands_over_status_and_error);
    RUN(finish_waits_and_needs_no_error);
    RUN(an_earlier_report_is_kept);
    RUN(wait_is_short_and_cancel_reaches_the_body);
    RUN(a_job_may_use_a_pool);
    RUN(a_thread_that_waits_is_used_again);
    RUN(many_begin_jobs_at_once_and_fork_meanwhile);
    RUN(threads_block_signals_and_the_caller_does_not);
    RUN(a_forked_child_is_refused_and_does_not_hang);
    return check_summary();
}
