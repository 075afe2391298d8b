/* structure: does a file look whole, from its first and last bytes?
 *
 * Knows HDF5 (netCDF-4), netCDF-3, GRIB and zip.  This is no reader: it tells a data file from a login page and a
 * whole file from a cut one.  Any thread; _check reads a few hundred bytes of the file and may block on the disk. */
#ifndef E5_NET_STRUCTURE_H
#define E5_NET_STRUCTURE_H

#include "base/error.h"

/* Enough first bytes to judge by. */
#define E5_STRUCTURE_HEAD 512

/* Refuse first bytes that cannot be data of this media type ("application/netcdf", …, "" for unknown): E5_CORRUPT
 * with the beginning of the text, where it is text. */
E5_MUST_USE enum e5_status e5_structure_check_head(const char *bytes, size_t size, const char *media_type,
                                                   struct e5_error *err);
/* The same for a finished file, and its end too.  `path` is for the message. */
E5_MUST_USE enum e5_status e5_structure_check(int fd, const char *path, const char *media_type, struct e5_error *err);

#endif
