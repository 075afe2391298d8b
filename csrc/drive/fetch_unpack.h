/* fetch_unpack: the user asked for netCDF and the service sends an archive: the user gets netCDF.
 *
 * Members are unpacked into `.<name>.e5members/` beside the target.  At the end those that fit one another are joined
 * (io/join.h); the largest group becomes the target, every other group or member that is left over lies beside it
 * as `<name>.<member's own name>`, with a number in between where somebody else's file has that name.  Each result is
 * checked, synced and renamed, the target last: until then an old one is untouched, and after a failure nothing is
 * left.  The archive itself, the part file, is the caller's to remove.
 *
 * Two ways of use, both beside the loop, one thread at a time.  When all bytes are there and verified:
 *     e5_fetch_is_archive(fd, path, &packed, err);
 *     if (item->unpack && packed) e5_fetch_unpack(place, fd, size, &existing, &result, watch, err);
 * or, while they arrive, in the thread that follows the part (any number of times, also never):
 *     e5_fetch_unpack_begin(place, size, &unpack, err);              once the first bytes are there
 *     e5_fetch_unpack_follow(unpack, fd, position, watch, err);      `position`: bytes here without a gap
 *     e5_fetch_unpack_finish(unpack, fd, size, &existing, &result, watch, err);      after the checksum was judged
 *     e5_fetch_unpack_drop(unpack);                                  in any case; also when the part begins anew
 * A refusal that _follow reports may come from damaged bytes: it counts only once the checksum has been judged, and
 * _finish repeats it.  The lock on the place keeps others away; after a killed process _begin or _clean removes what
 * it left.  `place` outlives the unpacking.
 * Faults: those of io/archive.h, io/ncfile.h; no netCDF inside E5_CORRUPT; E5_EXISTS where nothing may be replaced.
 */
#ifndef E5_DRIVE_FETCH_UNPACK_H
#define E5_DRIVE_FETCH_UNPACK_H

#include "drive/fetch_beside.h"

struct e5_fetch_unpack;

struct e5_fetch_unpacked {
    struct stat target; /* the file that is there now */
    char **files; /* NULL where the target is all; else NULL-terminated, the target first */
    struct stat *info; /* of each of `files` */
};

void e5_fetch_unpacked_fini(struct e5_fetch_unpacked *result);

/* Do its first bytes say so?  `path` is told of what cannot be read. */
E5_MUST_USE enum e5_status e5_fetch_is_archive(int fd, const char *path, bool *out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_fetch_unpack(const struct e5_place *place, int fd, int64_t size,
                                           const struct e5_fetch_existing *existing, struct e5_fetch_unpacked *result,
                                           struct e5_watch *watch, struct e5_error *err);

/* `size` of the archive, −1: not known. */
E5_MUST_USE enum e5_status e5_fetch_unpack_begin(const struct e5_place *place, int64_t size,
                                                 struct e5_fetch_unpack **out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_fetch_unpack_follow(struct e5_fetch_unpack *unpack, int fd, int64_t upto,
                                                  struct e5_watch *watch, struct e5_error *err);
E5_MUST_USE enum e5_status e5_fetch_unpack_finish(struct e5_fetch_unpack *unpack, int fd, int64_t size,
                                                  const struct e5_fetch_existing *existing,
                                                  struct e5_fetch_unpacked *result, struct e5_watch *watch,
                                                  struct e5_error *err);
void e5_fetch_unpack_drop(struct e5_fetch_unpack *unpack); /* removes all that is not published; NULL is allowed */
void e5_fetch_unpack_clean(const struct e5_place *place);  /* leftovers of a process that was killed */

#endif
