/* Several callers may run loops at the same time.  Each loop lives on its caller's stack and hangs in the pool's list
 * while it has indices to give away; a worker joins the loop with the fewest helpers, and looks for another one when
 * its loop runs dry or a new loop begins.  With a new caller one thread more is at work: a worker that looks then
 * finds nothing to do if that is one too many, and sleeps until a caller leaves.
 *
 * Why the reported error is that of the lowest failing index: indices are handed out in ascending order, and an index
 * that was handed out is always run.  So when index i fails, all smaller ones have been begun, and the call waits for
 * them. */
#include "pool/pool.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pool/thread.h"

#define CALLER_SLOT 0 /* workers have their own number, from 1: two threads in a loop never share a slot */

struct loop {
    struct loop *next;
    struct e5_watch *watch;
    e5_task_fn task;
    void *context;
    size_t n;
    atomic_size_t handed_out; /* may pass n by the number of threads */
    atomic_bool stopped; /* a task failed, or cancel: begin no more */
    unsigned helpers; /* workers inside; under the pool's lock, like all that follows */
    size_t failed; /* lowest failing index; meaningful when error.status is set */
    struct e5_error error;
};

struct worker {
    struct e5_pool *pool;
    struct e5_thread thread;
    unsigned slot;
};

struct e5_pool {
    unsigned size;
    pid_t pid; /* the process in which the workers live */
    pthread_mutex_t lock;
    pthread_cond_t work; /* for workers: a loop or spare work was added, or closing */
    pthread_cond_t left; /* for callers: a worker left a loop */
    struct loop *loops;
    unsigned callers, helping; /* loops in the list, and workers inside of them */
    atomic_uint news; /* grows with every loop added: the sign for workers to share themselves out again */
    e5_spare_fn spare; /* work for those who find no loop; NULL: none */
    unsigned offers; /* how often some was offered */
    unsigned started;
    bool warned, closing;
    struct worker worker[];
};

static _Thread_local bool inside_task; /* a loop begun here runs inline */

/* --- running tasks --- */

static void record_failure(struct e5_pool *pool, struct loop *loop, size_t index, enum e5_status status,
                           struct e5_error *error) {
    error->status = status; /* also when a task forgot to report */
    pthread_mutex_lock(&pool->lock);
    if (loop->error.status == E5_OK || index < loop->failed) {
        loop->failed = index;
        loop->error = *error;
    }
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&loop->stopped, true);
}

static bool has_work(struct loop *loop) {
    return !atomic_load_explicit(&loop->stopped, memory_order_relaxed) &&
           atomic_load_explicit(&loop->handed_out, memory_order_relaxed) < loop->n;
}

/* Begin and finish one task; false when there is none left. */
static bool run_one(struct e5_pool *pool, struct loop *loop, unsigned slot) {
    struct e5_error error = E5_ERROR_NONE;
    if (!has_work(loop)) return false;
    enum e5_status status = e5_watch_check(loop->watch, &error);
    if (status != E5_OK) { /* any task's own failure counts more than the cancel */
        record_failure(pool, loop, loop->n, status, &error);
        return false;
    }
    size_t index = atomic_fetch_add(&loop->handed_out, 1);
    if (index >= loop->n) return false;
    status = loop->task(loop->context, index, slot, &error);
    if (status != E5_OK) record_failure(pool, loop, index, status, &error);
    return true;
}

/* --- workers --- */

static bool is_busy(const struct e5_pool *pool) { return pool->callers + pool->helping >= pool->size; }

static struct loop *neediest(struct e5_pool *pool) {
    struct loop *best = NULL;
    if (is_busy(pool)) return NULL; /* all processors have their work */
    for (struct loop *loop = pool->loops; loop != NULL; loop = loop->next)
        if (has_work(loop) && (best == NULL || loop->helpers < best->helpers)) best = loop;
    return best;
}

/* Called and left with the lock held. */
static void help(struct e5_pool *pool, struct loop *loop, unsigned slot) {
    unsigned news = atomic_load(&pool->news);
    loop->helpers++;
    pool->helping++;
    pthread_mutex_unlock(&pool->lock);
    while (run_one(pool, loop, slot) && atomic_load_explicit(&pool->news, memory_order_relaxed) == news) continue;
    pthread_mutex_lock(&pool->lock);
    pool->helping--;
    if (--loop->helpers == 0) pthread_cond_broadcast(&pool->left);
}

/* Some of the spare work; false when there is none, or no processor for it.  Called and left with the lock held. */
static bool do_spare(struct e5_pool *pool) {
    e5_spare_fn spare = pool->spare;
    unsigned offers = pool->offers;
    if (spare == NULL || is_busy(pool)) return false;
    pthread_mutex_unlock(&pool->lock);
    bool more = spare();
    pthread_mutex_lock(&pool->lock);
    if (!more && pool->offers == offers) pool->spare = NULL;
    return true;
}

