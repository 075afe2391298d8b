#include <string.h>

#include "base/alloc.h"
#include "io/h5_btree2.h"
#include "io/h5_heap.h"
#include "io/h5_message.h"

#define ATTRIBUTES_MAX ((size_t)1 << 16)
#define VALUES_MAX ((uint64_t)64 << 20) /* bytes of all attributes of one object */

#define STORE_SIZE ((size_t)4000)

/* Names and values lie in few blocks: an object has some sixty of them. */
struct e5_h5_store {
    struct e5_h5_store *next;
    size_t used, size;
    uint8_t bytes[];
};

struct collection {
    struct e5_h5 *h5;
    struct e5_h5_heap *heap;
    struct e5_h5_object *object;
    size_t capacity;
    uint64_t bytes;
};

static enum e5_status keep(struct e5_h5_object *object, const void *bytes, size_t size, const uint8_t **out,
                           struct e5_error *err) {
    struct e5_h5_store *store = object->store;
    if (store == NULL || store->size - store->used < size) {
        size_t room = size > STORE_SIZE ? size : STORE_SIZE;
        enum e5_status status = e5_alloc(sizeof *store + room, 1, &store, err);
        if (status != E5_OK) return status;
        store->size = room;
        store->next = object->store;
        object->store = store;
    }
    *out = store->bytes + store->used;
    if (size > 0) memcpy(store->bytes + store->used, bytes, size);
    store->used += size;
    return E5_OK;
}

static enum e5_status make_room(struct collection *c, struct e5_error *err) {
    struct e5_h5_object *object = c->object;
    if (object->attrs >= ATTRIBUTES_MAX) return e5_h5_unsafe(c->h5, err, "more attributes than any real file has");
    if (object->attrs < c->capacity) return E5_OK;
    size_t capacity = c->capacity * 2 + 32;
    enum e5_status status = e5_grow(c->capacity, capacity, sizeof *object->attr, &object->attr, err);
    if (status == E5_OK) c->capacity = capacity;
    return status;
}

/* What has no order of its own stays where it stands. */
static enum e5_status add(struct collection *c, struct e5_h5_bytes bytes, uint32_t order, struct e5_error *err) {
    struct e5_h5_attr new;
    const uint8_t *name;
    enum e5_status status = e5_h5_attr_read(c->h5, bytes, &new, err);
    c->bytes += bytes.size;
    if (status == E5_OK && c->bytes > VALUES_MAX) status = e5_h5_unsafe(c->h5, err, "attributes of more than 64 MiB");
    if (status == E5_OK) status = make_room(c, err);
    if (status == E5_OK) status = keep(c->object, new.name, strlen(new.name) + 1, &name, err);
    if (status == E5_OK) status = keep(c->object, new.bytes, new.count * new.type.size, &new.bytes, err);
    if (status != E5_OK) return status;
    new.name = (const char *)name;
    new.order = order != E5_H5_ORDER_NONE ? order : c->object->attrs;
    c->object->attr[c->object->attrs++] = new;
    return E5_OK;
}

/* --- few attributes: messages of the header --- */

static enum e5_status add_compact(struct collection *c, const struct e5_h5_header *header, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < header->count && status == E5_OK; i++) {
        const struct e5_h5_message *m = &header->message[i];
        if (m->type != E5_H5_ATTRIBUTE) continue;
        if (m->flags & E5_H5_SHARED)
            status = e5_h5_not_known(c->h5, err, "it keeps attributes in a shared heap");
        else
            status = add(c, (struct e5_h5_bytes){m->bytes, m->size}, m->order, err);
    }
    return status;
}

/* --- many attributes: a heap, and a tree of records: id in the heap, flags, order, hash of the name --- */

enum { ID_SIZE = 8, RECORD_SIZE = ID_SIZE + 1 + 4 + 4 };

static enum e5_status add_record(void *context, const uint8_t *record, size_t size, struct e5_error *err) {
    struct collection *c = context;
    struct e5_h5_bytes bytes;
    (void)size;
    if (record[ID_SIZE] & E5_H5_SHARED) return e5_h5_not_known(c->h5, err, "it keeps attributes in a shared heap");
    enum e5_status status = e5_h5_heap_object(c->heap, record, &bytes.at, &bytes.size, err);
    return status == E5_OK ? add(c, bytes, (uint32_t)e5_h5_number(record + ID_SIZE + 1, 4), err) : status;
}

