/* slab: boxes of an array, and how a stored piece lands in the box that was asked for.
 *
 * A piece is what one decode step yields: a whole chunk, part of a contiguous variable, a block read through the
 * library, or one fill value that stands for a chunk that was never written.  Everything is borrowed.  Pieces that do
 * not overlap may be put from several threads at once; nothing blocks. */
#ifndef E5_IO_SLAB_H
#define E5_IO_SLAB_H

#include "io/unpack.h"

struct e5_box {
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS];
};

struct e5_slab {
    int ndim;            /* at least 1: a scalar is one element of one dimension */
    struct e5_box box;   /* what was asked for, in indices of the variable */
    struct e5_unpack how;
    char *out;           /* its values in C order */
};

struct e5_piece {
    struct e5_box box;    /* where the piece lies in the variable; may reach over the variable's end */
    const uint8_t *bytes; /* its elements in C order, from element `first` on */
    size_t first;
    size_t plane;         /* 0: plain; else shuffled, with byte planes this far apart */
    bool constant;        /* bytes hold one element only, and all are equal to it */
};

/* The common part of two boxes; false when there is none. */
bool e5_box_intersect(int ndim, const struct e5_box *a, const struct e5_box *b, struct e5_box *out);
void e5_slab_put(const struct e5_slab *slab, const struct e5_piece *piece);

#endif
