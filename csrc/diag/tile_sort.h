/* tile_sort: the values of E5_LANES cells side by side, each put in order, the largest first.
 *
 * Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_TILE_SORT_H
#define E5_DIAG_TILE_SORT_H

#include "diag/tile_lists.h"

/* `list`: e5_list_rows(n) rows of doubles; the first n are put in order with what does not count, which is −∞ and
 * comes last, as do the rows behind them. */
void e5_tile_sort(double *list, size_t n);
/* First L-moments λ1, λ2 and the ratio τ3 of each lane, unbiased, of the values above −∞ in a sorted list, and how
 * many there are. */
void e5_tile_l_moments(const double *list, size_t n, double out[3][E5_LANES], double count[E5_LANES]);

#endif
