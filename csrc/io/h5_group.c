#include <string.h>

#include "base/alloc.h"
#include "io/h5_btree1.h"
#include "io/h5_btree2.h"
#include "io/h5_header.h"
#include "io/h5_heap.h"
#include "io/h5_message.h"

/* A link with its place in the order of creation. */
struct ranked {
    struct e5_h5_link link;
    uint64_t order;
};

struct collection {
    struct e5_h5 *h5;
    struct e5_h5_heap *heap; /* of new links */
    const char *names;       /* of old ones */
    uint64_t names_size;
    bool in_order;           /* all have an order of creation */
    size_t count, capacity;
    struct ranked *ranked;
};

/* `name` need not end with NUL. */
static enum e5_status add(struct collection *c, const char *name, size_t length, const struct ranked *ranked,
                          struct e5_error *err) {
    struct ranked new = *ranked;
    if (length == 0 || memchr(name, '\0', length) != NULL)
        return e5_h5_corrupt(c->h5, err, "a link without a proper name");
    if (c->count >= E5_H5_LINKS_MAX) return e5_h5_unsafe(c->h5, err, E5_H5_MANY_LINKS);
    if (c->count == c->capacity) {
        size_t capacity = c->capacity * 2 + 16;
        enum e5_status status = e5_grow(c->capacity, capacity, sizeof new, &c->ranked, err);
        if (status != E5_OK) return status;
        c->capacity = capacity;
    }
    enum e5_status status = e5_alloc(length + 1, 1, &new.link.name, err);
    if (status != E5_OK) return status;
    memcpy(new.link.name, name, length);
    c->ranked[c->count++] = new;
    return E5_OK;
}

/* --- new links: messages --- */

enum { ORDER_STORED = 4, TYPE_STORED = 8, CHARSET_STORED = 16 }; /* flags of a link */
enum { HARD = 0, SOFT = 1 };                                     /* types; from 64 on they lead to other files */

static enum e5_status add_message(struct collection *c, struct e5_h5_bytes bytes, struct e5_error *err) {
    struct e5_h5_cursor at = {.at = bytes.at, .end = bytes.at + bytes.size};
    struct ranked ranked = {.link.address = E5_NOWHERE};
    unsigned version = (unsigned)e5_h5_take(&at, 1), flags = (unsigned)e5_h5_take(&at, 1);
    if (version != 1) return e5_h5_not_known(c->h5, err, "it uses a newer version of HDF5's links");
    unsigned type = flags & TYPE_STORED ? (unsigned)e5_h5_take(&at, 1) : HARD;
    if (flags & ORDER_STORED)
        ranked.order = e5_h5_take(&at, 8);
    else
        c->in_order = false;
    if (flags & CHARSET_STORED) e5_h5_skip(&at, 1);
    uint64_t length = e5_h5_take(&at, 1u << (flags & 3));
    const uint8_t *name = e5_h5_skip(&at, length);
    if (type == HARD) ranked.link.address = e5_h5_take_address(c->h5, &at);
    ranked.link.external = type != HARD && type != SOFT;
    if (at.overrun) return e5_h5_corrupt(c->h5, err, "a link is cut short");
    return add(c, (const char *)name, (size_t)length, &ranked, err);
}

enum { ID_SIZE = 7, RECORD_SIZE = 4 + ID_SIZE }; /* records: hash of the name, id in the heap */

static enum e5_status add_record(void *context, const uint8_t *record, size_t size, struct e5_error *err) {
    struct collection *c = context;
    struct e5_h5_bytes bytes;
    (void)size;
    enum e5_status status = e5_h5_heap_object(c->heap, record + 4, &bytes.at, &bytes.size, err);
    return status == E5_OK ? add_message(c, bytes, err) : status;
}

static enum e5_status add_dense(struct collection *c, const struct e5_h5_message *info, struct e5_error *err) {
    struct e5_h5_cursor at = {.at = info->bytes, .end = info->bytes + info->size};
    struct e5_h5_heap heap = {0};
    unsigned version = (unsigned)e5_h5_take(&at, 1), flags = (unsigned)e5_h5_take(&at, 1);
    if (version != 0) return e5_h5_not_known(c->h5, err, "it uses a newer version of HDF5's links");
    if (flags & 1) e5_h5_skip(&at, 8); /* greatest order so far */
    uint64_t heap_address = e5_h5_take_address(c->h5, &at), by_name = e5_h5_take_address(c->h5, &at);
    if (at.overrun) return e5_h5_corrupt(c->h5, err, "the description of a group is cut short");
    if (heap_address == E5_NOWHERE) return E5_OK; /* they stand in the header */
    c->heap = &heap;
    enum e5_status status = e5_h5_heap_open(c->h5, heap_address, &heap, err);
    if (status == E5_OK && heap.id_size != ID_SIZE)
        status = e5_h5_corrupt(c->h5, err, "a heap of links makes no sense");
    if (status == E5_OK)
        status = e5_h5_btree2_walk(c->h5, by_name, E5_H5_LINKS_BY_NAME, RECORD_SIZE, add_record, c, err);
    e5_h5_heap_close(&heap);
    return status;
}

static enum e5_status add_compact(struct collection *c, const struct e5_h5_header *header, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < header->count && status == E5_OK; i++) {
        const struct e5_h5_message *m = &header->message[i];
        if (m->type == E5_H5_LINK) status = add_message(c, (struct e5_h5_bytes){m->bytes, m->size}, err);
    }
    return status;
}

/* --- old links: a tree of symbol tables, names in a heap of their own --- */

#define SOFT_ENTRY 2 /* what an entry's scratch holds: a soft link's text */

