#include "base/alloc.h"
#include "io/h5_array.h"
#include "io/h5_btree1.h"
#include "io/h5_btree2.h"

/* --- indexes that are no arrays --- */

/* Keys: stored size, mask, offsets of the first element (and one of 0 for the element's bytes). */
static enum e5_status add_leaf(void *context, const uint8_t *key, uint64_t address, struct e5_error *err) {
    struct e5_h5_collector *c = context;
    struct e5_h5_stored stored = {address, e5_h5_number(key, 4), (uint32_t)e5_h5_number(key + 4, 4)};
    uint64_t at[E5_MAX_DIMS];
    for (int d = 0; d < c->data->space.ndim; d++) {
        uint64_t offset = e5_h5_number(key + 8 + (size_t)8 * (size_t)d, 8);
        if (offset % c->data->chunk[d] != 0) return e5_h5_corrupt(c->h5, err, "a chunk lies outside its variable");
        at[d] = offset / c->data->chunk[d];
    }
    if (c->data->filters == 0 && stored.size != c->chunk_bytes)
        return e5_h5_corrupt(c->h5, err, "a chunk has another size than its shape says");
    return address == E5_NOWHERE ? E5_OK : e5_h5_add_chunk(c, at, &stored, err);
}

static enum e5_status walk_btree1(struct e5_h5_collector *c, struct e5_error *err) {
    size_t key_size = 8 + (size_t)8 * ((size_t)c->data->space.ndim + 1);
    return e5_h5_btree1_walk(c->h5, c->data->address, E5_H5_CHUNK_TREE, key_size, add_leaf, c, err);
}

static enum e5_status add_record(void *context, const uint8_t *record, size_t size, struct e5_error *err) {
    struct e5_h5_collector *c = context;
    struct e5_h5_cursor cursor = {.at = record, .end = record + size};
    struct e5_h5_stored stored = e5_h5_take_stored(c, &cursor);
    uint64_t at[E5_MAX_DIMS];
    for (int d = 0; d < c->data->space.ndim; d++) at[d] = e5_h5_take(&cursor, 8);
    return stored.address == E5_NOWHERE ? E5_OK : e5_h5_add_chunk(c, at, &stored, err);
}

static enum e5_status walk_btree2(struct e5_h5_collector *c, struct e5_error *err) {
    size_t size = e5_h5_element_size(c) + (size_t)8 * (size_t)c->data->space.ndim;
    enum e5_h5_records kind = c->data->filters > 0 ? E5_H5_FILTERED_CHUNK_RECORDS : E5_H5_CHUNK_RECORDS;
    return e5_h5_btree2_walk(c->h5, c->data->address, kind, size, add_record, c, err);
}

static enum e5_status add_single(struct e5_h5_collector *c, struct e5_error *err) {
    const struct e5_h5_stored stored = {c->data->address, c->data->single_size, c->data->single_mask};
    return e5_h5_add_numbered(c, 0, &stored, err);
}

/* All chunks that the dataset may have lie one behind the other. */
static enum e5_status add_implicit(struct e5_h5_collector *c, uint64_t grid, struct e5_error *err) {
    int ndim = c->data->space.ndim;
    enum e5_status status = E5_OK;
    if (c->data->filters > 0) return e5_h5_corrupt(c->h5, err, "filtered chunks without an index");
    for (uint64_t i = 0; i < grid && status == E5_OK; i++) {
        uint64_t at[E5_MAX_DIMS], rest = i, number = 0, bytes;
        for (int d = ndim - 1; d >= 0; d--) {
            at[d] = rest % c->along[d];
            rest /= c->along[d];
        }
        for (int d = 0; d < ndim; d++) number = number * c->most[d] + at[d];
        struct e5_h5_stored stored = {0};
        if (__builtin_mul_overflow(number, c->chunk_bytes, &bytes) ||
            __builtin_add_overflow(c->data->address, bytes, &stored.address))
            return e5_h5_corrupt(c->h5, err, "a chunk lies outside the file");
        status = e5_h5_add_chunk(c, at, &stored, err);
    }
    return status;
}

