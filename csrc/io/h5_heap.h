/* h5_heap: the fractal heap in which a group's links and an object's attributes lie when they are many.
 *
 * Blocks are read when something in them is asked for, verified, and kept until the heap is closed: what _get gives
 * is borrowed until the next call.  One thread at a time; blocks on disk. */
#ifndef E5_IO_H5_HEAP_H
#define E5_IO_H5_HEAP_H

#include "io/h5_bytes.h"

struct e5_h5_block {
    uint64_t address;
    uint64_t size;
    uint8_t *bytes;
};

struct e5_h5_heap {
    struct e5_h5 *h5;
    uint64_t address;
    size_t id_size;
    bool has_checksums;
    uint64_t most_managed;   /* bytes of an object in a block; larger ones lie for themselves */
    unsigned offset_bytes, size_bytes; /* of numbers in an id */
    unsigned width;          /* blocks of a row */
    uint64_t first_size, most_direct; /* bytes of the first block, of the largest that holds objects */
    uint64_t root;
    unsigned rows;           /* of the root block; 0: it holds objects itself */
    uint64_t huge_tree;
    struct e5_h5_block huge; /* the large object asked for last */
    size_t blocks;
    struct e5_h5_block *block;
};

/* _close is due after a failure too. */
E5_MUST_USE enum e5_status e5_h5_heap_open(struct e5_h5 *h5, uint64_t address, struct e5_h5_heap *out,
                                           struct e5_error *err);
void e5_h5_heap_close(struct e5_h5_heap *heap);
/* The object with an id of heap->id_size bytes. */
E5_MUST_USE enum e5_status e5_h5_heap_object(struct e5_h5_heap *heap, const uint8_t *id, const uint8_t **bytes,
                                             size_t *size, struct e5_error *err);

#endif
