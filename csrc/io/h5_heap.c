#include "io/h5_heap.h"

#include <string.h>

#include "base/alloc.h"
#include "io/h5_btree2.h"

#define DEPTH_MAX 32
#define OBJECT_MAX ((uint64_t)64 << 20)
#define TINY_SHORT 16 /* bytes of an object in an id whose length fits into four bits */

enum { MANAGED, HUGE_OBJECT, TINY }; /* kinds of ids */

static enum e5_status corrupt(const struct e5_h5_heap *heap, struct e5_error *err) {
    return e5_h5_corrupt(heap->h5, err, "a heap of its structure makes no sense");
}

/* --- the header --- */

static bool power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

static enum e5_status read_header(struct e5_h5_heap *heap, struct e5_h5_cursor *c, struct e5_error *err) {
    struct e5_h5 *h5 = heap->h5;
    heap->id_size = (size_t)e5_h5_take(c, 2);
    bool filtered = e5_h5_take(c, 2) > 0;
    heap->has_checksums = (e5_h5_take(c, 1) & 2) != 0;
    heap->most_managed = e5_h5_take(c, 4);
    e5_h5_take_length(h5, c); /* next large object */
    heap->huge_tree = e5_h5_take_address(h5, c);
    e5_h5_take_length(h5, c); /* free space */
    e5_h5_take_address(h5, c);
    e5_h5_skip(c, 8 * (uint64_t)h5->length_bytes); /* statistics */
    heap->width = (unsigned)e5_h5_take(c, 2);
    heap->first_size = e5_h5_take_length(h5, c);
    heap->most_direct = e5_h5_take_length(h5, c);
    unsigned bits = (unsigned)e5_h5_take(c, 2);
    e5_h5_skip(c, 2); /* rows that a root begins with */
    heap->root = e5_h5_take_address(h5, c);
    heap->rows = (unsigned)e5_h5_take(c, 2);
    if (filtered) return e5_h5_not_known(h5, err, "it keeps its structure in compressed heaps");
    bool sound = power_of_two(heap->width) && power_of_two(heap->first_size) && power_of_two(heap->most_direct) &&
                 heap->first_size <= heap->most_direct && heap->most_direct <= (uint64_t)1 << 31 && bits > 0 &&
                 bits <= 64 && heap->most_managed > 0 && heap->id_size >= 2;
    if (c->overrun || !sound) return corrupt(heap, err);
    unsigned direct_bytes = (e5_h5_log2(heap->most_direct) + 7) / 8,
             object_bytes = e5_h5_bytes_for(heap->most_managed);
    heap->offset_bytes = (bits + 7) / 8;
    heap->size_bytes = direct_bytes < object_bytes ? direct_bytes : object_bytes;
    return E5_OK;
}

