/* season: the growing season, the frost season, and the last frost before the middle of a year, for a tile of
 * E5_LANES cells.
 *
 * Tiles and results lie as in diag/tally.h.  A season begins with the first run of warm days in the first half of a
 * year and ends with the first run of cold days in the second half.  A run ends where a day is absent.
 * The holder of an axis owns its arrays (_fini); all else works on the caller's memory.  Any thread; nothing blocks.
 */
#ifndef E5_DIAG_SEASON_H
#define E5_DIAG_SEASON_H

#include "diag/tally.h"

struct e5_season_year {
    size_t first, middle, end; /* steps; the second half begins at `middle`; end 0: the middle is not in the series */
    int32_t start; /* day on which it begins, in the series or not, from the first of the series */
};
struct e5_season_axis {
    size_t years;
    struct e5_season_year *year;
    int32_t *day; /* steps: day, from the first of the series */
};

/* One year per period; the middle of each is six months after its start. */
E5_MUST_USE enum e5_status e5_season_axis_init(struct e5_season_axis *axis, const struct e5_time_axis *time,
                                               const struct e5_periods *periods, struct e5_error *err);
void e5_season_axis_fini(struct e5_season_axis *axis);

enum e5_season_rule {
    E5_SEASON_CLIMDEX, /* warm is > limit, cold < limit; the first run lies wholly in the first half */
    E5_SEASON_XCLIM /* warm is ≥ limit, cold all else; the first run begins in the first half */
};

/* Days from the first day of the first warm run of `days` days to the day before the first cold run, or to the end of
 * the year where there is none; 0 without a warm run; NaN when the middle of the year is not in the series. */
void e5_season_length(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, int32_t days,
                      enum e5_season_rule rule, double *out);
/* Day of the year, from 1, of the last x < limit in the first half; NaN when there is none. */
void e5_season_last_below(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, double *out);
/* Days from the first to the last x < limit of the year, both counted; 0 when there is none, NaN when the middle of
 * the year is not in the series. */
void e5_season_span_below(const struct e5_season_axis *axis, struct e5_tally_series x, double limit, double *out);

#endif
