#include "check.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>

#include "io/filter.h"
#include "io/shuffle.h"

/* Each order of each set of filters, each of them perhaps left out for a chunk, on elements of each width: stored by
 * plain code, then undone. */

enum { ELEMENTS = 217, WIDEST = 40, MOST = ELEMENTS * WIDEST + 3 * 4 + 64 };

struct bytes {
    uint8_t at[2 * MOST];
    size_t size;
};

static void shuffle(struct bytes *bytes, size_t element) {
    struct bytes from = *bytes;
    size_t n = from.size / element;
    for (size_t i = 0; i < n * element; i++) bytes->at[i % element * n + i / element] = from.at[i];
}

static void deflate(struct bytes *bytes) {
    struct bytes from = *bytes;
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(1);
    bytes->size = libdeflate_zlib_compress(compressor, from.at, from.size, bytes->at, sizeof bytes->at);
    CHECK(bytes->size > 0);
    libdeflate_free_compressor(compressor);
}

/* Fletcher's sums, a 16-bit word at a time; what is left of an odd number of bytes is the high half of a word. */
static void checksum(struct bytes *bytes) {
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < bytes->size; i += 2) {
        uint32_t low = i + 1 < bytes->size ? bytes->at[i + 1] : 0;
        a = (a + ((uint32_t)bytes->at[i] << 8 | low)) % 65535;
        b = (b + a) % 65535;
    }
    uint32_t sum = b << 16 | a;
    for (int k = 0; k < 4; k++) bytes->at[bytes->size++] = (uint8_t)(sum >> 8 * k);
}

static uint8_t byte_at(size_t i) { return (uint8_t)(i % 7 == 0 ? i * i / 5 : i % 4); }

static struct bytes store(const struct e5_map *map, uint32_t mask) {
    struct bytes bytes = {.size = ELEMENTS * map->element};
    for (size_t i = 0; i < bytes.size; i++) bytes.at[i] = byte_at(i);
    for (int i = 0; i < map->filters; i++) {
        if (mask >> i & 1) continue;
        if (map->filter[i] == E5_SHUFFLE) shuffle(&bytes, map->element);
        if (map->filter[i] == E5_DEFLATE) deflate(&bytes);
        if (map->filter[i] == E5_FLETCHER32) checksum(&bytes);
    }
    return bytes;
}

static enum e5_status undo(const struct e5_map *map, uint32_t mask, const struct bytes *stored,
                           struct e5_scratch *scratch, struct e5_decoded *out, struct e5_error *err) {
    struct e5_chunk chunk = {.size = (uint32_t)stored->size, .mask = mask};
    enum e5_status status = e5_scratch_need_stored(scratch, stored->size, err);
    if (status != E5_OK) return status;
    memcpy(scratch->stored.bytes, stored->at, stored->size);
    return e5_filter_undo("folder/file.nc", map, &chunk, scratch, out, err);
}

static bool is_right(const struct e5_map *map, const struct e5_decoded *decoded) {
    uint8_t plain[ELEMENTS * WIDEST];
    bool right = true;
    memcpy(plain, decoded->bytes, ELEMENTS * map->element);
    if (decoded->plane > 0) e5_shuffle_undo(decoded->bytes, decoded->plane, map->element, 0, ELEMENTS, plain);
    for (size_t i = 0; i < ELEMENTS * map->element; i++) right &= plain[i] == byte_at(i);
    return right;
}

static void check_map(const struct e5_map *map, struct e5_scratch *scratch) {
    for (uint32_t mask = 0; mask < 1U << map->filters; mask++) {
        int before = check_failures;
        struct bytes stored = store(map, mask);
        struct e5_decoded decoded = {0};
        CHECK_OK(undo(map, mask, &stored, scratch, &decoded, err));
        CHECK(decoded.bytes != NULL && is_right(map, &decoded));
        CHECK(e5_scratch_holder(scratch, &decoded)->bytes == decoded.bytes);
        if (check_failures > before)
            printf("  filters %d %d %d, mask %u\n", map->filter[0], map->filter[1], map->filter[2], mask);
    }
}

static void add_filters(struct e5_map *map, struct e5_scratch *scratch) {
    check_map(map, scratch);
    for (int filter = E5_DEFLATE; filter <= E5_FLETCHER32 && map->filters < E5_MAX_FILTERS; filter++) {
        bool used = false;
        for (int i = 0; i < map->filters; i++) used |= map->filter[i] == (enum e5_filter)filter;
        if (used) continue;
        map->filter[map->filters++] = (enum e5_filter)filter;
        add_filters(map, scratch);
        map->filters--;
    }
}

static struct e5_map make_map(size_t element) {
    return (struct e5_map){.ndim = 1, .dim = {ELEMENTS}, .chunk = {ELEMENTS}, .element = element};
}

