/* part: the bytes of a target that are here so far, in the file beside it.
 *
 * Pieces (net/pieces) are filled side by side, each from its start on, in place.  What _open finds beyond the last
 * byte to be kept is cut off.  The holder owns the part and the place's lock.  One thread at a time, except that
 * e5_part_sync() may run beside _write, as may readers of bytes that are here.  _open and _sync wait for the disk;
 * _write and _restart may. */
#ifndef E5_NET_PART_H
#define E5_NET_PART_H

#include "net/checksum.h"
#include "net/pieces.h"
#include "net/place.h"

struct e5_part {
    int fd;           /* −1: not open */
    const char *path; /* the target's, for messages; borrowed */
    int64_t size;     /* declared, −1: not known */
    struct e5_pieces pieces;
    char etag[E5_ETAG_SIZE]; /* of the bytes that are here, "": not known; its user's */
    unsigned generation; /* grows whenever the part is begun anew: nothing learnt before is true any more */
};

#define E5_PART_NONE ((struct e5_part){.fd = -1})

/* `kept`: what of an earlier part is to be kept.  A part that has not got that is begun anew: see part->pieces. Space
 * for `size` bytes is reserved, but in memory where there is plenty: E5_STORAGE where there is not enough. */
E5_MUST_USE enum e5_status e5_part_open(struct e5_part *part, const struct e5_place *place, int64_t size,
                                        const struct e5_pieces *kept, struct e5_error *err);
int64_t e5_part_here(const struct e5_part *part); /* bytes that are here */
bool e5_part_whole(const struct e5_part *part); /* false where the size is not known */
/* The next bytes of a piece of part->pieces.  More than fit is E5_CORRUPT; nothing of such a block is written.
 * Where the size is not known E5_STORAGE ends it while some space is still free. */
E5_MUST_USE enum e5_status e5_part_write(struct e5_part *part, struct e5_piece *piece, const void *bytes, size_t size,
                                         struct e5_error *err);
E5_MUST_USE enum e5_status e5_part_restart(struct e5_part *part, struct e5_error *err); /* one piece, 0 bytes */
/* All bytes written before the call are on disk after it.  May run in another thread. */
E5_MUST_USE enum e5_status e5_part_sync(const struct e5_part *part, struct e5_error *err);
void e5_part_close(struct e5_part *part); /* what is not whole and in memory gives empty room back */

#endif
