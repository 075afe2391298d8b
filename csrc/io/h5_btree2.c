#include "io/h5_btree2.h"

#include "base/alloc.h"

#define DEPTH_MAX 16
#define OVERHEAD 10 /* bytes of a node beside records and pointers: mark, version, type, checksum */

struct tree {
    struct e5_h5 *h5;
    enum e5_h5_records kind;
    size_t node_size, record_size;
    unsigned depth;
    uint64_t most[DEPTH_MAX + 1];         /* records of a node, by height above the leaves … */
    unsigned total_bytes[DEPTH_MAX + 1];  /* … bytes of the number of records below it */
    unsigned count_bytes;                 /* … and of those in it */
    e5_h5_visit visit;
    void *context;
    struct e5_error *err;
};

struct node {
    uint64_t address, records;
    unsigned height;
};

/* Nodes have a fixed size; how many records fit follows from the widths of the numbers, which follow from how many
 * records fit below. */
static bool measure(struct tree *t) {
    if (t->node_size < OVERHEAD + t->record_size) return false;
    t->most[0] = (t->node_size - OVERHEAD) / t->record_size;
    t->count_bytes = e5_h5_bytes_for(t->most[0]);
    t->total_bytes[0] = 0;
    uint64_t below = t->most[0];
    for (unsigned u = 1; u <= t->depth; u++) {
        size_t pointer = t->h5->address_bytes + t->count_bytes + t->total_bytes[u - 1];
        if (t->node_size < OVERHEAD + pointer + pointer + t->record_size) return false;
        t->most[u] = (t->node_size - OVERHEAD - pointer) / (t->record_size + pointer);
        if (__builtin_mul_overflow(below, t->most[u] + 1, &below) ||
            __builtin_add_overflow(below, t->most[u], &below))
            return false;
        t->total_bytes[u] = e5_h5_bytes_for(below);
    }
    return true;
}

static enum e5_status corrupt(const struct tree *t) {
    return e5_h5_corrupt(t->h5, t->err, "a B-tree of its structure makes no sense");
}

static enum e5_status visit_leaf(struct tree *t, const struct node *node) {
    uint8_t *bytes;
    size_t size = 6 + (size_t)node->records * t->record_size + 4;
    enum e5_status status = e5_h5_load_first(t->h5, node->address, size, "BTLF", &bytes, t->err);
    if (status != E5_OK) return status;
    if (bytes[5] != t->kind) status = corrupt(t);
    for (uint64_t i = 0; i < node->records && status == E5_OK; i++)
        status = t->visit(t->context, bytes + 6 + i * t->record_size, t->record_size, t->err);
    free(bytes);
    return status;
}

static enum e5_status visit_node(struct tree *t, const struct node *node);

static enum e5_status visit_children(struct tree *t, const struct node *node, const uint8_t *bytes, size_t size) {
    const uint8_t *record = bytes + 6;
    size_t records = (size_t)node->records * t->record_size;
    struct e5_h5_cursor c = {.at = record + records, .end = bytes + size - 4};
    enum e5_status status = E5_OK;
    for (uint64_t i = 0; i <= node->records && status == E5_OK; i++, record += t->record_size) {
        struct node child = {.height = node->height - 1};
        child.address = e5_h5_take_address(t->h5, &c);
        child.records = e5_h5_take(&c, t->count_bytes);
        e5_h5_skip(&c, t->total_bytes[child.height]);
        status = visit_node(t, &child);
        if (status == E5_OK && i < node->records) status = t->visit(t->context, record, t->record_size, t->err);
    }
    return status;
}

/* Recursion goes down one level each time, DEPTH_MAX at most. */
static enum e5_status visit_node(struct tree *t, const struct node *node) {
    if (node->records > t->most[node->height] || (node->records == 0 && node->height > 0)) return corrupt(t);
    if (node->height == 0) return visit_leaf(t, node);
    uint8_t *bytes;
    size_t pointer = t->h5->address_bytes + t->count_bytes + t->total_bytes[node->height - 1];
    size_t size = 6 + (size_t)node->records * t->record_size + ((size_t)node->records + 1) * pointer + 4;
    enum e5_status status = e5_h5_load_first(t->h5, node->address, size, "BTIN", &bytes, t->err);
    if (status != E5_OK) return status;
    status = bytes[5] == t->kind ? visit_children(t, node, bytes, size) : corrupt(t);
    free(bytes);
    return status;
}

enum e5_status e5_h5_btree2_walk(struct e5_h5 *h5, uint64_t address, enum e5_h5_records kind, size_t size,
                                 e5_h5_visit visit, void *context, struct e5_error *err) {
    uint8_t *bytes;
    struct tree t = {.h5 = h5, .kind = kind, .visit = visit, .context = context, .err = err};
    size_t header = 16 + h5->address_bytes + 2 + h5->length_bytes + 4;
    enum e5_status status = e5_h5_load_first(h5, address, header, "BTHD", &bytes, err);
    if (status != E5_OK) return status;
    struct e5_h5_cursor c = {.at = bytes + 5, .end = bytes + header};
    bool same_kind = e5_h5_take(&c, 1) == kind;
    t.node_size = (size_t)e5_h5_take(&c, 4);
    t.record_size = (size_t)e5_h5_take(&c, 2);
    t.depth = (unsigned)e5_h5_take(&c, 2);
    e5_h5_skip(&c, 2); /* when nodes are split and merged */
    struct node root = {.address = e5_h5_take_address(h5, &c), .height = t.depth};
    root.records = e5_h5_take(&c, 2);
    free(bytes);
    if (!same_kind || t.record_size != size || t.depth > DEPTH_MAX || !measure(&t)) return corrupt(&t);
    if (root.address == E5_NOWHERE || root.records == 0) return E5_OK; /* empty */
    return visit_node(&t, &root);
}
