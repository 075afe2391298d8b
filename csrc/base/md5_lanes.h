/* md5_lanes: the MD5 of one message, or of sixteen side by side, one in each lane of a vector.
 *
 * One MD5 cannot be made faster by vectors, since every step waits for the one before; many of them can.  All lanes
 * advance together by whole blocks; between two calls a message may change its lane, or rest, since its state is four
 * words.  The same digests as base/digest, whatever base/isa allows.
 * The caller owns the structs.  One thread at a time for each; nothing blocks. */
#ifndef E5_BASE_MD5_LANES_H
#define E5_BASE_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define E5_MD5_LANES 16
#define E5_MD5_BLOCK 64 /* bytes */
#define E5_MD5_SIZE 16  /* bytes of a digest */

struct e5_md5 {
    uint32_t state[4];
};

void e5_md5_init(struct e5_md5 *md5);
void e5_md5_add(struct e5_md5 *md5, const void *bytes, size_t blocks); /* blocks × 64 bytes */
/* The message ends: its last total % 64 bytes, and its length. */
void e5_md5_end(struct e5_md5 *md5, const void *tail, uint64_t total, unsigned char out[E5_MD5_SIZE]);
/* `blocks` × 64 bytes of each of `count` messages, at most sixteen. */
void e5_md5_lanes_add(struct e5_md5 *const md5[], const void *const bytes[], size_t count, size_t blocks);

#endif
