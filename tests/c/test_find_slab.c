/* Any cut of a record into slabs gives the bits of the whole; bytes that are damaged are refused. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "drive/find_slab.h"
#include "drive/find_stream.h"
#include "find_world.h"

enum { RULES = sizeof rules / sizeof *rules };

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Steps `first` to `end` of the world, from the steps around them alone. */
static enum e5_status slab(const struct world *w, size_t first, size_t end, struct e5_pool *pool,
                           struct e5_buffer *out, struct e5_error *err) {
    size_t around = e5_find_around(w->request.rule);
    size_t low = first - smaller(around, first), high = smaller(end + around, MANY_STEPS);
    bool linked[MANY_STEPS];
    struct e5_view view = w->view;
    view.data = w->value + low * MANY_CELLS;
    view.shape[0] = high - low;
    struct e5_source source = e5_source_memory(&view);
    struct e5_find_request request = w->request;
    for (size_t t = low; t < high; t++) linked[t - low] = t > 0 && w->seconds[t] - w->seconds[t - 1] == E5_DAY;
    request.source = &source;
    request.axis = (struct e5_time_axis){0};
    request.block_bytes = 3 * MANY_CELLS * sizeof(float);
    return e5_find_slab(&request, linked, first - low, end - low, pool, NULL, out, err);
}

static enum e5_status join(const struct world *w, const struct e5_buffer *bytes, size_t n, struct e5_pool *pool,
                           struct e5_events **out, struct e5_error *err) {
    struct e5_find_bytes slabs[MANY_STEPS];
    struct e5_find_request request = w->request;
    for (size_t i = 0; i < n; i++) slabs[i] = (struct e5_find_bytes){bytes[i].bytes, bytes[i].size};
    request.source = NULL, request.threshold = NULL, request.climatology = NULL;
    return e5_find_join(&request, slabs, n, pool, NULL, out, err);
}

/* `cut` holds where slabs begin but the first, ascending, and then MANY_STEPS. */
static struct e5_events *found_in_slabs(const struct world *w, const size_t *cut, struct e5_pool *pool) {
    struct e5_buffer bytes[MANY_STEPS] = {{0}};
    struct e5_events *events = NULL;
    size_t n = 0, first = 0;
    for (; first < MANY_STEPS; first = cut[n++]) CHECK_OK(slab(w, first, cut[n], pool, &bytes[n], err));
    CHECK_OK(join(w, bytes, n, pool, &events, err));
    for (size_t i = 0; i < n; i++) e5_buffer_fini(&bytes[i]);
    return events;
}

static uint32_t random_seed = 11;

static size_t random_cut(size_t *cut) {
    size_t n = 0;
    uint32_t often = 1 + random_seed % 13;
    for (size_t t = 1; t < MANY_STEPS; t++) {
        random_seed = random_seed * 1664525u + 1013904223u;
        if ((random_seed >> 8) % often == 0) cut[n++] = t;
    }
    cut[n++] = MANY_STEPS;
    return n;
}

TEST(any_cut_gives_the_bits_of_the_whole) {
    static struct world world;
    struct e5_pool *pool;
    struct e5_events *whole = NULL;
    CHECK_OK(e5_pool_new(3, &pool, err));
    for (size_t r = 0; r < RULES; r++) {
        world_init(&world, &rules[r]);
        CHECK_OK(e5_find(&world.request, pool, NULL, &whole, err));
        CHECK(whole->count > 5);
        for (int i = 0; i < 25; i++) {
            size_t cut[MANY_STEPS];
            random_cut(cut);
            struct e5_events *parts = found_in_slabs(&world, cut, i % 2 == 0 ? pool : NULL);
            CHECK(parts != NULL && same_bits(whole, parts));
            CHECK(parts->steps == whole->steps && parts->step_days == whole->step_days);
            e5_events_free(parts);
        }
        e5_events_free(whole);
        world_fini(&world);
    }
    e5_pool_free(pool);
}

