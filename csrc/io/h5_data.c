#include <string.h>

#include "base/alloc.h"
#include "io/h5_message.h"

enum { DONT_FILTER_EDGES = 1, SINGLE_FILTERED = 2 }; /* flags of a chunked layout */

static enum e5_status cut_short(const struct e5_h5 *h5, struct e5_error *err) {
    return e5_h5_corrupt(h5, err, "the description of a variable's data is cut short");
}

/* --- fill values --- */

static enum e5_status keep_fill(struct e5_h5 *h5, struct e5_h5_cursor *c, struct e5_h5_data *out,
                                struct e5_error *err) {
    size_t size = (size_t)e5_h5_take(c, 4);
    if (size == 0) return E5_OK;
    const uint8_t *bytes = e5_h5_skip(c, size);
    if (bytes == NULL) return cut_short(h5, err);
    if (size <= sizeof out->fill && size == out->type.size) memcpy(out->fill, bytes, size);
    return E5_OK;
}

static enum e5_status read_fill(struct e5_h5 *h5, const struct e5_h5_message *m, struct e5_h5_data *out,
                                struct e5_error *err) {
    struct e5_h5_cursor c = {.at = m->bytes, .end = m->bytes + m->size};
    if (m->flags & E5_H5_SHARED) return e5_h5_not_known(h5, err, "it keeps header messages in a shared heap");
    if (m->type == E5_H5_OLD_FILL) return keep_fill(h5, &c, out, err);
    unsigned version = (unsigned)e5_h5_take(&c, 1);
    bool defined;
    if (version == 1 || version == 2) {
        e5_h5_skip(&c, 2);
        defined = e5_h5_take(&c, 1) != 0;
    } else if (version == 3)
        defined = (e5_h5_take(&c, 1) & 0x20) != 0;
    else
        return e5_h5_not_known(h5, err, "it uses an unknown kind of fill value");
    return defined ? keep_fill(h5, &c, out, err) : E5_OK;
}

/* --- filters --- */

static enum e5_status read_filter(struct e5_h5 *h5, struct e5_h5_cursor *c, unsigned version,
                                  struct e5_h5_filter *out, struct e5_error *err) {
    out->id = (int)e5_h5_take(c, 2);
    size_t name = version == 1 || out->id >= 256 ? (size_t)e5_h5_take(c, 2) : 0;
    out->optional = (e5_h5_take(c, 2) & 1) != 0;
    size_t values = (size_t)e5_h5_take(c, 2);
    e5_h5_skip(c, version == 1 ? (name + 7) / 8 * 8 : name);
    if (values > 0) {
        out->value = (uint32_t)e5_h5_take(c, 4);
        e5_h5_skip(c, (values - 1) * 4);
    }
    if (version == 1 && values % 2 == 1) e5_h5_skip(c, 4);
    return c->overrun ? cut_short(h5, err) : E5_OK;
}

static enum e5_status read_pipeline(struct e5_h5 *h5, const struct e5_h5_message *m, struct e5_h5_data *out,
                                    struct e5_error *err) {
    struct e5_h5_cursor c = {.at = m->bytes, .end = m->bytes + m->size};
    unsigned version = (unsigned)e5_h5_take(&c, 1);
    out->filters = (int)e5_h5_take(&c, 1);
    if ((m->flags & E5_H5_SHARED) || (version != 1 && version != 2) || out->filters > E5_H5_FILTERS)
        return e5_h5_not_known(h5, err, "it uses an unusual list of filters");
    if (version == 1) e5_h5_skip(&c, 6);
    enum e5_status status = E5_OK;
    for (int i = 0; i < out->filters && status == E5_OK; i++)
        status = read_filter(h5, &c, version, &out->filter[i], err);
    return status;
}

/* --- layouts --- */

static enum e5_status read_compact(struct e5_h5 *h5, struct e5_h5_cursor *c, struct e5_h5_data *out,
                                   struct e5_error *err) {
    out->size = e5_h5_take(c, 2);
    const uint8_t *bytes = e5_h5_skip(c, out->size);
    if (bytes == NULL) return cut_short(h5, err);
    enum e5_status status = e5_alloc((size_t)out->size, 1, &out->compact, err);
    if (status == E5_OK) memcpy(out->compact, bytes, (size_t)out->size);
    return status;
}

