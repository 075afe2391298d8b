/* exceedance: days beyond the percentile of their day of the year, of a tile of cells; with the exact bootstrap.
 *
 * Inside the base period every year y is compared with N − 1 thresholds, each from a base without y in which another
 * year y' stands twice (Zhang et al. 2005, J. Climate 18, 1641); outside, and without the bootstrap, with the one of
 * the whole base.  The answer for a day is the number of thresholds that it is beyond, of e5_exceedance.replicates;
 * a day outside the base counts `replicates` or 0.  So sums are whole numbers and need no order.
 *
 * What stands for year y in a replicate: the value of the same day of y'.  On raw day numbers (E5_LEAP_STRETCH) days
 * are matched by date, as xclim does: a 29 February that y' has not got is missing, one that y has not got left out.
 *
 * Nothing is approximated.  Sorted lists of the base without each year are made once per slot; the i-th largest of
 * such a list R and of the w values A of another year is max over j of min(A_j, R_{i−j}), so that a threshold costs a
 * few operations; and days beyond all or none that are possible are not looked at any closer.
 * The holder owns what _init made (it borrows `doy` and the axis), and the scratch.  Read-only after _init: any
 * thread; nothing blocks. */
#ifndef E5_DIAG_EXCEEDANCE_H
#define E5_DIAG_EXCEEDANCE_H

#include "diag/doy.h"

enum e5_beyond { E5_ABOVE, E5_BELOW, E5_ABOVE_OR_EQUAL, E5_BELOW_OR_EQUAL };

#define E5_EXCEEDANCE_MISSING UINT16_MAX /* the day, or its threshold, is missing */

/* The answers of each replicate for the days of the base, as the flags of diag/spells.h: those of replicate k, which
 * has the k-th of the other years twice, begin at flags + k × size. */
struct e5_replicate_flags {
    uint32_t *flags; /* of the caller, who has zeroed them: replicates × size */
    size_t size;
    const uint32_t *bit; /* samples */
};

struct e5_exceedance {
    const struct e5_doy *doy;
    enum e5_beyond beyond;
    size_t samples, replicates; /* replicates: N − 1, or 1 without the bootstrap */
    int32_t *slot;              /* samples: of the result, that the day is compared with */
    /* For the bootstrap: */
    size_t years, year_days; /* of the base: N; days that the longest may have */
    bool *leap;              /* years: 366 days long, where days must be matched by date */
    int32_t *step;           /* years × year_days: sample of each day of a year, −1: there is none */
    int32_t *day;            /* samples: of its year, from 0 */
    size_t *block;           /* slots × (years + 1): where each year's days begin in the window's pools */
    size_t longest_block;    /* days of a year in a pool */
    uint16_t *pattern; /* slots × years: years whose days in a pool are the same share a pattern of the slot */
    uint16_t *patterns; /* slots: how many */
    size_t most_patterns;
    size_t *first, *sample; /* results + 1: samples in the base that are compared with each slot */
    int32_t *year; /* samples: of the base, from 0; −1 outside */
};

/* E5_INPUT when the bootstrap is wanted and the base has fewer than 2 years or more than 300, thresholds are
 * smoothed, or windows reach outside the base (E5_NEIGHBOURS_AROUND). */
E5_MUST_USE enum e5_status e5_exceedance_init(struct e5_exceedance *exceedance, const struct e5_doy *doy,
                                              const struct e5_time_axis *axis, enum e5_beyond beyond, bool bootstrap,
                                              struct e5_error *err);
void e5_exceedance_fini(struct e5_exceedance *exceedance);
size_t e5_exceedance_scratch(const struct e5_exceedance *exceedance); /* bytes, a multiple of 64 */
/* count[t × E5_LANES + c], 0 to `replicates` or E5_EXCEEDANCE_MISSING, for each step of the tile.  `thresholds`, if
 * not NULL, receives those of the whole base. */
void e5_exceedance_f32(const struct e5_exceedance *exceedance, const float *tile, uint16_t *count, double *thresholds,
                       void *scratch);
void e5_exceedance_f64(const struct e5_exceedance *exceedance, const double *tile, uint16_t *count,
                       double *thresholds, void *scratch);
/* The same, and the answers of each replicate; `flags` NULL: not wanted. */
void e5_exceedance_flags_f32(const struct e5_exceedance *exceedance, const float *tile, uint16_t *count,
                             double *thresholds, const struct e5_replicate_flags *flags, void *scratch);
void e5_exceedance_flags_f64(const struct e5_exceedance *exceedance, const double *tile, uint16_t *count,
                             double *thresholds, const struct e5_replicate_flags *flags, void *scratch);
/* Sum a tile of counts over periods: days[p × E5_LANES + c] beyond (sum ÷ replicates), and valid days. */
void e5_exceedance_sum(const struct e5_exceedance *exceedance, const struct e5_periods *periods,
                       const uint16_t *count, double *days, double *valid);
/* The sample of year `other` that stands for day `day` of `year`, −1: none. */
int32_t e5_exceedance_step(const struct e5_exceedance *exceedance, size_t year, size_t other, int32_t day);

#endif
