/* h5_collector: what the readers of the kinds of chunk indexes share.
 *
 * A collector gathers the chunks of one dataset; what lies outside the variable or the file is E5_CORRUPT.  The
 * caller owns it and its chunks.  One thread at a time; nothing blocks. */
#ifndef E5_IO_H5_COLLECTOR_H
#define E5_IO_H5_COLLECTOR_H

#include "io/h5_bytes.h"

struct e5_h5_collector {
    struct e5_h5 *h5;
    const struct e5_h5_data *data;
    uint64_t along[E5_MAX_DIMS]; /* chunks along each dimension as long as it is … */
    uint64_t most[E5_MAX_DIMS];  /* … and as it may become; UINT64_MAX: unlimited */
    int order[E5_MAX_DIMS];      /* dimensions in the order in which arrays count chunks, the slowest first */
    uint64_t chunk_bytes;        /* unfiltered */
    size_t count, capacity;
    struct e5_chunk *chunk;
};

/* A chunk as an index stores it: position, size (of filtered ones, else ignored), mask. */
struct e5_h5_stored {
    uint64_t address, size;
    uint32_t mask;
};

/* `at`: place in the grid of chunks. */
E5_MUST_USE enum e5_status e5_h5_add_chunk(struct e5_h5_collector *collector, const uint64_t *at,
                                           const struct e5_h5_stored *stored, struct e5_error *err);
/* `number`: in the grid of chunks that the dataset may have, as arrays count. */
E5_MUST_USE enum e5_status e5_h5_add_numbered(struct e5_h5_collector *collector, uint64_t number,
                                              const struct e5_h5_stored *stored, struct e5_error *err);
/* Elements of an array: address and, of filtered chunks, size and mask. */
size_t e5_h5_element_size(const struct e5_h5_collector *collector);
struct e5_h5_stored e5_h5_take_stored(const struct e5_h5_collector *collector, struct e5_h5_cursor *cursor);
/* `count` elements, the first of which has number `number`. */
E5_MUST_USE enum e5_status e5_h5_add_elements(struct e5_h5_collector *collector, struct e5_h5_cursor *cursor,
                                              uint64_t number, uint64_t count, struct e5_error *err);

#endif