static enum e5_status take_chunk_shape(struct e5_h5 *h5, struct e5_h5_cursor *c, unsigned ndim, unsigned width,
                                       struct e5_h5_data *out, struct e5_error *err) {
    if (ndim != (unsigned)out->space.ndim + 1 || width < 1 || width > 8)
        return e5_h5_corrupt(h5, err, "chunks and variable differ in their dimensions");
    for (unsigned d = 0; d + 1 < ndim; d++) {
        uint64_t length = e5_h5_take(c, width);
        if (length == 0 && !c->overrun) return e5_h5_corrupt(h5, err, "a chunk without extent");
        if (d < E5_MAX_DIMS) out->chunk[d] = length;
    }
    uint64_t element = e5_h5_take(c, width);
    if (c->overrun) return cut_short(h5, err);
    return element == out->type.size ? E5_OK : e5_h5_corrupt(h5, err, "chunks and variable differ in their type");
}

/* The B-tree of version 3; its address comes before the shape. */
static enum e5_status read_old_chunks(struct e5_h5 *h5, struct e5_h5_cursor *c, struct e5_h5_data *out,
                                      struct e5_error *err) {
    unsigned ndim = (unsigned)e5_h5_take(c, 1);
    out->index = E5_H5_BTREE1;
    out->address = e5_h5_take_address(h5, c);
    return take_chunk_shape(h5, c, ndim, 4, out, err);
}

/* In the index a stored size has one byte more than the size of an unfiltered chunk needs; eight in version 5. */
static int bytes_of_size(const struct e5_h5_data *data, unsigned version) {
    uint64_t bytes = data->type.size;
    for (int d = 0; d < data->space.ndim && d < E5_MAX_DIMS; d++)
        if (__builtin_mul_overflow(bytes, data->chunk[d], &bytes)) return 8;
    unsigned need = 1 + (e5_h5_log2(bytes) + 8) / 8;
    return version > 4 || need > 8 ? 8 : (int)need;
}

static enum e5_status read_new_chunks(struct e5_h5 *h5, struct e5_h5_cursor *c, unsigned version,
                                      struct e5_h5_data *out, struct e5_error *err) {
    static const struct {
        enum e5_h5_index index;
        unsigned parameters; /* bytes; the index repeats them */
    } kind[] = {{E5_H5_SINGLE, 0},      {E5_H5_SINGLE, 0},           {E5_H5_IMPLICIT, 0},
                {E5_H5_FIXED_ARRAY, 1}, {E5_H5_EXTENSIBLE_ARRAY, 5}, {E5_H5_BTREE2, 6}};
    unsigned flags = (unsigned)e5_h5_take(c, 1), ndim = (unsigned)e5_h5_take(c, 1);
    unsigned width = (unsigned)e5_h5_take(c, 1);
    enum e5_status status = take_chunk_shape(h5, c, ndim, width, out, err);
    if (status != E5_OK) return status;
    unsigned number = (unsigned)e5_h5_take(c, 1);
    if (number < 1 || number > 5) return e5_h5_not_known(h5, err, "it uses an unknown kind of chunk index");
    out->index = kind[number].index;
    out->edges_plain = (flags & DONT_FILTER_EDGES) != 0;
    if (out->index == E5_H5_SINGLE && (flags & SINGLE_FILTERED)) {
        out->single_size = e5_h5_take_length(h5, c);
        out->single_mask = (uint32_t)e5_h5_take(c, 4);
    }
    e5_h5_skip(c, kind[number].parameters);
    out->address = e5_h5_take_address(h5, c);
    out->size_bytes = bytes_of_size(out, version);
    return E5_OK;
}

static enum e5_status read_contiguous(struct e5_h5 *h5, struct e5_h5_cursor *c, struct e5_h5_data *out,
                                      struct e5_error *err) {
    out->address = e5_h5_take_address(h5, c);
    out->size = e5_h5_take_length(h5, c);
    if (out->address == E5_NOWHERE || out->external) return E5_OK;
    if (!e5_h5_holds(h5, out->address, out->size)) return e5_h5_corrupt(h5, err, "a variable lies outside the file");
    out->address += h5->base;
    return E5_OK;
}

