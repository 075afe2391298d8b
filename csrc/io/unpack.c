#include "io/unpack.h"

#include <math.h>
#include <string.h>

#define BLOCK 512 /* elements: three blocks of doubles stay in the first-level cache */

/* --- byte order --- */

#define SWAP_LOOP(bits)                                                   \
    static void swap_##bits(const uint8_t *from, size_t n, uint8_t *to) { \
        for (size_t i = 0; i < n; i++) {                                  \
            uint##bits##_t v;                                             \
            memcpy(&v, from + i * sizeof v, sizeof v);                    \
            v = __builtin_bswap##bits(v);                                 \
            memcpy(to + i * sizeof v, &v, sizeof v);                      \
        }                                                                 \
    }
SWAP_LOOP(16)
SWAP_LOOP(32)
SWAP_LOOP(64)

static void swap(size_t element, const uint8_t *from, size_t n, uint8_t *to) {
    if (element == 2) swap_16(from, n, to);
    if (element == 4) swap_32(from, n, to);
    if (element == 8) swap_64(from, n, to);
}

/* --- loading: one loop per stored type; `from` need not be aligned --- */

#define LOAD_LOOP(name, type, wide)                             \
    static void name(const uint8_t *from, size_t n, wide *to) { \
        for (size_t i = 0; i < n; i++) {                        \
            type v;                                             \
            memcpy(&v, from + i * sizeof v, sizeof v);          \
            to[i] = (wide)v;                                    \
        }                                                       \
    }
LOAD_LOOP(real_f32, float, double)
LOAD_LOOP(real_f64, double, double)
LOAD_LOOP(real_i8, int8_t, double)
LOAD_LOOP(real_u8, uint8_t, double)
LOAD_LOOP(real_i16, int16_t, double)
LOAD_LOOP(real_u16, uint16_t, double)
LOAD_LOOP(real_i32, int32_t, double)
LOAD_LOOP(real_u32, uint32_t, double)
LOAD_LOOP(real_i64, int64_t, double)
LOAD_LOOP(real_u64, uint64_t, double)
LOAD_LOOP(whole_i8, int8_t, int64_t)
LOAD_LOOP(whole_u8, uint8_t, int64_t)
LOAD_LOOP(whole_i16, int16_t, int64_t)
LOAD_LOOP(whole_u16, uint16_t, int64_t)
LOAD_LOOP(whole_i32, int32_t, int64_t)
LOAD_LOOP(whole_u32, uint32_t, int64_t)
LOAD_LOOP(whole_i64, int64_t, int64_t)
LOAD_LOOP(whole_u64, uint64_t, int64_t)

static const struct {
    size_t size;
    void (*real)(const uint8_t *from, size_t n, double *to);
    void (*whole)(const uint8_t *from, size_t n, int64_t *to); /* NULL: not an integer */
} types[E5_DTYPE_COUNT] = {
    [E5_F32] = {4, real_f32, NULL},      [E5_F64] = {8, real_f64, NULL},      [E5_I8] = {1, real_i8, whole_i8},
    [E5_U8] = {1, real_u8, whole_u8},    [E5_I16] = {2, real_i16, whole_i16}, [E5_U16] = {2, real_u16, whole_u16},
    [E5_I32] = {4, real_i32, whole_i32}, [E5_U32] = {4, real_u32, whole_u32}, [E5_I64] = {8, real_i64, whole_i64},
    [E5_U64] = {8, real_u64, whole_u64},
};

/* --- missing values and scale --- */

static bool can_miss(const struct e5_packing *p) {
    return !isnan(p->fill) || !isnan(p->missing) || p->valid_min > -INFINITY || p->valid_max < INFINITY;
}

static bool is_packed(const struct e5_packing *p) { return p->scale != 1 || p->offset != 0; }

/* `|` and not `||`: no branches, so that the loop can be vectorised. */
static int is_missing(const struct e5_packing *p, double x) {
    return (x == p->fill) | (x == p->missing) | (x < p->valid_min) | (x > p->valid_max);
}

