/* md5_lanes: the MD5 of eight messages side by side, one in each lane of a vector.
 *
 * One MD5 cannot be made faster by vectors, since every step waits for the one before; eight of them can.  All lanes
 * advance together by whole blocks; a state may be moved to another lane, or to rest, by copying its four words.  The
 * same digests as base/digest, whatever base/isa allows.
 * The caller owns the struct.  One thread at a time; nothing blocks. */
#ifndef E5_BASE_MD5_LANES_H
#define E5_BASE_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define E5_MD5_LANES 8
#define E5_MD5_BLOCK 64 /* bytes */
#define E5_MD5_SIZE 16  /* bytes of a digest */

struct e5_md5_lanes {
    uint32_t state[4][E5_MD5_LANES];
};

void e5_md5_lanes_init(struct e5_md5_lanes *lanes);
/* `blocks` × 64 bytes of every lane.  A lane that is not used may be given the bytes of another. */
void e5_md5_lanes_add(struct e5_md5_lanes *lanes, const void *const bytes[E5_MD5_LANES], size_t blocks);
/* The message of one lane ends: its last total % 64 bytes, and its length.  All lanes stay as they are. */
void e5_md5_lanes_end(const struct e5_md5_lanes *lanes, size_t lane, const void *tail, uint64_t total,
                      unsigned char out[E5_MD5_SIZE]);

#endif
