/* header: what netcdf-c says about a file, as tables.
 *
 * Opens the file through netcdf-c under the gate, reads everything but data, and closes it again.  Variables that the
 * tables cannot hold (more than E5_MAX_DIMS dimensions, user-defined types) are left out with a line in the log;
 * groups below the root are not read.  Any thread; blocks on gate and disk. */
#ifndef E5_IO_HEADER_H
#define E5_IO_HEADER_H

#include "io/tables.h"

/* Fills dim, var, attr and the maps' shapes; `file` has its path and layout.  What was read before a failure is freed
 * with the file. */
E5_MUST_USE enum e5_status e5_header_read(struct e5_ncfile *file, struct e5_error *err);
/* A code of netcdf-c as a status, with the file and what was being done. */
E5_MUST_USE enum e5_status e5_header_fail(struct e5_error *err, int code, const char *path, const char *doing);

#endif
