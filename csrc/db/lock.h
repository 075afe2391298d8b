/* lock: one writer at a time, by flock on a file beside the database.
 *
 * SQLite's own locks are POSIX record locks: a process loses them when anything in it, another copy of SQLite say,
 * opens and closes the same file.  A lock on a file of its own cannot be lost that way.  It dies with its holder, and
 * the file `<database>.lock` stays: removing it would let two holders in.
 *
 * The holder releases it (_release).  Any thread; _take blocks, and looks at the watch every 20 ms. */
#ifndef E5_DB_LOCK_H
#define E5_DB_LOCK_H

#include "base/watch.h"

struct e5_lock {
    int fd; /* −1: not held */
};

#define E5_LOCK_STEP_MS 20

/* `deadline` by e5_clock_monotonic(); E5_DATABASE_BUSY after it, E5_STORAGE where files cannot be locked. */
E5_MUST_USE enum e5_status e5_lock_take(struct e5_lock *lock, const char *database, double deadline,
                                        const struct e5_watch *watch, struct e5_error *err);
void e5_lock_release(struct e5_lock *lock);
/* Sleep one step; false when the deadline has passed or the watch is cancelled. */
bool e5_lock_wait(double deadline, const struct e5_watch *watch);

#endif
