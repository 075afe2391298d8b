/* find_unpack: the bytes of slabs → steps that are measured, as find_stream gave them.
 *
 * The frames are made anew from the cells of their runs, some megabytes of bits at a time, in parallel; the blobs of
 * a frame get the same numbers again.  Nothing is believed: whatever the bytes are, the steps are those of the grid
 * or the answer is E5_INPUT.  Blocks until done. */
#ifndef E5_DRIVE_FIND_UNPACK_H
#define E5_DRIVE_FIND_UNPACK_H

#include "drive/find_slab.h"
#include "drive/find_stream.h"

struct e5_slab_head {
    uint32_t mark; /* which also tells the order of bytes */
    uint32_t blob;  /* bytes of a blob */
    uint64_t rows, columns, steps;
    uint64_t severity; /* 0 or 1: a climatology was given */
};

struct e5_slab_step {
    uint64_t blobs, cell_bytes; /* that follow: struct e5_measured, and the cells of the runs */
};

struct e5_slab_head e5_slab_head(const struct e5_grid *grid, size_t steps, bool severity);
/* The heads of all slabs; *severity is what they say. */
E5_MUST_USE enum e5_status e5_slabs_check(const struct e5_find_request *request, const struct e5_find_bytes *slab,
                                          size_t slabs, bool *severity, struct e5_error *err);
/* The slabs must have passed the check. */
E5_MUST_USE enum e5_status e5_slabs_unpack(const struct e5_find_bytes *slab, size_t slabs,
                                           const struct e5_find_ground *ground, const struct e5_parallel *par,
                                           struct e5_watch *watch, e5_find_receive_fn receive, void *receiver,
                                           struct e5_error *err);

#endif
