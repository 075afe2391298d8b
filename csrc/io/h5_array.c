#include "io/h5_array.h"

#include <string.h>

#include "base/alloc.h"

/* What fixed and extensible arrays have in common. */
struct array {
    struct e5_h5_collector *collector;
    struct e5_h5 *h5;
    uint64_t address;     /* of the header */
    size_t element;       /* bytes */
    uint64_t page;        /* elements of a page; longer blocks are cut into pages */
    const char *mark;     /* of the blocks with elements */
    size_t prefix;        /* bytes before elements or bitmap */
    struct e5_error *err;
};

struct block { /* of elements */
    uint64_t address, first, count; /* `first`: number of its first element */
    const uint8_t *written;         /* one bit for each page; NULL: the block has its own */
    uint64_t first_page;            /* whose bit is that of the block's first page */
};

static enum e5_status corrupt(const struct array *a) {
    return e5_h5_corrupt(a->h5, a->err, "an index of chunks makes no sense");
}

/* Does a block begin as those of this array do: mark, version, filtered or not, the header's address? */
static bool belongs(const struct array *a, const uint8_t *bytes) {
    struct e5_h5_cursor c = {.at = bytes + 6, .end = bytes + 6 + a->h5->address_bytes};
    return bytes[5] == (a->collector->data->filters > 0) && e5_h5_take_address(a->h5, &c) == a->address;
}

/* Version, kind and element size stand in the same place in both headers. */
static bool header_fits(const struct array *a, const uint8_t *bytes) {
    return bytes[5] == (a->collector->data->filters > 0) && bytes[6] == a->element;
}

static enum e5_status add(const struct array *a, const uint8_t *elements, uint64_t first, uint64_t count) {
    struct e5_h5_cursor c = {.at = elements, .end = elements + count * a->element};
    return e5_h5_add_elements(a->collector, &c, first, count, a->err);
}

static enum e5_status read_page(const struct array *a, uint64_t address, uint64_t first, uint64_t count) {
    uint8_t *bytes;
    uint64_t size = count * a->element + 4;
    enum e5_status status = e5_h5_load(a->h5, address, size, &bytes, a->err);
    if (status != E5_OK) return status;
    status = e5_h5_is_sound(bytes, (size_t)size)
                 ? add(a, bytes, first, count)
                 : e5_h5_corrupt(a->h5, a->err, "the checksum of an index of chunks is wrong");
    free(bytes);
    return status;
}

/* Pages follow the block's head, each with its checksum; those that were never written hold nothing of use. */
static enum e5_status read_pages(const struct array *a, const struct block *b, uint64_t head,
                                 const uint8_t *written) {
    uint64_t pages = b->count / a->page + (b->count % a->page > 0);
    enum e5_status status = E5_OK;
    for (uint64_t i = 0; i < pages && status == E5_OK; i++) {
        uint64_t first = i * a->page, count = b->count - first < a->page ? b->count - first : a->page;
        uint64_t bit = b->first_page + i;
        if (written[bit / 8] & (0x80 >> bit % 8))
            status = read_page(a, b->address + head + i * (a->page * a->element + 4), b->first + first, count);
    }
    return status;
}

/* A block of `count` elements; `written` is NULL when its bitmap of pages is its own. */
static enum e5_status read_block(const struct array *a, const struct block *b) {
    uint8_t *bytes;
    bool paged = b->count > a->page;
    uint64_t pages = b->count / a->page + (b->count % a->page > 0);
    uint64_t bitmap = paged && b->written == NULL ? (pages + 7) / 8 : 0;
    if (b->count > a->h5->size / a->element) return corrupt(a);
    uint64_t head = a->prefix + bitmap + (paged ? 0 : b->count * a->element) + 4;
    enum e5_status status = e5_h5_load_first(a->h5, b->address, head, a->mark, &bytes, a->err);
    if (status != E5_OK) return status;
    if (!belongs(a, bytes))
        status = corrupt(a);
    else if (paged)
        status = read_pages(a, b, head, b->written != NULL ? b->written : bytes + a->prefix);
    else
        status = add(a, bytes + a->prefix, b->first, b->count);
    free(bytes);
    return status;
}

