#include "io/h5_header.h"

#include <string.h>

#include "base/alloc.h"

#define MESSAGES_MAX ((size_t)1 << 17)
#define BLOCKS_MAX 10000
#define FAIL_IF_UNKNOWN 0x80 /* of a message's flags */
#define HEAD_SIZE 40         /* more than stands before the messages of a header */
#define IN_HEAP 1            /* kind of a shared message: not in an object header */

enum { TRACKS_ORDER = 4, STORES_LIMITS = 16, STORES_TIMES = 32 }; /* flags of version 2 */

/* A block that is still to be read. */
struct extent {
    uint64_t address, length;
};

struct reader {
    struct e5_h5 *h5;
    struct e5_h5_header *header;
    bool old, tracks_order;
    size_t count, capacity; /* of the continuations met so far */
    struct extent *extent;
    struct e5_error *err;
};

static enum e5_status keep_block(struct reader *r, uint8_t *block) {
    struct e5_h5_header *header = r->header;
    enum e5_status status = E5_OK;
    if (header->blocks >= BLOCKS_MAX) status = e5_h5_unsafe(r->h5, r->err, "an object header in countless parts");
    if (status == E5_OK && header->blocks % 8 == 0)
        status = e5_grow(header->blocks, header->blocks + 8, sizeof block, &header->block, r->err);
    if (status == E5_OK)
        header->block[header->blocks++] = block;
    else
        free(block);
    return status;
}

static enum e5_status keep_message(struct reader *r, const struct e5_h5_message *message) {
    struct e5_h5_header *header = r->header;
    if (message->type > E5_H5_LAST_MESSAGE && (message->flags & FAIL_IF_UNKNOWN) != 0)
        return e5_h5_not_known(r->h5, r->err, "it uses a kind of header message that is not known here");
    if (header->count >= MESSAGES_MAX) return e5_h5_unsafe(r->h5, r->err, "an object header with countless messages");
    if (header->count == header->capacity) {
        size_t capacity = header->capacity * 2 + 32;
        enum e5_status status = e5_grow(header->capacity, capacity, sizeof *message, &header->message, r->err);
        if (status != E5_OK) return status;
        header->capacity = capacity;
    }
    header->message[header->count++] = *message;
    return E5_OK;
}

/* --- the messages of one block --- */

static struct e5_h5_message take_message(const struct reader *r, struct e5_h5_cursor *c) {
    struct e5_h5_message m = {.order = E5_H5_ORDER_NONE};
    m.type = (uint8_t)e5_h5_take(c, 1);
    if (r->old && e5_h5_take(c, 1) != 0) m.type = UINT8_MAX; /* two bytes in version 1 */
    m.size = (size_t)e5_h5_take(c, 2);
    m.flags = (uint8_t)e5_h5_take(c, 1);
    if (r->old) e5_h5_skip(c, 3);
    if (r->tracks_order) m.order = (uint32_t)e5_h5_take(c, 2);
    m.bytes = e5_h5_skip(c, m.size);
    return m;
}

static enum e5_status keep_extent(struct reader *r, const struct e5_h5_message *m) {
    struct e5_h5_cursor c = {.at = m->bytes, .end = m->bytes + m->size};
    struct extent extent = {.address = e5_h5_take_address(r->h5, &c)};
    extent.length = e5_h5_take_length(r->h5, &c);
    if (c.overrun) return e5_h5_corrupt(r->h5, r->err, "an object header goes on nowhere");
    if (r->count >= BLOCKS_MAX) return e5_h5_unsafe(r->h5, r->err, "an object header in countless parts");
    if (r->count == r->capacity) {
        enum e5_status status = e5_grow(r->capacity, r->capacity * 2 + 8, sizeof extent, &r->extent, r->err);
        if (status != E5_OK) return status;
        r->capacity = r->capacity * 2 + 8;
    }
    r->extent[r->count++] = extent;
    return E5_OK;
}

/* What is left at a block's end and too short for a message is a gap. */
static enum e5_status read_messages(struct reader *r, const uint8_t *from, const uint8_t *end) {
    struct e5_h5_cursor c = {.at = from, .end = end};
    ptrdiff_t prefix = r->old ? 8 : r->tracks_order ? 6 : 4;
    enum e5_status status = E5_OK;
    while (status == E5_OK && c.end - c.at >= prefix) {
        struct e5_h5_message m = take_message(r, &c);
        if (c.overrun) return e5_h5_corrupt(r->h5, r->err, "a header message is longer than its header");
        if (m.type == E5_H5_CONTINUATION)
            status = keep_extent(r, &m);
        else if (m.type != 0)
            status = keep_message(r, &m);
    }
    return status;
}

