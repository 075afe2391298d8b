#include "io/chunks.h"

#include <dlfcn.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/header.h"

#define SLOW_LOOKUP_MAX 4096        /* H5Dget_chunk_info takes time in proportion to n²: some 90 ms for this many */
#define CHUNKS_MAX ((hsize_t)1 << 24)
#define LINKS_MAX 100000

/* --- opening, without and with HDF5's file lock --- */

/* Reading needs no lock and some file systems have none.  A file that another part of the program holds open *with*
 * locks can only be opened the same way, hence the second try. */
static hid_t open_hdf5(const char *path) {
    hid_t file = H5I_INVALID_HID;
#if H5_VERSION_GE(1, 10, 7)
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_file_locking(access, false, true) >= 0) file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (access >= 0) H5Pclose(access);
#endif
    return file >= 0 ? file : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

static enum e5_status bad(const char *path, const char *what, struct e5_error *err) {
    return e5_probe_fail(err, E5_CORRUPT, path, "the file is damaged; download it again", "%s", what);
}

static enum e5_status unsafe(const char *path, const char *what, struct e5_error *err) {
    return e5_probe_fail(err, E5_UNSAFE, path, "do not trust this file", "%s", what);
}

/* --- links --- */

struct link_count {
    long seen;
    bool foreign;
};

static herr_t look_at_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct link_count *count = context;
    (void)group, (void)name;
    if (info->type >= H5L_TYPE_UD_MIN) count->foreign = true; /* external links and other link plug-ins */
    return count->foreign || ++count->seen > LINKS_MAX;
}

enum e5_status e5_layout_check_links(const char *path, struct e5_error *err) {
    struct link_count count = {0};
    e5_gate_enter();
    hid_t file = open_hdf5(path);
    herr_t walked = file >= 0 ? H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, look_at_link, &count) : -1;
    if (file >= 0) H5Fclose(file);
    e5_gate_leave();
    if (count.foreign) return unsafe(path, "links to other files", err);
    if (count.seen > LINKS_MAX) return unsafe(path, "more links than any real file has", err);
    if (walked >= 0) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, path,
                         "the file is damaged (download it again) or in a newer format than this HDF5 knows",
                         "HDF5 cannot read it");
}

/* --- one data set --- */

struct inquiry {
    const char *path;
    hid_t file, set, space, type, made; /* `made`: the creation property list */
    struct e5_map *map;
    enum e5_dtype dtype;
    uint64_t file_size;
    struct e5_error *err;
};

static void by_library(struct e5_map *map, const char *why) {
    map->way = E5_BY_LIBRARY;
    map->why = why;
}

/* netCDF-4 renames a variable that has the name of a dimension without being its coordinate. */
static hid_t open_set(hid_t file, const char *name) {
    char other[300];
    snprintf(other, sizeof other, "_nc4_non_coord_%s", name);
    bool renamed = H5Lexists(file, other, H5P_DEFAULT) > 0;
    return H5Dopen2(file, renamed ? other : name, H5P_DEFAULT);
}

static void close_all(const struct inquiry *q) {
    if (q->made >= 0) H5Pclose(q->made);
    if (q->type >= 0) H5Tclose(q->type);
    if (q->space >= 0) H5Sclose(q->space);
    if (q->set >= 0) H5Dclose(q->set);
    if (q->file >= 0) H5Fclose(q->file);
}

static enum e5_status open_all(struct inquiry *q, const char *name) {
    q->file = open_hdf5(q->path);
    if (q->file >= 0) q->set = open_set(q->file, name);
    if (q->set < 0) return bad(q->path, "HDF5 cannot find a variable's data", q->err);
    q->space = H5Dget_space(q->set);
    q->type = H5Dget_type(q->set);
    q->made = H5Dget_create_plist(q->set);
    if (q->space < 0 || q->type < 0 || q->made < 0) return bad(q->path, "HDF5 cannot describe a variable", q->err);
    return E5_OK;
}

/* False when the type is not one of ours in little or big endian; signedness does not matter, since netCDF's
 * "_Unsigned" reads signed bytes as unsigned ones. */
