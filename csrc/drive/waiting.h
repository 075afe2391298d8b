/* waiting: the line that says that something goes on waiting for the service.
 *
 * At most one a minute, and once more, as a warning, before the wait with which the fault turns out to last: people
 * who read warnings only want to know then as well.  The holder owns the struct, zeroed to begin with; one thread at
 * a time; nothing blocks.
 */
#ifndef E5_DRIVE_WAITING_H
#define E5_DRIVE_WAITING_H

#include "net/retry.h"

struct e5_waiting {
    double told_at, warned_at; /* next line not before: at all, and as a warning */
};

/* Whoever waits (`name`, "": all) does so for `seconds` from `now` on because of `why`.  `key` is masked. */
void e5_waiting_tell(struct e5_waiting *waiting, const struct e5_retry *retry, double pace, double now,
                     const char *name, double seconds, const char *why, const char *key);

#endif
