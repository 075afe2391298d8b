/* h5_compare: does io/h5.h say the same about a file as HDF5 does?
 *
 * h5_compare(path) visits all groups; what differs is a failed check with the object's name.  Chunks are compared by
 * their bytes, as HDF5 reads them at each place of the grid. */
#ifndef H5_COMPARE_H
#define H5_COMPARE_H

#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "io/h5.h"

#define H5(call) /* stops where HDF5 refuses what the test asks of it */ \
    ((call) < 0 ? (printf("%s:%d: %s\n", __FILE__, __LINE__, #call), exit(2)) : (void)0)

struct h5_both { /* one file, opened by both */
    struct e5_h5 *h5;
    int descriptor;
    size_t objects, attrs, chunks; /* compared */
};

/* --- types and shapes --- */

static inline enum e5_h5_class h5_class_of(hid_t type) {
    enum e5_h5_class found = E5_H5_OTHER;
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER) found = E5_H5_INTEGER;
    if (class == H5T_FLOAT) found = E5_H5_FLOAT;
    if (class == H5T_STRING) found = H5Tis_variable_str(type) > 0 ? E5_H5_VARIABLE_TEXT : E5_H5_TEXT;
    if (class == H5T_REFERENCE && H5Tequal(type, H5T_STD_REF_OBJ) > 0) found = E5_H5_REFERENCE;
    if (class == H5T_VLEN) {
        hid_t super = H5Tget_super(type);
        if (H5Tequal(super, H5T_STD_REF_OBJ) > 0) found = E5_H5_REFERENCE_LIST;
        H5Tclose(super);
    }
    return found;
}

static inline bool h5_same_type(const struct e5_h5_type *ours, hid_t type) {
    enum e5_h5_class class = h5_class_of(type);
    bool number = class == E5_H5_INTEGER || class == E5_H5_FLOAT;
    bool points = class == E5_H5_VARIABLE_TEXT || class == E5_H5_REFERENCE_LIST || H5Tget_class(type) == H5T_VLEN;
    if (ours->class != class || (!points && ours->size != H5Tget_size(type))) return false;
    if (number && ours->big_endian != (H5Tget_order(type) == H5T_ORDER_BE)) return false;
    return class != E5_H5_INTEGER || ours->is_signed == (H5Tget_sign(type) == H5T_SGN_2);
}

static inline bool h5_same_space(const struct e5_h5_space *ours, hid_t space) {
    hsize_t dim[H5S_MAX_RANK], most[H5S_MAX_RANK];
    int ndim = H5Sget_simple_extent_dims(space, dim, most);
    if (ours->ndim != ndim || ours->null != (H5Sget_simple_extent_type(space) == H5S_NULL)) return false;
    for (int d = 0; d < ndim && d < E5_MAX_DIMS; d++)
        if (ours->dim[d] != dim[d] || ours->most[d] != most[d]) return false;
    return true;
}

/* --- attributes --- */

static inline bool h5_same_texts(struct h5_both *both, const struct e5_h5_attr *ours, hid_t attr, hid_t space) {
    char **text = calloc(ours->count + 1, sizeof *text);
    hid_t memory = H5Tcopy(H5T_C_S1);
    bool same = true;
    H5(H5Tset_size(memory, H5T_VARIABLE));
    hid_t type = H5Aget_type(attr);
    H5(H5Tset_cset(memory, H5Tget_cset(type)));
    H5(H5Aread(attr, memory, text));
    for (size_t i = 0; i < ours->count; i++) {
        const uint8_t *bytes = NULL;
        size_t length = 0;
        CHECK_OK(e5_h5_heap_get(both->h5, ours->bytes + i * ours->type.size, 1, &bytes, &length, err));
        const char *theirs = text[i] != NULL ? text[i] : "";
        same = same && strnlen((const char *)bytes, length) == strlen(theirs) &&
               memcmp(bytes, theirs, strlen(theirs)) == 0;
    }
    H5(H5Dvlen_reclaim(memory, space, H5P_DEFAULT, text));
    H5Tclose(memory);
    H5Tclose(type);
    free(text);
    return same;
}

static inline bool h5_same_lists(struct h5_both *both, const struct e5_h5_attr *ours, hid_t attr, hid_t space) {
    hvl_t *list = calloc(ours->count + 1, sizeof *list);
    hid_t type = H5Aget_type(attr);
    bool same = true;
    H5(H5Aread(attr, type, list));
    for (size_t i = 0; i < ours->count; i++) {
        const uint8_t *bytes = NULL;
        size_t length = 0;
        CHECK_OK(e5_h5_heap_get(both->h5, ours->bytes + i * ours->type.size, sizeof(hobj_ref_t), &bytes, &length,
                                err));
        same = same && length == list[i].len * sizeof(hobj_ref_t) && memcmp(bytes, list[i].p, length) == 0;
    }
    H5(H5Dvlen_reclaim(type, space, H5P_DEFAULT, list));
    H5Tclose(type);
    free(list);
    return same;
}

static inline bool h5_same_value(struct h5_both *both, const struct e5_h5_attr *ours, hid_t attr, hid_t type,
                                 hid_t space) {
    if (ours->type.class == E5_H5_VARIABLE_TEXT) return h5_same_texts(both, ours, attr, space);
    if (ours->type.class == E5_H5_REFERENCE_LIST) return h5_same_lists(both, ours, attr, space);
    if (ours->type.class == E5_H5_OTHER || ours->count == 0) return true;
    size_t size = ours->count * ours->type.size;
    uint8_t *bytes = calloc(size, 1);
    H5(H5Aread(attr, type, bytes));
    bool same = memcmp(bytes, ours->bytes, size) == 0;
    free(bytes);
    return same;
}

static inline void h5_compare_attr(struct h5_both *both, const struct e5_h5_attr *ours, hid_t attr) {
    hid_t type = H5Aget_type(attr), space = H5Aget_space(attr);
    CHECK(h5_same_type(&ours->type, type) && h5_same_space(&ours->space, space));
    CHECK(ours->count == (ours->space.null ? 0 : (size_t)H5Sget_simple_extent_npoints(space)));
    CHECK(h5_same_value(both, ours, attr, type, space));
    both->attrs++;
    H5Tclose(type);
    H5Sclose(space);
}

/* In order of creation where HDF5 knows one, else by name. */
static inline void h5_compare_attrs(struct h5_both *both, const struct e5_h5_object *ours, hid_t object) {
    CHECK(H5Aget_num_attrs(object) == (int)ours->attrs);
    for (size_t i = 0; i < ours->attrs; i++) {
        char name[300];
        int before = check_failures;
        hid_t attr = -1;
        H5E_BEGIN_TRY
        attr = H5Aopen_by_idx(object, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT);
        H5E_END_TRY
        if (attr < 0) attr = H5Aopen(object, ours->attr[i].name, H5P_DEFAULT);
        H5(attr);
        H5(H5Aget_name(attr, sizeof name, name));
        CHECK(strcmp(name, ours->attr[i].name) == 0);
        h5_compare_attr(both, &ours->attr[i], attr);
        H5Aclose(attr);
        if (check_failures > before) printf("  attribute %s\n", ours->attr[i].name);
    }
}

/* --- data --- */

static inline const struct e5_chunk *h5_find_chunk(const struct e5_chunk *chunk, size_t count, uint64_t index) {
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = (low + high) / 2;
        if (chunk[middle].index == index) return &chunk[middle];
        if (chunk[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static inline void h5_compare_chunk(struct h5_both *both, const struct e5_h5_data *ours, hid_t set,
                                    const hsize_t *offset, const struct e5_chunk *chunk) {
    hsize_t size = 0;
    uint32_t mask = 0;
    bool edge = false;
    if (H5Dget_chunk_storage_size(set, offset, &size) < 0) size = 0; /* an error where nothing was written */
    CHECK((chunk != NULL) == (size > 0));
    if (chunk == NULL || size == 0) return;
    uint8_t *theirs = malloc(size), *bytes = malloc(size);
    H5(H5Dread_chunk(set, H5P_DEFAULT, offset, &mask, theirs));
    CHECK(chunk->size == size && pread(both->descriptor, bytes, size, (off_t)chunk->address) == (ssize_t)size);
    CHECK(memcmp(theirs, bytes, size) == 0);
    for (int d = 0; d < ours->space.ndim; d++) edge = edge || offset[d] + ours->chunk[d] > ours->space.dim[d];
    CHECK(chunk->mask == (ours->edges_plain && edge ? UINT32_MAX : mask));
    both->chunks++;
    free(theirs);
    free(bytes);
}

static inline void h5_compare_chunks(struct h5_both *both, const struct e5_h5_data *ours, hid_t set) {
    struct e5_chunk *chunk;
    size_t count, grid = 1, found = 0;
    uint64_t along[E5_MAX_DIMS];
    CHECK_OK(e5_h5_chunks(both->h5, ours, &chunk, &count, err));
    for (int d = 0; d < ours->space.ndim; d++) {
        along[d] = (ours->space.dim[d] + ours->chunk[d] - 1) / ours->chunk[d];
        grid *= along[d];
    }
    for (size_t i = 0; i < grid; i++) {
        hsize_t offset[E5_MAX_DIMS], rest = i;
        for (int d = ours->space.ndim - 1; d >= 0; d--) {
            offset[d] = rest % along[d] * ours->chunk[d];
            rest /= along[d];
        }
        const struct e5_chunk *at = h5_find_chunk(chunk, count, i);
        h5_compare_chunk(both, ours, set, offset, at);
        found += at != NULL;
    }
    CHECK(found == count);
    free(chunk);
}

static inline void h5_compare_fill(const struct e5_h5_data *ours, hid_t made, hid_t type) {
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    uint8_t fill[8] = {0};
    if (ours->type.class > E5_H5_FLOAT || ours->type.size > sizeof fill) return;
    H5(H5Pfill_value_defined(made, &defined));
    if (defined != H5D_FILL_VALUE_UNDEFINED) H5(H5Pget_fill_value(made, type, fill));
    CHECK(memcmp(fill, ours->fill, sizeof fill) == 0);
}

static inline void h5_compare_filters(const struct e5_h5_data *ours, hid_t made) {
    CHECK(H5Pget_nfilters(made) == ours->filters);
    for (int i = 0; i < ours->filters; i++) {
        unsigned flags, value[8] = {0};
        size_t values = 8;
        int id = H5Pget_filter2(made, (unsigned)i, &flags, &values, value, 0, NULL, NULL);
        CHECK(ours->filter[i].id == id && ours->filter[i].value == value[0]);
        CHECK(ours->filter[i].optional == ((flags & H5Z_FLAG_OPTIONAL) != 0));
    }
}

static inline void h5_compare_place(struct h5_both *both, const struct e5_h5_data *ours, hid_t set, hid_t made) {
    static const H5D_layout_t layouts[] = {H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED, H5D_VIRTUAL};
    hsize_t chunk[H5S_MAX_RANK];
    CHECK(H5Pget_layout(made) == layouts[ours->layout] && (H5Pget_external_count(made) > 0) == ours->external);
    if (ours->layout == E5_H5_CONTIGUOUS && !ours->external)
        CHECK(ours->address == E5_NOWHERE ? H5Dget_storage_size(set) == 0 : H5Dget_offset(set) == ours->address);
    if (ours->layout == E5_H5_COMPACT) {
        hid_t type = H5Dget_type(set);
        uint8_t *bytes = malloc(ours->size + 1);
        H5(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes));
        CHECK(memcmp(bytes, ours->compact, ours->size) == 0);
        free(bytes);
        H5Tclose(type);
    }
    if (ours->layout != E5_H5_CHUNKED) return;
    H5(H5Pget_chunk(made, H5S_MAX_RANK, chunk));
    for (int d = 0; d < ours->space.ndim && d < E5_MAX_DIMS; d++) CHECK(ours->chunk[d] == chunk[d]);
    if (ours->space.ndim <= E5_MAX_DIMS) h5_compare_chunks(both, ours, set);
}

static inline void h5_compare_data(struct h5_both *both, const struct e5_h5_data *ours, hid_t set) {
    hid_t type = H5Dget_type(set), space = H5Dget_space(set), made = H5Dget_create_plist(set);
    CHECK(h5_same_type(&ours->type, type) && h5_same_space(&ours->space, space));
    h5_compare_filters(ours, made);
    h5_compare_fill(ours, made, type);
    h5_compare_place(both, ours, set, made);
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(made);
}

/* --- objects --- */

struct h5_names { /* of a group's links, in HDF5's order */
    size_t count;
    char *name[5000];
};

static inline herr_t h5_note_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct h5_names *names = context;
    (void)group, (void)info;
    names->name[names->count++] = strdup(name);
    return 0;
}

static inline void h5_compare_object(struct h5_both *both, hid_t object, uint64_t address);

static inline void h5_compare_link(struct h5_both *both, hid_t group, const struct e5_h5_link *ours) {
    H5L_info_t info;
    hobj_ref_t address;
    int before = check_failures;
    H5(H5Lget_info(group, ours->name, &info, H5P_DEFAULT));
    CHECK((ours->address != E5_NOWHERE) == (info.type == H5L_TYPE_HARD));
    CHECK(ours->external == (info.type == H5L_TYPE_EXTERNAL));
    if (info.type == H5L_TYPE_HARD) {
        H5(H5Rcreate(&address, group, ours->name, H5R_OBJECT, -1));
        CHECK(ours->address == address);
        hid_t object = H5Oopen(group, ours->name, H5P_DEFAULT);
        h5_compare_object(both, object, ours->address);
        H5Oclose(object);
    }
    if (check_failures > before) printf("  in %s\n", ours->name);
}

static inline void h5_compare_links(struct h5_both *both, hid_t group, uint64_t address) {
    struct e5_h5_link *link;
    size_t count;
    struct h5_names *names = calloc(1, sizeof *names);
    CHECK_OK(e5_h5_links(both->h5, address, &link, &count, err));
    herr_t walked = -1;
    H5E_BEGIN_TRY
    walked = H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, h5_note_name, names);
    H5E_END_TRY
    if (walked < 0) H5(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, h5_note_name, names));
    CHECK(names->count == count);
    for (size_t i = 0; i < count && names->count == count; i++) {
        CHECK(strcmp(link[i].name, names->name[i]) == 0);
        h5_compare_link(both, group, &link[i]);
    }
    for (size_t i = 0; i < names->count; i++) free(names->name[i]);
    free(names);
    e5_h5_links_free(link, count);
}

static inline void h5_compare_object(struct h5_both *both, hid_t object, uint64_t address) {
    struct e5_h5_object ours;
    H5I_type_t kind = H5Iget_type(object);
    CHECK_OK(e5_h5_object_read(both->h5, address, &ours, err));
    CHECK(ours.kind == (kind == H5I_DATASET ? E5_H5_DATASET : kind == H5I_DATATYPE ? E5_H5_NAMED_TYPE : E5_H5_GROUP));
    both->objects++;
    h5_compare_attrs(both, &ours, object);
    if (kind == H5I_DATASET) h5_compare_data(both, &ours.data, object);
    e5_h5_object_fini(&ours);
    if (kind == H5I_GROUP) h5_compare_links(both, object, address);
}

/* What was compared, so that a test can say that it was something. */
static inline struct h5_both h5_compare(const char *path) {
    struct e5_probe probe;
    struct h5_both both = {.descriptor = open(path, O_RDONLY)};
    int before = check_failures;
    CHECK_OK(e5_probe_file(path, &probe, err));
    CHECK_OK(e5_h5_open(path, &probe, &both.h5, err));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    H5(file);
    hid_t root = H5Oopen(file, "/", H5P_DEFAULT);
    h5_compare_object(&both, root, e5_h5_root(both.h5));
    H5Oclose(root);
    H5(H5Fclose(file));
    e5_h5_close(both.h5);
    close(both.descriptor);
    if (check_failures > before) printf("  file %s\n", path);
    return both;
}

#endif
