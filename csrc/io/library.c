#include "io/library.h"

#include <netcdf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/header.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* some 0.2 s of netcdf-c: the longest that a cancel waits */

struct walk {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    const struct e5_map *map;
    const struct e5_slab *slab;
    size_t limit[E5_MAX_DIMS]; /* largest extent of a block */
    size_t chunk_bytes;        /* 0: not chunked */
    uint8_t *buffer;
};

static size_t box_bytes(const struct walk *w, const size_t *count) {
    size_t bytes = w->map->element;
    for (int d = 0; d < w->slab->ndim; d++) bytes *= count[d];
    return bytes;
}

/* Blocks shrink from the first dimension on, to whole chunks, so that no chunk is inflated twice; only a single chunk
 * may be larger than BLOCK_BYTES. */
static void choose_limits(struct walk *w) {
    memcpy(w->limit, w->slab->box.count, sizeof w->limit);
    for (int d = 0; d < w->slab->ndim; d++) {
        size_t unit = w->map->chunked ? w->map->chunk[d] : 1, bytes = box_bytes(w, w->limit);
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
    size_t end = w->slab->box.start[d] + w->slab->box.count[d], stop = at + w->limit[d];
    if (stop >= end) return end - at;
    size_t unit = w->map->chunked ? w->map->chunk[d] : 1, border = stop / unit * unit;
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
    if (status == E5_OK) e5_slab_put(w->slab, &piece);
    return status;
}

/* The block that begins at box->start; afterwards the start of the next one, or false when there is none. */
static bool next_block(const struct walk *w, struct e5_box *box) {
    const struct e5_box *all = &w->slab->box;
    for (int d = w->slab->ndim - 1; d >= 0; d--) {
        box->start[d] += box->count[d];
        if (box->start[d] < all->start[d] + all->count[d]) return true;
        box->start[d] = all->start[d];
    }
    return false;
}

enum e5_status e5_library_read(const struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_map *map,
                               const struct e5_slab *slab, struct e5_watch *watch, struct e5_error *err) {
    struct walk w = {.file = file, .var = var, .map = map, .slab = slab, .chunk_bytes = chunk_bytes(map)};
    struct e5_box box = slab->box;
    bool more = true;
    choose_limits(&w);
    enum e5_status status = e5_alloc(box_bytes(&w, w.limit), 1, &w.buffer, err);
    while (status == E5_OK && more) {
        for (int d = 0; d < slab->ndim; d++) box.count[d] = extent(&w, d, box.start[d]);
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = read_block(&w, &box, err);
        more = next_block(&w, &box);
    }
    free(w.buffer);
    return status;
}
