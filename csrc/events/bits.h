/* bits: rows of cells as bits, one word for 64 columns.
 *
 * Column c is bit c mod 64 (lowest first) of word c / 64; bits beyond the last column are 0.  A comparison is that of
 * two doubles, strict, and never true for NaN on either side, for float values too.  `value`, `mask` and `bits` may
 * have any alignment that their type allows and must not overlap.  `n` is any number of columns.
 * Pure functions on the caller's memory, for each set of vector instructions with the same bits: any thread; nothing
 * blocks. */
#ifndef E5_EVENTS_BITS_H
#define E5_EVENTS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define E5_WORD_BITS 64

static inline size_t e5_bits_words(size_t columns) { return (columns + E5_WORD_BITS - 1) / E5_WORD_BITS; }

/* value > threshold, or value < threshold where `below`; e5_bits_words(n) words are written. */
void e5_bits_f32(const float *value, size_t n, double threshold, bool below, uint64_t *bits);
void e5_bits_f64(const double *value, size_t n, double threshold, bool below, uint64_t *bits);
/* The same with a threshold for each column. */
void e5_bits_f32_each(const float *value, const double *threshold, size_t n, bool below, uint64_t *bits);
void e5_bits_f64_each(const double *value, const double *threshold, size_t n, bool below, uint64_t *bits);
/* Thresholds as floats that give the same answers for every float value: rounded down, up where `below`.  Whoever
 * compares many rows with the same thresholds reads half as much with e5_bits_f32_rounded. */
void e5_bits_round(const double *threshold, size_t n, bool below, float *rounded);
void e5_bits_f32_rounded(const float *value, const float *rounded, size_t n, bool below, uint64_t *bits);
/* Non-zero bytes. */
void e5_bits_u8(const uint8_t *mask, size_t n, uint64_t *bits);

#endif
