/* pile: records of one size that only grow in number, in memory up to a budget and in a scratch file beyond it.
 *
 * Records are appended in order and read in order, layer by layer: a layer is what fits into E5_PILE_LAYER bytes. The
 * first layers stay in memory until the budget is used up, all later ones go to disk as soon as they are full.  The
 * holder owns a pile (_init/_fini) and keeps the text of the directory.  One thread at a time; appending and reading
 * may block on the disk. */
#ifndef E5_BASE_PILE_H
#define E5_BASE_PILE_H

#include "base/scratch.h"

#define E5_PILE_LAYER ((size_t)4 << 20)

struct e5_pile {
    size_t record, per_layer; /* bytes of a record; records of a layer */
    size_t count;
    size_t held, room; /* layers in memory; layers that `layer` has room for */
    size_t most;       /* layers that may stay in memory, at least 1 */
    char **layer;
    char *last; /* the layer that is being filled, once there are more than `most`; also what a layer is read into */
    size_t last_layer; /* the layer that `last` holds */
    bool complete; /* reading has begun */
    struct e5_scratch scratch;
    const char *directory;
};

void e5_pile_init(struct e5_pile *pile, size_t record, size_t budget, const char *directory);
void e5_pile_fini(struct e5_pile *pile);
E5_MUST_USE enum e5_status e5_pile_append(struct e5_pile *pile, const void *records, size_t n, struct e5_error *err);
size_t e5_pile_layers(const struct e5_pile *pile);
/* The records of a layer; those of one that is on disk are good until the next call.  After the first call nothing
 * may be appended. */
E5_MUST_USE enum e5_status e5_pile_read(struct e5_pile *pile, size_t layer, const void **records, size_t *n,
                                        struct e5_error *err);
/* A layer that was read is needed no more: the memory of one that is not on disk is given back. */
void e5_pile_drop(struct e5_pile *pile, size_t layer);

#endif
