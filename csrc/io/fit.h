/* fit: whether the files of a dataset belong together, and how their rows and columns lie.
 *
 * The first file sets the grid; another one may hold the same places in another order: rows from south to north,
 * longitudes from −180 to 180 instead of 0 to 360.  Maps belong to the caller (free).  Any thread; nothing blocks. */
#ifndef E5_IO_FIT_H
#define E5_IO_FIT_H

#include "io/member.h"

/* E5_INPUT unless the two agree in grid, unit, calendar and kind of level.  map[E5_AXIS_LATITUDE] and
 * map[E5_AXIS_LONGITUDE]: for each index of `first` the one of `other`; NULL when they are the same. */
E5_MUST_USE enum e5_status e5_fit(const struct e5_member *first, const struct e5_member *other, size_t **map,
                                  struct e5_error *err);
bool e5_fit_equal(double a, double b); /* to 1e-4: decimal steps such as 0.1 are not exact in binary */
/* For each of n values the index of an equal one among `other`, each used once; *found is false when there is none.
 */
E5_MUST_USE enum e5_status e5_fit_values(const double *values, const double *other, size_t n, double period,
                                         bool *found, size_t **map, struct e5_error *err);
/* E5_INPUT: "`what` differs from that of …". */
E5_MUST_USE enum e5_status e5_fit_mismatch(const struct e5_member *a, const struct e5_member *b, const char *what,
                                           struct e5_error *err);

#endif