/* --- fixed arrays: a header and one block --- */

enum e5_status e5_h5_walk_fixed_array(struct e5_h5_collector *collector, struct e5_error *err) {
    struct e5_h5 *h5 = collector->h5;
    struct array a = {
        .collector = collector, .h5 = h5, .address = collector->data->address, .mark = "FADB", .err = err};
    uint8_t *bytes;
    size_t size = 8 + (size_t)h5->length_bytes + h5->address_bytes + 4;
    enum e5_status status = e5_h5_load_first(h5, a.address, size, "FAHD", &bytes, err);
    if (status != E5_OK) return status;
    a.element = e5_h5_element_size(collector);
    a.prefix = 6 + (size_t)h5->address_bytes;
    struct e5_h5_cursor c = {.at = bytes + 8, .end = bytes + size};
    struct block block = {.count = e5_h5_take_length(h5, &c)};
    block.address = e5_h5_take_address(h5, &c);
    unsigned bits = bytes[7];
    bool fits = header_fits(&a, bytes);
    free(bytes);
    if (!fits || bits > 63) return corrupt(&a);
    a.page = (uint64_t)1 << bits;
    return block.address == E5_NOWHERE ? E5_OK : read_block(&a, &block);
}

/* --- extensible arrays: the first elements in an index block, then blocks, then blocks of blocks, ever larger --- */

struct extensible {
    struct array a;
    unsigned supers, first_super; /* super blocks; the first whose blocks are not the index block's own */
    uint64_t first_elements;      /* in the index block */
    uint64_t least_elements;      /* of a block */
    uint64_t own_blocks;
    uint64_t index_block;
};

static uint64_t blocks_of(unsigned super) { return (uint64_t)1 << super / 2; }

static uint64_t elements_of(const struct extensible *x, unsigned super) {
    return x->least_elements << (super + 1) / 2;
}

static bool read_extensible(struct extensible *x, const uint8_t *bytes, size_t size) {
    struct e5_h5_cursor c = {.at = bytes + 7, .end = bytes + size};
    unsigned bits = (unsigned)e5_h5_take(&c, 1);
    x->first_elements = e5_h5_take(&c, 1);
    x->least_elements = e5_h5_take(&c, 1);
    unsigned least_blocks = (unsigned)e5_h5_take(&c, 1), page_bits = (unsigned)e5_h5_take(&c, 1);
    e5_h5_skip(&c, 6 * (uint64_t)x->a.h5->length_bytes); /* statistics */
    x->index_block = e5_h5_take_address(x->a.h5, &c);
    bool powers = __builtin_popcountll(x->least_elements) == 1 && __builtin_popcount(least_blocks) == 1;
    if (!header_fits(&x->a, bytes) || !powers || bits > 64 || page_bits > 63 || bits < e5_h5_log2(x->least_elements))
        return false;
    x->a.page = (uint64_t)1 << page_bits;
    x->a.prefix = 6 + (size_t)x->a.h5->address_bytes + (bits + 7) / 8;
    x->supers = 1 + bits - e5_h5_log2(x->least_elements);
    x->first_super = 2 * e5_h5_log2(least_blocks);
    x->own_blocks = 2 * ((uint64_t)least_blocks - 1);
    return x->first_super <= x->supers;
}

/* The blocks that an index block or a super block lists.  *first goes on behind them.  Bits of pages stand one after
 * the other for all blocks, although each block is given whole bytes. */
