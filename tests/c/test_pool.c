#include "pool/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "pool/job.h"
#include "pool/thread.h"

#define MOST 2000

static const unsigned sizes[] = {1, 2, 4, 7};
#define EACH_SIZE(threads) for (size_t at_ = 0, threads; at_ < 4 && (threads = sizes[at_]) > 0; at_++)

static struct e5_pool *new_pool(size_t threads) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new((unsigned)threads, &pool, err));
    return pool;
}

/* --- handing out --- */

struct book {
    atomic_int runs[MOST];
    atomic_int inside[8]; /* tasks that run in a slot now */
    atomic_int shared, outside; /* slots used twice at a time; slots beyond the pool's size */
    unsigned size;
};

static enum e5_status keep_book(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct book *book = context;
    (void)err;
    if (slot >= book->size) atomic_fetch_add(&book->outside, 1);
    if (atomic_fetch_add(&book->inside[slot % 8], 1) > 0) atomic_fetch_add(&book->shared, 1);
    atomic_fetch_add(&book->runs[index], 1);
    if (index % 16 == 0) sched_yield();
    atomic_fetch_sub(&book->inside[slot % 8], 1);
    return E5_OK;
}

TEST(every_index_runs_once_in_a_slot_of_its_own) {
    static const size_t lengths[] = {0, 1, 2, 3, 7, 64, MOST};
    EACH_SIZE(threads) {
        struct e5_pool *pool = new_pool(threads);
        CHECK(e5_pool_size(pool) == threads);
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            static struct book book;
            memset(&book, 0, sizeof book);
            book.size = (unsigned)threads;
            CHECK_OK(e5_pool_for(pool, NULL, lengths[k], keep_book, &book, err));
            for (size_t i = 0; i < MOST; i++) CHECK(atomic_load(&book.runs[i]) == (i < lengths[k]));
            CHECK(atomic_load(&book.shared) == 0 && atomic_load(&book.outside) == 0);
        }
        e5_pool_free(pool);
    }
}

/* Two tasks that wait for each other can only return when they run at the same time. */
static enum e5_status meet(void *context, size_t index, unsigned slot, struct e5_error *err) {
    atomic_int *arrived = context;
    double deadline = e5_clock_monotonic() + 20;
    (void)index;
    (void)slot;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 2) {
        if (e5_clock_monotonic() > deadline) return e5_fail(err, E5_INTERNAL, "nobody came");
        sched_yield();
    }
    return E5_OK;
}

TEST(tasks_run_at_the_same_time) {
    struct e5_pool *pool = new_pool(2);
    for (int i = 0; i < 100; i++) {
        atomic_int arrived = 0;
        CHECK_OK(e5_pool_for(pool, NULL, 2, meet, &arrived, err));
    }
    e5_pool_free(pool);
}

TEST(the_rooms_below_see_the_same_pool) {
    static struct book book;
    struct e5_pool *pool = new_pool(4);
    struct e5_parallel par = e5_pool_parallel(pool);
    memset(&book, 0, sizeof book);
    book.size = e5_parallel_slots(&par);
    CHECK(book.size == 4);
    CHECK_OK(e5_parallel_for(&par, NULL, MOST, keep_book, &book, err));
    for (size_t i = 0; i < MOST; i++) CHECK(atomic_load(&book.runs[i]) == 1);
    e5_pool_free(pool);
}

TEST(a_pool_needs_a_thread) {
    struct e5_pool *pool = NULL;
    CHECK_STATUS(E5_INPUT, e5_pool_new(0, &pool, err));
    CHECK(pool == NULL);
    e5_pool_free(NULL);
}

/* --- failures --- */

/* 5, 11 and 40 fail; 5 takes longest, so with many threads the others report first. */
static enum e5_status fail_three(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)context;
    (void)slot;
    if (index == 5) usleep(2000);
    return index == 5 || index == 11 || index == 40 ? e5_fail(err, E5_CORRUPT, "task %zu", index) : E5_OK;
}

TEST(the_error_is_that_of_the_lowest_index) {
    EACH_SIZE(threads) {
        struct e5_pool *pool = new_pool(threads);
        for (int i = 0; i < 20; i++) {
            struct e5_error error = E5_ERROR_NONE;
            CHECK(e5_pool_for(pool, NULL, 100, fail_three, NULL, &error) == E5_CORRUPT);
            CHECK(strcmp(error.what, "task 5") == 0);
        }
        CHECK(e5_pool_for(pool, NULL, 100, fail_three, NULL, NULL) == E5_CORRUPT);
        e5_pool_free(pool);
    }
}

