#include "base/md5_lanes.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/isa.h"
#include "check.h"

#define MIB ((size_t)1 << 20)

static unsigned char *noise(size_t size) {
    unsigned char *bytes = malloc(size + 1);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        bytes[i] = (unsigned char)x;
    }
    return bytes;
}

/* The slow twin: one message after the other, by libcrypto. */
static bool equals_twin(const unsigned char *bytes, size_t size, const unsigned char found[E5_MD5_SIZE]) {
    struct e5_digest digest;
    char expected[E5_DIGEST_HEX], hex[2 * E5_MD5_SIZE + 1];
    CHECK_OK(e5_digest_init(&digest, E5_MD5, err));
    e5_digest_add(&digest, bytes, size);
    e5_digest_hex(&digest, expected);
    e5_digest_fini(&digest);
    for (int i = 0; i < E5_MD5_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", found[i]);
    return strcmp(hex, expected) == 0;
}

/* `count` messages of one size, which lie `step` bytes apart; taken in pieces of `blocks`. */
static bool agrees(const unsigned char *bytes, size_t count, size_t size, size_t step, size_t blocks) {
    struct e5_md5 messages[E5_MD5_LANES], *md5[E5_MD5_LANES];
    const void *at[E5_MD5_LANES];
    unsigned char out[E5_MD5_SIZE];
    size_t whole = size / E5_MD5_BLOCK, done = 0;
    for (size_t i = 0; i < count; i++) e5_md5_init(md5[i] = &messages[i]);
    while (done < whole) {
        size_t now = whole - done < blocks ? whole - done : blocks;
        for (size_t i = 0; i < count; i++) at[i] = bytes + i * step + done * E5_MD5_BLOCK;
        e5_md5_lanes_add(md5, at, count, now);
        done += now;
    }
    bool same = true;
    for (size_t i = 0; i < count; i++) {
        e5_md5_end(md5[i], bytes + i * step + whole * E5_MD5_BLOCK, size, out);
        same = equals_twin(bytes + i * step, size, out) && same;
    }
    return same;
}

static void check_sizes(void) {
    unsigned char *bytes = noise(E5_MD5_LANES * 70000);
    for (size_t size = 0; size <= 300; size++) CHECK(agrees(bytes, 1 + size % E5_MD5_LANES, size, 301, 1 + size % 3));
    srand(7);
    for (int i = 0; i < 40; i++) {
        size_t size = (size_t)rand() % 70000;
        CHECK(agrees(bytes, E5_MD5_LANES, size, size > 0 ? (size_t)rand() % size : 0,
                     1 + (size_t)rand() % 64)); /* overlapping */
    }
    free(bytes);
}

TEST(lanes_equal_their_twin_on_every_processor) {
    enum e5_isa has = e5_isa();
    for (int isa = E5_ISA_BASELINE; isa <= (int)has; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        check_sizes();
    }
    e5_isa_limit(has);
}

TEST(parts_of_a_large_file_equal_their_twin) {
    size_t part = 50 * MIB, step = 4099;
    unsigned char *bytes = noise(part + E5_MD5_LANES * step);
    CHECK(agrees(bytes, E5_MD5_LANES, part, step, 1024));
    free(bytes);
}

TEST(a_message_may_change_its_lane_and_rest) {
    unsigned char *bytes = noise(101 * E5_MD5_BLOCK), out[E5_MD5_SIZE];
    struct e5_md5 messages[E5_MD5_LANES];
    size_t done[E5_MD5_LANES] = {0};
    srand(3);
    for (size_t i = 0; i < E5_MD5_LANES; i++) e5_md5_init(&messages[i]);
    for (size_t round = 0; round < 50; round++) {
        struct e5_md5 *md5[E5_MD5_LANES];
        const void *at[E5_MD5_LANES];
        size_t count = 0, blocks = 1 + round % 2;
        for (size_t k = 0, turn = (size_t)rand(); k < E5_MD5_LANES; k++) {
            size_t i = (k + turn) % E5_MD5_LANES;
            if (rand() % 3 == 0) continue;
            md5[count] = &messages[i];
            at[count++] = bytes + done[i] * E5_MD5_BLOCK;
            done[i] += blocks;
        }
        e5_md5_lanes_add(md5, at, count, blocks);
    }
    for (size_t i = 0; i < E5_MD5_LANES; i++) {
        size_t size = done[i] * E5_MD5_BLOCK + i * 4; /* less than one block more */
        e5_md5_end(&messages[i], bytes + done[i] * E5_MD5_BLOCK, size, out);
        CHECK(done[i] > 0 && equals_twin(bytes, size, out));
    }
    free(bytes);
}

int main(void) {
    RUN(lanes_equal_their_twin_on_every_processor);
    RUN(a_message_may_change_its_lane_and_rest);
    RUN(parts_of_a_large_file_equal_their_twin);
    return check_summary();
}
