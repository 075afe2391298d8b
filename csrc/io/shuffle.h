/* shuffle: HDF5's shuffle undone.
 *
 * Byte k of element i lies at planes[k × stride + i].  Pure functions on the caller's memory, which must not overlap:
 * any thread; nothing blocks. */
#ifndef E5_IO_SHUFFLE_H
#define E5_IO_SHUFFLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Elements [first, first + n) → `to`. */
void e5_shuffle_undo(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to);

/* The same past the caches, for outputs so large that nobody would find them there again, where elements of this size
 * can be written so.  Who wrote so must settle before anybody else may read it. */
bool e5_shuffle_passes(size_t element);
void e5_shuffle_undo_past(const uint8_t *planes, size_t stride, size_t element, size_t first, size_t n, uint8_t *to);
void e5_shuffle_settle(void);

#endif
