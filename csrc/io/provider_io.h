/* provider_io: which copies of netCDF, HDF5, libdeflate and zlib serve us; see base/provider.h.
 *
 * Blocks on the gate of netCDF and HDF5. */
#ifndef E5_IO_PROVIDER_IO_H
#define E5_IO_PROVIDER_IO_H

#include "base/provider.h"

size_t e5_provider_io(struct e5_provider out[E5_PROVIDER_MOST]);

#endif
