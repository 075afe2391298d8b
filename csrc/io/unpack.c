#include "io/unpack.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"

#define BLOCK 512 /* elements: three blocks of doubles stay in the first-level cache */

/* Loops are written once and compiled for any processor, for AVX2, which more than halves the time of all but the
 * unshuffling (that is as fast as memory in either), and for AVX-512.  Every step rounds as the language says, so the
 * bits are the same. */
#define LOOP static inline __attribute__((always_inline))

/* --- byte order --- */

#define SWAP_LOOP(bits)                            \
    for (size_t i = 0; i < n; i++) {               \
        uint##bits##_t v;                          \
        memcpy(&v, from + i * sizeof v, sizeof v); \
        v = __builtin_bswap##bits(v);              \
        memcpy(to + i * sizeof v, &v, sizeof v);   \
    }

LOOP void swap(size_t element, const uint8_t *restrict from, size_t n, uint8_t *restrict to) {
    if (element == 1) memcpy(to, from, n);
    if (element == 2) SWAP_LOOP(16)
    if (element == 4) SWAP_LOOP(32)
    if (element == 8) SWAP_LOOP(64)
}

/* --- loading: `from` need not be aligned --- */

#define LOAD_CASE(enumerator, type, wide)              \
    case enumerator:                                   \
        for (size_t i = 0; i < n; i++) {               \
            type v;                                    \
            memcpy(&v, from + i * sizeof v, sizeof v); \
            to[i] = (wide)v;                           \
        }                                              \
        break;
#define INTEGER_CASES(wide)           \
    LOAD_CASE(E5_I8, int8_t, wide)    \
    LOAD_CASE(E5_U8, uint8_t, wide)   \
    LOAD_CASE(E5_I16, int16_t, wide)  \
    LOAD_CASE(E5_U16, uint16_t, wide) \
    LOAD_CASE(E5_I32, int32_t, wide)  \
    LOAD_CASE(E5_U32, uint32_t, wide) \
    LOAD_CASE(E5_I64, int64_t, wide)  \
    LOAD_CASE(E5_U64, uint64_t, wide)

LOOP void load_real(enum e5_dtype type, const uint8_t *restrict from, size_t n, double *restrict to) {
    switch (type) {
        LOAD_CASE(E5_F32, float, double)
        LOAD_CASE(E5_F64, double, double)
        INTEGER_CASES(double)
    default: break;
    }
}

LOOP void load_whole(enum e5_dtype type, const uint8_t *restrict from, size_t n, int64_t *restrict to) {
    switch (type) {
        INTEGER_CASES(int64_t)
    default: break; /* not an integer: refused by whoever asks for this */
    }
}

/* --- missing values and scale --- */

static bool has_range(const struct e5_packing *p) { return p->valid_min > -INFINITY || p->valid_max < INFINITY; }

static bool can_miss(const struct e5_packing *p) {
    return !isnan(p->fill) || !isnan(p->missing) || p->others > 0 || has_range(p);
}

static bool is_packed(const struct e5_packing *p) { return p->scale != 1 || p->offset != 0; }

/* `|` and not `||`: no branches, so that the loop can be vectorised. */
LOOP int is_missing(const struct e5_packing *p, double x) {
    return (x == p->fill) | (x == p->missing) | (x < p->valid_min) | (x > p->valid_max);
}

/* True when a single number means "missing", which is the usual case and the quickest to look for. */
static bool one_mark(const struct e5_packing *p, double *mark) {
    *mark = isnan(p->fill) ? p->missing : p->fill;
    return !has_range(p) && (isnan(p->fill) || isnan(p->missing) || p->fill == p->missing);
}

/* The rare other values first: NaN passes through all that follows. */
LOOP void mask_others(const struct e5_packing *p, size_t n, double *restrict v) {
    for (int k = 0; k < p->others; k++)
        for (size_t i = 0; i < n; i++) v[i] = v[i] == p->other[k] ? NAN : v[i];
}

LOOP void apply(struct e5_packing p, size_t n, double *restrict v) {
    double mark, scale = p.scale, offset = p.offset;
    mask_others(&p, n, v);
    if (!is_packed(&p)) scale = 1, offset = -0.0; /* adding −0 changes no value, not even a zero's sign */
    if (one_mark(&p, &mark)) /* no number at all is NaN, which equals nothing */
        for (size_t i = 0; i < n; i++) v[i] = v[i] == mark ? NAN : v[i] * scale + offset;
    else
        for (size_t i = 0; i < n; i++) {
            double scaled = v[i] * scale + offset;
            v[i] = is_missing(&p, v[i]) ? NAN : scaled;
        }
}

LOOP void mask_f32(struct e5_packing p, size_t n, float *restrict v) {
    double mark;
    for (int k = 0; k < p.others; k++)
        for (size_t i = 0; i < n; i++) v[i] = (double)v[i] == p.other[k] ? NAN : v[i];
    if (one_mark(&p, &mark) && (double)(float)mark == mark) {
        float narrow = (float)mark;
        for (size_t i = 0; i < n; i++) v[i] = v[i] == narrow ? NAN : v[i];
    } else {
        for (size_t i = 0; i < n; i++) v[i] = is_missing(&p, (double)v[i]) ? NAN : v[i];
    }
}

