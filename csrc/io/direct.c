#include "io/direct.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/chunk_cache.h"
#include "io/filter.h"
#include "io/touched.h"

#define SCRATCH_MAX ((size_t)2 << 30)
#define SHARE_BYTES ((size_t)2 << 20) /* one task's share of a variable that has no chunks */
#define ROW_BYTES ((size_t)1 << 10)
#define NEIGHBOURS_BYTES ((size_t)8 << 20) /* of chunks that are put together: they should stay in the cache */
#define GAP_BYTES ((size_t)16 << 10)  /* bytes that are read for nothing sooner than to ask once more */

struct direct {
    const char *path;
    const struct e5_probe *probe;
    const struct e5_map *map;
    const struct e5_slab *slab;
    int descriptor;
    struct e5_touched touched;  /* chunks, or shares of a contiguous variable */
    size_t neighbours;          /* chunks that one task reads: along the last dimension */
    struct e5_scratch *scratch; /* per slot one for each of them */
    size_t scratches;
    uint64_t call;              /* for the cache */
    struct e5_watch *watch;
};

static enum e5_status take_scratch(struct direct *d, size_t n, struct e5_error *err) {
    enum e5_status status = e5_alloc(n, sizeof *d->scratch, &d->scratch, err);
    if (status != E5_OK) return status;
    d->scratches = n;
    for (size_t i = 0; i < n; i++) e5_scratch_init(&d->scratch[i]);
    return E5_OK;
}

/* --- bytes as they are: contiguous variables, and chunks that went through no filter --- */

struct load { /* the wanted bytes of a box of which the first lies at `address`; the others keep their distance */
    const struct direct *d;
    const struct e5_cut *cut;
    uint64_t address;
    uint8_t *to;
    size_t from, until; /* found, but not read yet */
    enum e5_status status;
    struct e5_error *err;
};

static void flush(struct load *load) {
    const struct direct *d = load->d;
    if (load->status == E5_OK && load->until > load->from)
        load->status = e5_probe_read(d->path, d->descriptor, load->address + load->from, load->to + load->from,
                                     load->until - load->from, load->err);
    load->from = load->until;
}

static void load_row(void *context, size_t from, size_t to) {
    struct load *load = context;
    const struct e5_cut_part *part = &load->cut->part[load->cut->row];
    (void)to;
    for (size_t i = 0; i < part->stretches; i++) {
        struct e5_stretch s = e5_cut_stretch(part, i);
        size_t first = from + (s.from - part->low) * part->from;
        size_t end = first + (s.count - 1) * part->from + load->cut->unit * load->d->map->element;
        if (load->until > load->from && first <= load->until + GAP_BYTES) {
            if (end > load->until) load->until = end;
            continue;
        }
        flush(load);
        load->from = first;
        load->until = end;
    }
}

static size_t box_bytes(const struct direct *d, const struct e5_piece *piece) {
    size_t rest = d->map->element;
    for (int k = 1; k < d->slab->ndim; k++) rest *= piece->box.count[k];
    return piece->step > 0 ? (piece->box.count[0] - 1) * piece->step + rest : piece->box.count[0] * rest;
}

static enum e5_status put_as_stored(const struct direct *d, uint64_t address, struct e5_piece *piece,
                                    struct e5_scratch *scratch, struct e5_error *err) {
    struct e5_room *room = &scratch->stored;
    struct e5_cut cut;
    if (!e5_cut_make(d->slab->ndim, d->slab->pick, &piece->box, d->map->element, piece->step, &cut)) return E5_OK;
    enum e5_status status = e5_room_need(room, box_bytes(d, piece), err);
    if (status != E5_OK) return status;
    struct load load = {.d = d, .cut = &cut, .address = address, .to = room->bytes, .err = err};
    e5_cut_rows(&cut, load_row, &load);
    flush(&load);
    piece->bytes = room->bytes;
    if (load.status == E5_OK) e5_slab_put(d->slab, piece, 1);
    return load.status;
}

/* --- chunks --- */

static enum e5_status decode(const struct direct *d, const struct e5_chunk *chunk, struct e5_scratch *scratch,
                             struct e5_decoded *out, struct e5_error *err) {
    enum e5_status status = e5_watch_check(d->watch, err);
    if (status == E5_OK) status = e5_scratch_need_stored(scratch, chunk->size, err);
    if (status == E5_OK)
        status = e5_probe_read(d->path, d->descriptor, chunk->address, scratch->stored.bytes, chunk->size, err);
    return status == E5_OK ? e5_filter_undo(d->path, d->map, chunk, scratch, out, err) : status;
}

/* Some steps of several are wanted, so that the next call will probably want the others. */
static bool is_stepwise(const struct direct *d, const struct e5_cut *cut, const struct e5_box *box) {
    size_t rest = d->map->dim[0] - box->start[0];
    return e5_cut_count(&cut->part[0]) < (rest < box->count[0] ? rest : box->count[0]);
}

