#include "io/provider_io.h"

#include <hdf5.h>
#include <libdeflate.h>
#include <netcdf.h>
#include <netcdf_meta.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "io/gate.h"

/* "4.9.0 of Feb  2 2023 …" without what follows the number. */
static void set_netcdf(struct e5_provider *out) {
    char version[sizeof out->loaded];
    snprintf(version, sizeof version, "%s", nc_inq_libvers());
    version[strcspn(version, " ")] = '\0';
    e5_provider_set(out, "netcdf", NC_VERSION, version, E5_PROVIDER_SYMBOL(nc_inq_libvers));
}

static void set_hdf5(struct e5_provider *out) {
    unsigned major = 0, minor = 0, release = 0;
    char built[sizeof out->built], loaded[sizeof out->loaded];
    H5get_libversion(&major, &minor, &release);
    snprintf(built, sizeof built, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    snprintf(loaded, sizeof loaded, "%u.%u.%u", major, minor, release);
    e5_provider_set(out, "hdf5", built, loaded, E5_PROVIDER_SYMBOL(H5get_libversion));
}

size_t e5_provider_io(struct e5_provider out[E5_PROVIDER_MOST]) {
    e5_gate_enter();
    set_netcdf(&out[0]);
    set_hdf5(&out[1]);
    e5_gate_leave();
    const char *deflate = LIBDEFLATE_VERSION_STRING; /* it does not say at run time */
    e5_provider_set(&out[2], "libdeflate", deflate, deflate, E5_PROVIDER_SYMBOL(libdeflate_alloc_decompressor));
    e5_provider_set(&out[3], "zlib", ZLIB_VERSION, zlibVersion(), E5_PROVIDER_SYMBOL(zlibVersion));
    return 4;
}
