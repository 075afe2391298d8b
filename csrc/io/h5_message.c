#include "io/h5_message.h"

#include <string.h>

#include "base/alloc.h"

#define RANK_MAX 32

/* --- shapes --- */

/* Unlimited is all ones, however wide lengths are: UINT64_MAX. */
static uint64_t take_most(const struct e5_h5 *h5, struct e5_h5_cursor *c) {
    uint64_t length = e5_h5_take_length(h5, c);
    return length == UINT64_MAX >> (64 - 8 * h5->length_bytes) ? UINT64_MAX : length;
}

static enum e5_status take_lengths(struct e5_h5 *h5, struct e5_h5_cursor *c, const struct e5_h5_space *space,
                                   uint64_t *out, size_t *count, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (int d = 0; d < space->ndim && status == E5_OK; d++) {
        uint64_t length = count != NULL ? e5_h5_take_length(h5, c) : take_most(h5, c);
        if (d < E5_MAX_DIMS) out[d] = length;
        if (count != NULL) status = e5_multiply(*count, (size_t)length, count, err);
    }
    return status;
}

enum e5_status e5_h5_space_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, struct e5_h5_space *out, size_t *count,
                                struct e5_error *err) {
    struct e5_h5_cursor c = {.at = bytes.at, .end = bytes.at + bytes.size};
    unsigned version = (unsigned)e5_h5_take(&c, 1);
    *out = (struct e5_h5_space){.ndim = (int)e5_h5_take(&c, 1)};
    unsigned flags = (unsigned)e5_h5_take(&c, 1);
    *count = 1;
    if (version != 1 && version != 2) return e5_h5_not_known(h5, err, "it uses an unknown kind of shape");
    if (out->ndim > RANK_MAX) return e5_h5_corrupt(h5, err, "a shape of %d dimensions", out->ndim);
    if (version == 1)
        e5_h5_skip(&c, 5);
    else
        out->null = e5_h5_take(&c, 1) == 2;
    enum e5_status status = take_lengths(h5, &c, out, out->dim, count, err);
    if (status != E5_OK) return status;
    if (out->null) *count = 0;
    memcpy(out->most, out->dim, sizeof out->most);
    if (flags & 1) status = take_lengths(h5, &c, out, out->most, NULL, err);
    if (c.overrun) return e5_h5_corrupt(h5, err, "a shape is cut short");
    for (int d = 0; d < out->ndim && d < E5_MAX_DIMS; d++)
        if (out->dim[d] > out->most[d]) return e5_h5_corrupt(h5, err, "a dimension is longer than it may be");
    return status;
}

/* --- types --- */

enum type_class { INTEGER, FLOAT, TIME, TEXT, BIT_FIELD, OPAQUE, COMPOUND, REFERENCE, ENUMERATION, VARIABLE, ARRAY };

struct raw_type {
    unsigned class, version, bits;
    size_t size;
};

static struct raw_type take_raw(struct e5_h5_cursor *c) {
    unsigned both = (unsigned)e5_h5_take(c, 1);
    struct raw_type raw = {.class = both & 15, .version = both >> 4, .bits = (unsigned)e5_h5_take(c, 3)};
    raw.size = (size_t)e5_h5_take(c, 4);
    return raw;
}

static void read_integer(const struct raw_type *raw, struct e5_h5_cursor *c, struct e5_h5_type *out) {
    size_t offset = (size_t)e5_h5_take(c, 2), precision = (size_t)e5_h5_take(c, 2);
    out->class = E5_H5_INTEGER;
    out->big_endian = (raw->bits & 1) != 0;
    out->is_signed = (raw->bits & 8) != 0;
    bool usual_size = raw->size == 1 || raw->size == 2 || raw->size == 4 || raw->size == 8;
    out->standard = usual_size && offset == 0 && precision == raw->size * 8;
}

static void read_float(const struct raw_type *raw, struct e5_h5_cursor *c, struct e5_h5_type *out) {
    /* offset, precision; position and width of exponent and mantissa; bias */
    static const unsigned single[7] = {0, 32, 23, 8, 0, 23, 127}, wide[7] = {0, 64, 52, 11, 0, 52, 1023};
    static const unsigned width[7] = {2, 2, 1, 1, 1, 1, 4};
    const unsigned *usual = raw->size == 8 ? wide : single;
    bool same = raw->size == 8 || raw->size == 4;
    for (int i = 0; i < 7; i++) same = e5_h5_take(c, width[i]) == usual[i] && same;
    unsigned sign = raw->bits >> 8 & 255, hidden_bit = raw->bits >> 4 & 3, vax = raw->bits >> 6 & 1;
    out->class = E5_H5_FLOAT;
    out->big_endian = (raw->bits & 1) != 0;
    out->standard = same && sign == raw->size * 8 - 1 && hidden_bit == 2 && vax == 0;
}

/* Of variable-length types only texts and lists of object references are of use. */
static void read_variable(const struct e5_h5 *h5, const struct raw_type *raw, struct e5_h5_cursor *c,
                          struct e5_h5_type *out) {
    struct raw_type inner = take_raw(c);
    if (c->overrun || raw->size != 8 + h5->address_bytes) return;
    if ((raw->bits & 15) == 1)
        out->class = E5_H5_VARIABLE_TEXT;
    else if (inner.class == REFERENCE && (inner.bits & 15) == 0 && inner.size == h5->address_bytes)
        out->class = E5_H5_REFERENCE_LIST;
    out->standard = out->class != E5_H5_OTHER;
}

