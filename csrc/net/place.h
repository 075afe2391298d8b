/* place: a target file, the files that lie beside it while it is on its way, and the lock on them.
 *
 * `.<name>.e5part` holds the bytes, `.<name>.e5state` what is known (net/statefile), `.<name>.e5lock` the lock.  All
 * are reached through an open directory, so a directory renamed meanwhile does no harm.  The holder owns the place;
 * _close gives the lock back and removes its file.  The lock ends with the process that holds it; a forked
 * child has no part in it.  Without locks
 * (`alone`) the names are `.<name>.<process>-<number>.e5part` and the like, for one call only.  One thread at a
 * time; calls touch the directory only and wait for nobody. */
#ifndef E5_NET_PLACE_H
#define E5_NET_PLACE_H

#include <sys/stat.h>

#include "base/error.h"

#define E5_PLACE_NAME_SIZE 224 /* a longer target name would leave no room for the others */

struct e5_place {
    int directory, lock; /* descriptors, −1: none */
    bool alone;          /* the file system has no locks: nothing is shared with other calls */
    char own[24];        /* then a part of all names that no other call has; else "" */
    const char *path;    /* the target as the caller wrote it; borrowed */
    char name[E5_PLACE_NAME_SIZE];
    char part[256], state[256], lock_name[256];
};

#define E5_PLACE_NONE ((struct e5_place){.directory = -1, .lock = -1})

/* Open the directory, which must exist.  `path` must outlive the place. */
E5_MUST_USE enum e5_status e5_place_open(struct e5_place *place, const char *path, struct e5_error *err);
/* Take the lock without waiting: E5_TARGET_BUSY when somebody else has it; E5_STORAGE when the directory cannot be
 * written.  `tag` (a fingerprint) tells others what the holder is doing. */
E5_MUST_USE enum e5_status e5_place_lock(struct e5_place *place, const char *tag, struct e5_error *err);
bool e5_place_holder_has(const struct e5_place *place, const char *tag);
/* *exists; anything there that is not a regular file is E5_STORAGE. */
E5_MUST_USE enum e5_status e5_place_look(const struct e5_place *place, bool *exists, struct stat *info,
                                         struct e5_error *err);
/* Give the part file its final name and make that durable.  With `replace` false a target that appeared meanwhile is
 * E5_EXISTS. */
E5_MUST_USE enum e5_status e5_place_publish(const struct e5_place *place, bool replace, struct e5_error *err);
/* The same for another finished file: `name` in the directory `from` becomes `to` in the target's. */
E5_MUST_USE enum e5_status e5_place_publish_as(const struct e5_place *place, int from, const char *name,
                                               const char *to, bool replace, struct e5_error *err);
void e5_place_clean(const struct e5_place *place); /* remove part and state */
void e5_place_close(struct e5_place *place);

#endif
