/* h5_btree1: the leaves of a B-tree of version 1, in order.
 *
 * `visit` gets each lowest entry: the key before it (`key_size` bytes, borrowed) and the address it leads to;
 * anything but E5_OK ends the walk.  One thread at a time; blocks on disk. */
#ifndef E5_IO_H5_BTREE1_H
#define E5_IO_H5_BTREE1_H

#include "io/h5_bytes.h"

enum e5_h5_tree_kind { E5_H5_GROUP_TREE = 0, E5_H5_CHUNK_TREE = 1 };

typedef enum e5_status (*e5_h5_tree_visit)(void *context, const uint8_t *key, uint64_t address, struct e5_error *err);

E5_MUST_USE enum e5_status e5_h5_btree1_walk(struct e5_h5 *h5, uint64_t address, enum e5_h5_tree_kind kind,
                                             size_t key_size, e5_h5_tree_visit visit, void *context,
                                             struct e5_error *err);

#endif