static bool known_type(struct inquiry *q) {
    const hid_t types[][4] = {
        [E5_F32] = {H5T_IEEE_F32LE, H5T_IEEE_F32BE, -1, -1},
        [E5_F64] = {H5T_IEEE_F64LE, H5T_IEEE_F64BE, -1, -1},
        [E5_I8] = {H5T_STD_I8LE, H5T_STD_I8BE, -1, -1},
        [E5_U8] = {H5T_STD_U8LE, H5T_STD_U8BE, H5T_STD_I8LE, H5T_STD_I8BE},
        [E5_I16] = {H5T_STD_I16LE, H5T_STD_I16BE, -1, -1},
        [E5_U16] = {H5T_STD_U16LE, H5T_STD_U16BE, H5T_STD_I16LE, H5T_STD_I16BE},
        [E5_I32] = {H5T_STD_I32LE, H5T_STD_I32BE, -1, -1},
        [E5_U32] = {H5T_STD_U32LE, H5T_STD_U32BE, H5T_STD_I32LE, H5T_STD_I32BE},
        [E5_I64] = {H5T_STD_I64LE, H5T_STD_I64BE, -1, -1},
        [E5_U64] = {H5T_STD_U64LE, H5T_STD_U64BE, H5T_STD_I64LE, H5T_STD_I64BE},
    };
    bool little_machine = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    for (int i = 0; i < 4; i++) {
        hid_t type = types[q->dtype][i];
        if (type < 0 || H5Tequal(q->type, type) <= 0) continue;
        q->map->swapped = q->map->element > 1 && (i % 2 == 0) != little_machine;
        return true;
    }
    return false;
}

/* netCDF may call a variable longer than HDF5 stores it: the rest of an unlimited dimension is fill. */
static bool same_shape(const struct inquiry *q) {
    hsize_t dim[H5S_MAX_RANK];
    int ndim = H5Sget_simple_extent_dims(q->space, dim, NULL);
    if (ndim == 0) return q->map->ndim == 1 && q->map->dim[0] == 1;
    if (ndim != q->map->ndim) return false;
    for (int d = 0; d < ndim; d++)
        if (dim[d] != q->map->dim[d]) return false;
    return true;
}

/* Of numbers only: that of texts would be memory to free. */
static void ask_fill(const struct inquiry *q) {
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    memset(q->map->fill, 0, sizeof q->map->fill);
    if (H5Pfill_value_defined(q->made, &defined) >= 0 && defined != H5D_FILL_VALUE_UNDEFINED)
        H5Pget_fill_value(q->made, q->type, q->map->fill);
}

/* --- filters --- */

static bool known_filters(const struct inquiry *q) {
    int count = H5Pget_nfilters(q->made);
    bool seen[E5_FLETCHER32 + 1] = {false};
    if (count < 0 || count > E5_MAX_FILTERS) return false;
    for (int i = 0; i < count; i++) {
        unsigned flags, values[8] = {0};
        size_t nvalues = 8;
        int id = H5Pget_filter2(q->made, (unsigned)i, &flags, &nvalues, values, 0, NULL, NULL);
        if (id < E5_DEFLATE || id > E5_FLETCHER32 || seen[id]) return false;
        if (id == E5_SHUFFLE && (nvalues < 1 || values[0] != q->map->element)) return false;
        seen[id] = true;
        q->map->filter[i] = (enum e5_filter)id;
    }
    q->map->filters = count;
    return true;
}

/* --- chunks --- */

struct collector {
    struct inquiry *q;
    size_t capacity;
    enum e5_status status;
};

/* Index of the chunk at `offset` in the grid of chunks; false when it is not on the grid. */
static bool grid_index(const struct e5_map *map, const hsize_t *offset, uint64_t *out) {
    uint64_t index = 0;
    for (int d = 0; d < map->ndim; d++) {
        if (offset[d] % map->chunk[d] != 0 || offset[d] >= map->dim[d]) return false;
        index = index * e5_map_along(map, d) + offset[d] / map->chunk[d];
    }
    *out = index;
    return true;
}

static enum e5_status add_chunk(struct collector *c, const hsize_t *offset, unsigned mask, haddr_t address,
                                hsize_t size) {
    struct e5_map *map = c->q->map;
    struct e5_chunk chunk = {.address = address, .size = (uint32_t)size, .mask = mask};
    if (address == HADDR_UNDEF) return E5_OK;
    if (!grid_index(map, offset, &chunk.index))
        return bad(c->q->path, "a chunk lies outside its variable", c->q->err);
    if (size > c->q->file_size || address > c->q->file_size - size || size != chunk.size)
        return bad(c->q->path, "a chunk lies outside the file", c->q->err);
    if (map->chunks == c->capacity) {
        size_t capacity = c->capacity * 2 + 64;
        enum e5_status status = e5_grow(c->capacity, capacity, sizeof chunk, &map->chunk_list, c->q->err);
        if (status != E5_OK) return status;
        c->capacity = capacity;
    }
    map->chunk_list[map->chunks++] = chunk;
    return E5_OK;
}