static enum e5_status add_dense(struct collection *c, const struct e5_h5_message *info, struct e5_error *err) {
    struct e5_h5_cursor at = {.at = info->bytes, .end = info->bytes + info->size};
    struct e5_h5_heap heap = {0};
    unsigned version = (unsigned)e5_h5_take(&at, 1), flags = (unsigned)e5_h5_take(&at, 1);
    if (version != 0) return e5_h5_not_known(c->h5, err, "it uses a newer version of HDF5's attributes");
    if (flags & 1) e5_h5_skip(&at, 2); /* greatest order so far */
    uint64_t heap_address = e5_h5_take_address(c->h5, &at), by_name = e5_h5_take_address(c->h5, &at);
    if (at.overrun) return e5_h5_corrupt(c->h5, err, "the description of attributes is cut short");
    if (heap_address == E5_NOWHERE) return E5_OK; /* they stand in the header */
    c->heap = &heap;
    enum e5_status status = e5_h5_heap_open(c->h5, heap_address, &heap, err);
    if (status == E5_OK && heap.id_size != ID_SIZE)
        status = e5_h5_corrupt(c->h5, err, "a heap of attributes makes no sense");
    if (status == E5_OK)
        status = e5_h5_btree2_walk(c->h5, by_name, E5_H5_ATTRIBUTES_BY_NAME, RECORD_SIZE, add_record, c, err);
    e5_h5_heap_close(&heap);
    return status;
}

/* --- all of them --- */

static int by_order(const void *a, const void *b) {
    uint64_t x = ((const struct e5_h5_attr *)a)->order, y = ((const struct e5_h5_attr *)b)->order;
    return (x > y) - (x < y);
}

static void sort(struct e5_h5_object *object) {
    bool in_order = true;
    for (size_t i = 1; i < object->attrs; i++)
        in_order = in_order && object->attr[i - 1].order <= object->attr[i].order;
    if (!in_order) qsort(object->attr, object->attrs, sizeof *object->attr, by_order);
}

static enum e5_status read_attrs(struct e5_h5 *h5, const struct e5_h5_header *header, struct e5_h5_object *out,
                                 struct e5_error *err) {
    struct collection c = {.h5 = h5, .object = out};
    const struct e5_h5_message *info = e5_h5_header_find(header, E5_H5_ATTRIBUTE_INFO);
    enum e5_status status = add_compact(&c, header, err);
    if (status == E5_OK && info != NULL) status = add_dense(&c, info, err);
    sort(out);
    return status;
}

static enum e5_h5_kind kind_of(const struct e5_h5_header *header) {
    if (e5_h5_header_find(header, E5_H5_LAYOUT) != NULL) return E5_H5_DATASET;
    return e5_h5_header_find(header, E5_H5_TYPE) != NULL ? E5_H5_NAMED_TYPE : E5_H5_GROUP;
}

static enum e5_status read_object(struct e5_h5 *h5, uint64_t address, struct e5_h5_object *out,
                                  struct e5_error *err) {
    struct e5_h5_header header;
    enum e5_status status = e5_h5_header_read(h5, address, &header, err);
    out->kind = kind_of(&header);
    if (status == E5_OK && out->kind == E5_H5_DATASET) status = e5_h5_data_read(h5, &header, &out->data, err);
    if (status == E5_OK) status = read_attrs(h5, &header, out, err);
    e5_h5_header_fini(&header);
    return status;
}

enum e5_status e5_h5_object_read(struct e5_h5 *h5, uint64_t address, struct e5_h5_object *out, struct e5_error *err) {
    *out = (struct e5_h5_object){0};
    e5_h5_begin_walk(h5);
    if (h5->left > h5->objects_left) h5->left = h5->objects_left;
    uint64_t before = h5->left;
    enum e5_status status = read_object(h5, address, out, err);
    h5->objects_left -= before - h5->left;
    if (status != E5_OK) e5_h5_object_fini(out);
    return status;
}

void e5_h5_object_fini(struct e5_h5_object *object) {
    while (object->store != NULL) {
        struct e5_h5_store *next = object->store->next;
        free(object->store);
        object->store = next;
    }
    free(object->attr);
    free(object->data.compact);
    *object = (struct e5_h5_object){0};
}
