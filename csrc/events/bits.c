/* One threshold for all columns is a block of 64 of them that is used again for every word, and a float value with
 * one threshold compares with its rounded form, so that four kinds of comparison are left: float with float, float
 * with double, double with double, byte with zero.  Each is written once in portable C and once per set of
 * instructions that can turn a comparison into bits: compilers do not find that by themselves. */
#include "events/bits.h"

#include <endian.h>
#include <string.h>

#include "base/simd.h"

#define W E5_WORD_BITS

/* --- portable: a byte per comparison, then eight bytes into one --- */

E5_SIMD_BODY uint64_t pack(const uint8_t flag[W]) {
    uint64_t word = 0;
    for (unsigned i = 0; i < W; i += 8) {
        uint64_t bytes;
        memcpy(&bytes, flag + i, sizeof bytes);
        word |= le64toh(bytes) * 0x0102040810204080u >> 56 << i; /* the first byte becomes the lowest bit */
    }
    return word;
}

#define PORTABLE(name, value_type, threshold_type)                                                                \
    E5_SIMD_BODY uint64_t name##_portable(const value_type *value, const threshold_type *threshold, bool below) { \
        uint8_t flag[W];                                                                                          \
        for (size_t c = 0; c < W; c++)                                                                            \
            flag[c] = below ? (double)value[c]<(double)threshold[c] : (double)value[c]>(double) threshold[c];     \
        return pack(flag);                                                                                        \
    }
PORTABLE(narrow, float, float)
PORTABLE(mixed, float, double)
PORTABLE(wide, double, double)

E5_SIMD_BODY uint64_t bytes_portable(const uint8_t *mask, const uint8_t *zero, bool below) {
    (void)zero, (void)below;
    uint8_t flag[W];
    for (size_t c = 0; c < W; c++) flag[c] = mask[c] != 0;
    return pack(flag);
}

/* --- vector instructions: `lanes` comparisons give as many bits --- */

#define EACH(word, lanes, expression) \
    uint64_t word = 0;                \
    for (size_t c = 0; c < W; c += (lanes)) word |= (uint64_t)(expression) << c

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define INLINE(target) target static inline __attribute__((always_inline))
#define GREATER_AVX2(kind, a, b, below)                                          \
    (unsigned)_mm256_movemask_##kind(below ? _mm256_cmp_##kind(a, b, _CMP_LT_OQ) \
                                           : _mm256_cmp_##kind(a, b, _CMP_GT_OQ))
