#include "base/md5_lanes.h"

#include <string.h>

#include "base/isa.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LANES E5_MD5_LANES
#define HALF (LANES / 2)
#define WORDS (E5_MD5_BLOCK / 4)
#define FEW 2 /* so many are no faster side by side */

typedef uint32_t half __attribute__((vector_size(4 * HALF)));

/* The steps of RFC 1321.  Sums instead of ors, where no bit is set in both: they need not wait for each other. */
#define MIX_1(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define MIX_2(b, c, d) (((b) & (d)) + ((c) & ~(d)))
#define MIX_3(b, c, d) ((b) ^ ((c) ^ (d)))
#define MIX_4(b, c, d) ((c) ^ ((b) | ~(d)))
#define STEP(mix, a, b, c, d, k, turn, sine) \
    a += mix(b, c, d) + (word[k] + sine);    \
    a = (a << (turn) | a >> (32 - (turn))) + b;
#define FOUR(mix, turns, k0, k1, k2, k3, s0, s1, s2, s3) FOUR_OF(mix, turns, k0, k1, k2, k3, s0, s1, s2, s3)
#define FOUR_OF(mix, t0, t1, t2, t3, k0, k1, k2, k3, s0, s1, s2, s3) \
    STEP(mix, a, b, c, d, k0, t0, s0)                                \
    STEP(mix, d, a, b, c, k1, t1, s1)                                \
    STEP(mix, c, d, a, b, k2, t2, s2)                                \
    STEP(mix, b, c, d, a, k3, t3, s3)
#define ROTATE_1 7, 12, 17, 22
#define ROTATE_2 5, 9, 14, 20
#define ROTATE_3 4, 11, 16, 23
#define ROTATE_4 6, 10, 15, 21

/* The 64 steps on a, b, c, d and word[], whatever their type. */
#define ALL_STEPS                                                                             \
    FOUR(MIX_1, ROTATE_1, 0, 1, 2, 3, 0xd76aa478u, 0xe8c7b756u, 0x242070dbu, 0xc1bdceeeu)     \
    FOUR(MIX_1, ROTATE_1, 4, 5, 6, 7, 0xf57c0fafu, 0x4787c62au, 0xa8304613u, 0xfd469501u)     \
    FOUR(MIX_1, ROTATE_1, 8, 9, 10, 11, 0x698098d8u, 0x8b44f7afu, 0xffff5bb1u, 0x895cd7beu)   \
    FOUR(MIX_1, ROTATE_1, 12, 13, 14, 15, 0x6b901122u, 0xfd987193u, 0xa679438eu, 0x49b40821u) \
    FOUR(MIX_2, ROTATE_2, 1, 6, 11, 0, 0xf61e2562u, 0xc040b340u, 0x265e5a51u, 0xe9b6c7aau)    \
    FOUR(MIX_2, ROTATE_2, 5, 10, 15, 4, 0xd62f105du, 0x02441453u, 0xd8a1e681u, 0xe7d3fbc8u)   \
    FOUR(MIX_2, ROTATE_2, 9, 14, 3, 8, 0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u, 0x455a14edu)    \
    FOUR(MIX_2, ROTATE_2, 13, 2, 7, 12, 0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u, 0x8d2a4c8au)   \
    FOUR(MIX_3, ROTATE_3, 5, 8, 11, 14, 0xfffa3942u, 0x8771f681u, 0x6d9d6122u, 0xfde5380cu)   \
    FOUR(MIX_3, ROTATE_3, 1, 4, 7, 10, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u, 0xbebfbc70u)    \
    FOUR(MIX_3, ROTATE_3, 13, 0, 3, 6, 0x289b7ec6u, 0xeaa127fau, 0xd4ef3085u, 0x04881d05u)    \
    FOUR(MIX_3, ROTATE_3, 9, 12, 15, 2, 0xd9d4d039u, 0xe6db99e5u, 0x1fa27cf8u, 0xc4ac5665u)   \
    FOUR(MIX_4, ROTATE_4, 0, 7, 14, 5, 0xf4292244u, 0x432aff97u, 0xab9423a7u, 0xfc93a039u)    \
    FOUR(MIX_4, ROTATE_4, 12, 3, 10, 1, 0x655b59c3u, 0x8f0ccc92u, 0xffeff47du, 0x85845dd1u)   \
    FOUR(MIX_4, ROTATE_4, 8, 15, 6, 13, 0x6fa87e4fu, 0xfe2ce6e0u, 0xa3014314u, 0x4e0811a1u)   \
    FOUR(MIX_4, ROTATE_4, 4, 11, 2, 9, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu, 0xeb86d391u)

