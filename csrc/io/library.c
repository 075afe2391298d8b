#include "io/library.h"

#include <hdf5.h>
#include <netcdf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/h5.h"
#include "io/h5_walk.h"
#include "io/header.h"
#include "io/heap.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* some 0.2 s of netcdf-c: the longest that a cancel waits */

struct span { /* indices [start, start + count) along one dimension, in one go */
    size_t start, count;
};

struct walk {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    const struct e5_map *map;
    const struct e5_slab *slab;
    struct span *span[E5_MAX_DIMS]; /* what is read along each dimension, in ascending order */
    size_t spans[E5_MAX_DIMS], at[E5_MAX_DIMS];
    size_t limit[E5_MAX_DIMS]; /* largest extent of a block */
    size_t chunk_bytes;        /* 0: not chunked */
    uint8_t *buffer;
};

/* --- before a file is given to the libraries --- */

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

struct links {
    long seen;
    int depth; /* of the group at hand */
    bool foreign, deep;
};

/* `name` is the whole path. */
static herr_t look_at_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct links *links = context;
    int depth = 1;
    (void)group;
    while ((name = strchr(name, '/')) != NULL) name++, depth++;
    links->deep = depth >= E5_H5_GROUPS_MAX;
    links->foreign = info->type >= H5L_TYPE_UD_MIN; /* external links and other link plug-ins */
    return links->foreign || links->deep || ++links->seen > E5_H5_LINKS_MAX;
}

static herr_t follow_link(hid_t group, const char *name, const H5L_info_t *info, void *context);

static herr_t follow_links(hid_t group, struct links *links) {
    if (links->depth == E5_H5_GROUPS_MAX) links->deep = true;
    if (links->deep) return 1;
    links->depth++;
    herr_t walked = H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, follow_link, links);
    links->depth--;
    return walked;
}

static herr_t follow_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct links *links = context;
    if (++links->seen > E5_H5_LINKS_MAX) return 1;
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0) return info->type == H5L_TYPE_SOFT ? 0 : -1; /* a soft link may lead nowhere */
    herr_t walked = H5Iget_type(object) == H5I_GROUP ? follow_links(object, links) : 0;
    H5Oclose(object);
    return walked;
}

/* At first without following any, each group once; then soft links, too, as netcdf-c does it. */
static herr_t look_everywhere(hid_t file, struct links *links) {
    herr_t walked = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, look_at_link, links);
    if (walked != 0) return walked;
    links->seen = 0;
    return follow_links(file, links);
}

static enum e5_status unsafe(const char *path, const char *what, struct e5_error *err) {
    return e5_probe_fail(err, E5_UNSAFE, path, "do not trust this file", "%s", what);
}

static enum e5_status check_links(const char *path, struct e5_error *err) {
    struct links links = {0};
    e5_gate_enter();
    hid_t file = open_hdf5(path);
    herr_t walked = file >= 0 ? look_everywhere(file, &links) : -1;
    if (file >= 0) H5Fclose(file);
    e5_gate_leave();
    if (links.foreign) return unsafe(path, E5_H5_FOREIGN_LINKS, err);
    if (links.deep) return unsafe(path, E5_H5_DEEP_GROUPS, err);
    if (links.seen > E5_H5_LINKS_MAX) return unsafe(path, E5_H5_MANY_LINKS, err);
    if (walked >= 0) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, path,
                         "the file is damaged (download it again) or in a newer format than this HDF5 knows",
                         "HDF5 cannot read it");
}

enum e5_status e5_library_admit(const struct e5_ncfile *file, struct e5_error *err) {
    struct e5_layout *layout = file->layout;
    /* The libraries open the file by its name: from now on that must lead to what was probed. */
    if (layout->probe.kept) e5_layout_let_go(layout);
    if (layout->probe.container == E5_NETCDF3 || atomic_load(&layout->admitted)) return E5_OK;
    enum e5_status status = e5_heap_check(file->path, &layout->probe, err);
    if (status == E5_OK) status = e5_h5_walk(file->path, &layout->probe, err);
    if (status == E5_OK) status = check_links(file->path, err);
    if (status == E5_OK) atomic_store(&layout->admitted, true);
    return status;
}

/* --- what is read: the wanted stretches, and what lies between close ones --- */

static size_t unit_of(const struct walk *w, int d) { return w->map->chunked ? w->map->chunk[d] : 1; }

/* Asking costs more than reading: stretches in one chunk, or nearer than an eighth of the dimension, become one. */
static size_t join_stretches(const struct e5_pick *pick, size_t gap, size_t unit, struct span *span) {
    const struct e5_stretch *s = e5_pick_stretches(pick);
    size_t n = 0;
    for (size_t i = 0; i < pick->stretches; i++) {
        size_t until = n > 0 ? span[n - 1].start + span[n - 1].count : 0, end = s[i].from + s[i].count;
        bool near = n > 0 && (s[i].from <= until + gap || s[i].from / unit == (until - 1) / unit);
        if (!near)
            span[n++] = (struct span){s[i].from, s[i].count};
        else if (end > until)
            span[n - 1].count = end - span[n - 1].start;
    }
    return n;
}

static enum e5_status find_spans(struct walk *w, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (int d = 0; d < w->slab->ndim && status == E5_OK; d++) {
        const struct e5_pick *pick = &w->slab->pick[d];
        status = e5_alloc(pick->stretches, sizeof **w->span, &w->span[d], err);
        if (status == E5_OK) w->spans[d] = join_stretches(pick, w->map->dim[d] / 8, unit_of(w, d), w->span[d]);
    }
    return status;
}