/* --- blocks --- */

static enum e5_status read_continuation(struct reader *r, const struct extent *e) {
    uint8_t *block;
    enum e5_status status = r->old ? e5_h5_load(r->h5, e->address, e->length, &block, r->err)
                                   : e5_h5_load_checked(r->h5, e->address, e->length, "OCHK", &block, r->err);
    if (status == E5_OK) status = keep_block(r, block);
    if (status != E5_OK) return status;
    size_t length = (size_t)e->length;
    return r->old ? read_messages(r, block, block + length) : read_messages(r, block + 4, block + length - 4);
}

/* Version 1: twelve bytes, four to align them, and the messages of the first block. */
static enum e5_status read_old(struct reader *r, uint64_t address, const uint8_t *head, struct e5_error *err) {
    uint8_t *block;
    uint64_t length = e5_h5_number(head + 8, 4);
    r->old = true;
    enum e5_status status = e5_h5_load(r->h5, address + 16, length, &block, err);
    if (status == E5_OK) status = keep_block(r, block);
    return status == E5_OK ? read_messages(r, block, block + length) : status;
}

static enum e5_status read_new(struct reader *r, uint64_t address, const uint8_t *head, struct e5_error *err) {
    uint8_t *block;
    unsigned flags = head[5], width = 1u << (flags & 3);
    size_t prefix = 6 + (flags & STORES_TIMES ? 16 : 0) + (flags & STORES_LIMITS ? 4 : 0);
    if (head[4] != 2) return e5_h5_not_known(r->h5, err, "it uses a newer version of HDF5's object headers");
    r->tracks_order = (flags & TRACKS_ORDER) != 0;
    uint64_t length = e5_h5_number(head + prefix, width);
    prefix += width;
    if (length > r->h5->size) return e5_h5_corrupt(r->h5, err, "an object header is longer than the file");
    enum e5_status status = e5_h5_load_checked(r->h5, address, prefix + length + 4, "OHDR", &block, err);
    if (status == E5_OK) status = keep_block(r, block);
    return status == E5_OK ? read_messages(r, block + prefix, block + prefix + length) : status;
}

static enum e5_status read_first(struct reader *r, uint64_t address, struct e5_error *err) {
    uint8_t head[HEAD_SIZE] = {0};
    if (!e5_h5_holds(r->h5, address, 1)) return e5_h5_corrupt(r->h5, err, "an object lies outside the file");
    uint64_t left = r->h5->size - address;
    enum e5_status status = e5_h5_get(r->h5, address, left < sizeof head ? (size_t)left : sizeof head, head, err);
    if (status != E5_OK) return status;
    if (memcmp(head, "OHDR", 4) == 0) return read_new(r, address, head, err);
    if (head[0] == 1 && head[1] == 0) return read_old(r, address, head, err);
    return e5_h5_corrupt(r->h5, err, "no object header where one should be");
}

enum e5_status e5_h5_header_read(struct e5_h5 *h5, uint64_t address, struct e5_h5_header *out, struct e5_error *err) {
    *out = (struct e5_h5_header){0};
    struct reader r = {.h5 = h5, .header = out, .err = err};
    enum e5_status status = read_first(&r, address, err);
    for (size_t i = 0; i < r.count && status == E5_OK; i++) {
        struct extent extent = r.extent[i]; /* the list may move */
        status = read_continuation(&r, &extent);
    }
    free(r.extent);
    return status;
}

void e5_h5_header_fini(struct e5_h5_header *header) {
    for (size_t i = 0; i < header->blocks; i++) free(header->block[i]);
    free(header->block);
    free(header->message);
    *header = (struct e5_h5_header){0};
}

const struct e5_h5_message *e5_h5_header_find(const struct e5_h5_header *header, int type) {
    for (size_t i = 0; i < header->count; i++)
        if (header->message[i].type == type) return &header->message[i];
    return NULL;
}

enum e5_status e5_h5_shared_address(struct e5_h5 *h5, const uint8_t *bytes, size_t size, uint64_t *out,
                                    struct e5_error *err) {
    struct e5_h5_cursor c = {.at = bytes, .end = bytes + size};
    unsigned version = (unsigned)e5_h5_take(&c, 1), kind = (unsigned)e5_h5_take(&c, 1);
    if (version == 1) e5_h5_skip(&c, 6);
    if (version < 1 || version > 3 || (version == 3 && kind == IN_HEAP))
        return e5_h5_not_known(h5, err, "it keeps header messages in a shared heap");
    *out = e5_h5_take_address(h5, &c);
    return c.overrun ? e5_h5_corrupt(h5, err, "a shared header message leads nowhere") : E5_OK;
}
