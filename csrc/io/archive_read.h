/* archive_read: a zip archive that lies in a file whole, read from its first byte to its last.
 *
 * _read hands its members to a sink; _check keeps nothing of them, and only looks whether each is what its CRC and
 * its sizes say.  The descriptor's own position is neither used nor moved; `path` is for messages.  The watch is
 * looked at between blocks.  Faults: those of archive.h; E5_STORAGE where the file cannot be read.  Any thread;
 * blocks on the disk. */
#ifndef E5_IO_ARCHIVE_READ_H
#define E5_IO_ARCHIVE_READ_H

#include <stdbool.h>

#include "base/watch.h"
#include "io/archive.h"

E5_MUST_USE enum e5_status e5_archive_read(const struct e5_archive_sink *sink, int fd, const char *path,
                                           struct e5_watch *watch, struct e5_error *err);
/* `*in_member`: a failure concerns what a member holds, not what lies around the members. */
E5_MUST_USE enum e5_status e5_archive_check(int fd, const char *path, bool *in_member, struct e5_watch *watch,
                                            struct e5_error *err);

#endif
