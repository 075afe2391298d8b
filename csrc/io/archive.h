/* archive: a zip archive that is unpacked while its bytes come in.
 *
 * Bytes are pushed in blocks of any size; members come out through a sink, in order, each checked against its CRC and
 * its sizes.  The central directory at the end must name just the members that came, in their order and with their
 * places; what is hostile only there (links, devices) is refused then, so nothing that a sink got may be used before
 * _finish has returned E5_OK.  Stored and deflated members, zip64, sizes that follow the data.  Memory is bounded:
 * some 200 KiB, and a name for each member.
 * Faults: E5_UNSAFE names the member (names that lead out, links, encryption, other methods, archives in the archive,
 * names twice, more than 10,000 members, more than 100 : 1 beyond 1 GiB); E5_CORRUPT for what is damaged or cut.
 * After a failure, also one of the sink, nothing more is read: _feed and _finish repeat the status.
 * The maker owns the archive (_free) and keeps the sink's context alive.  One thread at a time; blocks in the sink
 * only. */
#ifndef E5_IO_ARCHIVE_H
#define E5_IO_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct e5_archive;

struct e5_archive_sink {
    void *context;
    /* A member begins; its name is checked, but may hold slashes.  `size` −1: not known yet.  Directories are not
     * reported. */
    enum e5_status (*begin)(void *context, const char *name, int64_t size, struct e5_error *err);
    enum e5_status (*data)(void *context, const void *bytes, size_t size, struct e5_error *err);
    enum e5_status (*end)(void *context, struct e5_error *err); /* all of it has come and is sound */
};

/* `size` of the whole archive, −1: not known.  Members that claim to be longer are refused before anything is made
 * for them. */
E5_MUST_USE enum e5_status e5_archive_new(const struct e5_archive_sink *sink, int64_t size, struct e5_archive **out,
                                          struct e5_error *err);
E5_MUST_USE enum e5_status e5_archive_feed(struct e5_archive *archive, const void *bytes, size_t size,
                                           struct e5_error *err);
/* All bytes have been fed: was it a whole archive with at least one member? */
E5_MUST_USE enum e5_status e5_archive_finish(struct e5_archive *archive, struct e5_error *err);
void e5_archive_free(struct e5_archive *archive); /* NULL is allowed */

#endif
