/* shuffle: HDF5's shuffle undone.
 *
 * Byte k of element i lies at planes[k × stride + i].  Pure functions on the caller's memory, which must not overlap:
 * any thread; nothing blocks. */
#ifndef E5_IO_SHUFFLE_H
#define E5_IO_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* Elements [first, first + n) → `to`. */
void e5_unshuffle(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to);
/* The same past the caches, where the processor can: for outputs so large that nobody would find them there again.
 * Who wrote so must settle before anybody else may read it. */
void e5_unshuffle_past(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to);
void e5_unshuffle_settle(void);

#endif
