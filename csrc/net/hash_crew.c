#include "net/hash_crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define LANES E5_MD5_LANES
#define STRETCH ((int64_t)4 << 20)    /* of each file in one round, so that those who come need not wait long */
#define LEAST ((int64_t)256 << 10)    /* what is less is hashed alone, sooner than others would come */
#define COMPANY 0.1 /* seconds that the first one waits for others */
#define STEP 0.02   /* seconds between looks at the watch */

struct task { /* lives where its thread waits */
    struct e5_hash_message *message;
    int fd;
    const char *path;
    int64_t upto;
    bool is_coming, is_taken, is_over;
    double since;
    struct e5_watch *watch;
    enum e5_status status;
    struct e5_error error;
    struct task *next;
};

struct e5_hash_crew {
    atomic_uint expected;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task *first; /* in the order in which they came; from here on under the lock */
    unsigned rounds;    /* under way */
};

enum e5_status e5_hash_crew_new(struct e5_hash_crew **out, struct e5_error *err) {
    enum e5_status status = e5_alloc(1, sizeof **out, out, err);
    if (status != E5_OK) return status;
    pthread_mutex_init(&(*out)->lock, NULL);
    e5_clock_condition_init(&(*out)->changed);
    return E5_OK;
}

void e5_hash_crew_free(struct e5_hash_crew *crew) {
    if (crew == NULL) return;
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

void e5_hash_crew_expect(struct e5_hash_crew *crew, unsigned files) { atomic_store(&crew->expected, files); }

enum e5_status e5_hash_read(int fd, const char *path, void *to, size_t size, int64_t at, struct e5_error *err) {
    for (unsigned char *here = to; size > 0;) {
        ssize_t got = pread(fd, here, size, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return e5_fail_errno(err, errno, path, "cannot read back");
        if (got == 0) return e5_fail(err, E5_STORAGE, "the part file of %s became shorter", path);
        here += got;
        size -= (size_t)got;
        at += got;
    }
    return E5_OK;
}

/* One round. */

static int64_t left(const struct task *task) { return task->upto - task->message->position; }

/* The same number of bytes of each.  A file that cannot be read does not keep the others from going on. */
static void go_on(struct task *const tasks[], size_t count, unsigned char *block) {
    struct e5_md5 *md5[LANES];
    const void *bytes[LANES];
    int64_t step = STRETCH;
    for (size_t i = 0; i < count; i++) {
        md5[i] = &tasks[i]->message->md5;
        bytes[i] = block + i * E5_HASH_BLOCK;
        if (left(tasks[i]) < step) step = left(tasks[i]);
    }
    for (int64_t done = 0; done < step; done += (int64_t)E5_HASH_BLOCK) {
        size_t now = step - done < (int64_t)E5_HASH_BLOCK ? (size_t)(step - done) : E5_HASH_BLOCK;
        for (size_t i = 0; i < count; i++) {
            struct task *task = tasks[i];
            if (task->status == E5_OK)
                task->status = e5_hash_read(task->fd, task->path, block + i * E5_HASH_BLOCK, now,
                                            task->message->position + done, &task->error);
        }
        e5_md5_lanes_add(md5, bytes, count, now / E5_MD5_BLOCK);
    }
    for (size_t i = 0; i < count; i++) tasks[i]->message->position += step;
}

static size_t choose(const struct e5_hash_crew *crew, struct task *chosen[LANES]) {
    size_t n = 0;
    for (struct task *task = crew->first; task != NULL && n < LANES; task = task->next)
        if (!task->is_taken) chosen[n++] = task;
    return n;
}

static void take_out(struct e5_hash_crew *crew, const struct task *task) {
    struct task **at = &crew->first;
    while (*at != task) at = &(*at)->next;
    *at = task->next;
}

/* Only whoever hashes needs room for it, and most of those who meet do not. */
static void go_on_with_room(struct task *const chosen[], size_t n) {
    unsigned char *block;
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = e5_alloc(n, E5_HASH_BLOCK, &block, &err);
    if (status == E5_OK) go_on(chosen, n, block);
    for (size_t i = 0; i < n && status != E5_OK; i++) {
        chosen[i]->status = status;
        chosen[i]->error = err;
    }
    free(block);
}

/* With the lock held, but not while it hashes. */
static void round_of(struct e5_hash_crew *crew, struct task *chosen[LANES], size_t n) {
    for (size_t i = 0; i < n; i++) chosen[i]->is_taken = true;
    crew->rounds++;
    pthread_mutex_unlock(&crew->lock);
    go_on_with_room(chosen, n);
    pthread_mutex_lock(&crew->lock);
    crew->rounds--;
    for (size_t i = 0; i < n; i++) {
        struct task *task = chosen[i];
        task->is_taken = false;
        task->is_over = task->status != E5_OK || left(task) == 0;
        if (task->is_over) take_out(crew, task);
    }
    pthread_cond_broadcast(&crew->changed);
}

/* Who waits. */

/* Sixteen make a round at any time.  Fewer begin one when nobody else is at work, and nobody else will come soon. */
static bool may_begin(const struct e5_hash_crew *crew, struct task *const chosen[], size_t n, double now) {
    unsigned growing = 0;
    if (n == LANES) return true;
    if (n == 0 || crew->rounds > 0) return false;
    for (size_t i = 0; i < n; i++) growing += chosen[i]->is_coming;
    return atomic_load(&crew->expected) <= growing || now - chosen[0]->since >= COMPANY;
}

/* Nobody is woken: whoever comes as the last of them begins the round itself. */
static void append(struct e5_hash_crew *crew, struct task *task) {
    struct task **end = &crew->first;
    while (*end != NULL) end = &(*end)->next;
    *end = task;
}

static void hash_together(struct e5_hash_crew *crew, struct task *task) {
    struct task *chosen[LANES];
    pthread_mutex_lock(&crew->lock);
    append(crew, task);
    while (!task->is_over) {
        size_t n = choose(crew, chosen);
        if (!task->is_taken && e5_watch_cancelled(task->watch)) {
            task->status = e5_watch_check(task->watch, &task->error);
            task->is_over = true;
            take_out(crew, task);
        } else if (may_begin(crew, chosen, n, e5_clock_monotonic())) {
            round_of(crew, chosen, n);
        } else {
            e5_clock_wait(&crew->changed, &crew->lock, e5_clock_monotonic() + STEP);
        }
    }
    pthread_mutex_unlock(&crew->lock);
}

static void hash_alone(struct task *task) {
    while (task->status == E5_OK && left(task) > 0) {
        task->status = e5_watch_check(task->watch, &task->error);
        if (task->status == E5_OK) go_on_with_room(&task, 1);
    }
}

enum e5_status e5_hash_crew_add(struct e5_hash_crew *crew, struct e5_hash_message *message, int fd, const char *path,
                                int64_t upto, bool is_coming, struct e5_watch *watch, struct e5_error *err) {
    struct task task = {.message = message,
                        .fd = fd,
                        .path = path,
                        .upto = upto - upto % E5_MD5_BLOCK,
                        .is_coming = is_coming,
                        .since = e5_clock_monotonic(),
                        .watch = watch,
                        .error = E5_ERROR_NONE};
    if (left(&task) <= 0) return E5_OK;
    if (crew == NULL || left(&task) < LEAST)
        hash_alone(&task);
    else
        hash_together(crew, &task);
    if (task.status != E5_OK && err != NULL && err->status == E5_OK) *err = task.error;
    return task.status;
}
