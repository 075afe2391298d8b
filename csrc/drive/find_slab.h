/* find_slab: the two halves of e5_find(), for steps that do not lie in one process.
 *
 * A record is cut into slabs: ranges of steps that follow each other.  e5_find_slab() makes of each, anywhere and in
 * any order, what e5_find() would keep of its steps: runs and measured blobs, as plain bytes.  e5_find_join() puts
 * all of them together: the same tables, bit by bit, as e5_find() makes of the whole record, for any cut.
 *
 * A slab needs the steps around it that the filter of spells looks at: e5_find_around() (drive/find_stream.h) on
 * either side, or as many as there are up to the ends of the record.  Its memory is that of a block and of these
 * steps, its bytes some three for a run and 152 for a blob.  Joining reads them once, in order, some megabytes of
 * bits at a time; what it keeps goes into the piles of e5_find().  Bytes may only be joined by a machine with the
 * same layout of numbers; others are refused, as are bytes that are damaged.  Both block until done. */
#ifndef E5_DRIVE_FIND_SLAB_H
#define E5_DRIVE_FIND_SLAB_H

#include "base/buffer.h"
#include "drive/find.h"

struct e5_find_bytes {
    const char *bytes;
    size_t size;
};

/* The source holds a slab and what lies around it; `linked` says of each of its steps whether it follows its
 * predecessor in the record, and `first` to `end` are those of the slab.  Of the request, what concerns the whole
 * record is not looked at: axis, budget and directory.  `out` is appended to. */
E5_MUST_USE enum e5_status e5_find_slab(const struct e5_find_request *request, const bool *linked, size_t first,
                                        size_t end, struct e5_pool *pool, struct e5_watch *watch,
                                        struct e5_buffer *out, struct e5_error *err);
/* Of the request, what concerns values is not looked at: source, limits and block_bytes.  E5_INPUT when the slabs
 * are not those of the grid and the axis. */
E5_MUST_USE enum e5_status e5_find_join(const struct e5_find_request *request, const struct e5_find_bytes *slab,
                                        size_t slabs, struct e5_pool *pool, struct e5_watch *watch,
                                        struct e5_events **out, struct e5_error *err);

#endif
