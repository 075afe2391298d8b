/* scratch: a file without a name, for what does not fit into memory.
 *
 * It vanishes with its descriptor, whatever happens to the process.  The holder owns it (_open/_close) and keeps the
 * text of the directory; a zeroed struct is closed.  Reading and writing block, and several threads may do either at
 * once.  Faults: no room, or no directory E5_STORAGE with what to do. */
#ifndef E5_BASE_SCRATCH_H
#define E5_BASE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/watch.h"

struct e5_scratch {
    bool open;
    int descriptor;
    uint64_t expected;     /* bytes that it will have, for messages */
    const char *directory; /* borrowed */
};

/* With `expected` bytes not 0, room for them is taken at once where the file system can do it: a disk that is too
 * small is noticed before the hours of work, not after. */
E5_MUST_USE enum e5_status e5_scratch_open(const char *directory, uint64_t expected, const struct e5_watch *watch,
                                           struct e5_scratch *out, struct e5_error *err);
void e5_scratch_close(struct e5_scratch *scratch);
E5_MUST_USE enum e5_status e5_scratch_write(const struct e5_scratch *scratch, const void *bytes, size_t size,
                                            uint64_t at, struct e5_error *err);
E5_MUST_USE enum e5_status e5_scratch_read(const struct e5_scratch *scratch, void *bytes, size_t size, uint64_t at,
                                           struct e5_error *err);

#endif
