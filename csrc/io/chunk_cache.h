/* chunk_cache: decoded chunks of which only a part was wanted, kept for the next call.
 *
 * One cache per process, bounded in bytes.  Reading step by step through thick chunks then decodes each chunk once.
 * A chunk is known by the identity of its file (device, inode, size, times of change), so that a file that was
 * replaced is not served from it, and by all that decides what its decoding gives: a hostile file may let two
 * variables claim one place.  Whoever asks first for a chunk decodes it; others who want it meanwhile wait for
 * him.  What was not used for longest makes room, but not for a chunk of the same call: a pass over more than fits
 * keeps a part of it instead of nothing. Any thread; _get blocks while another thread decodes that very chunk, until
 * the watch is cancelled.  A thread may hold several chunks, but must fill or release one that it has to decode
 * before it asks for the next: else two threads could wait for each other.  fork() empties the child's cache. */
#ifndef E5_IO_CHUNK_CACHE_H
#define E5_IO_CHUNK_CACHE_H

#include "base/watch.h"
#include "io/filter.h"

struct e5_chunk_key {
    uint64_t device, inode, file_size;
    int64_t seconds, nanoseconds; /* of the last change of the content */
    int64_t changed_seconds, changed_nanoseconds; /* of the last change of all, which nobody can set back */
    uint64_t variable, address;   /* number in the file, place of the stored bytes */
    uint64_t stored, mask, bytes; /* how many they are, filters left out, and what they must come out at */
};

struct e5_cached; /* one chunk */

/* Most bytes of all chunks together; what is over it is dropped at once.  0 keeps nothing.  At first the smaller of 1
 * GiB and an eighth of the machine's memory. */
void e5_chunk_cache_limit(size_t bytes);
/* Bytes that are held now, and the limit. */
size_t e5_chunk_cache_bytes(size_t *limit);
/* A number for a call that reads several chunks. */
uint64_t e5_chunk_cache_call(void);
/* From now on that number for whatever this thread reads, until 0 is given: a pass through many files is one call. */
void e5_chunk_cache_pass(uint64_t call);

/* The chunk, or NULL: the cache has no place for it, or waiting for it was cancelled.  With *decode set the caller
 * must decode it, and _fill when that succeeded; else *out has its elements.  What is not NULL must be released,
 * after its elements were used. */
struct e5_cached *e5_chunk_cache_get(const struct e5_chunk_key *key, uint64_t call, const struct e5_watch *watch,
                                     bool *decode, struct e5_decoded *out);
/* For who decodes a chunk before anybody asked: its place, to be filled or given up, or NULL.  Then either somebody
 * has it already (*there), or it has no place: nothing makes room for it that was used by a call from `call` on. */
struct e5_cached *e5_chunk_cache_claim(const struct e5_chunk_key *key, uint64_t call, bool *there);
/* Was the chunk wanted before, as far as is remembered?  For reading that seldom comes back to a chunk: leaving one
 * to the cache costs the memory that it lay in, so that may wait until it is wanted a second time. */
bool e5_chunk_cache_met(const struct e5_chunk_key *key);
/* Takes the room that begins with the decoded elements over, and *room is another one, or empty; of a room that is
 * too large for them it takes a copy.  The elements stay where they are until _release.  False: there is no memory or
 * no place for it, and it is as good as not filled. */
bool e5_chunk_cache_fill(struct e5_cached *chunk, const struct e5_decoded *decoded, struct e5_room *room);
/* A chunk that was not filled is given up: whoever waits for it tries himself. */
void e5_chunk_cache_release(struct e5_cached *chunk);

#endif
