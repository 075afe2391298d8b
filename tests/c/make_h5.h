/* make_h5: HDF5 files of all kinds for tests, in make_nc.h's folder.
 *
 * h5_new() begins a file in the oldest or the newest format that HDF5 writes; the others put things into it. */
#ifndef MAKE_H5_H
#define MAKE_H5_H

#include "h5_compare.h"
#include "make_nc.h"

enum { MAKE_TRACKED = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED };

struct h5_new { /* zero: the oldest format, nothing special */
    bool newest, tracked;
    hsize_t user_block;
    size_t width;         /* bytes of addresses, 0: 8 */
    unsigned shared_size; /* > 0: messages from this size on lie in a heap for all */
};

static inline hid_t h5_create(const char *path, struct h5_new how) {
    hid_t made = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    if (how.newest) H5(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
    if (how.tracked) H5(H5Pset_link_creation_order(made, MAKE_TRACKED));
    if (how.tracked) H5(H5Pset_attr_creation_order(made, MAKE_TRACKED));
    if (how.user_block > 0) H5(H5Pset_userblock(made, how.user_block));
    if (how.width > 0) H5(H5Pset_sizes(made, how.width, how.width));
    if (how.shared_size > 0) {
        H5(H5Pset_shared_mesg_nindexes(made, 1));
        H5(H5Pset_shared_mesg_index(made, 0, H5O_SHMESG_ALL_FLAG, how.shared_size));
    }
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, made, access);
    H5(file);
    H5Pclose(made);
    H5Pclose(access);
    return file;
}

/* --- data --- */

struct h5_set {
    const char *name;
    hid_t type;
    int ndim;
    hsize_t dim[3], most[3], chunk[3]; /* most 0: as dim; chunk 0: contiguous */
    int every;                         /* of the first dimension, this many rows are written; 0: none, 1: all */
    bool early, plain_edges, tracked;
    int filters; /* 1: deflate, 2: shuffle too, 3: checksum too */
};

static inline hid_t h5_how_made(const struct h5_set *set) {
    hid_t made = H5Pcreate(H5P_DATASET_CREATE);
    if (set->chunk[0] > 0) H5(H5Pset_chunk(made, set->ndim, set->chunk));
    if (set->early) H5(H5Pset_alloc_time(made, H5D_ALLOC_TIME_EARLY));
    if (set->plain_edges) H5(H5Pset_chunk_opts(made, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS));
    if (set->tracked) H5(H5Pset_attr_creation_order(made, MAKE_TRACKED));
    if (set->filters > 1) H5(H5Pset_shuffle(made));
    if (set->filters > 0) H5(H5Pset_deflate(made, 4));
    if (set->filters > 2) H5(H5Pset_fletcher32(made));
    return made;
}

static inline void h5_write_rows(hid_t id, const struct h5_set *set) {
    hsize_t start[3] = {0}, count[3] = {1, 1, 1};
    size_t row = 1;
    for (int d = 1; d < set->ndim; d++) row *= count[d] = set->dim[d];
    int *values = malloc(row * sizeof *values);
    hid_t space = H5Dget_space(id), memory = H5Screate_simple(set->ndim, count, NULL);
    for (start[0] = 0; set->every > 0 && start[0] < set->dim[0]; start[0] += (hsize_t)set->every) {
        for (size_t i = 0; i < row; i++) values[i] = (int)((start[0] * 7 + i) % 101);
        H5(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
        H5(H5Dwrite(id, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, values));
    }
    H5Sclose(space);
    H5Sclose(memory);
    free(values);
}

/* Numbers in a new dataset; close what is given back. */
static inline hid_t h5_put(hid_t file, const struct h5_set *set) {
    hsize_t most[3];
    for (int d = 0; d < set->ndim; d++) most[d] = set->most[d] > 0 ? set->most[d] : set->dim[d];
    hid_t space = H5Screate_simple(set->ndim, set->dim, most), made = h5_how_made(set);
    hid_t id = H5Dcreate2(file, set->name, set->type, space, H5P_DEFAULT, made, H5P_DEFAULT);
    H5(id);
    h5_write_rows(id, set);
    H5Sclose(space);
    H5Pclose(made);
    return id;
}

/* --- attributes --- */

static inline void h5_put_numbers(hid_t object, const char *name, hid_t type, hsize_t count) {
    double *values = malloc((count + 1) * sizeof *values);
    for (hsize_t i = 0; i < count; i++) values[i] = (double)(i % 50) + 1;
    hid_t space = count > 1 ? H5Screate_simple(1, &count, NULL) : H5Screate(count == 0 ? H5S_NULL : H5S_SCALAR);
    hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5(attr);
    if (count > 0) H5(H5Awrite(attr, H5T_NATIVE_DOUBLE, values));
    H5Aclose(attr);
    H5Sclose(space);
    free(values);
}

/* `count` texts of variable length, each `length` bytes longer than the one before, the first empty. */
static inline void h5_put_texts(hid_t object, const char *name, hsize_t count, size_t length) {
    char **text = calloc(count, sizeof *text);
    for (hsize_t i = 0; i < count; i++) {
        text[i] = malloc(i * length + 1);
        memset(text[i], 'a' + (int)(i % 26), i * length);
        text[i][i * length] = '\0';
    }
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, NULL);
    H5(H5Tset_size(type, H5T_VARIABLE));
    hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5(H5Awrite(attr, type, text));
    H5Aclose(attr);
    H5Sclose(space);
    H5Tclose(type);
    for (hsize_t i = 0; i < count; i++) free(text[i]);
    free(text);
}

static inline void h5_put_text(hid_t object, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5(H5Tset_size(type, strlen(text) + 1));
    hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5(H5Awrite(attr, type, text));
    H5Aclose(attr);
    H5Sclose(space);
    H5Tclose(type);
}

/* One reference, and a list of lists of references as DIMENSION_LIST is. */
static inline void h5_put_references(hid_t object, hid_t file, const char *to) {
    hobj_ref_t one[3];
    hvl_t list[2] = {{1, one}, {3, one}};
    hsize_t two = 2;
    for (int i = 0; i < 3; i++) H5(H5Rcreate(&one[i], file, to, H5R_OBJECT, -1));
    hid_t scalar = H5Screate(H5S_SCALAR), pair = H5Screate_simple(1, &two, NULL),
          lists = H5Tvlen_create(H5T_STD_REF_OBJ);
    hid_t attr = H5Acreate2(object, "reference", H5T_STD_REF_OBJ, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5(H5Awrite(attr, H5T_STD_REF_OBJ, one));
    H5Aclose(attr);
    attr = H5Acreate2(object, "references", lists, pair, H5P_DEFAULT, H5P_DEFAULT);
    H5(H5Awrite(attr, lists, list));
    H5Aclose(attr);
    H5Sclose(scalar);
    H5Sclose(pair);
    H5Tclose(lists);
}

#endif