enum e5_status e5_h5_heap_open(struct e5_h5 *h5, uint64_t address, struct e5_h5_heap *out, struct e5_error *err) {
    uint8_t *bytes;
    *out = (struct e5_h5_heap){.h5 = h5, .address = address};
    size_t size = 26 + 12 * (size_t)h5->length_bytes + 3 * (size_t)h5->address_bytes;
    enum e5_status status = e5_h5_load_first(h5, address, size, "FRHP", &bytes, err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor c = {.at = bytes + 5, .end = bytes + size - 4};
    status = read_header(out, &c, err);
    free(bytes);
    return status;
}

void e5_h5_heap_close(struct e5_h5_heap *heap) {
    for (size_t i = 0; i < heap->blocks; i++) free(heap->block[i].bytes);
    free(heap->block);
    free(heap->huge.bytes);
    heap->block = NULL;
    heap->blocks = 0;
}

/* --- blocks --- */

static const struct e5_h5_block *find_block(const struct e5_h5_heap *heap, uint64_t address) {
    for (size_t i = heap->blocks; i-- > 0;)
        if (heap->block[i].address == address) return &heap->block[i];
    return NULL;
}

static size_t head_size(const struct e5_h5_heap *heap) { return 5 + heap->h5->address_bytes + heap->offset_bytes; }

/* Direct blocks have their checksum, if any, behind the head; it counts as zero in itself. */
static bool direct_is_sound(const struct e5_h5_heap *heap, const struct e5_h5_block *block) {
    size_t at = head_size(heap);
    if (!heap->has_checksums) return true;
    uint32_t noted = (uint32_t)e5_h5_number(block->bytes + at, 4);
    memset(block->bytes + at, 0, 4);
    return e5_h5_same_checksum(block->bytes, (size_t)block->size, noted);
}

/* Is it a block of this heap, and does it know itself where it stands? */
static enum e5_status check_block(const struct e5_h5_heap *heap, const struct e5_h5_block *block, const char *mark,
                                  uint64_t start, struct e5_error *err) {
    struct e5_h5_cursor c = {.at = block->bytes + 5, .end = block->bytes + block->size};
    bool direct = mark[3] == 'B' && mark[2] == 'D';
    bool own = memcmp(block->bytes, mark, 4) == 0 && e5_h5_take_address(heap->h5, &c) == heap->address &&
               e5_h5_take(&c, heap->offset_bytes) == start;
    if (!own || c.overrun) return corrupt(heap, err);
    if (block->bytes[4] != 0) return e5_h5_not_known(heap->h5, err, "it uses structures of a newer version of HDF5");
    if (direct ? direct_is_sound(heap, block) : e5_h5_is_sound(block->bytes, (size_t)block->size)) return E5_OK;
    return e5_h5_corrupt(heap->h5, err, "the checksum of a heap block is wrong");
}

static enum e5_status get_block(struct e5_h5_heap *heap, uint64_t address, uint64_t size, const char *mark,
                                uint64_t start, const struct e5_h5_block **out, struct e5_error *err) {
    *out = find_block(heap, address);
    if (*out != NULL) return (*out)->size == size ? E5_OK : corrupt(heap, err);
    if (size < head_size(heap) + 4) return corrupt(heap, err);
    struct e5_h5_block block = {.address = address, .size = size};
    enum e5_status status = e5_h5_load(heap->h5, address, size, &block.bytes, err);
    if (status == E5_OK) status = check_block(heap, &block, mark, start, err);
    if (status == E5_OK && heap->blocks % 16 == 0)
        status = e5_grow(heap->blocks, heap->blocks + 16, sizeof block, &heap->block, err);
    if (status != E5_OK) {
        free(block.bytes);
        return status;
    }
    heap->block[heap->blocks] = block;
    *out = &heap->block[heap->blocks++];
    return E5_OK;
}

/* --- the way down to an offset --- */

/* Rows of blocks: the first two of the first size, each further one of twice the size of that before. */
static uint64_t row_size(const struct e5_h5_heap *heap, unsigned row) {
    return row < 2 ? heap->first_size : heap->first_size << (row - 1);
}

/* Row, and offset relative to its beginning, of what lies `offset` behind the beginning of a block of blocks. */
static unsigned find_row(const struct e5_h5_heap *heap, uint64_t *offset) {
    uint64_t first_row = heap->first_size * heap->width;
    if (*offset < first_row) return 0;
    unsigned row = e5_h5_log2(*offset) - e5_h5_log2(first_row) + 1;
    *offset -= first_row << (row - 1);
    return row;
}

/* Where a block of objects lies: its offset in the heap, address and size. */
struct place {
    uint64_t start, address, size;
    unsigned rows; /* of a block of blocks; 0: it holds objects */
};

static enum e5_status step_down(struct e5_h5_heap *heap, uint64_t offset, struct place *place, struct e5_error *err) {
    const struct e5_h5_block *block;
    unsigned direct_rows = e5_h5_log2(heap->most_direct) - e5_h5_log2(heap->first_size) + 2;
    uint64_t inside = offset - place->start, children = (uint64_t)place->rows * heap->width;
    size_t head = head_size(heap), pointer = heap->h5->address_bytes;
    unsigned row = find_row(heap, &inside);
    if (row >= place->rows || e5_h5_log2(heap->first_size) + row >= 64) return corrupt(heap, err);
    enum e5_status status =
        get_block(heap, place->address, head + children * pointer + 4, "FHIB", place->start, &block, err);
    if (status != E5_OK) return status;
    uint64_t size = row_size(heap, row), column = inside / size;
    struct e5_h5_cursor c = {.at = block->bytes + head + (row * (uint64_t)heap->width + column) * pointer,
                             .end = block->bytes + block->size};
    place->start = offset - inside % size;
    place->address = e5_h5_take_address(heap->h5, &c);
    place->size = size;
    place->rows =
        row < direct_rows ? 0 : e5_h5_log2(size) - e5_h5_log2(heap->first_size) - e5_h5_log2(heap->width) + 1;
    return E5_OK;
}

static enum e5_status get_managed(struct e5_h5_heap *heap, const uint8_t *id, const uint8_t **bytes, size_t *size,
                                  struct e5_error *err) {
    const struct e5_h5_block *block;
    if (heap->id_size < 1 + (size_t)heap->offset_bytes + heap->size_bytes) return corrupt(heap, err);
    uint64_t offset = e5_h5_number(id + 1, heap->offset_bytes);
    uint64_t length = e5_h5_number(id + 1 + heap->offset_bytes, heap->size_bytes);
    struct place place = {.address = heap->root, .size = heap->first_size, .rows = heap->rows};
    enum e5_status status = E5_OK;
    for (int depth = 0; place.rows > 0 && status == E5_OK; depth++)
        status = depth < DEPTH_MAX && place.rows < 64 ? step_down(heap, offset, &place, err) : corrupt(heap, err);
    if (status == E5_OK) status = get_block(heap, place.address, place.size, "FHDB", place.start, &block, err);
    if (status != E5_OK) return status;
    uint64_t at = offset - place.start;
    if (at > block->size || length > block->size - at || at < head_size(heap)) return corrupt(heap, err);
    *bytes = block->bytes + at;
    *size = (size_t)length;
    return E5_OK;
}

/* --- objects that lie elsewhere --- */

struct wanted {
    const struct e5_h5 *h5;
    uint64_t number, address, length;
};

/* Records: address, length, number. */
static enum e5_status compare_huge(void *context, const uint8_t *record, size_t size, struct e5_error *err) {
    struct wanted *wanted = context;
    struct e5_h5_cursor c = {.at = record, .end = record + size};
    (void)err;
    uint64_t address = e5_h5_take_address(wanted->h5, &c), length = e5_h5_take_length(wanted->h5, &c);
    if (e5_h5_take_length(wanted->h5, &c) != wanted->number) return E5_OK;
    wanted->address = address;
    wanted->length = length;
    return E5_OK;
}

static enum e5_status find_huge(struct e5_h5_heap *heap, const uint8_t *id, struct wanted *wanted,
                                struct e5_error *err) {
    size_t room = heap->id_size - 1, width = heap->h5->length_bytes;
    size_t record = heap->h5->address_bytes + 2 * width;
    struct e5_h5_cursor c = {.at = id + 1, .end = id + heap->id_size};
    if (heap->h5->address_bytes + width <= room) { /* the id itself says it */
        wanted->address = e5_h5_take_address(heap->h5, &c);
        wanted->length = e5_h5_take_length(heap->h5, &c);
        return E5_OK;
    }
    wanted->number = e5_h5_take(&c, (unsigned)(room < width ? room : width));
    return e5_h5_btree2_walk(heap->h5, heap->huge_tree, E5_H5_HUGE_RECORDS, record, compare_huge, wanted, err);
}

static enum e5_status get_huge(struct e5_h5_heap *heap, const uint8_t *id, const uint8_t **bytes, size_t *size,
                               struct e5_error *err) {
    struct wanted wanted = {.h5 = heap->h5, .address = E5_NOWHERE};
    enum e5_status status = find_huge(heap, id, &wanted, err);
    if (status != E5_OK) return status;
    if (wanted.length > OBJECT_MAX) return e5_h5_unsafe(heap->h5, err, "an attribute of more than 64 MiB");
    free(heap->huge.bytes);
    status = e5_h5_load(heap->h5, wanted.address, wanted.length, &heap->huge.bytes, err);
    *bytes = heap->huge.bytes;
    *size = (size_t)wanted.length;
    return status;
}

static enum e5_status get_tiny(const struct e5_h5_heap *heap, const uint8_t *id, const uint8_t **bytes, size_t *size,
                               struct e5_error *err) {
    bool is_long = heap->id_size - 1 > TINY_SHORT + 1;
    *size = is_long ? ((size_t)(id[0] & 15) << 8 | id[1]) + 1 : (size_t)(id[0] & 15) + 1;
    *bytes = id + (is_long ? 2 : 1);
    return *size <= heap->id_size - (is_long ? 2 : 1) ? E5_OK : corrupt(heap, err);
}

enum e5_status e5_h5_heap_object(struct e5_h5_heap *heap, const uint8_t *id, const uint8_t **bytes, size_t *size,
                                 struct e5_error *err) {
    *bytes = NULL;
    *size = 0;
    if (id[0] >> 6 != 0) return e5_h5_not_known(heap->h5, err, "it uses structures of a newer version of HDF5");
    switch (id[0] >> 4 & 3) {
    case MANAGED: return get_managed(heap, id, bytes, size, err);
    case HUGE_OBJECT: return get_huge(heap, id, bytes, size, err);
    case TINY: return get_tiny(heap, id, bytes, size, err);
    default: return corrupt(heap, err);
    }
}
