/* Threads that the system refuses, and processors that it does not tell: both are answered in place of it. */
#include "pool/thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "check.h"
#include "pool/job.h"

static int refusal;      /* what pthread_create() gives; 0: a thread */
static int small_masks;  /* sched_getaffinity() calls with too small a mask */
static bool no_affinity; /* it does not answer */

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return refusal != 0 ? refusal : next(thread, how, run, with);
}

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set) {
    static int (*next)(pid_t, size_t, cpu_set_t *);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sched_getaffinity");
    if (!no_affinity && small_masks == 0) return next(process, size, set);
    errno = no_affinity ? ENOSYS : EINVAL;
    small_masks -= small_masks > 0;
    return -1;
}

static void note(void *context) { *(bool *)context = true; }

static enum e5_status note_in_job(void *context, struct e5_watch *watch, struct e5_error *err) {
    (void)watch, (void)err;
    note(context);
    return E5_OK;
}

TEST(a_thread_that_cannot_be_had_is_an_error_with_a_reason) {
    static const struct {
        int code;
        const char *reason;
    } cases[] = {{EAGAIN, "too many threads"}, {EPERM, "refused by the system"}};
    for (int i = 0; i < 2; i++) {
        struct e5_thread thread;
        struct e5_job *job = NULL;
        struct e5_error said = E5_ERROR_NONE;
        bool ran = false;
        refusal = cases[i].code;
        CHECK(e5_thread_start(&thread, "worker", note, &ran, &said) == E5_MEMORY);
        CHECK(strstr(said.what, "worker") != NULL && strstr(said.what, cases[i].reason) != NULL);
        CHECK_STATUS(E5_MEMORY, e5_job_start(note_in_job, &ran, &job, err));
        refusal = 0;
        CHECK(!ran && job == NULL);
        CHECK_OK(e5_thread_start(&thread, "worker", note, &ran, err));
        e5_thread_join(&thread);
        CHECK(ran);
    }
}

TEST(processors_are_counted_whatever_the_size_of_the_mask) {
    unsigned usual = e5_thread_processors();
    CHECK(usual >= 1);
    small_masks = 2; /* a machine with more processors than fit the usual mask */
    CHECK(e5_thread_processors() == usual && small_masks == 0);
    no_affinity = true;
    CHECK(e5_thread_processors() >= 1 && e5_thread_processors() <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    no_affinity = false;
}

static enum e5_status take_a_moment(void *context, struct e5_watch *watch, struct e5_error *err) {
    (void)watch, (void)err;
    usleep(20000);
    note(context);
    return E5_OK;
}

TEST(where_no_thread_can_be_had_the_one_that_is_about_to_wait_is_waited_for) {
    struct e5_job *first = NULL, *second = NULL;
    bool ran[2] = {false, false};
    CHECK_OK(e5_job_start(take_a_moment, &ran[0], &first, err));
    refusal = EAGAIN;
    CHECK_OK(e5_job_start(note_in_job, &ran[1], &second, err));
    refusal = 0;
    CHECK_OK(e5_job_finish(first, err));
    CHECK_OK(e5_job_finish(second, err));
    CHECK(ran[0] && ran[1]);
}

int main(void) {
    RUN(a_thread_that_cannot_be_had_is_an_error_with_a_reason);
    RUN(processors_are_counted_whatever_the_size_of_the_mask);
    RUN(where_no_thread_can_be_had_the_one_that_is_about_to_wait_is_waited_for);
    return check_summary();
}