/* --- in blocks --- */

static size_t longest_span(const struct walk *w, int d) {
    size_t longest = 0;
    for (size_t i = 0; i < w->spans[d]; i++)
        if (w->span[d][i].count > longest) longest = w->span[d][i].count;
    return longest;
}

static size_t box_bytes(const struct walk *w, const size_t *count) {
    size_t bytes = w->map->element;
    for (int d = 0; d < w->slab->ndim; d++) bytes *= count[d];
    return bytes;
}

/* Blocks shrink from the first dimension on, to whole chunks, so that no chunk is inflated twice; only a single chunk
 * may be larger than BLOCK_BYTES. */
static void choose_limits(struct walk *w) {
    for (int d = 0; d < w->slab->ndim; d++) w->limit[d] = longest_span(w, d);
    for (int d = 0; d < w->slab->ndim; d++) {
        size_t unit = unit_of(w, d), bytes = box_bytes(w, w->limit);
        if (bytes <= BLOCK_BYTES) break;
        size_t fit = BLOCK_BYTES / (bytes / w->limit[d]) / unit * unit;
        size_t wanted = fit > unit ? fit : unit;
        if (wanted < w->limit[d]) w->limit[d] = wanted;
    }
}

static size_t chunk_bytes(const struct e5_map *map) {
    size_t bytes = map->element;
    for (int d = 0; d < map->ndim; d++)
        if (!map->chunked || __builtin_mul_overflow(bytes, map->chunk[d], &bytes)) return 0;
    return bytes <= E5_CHUNK_MAX ? bytes : 0;
}

/* From `at` to the next border of chunks that the limit allows. */
static size_t extent(const struct walk *w, int d, size_t at) {
    const struct span *span = &w->span[d][w->at[d]];
    size_t end = span->start + span->count, stop = at + w->limit[d];
    if (stop >= end) return end - at;
    size_t border = stop / unit_of(w, d) * unit_of(w, d);
    return (border > at ? border : stop) - at;
}

static enum e5_status get(const struct walk *w, const struct e5_box *box, struct e5_error *err) {
    int id;
    int code = nc_open(w->file->path, NC_NOWRITE, &id);
    if (code != NC_NOERR) return e5_header_fail(err, code, w->file->path, "open");
    /* Room for one whole chunk: a chunk that does not fit the library's cache is inflated for every row of it. */
    if (w->chunk_bytes > 0) nc_set_var_chunk_cache(id, w->var->id, w->chunk_bytes + BLOCK_BYTES, 1009, 0.75f);
    code = nc_get_vara(id, w->var->id, box->start, box->count, w->buffer);
    nc_close(id);
    return code == NC_NOERR ? E5_OK : e5_header_fail(err, code, w->file->path, w->var->name);
}

static enum e5_status read_block(const struct walk *w, const struct e5_box *box, struct e5_error *err) {
    const struct e5_layout *layout = w->file->layout;
    int descriptor = -1;
    enum e5_status status = e5_probe_reopen(w->file->path, &layout->probe, &descriptor, err);
    if (status != E5_OK) return status;
    e5_gate_enter();
    status = get(w, box, err);
    e5_gate_leave();
    if (status == E5_OK) status = e5_probe_unchanged(w->file->path, &layout->probe, descriptor, err);
    close(descriptor);
    struct e5_piece piece = {.box = *box, .bytes = w->buffer};
    if (status == E5_OK) e5_slab_put(w->slab, &piece, 1);
    return status;
}

static void begin(struct walk *w, int d, size_t span, struct e5_box *box) {
    w->at[d] = span;
    box->start[d] = w->span[d][span].start;
}

/* On to the next block; false when there is none. */
static bool next_block(struct walk *w, struct e5_box *box) {
    for (int d = w->slab->ndim - 1; d >= 0; d--) {
        const struct span *span = &w->span[d][w->at[d]];
        box->start[d] += box->count[d];
        if (box->start[d] < span->start + span->count) return true;
        bool last = w->at[d] + 1 == w->spans[d];
        begin(w, d, last ? 0 : w->at[d] + 1, box);
        if (!last) return true;
    }
    return false;
}

static enum e5_status read_blocks(struct walk *w, struct e5_watch *watch, struct e5_error *err) {
    struct e5_box box;
    bool more = true;
    enum e5_status status = E5_OK;
    for (int d = 0; d < w->slab->ndim; d++) begin(w, d, 0, &box);
    while (status == E5_OK && more) {
        for (int d = 0; d < w->slab->ndim; d++) box.count[d] = extent(w, d, box.start[d]);
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = read_block(w, &box, err);
        more = next_block(w, &box);
    }
    return status;
}

enum e5_status e5_library_read(const struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_map *map,
                               const struct e5_slab *slab, struct e5_watch *watch, struct e5_error *err) {
    struct walk w = {.file = file, .var = var, .map = map, .slab = slab, .chunk_bytes = chunk_bytes(map)};
    enum e5_status status = e5_library_admit(file, err);
    if (status == E5_OK) status = find_spans(&w, err);
    if (status == E5_OK) {
        choose_limits(&w);
        status = e5_alloc(box_bytes(&w, w.limit), 1, &w.buffer, err);
    }
    if (status == E5_OK) status = read_blocks(&w, watch, err);
    for (int d = 0; d < slab->ndim; d++) free(w.span[d]);
    free(w.buffer);
    return status;
}
