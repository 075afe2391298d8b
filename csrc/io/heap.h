/* heap: are HDF5's global heaps sound?
 *
 * Attributes that refer to dimensions, and strings, lie in "global heaps".  HDF5 copies their objects by the size
 * noted there without comparing it with the heap: one flipped bit in such a size and the process is gone.  The heaps
 * are found by their mark and walked before the library reads them.
 * Any thread; blocks on disk: reads the first and last MiB of a file, where netCDF-4 keeps them. */
#ifndef E5_IO_HEAP_H
#define E5_IO_HEAP_H

#include "io/probe.h"

E5_MUST_USE enum e5_status e5_heap_check(const char *path, const struct e5_probe *probe, struct e5_error *err);

#endif
