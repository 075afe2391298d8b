/* watch: how a caller looks at running work, and stops it.
 *
 * Progress is pulled: workers add to atomic counters, the caller reads them.  Cancel is pushed: the caller sets a
 * flag that workers read between blocks (at most some 20 ms apart).  The caller owns the watch and keeps it alive
 * until the work has returned.  Any thread may call; nothing blocks.  `watch` may be NULL: no progress, no cancel. */
#ifndef E5_BASE_WATCH_H
#define E5_BASE_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

/* How many of the parts of the work are in which state; all zero where the work has no such parts. */
enum e5_watch_count {
    E5_WATCH_QUEUED,      /* at the service */
    E5_WATCH_RUNNING,     /* there */
    E5_WATCH_DOWNLOADING,
    E5_WATCH_CHECKING,
    E5_WATCH_DONE,
    E5_WATCH_FAILED,
    E5_WATCH_FILES,       /* all */
    E5_WATCH_COUNTS
};

struct e5_watch {
    atomic_bool cancel;
    atomic_int_fast64_t done, total; /* in units of the work: bytes, blocks, cells */
    _Atomic(const char *) stage;     /* static text that says what is going on, or NULL */
    atomic_uint counts[E5_WATCH_COUNTS];
};

void e5_watch_cancel(struct e5_watch *watch);
bool e5_watch_cancelled(const struct e5_watch *watch);
/* E5_OK, or E5_CANCELLED with a report in err: the line to put between two blocks of work. */
E5_MUST_USE enum e5_status e5_watch_check(const struct e5_watch *watch, struct e5_error *err);
void e5_watch_add(struct e5_watch *watch, int64_t done);
void e5_watch_expect(struct e5_watch *watch, int64_t total);
void e5_watch_count(struct e5_watch *watch, enum e5_watch_count which, unsigned value);
void e5_watch_stage(struct e5_watch *watch, const char *static_text);

#endif
