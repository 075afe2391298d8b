/* fuzz_h5: HDF5 files, visited through all that they hold: no crash, bounded memory and time, nothing handed out that
 * lies outside the file.  The checksums of HDF5's structures are not compared here (see e5_h5_same_checksum()): a
 * fuzzer would hardly get past them. */
#include "fuzz_file.h"

#define H5_PROMISE(condition) MUST(condition)
#include "h5_walk.h"

#define OBJECTS 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_error err = E5_ERROR_NONE;
    size_t seen;
    const char *path = fuzz_file(data, size);
    enum e5_status status = h5_visit_file(path, OBJECTS, &seen, &err);
    MUST(status == E5_OK || e5_status_name(status) != NULL);
    return 0;
}
