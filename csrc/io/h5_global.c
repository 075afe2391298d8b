#include <string.h>

#include "base/alloc.h"
#include "io/h5_bytes.h"

static void drop_heap(struct e5_h5 *h5) {
    free(h5->heap);
    free(h5->heap_object);
    h5->heap = NULL;
    h5->heap_object = NULL;
    h5->heap_objects = 0;
}

/* Objects fill the heap one after the other, each a multiple of 8 bytes; number 0 is the free space at the end.  A
 * table of where each lies is made once, so that many texts of one heap take no longer than the heap is long. */
static enum e5_status list_objects(struct e5_h5 *h5, struct e5_error *err) {
    size_t head = (8 + (size_t)h5->length_bytes + 7) / 8 * 8, most = 0;
    struct e5_h5_cursor c = {.at = h5->heap + head, .end = h5->heap + h5->heap_size};
    if (h5->heap_size < head) return e5_h5_corrupt(h5, err, "a heap of texts is cut short");
    while ((size_t)(c.end - c.at) >= head) {
        size_t at = (size_t)(c.at - h5->heap), number = (size_t)e5_h5_take(&c, 2);
        e5_h5_skip(&c, 6);
        uint64_t size = e5_h5_take_length(h5, &c);
        if (number == 0) break;
        e5_h5_skip(&c, head - 8 - h5->length_bytes);
        if (size > h5->heap_size || e5_h5_skip(&c, (size + 7) / 8 * 8) == NULL)
            return e5_h5_corrupt(h5, err, "a heap of texts is cut short");
        if (number >= most) {
            size_t more = number + 64;
            enum e5_status status = e5_grow(most, more, sizeof *h5->heap_object, &h5->heap_object, err);
            if (status != E5_OK) return status;
            most = more;
        }
        h5->heap_object[number] = (uint32_t)at;
        if (number >= h5->heap_objects) h5->heap_objects = number + 1;
    }
    return E5_OK;
}

static enum e5_status find_object(const struct e5_h5 *h5, uint64_t number, const uint8_t **bytes, size_t *length,
                                  struct e5_error *err) {
    size_t head = (8 + (size_t)h5->length_bytes + 7) / 8 * 8;
    uint32_t at = number < h5->heap_objects ? h5->heap_object[number] : 0;
    if (at == 0) return e5_h5_corrupt(h5, err, "a text is missing from its heap");
    *length = (size_t)e5_h5_number(h5->heap + at + 8, h5->length_bytes);
    *bytes = h5->heap + at + head;
    return E5_OK;
}

/* The heap asked for last stays: the texts of an attribute lie together. */
static enum e5_status load_heap(struct e5_h5 *h5, uint64_t address, struct e5_error *err) {
    uint8_t head[16];
    size_t size = 8 + (size_t)h5->length_bytes;
    if (h5->heap != NULL && h5->heap_address == address) return E5_OK;
    drop_heap(h5);
    enum e5_status status = e5_h5_get(h5, address, size, head, err);
    if (status != E5_OK) return status;
    h5->heap_size = e5_h5_number(head + 8, h5->length_bytes);
    if (memcmp(head, "GCOL", 4) != 0 || h5->heap_size < size)
        return e5_h5_corrupt(h5, err, "no heap of texts where one should be");
    if (head[4] != 1) return e5_h5_not_known(h5, err, "it uses a newer version of HDF5's heaps");
    status = e5_h5_load(h5, address, h5->heap_size, &h5->heap, err);
    if (status == E5_OK) status = list_objects(h5, err);
    if (status == E5_OK)
        h5->heap_address = address;
    else
        drop_heap(h5);
    return status;
}

enum e5_status e5_h5_heap_get(struct e5_h5 *h5, const uint8_t *element, size_t width, const uint8_t **bytes,
                              size_t *length, struct e5_error *err) {
    struct e5_h5_cursor c = {.at = element, .end = element + 8 + h5->address_bytes};
    uint64_t count = e5_h5_take(&c, 4), address = e5_h5_take_address(h5, &c), number = e5_h5_take(&c, 4);
    *bytes = (const uint8_t *)"";
    *length = 0;
    if (count == 0 || address == 0 || address == E5_NOWHERE) return E5_OK;
    h5->left = h5->heaps_left;
    enum e5_status status = load_heap(h5, address, err);
    h5->heaps_left = h5->left;
    if (status == E5_OK) status = find_object(h5, number, bytes, length, err);
    if (status != E5_OK) return status;
    if (*length < count * width) return e5_h5_corrupt(h5, err, "a text is cut short in its heap");
    *length = (size_t)count * width; /* there may be more in the heap, which is not meant */
    return E5_OK;
}
