/* py_header: what a netCDF file says of itself, as dictionaries.
 *
 * {"dims": {name: length}, "unlimited": (name, …), "attrs", "variables": {name: {"dims", "dtype", "attrs", "stored",
 * "storage"}}}.  "dtype" is how values are understood ("text": characters or strings), "stored" NumPy's name of what
 * the file holds, byte order included ("str": strings), "storage" how HDF5 keeps it (None in netCDF-3).
 * Needs the GIL; NULL with an exception set on failure. */
#ifndef E5PY_PY_HEADER_H
#define E5PY_PY_HEADER_H

#include "io/header.h"
#include "python/convert.h"

PyObject *e5py_file_header(const struct e5_ncfile *file);

#endif