ALWAYS_INLINE uint32_t word_at(const unsigned char *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* Word k of all lanes stands together.  Of eight lanes it is picked up word by word: shuffles are no faster there,
 * since the steps wait for each other anyway. */
ALWAYS_INLINE void gather(const unsigned char *const at[HALF], size_t offset, half word[WORDS]) {
    uint32_t loose[WORDS][HALF];
    for (size_t lane = 0; lane < HALF; lane++)
        for (size_t k = 0; k < WORDS; k++) loose[k][lane] = word_at(at[lane] + offset + 4 * k);
    memcpy(word, loose, sizeof loose);
}

/* All steps, on vectors of one kind, for the lanes from `first` on. */
#define ADD_BLOCKS(name, vector, gather)                                                             \
    ALWAYS_INLINE void name(uint32_t state[4][LANES], size_t first, const unsigned char *const at[], \
                            size_t blocks) {                                                         \
        vector a, b, c, d, word[WORDS];                                                              \
        memcpy(&a, state[0] + first, sizeof a), memcpy(&b, state[1] + first, sizeof b);              \
        memcpy(&c, state[2] + first, sizeof c), memcpy(&d, state[3] + first, sizeof d);              \
        for (size_t block = 0; block < blocks; block++) {                                            \
            const vector a0 = a, b0 = b, c0 = c, d0 = d;                                             \
            gather(at + first, block * E5_MD5_BLOCK, word);                                          \
            ALL_STEPS                                                                                \
            a += a0, b += b0, c += c0, d += d0;                                                      \
        }                                                                                            \
        memcpy(state[0] + first, &a, sizeof a), memcpy(state[1] + first, &b, sizeof b);              \
        memcpy(state[2] + first, &c, sizeof c), memcpy(state[3] + first, &d, sizeof d);              \
    }

ADD_BLOCKS(add_half, half, gather)

ALWAYS_INLINE void add_halves(uint32_t state[4][LANES], const unsigned char *const at[LANES], size_t count,
                              size_t blocks) {
    add_half(state, 0, at, blocks);
    if (count > HALF) add_half(state, HALF, at, blocks);
}

static void add_with_any(uint32_t state[4][LANES], const unsigned char *const at[LANES], size_t count,
                         size_t blocks) {
    add_halves(state, at, count, blocks);
}

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET(name) __attribute__((target(name)))

TARGET("avx2")
static void add_with_avx2(uint32_t state[4][LANES], const unsigned char *const at[LANES], size_t count,
                          size_t blocks) {
    add_halves(state, at, count, blocks);
}

typedef uint32_t all __attribute__((vector_size(4 * LANES)));

/* Two rows of words become one of their first halves and one of their second halves, each word beside its like. */
ALWAYS_INLINE void interleave(const all *x, const all *y, all out[2]) {
    const all low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    const all high = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#if defined(__clang__)
    for (int i = 0; i < LANES; i++) {
        out[0][i] = low[i] < LANES ? (*x)[low[i]] : (*y)[low[i] - LANES];
        out[1][i] = high[i] < LANES ? (*x)[high[i]] : (*y)[high[i] - LANES];
    }
#else
    out[0] = __builtin_shuffle(*x, *y, low);
    out[1] = __builtin_shuffle(*x, *y, high);
#endif
}

/* A block of sixteen lanes is sixteen rows of sixteen words: four rounds of interleaving turn rows into columns. */
ALWAYS_INLINE void transpose(const unsigned char *const at[LANES], size_t offset, all word[WORDS]) {
    all other[WORDS];
    for (size_t lane = 0; lane < LANES; lane++) memcpy(&word[lane], at[lane] + offset, sizeof word[lane]);
    for (int twice = 0; twice < 2; twice++) {
        for (size_t i = 0; i < HALF; i++) interleave(&word[i], &word[i + HALF], other + 2 * i);
        for (size_t i = 0; i < HALF; i++) interleave(&other[i], &other[i + HALF], word + 2 * i);
    }
}

ADD_BLOCKS(add_all, all, transpose)

/* Rotation and three-way logic in one instruction each, and twice as many lanes in the same time. */
TARGET("avx512f,avx512vl,avx512bw,avx512dq")
static void add_with_avx512(uint32_t state[4][LANES], const unsigned char *const at[LANES], size_t count,
                            size_t blocks) {
    if (count > HALF)
        add_all(state, 0, at, blocks);
    else
        add_half(state, 0, at, blocks);
}
#endif

static void add_lanes(uint32_t state[4][LANES], const unsigned char *const at[LANES], size_t count, size_t blocks) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (e5_isa() == E5_ISA_AVX512) {
        add_with_avx512(state, at, count, blocks);
        return;
    }
    if (e5_isa() >= E5_ISA_AVX2) {
        add_with_avx2(state, at, count, blocks);
        return;
    }
#endif
    add_with_any(state, at, count, blocks);
}

