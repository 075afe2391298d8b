/* h5_btree2: the records of a B-tree of version 2, in order.
 *
 * `visit` gets each record's bytes, `size` of them, borrowed; anything but E5_OK ends the walk.  One thread at a
 * time; blocks on disk. */
#ifndef E5_IO_H5_BTREE2_H
#define E5_IO_H5_BTREE2_H

#include "io/h5_bytes.h"

/* Numbers of what records are about. */
enum e5_h5_records {
    E5_H5_HUGE_RECORDS = 1, /* of a heap; indirect, no filters */
    E5_H5_LINKS_BY_NAME = 5,
    E5_H5_ATTRIBUTES_BY_NAME = 8,
    E5_H5_CHUNK_RECORDS = 10,
    E5_H5_FILTERED_CHUNK_RECORDS = 11
};

typedef enum e5_status (*e5_h5_visit)(void *context, const uint8_t *record, size_t size, struct e5_error *err);

/* `size`: of a record, as it follows from what it holds; a tree that says otherwise is E5_CORRUPT. */
E5_MUST_USE enum e5_status e5_h5_btree2_walk(struct e5_h5 *h5, uint64_t address, enum e5_h5_records kind, size_t size,
                                             e5_h5_visit visit, void *context, struct e5_error *err);

#endif