/* Cuts beside the day that is missing, and spells that no slab holds in whole. */
TEST(spells_longer_than_a_slab) {
    static struct world world;
    struct e5_event_rule rule = {.min_days = 7, .max_gap = 5, .neighbours = 26, .areas = E5_AREAS_WGS84};
    struct e5_events *whole = NULL;
    size_t every[MANY_STEPS], beside[] = {25, 26, 27, MANY_STEPS};
    for (size_t t = 0; t < MANY_STEPS; t++) every[t] = t + 1;
    world_init(&world, &rule);
    CHECK_OK(e5_find(&world.request, NULL, NULL, &whole, err));
    CHECK(whole->count > 3);
    struct e5_events *single = found_in_slabs(&world, every, NULL), *few = found_in_slabs(&world, beside, NULL);
    CHECK(same_bits(whole, single) && same_bits(whole, few));
    e5_events_free(whole);
    e5_events_free(single);
    e5_events_free(few);
    world_fini(&world);
}

TEST(slabs_that_do_not_belong_together) {
    static struct world world;
    struct e5_buffer bytes[2] = {{0}};
    struct e5_events *events = NULL;
    world_init(&world, &rules[0]);
    CHECK_OK(slab(&world, 0, 20, NULL, &bytes[0], err));
    CHECK_OK(slab(&world, 20, 40, NULL, &bytes[1], err));
    CHECK_STATUS(E5_INPUT, join(&world, bytes, 1, NULL, &events, err)); /* a half is missing */
    CHECK_STATUS(E5_INPUT, join(&world, bytes, 0, NULL, &events, err));
    world.request.axis.n = 39;
    CHECK_STATUS(E5_INPUT, join(&world, bytes, 2, NULL, &events, err));
    world.request.axis.n = 40;
    CHECK_STATUS(E5_INPUT, slab(&world, 20, 50, NULL, &bytes[0], err));
    world.grid.columns--;
    CHECK_STATUS(E5_INPUT, join(&world, bytes, 2, NULL, &events, err));
    world.grid.columns++;
    CHECK(events == NULL);
    for (int i = 0; i < 2; i++) e5_buffer_fini(&bytes[i]);
    world_fini(&world);
}

/* Whatever the bytes are, the answer is events or E5_INPUT, and never a step outside of what there is. */
TEST(damaged_bytes_are_refused_or_harmless) {
    static struct world world;
    struct e5_buffer bytes = {0};
    size_t refused = 0, size;
    world_init(&world, &rules[2]);
    CHECK_OK(slab(&world, 0, MANY_STEPS, NULL, &bytes, err));
    size = bytes.size;
    for (size_t at = 0; at < size; at += 1 + at / 60) {
        struct e5_events *events = NULL;
        char kept = bytes.bytes[at];
        bytes.bytes[at] = (char)(kept + 1 + (char)(at % 250));
        enum e5_status status = join(&world, &bytes, 1, NULL, &events, NULL);
        CHECK(status == E5_INPUT || (status == E5_OK && events != NULL));
        refused += status == E5_INPUT;
        e5_events_free(events);
        bytes.bytes[at] = kept;
        bytes.size = at;
        CHECK_STATUS(E5_INPUT, join(&world, &bytes, 1, NULL, &events, err));
        bytes.size = size;
    }
    CHECK(refused > 50);
    e5_buffer_fini(&bytes);
    world_fini(&world);
}

TEST(memory_may_run_out_anywhere) {
    static struct world world;
    struct e5_buffer bytes = {0};
    struct e5_events *events = NULL;
    enum e5_status status = E5_MEMORY;
    long n = 1;
    world_init(&world, &rules[2]);
    for (; status == E5_MEMORY && n < 20000; n++) {
        e5_buffer_fini(&bytes);
        e5_alloc_fail_after(n);
        status = slab(&world, 0, MANY_STEPS, NULL, &bytes, NULL);
        if (status == E5_OK) status = join(&world, &bytes, 1, NULL, &events, NULL);
        CHECK((status == E5_OK) == (events != NULL));
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && n > 50);
    e5_events_free(events);
    e5_buffer_fini(&bytes);
    world_fini(&world);
}

int main(void) {
    RUN(any_cut_gives_the_bits_of_the_whole);
    RUN(spells_longer_than_a_slab);
    RUN(slabs_that_do_not_belong_together);
    RUN(damaged_bytes_are_refused_or_harmless);
    RUN(memory_may_run_out_anywhere);
    return check_summary();
}
