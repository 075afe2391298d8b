/* raw: all elements of a variable as stored: bytes that are no numbers, such as texts and places in a heap.
 *
 * One thread reads chunk after chunk; what was never written is fill.  Any thread; no lock; blocks on disk. */
#ifndef E5_IO_RAW_H
#define E5_IO_RAW_H

#include "io/tables.h"

/* `map` is ready and not E5_BY_LIBRARY; `*out` gets `*size` bytes, elements in C order, to be freed.  More than
 * `most` bytes are E5_UNSAFE. */
E5_MUST_USE enum e5_status e5_raw_read(const struct e5_ncfile *file, const struct e5_map *map, size_t most,
                                       uint8_t **out, size_t *size, struct e5_error *err);

#endif
