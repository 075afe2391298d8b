/* hash_crew: the MD5 of several files side by side, so that each costs a part of what it costs alone.
 *
 * Threads that have a file to hash meet here.  One of them hashes a stretch of up to sixteen files together, its own
 * among them or not, while the others wait; then all go on with what is left, and with what has come meanwhile.
 * Where fewer than that are here and more may come, they are waited for a moment.  The files of a round wait for the
 * slowest disk among theirs, and whoever cancels waits for the end of a round that has begun.
 * Whoever makes the crew keeps it until nobody uses it any more.  Any thread may call; _add reads the file, and
 * blocks until its stretch is done. */
#ifndef E5_NET_HASH_CREW_H
#define E5_NET_HASH_CREW_H

#include "base/md5_lanes.h"
#include "base/watch.h"

/* Bytes read of each file at once: those of all lanes fit into the processor's second cache. */
#define E5_HASH_BLOCK ((size_t)32 << 10)

struct e5_hash_crew;

struct e5_hash_message { /* a file that is hashed from its first byte on */
    struct e5_md5 md5;
    int64_t position; /* bytes of it in `md5`, whole blocks */
};

E5_MUST_USE enum e5_status e5_hash_crew_new(struct e5_hash_crew **out, struct e5_error *err);
void e5_hash_crew_free(struct e5_hash_crew *crew);
/* So many files are on their way here: those who wait for company wait for them. */
void e5_hash_crew_expect(struct e5_hash_crew *crew, unsigned files);
/* Hash the file up to the last whole block before `upto`; `is_coming`: it is one of those on their way.  Without a
 * crew (NULL) it is hashed alone. */
E5_MUST_USE enum e5_status e5_hash_crew_add(struct e5_hash_crew *crew, struct e5_hash_message *message, int fd,
                                            const char *path, int64_t upto, bool is_coming, struct e5_watch *watch,
                                            struct e5_error *err);
/* All of `size` bytes at `at`. */
E5_MUST_USE enum e5_status e5_hash_read(int fd, const char *path, void *to, size_t size, int64_t at,
                                        struct e5_error *err);

#endif
