/* fuzz_h5: HDF5 files, visited through all that they hold: no crash, bounded memory and time, nothing handed out that
 * lies outside the file.  The checksums of HDF5's structures are not compared here (see e5_h5_same_checksum()): a
 * fuzzer would hardly get past them. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

#define H5_PROMISE(condition) MUST(condition)
#include "h5_walk.h"

#define OBJECTS 50

static int descriptor = -1;
static char path[64];

static void remove_file(void) { unlink(path); }

/* One file for all inputs, in memory where the system has such a place. */
static void open_file(void) {
    if (descriptor >= 0) return;
    snprintf(path, sizeof path, "%s/era5fast-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    descriptor = mkstemp(path);
    MUST(descriptor >= 0);
    atexit(remove_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_error err = E5_ERROR_NONE;
    size_t seen;
    open_file();
    MUST(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, data, size, 0) == (ssize_t)size);
    enum e5_status status = h5_visit_file(path, OBJECTS, &seen, &err);
    MUST(status == E5_OK || e5_status_name(status) != NULL);
    return 0;
}
