#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/chunk_cache.h"
#include "pool/pool.h"

#define SIZE ((size_t)1000)

static struct e5_chunk_key key_of(uint64_t address) {
    return (struct e5_chunk_key){
        .device = 1, .inode = 2, .file_size = 3, .seconds = 4, .address = address, .bytes = SIZE};
}

static struct e5_room make_room(char mark) {
    struct e5_room room = {0};
    CHECK_OK(e5_room_need(&room, SIZE, err));
    memset(room.bytes, mark, SIZE);
    return room;
}

/* Use a chunk: true when it was there, false when it had to be filled, with the low byte of its address. */
static bool use(uint64_t address, uint64_t call) {
    struct e5_chunk_key key = key_of(address);
    struct e5_decoded decoded = {0};
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, call, NULL, &decode, &decoded);
    if (chunk == NULL) {
        CHECK(decode);
        return false;
    }
    if (decode) {
        struct e5_room room = make_room((char)address);
        CHECK(e5_chunk_cache_fill(chunk, &(struct e5_decoded){room.bytes, 7}, &room));
        free(room.bytes);
    } else {
        CHECK(decoded.plane == 7);
        for (size_t i = 0; i < SIZE; i++) CHECK(decoded.bytes[i] == (uint8_t)address);
    }
    e5_chunk_cache_release(chunk);
    return !decode;
}

static size_t held(void) {
    size_t limit;
    return e5_chunk_cache_bytes(&limit);
}

static void empty(size_t limit) {
    e5_chunk_cache_limit(0);
    CHECK(held() == 0);
    e5_chunk_cache_limit(limit);
}

TEST(the_first_limit_is_modest) {
    size_t limit;
    CHECK(e5_chunk_cache_bytes(&limit) == 0);
    CHECK(limit > 0 && limit <= (size_t)1 << 30);
}

TEST(what_was_filled_is_found) {
    empty(10 * SIZE);
    uint64_t call = e5_chunk_cache_call();
    CHECK(!use(5, call) && use(5, call) && held() == SIZE);
    CHECK(!use(6, call) && use(6, call) && use(5, call) && held() == 2 * SIZE);
}

/* Every part of a key counts. */
TEST(another_file_is_another_chunk) {
    empty(10 * SIZE);
    uint64_t call = e5_chunk_cache_call();
    CHECK(!use(5, call));
    for (size_t part = 0; part < sizeof(struct e5_chunk_key) / 8; part++) {
        struct e5_chunk_key key = key_of(5);
        struct e5_decoded decoded;
        uint64_t word;
        bool decode;
        memcpy(&word, (char *)&key + part * 8, 8);
        word++;
        memcpy((char *)&key + part * 8, &word, 8);
        struct e5_cached *chunk = e5_chunk_cache_get(&key, call, NULL, &decode, &decoded);
        CHECK(chunk != NULL && decode);
        e5_chunk_cache_release(chunk);
    }
    CHECK(held() == SIZE && use(5, call));
}

TEST(what_was_not_used_for_longest_goes) {
    empty(3 * SIZE);
    for (uint64_t i = 1; i <= 3; i++) CHECK(!use(i, e5_chunk_cache_call()));
    CHECK(use(1, e5_chunk_cache_call()));
    CHECK(!use(4, e5_chunk_cache_call()));
    CHECK(held() == 3 * SIZE);
    CHECK(use(1, e5_chunk_cache_call()) && use(3, e5_chunk_cache_call()) && use(4, e5_chunk_cache_call()));
    CHECK(!use(2, e5_chunk_cache_call()));
}

/* Steps through more chunks than fit: the first ones stay, and are found by each later call. */
TEST(a_pass_over_too_many_keeps_some) {
    empty(4 * SIZE);
    for (int step = 0; step < 5; step++) {
        uint64_t call = e5_chunk_cache_call();
        int found = 0;
        for (uint64_t i = 0; i < 10; i++) found += use(100 + i, call);
        CHECK(found == (step > 0 ? 4 : 0));
    }
    CHECK(held() == 4 * SIZE);
}

