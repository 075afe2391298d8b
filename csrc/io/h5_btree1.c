#include "io/h5_btree1.h"

#include <string.h>

#include "base/alloc.h"

#define ANY_LEVEL 256u /* levels are one byte */
#define LEVEL_MAX 32u

struct tree {
    struct e5_h5 *h5;
    enum e5_h5_tree_kind kind;
    size_t key_size;
    e5_h5_tree_visit visit;
    void *context;
    struct e5_error *err;
};

static enum e5_status visit_node(struct tree *t, uint64_t address, unsigned level);

static enum e5_status visit_entries(struct tree *t, const uint8_t *bytes, unsigned entries, unsigned level) {
    size_t pointer = t->h5->address_bytes;
    enum e5_status status = E5_OK;
    for (unsigned i = 0; i < entries && status == E5_OK; i++) {
        struct e5_h5_cursor c = {.at = bytes + t->key_size, .end = bytes + t->key_size + pointer};
        uint64_t child = e5_h5_take_address(t->h5, &c);
        status = level > 0 ? visit_node(t, child, level - 1) : t->visit(t->context, bytes, child, t->err);
        bytes = c.end;
    }
    return status;
}

/* `level`: what a child must have, so that recursion ends; the root's is its own. */
static enum e5_status visit_node(struct tree *t, uint64_t address, unsigned level) {
    uint8_t head[8], *bytes;
    enum e5_status status = e5_h5_get(t->h5, address, sizeof head, head, t->err);
    if (status != E5_OK) return status;
    unsigned entries = (unsigned)e5_h5_number(head + 6, 2);
    bool fits = memcmp(head, "TREE", 4) == 0 && head[4] == t->kind && (level == ANY_LEVEL || head[5] == level);
    if (!fits || (entries == 0 && head[5] > 0) || (level == ANY_LEVEL && head[5] > LEVEL_MAX))
        return e5_h5_corrupt(t->h5, t->err, "a B-tree of its structure makes no sense");
    uint64_t skip = sizeof head + 2 * (uint64_t)t->h5->address_bytes; /* the neighbours' addresses */
    size_t size = entries * (t->key_size + t->h5->address_bytes);
    status = e5_h5_load(t->h5, address + skip, size, &bytes, t->err);
    if (status != E5_OK) return status;
    status = visit_entries(t, bytes, entries, head[5]);
    free(bytes);
    return status;
}

enum e5_status e5_h5_btree1_walk(struct e5_h5 *h5, uint64_t address, enum e5_h5_tree_kind kind, size_t key_size,
                                 e5_h5_tree_visit visit, void *context, struct e5_error *err) {
    struct tree t = {.h5 = h5, .kind = kind, .key_size = key_size, .visit = visit, .context = context, .err = err};
    return visit_node(&t, address, ANY_LEVEL);
}
