/* tally: what the days of each period add up to, for a tile of E5_LANES cells side by side.
 *
 * The value of lane c at step t of a tile is [t × E5_LANES + c], a result of period p is [p × E5_LANES + c].  All is
 * computed in double, sums in order of time.  A NaN passes no test and adds nothing; a period without values has an
 * extreme or a mean of NaN, and counts and sums of 0.
 * The holder of an axis owns its array (_fini); all else works on the caller's memory.  Any thread; nothing blocks.
 */
#ifndef E5_DIAG_TALLY_H
#define E5_DIAG_TALLY_H

#include "base/simd.h"
#include "model/time_axis.h"

struct e5_tally_series {
    const void *values;
    bool wide; /* double, else float */
};

struct e5_tally_span { /* steps of one period that stand side by side */
    size_t first, end, period;
};
struct e5_tally_axis {
    size_t periods, count;
    struct e5_tally_span *span; /* count, in order of time */
};

/* `of_sample`: the period of each step, −1 for none. */
E5_MUST_USE enum e5_status e5_tally_axis_init(struct e5_tally_axis *axis, size_t steps, const int32_t *of_sample,
                                              size_t periods, struct e5_error *err);
void e5_tally_axis_fini(struct e5_tally_axis *axis);

enum e5_tally_test { E5_TALLY_ABOVE, E5_TALLY_AT_LEAST, E5_TALLY_BELOW, E5_TALLY_AT_MOST }; /* > ≥ < ≤ */
struct e5_tally_limit {
    enum e5_tally_test test;
    const double *values; /* E5_LANES */
};

/* Days that pass. */
void e5_tally_count(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                    double *out);
/* Days on which both series pass. */
void e5_tally_count_both(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                         struct e5_tally_series other, struct e5_tally_limit other_limit, double *out);
/* Sum of the values that pass. */
void e5_tally_sum(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                  double *out);
/* Sum of what the values are beyond the limit: degree days. */
void e5_tally_excess(const struct e5_tally_axis *axis, struct e5_tally_series x, struct e5_tally_limit limit,
                     double *out);
void e5_tally_largest(const struct e5_tally_axis *axis, struct e5_tally_series x, double *out);
void e5_tally_smallest(const struct e5_tally_axis *axis, struct e5_tally_series x, double *out);
/* Mean of x − other over the days that have both. */
void e5_tally_mean_difference(const struct e5_tally_axis *axis, struct e5_tally_series x,
                              struct e5_tally_series other, double *out);

#endif
