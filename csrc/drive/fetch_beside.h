/* fetch_beside: may a further file lie under this name beside a target?
 *
 * Such names are the service's, not the user's, so what is there is replaced only if an earlier call made it; the
 * very same bytes are taken for ours too: they may be left from an attempt that ended before the target was there.
 * Any thread; blocks on the disk. */
#ifndef E5_DRIVE_FETCH_BESIDE_H
#define E5_DRIVE_FETCH_BESIDE_H

#include "base/watch.h"
#include "net/place.h"

/* What may happen to files that are there. */
struct e5_fetch_existing {
    bool replace; /* the target, and what an earlier call made */
    /* Did an earlier call make the file at `path`, and has nobody touched it since?  NULL: nobody knows. */
    bool (*is_ours)(void *context, const char *path, const struct stat *info);
    void *context;
};

enum e5_beside {
    E5_BESIDE_FREE,   /* nothing is there */
    E5_BESIDE_OURS,   /* to be replaced */
    E5_BESIDE_SAME,   /* the same bytes are there */
    E5_BESIDE_FOREIGN /* take another name */
};

/* `fd`: the file that is to lie there, of *info; for E5_BESIDE_SAME *info becomes that of the file that is there. */
E5_MUST_USE enum e5_status e5_fetch_beside(const struct e5_place *place, const char *name,
                                           const struct e5_fetch_existing *existing, int fd, struct stat *info,
                                           enum e5_beside *out, struct e5_watch *watch, struct e5_error *err);

#endif
