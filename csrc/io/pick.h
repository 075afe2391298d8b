/* pick: which indices along one dimension are wanted, and where each of them goes.
 *
 * A pick is a list of stretches of consecutive indices, sorted by where they lie in the file; the output order is
 * free, so that a region across the meridian, every fourth row, rows from south to north or a list of stations are
 * all one thing.  An index may be wanted more than once.  Positions of the output that no stretch names stay as they
 * are, so that several files can fill one array.  e5_pick_range() needs no memory; what _list() and _take() make
 * belongs to their caller (_fini).  Read-only afterwards: any thread; nothing blocks. */
#ifndef E5_IO_PICK_H
#define E5_IO_PICK_H

#include <stdint.h>

#include "base/error.h"

struct e5_stretch {
    size_t from, to, count; /* indices from … of the variable go to positions to … of the output; count is not 0 */
};

struct e5_pick {
    size_t count;     /* length of the output along this dimension */
    size_t stretches; /* each begins where the one before ends (at its last index) or later */
    const struct e5_stretch *stretch; /* NULL: the single stretch `only` */
    struct e5_stretch only;
};

struct e5_pick e5_pick_range(size_t start, size_t count);
/* index[i] → position i.  E5_INPUT when an index is not below `length`. */
E5_MUST_USE enum e5_status e5_pick_list(const int64_t *index, size_t n, size_t length, struct e5_pick *out,
                                        struct e5_error *err);
/* n stretches in any order, allocated, which the pick takes over. */
struct e5_pick e5_pick_take(struct e5_stretch *stretch, size_t n, size_t count);
void e5_pick_fini(struct e5_pick *pick);
size_t e5_pick_indices(const struct e5_pick *pick); /* how many are wanted */
const struct e5_stretch *e5_pick_stretches(const struct e5_pick *pick); /* all of them */
/* First and last index that are wanted; `stretches` is not 0. */
void e5_pick_bounds(const struct e5_pick *pick, size_t *first, size_t *last);
/* True when the stretches are in order, lie below `length`, and lead to positions below `count`. */
bool e5_pick_fits(const struct e5_pick *pick, size_t length);
/* The number of the first stretch that reaches `low` or beyond; of those behind it, the ones that begin below `high`
 * are what the pick wants of [low, high): their number. */
size_t e5_pick_within(const struct e5_pick *pick, size_t low, size_t high, size_t *first);

#endif
