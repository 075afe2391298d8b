/* fuzz_file: one file for all inputs of a target that reads files; in memory where the system has such a place, and
 * removed at the end of the process. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

static char fuzz_path[64];

static void fuzz_remove_file(void) { unlink(fuzz_path); }

/* The path of the file, which holds these bytes until the next call. */
static const char *fuzz_file(const uint8_t *data, size_t size) {
    static int descriptor = -1;
    if (descriptor < 0) {
        const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(fuzz_path, sizeof fuzz_path, "%s/era5fast-fuzz-XXXXXX", folder);
        descriptor = mkstemp(fuzz_path);
        MUST(descriptor >= 0);
        atexit(fuzz_remove_file);
    }
    MUST(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, data, size, 0) == (ssize_t)size);
    return fuzz_path;
}

#endif