static enum e5_status add_entry(struct collection *c, struct e5_h5_cursor *at, struct e5_error *err) {
    struct ranked ranked = {0};
    uint64_t offset = e5_h5_take(at, c->h5->address_bytes);
    ranked.link.address = e5_h5_take_address(c->h5, at);
    if (e5_h5_take(at, 4) == SOFT_ENTRY) ranked.link.address = E5_NOWHERE;
    e5_h5_skip(at, 20);
    if (at->overrun) return e5_h5_corrupt(c->h5, err, "a symbol table is cut short");
    if (offset >= c->names_size) return e5_h5_corrupt(c->h5, err, "a link without a proper name");
    size_t length = strnlen(c->names + offset, (size_t)(c->names_size - offset));
    return add(c, c->names + offset, length, &ranked, err);
}

static enum e5_status add_table(void *context, const uint8_t *key, uint64_t address, struct e5_error *err) {
    struct collection *c = context;
    uint8_t head[8], *bytes;
    (void)key;
    enum e5_status status = e5_h5_get(c->h5, address, sizeof head, head, err);
    if (status != E5_OK) return status;
    if (memcmp(head, "SNOD", 4) != 0 || head[4] != 1)
        return e5_h5_corrupt(c->h5, err, "no symbol table where one should be");
    size_t entries = (size_t)e5_h5_number(head + 6, 2), size = entries * (24 + 2 * (size_t)c->h5->address_bytes);
    status = e5_h5_load(c->h5, address + sizeof head, size, &bytes, err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor at = {.at = bytes, .end = bytes + size};
    for (size_t i = 0; i < entries && status == E5_OK; i++) status = add_entry(c, &at, err);
    free(bytes);
    return status;
}

static enum e5_status load_names(struct collection *c, uint64_t address, uint8_t **out, struct e5_error *err) {
    uint8_t head[8 + 3 * 8];
    size_t size = 8 + 2 * (size_t)c->h5->length_bytes + c->h5->address_bytes;
    *out = NULL;
    enum e5_status status = e5_h5_get(c->h5, address, size, head, err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor at = {.at = head + 8, .end = head + size};
    if (memcmp(head, "HEAP", 4) != 0 || head[4] != 0)
        return e5_h5_corrupt(c->h5, err, "no heap of names where one should be");
    c->names_size = e5_h5_take_length(c->h5, &at);
    e5_h5_take_length(c->h5, &at); /* free space */
    status = e5_h5_load(c->h5, e5_h5_take_address(c->h5, &at), c->names_size, out, err);
    c->names = (const char *)*out;
    return status;
}

static enum e5_status add_old(struct collection *c, const struct e5_h5_message *table, struct e5_error *err) {
    struct e5_h5_cursor at = {.at = table->bytes, .end = table->bytes + table->size};
    uint64_t tree = e5_h5_take_address(c->h5, &at), heap = e5_h5_take_address(c->h5, &at);
    uint8_t *names;
    if (at.overrun) return e5_h5_corrupt(c->h5, err, "the description of a group is cut short");
    c->in_order = false;
    enum e5_status status = load_names(c, heap, &names, err);
    if (status == E5_OK)
        status = e5_h5_btree1_walk(c->h5, tree, E5_H5_GROUP_TREE, c->h5->length_bytes, add_table, c, err);
    free(names);
    return status;
}

/* --- all of them --- */

static int by_order(const void *a, const void *b) {
    uint64_t x = ((const struct ranked *)a)->order, y = ((const struct ranked *)b)->order;
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct ranked *)a)->link.name, ((const struct ranked *)b)->link.name);
}

static enum e5_status hand_over(struct collection *c, struct e5_h5_link **out, size_t *count, struct e5_error *err) {
    enum e5_status status = e5_alloc(c->count, sizeof **out, out, err);
    if (status != E5_OK) return status;
    if (c->count > 1) qsort(c->ranked, c->count, sizeof *c->ranked, c->in_order ? by_order : by_name);
    for (size_t i = 0; i < c->count; i++) (*out)[i] = c->ranked[i].link;
    *count = c->count;
    c->count = 0;
    return E5_OK;
}

static enum e5_status add_all(struct collection *c, const struct e5_h5_header *header, struct e5_error *err) {
    const struct e5_h5_message *table = e5_h5_header_find(header, E5_H5_SYMBOL_TABLE);
    const struct e5_h5_message *info = e5_h5_header_find(header, E5_H5_LINK_INFO);
    enum e5_status status = E5_OK;
    if (table == NULL && info == NULL) return e5_h5_corrupt(c->h5, err, "no group where one should be");
    if (table != NULL) status = add_old(c, table, err);
    if (status == E5_OK && info != NULL) status = add_dense(c, info, err);
    return status == E5_OK ? add_compact(c, header, err) : status;
}

enum e5_status e5_h5_links(struct e5_h5 *h5, uint64_t group, struct e5_h5_link **out, size_t *count,
                           struct e5_error *err) {
    struct e5_h5_header header;
    struct collection c = {.h5 = h5, .in_order = true};
    *out = NULL;
    *count = 0;
    e5_h5_begin_walk(h5);
    enum e5_status status = e5_h5_header_read(h5, group, &header, err);
    if (status == E5_OK) status = add_all(&c, &header, err);
    if (status == E5_OK) status = hand_over(&c, out, count, err);
    e5_h5_header_fini(&header);
    for (size_t i = 0; i < c.count; i++) free(c.ranked[i].link.name);
    free(c.ranked);
    return status;
}

void e5_h5_links_free(struct e5_h5_link *link, size_t count) {
    for (size_t i = 0; i < count; i++) free(link[i].name);
    free(link);
}
