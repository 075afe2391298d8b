/* select: order statistics of a list that need not be sorted, found by counting.
 *
 * Counting the values up to a pivot is one loop without branches over memory in order, which processors do many
 * values at a time; a few such passes close in on the value, and what is left between the pivots is sorted.  The
 * counting is done on values rounded to float, which keeps their order; only where many are alike to that precision
 * it is done once more in double.  Exact, ties included.  Values are finite and within the range of float. Pure
 * functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_SELECT_H
#define E5_DIAG_SELECT_H

#include <stddef.h>

struct e5_select_list {
    const double *values;
    const float *keys; /* the values, rounded */
    size_t n;
};

/* Values number `rank` (from 0) and `rank` + 1 of n > rank values, in ascending order; the last one twice. */
void e5_select(const struct e5_select_list *list, size_t rank, double out[2]);

#endif
