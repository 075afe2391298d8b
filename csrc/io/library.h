/* library: reading through netcdf-c, for whatever the direct path does not know.
 *
 * Under the gate, in blocks, so that a cancel is seen and other files get their turn; no handle is kept between
 * blocks.  Any thread; blocks on gate and disk. */
#ifndef E5_IO_LIBRARY_H
#define E5_IO_LIBRARY_H

#include "base/watch.h"
#include "io/chunks.h"
#include "io/header.h"
#include "io/slab.h"

/* What the libraries do not check, looked at once before a file is given to them: E5_CORRUPT for damaged heaps and
 * trees, E5_UNSAFE for what io/h5_walk.h refuses, soft links included. */
E5_MUST_USE enum e5_status e5_library_admit(const struct e5_ncfile *file, struct e5_error *err);
E5_MUST_USE enum e5_status e5_library_read(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                           const struct e5_map *map, const struct e5_slab *slab,
                                           struct e5_watch *watch, struct e5_error *err);

#endif