static enum e5_status fail_silently(void *context, size_t index, unsigned slot, struct e5_error *err) {
    atomic_int *runs = context;
    (void)slot;
    (void)err;
    atomic_fetch_add(runs, 1);
    return index == 0 ? E5_STORAGE : E5_OK;
}

TEST(tasks_not_begun_are_skipped_after_a_failure) {
    EACH_SIZE(threads) {
        struct e5_pool *pool = new_pool(threads);
        atomic_int runs = 0;
        CHECK_STATUS(E5_STORAGE, e5_pool_for(pool, NULL, 1u << 30, fail_silently, &runs, err));
        CHECK(atomic_load(&runs) < 1 << 30);
        e5_pool_free(pool);
    }
}

/* --- cancel --- */

struct cancelled_loop {
    struct e5_watch watch;
    atomic_int runs;
};

static enum e5_status cancel_at_ten(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct cancelled_loop *loop = context;
    (void)slot;
    (void)err;
    atomic_fetch_add(&loop->runs, 1);
    if (index == 10) e5_watch_cancel(&loop->watch);
    return E5_OK;
}

TEST(cancel_in_the_middle) {
    EACH_SIZE(threads) {
        struct e5_pool *pool = new_pool(threads);
        struct cancelled_loop loop = {0};
        CHECK_STATUS(E5_CANCELLED, e5_pool_for(pool, &loop.watch, 1u << 30, cancel_at_ten, &loop, err));
        CHECK(atomic_load(&loop.runs) >= 11);
        int before = atomic_load(&loop.runs);
        CHECK_STATUS(E5_CANCELLED, e5_pool_for(pool, &loop.watch, 100, cancel_at_ten, &loop, err));
        CHECK(atomic_load(&loop.runs) == before);
        e5_pool_free(pool);
    }
}

/* --- loops in loops, loops beside loops --- */

struct nest {
    struct e5_pool *pool;
    atomic_int inner, elsewhere;
};

struct inner {
    struct nest *nest;
    pthread_t thread;
};

static enum e5_status inner_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct inner *inner = context;
    (void)index;
    (void)err;
    atomic_fetch_add(&inner->nest->inner, 1);
    if (slot != 0 || !pthread_equal(inner->thread, pthread_self())) atomic_fetch_add(&inner->nest->elsewhere, 1);
    return E5_OK;
}

static enum e5_status outer_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct inner inner = {context, pthread_self()};
    (void)index;
    (void)slot;
    return e5_pool_for(inner.nest->pool, NULL, 10, inner_task, &inner, err);
}

TEST(a_loop_in_a_task_runs_inline) {
    EACH_SIZE(threads) {
        struct nest nest = {.pool = new_pool(threads)};
        CHECK_OK(e5_pool_for(nest.pool, NULL, 50, outer_task, &nest, err));
        CHECK(atomic_load(&nest.inner) == 500 && atomic_load(&nest.elsewhere) == 0);
        e5_pool_free(nest.pool);
    }
}

struct crowd {
    struct e5_pool *pool;
    atomic_int inside, most;
};

static enum e5_status count_heads(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct crowd *crowd = context;
    int inside = atomic_fetch_add(&crowd->inside, 1) + 1, most = atomic_load(&crowd->most);
    (void)index;
    (void)slot;
    (void)err;
    while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside)) continue;
    sched_yield();
    atomic_fetch_sub(&crowd->inside, 1);
    return E5_OK;
}

static enum e5_status many_loops(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct crowd *crowd = context;
    enum e5_status status = E5_OK;
    for (int i = 0; i < 100 && status == E5_OK; i++)
        status = e5_pool_for(crowd->pool, watch, 20, count_heads, crowd, err);
    return status;
}

TEST(callers_share_the_workers) {
    struct crowd crowd = {.pool = new_pool(4)};
    struct e5_job *jobs[3];
    for (int i = 0; i < 3; i++) CHECK_OK(e5_job_start(many_loops, &crowd, &jobs[i], err));
    for (int i = 0; i < 3; i++) CHECK_OK(e5_job_finish(jobs[i], err));
    CHECK(atomic_load(&crowd.most) <= 3 + 3); /* three callers, three workers */
    e5_pool_free(crowd.pool);
}

struct two_loops {
    struct e5_pool *pool;
    atomic_bool worker_helps, short_one_done;
    atomic_int arrived;
};

static enum e5_status wait_for_the_short_one(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct two_loops *both = context;
    double deadline = e5_clock_monotonic() + 20;
    (void)index;
    if (slot == 1) atomic_store(&both->worker_helps, true);
    while (slot == 0 && !atomic_load(&both->short_one_done)) {
        if (e5_clock_monotonic() > deadline) return e5_fail(err, E5_INTERNAL, "the short loop starved");
        sched_yield();
    }
    if (!atomic_load(&both->short_one_done)) usleep(100);
    return E5_OK;
}

