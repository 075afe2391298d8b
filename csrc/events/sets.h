/* sets: members that belong together, found pair by pair (disjoint sets).
 *
 * parent[i] leads from member i to the root of its set, which is always its smallest member: so roots, and numbers
 * given to sets in the order of their roots, do not depend on the order of the pairs.  Belongs to one thread at a
 * time; nothing blocks. */
#ifndef E5_EVENTS_SETS_H
#define E5_EVENTS_SETS_H

#include <stddef.h>
#include <stdint.h>

/* Every member is a set of its own. */
static inline void e5_sets_begin(int32_t *parent, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) parent[i] = (int32_t)i;
}

static inline int32_t e5_sets_root(int32_t *parent, int32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

static inline void e5_sets_unite(int32_t *parent, int32_t one, int32_t other) {
    if (parent[one] == parent[other]) return;
    int32_t a = e5_sets_root(parent, one), b = e5_sets_root(parent, other);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* In place of the parents the numbers of the sets, from 0; returns how many there are.  In order, every parent has
 * its number before its children need it. */
static inline size_t e5_sets_number(int32_t *parent, size_t members) {
    int32_t sets = 0;
    for (size_t i = 0; i < members; i++) parent[i] = parent[i] == (int32_t)i ? sets++ : parent[parent[i]];
    return (size_t)sets;
}

#endif
