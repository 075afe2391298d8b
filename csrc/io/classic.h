/* classic: is a netCDF-3 header sound, and is the file as long as it says?
 *
 * netcdf-c allocates what a header claims and reads zeros where a file was cut short; so the header is walked here
 * first.  Any thread; blocks on disk. */
#ifndef E5_IO_CLASSIC_H
#define E5_IO_CLASSIC_H

#include "io/probe.h"

/* E5_CORRUPT: damaged or cut short; E5_UNSAFE: claims more than could be real. */
E5_MUST_USE enum e5_status e5_classic_check(const char *path, const struct e5_probe *probe, struct e5_error *err);

#endif
