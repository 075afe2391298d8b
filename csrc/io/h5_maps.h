/* h5_maps: what HDF5's structures say of a variable's data, as a map.
 *
 * Which way a variable is read is decided here.  Any thread; no lock; blocks on disk. */
#ifndef E5_IO_H5_MAPS_H
#define E5_IO_H5_MAPS_H

#include "io/h5.h"
#include "io/tables.h"

/* The name of the variable behind a link. */
const char *e5_h5_variable_name(const char *link);
/* The map of a variable whose type and shape are known; the bytes of compact data are moved. */
E5_MUST_USE enum e5_status e5_h5_map_set(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                         struct e5_h5_data *data, struct e5_error *err);
/* All maps of a file whose tables netcdf-c filled: what is known here is still read directly. */
E5_MUST_USE enum e5_status e5_h5_maps_fill(struct e5_ncfile *file, struct e5_error *err);

#endif