/* Many files, each with a call of its own, would displace each other's chunks and find none of them again. */
TEST(calls_of_a_pass_are_one) {
    uint64_t call = e5_chunk_cache_call();
    e5_chunk_cache_pass(call);
    CHECK(e5_chunk_cache_call() == call && e5_chunk_cache_call() == call);
    e5_chunk_cache_pass(0);
    CHECK(e5_chunk_cache_call() > call);
}

TEST(the_limit_holds_at_once) {
    empty(4 * SIZE);
    uint64_t call = e5_chunk_cache_call();
    for (uint64_t i = 0; i < 4; i++) CHECK(!use(i, call));
    struct e5_chunk_key key = key_of(2);
    struct e5_decoded decoded;
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, call, NULL, &decode, &decoded);
    CHECK(chunk != NULL && !decode);
    e5_chunk_cache_limit(0);
    CHECK(held() == SIZE && decoded.bytes[0] == 2); /* somebody is still at it */
    e5_chunk_cache_release(chunk);
    CHECK(held() == 0);
    CHECK(!use(1, call) && !use(1, call) && held() == 0);
}

/* Claim a chunk, and fill it when nobody has it. */
static bool claim(uint64_t address, uint64_t call, bool *there) {
    struct e5_chunk_key key = key_of(address);
    struct e5_cached *chunk = e5_chunk_cache_claim(&key, call, there);
    if (chunk == NULL) return false;
    struct e5_room room = make_room((char)address);
    e5_chunk_cache_fill(chunk, &(struct e5_decoded){room.bytes, 7}, &room);
    free(room.bytes);
    e5_chunk_cache_release(chunk);
    return true;
}

TEST(who_comes_before_anybody_asked_displaces_only_what_is_old) {
    bool there, decode;
    empty(4 * SIZE);
    CHECK(!use(1, e5_chunk_cache_call()));
    uint64_t since = e5_chunk_cache_call();
    CHECK(!use(2, since) && !use(3, e5_chunk_cache_call()));
    CHECK(claim(11, since, &there) && !there);
    CHECK(!claim(11, since, &there) && there && !claim(2, since, &there) && there);
    CHECK(claim(12, since, &there)); /* in the place of 1 */
    CHECK(!claim(13, since, &there) && !there && held() == 4 * SIZE);
    since = e5_chunk_cache_call();
    for (uint64_t i = 11; i <= 12; i++) CHECK(!claim(i, since, &there) && there); /* which makes them young again */
    CHECK(claim(13, since, &there) && claim(14, since, &there)); /* in the places of 2 and 3 */
    CHECK(!claim(15, since, &there) && !there);
    for (uint64_t i = 11; i <= 14; i++) CHECK(use(i, since));
    struct e5_chunk_key key = key_of(21);
    struct e5_decoded decoded;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    CHECK(chunk != NULL && decode && !claim(21, e5_chunk_cache_call(), &there) && there); /* does not wait for it */
    e5_chunk_cache_release(chunk);
}

TEST(who_is_met_again_is_known) {
    empty(2 * SIZE);
    struct e5_chunk_key wanted = key_of(5001), kept = key_of(5002), other = key_of(5001);
    other.nanoseconds++;
    CHECK(!e5_chunk_cache_met(&wanted) && e5_chunk_cache_met(&wanted) && held() == 0);
    CHECK(!e5_chunk_cache_met(&other));
    CHECK(!use(5002, e5_chunk_cache_call()) && e5_chunk_cache_met(&kept));
}

TEST(memory_is_used_again) {
    empty(SIZE);
    CHECK(!use(1, e5_chunk_cache_call()));
    struct e5_chunk_key key = key_of(2);
    struct e5_decoded decoded;
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    CHECK(chunk != NULL && decode);
    struct e5_room room = make_room(2);
    e5_chunk_cache_fill(chunk, &(struct e5_decoded){room.bytes, 0}, &room);
    e5_chunk_cache_release(chunk);
    CHECK(room.size == SIZE && room.bytes != NULL && room.bytes[0] == 1);
    free(room.bytes);
}