static enum e5_status read_layout(struct e5_h5 *h5, const struct e5_h5_message *m, struct e5_h5_data *out,
                                  struct e5_error *err) {
    enum { COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL };
    struct e5_h5_cursor c = {.at = m->bytes, .end = m->bytes + m->size};
    unsigned version = (unsigned)e5_h5_take(&c, 1), class = (unsigned)e5_h5_take(&c, 1);
    enum e5_status status = E5_OK;
    if (version < 3 || version > 5 || (m->flags & E5_H5_SHARED))
        return e5_h5_not_known(h5, err, "it uses an unknown way of storing data");
    out->address = E5_NOWHERE;
    out->layout = class == COMPACT      ? E5_H5_COMPACT
                  : class == CONTIGUOUS ? E5_H5_CONTIGUOUS
                  : class == CHUNKED    ? E5_H5_CHUNKED
                                        : E5_H5_VIRTUAL;
    if (class > VIRTUAL) return e5_h5_not_known(h5, err, "it uses an unknown way of storing data");
    if (class == COMPACT) status = read_compact(h5, &c, out, err);
    if (class == CONTIGUOUS) status = read_contiguous(h5, &c, out, err);
    if (class == CHUNKED)
        status = version == 3 ? read_old_chunks(h5, &c, out, err) : read_new_chunks(h5, &c, version, out, err);
    return status == E5_OK && c.overrun ? cut_short(h5, err) : status;
}

/* --- all of it --- */

static enum e5_status read_type_and_space(struct e5_h5 *h5, const struct e5_h5_header *header, struct e5_h5_data *out,
                                          size_t *count, struct e5_error *err) {
    const struct e5_h5_message *type = e5_h5_header_find(header, E5_H5_TYPE);
    const struct e5_h5_message *space = e5_h5_header_find(header, E5_H5_SPACE);
    if (type == NULL || space == NULL) return e5_h5_corrupt(h5, err, "a variable without type or shape");
    if (space->flags & E5_H5_SHARED) return e5_h5_not_known(h5, err, "it keeps shapes in a shared heap");
    struct e5_h5_bytes bytes = {type->bytes, type->size};
    enum e5_status status = e5_h5_type_read(h5, bytes, (type->flags & E5_H5_SHARED) != 0, &out->type, err);
    bytes = (struct e5_h5_bytes){space->bytes, space->size};
    return status == E5_OK ? e5_h5_space_read(h5, bytes, &out->space, count, err) : status;
}

/* Data that are all in one place are as many as the shape says. */
static enum e5_status check_size(const struct e5_h5 *h5, const struct e5_h5_data *data, size_t count,
                                 struct e5_error *err) {
    size_t bytes;
    bool here = data->layout == E5_H5_COMPACT || (data->layout == E5_H5_CONTIGUOUS && !data->external);
    enum e5_status status = e5_multiply(count, data->type.size, &bytes, err);
    if (status != E5_OK || !here || (data->layout == E5_H5_CONTIGUOUS && data->address == E5_NOWHERE)) return status;
    return bytes <= data->size ? E5_OK : e5_h5_corrupt(h5, err, "a variable has fewer data than its shape says");
}

enum e5_status e5_h5_data_read(struct e5_h5 *h5, const struct e5_h5_header *header, struct e5_h5_data *out,
                               struct e5_error *err) {
    size_t count = 0;
    *out = (struct e5_h5_data){.address = E5_NOWHERE};
    out->external = e5_h5_header_find(header, E5_H5_EXTERNAL) != NULL;
    const struct e5_h5_message *fill = e5_h5_header_find(header, E5_H5_FILL);
    const struct e5_h5_message *layout = e5_h5_header_find(header, E5_H5_LAYOUT);
    const struct e5_h5_message *pipeline = e5_h5_header_find(header, E5_H5_PIPELINE);
    if (fill == NULL) fill = e5_h5_header_find(header, E5_H5_OLD_FILL);
    enum e5_status status = read_type_and_space(h5, header, out, &count, err);
    if (status == E5_OK && fill != NULL) status = read_fill(h5, fill, out, err);
    if (status == E5_OK && pipeline != NULL) status = read_pipeline(h5, pipeline, out, err);
    if (status == E5_OK) status = read_layout(h5, layout, out, err);
    if (status == E5_OK) status = check_size(h5, out, count, err);
    return status;
}
