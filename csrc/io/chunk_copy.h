/* chunk_copy: chunks of one file into another, as they are stored.
 *
 * Nothing is inflated or deflated: values keep all their bits, and the copy is as fast as the disk.  Any thread;
 * reads outside the gate, and blocks on disk and gate, the latter for one chunk at a time. */
#ifndef E5_IO_CHUNK_COPY_H
#define E5_IO_CHUNK_COPY_H

#include "base/watch.h"
#include "io/chunks.h"
#include "io/header.h"

/* Do chunks of the one mean the same in the other: shape, filters, number type, byte order? */
bool e5_chunk_copy_fits(const struct e5_map *from, const struct e5_map *to);
/* All chunks of a variable, whose map is prepared, into the variable `name` of `target`, which has none yet and is
 * open nowhere. */
E5_MUST_USE enum e5_status e5_chunk_copy(const struct e5_ncfile *file, const struct e5_map *map, const char *target,
                                         const char *name, struct e5_watch *watch, struct e5_error *err);

#endif