static struct e5_cached *fill_from(uint64_t address, size_t size, struct e5_room *room) {
    struct e5_chunk_key key = key_of(address);
    struct e5_decoded decoded;
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    CHECK(chunk != NULL && decode);
    CHECK_OK(e5_room_need(room, size, err));
    memset(room->bytes, (int)address, SIZE);
    e5_chunk_cache_fill(chunk, &(struct e5_decoded){room->bytes, 7}, room);
    return chunk;
}

/* Else one small chunk decoded after large ones would push all others out. */
TEST(a_room_far_too_large_is_not_kept) {
    struct e5_room room = {0};
    empty(4 * SIZE);
    for (uint64_t i = 1; i <= 4; i++) e5_chunk_cache_release(fill_from(i, 1000 * SIZE, &room));
    CHECK(room.size == 1000 * SIZE && held() == 4 * SIZE);
    for (uint64_t i = 1; i <= 4; i++) CHECK(use(i, e5_chunk_cache_call()));
    empty(4 * SIZE);
    e5_alloc_fail_after(1); /* the copy */
    e5_chunk_cache_release(fill_from(5, SIZE, &room));
    CHECK(room.size == 1000 * SIZE && held() == 0);
    free(room.bytes);
}

TEST(the_limit_holds_for_rooms_too) {
    struct e5_room room = {0};
    empty(2 * SIZE);
    CHECK(!use(1, e5_chunk_cache_call()));
    struct e5_cached *chunk = fill_from(2, 2 * SIZE, &room);
    CHECK(held() == 2 * SIZE); /* in the place of 1 */
    e5_chunk_cache_release(chunk);
    chunk = fill_from(3, SIZE, &room);
    struct e5_cached *beside = fill_from(4, 2 * SIZE, &room); /* a copy, since 3 is being used */
    CHECK(held() == 2 * SIZE);
    e5_chunk_cache_release(beside);
    e5_chunk_cache_release(chunk);
    CHECK(held() == 2 * SIZE && use(3, e5_chunk_cache_call()) && use(4, e5_chunk_cache_call()));
    free(room.bytes);
}

TEST(one_that_failed_is_tried_again) {
    empty(4 * SIZE);
    struct e5_chunk_key key = key_of(1);
    struct e5_decoded decoded;
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    CHECK(chunk != NULL && decode && held() == SIZE);
    e5_chunk_cache_release(chunk);
    CHECK(held() == 0);
    CHECK(!use(1, e5_chunk_cache_call()) && use(1, e5_chunk_cache_call()));
}

/* --- threads --- */

struct crowd {
    uint64_t addresses, call; /* call 0: one for each task */
    atomic_int decoded[64];
    atomic_int failures; /* how many of the first attempts fail */
};

static enum e5_status use_one(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct crowd *crowd = context;
    uint64_t address = index * 7 % crowd->addresses;
    struct e5_chunk_key key = key_of(address);
    struct e5_decoded decoded;
    bool decode;
    (void)slot;
    uint64_t call = crowd->call > 0 ? crowd->call : e5_chunk_cache_call();
    struct e5_cached *chunk = e5_chunk_cache_get(&key, call, NULL, &decode, &decoded);
    if (chunk == NULL) return E5_OK;
    enum e5_status status = E5_OK;
    if (decode && atomic_fetch_sub(&crowd->failures, 1) <= 0) {
        struct e5_room room = {0};
        status = e5_room_need(&room, SIZE, err);
        memset(room.bytes, (int)address, SIZE);
        atomic_fetch_add(&crowd->decoded[address], 1);
        e5_chunk_cache_fill(chunk, &(struct e5_decoded){room.bytes, 0}, &room);
        free(room.bytes);
    } else if (!decode && (decoded.bytes[0] != (uint8_t)address || decoded.bytes[SIZE - 1] != (uint8_t)address)) {
        status = e5_fail(err, E5_INTERNAL, "foreign bytes");
    }
    e5_chunk_cache_release(chunk);
    return status;
}

static void run_crowd(struct crowd *crowd, size_t n) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(8, &pool, err));
    CHECK_OK(e5_pool_for(pool, NULL, n, use_one, crowd, err));
    e5_pool_free(pool);
}

