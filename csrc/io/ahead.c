/* What is to be done stands in one place, under one lock, which is not held while a chunk is decoded: several threads
 * may each be at one.  Nor is the cache asked for anything under it: fork() takes both locks, in no certain order. */
#include "io/ahead.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/chunk_cache.h"
#include "io/direct.h"
#include "io/touched.h"

#define CHUNK_MOST ((size_t)64 << 20) /* bytes; larger ones keep _leave waiting for too long */

struct work { /* chunks of one file */
    const char *path;
    const struct e5_layout *layout; /* NULL: nothing is to be done */
    const struct e5_map *map;
    struct e5_walk *walk;
    uint64_t since; /* call of the cache: what was used from it on stays there */
    uint64_t *chunk; /* numbers in the grid of chunks … */
    size_t count, next; /* … of which those from `next` on were not begun */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t done; /* with a file */
    struct work work;
    unsigned busy; /* threads that decode a chunk of it */
} ahead = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- lock --- */

static void hold(void) { pthread_mutex_lock(&ahead.lock); }
static void release(void) { pthread_mutex_unlock(&ahead.lock); }

/* Those who decoded are not in the child. */
static void start_anew(void) {
    free(ahead.work.chunk);
    ahead.work = (struct work){0};
    ahead.busy = 0;
    e5_clock_condition_init(&ahead.done);
    release();
}

static void install(void) {
    e5_clock_condition_init(&ahead.done);
    pthread_atfork(hold, release, start_anew);
}

static void enter(void) {
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    pthread_once(&installed, install);
    hold();
}

/* --- decoding --- */

static void end_when_done(void) {
    if (ahead.busy > 0 || ahead.work.next < ahead.work.count) return;
    free(ahead.work.chunk);
    ahead.work = (struct work){0};
    pthread_cond_broadcast(&ahead.done);
}

static bool decode_one(void) {
    enter();
    struct work work = ahead.work;
    bool more = work.next < work.count;
    if (more) ahead.work.next++, ahead.busy++;
    release();
    if (!more) return false;
    bool has_room = e5_direct_keep(work.path, work.layout, work.map, work.chunk[work.next], work.since);
    enter();
    ahead.busy--;
    if (!has_room) { /* to be tried once more after the next read: what the walk has left behind ages */
        ahead.work.next = ahead.work.count;
        work.walk->row = 0;
    }
    more = ahead.work.next < ahead.work.count;
    end_when_done();
    release();
    return more;
}

void e5_ahead_leave(const struct e5_layout *layout) {
    if (layout == NULL) return;
    enter();
    if (ahead.work.layout == layout) {
        ahead.work.next = ahead.work.count;
        end_when_done();
    }
    while (ahead.work.layout == layout) pthread_cond_wait(&ahead.done, &ahead.lock);
    release();
}

/* --- whom to go ahead of --- */

static bool is_part_of_a_row(const struct e5_map *map, const struct e5_pick *pick) {
    return map->way == E5_CHUNKED && map->filters > 0 && pick->stretches == 1 && pick->count < map->chunk[0] &&
           e5_map_chunk_bytes(map) <= CHUNK_MOST;
}

/* Is this read as far behind the last one as that was behind the one before?  *since is the last one's call. */
static bool goes_on(struct e5_walk *walk, size_t first, uint64_t call, uint64_t *since) {
    struct e5_walk before = *walk;
    *since = before.call;
    walk->call = call;
    walk->first = first;
    walk->stride = before.call > 0 && first > before.first ? first - before.first : 0;
    return walk->stride > 0 && walk->stride == before.stride;
}

/* The chunks of a row that reads like this one touch. */
static bool list_chunks(const struct e5_map *map, const struct e5_pick *pick, size_t row, struct work *work) {
    struct e5_pick steps[E5_MAX_DIMS];
    struct e5_touched touched;
    struct e5_box box;
    for (int d = 1; d < map->ndim; d++) steps[d] = pick[d];
    steps[0] = e5_pick_range(row * map->chunk[0], 1);
    if (e5_touched_make(map->ndim, steps, map->dim, map->chunk, &touched, NULL) != E5_OK) return false;
    if (e5_alloc(touched.count, sizeof *work->chunk, &work->chunk, NULL) == E5_OK) work->count = touched.count;
    for (size_t i = 0; i < work->count; i++) work->chunk[i] = e5_touched_box(&touched, i, &box);
    e5_touched_fini(&touched);
    return work->count > 0;
}

void e5_ahead_note(const char *path, const struct e5_layout *layout, const struct e5_map *map,
                   const struct e5_pick *pick, const struct e5_parallel *par) {
    size_t first, last, row, limit;
    (void)e5_chunk_cache_bytes(&limit);
    if (e5_parallel_slots(par) < 2 || layout->probe.kept || !is_part_of_a_row(map, pick) ||
        e5_map_chunk_bytes(map) > limit)
        return;
    struct work work = {.path = path, .layout = layout, .map = map, .walk = &layout->walk[map->number]};
    uint64_t call = e5_chunk_cache_call();
    e5_pick_bounds(pick, &first, &last);
    row = last / map->chunk[0] + 1;
    enter();
    bool wanted = goes_on(work.walk, first, call, &work.since) && row < e5_map_along(map, 0) &&
                  row != work.walk->row && ahead.work.layout == NULL && list_chunks(map, pick, row, &work);
    if (wanted) {
        work.walk->row = row;
        ahead.work = work;
    }
    bool orphaned = !wanted && ahead.work.layout != NULL && ahead.busy == 0; /* its pool was freed, say */
    release();
    if (wanted || orphaned) e5_parallel_offer(par, decode_one);
}
