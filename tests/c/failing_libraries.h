/* failing_libraries: netcdf-c and HDF5 that fail at the n-th call, or lie about a file.
 *
 * The program's own nc_open() and its kin stand in for the library's, as those of failing_calls.h do for the C
 * library's.  A call that is to fail does nothing, but that what is closed is closed. */
#ifndef FAILING_LIBRARIES_H
#define FAILING_LIBRARIES_H

#include <dlfcn.h>
#include <errno.h>
#include <hdf5.h>
#include <netcdf.h>

static long library_left;        /* calls up to the one that fails; ≤ 0: none does */
static int library_code;         /* what it gives back, and for calls of HDF5 errno */
static const char *library_name; /* of the function that failed, NULL: none has */

static inline void fail_library(long n, int code) {
    library_name = NULL;
    library_code = code;
    library_left = n;
}

static inline bool library_fails(const char *name) {
    if (library_left <= 0 || library_left-- != 1) return false;
    library_name = name;
    errno = library_code > 0 ? library_code : 0;
    return true;
}

/* What netcdf-c says instead of the truth; 0: the truth. */
static int lie_format, lie_dimension;
static bool lie_chunks, lie_closed; /* chunks of no size; HDF5 opens no file */

#define NEXT(name)                   \
    static __typeof__(&(name)) next; \
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, #name)
#define STAND_IN(name, parameters, arguments)                        \
    int name parameters {                                            \
        NEXT(name);                                                  \
        return library_fails(#name) ? library_code : next arguments; \
    }
STAND_IN(nc_open, (const char *path, int mode, int *id), (path, mode, id))
STAND_IN(nc_inq_ndims, (int id, int *n), (id, n))
STAND_IN(nc_inq_dimids, (int id, int *n, int *ids, int parents), (id, n, ids, parents))
STAND_IN(nc_inq_dim, (int id, int dim, char *name, size_t *length), (id, dim, name, length))
STAND_IN(nc_inq_unlimdims, (int id, int *n, int *ids), (id, n, ids))
STAND_IN(nc_inq_nvars, (int id, int *n), (id, n))
STAND_IN(nc_inq_var, (int id, int var, char *name, nc_type *type, int *ndim, int *dims, int *natts),
         (id, var, name, type, ndim, dims, natts))
STAND_IN(nc_inq_var_deflate, (int id, int var, int *shuffle, int *deflate, int *level),
         (id, var, shuffle, deflate, level))
STAND_IN(nc_inq_var_fletcher32, (int id, int var, int *checksum), (id, var, checksum))
STAND_IN(nc_inq_var_endian, (int id, int var, int *endian), (id, var, endian))
STAND_IN(nc_inq_natts, (int id, int *n), (id, n))
STAND_IN(nc_inq_attname, (int id, int var, int number, char *name), (id, var, number, name))
STAND_IN(nc_inq_att, (int id, int var, const char *name, nc_type *type, size_t *length),
         (id, var, name, type, length))
STAND_IN(nc_get_att, (int id, int var, const char *name, void *to), (id, var, name, to))
STAND_IN(nc_get_att_string, (int id, int var, const char *name, char **to), (id, var, name, to))
STAND_IN(nc_get_vara, (int id, int var, const size_t *start, const size_t *count, void *to),
         (id, var, start, count, to))
STAND_IN(nc_get_var_string, (int id, int var, char **to), (id, var, to))
STAND_IN(nc_get_var_text, (int id, int var, char *to), (id, var, to))

int nc_inq_format(int id, int *format) {
    NEXT(nc_inq_format);
    int code = library_fails("nc_inq_format") ? library_code : next(id, format);
    if (code == NC_NOERR && lie_format > 0) *format = lie_format;
    return code;
}

int nc_inq_vardimid(int id, int var, int *dims) {
    NEXT(nc_inq_vardimid);
    int code = library_fails("nc_inq_vardimid") ? library_code : next(id, var, dims);
    if (code == NC_NOERR && lie_dimension > 0) dims[0] = lie_dimension;
    return code;
}

int nc_inq_var_chunking(int id, int var, int *how, size_t *chunk) {
    NEXT(nc_inq_var_chunking);
    int code = library_fails("nc_inq_var_chunking") ? library_code : next(id, var, how, chunk);
    if (code == NC_NOERR && lie_chunks && *how == NC_CHUNKED) chunk[0] = 0;
    return code;
}

/* --- HDF5 --- */

hid_t H5Fopen(const char *path, unsigned flags, hid_t access) {
    NEXT(H5Fopen);
    return lie_closed || library_fails("H5Fopen") ? -1 : next(path, flags, access);
}

hid_t H5Dopen2(hid_t where, const char *name, hid_t access) {
    NEXT(H5Dopen2);
    return library_fails("H5Dopen2") ? -1 : next(where, name, access);
}

herr_t H5Dwrite_chunk(hid_t set, hid_t how, uint32_t mask, const hsize_t *at, size_t size, const void *bytes) {
    NEXT(H5Dwrite_chunk);
    return library_fails("H5Dwrite_chunk") ? -1 : next(set, how, mask, at, size, bytes);
}

herr_t H5Dclose(hid_t set) {
    NEXT(H5Dclose);
    herr_t done = next(set);
    return library_fails("H5Dclose") ? -1 : done;
}

herr_t H5Fclose(hid_t file) {
    NEXT(H5Fclose);
    herr_t done = next(file);
    return library_fails("H5Fclose") ? -1 : done;
}

#endif
