/* rolling: the largest sum of n days in a row in each period, for a tile of E5_LANES cells side by side.
 *
 * Windows reach over the borders of periods; a window belongs to the period of its centre day or of its last one.
 * Tiles and results lie as in diag/tally.h.  Negative values, which rain has only by rounding, count as 0; sums are
 * formed in double, in order of time.
 * The holder owns the windows (_fini).  Read-only after _init: any thread; nothing blocks. */
#ifndef E5_DIAG_ROLLING_H
#define E5_DIAG_ROLLING_H

#include "diag/tally.h"

struct e5_rolling_window {
    size_t first, end, period; /* steps */
};
struct e5_rolling {
    size_t periods, count;
    bool whole;
    struct e5_rolling_window *window; /* count */
};
struct e5_rolling_rule {
    int32_t days;
    bool centre; /* the day that names a window: the centre (the later one of two), else the last */
    bool whole;  /* windows with a missing day do not count, else it adds 0 */
};

/* No window reaches over the ends of the series. */
E5_MUST_USE enum e5_status e5_rolling_init(struct e5_rolling *rolling, const struct e5_time_axis *time,
                                           const int32_t *of_sample, size_t periods, struct e5_rolling_rule rule,
                                           struct e5_error *err);
void e5_rolling_fini(struct e5_rolling *rolling);
/* NaN for periods without a window. */
void e5_rolling_largest(const struct e5_rolling *rolling, struct e5_tally_series x, double *out);

#endif