static enum e5_status read_listed(const struct extensible *x, struct e5_h5_cursor *c, unsigned super,
                                  const uint8_t *written, uint64_t *first) {
    struct block block = {.count = elements_of(x, super), .written = written};
    enum e5_status status = E5_OK;
    if (block.count > x->a.page && written == NULL) return corrupt(&x->a);
    for (uint64_t i = 0; i < blocks_of(super) && status == E5_OK; i++) {
        block.address = e5_h5_take_address(x->a.h5, c);
        block.first = *first;
        block.first_page = i * (block.count / x->a.page);
        if (c->overrun) return corrupt(&x->a);
        if (block.address != E5_NOWHERE) status = read_block(&x->a, &block);
        *first += block.count;
    }
    return status;
}

static enum e5_status read_super(const struct extensible *x, uint64_t address, unsigned super, uint64_t first) {
    uint8_t *bytes;
    uint64_t blocks = blocks_of(super), pages = elements_of(x, super) / x->a.page;
    uint64_t bitmaps = elements_of(x, super) > x->a.page ? blocks * ((pages + 7) / 8) : 0;
    uint64_t size = x->a.prefix + bitmaps + blocks * x->a.h5->address_bytes + 4;
    if (blocks > x->a.h5->size || pages / 8 > x->a.h5->size / blocks)
        return corrupt(&x->a); /* before they overflow */
    enum e5_status status = e5_h5_load_first(x->a.h5, address, size, "EASB", &bytes, x->a.err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor c = {.at = bytes + x->a.prefix + bitmaps, .end = bytes + size - 4};
    status = belongs(&x->a, bytes) ? read_listed(x, &c, super, bytes + x->a.prefix, &first) : corrupt(&x->a);
    free(bytes);
    return status;
}

static enum e5_status read_rest(const struct extensible *x, struct e5_h5_cursor *c) {
    uint64_t first = x->first_elements;
    enum e5_status status = E5_OK;
    for (unsigned super = 0; super < x->first_super && status == E5_OK; super++)
        status = read_listed(x, c, super, NULL, &first);
    for (unsigned super = x->first_super; super < x->supers && status == E5_OK; super++) {
        uint64_t address = e5_h5_take_address(x->a.h5, c);
        if (c->overrun) return corrupt(&x->a);
        if (address != E5_NOWHERE) status = read_super(x, address, super, first);
        first += blocks_of(super) * elements_of(x, super);
    }
    return status;
}

static enum e5_status read_index_block(const struct extensible *x) {
    uint8_t *bytes;
    size_t head = 6 + (size_t)x->a.h5->address_bytes;
    uint64_t pointers = x->own_blocks + (x->supers - x->first_super);
    uint64_t size = head + x->first_elements * x->a.element + pointers * x->a.h5->address_bytes + 4;
    enum e5_status status = e5_h5_load_first(x->a.h5, x->index_block, size, "EAIB", &bytes, x->a.err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor c = {.at = bytes + head + x->first_elements * x->a.element, .end = bytes + size - 4};
    status = belongs(&x->a, bytes) ? add(&x->a, bytes + head, 0, x->first_elements) : corrupt(&x->a);
    if (status == E5_OK) status = read_rest(x, &c);
    free(bytes);
    return status;
}

enum e5_status e5_h5_walk_extensible_array(struct e5_h5_collector *collector, struct e5_error *err) {
    struct e5_h5 *h5 = collector->h5;
    struct extensible x = {
        .a = {.collector = collector, .h5 = h5, .address = collector->data->address, .mark = "EADB", .err = err}};
    uint8_t *bytes;
    size_t size = 12 + 6 * (size_t)h5->length_bytes + h5->address_bytes + 4;
    enum e5_status status = e5_h5_load_first(h5, x.a.address, size, "EAHD", &bytes, err);
    if (status != E5_OK) return status;
    x.a.element = e5_h5_element_size(collector);
    bool fits = read_extensible(&x, bytes, size);
    free(bytes);
    if (!fits) return corrupt(&x.a);
    return x.index_block == E5_NOWHERE ? E5_OK : read_index_block(&x);
}