TEST(every_order_and_mask) {
    struct e5_scratch scratch = {0};
    const size_t widths[] = {1, 2, 3, 4, 8, 16, WIDEST}; /* of numbers, and of texts */
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct e5_map map = make_map(widths[i]);
        add_filters(&map, &scratch);
    }
    e5_scratch_fini(&scratch);
}

/* Whatever bit is turned in a chunk with a checksum somewhere, it is found: by that one or by zlib's own. */
TEST(turned_bits_are_found) {
    struct e5_scratch scratch = {0};
    struct e5_map map = make_map(4);
    map.filters = 3;
    for (int order = 0; order < 3; order++) {
        const enum e5_filter filters[] = {E5_FLETCHER32, E5_SHUFFLE, E5_DEFLATE};
        for (int i = 0; i < 3; i++) map.filter[i] = filters[(i + order) % 3];
        struct bytes stored = store(&map, 0);
        for (size_t bit = 0; bit < stored.size * 8; bit += 5) {
            struct e5_decoded decoded;
            stored.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum e5_status status = undo(&map, 0, &stored, &scratch, &decoded, NULL);
            /* Some bits between the stream and zlib's checksum mean nothing. */
            CHECK(status == E5_CORRUPT || (status == E5_OK && is_right(&map, &decoded)));
            stored.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    e5_scratch_fini(&scratch);
}

TEST(a_wrong_size_is_corrupt) {
    struct e5_scratch scratch = {0};
    struct e5_map map = make_map(4);
    struct e5_decoded decoded;
    const enum e5_filter filters[] = {E5_DEFLATE, E5_SHUFFLE, E5_FLETCHER32};
    for (int i = 0; i < 3; i++) {
        map.filters = 1;
        map.filter[0] = filters[i];
        struct bytes stored = store(&map, 0);
        map.chunk[0] = ELEMENTS + 1;
        CHECK_STATUS(E5_CORRUPT, undo(&map, 0, &stored, &scratch, &decoded, err));
        map.chunk[0] = ELEMENTS - 1;
        CHECK_STATUS(E5_CORRUPT, undo(&map, 0, &stored, &scratch, &decoded, err));
        map.chunk[0] = ELEMENTS;
        for (stored.size = 0; stored.size < 12; stored.size++)
            CHECK_STATUS(E5_CORRUPT, undo(&map, 0, &stored, &scratch, &decoded, err));
    }
    e5_scratch_fini(&scratch);
}

/* A few bytes that claim to hold a gigabyte: refused before memory is taken. */
TEST(a_bomb_is_unsafe) {
    struct e5_scratch scratch = {0};
    struct e5_map map = make_map(4);
    struct e5_decoded decoded;
    map.filters = 1;
    map.filter[0] = E5_DEFLATE;
    struct bytes stored = store(&map, 0);
    map.chunk[0] = E5_CHUNK_MAX / 4;
    CHECK_STATUS(E5_UNSAFE, undo(&map, 0, &stored, &scratch, &decoded, err));
    CHECK(scratch.first.size < (size_t)1 << 20 && scratch.second.size < (size_t)1 << 20);
    e5_scratch_fini(&scratch);
}

TEST(memory_is_left_to_the_next_call) {
    struct e5_scratch scratch, next;
    e5_scratch_init(&scratch);
    CHECK_OK(e5_room_need(&scratch.first, 1000, err));
    uint8_t *bytes = scratch.first.bytes;
    e5_scratch_fini(&scratch);
    CHECK(scratch.first.bytes == NULL);
    e5_scratch_init(&next);
    CHECK(next.first.bytes == bytes);
    e5_scratch_fini(&next);
}

TEST(a_chunk_that_is_a_little_larger_finds_room) {
    static const size_t sizes[] = {1, 1000, (size_t)3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct e5_scratch scratch = {0};
        CHECK_OK(e5_scratch_need_stored(&scratch, sizes[i], err));
        uint8_t *bytes = scratch.stored.bytes;
        CHECK(scratch.stored.size >= sizes[i] + sizes[i] / 10);
        CHECK_OK(e5_scratch_need_stored(&scratch, sizes[i] + sizes[i] / 10, err));
        CHECK(scratch.stored.bytes == bytes);
        e5_scratch_fini(&scratch);
    }
}

int main(void) {
    RUN(every_order_and_mask);
    RUN(turned_bits_are_found);
    RUN(a_wrong_size_is_corrupt);
    RUN(a_bomb_is_unsafe);
    RUN(memory_is_left_to_the_next_call);
    RUN(a_chunk_that_is_a_little_larger_finds_room);
    return check_summary();
}
