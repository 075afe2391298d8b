/* Chunks hang in two lists: that of their bucket, to be found, and one of all in order of last use, to make room from
 * its end.  Everything is under one lock, which is never held while a chunk is decoded or used. */
#include "io/chunk_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define BUCKETS ((size_t)1 << 12)
#define LIMIT_MOST ((size_t)1 << 30)
#define LIMIT_SHARE 8 /* of the memory: its eighth */
#define LOOK_SECONDS 0.1 /* so often somebody who waits looks at his watch */
#define ROOMY 2 /* times the bytes of a chunk: a room of more is not kept for it */
#define MET_BITS 14 /* so many chunks are remembered without being kept */

struct e5_cached {
    struct e5_chunk_key key;
    size_t bytes;
    bool ready; /* else somebody is decoding it */
    unsigned users; /* who hold it now */
    uint64_t call; /* the last that used it */
    struct e5_decoded decoded;
    struct e5_room room; /* not ready yet: memory of a dropped chunk, to be used again */
    struct e5_cached *next; /* in its bucket */
    struct e5_cached *younger, *older; /* by last use */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a chunk is ready, or was given up */
    size_t bytes, limit;
    uint64_t calls;
    struct e5_cached *youngest, *oldest;
    struct e5_cached *bucket[BUCKETS];
    uint64_t
        met[(size_t)1 << MET_BITS]; /* those that were wanted without being kept, mixed; newer ones displace others */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- lists --- */

static uint64_t mix(const struct e5_chunk_key *key) {
    uint64_t file = key->inode << 20 ^ key->file_size ^ (uint64_t)key->seconds << 32 ^ (uint64_t)key->nanoseconds;
    return (key->address ^ file ^ key->variable << 40) * UINT64_C(0x9E3779B97F4A7C15);
}

static struct e5_cached **bucket_of(const struct e5_chunk_key *key) {
    return &cache.bucket[mix(key) >> 52 & (BUCKETS - 1)];
}

static struct e5_cached *find(const struct e5_chunk_key *key) {
    struct e5_cached *chunk = *bucket_of(key);
    while (chunk != NULL && memcmp(&chunk->key, key, sizeof *key) != 0) chunk = chunk->next;
    return chunk;
}

static void make_youngest(struct e5_cached *chunk) {
    chunk->older = cache.youngest;
    chunk->younger = NULL;
    *(cache.youngest != NULL ? &cache.youngest->younger : &cache.oldest) = chunk;
    cache.youngest = chunk;
}

static void leave_order(struct e5_cached *chunk) {
    *(chunk->younger != NULL ? &chunk->younger->older : &cache.youngest) = chunk->older;
    *(chunk->older != NULL ? &chunk->older->younger : &cache.oldest) = chunk->younger;
}

/* Its memory goes to *room, when that is not NULL. */
static void drop(struct e5_cached *chunk, struct e5_room *room) {
    struct e5_cached **link = bucket_of(&chunk->key);
    while (*link != chunk) link = &(*link)->next;
    *link = chunk->next;
    leave_order(chunk);
    cache.bytes -= chunk->bytes;
    if (room != NULL) {
        free(room->bytes);
        *room = chunk->room;
    } else {
        free(chunk->room.bytes);
    }
    free(chunk);
}

/* Drops what was not used for longest and by no call from `call` on, until `bytes` more find room; false when they do
 * not.  *room is memory of the last one dropped. */
static bool make_room(size_t bytes, uint64_t call, struct e5_room *room) {
    struct e5_cached *chunk = cache.oldest;
    if (bytes > cache.limit) return false;
    while (cache.bytes > cache.limit - bytes && chunk != NULL) {
        struct e5_cached *younger = chunk->younger;
        if (chunk->users == 0 && chunk->call < call) drop(chunk, room);
        chunk = younger;
    }
    return cache.bytes <= cache.limit - bytes;
}

/* --- life --- */

static void hold(void) { pthread_mutex_lock(&cache.lock); }
static void release(void) { pthread_mutex_unlock(&cache.lock); }

/* Those who held or decoded a chunk are not in the child. */
static void start_anew(void) {
    while (cache.oldest != NULL) drop(cache.oldest, NULL);
    e5_clock_condition_init(&cache.changed);
    release();
}

static void install(void) {
    size_t share = e5_memory_available() / LIMIT_SHARE;
    e5_clock_condition_init(&cache.changed);
    cache.limit = share < LIMIT_MOST ? share : LIMIT_MOST;
    e5_memory_provide(cache.met, sizeof cache.met); /* chunks fall anywhere in it: a fault for each of the first */
    pthread_atfork(hold, release, start_anew);
}

static void enter(void) {
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    pthread_once(&installed, install);
    hold();
}

void e5_chunk_cache_limit(size_t bytes) {
    enter();
    cache.limit = bytes;
    size_t before = cache.bytes;
    (void)make_room(0, UINT64_MAX, NULL);
    bool dropped = cache.bytes < before;
    release();
    if (dropped) e5_memory_trim(); /* who lowers it wants the memory */
}

size_t e5_chunk_cache_bytes(size_t *limit) {
    enter();
    size_t bytes = cache.bytes;
    *limit = cache.limit;
    release();
    return bytes;
}

static _Thread_local uint64_t pass; /* 0: none */

void e5_chunk_cache_pass(uint64_t call) { pass = call; }

uint64_t e5_chunk_cache_call(void) {
    if (pass > 0) return pass;
    enter();
    uint64_t call = ++cache.calls;
    release();
    return call;
}

/* --- chunks --- */

static struct e5_cached *add(const struct e5_chunk_key *key, uint64_t call) {
    size_t bytes = (size_t)key->bytes;
    struct e5_room room = {0};
    struct e5_cached *chunk = make_room(bytes, call, &room) ? calloc(1, sizeof *chunk) : NULL;
    if (chunk == NULL) {
        free(room.bytes);
        return NULL;
    }
    struct e5_cached **bucket = bucket_of(key);
    *chunk = (struct e5_cached){.key = *key, .bytes = bytes, .users = 1, .call = call, .room = room, .next = *bucket};
    *bucket = chunk;
    cache.bytes += bytes;
    make_youngest(chunk);
    return chunk;
}

static void refresh(struct e5_cached *chunk, uint64_t call) {
    if (chunk->call < call) chunk->call = call;
    leave_order(chunk);
    make_youngest(chunk);
}

static void use(struct e5_cached *chunk, uint64_t call, struct e5_decoded *out) {
    chunk->users++;
    refresh(chunk, call);
    *out = chunk->decoded;
}

struct e5_cached *e5_chunk_cache_get(const struct e5_chunk_key *key, uint64_t call, const struct e5_watch *watch,
                                     bool *decode, struct e5_decoded *out) {
    struct e5_cached *chunk;
    enter();
    while ((chunk = find(key)) != NULL && !chunk->ready && !e5_watch_cancelled(watch))
        (void)e5_clock_wait(&cache.changed, &cache.lock, e5_clock_monotonic() + LOOK_SECONDS);
    *decode = chunk == NULL || !chunk->ready;
    if (chunk == NULL)
        chunk = add(key, call);
    else if (chunk->ready)
        use(chunk, call, out);
    else
        chunk = NULL;
    release();
    return chunk;
}

struct e5_cached *e5_chunk_cache_claim(const struct e5_chunk_key *key, uint64_t call, bool *there) {
    enter();
    struct e5_cached *chunk = find(key), *mine = NULL;
    *there = chunk != NULL;
    if (chunk != NULL)
        refresh(chunk, call);
    else
        mine = add(key, call);
    release();
    return mine;
}

bool e5_chunk_cache_met(const struct e5_chunk_key *key) {
    uint64_t mixed = mix(key), *place = &cache.met[mixed >> (64 - MET_BITS)];
    enter();
    bool met = *place == mixed || find(key) != NULL;
    *place = mixed;
    release();
    return met;
}

/* A room of just its size with a copy of the elements; empty where there is no memory. */
static struct e5_room copy_of(const uint8_t *elements, size_t bytes) {
    struct e5_room copy = {0};
    if (e5_room_need(&copy, bytes, NULL) == E5_OK) memcpy(copy.bytes, elements, bytes);
    return copy;
}

/* The chunk gets *room, which gets what the chunk had for a room.  False: there is no place for so large a room. */
static bool take_room(struct e5_cached *chunk, size_t plane, struct e5_room *room) {
    struct e5_room other = chunk->room;
    enter();
    size_t more = room->size - chunk->bytes;
    bool fits = make_room(more, chunk->call, NULL);
    if (fits) {
        cache.bytes += more;
        chunk->bytes += more;
        chunk->room = *room;
        chunk->decoded = (struct e5_decoded){room->bytes, plane};
        chunk->ready = true;
        *room = other;
        pthread_cond_broadcast(&cache.changed);
    }
    release();
    return fits;
}

/* Rooms are used again from chunk to chunk: one that was made for far larger ones stays with whoever decodes. */
bool e5_chunk_cache_fill(struct e5_cached *chunk, const struct e5_decoded *decoded, struct e5_room *room) {
    if (room->size / ROOMY <= chunk->bytes && take_room(chunk, decoded->plane, room)) return true;
    struct e5_room copy = copy_of(decoded->bytes, chunk->bytes);
    bool filled = copy.bytes != NULL && take_room(chunk, decoded->plane, &copy);
    free(copy.bytes);
    return filled;
}

void e5_chunk_cache_release(struct e5_cached *chunk) {
    enter();
    chunk->users--;
    if (!chunk->ready) {
        drop(chunk, NULL);
        pthread_cond_broadcast(&cache.changed);
    }
    (void)make_room(0, UINT64_MAX, NULL); /* where the limit was lowered meanwhile */
    release();
}
