/* regional: one number per region and map, from cells that lie in a region wholly or in part.
 *
 * A region is a list of cells with weights, the area of the part of each that lies inside.  Missing values are left
 * out; where less than a given share of the whole region has values, also of what lies beyond the map, the result is
 * NaN.  Sums run in the order of the list, in double.  Pure functions on the caller's memory: any thread; nothing
 * blocks. */
#ifndef E5_DIAG_REGIONAL_H
#define E5_DIAG_REGIONAL_H

#include "model/view.h"

struct e5_regions { /* borrowed: cells first[r] … first[r + 1] − 1 of the lists belong to region r */
    size_t count;
    const int64_t *first; /* count + 1, never decreasing */
    const int64_t *cell;
    const double *weight; /* positive */
    const double *beyond; /* of each region, the area that no cell covers; not negative */
};

enum e5_regional_statistic {
    E5_REGIONAL_MEAN,  /* Σ w x / Σ w */
    E5_REGIONAL_SUM,   /* Σ w x */
    E5_REGIONAL_MAX,
    E5_REGIONAL_MIN,
    E5_REGIONAL_ABOVE, /* share of the weight where x > threshold */
    E5_REGIONAL_BELOW, /* … where x < threshold */
};

struct e5_regional {
    struct e5_regions regions;
    enum e5_regional_statistic statistic;
    double threshold; /* rounded to the precision of the values */
    double min_share; /* 0 … 1 */
};

/* E5_INTERNAL when the lists do not fit each other or a map of `cells` cells. */
E5_MUST_USE enum e5_status e5_regions_check(const struct e5_regions *regions, size_t cells, struct e5_error *err);
/* One map of E5_F32 or E5_F64 → one number per region. */
void e5_regional_map(const struct e5_regional *what, const void *values, enum e5_dtype dtype, double *out);

#endif
