#include "io/h5_collector.h"

#include "base/alloc.h"

#define CHUNKS_MAX ((size_t)1 << 24)
#define STORED_MORE ((uint64_t)64 << 10) /* bytes that filters may add to a chunk, beside a thousandth of it */
#define ALL_LEFT_OUT UINT32_MAX /* mask of a chunk that went through no filter */

static enum e5_status outside_variable(const struct e5_h5_collector *c, struct e5_error *err) {
    return e5_h5_corrupt(c->h5, err, "a chunk lies outside its variable");
}

/* --- adding --- */

static enum e5_status make_room(struct e5_h5_collector *c, struct e5_error *err) {
    if (c->count < c->capacity) return E5_OK;
    if (c->count >= CHUNKS_MAX) return e5_h5_unsafe(c->h5, err, "more chunks than any real file has");
    size_t capacity = c->capacity * 2 + 64;
    enum e5_status status = e5_grow(c->capacity, capacity, sizeof *c->chunk, &c->chunk, err);
    if (status == E5_OK) c->capacity = capacity;
    return status;
}

static bool reaches_over(const struct e5_h5_data *data, const uint64_t *at) {
    for (int d = 0; d < data->space.ndim; d++)
        if (data->space.dim[d] - at[d] * data->chunk[d] < data->chunk[d]) return true;
    return false;
}

enum e5_status e5_h5_add_chunk(struct e5_h5_collector *c, const uint64_t *at, const struct e5_h5_stored *stored,
                               struct e5_error *err) {
    struct e5_chunk chunk = {.mask = stored->mask};
    uint64_t size = c->data->filters > 0 ? stored->size : c->chunk_bytes;
    for (int d = 0; d < c->data->space.ndim; d++) {
        if (at[d] >= c->along[d]) return outside_variable(c, err);
        chunk.index = chunk.index * c->along[d] + at[d];
    }
    if (size > UINT32_MAX || !e5_h5_holds(c->h5, stored->address, size))
        return e5_h5_corrupt(c->h5, err, "a chunk lies outside the file");
    if (size > c->chunk_bytes + c->chunk_bytes / 1000 + STORED_MORE)
        return e5_h5_unsafe(c->h5, err, "a stored chunk is far larger than what it holds");
    if (c->data->edges_plain && reaches_over(c->data, at)) chunk.mask = ALL_LEFT_OUT;
    chunk.address = stored->address + c->h5->base;
    chunk.size = (uint32_t)size;
    enum e5_status status = make_room(c, err);
    if (status == E5_OK) c->chunk[c->count++] = chunk;
    return status;
}

enum e5_status e5_h5_add_numbered(struct e5_h5_collector *c, uint64_t number, const struct e5_h5_stored *stored,
                                  struct e5_error *err) {
    uint64_t at[E5_MAX_DIMS] = {0};
    for (int i = c->data->space.ndim - 1; i > 0; i--) {
        int d = c->order[i];
        if (c->most[d] == 0) return outside_variable(c, err);
        at[d] = number % c->most[d];
        number /= c->most[d];
    }
    at[c->order[0]] = number;
    return e5_h5_add_chunk(c, at, stored, err);
}

/* --- elements of arrays --- */

size_t e5_h5_element_size(const struct e5_h5_collector *c) {
    return c->h5->address_bytes + (c->data->filters > 0 ? (size_t)c->data->size_bytes + 4 : 0);
}

struct e5_h5_stored e5_h5_take_stored(const struct e5_h5_collector *c, struct e5_h5_cursor *cursor) {
    struct e5_h5_stored stored = {.address = e5_h5_take_address(c->h5, cursor)};
    if (c->data->filters == 0) return stored;
    stored.size = e5_h5_take(cursor, (unsigned)c->data->size_bytes);
    stored.mask = (uint32_t)e5_h5_take(cursor, 4);
    return stored;
}

enum e5_status e5_h5_add_elements(struct e5_h5_collector *c, struct e5_h5_cursor *cursor, uint64_t number,
                                  uint64_t count, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (uint64_t i = 0; i < count && status == E5_OK && !cursor->overrun; i++) {
        struct e5_h5_stored stored = e5_h5_take_stored(c, cursor);
        if (stored.address != E5_NOWHERE && !cursor->overrun)
            status = e5_h5_add_numbered(c, number + i, &stored, err);
    }
    if (status == E5_OK && cursor->overrun) status = e5_h5_corrupt(c->h5, err, "an index of chunks is cut short");
    return status;
}
