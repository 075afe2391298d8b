/* simd: one source of a loop, compiled for each set of vector instructions, chosen when it runs.
 *
 * The loop is written once, in portable C, as a function that is always inlined; E5_SIMD_VARIANTS makes of it one
 * function per set of instructions, and one that picks by base/isa:
 *
 *     E5_SIMD_BODY void add_body(const float *a, const float *b, float *out, size_t n) { … }
 *     E5_SIMD_VARIANTS(add, (const float *a, const float *b, float *out, size_t n), (a, b, out, n))
 *     … add(a, b, out, n);
 *
 * What the body calls must be E5_SIMD_BODY too, else it is compiled for the baseline.  Arithmetic is never contracted
 * nor reordered, so all variants give the same bits.  Any thread; nothing blocks. */
#ifndef E5_BASE_SIMD_H
#define E5_BASE_SIMD_H

#include <stddef.h>

#include "base/isa.h"

/* Cells side by side in a tile: value of lane c in row r at [r × E5_LANES + c].  A cache line of floats. */
#define E5_LANES 16

/* for (c …) over the lanes of rows that are the same or do not overlap: one step per vector, never unrolled to bits.
 */
#if defined(__clang__)
#define E5_EACH_LANE(c) _Pragma("clang loop vectorize(assume_safety)") for (size_t c = 0; c < E5_LANES; c++)
#else
#define E5_EACH_LANE(c) _Pragma("GCC ivdep") _Pragma("GCC unroll 1") for (size_t c = 0; c < E5_LANES; c++)
#endif

#define E5_SIMD_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__GNUC__)
#define E5_SIMD_AVX2 __attribute__((target("avx2")))
#if defined(__clang__)
#define E5_SIMD_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define E5_SIMD_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define E5_SIMD_VARIANTS(name, parameters, arguments)                              \
    static void name##_baseline parameters { name##_body arguments; }              \
    E5_SIMD_AVX2 static void name##_avx2 parameters { name##_body arguments; }     \
    E5_SIMD_AVX512 static void name##_avx512 parameters { name##_body arguments; } \
    static void name parameters {                                                  \
        switch (e5_isa()) {                                                        \
        case E5_ISA_AVX512: name##_avx512 arguments; break;                        \
        case E5_ISA_AVX2: name##_avx2 arguments; break;                            \
        case E5_ISA_BASELINE: name##_baseline arguments; break;                    \
        }                                                                          \
    }
#else /* NEON is the baseline of its machines */
#define E5_SIMD_VARIANTS(name, parameters, arguments) \
    static void name parameters { name##_body arguments; }
#endif

#endif
