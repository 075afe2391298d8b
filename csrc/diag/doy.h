/* doy: percentiles and means of the days of the year, of a tile of E5_LANES cells side by side.
 *
 * The value of lane c at step t of a tile is [t × E5_LANES + c]; tiles start on 64 bytes; a NaN is a missing value.
 * Results lie the same way: [slot × E5_LANES + c], e5_doy.results slots (diag/window.h tells what the rules mean and
 * e5_window_slot_of_day() which slot a day is compared with).  They are doubles made of exact values of the series:
 * bit for bit what sorting every pool and numpy.quantile of its doubles give.
 *
 *     struct e5_doy doy;
 *     e5_doy_init(&doy, axis, &(struct e5_doy_options){.base = …, .window = 5, .probability = 0.9, .type = 8}, err)
 *     … per tile, with e5_doy_scratch(&doy) bytes on 64: e5_doy_percentiles_f32(&doy, tile, out, scratch);
 *     e5_doy_fini(&doy);
 *
 * The holder owns what _init made, and the scratch.  Read-only after _init: any thread; nothing blocks. */
#ifndef E5_DIAG_DOY_H
#define E5_DIAG_DOY_H

#include "diag/quantile.h"
#include "diag/tile_lists.h"
#include "diag/window.h"

#define E5_NO_LIMIT (-1e300) /* what users say who want no `at_least` */

struct e5_doy_options {
    int64_t first_day, last_day; /* base period, both inclusive, in days since 1970; INT64_MIN, INT64_MAX: all */
    int window;                  /* days, odd */
    enum e5_neighbours neighbours;
    enum e5_leap_rule leap;
    double probability; /* 0 to 1 */
    int type;           /* Hyndman and Fan, 1 to 9 */
    double min_share; /* of a pool's days that must be valid, 0 to 1, else the slot is NaN; 0: one value is enough */
    int smoothing; /* days of the running mean closed on the ring of slots, odd; 0 and 1: none */
    double at_least; /* smaller values count as missing (precipitation: wet days only) if `limited` */
    bool limited;
};

/* Lists of spans of 1, 2, 4 … days, in a ring of the last ones (diag/doy_tile.def). */
struct e5_doy_level {
    size_t depth, rows; /* values in a list; rows that it has room for */
    size_t ring, start; /* lists; row of the first */
};

struct e5_doy {
    struct e5_doy_options options;
    struct e5_window window;
    bool mean_leap_day;
    size_t samples; /* steps of a tile */
    size_t results; /* slots of the result */
    size_t longest; /* pool */
    struct e5_quantile_rank *rank; /* by number of valid values, 0 to `longest` */
    size_t depth; /* of the sorted lists, a power of two */
    bool smallest; /* lists keep the smallest values, negated */
    bool *single; /* slots: pools that are no union of whole days of the year: sorted by themselves */
    struct e5_doy_level level[9];
    size_t levels, list_rows;
};

E5_MUST_USE enum e5_status e5_doy_init(struct e5_doy *doy, const struct e5_time_axis *axis,
                                       const struct e5_doy_options *options, struct e5_error *err);
void e5_doy_fini(struct e5_doy *doy);
size_t e5_doy_scratch(const struct e5_doy *doy); /* bytes, a multiple of 64 */
void e5_doy_percentiles_f32(const struct e5_doy *doy, const float *tile, double *out, void *scratch);
void e5_doy_percentiles_f64(const struct e5_doy *doy, const double *tile, double *out, void *scratch);
/* Mean of the same pools (Hobday's climatology), with the same rules and smoothing. */
void e5_doy_means_f32(const struct e5_doy *doy, const float *tile, double *out, void *scratch);
void e5_doy_means_f64(const struct e5_doy *doy, const double *tile, double *out, void *scratch);

/* --- for those who make thresholds themselves (diag/exceedance) --- */

/* Whether a pool of n days has enough valid values for a result. */
static inline bool e5_doy_enough(const struct e5_doy *doy, size_t valid, size_t n) {
    return valid > 0 && (double)valid >= doy->options.min_share * (double)n;
}

/* Rows of a sorted list that hold the neighbours of the quantile of `valid` values. */
static inline struct e5_quantile_rank e5_doy_list_rank(const struct e5_doy *doy, size_t valid) {
    struct e5_quantile_rank rank = doy->rank[valid];
    if (doy->smallest || valid == 0) return rank;
    return (struct e5_quantile_rank){valid - 1 - rank.lower, valid - 1 - rank.upper, rank.fraction};
}

/* A result lies between the values of two pools, mostly on one of them. */
struct e5_doy_place {
    size_t left, right;
    double fraction;
};
struct e5_doy_place e5_doy_place(const struct e5_doy *doy, size_t result);

static inline double e5_doy_along(double left, double right, double fraction) {
    return fraction == 0 ? left : left + fraction * (right - left);
}

#endif
