/* cut: the part of a selection that lies in a box of the variable, row by row.
 *
 * A row runs along one dimension; those behind it are wanted whole, so that an index of the row stands for `unit`
 * elements that lie side by side in the box and in the output.  Everything is borrowed, plain values.  Any thread;
 * nothing blocks. */
#ifndef E5_IO_CUT_H
#define E5_IO_CUT_H

#include "io/pick.h"
#include "model/view.h"

struct e5_box {
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS];
};

struct e5_cut_part { /* one dimension */
    const struct e5_stretch *stretch; /* those that reach into the box … */
    size_t stretches;
    size_t low, high; /* … which lies at indices [low, high) of the variable */
    size_t from, to;  /* from one index to the next: bytes in the box, elements in the output */
};

struct e5_cut {
    int row;     /* the dimension along which rows run */
    size_t unit; /* elements */
    struct e5_cut_part part[E5_MAX_DIMS];
};

/* Elements of the box are `width` bytes wide and in C order, except that indices of the first dimension are `step`
 * bytes apart when that is not 0.  False: nothing of the box is wanted. */
bool e5_cut_make(int ndim, const struct e5_pick *pick, const struct e5_box *box, size_t width, size_t step,
                 struct e5_cut *out);
/* The part of a stretch that lies in the box, still in indices of the variable. */
struct e5_stretch e5_cut_stretch(const struct e5_cut_part *part, size_t i);
/* True when an index of a row follows the one before without a gap, in a box with elements of this width. */
bool e5_cut_is_dense(const struct e5_cut *cut, size_t width);
/* True when every element of the box that lies below `length` is wanted: the variable's shape. */
bool e5_cut_is_everything(int ndim, const struct e5_cut *cut, const size_t *length);
/* How many indices of the box are wanted along a dimension, repeats counted. */
size_t e5_cut_count(const struct e5_cut_part *part);

/* Calls back for each row in order of the box: bytes from the beginning of the box to the row's, and elements from
 * the beginning of the output to the row's. */
typedef void (*e5_cut_fn)(void *context, size_t from, size_t to);
void e5_cut_rows(const struct e5_cut *cut, e5_cut_fn row, void *context);

#endif