static const struct e5_md5 begin = {{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u}};

void e5_md5_init(struct e5_md5 *md5) { *md5 = begin; }

void e5_md5_add(struct e5_md5 *md5, const void *bytes, size_t blocks) {
    const unsigned char *at = bytes;
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3], word[WORDS];
    for (; blocks > 0; blocks--, at += E5_MD5_BLOCK) {
        const uint32_t a0 = a, b0 = b, c0 = c, d0 = d;
        for (size_t k = 0; k < WORDS; k++) word[k] = word_at(at + 4 * k);
        ALL_STEPS
        a += a0, b += b0, c += c0, d += d0;
    }
    md5->state[0] = a, md5->state[1] = b, md5->state[2] = c, md5->state[3] = d;
}

static void put_word(unsigned char *to, uint32_t word) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(word >> (8 * i));
}

/* A one, zeros, and the number of bits in the last eight bytes: one block or two. */
static size_t pad(unsigned char padded[2 * E5_MD5_BLOCK], const void *tail, uint64_t total) {
    size_t size = total % E5_MD5_BLOCK, blocks = size < E5_MD5_BLOCK - 8 ? 1 : 2;
    memset(padded, 0, 2 * E5_MD5_BLOCK);
    memcpy(padded, tail, size);
    padded[size] = 0x80;
    put_word(padded + blocks * E5_MD5_BLOCK - 8, (uint32_t)(total << 3));
    put_word(padded + blocks * E5_MD5_BLOCK - 4, (uint32_t)(total >> 29));
    return blocks;
}

void e5_md5_end(struct e5_md5 *md5, const void *tail, uint64_t total, unsigned char out[E5_MD5_SIZE]) {
    unsigned char padded[2 * E5_MD5_BLOCK];
    e5_md5_add(md5, padded, pad(padded, tail, total));
    for (size_t i = 0; i < 4; i++) put_word(out + 4 * i, md5->state[i]);
}

static void take(uint32_t state[4][LANES], const struct e5_md5 *const md5[], size_t count) {
    for (size_t lane = 0; lane < LANES; lane++)
        for (size_t i = 0; i < 4; i++) state[i][lane] = md5[lane < count ? lane : 0]->state[i];
}

/* A lane that is left over does the work of the first once more. */
void e5_md5_lanes_add(struct e5_md5 *const md5[], const void *const bytes[], size_t count, size_t blocks) {
    uint32_t state[4][LANES];
    const unsigned char *at[LANES];
    if (count <= FEW) {
        for (size_t lane = 0; lane < count; lane++) e5_md5_add(md5[lane], bytes[lane], blocks);
        return;
    }
    take(state, (const struct e5_md5 *const *)md5, count);
    for (size_t lane = 0; lane < LANES; lane++) at[lane] = bytes[lane < count ? lane : 0];
    add_lanes(state, at, count, blocks);
    for (size_t lane = 0; lane < count; lane++)
        for (size_t i = 0; i < 4; i++) md5[lane]->state[i] = state[i][lane];
}