static struct e5_chunk_key key_of(const struct direct *d, const struct e5_chunk *chunk) {
    const struct stat *identity = &d->probe->identity;
    return (struct e5_chunk_key){.device = identity->st_dev,
                                 .inode = identity->st_ino,
                                 .file_size = d->probe->size,
                                 .seconds = identity->st_mtim.tv_sec,
                                 .nanoseconds = identity->st_mtim.tv_nsec,
                                 .changed_seconds = identity->st_ctim.tv_sec,
                                 .changed_nanoseconds = identity->st_ctim.tv_nsec,
                                 .variable = d->map->number,
                                 .address = chunk->address,
                                 .stored = chunk->size,
                                 .mask = chunk->mask,
                                 .bytes = e5_map_chunk_bytes(d->map)};
}

/* Where only a part of a chunk is wanted, the next call may want another: its place in the cache, or NULL. */
static struct e5_cached *ask_cache(const struct direct *d, const struct e5_chunk *chunk, const struct e5_box *box,
                                   bool *must_decode, struct e5_decoded *out) {
    struct e5_cut cut;
    *must_decode = true;
    if (!e5_cut_make(d->slab->ndim, d->slab->pick, box, 1, 0, &cut)) return NULL;
    if (e5_cut_is_everything(d->slab->ndim, &cut, d->map->dim)) return NULL;
    struct e5_chunk_key key = key_of(d, chunk);
    if (!is_stepwise(d, &cut, box) && !e5_chunk_cache_met(&key)) return NULL;
    return e5_chunk_cache_get(&key, d->call, d->watch, must_decode, out);
}

/* The elements of a chunk: from the cache, or decoded, and then perhaps left to the cache.  *cached is to be
 * released. */
static enum e5_status get_elements(const struct direct *d, const struct e5_chunk *chunk, struct e5_scratch *scratch,
                                   struct e5_piece *piece, struct e5_cached **cached, struct e5_error *err) {
    struct e5_decoded decoded = {0};
    bool must_decode;
    *cached = ask_cache(d, chunk, &piece->box, &must_decode, &decoded);
    enum e5_status status = must_decode ? decode(d, chunk, scratch, &decoded, err) : E5_OK;
    if (status == E5_OK && must_decode && *cached != NULL)
        (void)e5_chunk_cache_fill(*cached, &decoded, e5_scratch_holder(scratch, &decoded));
    piece->bytes = decoded.bytes;
    piece->plane = decoded.plane;
    return status;
}

struct row { /* chunks that are neighbours along the last dimension, ready to be put */
    size_t n;
    struct e5_piece piece[E5_NEIGHBOURS_MAX];
    struct e5_cached *cached[E5_NEIGHBOURS_MAX];
};

static enum e5_status add_chunk(const struct direct *d, size_t index, struct e5_scratch *scratch, struct row *row,
                                struct e5_error *err) {
    struct e5_piece *piece = &row->piece[row->n];
    const struct e5_chunk *chunk = e5_map_find(d->map, e5_touched_box(&d->touched, index, &piece->box));
    if (chunk != NULL && d->map->filters == 0 && chunk->size == e5_map_chunk_bytes(d->map))
        return put_as_stored(d, chunk->address, piece, scratch, err);
    piece->constant = chunk == NULL;
    piece->bytes = d->map->fill;
    row->n++;
    return chunk != NULL ? get_elements(d, chunk, scratch, piece, &row->cached[row->n - 1], err) : E5_OK;
}

static enum e5_status read_row(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct direct *d = context;
    size_t along = d->touched.along[d->slab->ndim - 1], rows = (along + d->neighbours - 1) / d->neighbours;
    size_t at = index % rows * d->neighbours, first = index / rows * along + at;
    size_t n = along - at < d->neighbours ? along - at : d->neighbours;
    struct row row = {0};
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n && status == E5_OK; i++)
        status = add_chunk(d, first + i, &d->scratch[slot * d->neighbours + i], &row, err);
    if (status == E5_OK) e5_slab_put(d->slab, row.piece, row.n);
    for (size_t i = 0; i < row.n; i++)
        if (row.cached[i] != NULL) e5_chunk_cache_release(row.cached[i]);
    return status;
}

/* Chunks with short rows (time series of few cells each) are put together, as long as there is work for all threads.
 */
static size_t choose_neighbours(const struct direct *d, unsigned slots) {
    size_t bytes = d->map->chunk[d->slab->ndim - 1] * d->map->element, chunk = e5_map_chunk_bytes(d->map);
    size_t limits[] = {ROW_BYTES / bytes, NEIGHBOURS_BYTES / chunk, d->touched.count / slots / 4,
                       d->touched.along[d->slab->ndim - 1]};
    size_t n = E5_NEIGHBOURS_MAX;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] < n) n = limits[i];
    return n > 0 ? n : 1;
}