static void work(void *argument) {
    struct worker *worker = argument;
    struct e5_pool *pool = worker->pool;
    inside_task = true; /* a worker runs nothing but tasks */
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        struct loop *loop = neediest(pool);
        if (loop != NULL)
            help(pool, loop, worker->slot);
        else if (!do_spare(pool))
            pthread_cond_wait(&pool->work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* Have `wanted` workers if the system allows; fewer are no error, since the caller works along.  Lock held. */
static void start_workers(struct e5_pool *pool, unsigned wanted) {
    while (pool->started < wanted) {
        struct worker *worker = &pool->worker[pool->started];
        struct e5_error error = E5_ERROR_NONE;
        char name[32];
        *worker = (struct worker){.pool = pool, .slot = CALLER_SLOT + 1 + pool->started};
        snprintf(name, sizeof name, "e5-pool-%u", worker->slot);
        if (e5_thread_start(&worker->thread, name, work, worker, &error) != E5_OK) {
            if (!pool->warned) e5_log(E5_LOG_WARNING, "working with %u threads: %s", pool->started + 1, error.what);
            pool->warned = true;
            return;
        }
        pool->started++;
    }
}

/* --- callers --- */

static void open_loop(struct e5_pool *pool, struct loop *loop) {
    unsigned wanted = loop->n < pool->size ? (unsigned)loop->n - 1 : pool->size - 1;
    pthread_mutex_lock(&pool->lock);
    start_workers(pool, wanted);
    loop->next = pool->loops;
    pool->loops = loop;
    pool->callers++;
    atomic_fetch_add(&pool->news, 1);
    for (unsigned i = 0; i < wanted; i++) pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

/* After this no worker knows the loop any more. */
static void close_loop(struct e5_pool *pool, struct loop *loop) {
    pthread_mutex_lock(&pool->lock);
    struct loop **link = &pool->loops;
    while (*link != loop) link = &(*link)->next;
    *link = loop->next;
    pool->callers--;
    if (pool->loops != NULL || pool->spare != NULL)
        pthread_cond_signal(&pool->work); /* another loop may have a helper more, or somebody have time */
    while (loop->helpers > 0) pthread_cond_wait(&pool->left, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

enum e5_status e5_pool_for(struct e5_pool *pool, struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                           struct e5_error *err) {
    if (pool->pid != getpid())
        return e5_fail(err, E5_FORKED, "this pool was made before fork() and has no threads in the child");
    if (inside_task || pool->size <= 1 || n <= 1) return e5_parallel_for(NULL, watch, n, task, context, err);
    struct loop loop = {.watch = watch, .task = task, .context = context, .n = n};
    open_loop(pool, &loop);
    inside_task = true;
    while (run_one(pool, &loop, CALLER_SLOT)) continue;
    inside_task = false;
    close_loop(pool, &loop);
    if (loop.error.status != E5_OK && err != NULL && err->status == E5_OK) *err = loop.error;
    return loop.error.status;
}

/* --- life --- */

enum e5_status e5_pool_new(unsigned threads, struct e5_pool **out, struct e5_error *err) {
    struct e5_pool *pool;
    *out = NULL;
    if (threads < 1) return e5_fail(err, E5_INPUT, "a pool needs at least one thread");
    size_t bytes = sizeof *pool + (threads - 1) * sizeof *pool->worker;
    enum e5_status status = e5_alloc(1, bytes, &pool, err);
    if (status != E5_OK) return status;
    pool->size = threads;
    pool->pid = getpid();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->left, NULL);
    *out = pool;
    return E5_OK;
}

static void join_workers(struct e5_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++) e5_thread_join(&pool->worker[i].thread);
}

void e5_pool_free(struct e5_pool *pool) {
    if (pool == NULL) return;
    if (pool->pid == getpid()) { /* in a forked child lock and threads are the parent's: touching them could hang */
        join_workers(pool);
        pthread_cond_destroy(&pool->left);
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->lock);
    }
    free(pool);
}

unsigned e5_pool_size(const struct e5_pool *pool) { return pool->size; }

static enum e5_status run_for(void *self, struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                              struct e5_error *err) {
    return e5_pool_for(self, watch, n, task, context, err);
}

static void take_offer(void *self, e5_spare_fn spare) {
    struct e5_pool *pool = self;
    if (pool->pid != getpid()) return; /* nobody is there who could have time */
    pthread_mutex_lock(&pool->lock);
    start_workers(pool, pool->size - 1);
    pool->spare = spare;
    pool->offers++;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

struct e5_parallel e5_pool_parallel(struct e5_pool *pool) {
    return (struct e5_parallel){.self = pool, .slots = pool->size, .run = run_for, .offer = take_offer};
}