static enum e5_status long_loop(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct two_loops *both = context;
    return e5_pool_for(both->pool, watch, 100000, wait_for_the_short_one, both, err);
}

/* The workers help the long loop, whose caller is held up; one must leave it for the loop that comes later, whose two
 * tasks wait for each other. */
TEST(a_worker_leaves_a_long_loop_for_a_new_one) {
    struct two_loops both = {.pool = new_pool(3)};
    struct e5_job *job = NULL;
    CHECK_OK(e5_job_start(long_loop, &both, &job, err));
    while (!atomic_load(&both.worker_helps)) sched_yield();
    CHECK_OK(e5_pool_for(both.pool, NULL, 2, meet, &both.arrived, err));
    atomic_store(&both.short_one_done, true);
    CHECK_OK(e5_job_finish(job, err));
    e5_pool_free(both.pool);
}

enum { SETTLED = 20, MEASURED = 60, LONG = 300 }; /* tasks of a caller, of those of a loop */

struct busy {
    struct e5_pool *pool;
    atomic_int settled, helped;
    atomic_bool over;
};

struct busy_caller {
    struct busy *all;
    int own; /* tasks that the caller itself has run */
};

static enum e5_status work_a_little(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct busy_caller *caller = context;
    struct busy *all = caller->all;
    (void)index;
    (void)err;
    if (slot != 0 && atomic_load(&all->settled) == 3 && !atomic_load(&all->over)) atomic_fetch_add(&all->helped, 1);
    if (slot == 0 && ++caller->own == SETTLED) atomic_fetch_add(&all->settled, 1);
    while (slot == 0 && caller->own == SETTLED && atomic_load(&all->settled) < 3) usleep(100);
    if (slot == 0 && caller->own == MEASURED) atomic_store(&all->over, true);
    usleep(200);
    return E5_OK;
}

static enum e5_status call_for_long(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct busy_caller caller = {.all = context};
    return e5_pool_for(caller.all->pool, watch, LONG, work_a_little, &caller, err);
}

/* As many callers as there are processors: from then on each worker ends what it has at hand, and begins nothing. */
TEST(busy_callers_get_no_help) {
    struct busy busy = {.pool = new_pool(3)};
    struct e5_job *jobs[3];
    for (int i = 0; i < 3; i++) CHECK_OK(e5_job_start(call_for_long, &busy, &jobs[i], err));
    for (int i = 0; i < 3; i++) CHECK_OK(e5_job_finish(jobs[i], err));
    CHECK(atomic_load(&busy.over) && atomic_load(&busy.helped) <= 2); /* of two workers */
    e5_pool_free(busy.pool);
}

/* --- work that nobody waits for --- */

static atomic_int pieces, spare_in_caller;
static _Thread_local bool is_caller;

static bool work_off(void) {
    if (is_caller) atomic_fetch_add(&spare_in_caller, 1);
    return atomic_fetch_sub(&pieces, 1) > 1;
}

static bool work_for_ever(void) {
    atomic_fetch_add(&pieces, 1);
    usleep(100);
    return true;
}

/* True when it has come there in time. */
static bool pieces_come_to(int wanted, bool above) {
    double until = e5_clock_monotonic() + 20;
    while (e5_clock_monotonic() < until) {
        int n = atomic_load(&pieces);
        if (above ? n >= wanted : n <= wanted) return true;
        usleep(100);
    }
    return false;
}

TEST(workers_without_a_loop_do_what_was_offered) {
    struct e5_pool *pool = new_pool(3);
    struct e5_parallel par = e5_pool_parallel(pool);
    is_caller = true;
    for (int i = 1; i < 30; i++) {
        atomic_store(&pieces, i);
        e5_parallel_offer(&par, work_off);
        CHECK(pieces_come_to(0, false));
    }
    CHECK(atomic_load(&spare_in_caller) == 0);
    e5_parallel_offer(NULL, work_off);
    usleep(2000);
    CHECK(atomic_load(&pieces) >= -2); /* nobody goes on when there is no more: two were at it at most */
    e5_pool_free(pool);
}