static enum e5_status read_chunked(struct direct *d, const struct e5_parallel *par, struct e5_watch *watch,
                                   struct e5_error *err) {
    unsigned slots = e5_parallel_slots(par);
    enum e5_status status =
        e5_touched_make(d->slab->ndim, d->slab->pick, d->map->dim, d->map->chunk, &d->touched, err);
    if (status != E5_OK) return status;
    if (2 * e5_map_chunk_bytes(d->map) > SCRATCH_MAX / slots) par = NULL;
    d->neighbours = choose_neighbours(d, slots);
    status = take_scratch(d, slots * d->neighbours, err);
    if (status != E5_OK) return status;
    size_t along = d->touched.along[d->slab->ndim - 1], rows = (along + d->neighbours - 1) / d->neighbours;
    return e5_parallel_for(par, watch, d->touched.count / along * rows, read_row, d, err);
}

/* --- variables without chunks --- */

static enum e5_status read_share(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct direct *d = context;
    const struct e5_map *map = d->map;
    struct e5_piece piece = {0};
    uint64_t address = 0, width = map->element;
    e5_touched_box(&d->touched, index, &piece.box);
    for (int k = d->slab->ndim - 1; k >= 0; k--) {
        size_t rest = map->dim[k] - piece.box.start[k];
        if (piece.box.count[k] > rest) piece.box.count[k] = rest;
        address += piece.box.start[k] * (k == 0 && map->record_stride > 0 ? map->record_stride : width);
        width *= map->dim[k];
    }
    if (map->address == E5_NOWHERE) {
        piece.bytes = map->fill;
        piece.constant = true;
        e5_slab_put(d->slab, &piece, 1);
        return E5_OK;
    }
    if (piece.box.count[0] > 1) piece.step = map->record_stride;
    if (map->held != NULL) {
        piece.bytes = map->held + address;
        e5_slab_put(d->slab, &piece, 1);
        return E5_OK;
    }
    return put_as_stored(d, map->address + address, &piece, &d->scratch[slot], err);
}

/* Whole inner dimensions, as many of the first divided one as make some SHARE_BYTES, and single steps before it. */
static void choose_shares(const struct direct *d, size_t *share) {
    size_t bytes = d->map->element;
    for (int k = d->slab->ndim - 1; k >= 0; k--) {
        size_t whole = d->map->dim[k], step = k == 0 && d->map->record_stride > 0 ? d->map->record_stride : bytes;
        size_t fit = SHARE_BYTES / step;
        share[k] = fit >= whole ? whole : fit > 0 ? fit : 1;
        bytes = fit >= whole ? bytes * whole : SHARE_BYTES + 1;
    }
}

static enum e5_status read_contiguous(struct direct *d, const struct e5_parallel *par, struct e5_watch *watch,
                                      struct e5_error *err) {
    size_t share[E5_MAX_DIMS];
    unsigned slots = e5_parallel_slots(par);
    choose_shares(d, share);
    enum e5_status status = e5_touched_make(d->slab->ndim, d->slab->pick, d->map->dim, share, &d->touched, err);
    if (status == E5_OK) status = take_scratch(d, slots, err);
    if (status != E5_OK) return status;
    return e5_parallel_for(par, watch, d->touched.count, read_share, d, err);
}

/* --- the call --- */

enum e5_status e5_direct_read(const char *path, const struct e5_layout *layout, const struct e5_map *map,
                              const struct e5_slab *slab, const struct e5_parallel *par, struct e5_watch *watch,
                              struct e5_error *err) {
    const struct e5_probe *probe = &layout->probe;
    struct direct d = {.path = path, .probe = probe, .map = map, .slab = slab, .descriptor = -1, .watch = watch};
    d.call = e5_chunk_cache_call();
    enum e5_status status = e5_probe_reopen(path, probe, &d.descriptor, err);
    if (status != E5_OK) return status;
    status = map->way == E5_CHUNKED ? read_chunked(&d, par, watch, err) : read_contiguous(&d, par, watch, err);
    if (status == E5_OK) status = e5_probe_unchanged(path, probe, d.descriptor, err);
    close(d.descriptor);
    e5_touched_fini(&d.touched);
    for (size_t i = 0; i < d.scratches; i++) e5_scratch_fini(&d.scratch[i]);
    free(d.scratch);
    return status;
}

bool e5_direct_keep(const char *path, const struct e5_layout *layout, const struct e5_map *map, uint64_t number,
                    uint64_t since) {
    struct direct d = {.path = path, .probe = &layout->probe, .map = map, .descriptor = -1};
    const struct e5_chunk *chunk = e5_map_find(map, number);
    struct e5_decoded decoded = {0};
    struct e5_scratch scratch;
    bool there = true, has_room = true;
    if (chunk == NULL) return true;
    struct e5_chunk_key key = key_of(&d, chunk);
    struct e5_cached *cached = e5_chunk_cache_claim(&key, since, &there);
    if (cached == NULL) return there;
    e5_scratch_init(&scratch);
    enum e5_status status = e5_probe_reopen(path, d.probe, &d.descriptor, NULL);
    if (status == E5_OK) status = decode(&d, chunk, &scratch, &decoded, NULL);
    if (status == E5_OK) has_room = e5_chunk_cache_fill(cached, &decoded, e5_scratch_holder(&scratch, &decoded));
    e5_chunk_cache_release(cached);
    e5_scratch_fini(&scratch);
    if (d.descriptor >= 0) close(d.descriptor);
    return has_room;
}