/* --- all of it --- */

static uint64_t chunks_along(uint64_t length, uint64_t chunk) { return length / chunk + (length % chunk > 0); }

/* Arrays count the unlimited dimension as the slowest. */
static void find_order(struct e5_h5_collector *c) {
    int ndim = c->data->space.ndim, next = 0;
    if (c->data->index == E5_H5_EXTENSIBLE_ARRAY)
        for (int d = 0; d < ndim && next == 0; d++)
            if (c->most[d] == UINT64_MAX) c->order[next++] = d;
    for (int d = 0; d < ndim; d++)
        if (next == 0 || d != c->order[0]) c->order[next++] = d;
}

static enum e5_status measure(struct e5_h5_collector *c, uint64_t *grid, struct e5_error *err) {
    const struct e5_h5_data *data = c->data;
    size_t bytes = data->type.size, cells = 1;
    enum e5_status status = E5_OK;
    for (int d = 0; d < data->space.ndim && status == E5_OK; d++) {
        c->along[d] = chunks_along(data->space.dim[d], data->chunk[d]);
        c->most[d] =
            data->space.most[d] == UINT64_MAX ? UINT64_MAX : chunks_along(data->space.most[d], data->chunk[d]);
        status = e5_multiply(bytes, (size_t)data->chunk[d], &bytes, err);
        if (status == E5_OK) status = e5_multiply(cells, (size_t)c->along[d], &cells, err);
    }
    c->chunk_bytes = bytes;
    *grid = cells;
    find_order(c);
    if (status == E5_OK && bytes > E5_CHUNK_MAX) status = e5_h5_unsafe(c->h5, err, "a chunk of more than 1 GiB");
    return status;
}

static enum e5_status walk(struct e5_h5_collector *c, uint64_t grid, struct e5_error *err) {
    switch (c->data->index) {
    case E5_H5_BTREE1: return walk_btree1(c, err);
    case E5_H5_SINGLE: return add_single(c, err);
    case E5_H5_IMPLICIT: return add_implicit(c, grid, err);
    case E5_H5_FIXED_ARRAY: return e5_h5_walk_fixed_array(c, err);
    case E5_H5_EXTENSIBLE_ARRAY: return e5_h5_walk_extensible_array(c, err);
    case E5_H5_BTREE2: return walk_btree2(c, err);
    }
    return e5_h5_not_known(c->h5, err, "it uses an unknown kind of chunk index");
}

/* Most indexes are in order already. */
static enum e5_status sort(struct e5_h5_collector *c, struct e5_error *err) {
    bool in_order = true;
    for (size_t i = 1; i < c->count && in_order; i++) in_order = c->chunk[i - 1].index < c->chunk[i].index;
    if (in_order) return E5_OK;
    qsort(c->chunk, c->count, sizeof *c->chunk, e5_chunk_by_index);
    for (size_t i = 1; i < c->count; i++)
        if (c->chunk[i - 1].index == c->chunk[i].index)
            return e5_h5_corrupt(c->h5, err, "two chunks lie in one place");
    return E5_OK;
}

enum e5_status e5_h5_chunks(struct e5_h5 *h5, const struct e5_h5_data *data, struct e5_chunk **out, size_t *count,
                            struct e5_error *err) {
    struct e5_h5_collector c = {.h5 = h5, .data = data};
    uint64_t grid = 0;
    *out = NULL;
    *count = 0;
    if (data->space.ndim < 1 || data->space.ndim > E5_MAX_DIMS)
        return e5_h5_not_known(h5, err, "it has a variable of more dimensions than are known here");
    e5_h5_begin_walk(h5);
    enum e5_status status = measure(&c, &grid, err);
    if (status == E5_OK && data->address != E5_NOWHERE) status = walk(&c, grid, err);
    if (status == E5_OK) status = sort(&c, err);
    if (status == E5_OK) {
        *out = c.chunk;
        *count = c.count;
    } else
        free(c.chunk);
    return status;
}
