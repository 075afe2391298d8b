/* wet_quantile: a quantile of the values that are large enough, of a tile of E5_LANES cells side by side.
 *
 * The percentile of wet days: one per cell, of all steps, whatever the day of the year.  Nothing is sorted: the value
 * at a rank is found by halving the numbers that it may be, for all cells at once; so it is exact, bit for bit the
 * quantile of the sorted values (diag/quantile.h).  Pure: any thread; nothing blocks. */
#ifndef E5_DIAG_WET_QUANTILE_H
#define E5_DIAG_WET_QUANTILE_H

#include "diag/quantile.h"
#include "diag/tally.h"

struct e5_wet_quantile {
    size_t first, end; /* steps of the base */
    double at_least;   /* smaller values do not count, nor does NaN; greater than 0 */
    double probability;
    int type;
};
/* out: E5_LANES; NaN where no value counts. */
void e5_wet_quantile(const struct e5_wet_quantile *rule, struct e5_tally_series x, double *out);

#endif
