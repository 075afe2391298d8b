/* filter: one stored chunk → its elements: HDF5's filters deflate, shuffle and fletcher32, undone in reverse order.
 *
 * A struct e5_scratch belongs to one slot (zeroed: empty).  Its memory comes from calls before and is left to calls
 * that follow, up to 64 MiB in all, since the first touch of fresh memory takes nearly as long as inflating into it.
 * One thread at a time per scratch; nothing blocks. */
#ifndef E5_IO_FILTER_H
#define E5_IO_FILTER_H

#include "io/chunks.h"

struct e5_room { /* memory that is reused from chunk to chunk */
    uint8_t *bytes;
    size_t size;
};

struct e5_scratch {
    struct e5_room stored, first, second;
    struct libdeflate_decompressor *inflater;
};

struct e5_decoded {
    const uint8_t *bytes; /* in the scratch */
    size_t plane;         /* 0: plain; else still shuffled, with byte planes this far apart */
};

/* A room of at least `size` bytes; what was in it is lost. */
E5_MUST_USE enum e5_status e5_room_need(struct e5_room *room, size_t size, struct e5_error *err);
/* Room for `size` stored bytes, and some more: chunks differ a little in how well they compress, and another room for
 * each that is larger than those before would be fresh memory each time. */
E5_MUST_USE enum e5_status e5_scratch_need_stored(struct e5_scratch *scratch, size_t size, struct e5_error *err);
/* Decode what lies in scratch->stored; the result is valid until the next call. */
E5_MUST_USE enum e5_status e5_filter_undo(const char *path, const struct e5_map *map, const struct e5_chunk *chunk,
                                          struct e5_scratch *scratch, struct e5_decoded *out, struct e5_error *err);
/* The room of the scratch in which the decoded elements lie. */
struct e5_room *e5_scratch_holder(struct e5_scratch *scratch, const struct e5_decoded *decoded);
void e5_scratch_init(struct e5_scratch *scratch);
void e5_scratch_fini(struct e5_scratch *scratch);

#endif