static void apply(struct e5_packing p, bool packed, size_t n, double *v) {
    if (!packed) p.scale = 1, p.offset = -0.0; /* adding −0 changes no value, not even a zero's sign */
    for (size_t i = 0; i < n; i++) {
        double scaled = v[i] * p.scale + p.offset;
        v[i] = is_missing(&p, v[i]) ? NAN : scaled;
    }
}

static void mask_f32(struct e5_packing p, size_t n, float *v) {
    for (size_t i = 0; i < n; i++) v[i] = is_missing(&p, (double)v[i]) ? NAN : v[i];
}

/* --- the three ways --- */

bool e5_unpack_keeps_bytes(const struct e5_unpack *how) {
    bool as_stored = how->as == E5_I64 || (!is_packed(&how->packing) && !can_miss(&how->packing));
    return how->from == how->as && !how->swapped && as_stored;
}

/* Same type in and out, not scaled: bytes are copied, so that every bit stays. */
static void copy(const struct e5_unpack *how, const uint8_t *from, size_t n, uint8_t *to) {
    size_t element = types[how->from].size;
    if (how->swapped)
        swap(element, from, n, to);
    else
        memcpy(to, from, n * element);
    if (how->as == E5_I64 || !can_miss(&how->packing)) return;
    if (how->as == E5_F32)
        mask_f32(how->packing, n, (float *)(void *)to);
    else
        apply(how->packing, false, n, (double *)(void *)to);
}

static void store_f32(const double *v, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) to[i] = (float)v[i];
}

static void convert(const struct e5_unpack *how, const uint8_t *from, size_t n, void *to) {
    double v[BLOCK];
    bool packed = is_packed(&how->packing);
    types[how->from].real(from, n, v);
    if (packed || can_miss(&how->packing)) apply(how->packing, packed, n, v);
    if (how->as == E5_F32)
        store_f32(v, n, to);
    else
        memcpy(to, v, n * sizeof v[0]);
}

static void block(const struct e5_unpack *how, const uint8_t *from, size_t n, uint8_t *to) {
    uint8_t native[BLOCK * 8];
    size_t element = types[how->from].size;
    if (how->swapped && element > 1) {
        swap(element, from, n, native);
        from = native;
    }
    if (how->as == E5_I64)
        types[how->from].whole(from, n, (int64_t *)(void *)to);
    else
        convert(how, from, n, to);
}

void e5_unpack(const struct e5_unpack *how, const void *from, size_t n, void *to) {
    const uint8_t *in = from;
    uint8_t *out = to;
    size_t element = types[how->from].size, wide = types[how->as].size;
    if (how->from == how->as && (how->as == E5_I64 || !is_packed(&how->packing))) {
        copy(how, in, n, out);
        return;
    }
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t part = n - done < BLOCK ? n - done : BLOCK;
        block(how, in + done * element, part, out + done * wide);
    }
}

/* --- shuffle --- */

/* With the width known to the compiler the inner loop becomes byte interleaving in vector registers. */
#define UNSHUFFLE_LOOP(width)                                                                                      \
    static void unshuffle_##width(const uint8_t *restrict planes, size_t stride, size_t n, uint8_t *restrict to) { \
        for (size_t i = 0; i < n; i++)                                                                             \
            for (size_t k = 0; k < width; k++) to[i * width + k] = planes[k * stride + i];                         \
    }
UNSHUFFLE_LOOP(2)
UNSHUFFLE_LOOP(4)
UNSHUFFLE_LOOP(8)

void e5_unshuffle(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to) {
    planes += first;
    if (element == 1) memcpy(to, planes, n);
    if (element == 2) unshuffle_2(planes, stride, n, to);
    if (element == 4) unshuffle_4(planes, stride, n, to);
    if (element == 8) unshuffle_8(planes, stride, n, to);
}
