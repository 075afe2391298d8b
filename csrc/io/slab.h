/* slab: a selection of a variable, and how a stored piece lands in it.
 *
 * A piece is what one decode step yields: a whole chunk, part of a contiguous variable, a block read through the
 * library, or one fill value that stands for a chunk that was never written.  Everything is borrowed.  Pieces that do
 * not overlap may be put from several threads at once; nothing blocks. */
#ifndef E5_IO_SLAB_H
#define E5_IO_SLAB_H

#include "io/cut.h"
#include "io/unpack.h"

struct e5_slab {
    int ndim;                   /* at least 1: a scalar is one element of one dimension */
    const struct e5_pick *pick; /* what was asked for, one per dimension; they fit the variable */
    struct e5_unpack how;
    char *out;                  /* its values in C order */
};

struct e5_piece {
    struct e5_box box;    /* where the piece lies in the variable; may reach over the variable's end */
    const uint8_t *bytes; /* its elements in C order */
    size_t step;          /* bytes from one index of the first dimension to the next; 0: no gaps */
    size_t plane;         /* 0: plain; else shuffled, with byte planes this far apart, and no gaps */
    bool constant;        /* bytes hold one element only, and all are equal to it */
};

#define E5_NEIGHBOURS_MAX 16

/* Put one piece; or up to E5_NEIGHBOURS_MAX that are neighbours along the last dimension, the same in all others:
 * their rows are short, and written together they make long ones. */
void e5_slab_put(const struct e5_slab *slab, const struct e5_piece *piece, size_t n);

#endif
