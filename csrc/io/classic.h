/* classic: the header of a netCDF-3 file (classic, 64-bit offset, 64-bit data), as tables and maps.
 *
 * Walked in memory, without a library; every size is compared with the file, which must be as long as it says.  Any
 * thread; blocks on disk. */
#ifndef E5_IO_CLASSIC_H
#define E5_IO_CLASSIC_H

#include "io/tables.h"

/* `file` has its path and layout.  E5_CORRUPT: damaged or cut short; E5_UNSAFE: claims more than could be real. */
E5_MUST_USE enum e5_status e5_classic_read(struct e5_ncfile *file, struct e5_error *err);

#endif