#define GREATER_AVX512(kind, a, b, below) \
    (below ? _mm512_cmp_##kind##_mask(a, b, _CMP_LT_OQ) : _mm512_cmp_##kind##_mask(a, b, _CMP_GT_OQ))

INLINE(E5_SIMD_AVX2) uint64_t narrow_avx2(const float *v, const float *t, bool below) {
    EACH(word, 8, GREATER_AVX2(ps, _mm256_loadu_ps(v + c), _mm256_loadu_ps(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX2) uint64_t mixed_avx2(const float *v, const double *t, bool below) {
    EACH(word, 4, GREATER_AVX2(pd, _mm256_cvtps_pd(_mm_loadu_ps(v + c)), _mm256_loadu_pd(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX2) uint64_t wide_avx2(const double *v, const double *t, bool below) {
    EACH(word, 4, GREATER_AVX2(pd, _mm256_loadu_pd(v + c), _mm256_loadu_pd(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX2) uint64_t bytes_avx2(const uint8_t *mask, const uint8_t *zero, bool below) {
    (void)zero, (void)below;
    EACH(empty, 32,
         (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(mask + c)),
                                                          _mm256_setzero_si256())));
    return ~empty;
}

INLINE(E5_SIMD_AVX512) uint64_t narrow_avx512(const float *v, const float *t, bool below) {
    EACH(word, 16, GREATER_AVX512(ps, _mm512_loadu_ps(v + c), _mm512_loadu_ps(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX512) uint64_t mixed_avx512(const float *v, const double *t, bool below) {
    EACH(word, 8, GREATER_AVX512(pd, _mm512_cvtps_pd(_mm256_loadu_ps(v + c)), _mm512_loadu_pd(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX512) uint64_t wide_avx512(const double *v, const double *t, bool below) {
    EACH(word, 8, GREATER_AVX512(pd, _mm512_loadu_pd(v + c), _mm512_loadu_pd(t + c), below));
    return word;
}

INLINE(E5_SIMD_AVX512) uint64_t bytes_avx512(const uint8_t *mask, const uint8_t *zero, bool below) {
    (void)zero, (void)below;
    __m512i cells = _mm512_loadu_si512(mask);
    return _mm512_test_epi8_mask(cells, cells);
}

#define VARIANTS(X, kind, value_type, threshold_type)             \
    X(kind, baseline, portable, value_type, threshold_type, )     \
    X(kind, avx2, avx2, value_type, threshold_type, E5_SIMD_AVX2) \
    X(kind, avx512, avx512, value_type, threshold_type, E5_SIMD_AVX512)
#define PICK(kind, arguments)                                    \
    switch (e5_isa()) {                                          \
    case E5_ISA_AVX512: kind##_rows_avx512 arguments; break;     \
    case E5_ISA_AVX2: kind##_rows_avx2 arguments; break;         \
    case E5_ISA_BASELINE: kind##_rows_baseline arguments; break; \
    }
#else
#define VARIANTS(X, kind, value_type, threshold_type) X(kind, baseline, portable, value_type, threshold_type, )
#define PICK(kind, arguments) kind##_rows_baseline arguments;
#endif

/* --- whole rows: `step` thresholds further from word to word; what is left at the end is a word of its own --- */

#define ROWS(kind, name, word, value_type, threshold_type, target)                                                  \
    target static void kind##_rows_##name(const value_type *value, const threshold_type *threshold, size_t step,    \
                                          size_t n, bool below, uint64_t *bits) {                                   \
        size_t words = n / W, rest = n % W;                                                                         \
        if (below)                                                                                                  \
            for (size_t w = 0; w < words; w++) bits[w] = kind##_##word(value + w * W, threshold + w * step, true);  \
        else                                                                                                        \
            for (size_t w = 0; w < words; w++) bits[w] = kind##_##word(value + w * W, threshold + w * step, false); \
        if (rest == 0) return;                                                                                      \
        value_type last_value[W] = {0};                                                                             \
        threshold_type last_threshold[W] = {0};                                                                     \
        memcpy(last_value, value + words * W, rest * sizeof *value);                                                \
        memcpy(last_threshold, threshold + words * step, rest * sizeof *threshold);                                 \
        bits[words] = kind##_##word(last_value, last_threshold, below); /* 0 is not beyond 0 */                     \
    }

#define KIND(kind, value_type, threshold_type)                                                               \
    VARIANTS(ROWS, kind, value_type, threshold_type)                                                         \
    static void kind##_rows(const value_type *value, const threshold_type *threshold, size_t step, size_t n, \
                            bool below, uint64_t *bits) {                                                    \
        PICK(kind, (value, threshold, step, n, below, bits))                                                 \
    }
KIND(narrow, float, float)
KIND(mixed, float, double)
KIND(wide, double, double)
KIND(bytes, uint8_t, uint8_t)

/* --- rounding --- */

/* The next float below `f`, or above where `up`; not for NaN. */
E5_SIMD_BODY float next(float f, bool up) {
    uint32_t bits, sign = up ? 0 : 0x80000000u;
    memcpy(&bits, &f, sizeof bits);
    bits = f == 0 ? sign | 1 : (bits & 0x80000000u) == sign ? bits + 1 : bits - 1;
    memcpy(&f, &bits, sizeof f);
    return f;
}

E5_SIMD_BODY void round_all_body(const double *threshold, size_t n, bool below, float *rounded) {
    for (size_t c = 0; c < n; c++) {
        float nearest = (float)threshold[c];
        bool beyond = below ? (double)nearest < threshold[c] : (double)nearest > threshold[c];
        float other = next(nearest, below);
        rounded[c] = beyond ? other : nearest;
    }
}
E5_SIMD_VARIANTS(round_all, (const double *threshold, size_t n, bool below, float *rounded),
                 (threshold, n, below, rounded))

/* --- the interface --- */

void e5_bits_round(const double *threshold, size_t n, bool below, float *rounded) {
    round_all(threshold, n, below, rounded);
}

void e5_bits_f32(const float *value, size_t n, double threshold, bool below, uint64_t *bits) {
    float rounded = 0, same[W];
    round_all(&threshold, 1, below, &rounded);
    for (size_t c = 0; c < W; c++) same[c] = rounded;
    narrow_rows(value, same, 0, n, below, bits);
}

void e5_bits_f64(const double *value, size_t n, double threshold, bool below, uint64_t *bits) {
    double same[W];
    for (size_t c = 0; c < W; c++) same[c] = threshold;
    wide_rows(value, same, 0, n, below, bits);
}

void e5_bits_f32_each(const float *value, const double *threshold, size_t n, bool below, uint64_t *bits) {
    mixed_rows(value, threshold, W, n, below, bits);
}

void e5_bits_f64_each(const double *value, const double *threshold, size_t n, bool below, uint64_t *bits) {
    wide_rows(value, threshold, W, n, below, bits);
}

void e5_bits_f32_rounded(const float *value, const float *rounded, size_t n, bool below, uint64_t *bits) {
    narrow_rows(value, rounded, W, n, below, bits);
}

void e5_bits_u8(const uint8_t *mask, size_t n, uint64_t *bits) {
    static const uint8_t zero[W];
    bytes_rows(mask, zero, 0, n, false, bits);
}