TEST(loops_come_before_spare_work) {
    static struct book book;
    struct e5_pool *pool = new_pool(3);
    struct e5_parallel par = e5_pool_parallel(pool);
    atomic_store(&pieces, 0);
    e5_parallel_offer(&par, work_for_ever);
    CHECK(pieces_come_to(3, true));
    for (int i = 0; i < 50; i++) {
        atomic_int arrived = 0;
        CHECK_OK(e5_pool_for(pool, NULL, 2, meet, &arrived, err)); /* needs a worker, who has spare work at hand */
    }
    memset(&book, 0, sizeof book);
    book.size = 3;
    CHECK_OK(e5_pool_for(pool, NULL, MOST, keep_book, &book, err));
    for (size_t i = 0; i < MOST; i++) CHECK(atomic_load(&book.runs[i]) == 1);
    CHECK(pieces_come_to(atomic_load(&pieces) + 3, true)); /* and goes on afterwards */
    e5_pool_free(pool); /* does not wait for its end */
}

TEST(what_was_offered_last_counts) {
    struct e5_pool *pool = new_pool(2);
    struct e5_parallel par = e5_pool_parallel(pool);
    atomic_store(&pieces, 0);
    e5_parallel_offer(&par, work_for_ever);
    CHECK(pieces_come_to(3, true));
    atomic_store(&pieces, 1000);
    e5_parallel_offer(&par, work_off);
    CHECK(pieces_come_to(0, false));
    e5_pool_free(pool);
    struct e5_pool *alone = new_pool(1);
    par = e5_pool_parallel(alone);
    atomic_store(&pieces, 5);
    e5_parallel_offer(&par, work_off); /* nobody has time */
    usleep(2000);
    CHECK(atomic_load(&pieces) == 5);
    e5_pool_free(alone);
}

/* --- the world outside --- */

TEST(a_forked_child_is_refused_and_does_not_hang) {
    struct e5_pool *pool = new_pool(4);
    static struct book book;
    int code = -1;
    book.size = 4;
    CHECK_OK(e5_pool_for(pool, NULL, 100, keep_book, &book, err));
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        struct e5_parallel par = e5_pool_parallel(pool);
        enum e5_status status = e5_pool_for(pool, NULL, 100, keep_book, &book, NULL);
        atomic_store(&pieces, 5);
        e5_parallel_offer(&par, work_off);
        usleep(2000);
        e5_pool_free(pool);
        CHECK_LEAVE(status != E5_FORKED || atomic_load(&pieces) != 5);
    }
    CHECK(waitpid(child, &code, 0) == child && WIFEXITED(code) && WEXITSTATUS(code) == 0);
    CHECK_OK(e5_pool_for(pool, NULL, 100, keep_book, &book, err)); /* the parent does not notice */
    e5_pool_free(pool);
}

static void count_warning(void *context, enum e5_log_level level, const char *line) {
    if (level == E5_LOG_WARNING && strstr(line, "working with 1 threads") != NULL) ++*(int *)context;
}

TEST(without_threads_the_caller_works_alone) {
    struct e5_pool *pool = new_pool(4);
    static struct book book;
    int warnings = 0;
    book.size = 4;
    for (int i = 0; i < 3; i++) {
        e5_alloc_fail_after(1);
        CHECK_OK(e5_pool_for(pool, NULL, MOST, keep_book, &book, err));
    }
    e5_alloc_fail_after(0);
    for (size_t i = 0; i < MOST; i++) CHECK(atomic_load(&book.runs[i]) == 3);
    e5_log_drain(count_warning, &warnings);
    CHECK(warnings == 1);
    e5_pool_free(pool);
}

TEST(no_memory_for_a_pool) {
    struct e5_pool *pool = NULL;
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_pool_new(4, &pool, err));
    e5_alloc_fail_after(0);
    CHECK(pool == NULL);
}

TEST(processors_follow_the_affinity_mask) {
    cpu_set_t before, one;
    CHECK(e5_thread_processors() >= 1);
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    CHECK(e5_thread_processors() <= (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(e5_thread_processors() == 1);
    CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

int main(void) {
    RUN(every_index_runs_once_in_a_slot_of_its_own);
    RUN(tasks_run_at_the_same_time);
    RUN(the_rooms_below_see_the_same_pool);
    RUN(a_pool_needs_a_thread);
    RUN(the_error_is_that_of_the_lowest_index);
    RUN(tasks_not_begun_are_skipped_after_a_failure);
    RUN(cancel_in_the_middle);
    RUN(a_loop_in_a_task_runs_inline);
    RUN(callers_share_the_workers);
    RUN(a_worker_leaves_a_long_loop_for_a_new_one);
    RUN(busy_callers_get_no_help);
    RUN(workers_without_a_loop_do_what_was_offered);
    RUN(loops_come_before_spare_work);
    RUN(what_was_offered_last_counts);
    RUN(a_forked_child_is_refused_and_does_not_hang);
    RUN(without_threads_the_caller_works_alone);
    RUN(no_memory_for_a_pool);
    RUN(processors_follow_the_affinity_mask);
    return check_summary();
}
