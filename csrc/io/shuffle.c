#include "io/shuffle.h"

#include <string.h>

/* With the width known to the compiler the inner loop becomes byte interleaving in vector registers. */
#define UNSHUFFLE_LOOP(width)                                                                                      \
    static void unshuffle_##width(const uint8_t *restrict planes, size_t stride, size_t n, uint8_t *restrict to) { \
        for (size_t i = 0; i < n; i++)                                                                             \
            for (size_t k = 0; k < width; k++) to[i * width + k] = planes[k * stride + i];                         \
    }
UNSHUFFLE_LOOP(2)
UNSHUFFLE_LOOP(4)
UNSHUFFLE_LOOP(8)

/* Texts have any width; plane by plane the bytes are at least read one after the other. */
static void unshuffle_any(const uint8_t *restrict planes, size_t stride, size_t element, size_t n,
                          uint8_t *restrict to) {
    for (size_t k = 0; k < element; k++)
        for (size_t i = 0; i < n; i++) to[i * element + k] = planes[k * stride + i];
}

void e5_shuffle_undo(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to) {
    planes += first;
    switch (element) {
    case 1: memcpy(to, planes, n); break;
    case 2: unshuffle_2(planes, stride, n, to); break;
    case 4: unshuffle_4(planes, stride, n, to); break;
    case 8: unshuffle_8(planes, stride, n, to); break;
    default: unshuffle_any(planes, stride, element, n, to);
    }
}

/* --- past the caches --- */

#if defined(__SSE2__)
#include <emmintrin.h>

#define CACHE_LINE 64
#define IN_LINE (CACHE_LINE / 4) /* elements */

/* A line of the cache, whole: else the processor would have to read it from memory first. */
static void stream_line(const uint8_t *planes, size_t stride, uint8_t *to) {
    __m128i plane[4], *out = (__m128i *)(void *)to;
    for (size_t k = 0; k < 4; k++) plane[k] = _mm_loadu_si128((const __m128i *)(const void *)(planes + k * stride));
    __m128i low[2] = {_mm_unpacklo_epi8(plane[0], plane[1]), _mm_unpacklo_epi8(plane[2], plane[3])};
    __m128i high[2] = {_mm_unpackhi_epi8(plane[0], plane[1]), _mm_unpackhi_epi8(plane[2], plane[3])};
    _mm_stream_si128(out, _mm_unpacklo_epi16(low[0], low[1]));
    _mm_stream_si128(out + 1, _mm_unpackhi_epi16(low[0], low[1]));
    _mm_stream_si128(out + 2, _mm_unpacklo_epi16(high[0], high[1]));
    _mm_stream_si128(out + 3, _mm_unpackhi_epi16(high[0], high[1]));
}

static void stream_4(const uint8_t *planes, size_t stride, size_t n, uint8_t *to) {
    size_t done = (CACHE_LINE - (uintptr_t)to % CACHE_LINE) % CACHE_LINE / 4;
    unshuffle_4(planes, stride, done < n ? done : n, to);
    for (; done + IN_LINE <= n; done += IN_LINE) stream_line(planes + done, stride, to + done * 4);
    if (done < n) unshuffle_4(planes + done, stride, n - done, to + done * 4);
}

bool e5_shuffle_passes(size_t element) { return element == 4; }

void e5_shuffle_undo_past(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to) {
    if (e5_shuffle_passes(element) && (uintptr_t)to % element == 0)
        stream_4(planes + first, stride, n, to);
    else
        e5_shuffle_undo(planes, stride, element, first, n, to);
}

void e5_shuffle_settle(void) { _mm_sfence(); }
#else
void e5_shuffle_undo_past(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to) {
    e5_shuffle_undo(planes, stride, element, first, n, to);
}

bool e5_shuffle_passes(size_t element) { return (void)element, false; }
void e5_shuffle_settle(void) {}
#endif