/* --- a block --- */

/* Same type in and out, not scaled: bytes are copied, so that every bit stays. */
LOOP void copy_loop(const struct e5_unpack *how, const uint8_t *restrict from, size_t n, uint8_t *restrict to) {
    size_t element = e5_dtype_size(how->from);
    if (how->swapped)
        swap(element, from, n, to);
    else
        memcpy(to, from, n * element);
    if (!can_miss(&how->packing)) return;
    if (how->as == E5_F32) mask_f32(how->packing, n, (float *)(void *)to);
    if (how->as == E5_F64) apply(how->packing, n, (double *)(void *)to);
}

/* The old layout: 16-bit integers, scaled, one number for what is missing.  The same steps as in load_real() and
 * apply(), and the same bits, but each value stays in a register. */
LOOP void short_to_float(const struct e5_unpack *how, double mark, const uint8_t *restrict from, size_t n,
                         float *restrict to) {
    double scale = how->packing.scale, offset = how->packing.offset;
    bool swapped = how->swapped;
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        bits = swapped ? __builtin_bswap16(bits) : bits;
        double stored = (int16_t)bits, scaled = stored * scale + offset;
        to[i] = stored == mark ? NAN : (float)scaled;
    }
}

static bool is_short_to_float(const struct e5_unpack *how, double *mark) {
    const struct e5_packing *p = &how->packing;
    return how->from == E5_I16 && how->as == E5_F32 && is_packed(p) && p->others == 0 && one_mark(p, mark);
}

LOOP void convert_loop(const struct e5_unpack *how, const uint8_t *restrict from, size_t n, uint8_t *restrict to) {
    uint8_t native[BLOCK * 8];
    double v[BLOCK], mark;
    if (is_short_to_float(how, &mark)) {
        short_to_float(how, mark, from, n, (float *)(void *)to);
        return;
    }
    if (how->swapped) {
        swap(e5_dtype_size(how->from), from, n, native);
        from = native;
    }
    if (how->as == E5_I64) {
        load_whole(how->from, from, n, (int64_t *)(void *)to);
        return;
    }
    load_real(how->from, from, n, v);
    if (is_packed(&how->packing) || can_miss(&how->packing)) apply(how->packing, n, v);
    if (how->as == E5_F64)
        memcpy(to, v, n * sizeof v[0]);
    else
        for (size_t i = 0; i < n; i++) ((float *)(void *)to)[i] = (float)v[i];
}

typedef void (*block_fn)(const struct e5_unpack *how, const uint8_t *restrict from, size_t n, uint8_t *restrict to);

#define VARIANT(name, attribute)                                                                              \
    attribute static void copy_##name(const struct e5_unpack *how, const uint8_t *restrict from, size_t n,    \
                                      uint8_t *restrict to) {                                                 \
        copy_loop(how, from, n, to);                                                                          \
    }                                                                                                         \
    attribute static void convert_##name(const struct e5_unpack *how, const uint8_t *restrict from, size_t n, \
                                         uint8_t *restrict to) {                                              \
        convert_loop(how, from, n, to);                                                                       \
    }
VARIANT(baseline, )
#if defined(__x86_64__) && defined(__GNUC__)
VARIANT(avx2, E5_SIMD_AVX2)
VARIANT(avx512, E5_SIMD_AVX512)
static block_fn choose(bool copies) {
    if (e5_isa() >= E5_ISA_AVX512) return copies ? copy_avx512 : convert_avx512;
    if (e5_isa() >= E5_ISA_AVX2) return copies ? copy_avx2 : convert_avx2;
    return copies ? copy_baseline : convert_baseline;
}
#else
static block_fn choose(bool copies) { return copies ? copy_baseline : convert_baseline; }
#endif

/* Types differ only where one is a number as stored: integers that stay integers are never scaled, nothing is
 * missing. */
static bool copies(const struct e5_unpack *how) {
    bool real = how->as == E5_F32 || how->as == E5_F64;
    return how->from == how->as && !(real && is_packed(&how->packing));
}

bool e5_unpack_keeps_bytes(const struct e5_unpack *how) {
    bool real = how->as == E5_F32 || how->as == E5_F64;
    return copies(how) && !how->swapped && !(real && can_miss(&how->packing));
}

void e5_unpack(const struct e5_unpack *how, const void *from, size_t n, void *to) {
    const uint8_t *in = from;
    uint8_t *out = to;
    size_t element = e5_dtype_size(how->from), wide = e5_dtype_size(how->as);
    block_fn block = choose(copies(how));
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t part = n - done < BLOCK ? n - done : BLOCK;
        block(how, in + done * element, part, out + done * wide);
    }
}
