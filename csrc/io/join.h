/* join: several netCDF files of one request as one.
 *
 * The service splits an answer by stream and step type; where the pieces have the same dimensions and coordinates
 * they belong into one file.  A set takes files one after the other, each if it fits those before:
 *   - dimensions are the same by name and length; no groups, no types of their own; netCDF-4;
 *   - a variable of at most one dimension that both have is the same in type, units and every value, and is kept
 * once;
 *   - other variables have different names.
 * Only `expver` may differ, since preliminary data begin at different hours for different step types: the first
 * file's keeps the name, a different one becomes `expver_<step type>` (`expver_2`, … where that says nothing new),
 * and the "coordinates" of its variables name it so.
 *
 * _write makes a new netCDF-4 file with the global attributes of the first.  Chunks, filters, fill values and
 * attributes stay; chunks are copied as they are stored, so that nothing is compressed anew and all bits are the
 * same. The maker owns the set (_free).  One thread at a time; blocks on disk and gate, the latter for one block at a
 * time. Faults are those of ncfile.h. */
#ifndef E5_IO_JOIN_H
#define E5_IO_JOIN_H

#include "base/watch.h"

struct e5_join;

E5_MUST_USE enum e5_status e5_join_new(struct e5_join **out, struct e5_error *err);
/* *fits: the file is in the set now.  The first one always fits.  Files must stay as they are until _free. */
E5_MUST_USE enum e5_status e5_join_add(struct e5_join *join, const char *path, bool *fits, struct e5_watch *watch,
                                       struct e5_error *err);
size_t e5_join_count(const struct e5_join *join);
/* `target` must not exist; what a failure leaves of it is the caller's to remove.  Not synced. */
E5_MUST_USE enum e5_status e5_join_write(const struct e5_join *join, const char *target, struct e5_watch *watch,
                                         struct e5_error *err);
void e5_join_free(struct e5_join *join); /* NULL is allowed */

#endif
