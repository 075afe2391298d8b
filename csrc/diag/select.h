/* select: order statistics of a list that need not be sorted, several of them at once, found by counting.
 *
 * Counting the values up to a pivot is one loop without branches over memory in order, which processors do many
 * values at a time, and for several pivots while a value is at hand; a few such passes close in on each rank.  They
 * run on keys: floats that need not be the values, only lie next to them.  What is left between the pivots, and a
 * little more than that, is asked for by its exact value and put in order.  Exact, ties included.  Functions on the
 * caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_SELECT_H
#define E5_DIAG_SELECT_H

#include <float.h>
#include <stddef.h>

/* Keys are read in groups: a list has room for whole ones, filled up with NaN. */
#define E5_SELECT_GROUP ((size_t)16)
#define E5_SELECT_RANKS 3

struct e5_select_list {
    /* Of each value, rounded to float, or the float beside that; finite, or NaN where there is no value. */
    const float *keys;
    size_t n;     /* keys */
    size_t valid; /* keys that are not NaN; one at least */
    double (*value)(const void *of, size_t index);
    const void *of;
    double *room; /* for n values for each rank; hardly any is touched where few are equal */
};

/* The key of a value of any size. */
static inline float e5_select_key(double value) {
    double within = value > FLT_MAX ? FLT_MAX : value;
    return (float)(within < -FLT_MAX ? -FLT_MAX : within);
}

/* `value` of a list whose values lie in an array of doubles, which `of` is. */
double e5_select_number(const void *of, size_t index);

/* For each of `ranks` ranks (1 to E5_SELECT_RANKS; from 0, below `valid`) the values of that number and of the next
 * one, in ascending order; the last one is its own next. */
void e5_select(const struct e5_select_list *list, const size_t *rank, size_t ranks, double (*out)[2]);

#endif