typedef int (*chunk_callback)(const hsize_t *offset, unsigned mask, haddr_t address, hsize_t size, void *context);
typedef herr_t (*chunk_iterator)(hid_t set, hid_t transfer, chunk_callback callback, void *context);

static int collect(const hsize_t *offset, unsigned mask, haddr_t address, hsize_t size, void *context) {
    struct collector *c = context;
    c->status = c->q->map->chunks < CHUNKS_MAX ? add_chunk(c, offset, mask, address, size)
                                               : unsafe(c->q->path, "more chunks than any real file has", c->q->err);
    return c->status == E5_OK ? 0 : -1;
}

/* H5Dchunk_iter of the very library that we are linked with: several copies of HDF5 may live in one process. */
static chunk_iterator find_iterator(void) {
    union { /* ISO C has no conversion from object to function pointers */
        void *object;
        herr_t (*count)(hid_t, hid_t, hsize_t *);
        chunk_iterator iterator;
    } symbol = {.count = H5Dget_num_chunks};
    Dl_info where;
    if (dladdr(symbol.object, &where) == 0) return NULL;
    void *library = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    symbol.object = library != NULL ? dlsym(library, "H5Dchunk_iter") : NULL;
    if (library != NULL) dlclose(library); /* the library stays: we are linked with it */
    return symbol.iterator;
}

static enum e5_status one_by_one(struct collector *c, hsize_t count) {
    for (hsize_t i = 0; i < count; i++) {
        hsize_t offset[H5S_MAX_RANK], size;
        unsigned mask;
        haddr_t address;
        if (H5Dget_chunk_info(c->q->set, c->q->space, i, offset, &mask, &address, &size) < 0)
            return bad(c->q->path, "the index of a variable's chunks cannot be read", c->q->err);
        enum e5_status status = add_chunk(c, offset, mask, address, size);
        if (status != E5_OK) return status;
    }
    return E5_OK;
}

static int by_index(const void *a, const void *b) {
    uint64_t x = ((const struct e5_chunk *)a)->index, y = ((const struct e5_chunk *)b)->index;
    return (x > y) - (x < y);
}

static enum e5_status ask_chunks(struct inquiry *q) {
    struct collector c = {.q = q};
    hsize_t count = 0;
    chunk_iterator iterate = find_iterator();
    enum e5_status status = E5_OK;
    if (H5Dget_num_chunks(q->set, q->space, &count) < 0)
        return bad(q->path, "the index of a variable's chunks cannot be read", q->err);
    if (iterate == NULL && count > SLOW_LOOKUP_MAX) {
        by_library(q->map, "it has too many chunks for this version of HDF5 to list");
        return E5_OK;
    }
    if (iterate == NULL)
        status = one_by_one(&c, count);
    else if (iterate(q->set, H5P_DEFAULT, collect, &c) < 0)
        status = c.status != E5_OK ? c.status : bad(q->path, "the chunk index cannot be read", q->err);
    if (status != E5_OK || q->map->chunks == 0) return status;
    qsort(q->map->chunk_list, q->map->chunks, sizeof *q->map->chunk_list, by_index);
    for (size_t i = 1; i < q->map->chunks; i++)
        if (q->map->chunk_list[i].index == q->map->chunk_list[i - 1].index)
            return bad(q->path, "two chunks lie in one place", q->err);
    return E5_OK;
}

/* --- which way --- */

static enum e5_status ask_contiguous(struct inquiry *q) {
    size_t bytes = q->map->element;
    enum e5_status status = E5_OK;
    for (int d = 0; d < q->map->ndim && status == E5_OK; d++)
        status = e5_multiply(bytes, q->map->dim[d], &bytes, q->err);
    if (status != E5_OK) return status;
    ask_fill(q);
    haddr_t address = H5Dget_offset(q->set);
    q->map->way = E5_CONTIGUOUS;
    q->map->address = address == HADDR_UNDEF ? E5_NOWHERE : address;
    if (address == HADDR_UNDEF || (bytes <= q->file_size && address <= q->file_size - bytes)) return E5_OK;
    return bad(q->path, "a variable lies outside the file", q->err);
}

