/* h5_walk: may an HDF5 file be given to a library?
 *
 * HDF5 and netcdf-c go through a file's groups and trees as these say, one call within the other: a group or a node
 * that contains itself ends their stack, and a link or a virtual dataset leads them to other files.  Here all groups,
 * objects and indexes of chunks are read once by bounded means.  E5_CORRUPT for what is damaged, E5_UNSAFE for what
 * leads out of the file or nests too deep; what is merely not known here is passed over.
 * Any thread; blocks on disk. */
#ifndef E5_IO_H5_WALK_H
#define E5_IO_H5_WALK_H

#include "io/probe.h"

#define E5_H5_GROUPS_MAX 64 /* one within the other, the root among them; real files have a few */
#define E5_H5_DEEP_GROUPS "groups too deep within each other, or in themselves"

E5_MUST_USE enum e5_status e5_h5_walk(const char *path, const struct e5_probe *probe, struct e5_error *err);

#endif
