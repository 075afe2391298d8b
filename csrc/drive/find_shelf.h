/* find_shelf: the values of the steps that are not done with yet.
 *
 * A field that lies in memory as it is needed is used in place; else blocks of steps are read, and their memory is
 * used again as soon as none of their steps is needed any more.  The driver owns the shelf (_fini), which borrows its
 * source.  Reading blocks; e5_shelf_step() may be called from any thread in between. */
#ifndef E5_DRIVE_FIND_SHELF_H
#define E5_DRIVE_FIND_SHELF_H

#include "drive/source.h"

struct e5_shelf_block {
    size_t first, steps, room; /* steps 0: free */
    char *values;
};

struct e5_shelf {
    struct e5_source *source;
    size_t step_bytes;
    struct e5_shelf_block *block;
    size_t blocks, room;
};

/* Read the steps from `first` on, some `block_bytes` of them; *steps is how many. */
E5_MUST_USE enum e5_status e5_shelf_read(struct e5_shelf *shelf, size_t first, size_t block_bytes, size_t *steps,
                                         const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err);
const void *e5_shelf_step(const struct e5_shelf *shelf, size_t step); /* one that was read and is still needed */
void e5_shelf_release(struct e5_shelf *shelf, size_t before);         /* steps before this one are done with */
void e5_shelf_fini(struct e5_shelf *shelf);

#endif