/* The chunk shape has been known since netcdf-c read the header; others may be looking at it, so it is compared only.
 * */
static enum e5_status ask_chunked(struct inquiry *q) {
    hsize_t chunk[H5S_MAX_RANK];
    struct e5_map *map = q->map;
    size_t bytes = map->element, grid = 1;
    enum e5_status status = E5_OK;
    if (H5Pget_chunk(q->made, H5S_MAX_RANK, chunk) != map->ndim || !map->chunked)
        return bad(q->path, "chunks and variable differ in their dimensions", q->err);
    for (int d = 0; d < map->ndim && status == E5_OK; d++) {
        if (chunk[d] != map->chunk[d]) return bad(q->path, "two chunk shapes for one variable", q->err);
        status = e5_multiply(bytes, map->chunk[d], &bytes, q->err);
        if (status == E5_OK) status = e5_multiply(grid, e5_map_along(map, d), &grid, q->err);
    }
    if (status == E5_OK && bytes > E5_CHUNK_MAX) status = unsafe(q->path, "a chunk of more than 1 GiB", q->err);
    if (status != E5_OK) return status;
    ask_fill(q);
    map->way = E5_CHUNKED;
    return ask_chunks(q);
}

static enum e5_status ask_layout(struct inquiry *q, uint64_t user_block) {
    H5D_layout_t layout = H5Pget_layout(q->made);
    if (H5Pget_external_count(q->made) > 0 || layout == H5D_VIRTUAL)
        return unsafe(q->path, "a variable's data lie in other files", q->err);
    if (user_block > 0)
        by_library(q->map, "the file begins with a user block");
    else if (!known_type(q))
        by_library(q->map, "its number type is unusual");
    else if (!same_shape(q))
        by_library(q->map, "it is shorter than its dimensions");
    else if (layout == H5D_COMPACT)
        by_library(q->map, "it is small and stored in the header");
    else if (!known_filters(q))
        by_library(q->map, "it went through a filter other than shuffle, deflate and fletcher32");
    else if (layout == H5D_CONTIGUOUS)
        return ask_contiguous(q);
    else if (layout == H5D_CHUNKED)
        return ask_chunked(q);
    else
        return bad(q->path, "a variable has no known layout", q->err);
    return E5_OK;
}

static enum e5_status inquire(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_map *map,
                              struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    struct inquiry q = {.path = file->path,
                        .file = -1,
                        .set = -1,
                        .space = -1,
                        .type = -1,
                        .made = -1,
                        .map = map,
                        .dtype = var->dtype,
                        .file_size = layout->probe.size,
                        .err = err};
    enum e5_status status = open_all(&q, var->name);
    if (status == E5_OK) status = ask_layout(&q, layout->probe.start);
    close_all(&q);
    if (status == E5_OK) return E5_OK;
    free(map->chunk_list);
    map->chunk_list = NULL;
    map->chunks = 0;
    return status;
}

enum e5_status e5_layout_prepare(const struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_map **out,
                                 struct e5_error *err) {
    struct e5_layout *layout = file->layout;
    struct e5_map *map = &layout->map[var - file->var];
    enum e5_status status = E5_OK;
    *out = map;
    if (atomic_load_explicit(&map->ready, memory_order_acquire)) return E5_OK;
    e5_gate_enter();
    if (!atomic_load_explicit(&map->ready, memory_order_relaxed)) {
        status = inquire(file, var, map, err);
        if (status == E5_OK) atomic_store_explicit(&map->ready, true, memory_order_release);
    }
    e5_gate_leave();
    return status;
}

size_t e5_map_along(const struct e5_map *map, int d) {
    return map->dim[d] / map->chunk[d] + (map->dim[d] % map->chunk[d] > 0);
}

const struct e5_chunk *e5_map_find(const struct e5_map *map, uint64_t index) {
    struct e5_chunk key = {.index = index};
    return map->chunks > 0 ? bsearch(&key, map->chunk_list, map->chunks, sizeof key, by_index) : NULL;
}

size_t e5_map_chunk_bytes(const struct e5_map *map) {
    size_t bytes = map->element;
    for (int d = 0; d < map->ndim; d++) bytes *= map->chunk[d];
    return bytes;
}

void e5_layout_free(struct e5_layout *layout) {
    if (layout == NULL) return;
    for (size_t i = 0; i < layout->count; i++) free(layout->map[i].chunk_list);
    free(layout->map);
    free(layout);
}