static enum e5_status read_own_type(struct e5_h5 *h5, struct e5_h5_bytes bytes, struct e5_h5_type *out,
                                    struct e5_error *err) {
    struct e5_h5_cursor c = {.at = bytes.at, .end = bytes.at + bytes.size};
    struct raw_type raw = take_raw(&c);
    *out = (struct e5_h5_type){.class = E5_H5_OTHER, .size = raw.size};
    if (raw.class == INTEGER) read_integer(&raw, &c, out);
    if (raw.class == FLOAT) read_float(&raw, &c, out);
    if (raw.class == VARIABLE) read_variable(h5, &raw, &c, out);
    if (raw.class == TEXT) {
        out->class = E5_H5_TEXT;
        out->standard = true;
    }
    if (raw.class == REFERENCE && (raw.bits & 15) == 0 && raw.size == h5->address_bytes) {
        out->class = E5_H5_REFERENCE;
        out->standard = true;
    }
    if (c.overrun) return e5_h5_corrupt(h5, err, "a number type is cut short");
    if (raw.size == 0) return e5_h5_corrupt(h5, err, "a number type of no bytes");
    return E5_OK;
}

/* A named type that is itself only a reference to another is no honest file's. */
enum e5_status e5_h5_type_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, bool shared, struct e5_h5_type *out,
                               struct e5_error *err) {
    if (!shared) return read_own_type(h5, bytes, out, err);
    struct e5_h5_header header = {0};
    uint64_t address;
    enum e5_status status = e5_h5_shared_address(h5, bytes.at, bytes.size, &address, err);
    if (status == E5_OK) status = e5_h5_header_read(h5, address, &header, err);
    if (status == E5_OK) {
        const struct e5_h5_message *m = e5_h5_header_find(&header, E5_H5_TYPE);
        status = m != NULL && (m->flags & E5_H5_SHARED) == 0
                     ? read_own_type(h5, (struct e5_h5_bytes){m->bytes, m->size}, out, err)
                     : e5_h5_corrupt(h5, err, "a named type is missing");
    }
    e5_h5_header_fini(&header);
    return status;
}

/* --- attributes --- */

struct parts { /* of an attribute's message */
    struct e5_h5_bytes name, type, space;
    bool type_shared;
};

static struct e5_h5_bytes take_part(struct e5_h5_cursor *c, size_t size, bool padded) {
    struct e5_h5_bytes part = {.at = e5_h5_skip(c, padded ? (size + 7) / 8 * 8 : size), .size = size};
    return part;
}

static enum e5_status take_parts(struct e5_h5 *h5, struct e5_h5_cursor *c, struct parts *out, struct e5_error *err) {
    unsigned version = (unsigned)e5_h5_take(c, 1), flags = (unsigned)e5_h5_take(c, 1);
    size_t name = (size_t)e5_h5_take(c, 2), type = (size_t)e5_h5_take(c, 2), space = (size_t)e5_h5_take(c, 2);
    if (version < 1 || version > 3) return e5_h5_not_known(h5, err, "it uses a newer version of HDF5's attributes");
    if (version > 1 && (flags & 2) != 0) return e5_h5_not_known(h5, err, "it keeps shapes in a shared heap");
    if (version == 3) e5_h5_skip(c, 1); /* the name's character set */
    out->name = take_part(c, name, version == 1);
    out->type = take_part(c, type, version == 1);
    out->space = take_part(c, space, version == 1);
    out->type_shared = version > 1 && (flags & 1) != 0;
    if (c->overrun) return e5_h5_corrupt(h5, err, "an attribute is cut short");
    if (name == 0 || memchr(out->name.at, '\0', name) == NULL || out->name.at[0] == '\0')
        return e5_h5_corrupt(h5, err, "an attribute without a name");
    return E5_OK;
}

static enum e5_status take_value(struct e5_h5 *h5, struct e5_h5_cursor *c, struct e5_h5_attr *out,
                                 struct e5_error *err) {
    size_t size;
    enum e5_status status = e5_multiply(out->count, out->type.size, &size, err);
    if (status != E5_OK) return status;
    out->bytes = e5_h5_skip(c, size);
    if (out->bytes != NULL) return E5_OK;
    return e5_h5_corrupt(h5, err, "the value of attribute '%.60s' is cut short", out->name);
}

enum e5_status e5_h5_attr_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, struct e5_h5_attr *out,
                               struct e5_error *err) {
    struct e5_h5_cursor c = {.at = bytes.at, .end = bytes.at + bytes.size};
    struct parts parts = {0};
    enum e5_status status = take_parts(h5, &c, &parts, err);
    if (status != E5_OK) return status;
    *out = (struct e5_h5_attr){.name = (const char *)parts.name.at};
    status = e5_h5_type_read(h5, parts.type, parts.type_shared, &out->type, err);
    if (status == E5_OK) status = e5_h5_space_read(h5, parts.space, &out->space, &out->count, err);
    return status == E5_OK ? take_value(h5, &c, out, err) : status;
}
