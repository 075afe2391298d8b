/* make_nc: small netCDF files for tests, in a directory of their own that is removed at the end.
 *
 * NC(call) stops the program when netcdf-c refuses: a test file that cannot be made is no test result. */
#ifndef MAKE_NC_H
#define MAKE_NC_H

#include <ftw.h>
#include <netcdf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NC(call)                                                                        \
    do {                                                                                \
        int nc_code = (call);                                                           \
        if (nc_code != NC_NOERR) {                                                      \
            printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, nc_strerror(nc_code)); \
            exit(2);                                                                    \
        }                                                                               \
    } while (0)

static char make_folder[] = "/tmp/e5-test-XXXXXX";

static int make_remove(const char *path, const struct stat *what, int kind, struct FTW *where) {
    (void)what, (void)kind, (void)where;
    return remove(path);
}

static void make_clean(void) { nftw(make_folder, make_remove, 8, FTW_DEPTH | FTW_PHYS); }

/* Name of a file in the folder; valid until the eighth call after this one. */
static inline const char *make_path(const char *name) {
    static _Thread_local char paths[8][128];
    static _Thread_local unsigned next; /* tests read beside each other */
    if (strstr(make_folder, "XXXXXX") != NULL) {
        if (mkdtemp(make_folder) == NULL) exit(2);
        atexit(make_clean);
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", make_folder, name);
    return path;
}

static inline const char *make_bytes(const char *name, const void *bytes, size_t size) {
    const char *path = make_path(name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(2);
    return path;
}

/* The whole of a file, to be freed; *size is its length. */
static inline unsigned char *make_slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) exit(2);
    fclose(file);
    return bytes;
}

/* Whether a file is there, and has the bytes of another. */
static inline bool make_same(const char *path, const char *other) {
    size_t wanted, got;
    if (access(path, R_OK) != 0) return false;
    unsigned char *there = make_slurp(path, &got), *those = make_slurp(other, &wanted);
    bool same = got == wanted && memcmp(there, those, got) == 0;
    free(there);
    free(those);
    return same;
}

#endif
