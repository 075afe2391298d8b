/* h5_netcdf: what netCDF-4's conventions make of an HDF5 file: the tables that netcdf-c would give, without it.
 *
 * Dimension scales become dimensions, data sets variables; hidden attributes are left out; where a file has no
 * scales, dimensions are invented as netcdf-c does.  What is not known here (types of the user's own, soft links, …)
 * leaves the file to netcdf-c.  Any thread; no lock; blocks on disk. */
#ifndef E5_IO_H5_NETCDF_H
#define E5_IO_H5_NETCDF_H

#include "io/tables.h"

/* Fills tables and maps; `file` has its path and layout, whose h5 is set where the probe is kept.  When netcdf-c is
 * needed, `*why` becomes a clause of a sentence and the tables stay empty. */
E5_MUST_USE enum e5_status e5_h5_netcdf_read(struct e5_ncfile *file, const char **why, struct e5_error *err);

#endif
