/* hash: the checksum of a file, computed from its bytes on disk while they arrive.
 *
 * Bytes are read back soon after they were written, so they come from memory; whoever receives them is not held up.
 * The parts of a checksum in parts do not depend on each other: sixteen of them are hashed at once, in any order, the
 * last ones while they arrive.  Files with one checksum for all their bytes are hashed in company (net/hash_crew).
 * The holder owns the struct: _init before use, _fini always (a zeroed struct may be
 * _fini'd).  One thread at a time; _follow and _finish read the file, look at the watch between blocks, and are meant
 * for a thread of their own. */
#ifndef E5_NET_HASH_H
#define E5_NET_HASH_H

#include "base/watch.h"
#include "net/checksum.h"
#include "net/hash_crew.h"
#include "net/pieces.h"

struct e5_hash {
    enum e5_checksum_want want;
    int64_t size;           /* −1: not known yet */
    struct e5_hash_crew *crew;    /* borrowed; NULL: none */
    struct e5_hash_message whole; /* with E5_CHECKSUM_WHOLE */
    size_t count, summed;   /* parts in all and done; with the other kinds */
    struct e5_hash_part *parts;
    unsigned char *block;   /* what was read */
};

E5_MUST_USE enum e5_status e5_hash_init(struct e5_hash *hash, struct e5_hash_crew *crew, enum e5_checksum_want want,
                                        int64_t size, struct e5_error *err);
/* Is there enough of the file for _follow to be worth a thread? */
bool e5_hash_is_behind(const struct e5_hash *hash, const struct e5_pieces *here);
/* Hash something of what is here so far; afterwards there may be more to do. */
E5_MUST_USE enum e5_status e5_hash_follow(struct e5_hash *hash, int fd, const char *path,
                                          const struct e5_pieces *here, struct e5_watch *watch, struct e5_error *err);
/* The file of `size` is whole: hash the rest.  Where one kind of checksum does not lead to the declared one and the
 * other may, that is computed too.  Once only. */
E5_MUST_USE enum e5_status e5_hash_finish(struct e5_hash *hash, int fd, const char *path, int64_t size,
                                          const char *declared, struct e5_watch *watch,
                                          struct e5_checksum_result *out, struct e5_error *err);
void e5_hash_fini(struct e5_hash *hash);

#endif
