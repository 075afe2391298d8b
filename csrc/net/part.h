/* part: the bytes of a target that are here so far.
 *
 * Bytes are only ever appended, and hashed while they are written.  What _open finds beyond the recorded mark is cut
 * off and the rest read again for the hash.  The holder owns the part and the place's lock.  One thread at a time,
 * except that e5_part_sync() may run beside _append.  _open, _sync, _finish wait for the disk; _append may. */
#ifndef E5_NET_PART_H
#define E5_NET_PART_H

#include "base/watch.h"
#include "net/checksum.h"
#include "net/place.h"

struct e5_part {
    int fd;           /* −1: not open */
    const char *path; /* the target's, for messages; borrowed */
    int64_t size;     /* declared, −1: not known */
    int64_t position; /* bytes here */
    struct e5_checksum checksum;
};

#define E5_PART_NONE ((struct e5_part){.fd = -1})

/* `durable` bytes of an earlier part are to be kept; 0: begin with an empty one.  A part that is not what the mark
 * says is begun anew: see part->position.  Space for `size` bytes is reserved: E5_STORAGE where there is not enough.
 */
E5_MUST_USE enum e5_status e5_part_open(struct e5_part *part, const struct e5_place *place, int64_t size,
                                        int64_t durable, struct e5_watch *watch, struct e5_error *err);
/* More than the declared size is E5_CORRUPT; nothing of such a block is written. */
E5_MUST_USE enum e5_status e5_part_append(struct e5_part *part, const void *bytes, size_t size, struct e5_error *err);
E5_MUST_USE enum e5_status e5_part_restart(struct e5_part *part, struct e5_error *err); /* back to 0 bytes */
/* All bytes written before the call are on disk after it.  May run in another thread. */
E5_MUST_USE enum e5_status e5_part_sync(const struct e5_part *part, struct e5_error *err);
void e5_part_close(struct e5_part *part);

#endif