TEST(threads_decode_each_chunk_once) {
    struct crowd crowd = {.addresses = 16};
    empty(16 * SIZE);
    run_crowd(&crowd, 4000);
    for (int i = 0; i < 16; i++) CHECK(atomic_load(&crowd.decoded[i]) == 1);
    CHECK(held() == 16 * SIZE);
}

TEST(threads_that_compete_for_room_stay_within_it) {
    struct crowd crowd = {.addresses = 64};
    empty(10 * SIZE);
    run_crowd(&crowd, 4000);
    CHECK(held() <= 10 * SIZE);
}

TEST(who_waits_for_one_that_fails_goes_on) {
    struct crowd crowd = {.addresses = 3, .failures = 20};
    empty(10 * SIZE);
    run_crowd(&crowd, 300);
    for (int i = 0; i < 3; i++) CHECK(atomic_load(&crowd.decoded[i]) == 1);
}

struct waiter {
    struct e5_watch watch;
    bool went, decode;
};

static void *wait_for_it(void *context) {
    struct waiter *waiter = context;
    struct e5_chunk_key key = key_of(5);
    struct e5_decoded decoded;
    waiter->went = e5_chunk_cache_get(&key, e5_chunk_cache_call(), &waiter->watch, &waiter->decode, &decoded) == NULL;
    return NULL;
}

TEST(who_waits_may_go_away) {
    struct waiter waiter = {.went = false};
    struct e5_chunk_key key = key_of(5);
    struct e5_decoded decoded;
    pthread_t thread;
    bool decode;
    empty(10 * SIZE);
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    CHECK(chunk != NULL && decode);
    alarm(20); /* instead of a hang */
    CHECK(pthread_create(&thread, NULL, wait_for_it, &waiter) == 0);
    usleep(20000);
    e5_watch_cancel(&waiter.watch);
    pthread_join(thread, NULL);
    alarm(0);
    CHECK(waiter.went && waiter.decode);
    e5_chunk_cache_release(chunk);
    CHECK(held() == 0);
}

/* --- processes --- */

static void *hold_until_told(void *told) {
    struct e5_chunk_key key = key_of(77);
    struct e5_decoded decoded;
    bool decode;
    struct e5_cached *chunk = e5_chunk_cache_get(&key, e5_chunk_cache_call(), NULL, &decode, &decoded);
    atomic_store((atomic_int *)told, 1);
    while (atomic_load((atomic_int *)told) == 1) usleep(1000);
    e5_chunk_cache_release(chunk);
    return NULL;
}

/* A child that is forked while another thread decodes a chunk must not wait for it. */
TEST(a_child_begins_with_nothing) {
    atomic_int told = 0;
    pthread_t thread;
    int result = -1;
    empty(10 * SIZE);
    CHECK(!use(1, e5_chunk_cache_call()));
    CHECK(pthread_create(&thread, NULL, hold_until_told, &told) == 0);
    while (atomic_load(&told) == 0) usleep(1000);
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* instead of a hang */
        bool good = held() == 0 && !use(77, e5_chunk_cache_call()) && use(77, e5_chunk_cache_call());
        _exit(good && check_failures == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &result, 0) == child && result == 0);
    atomic_store(&told, 2);
    pthread_join(thread, NULL);
    CHECK(use(1, e5_chunk_cache_call()));
    empty(0);
}

int main(void) {
    RUN(the_first_limit_is_modest);
    RUN(what_was_filled_is_found);
    RUN(another_file_is_another_chunk);
    RUN(what_was_not_used_for_longest_goes);
    RUN(a_pass_over_too_many_keeps_some);
    RUN(calls_of_a_pass_are_one);
    RUN(the_limit_holds_at_once);
    RUN(who_comes_before_anybody_asked_displaces_only_what_is_old);
    RUN(who_is_met_again_is_known);
    RUN(memory_is_used_again);
    RUN(a_room_far_too_large_is_not_kept);
    RUN(the_limit_holds_for_rooms_too);
    RUN(one_that_failed_is_tried_again);
    RUN(threads_decode_each_chunk_once);
    RUN(threads_that_compete_for_room_stay_within_it);
    RUN(who_waits_for_one_that_fails_goes_on);
    RUN(who_waits_may_go_away);
    RUN(a_child_begins_with_nothing);
    return check_summary();
}
