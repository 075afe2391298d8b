#include "io/direct.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/filter.h"

#define SCRATCH_MAX ((size_t)2 << 30)
#define CONTIGUOUS_BYTES ((size_t)2 << 20) /* one task's share of a variable that has no chunks */

struct direct {
    const char *path;
    const struct e5_probe *probe;
    const struct e5_map *map;
    const struct e5_slab *slab;
    int descriptor;
    size_t chunk[E5_MAX_DIMS]; /* shape of chunks, or of a task's share of a contiguous variable */
    size_t first[E5_MAX_DIMS]; /* first chunk of the slab along each dimension … */
    size_t along[E5_MAX_DIMS]; /* … and how many */
    struct e5_scratch *scratch; /* one per slot */
};

/* Chunk number `index` of those that the slab touches: its box, and its number in the variable's grid. */
static uint64_t locate(const struct direct *d, size_t index, struct e5_box *box) {
    size_t at[E5_MAX_DIMS];
    uint64_t number = 0;
    for (int k = d->slab->ndim - 1; k >= 0; k--) {
        at[k] = d->first[k] + index % d->along[k];
        index /= d->along[k];
    }
    for (int k = 0; k < d->slab->ndim; k++) {
        size_t grid = d->map->dim[k] / d->chunk[k] + (d->map->dim[k] % d->chunk[k] > 0);
        number = number * grid + at[k];
        box->start[k] = at[k] * d->chunk[k];
        box->count[k] = d->chunk[k];
    }
    return number;
}

static void put_fill(const struct direct *d, const struct e5_box *box) {
    struct e5_piece piece = {.box = *box, .bytes = d->map->fill, .constant = true};
    e5_slab_put(d->slab, &piece);
}

static enum e5_status decode_chunk(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct direct *d = context;
    struct e5_scratch *scratch = &d->scratch[slot];
    struct e5_piece piece = {0};
    const struct e5_chunk *chunk = e5_map_find(d->map, locate(d, index, &piece.box));
    struct e5_decoded decoded;
    if (chunk == NULL) {
        put_fill(d, &piece.box);
        return E5_OK;
    }
    enum e5_status status = e5_room_need(&scratch->stored, chunk->size, err);
    if (status == E5_OK)
        status = e5_probe_read(d->path, d->descriptor, chunk->address, scratch->stored.bytes, chunk->size, err);
    if (status == E5_OK) status = e5_filter_undo(d->path, d->map, chunk, scratch, &decoded, err);
    if (status != E5_OK) return status;
    piece.bytes = decoded.bytes;
    piece.plane = decoded.plane;
    e5_slab_put(d->slab, &piece);
    return E5_OK;
}

/* Index of an element of the variable, counted from its beginning. */
static size_t element_at(const struct direct *d, const size_t *at) {
    size_t index = 0;
    for (int k = 0; k < d->slab->ndim; k++) index = index * d->map->dim[k] + at[k];
    return index;
}

/* A share of a contiguous variable is itself contiguous; of it, the part between the first and the last element that
 * are wanted is read. */
static enum e5_status read_share(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct direct *d = context;
    struct e5_scratch *scratch = &d->scratch[slot];
    struct e5_piece piece = {0};
    struct e5_box part = {0};
    size_t last[E5_MAX_DIMS];
    locate(d, index, &piece.box);
    if (!e5_box_intersect(d->slab->ndim, &d->slab->box, &piece.box, &part)) return E5_OK;
    for (int k = 0; k < d->slab->ndim; k++) last[k] = part.start[k] + part.count[k] - 1;
    size_t from = element_at(d, part.start), size = (element_at(d, last) - from + 1) * d->map->element;
    uint64_t address = d->map->address + from * d->map->element;
    enum e5_status status = e5_room_need(&scratch->stored, size, err);
    if (status == E5_OK) status = e5_probe_read(d->path, d->descriptor, address, scratch->stored.bytes, size, err);
    if (status != E5_OK) return status;
    piece.bytes = scratch->stored.bytes;
    piece.first = from - element_at(d, piece.box.start);
    e5_slab_put(d->slab, &piece);
    return E5_OK;
}

static enum e5_status fill_all(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct direct *d = context;
    (void)index, (void)slot, (void)err;
    put_fill(d, &d->slab->box);
    return E5_OK;
}

/* Whole inner dimensions, as many of the first divided one as make some CONTIGUOUS_BYTES, and single steps before it.
 * */
static void choose_shares(struct direct *d) {
    size_t bytes = d->map->element;
    for (int k = d->slab->ndim - 1; k >= 0; k--) {
        size_t fit = CONTIGUOUS_BYTES / bytes, whole = d->map->dim[k];
        d->chunk[k] = fit >= whole ? whole : fit > 0 ? fit : 1;
        bytes = fit >= whole ? bytes * whole : CONTIGUOUS_BYTES + 1;
    }
}

static enum e5_status count_chunks(struct direct *d, size_t *out, struct e5_error *err) {
    enum e5_status status = E5_OK;
    *out = 1;
    for (int k = 0; k < d->slab->ndim && status == E5_OK; k++) {
        const struct e5_box *box = &d->slab->box;
        if (d->map->way == E5_CHUNKED) d->chunk[k] = d->map->chunk[k];
        d->first[k] = box->start[k] / d->chunk[k];
        d->along[k] = (box->start[k] + box->count[k] - 1) / d->chunk[k] - d->first[k] + 1;
        status = e5_multiply(*out, d->along[k], out, err);
    }
    return status;
}

static enum e5_status run(struct direct *d, const struct e5_parallel *par, struct e5_watch *watch,
                          struct e5_error *err) {
    size_t count = 0;
    bool chunked = d->map->way == E5_CHUNKED;
    if (!chunked) choose_shares(d);
    enum e5_status status = count_chunks(d, &count, err);
    if (status != E5_OK) return status;
    size_t scratch = chunked ? 2 * e5_map_chunk_bytes(d->map) : CONTIGUOUS_BYTES;
    if (scratch > SCRATCH_MAX / e5_parallel_slots(par)) par = NULL;
    if (!chunked && d->map->address == E5_NOWHERE) return e5_parallel_for(NULL, watch, 1, fill_all, d, err);
    return e5_parallel_for(par, watch, count, chunked ? decode_chunk : read_share, d, err);
}

enum e5_status e5_direct_read(const char *path, const struct e5_probe *probe, const struct e5_map *map,
                              const struct e5_slab *slab, const struct e5_parallel *par, struct e5_watch *watch,
                              struct e5_error *err) {
    struct direct d = {.path = path, .probe = probe, .map = map, .slab = slab, .descriptor = -1};
    unsigned slots = e5_parallel_slots(par);
    enum e5_status status = e5_alloc(slots, sizeof *d.scratch, &d.scratch, err);
    if (status == E5_OK) status = e5_probe_reopen(path, probe, &d.descriptor, err);
    if (status != E5_OK) goto out;
    status = run(&d, par, watch, err);
    if (status == E5_OK) status = e5_probe_unchanged(path, probe, d.descriptor, err);
    close(d.descriptor);
out:
    for (unsigned i = 0; d.scratch != NULL && i < slots; i++) e5_scratch_fini(&d.scratch[i]);
    free(d.scratch);
    return status;
}
