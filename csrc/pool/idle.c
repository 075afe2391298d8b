#include "pool/idle.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/thread.h"

#define LINGER 1.0 /* seconds that a thread waits for more to do */
#define PATIENCE 0.1 /* seconds for one that is about to, where the system refuses others */

struct call {
    void (*body)(void *);
    void *context;
};

struct seat { /* where a thread waits; on its stack */
    struct call call; /* body NULL: none has come yet */
    pthread_cond_t called;
    struct seat *next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t seated; /* somebody */
    struct seat *taken; /* the last who sat down is called first: its memory is still in the cache */
} room = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- lock --- */

static void hold(void) { pthread_mutex_lock(&room.lock); }
static void release(void) { pthread_mutex_unlock(&room.lock); }

static void start_anew(void) {
    room.taken = NULL;
    e5_clock_condition_init(&room.seated);
    release();
}

static void install(void) {
    e5_clock_condition_init(&room.seated);
    pthread_atfork(hold, release, start_anew);
}

static void enter(void) {
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    pthread_once(&installed, install);
    hold();
}

/* --- who waits --- */

static void stand_up(const struct seat *seat) {
    struct seat **link = &room.taken;
    while (*link != seat) link = &(*link)->next;
    *link = seat->next;
}

/* False: nobody called in time. */
static bool wait_for_call(struct call *call) {
    struct seat seat = {0};
    bool in_time = true;
    e5_clock_condition_init(&seat.called);
    enter();
    seat.next = room.taken;
    room.taken = &seat;
    pthread_cond_signal(&room.seated);
    double until = e5_clock_monotonic() + LINGER;
    while (seat.call.body == NULL && in_time) in_time = e5_clock_wait(&seat.called, &room.lock, until);
    if (seat.call.body == NULL) stand_up(&seat);
    release();
    pthread_cond_destroy(&seat.called);
    *call = seat.call;
    return call->body != NULL;
}

static void serve(void *argument) {
    struct call call = *(struct call *)argument;
    free(argument);
    do call.body(call.context);
    while (wait_for_call(&call));
}

/* --- who calls --- */

/* Of those who wait, or who begin to in so many seconds. */
static bool call_one(struct call call, double patience) {
    double until = e5_clock_monotonic() + patience;
    enter();
    while (room.taken == NULL && patience > 0 && e5_clock_wait(&room.seated, &room.lock, until)) continue;
    struct seat *seat = room.taken;
    if (seat != NULL) {
        room.taken = seat->next;
        seat->call = call;
        pthread_cond_signal(&seat->called);
    }
    release();
    return seat != NULL;
}

static enum e5_status start_one(struct call call, struct e5_error *err) {
    struct e5_thread thread;
    struct call *first;
    enum e5_status status = e5_alloc(1, sizeof *first, &first, err);
    if (status != E5_OK) return status;
    *first = call;
    status = e5_thread_start(&thread, "e5-job", serve, first, err);
    if (status == E5_OK)
        e5_thread_detach(&thread);
    else
        free(first);
    return status;
}

enum e5_status e5_idle_run(void (*body)(void *), void *context, struct e5_error *err) {
    struct call call = {body, context};
    struct e5_error refusal = E5_ERROR_NONE;
    if (call_one(call, 0)) return E5_OK;
    enum e5_status status = start_one(call, &refusal);
    if (status == E5_OK || call_one(call, PATIENCE)) return E5_OK;
    if (err != NULL && err->status == E5_OK) *err = refusal;
    return status;
}
