/* standardise: how unusual a month, or a day, is for its season, as a number of standard deviations.
 *
 * Sums over the last months (days) are ranked by a distribution that is fitted to the same calendar month (day of the
 * year) of the base period, and that probability becomes the value of a standard normal variable: SPI (McKee et al.
 * 1993) and SPEI (Vicente-Serrano et al. 2010).  Works on a tile of E5_LANES cells side by side, value of lane c at
 * month t: [t × E5_LANES + c].  The plan belongs to who made it (_fini) and is read-only then; the scratch is the
 * caller's. Any thread; nothing blocks. */
#ifndef E5_DIAG_STANDARDISE_H
#define E5_DIAG_STANDARDISE_H

#include "base/simd.h"
#include "model/time_axis.h"

enum e5_standard_distribution {
    E5_STANDARD_GAMMA,        /* of positive sums; zeros have a probability of their own */
    E5_STANDARD_PEARSON3,     /* by L-moments */
    E5_STANDARD_LOG_LOGISTIC, /* of three parameters, by probability-weighted moments */
    E5_STANDARD_NORMAL,
};
enum e5_standard_method { E5_STANDARD_THOM, E5_STANDARD_LIKELIHOOD }; /* of the gamma distribution's fit */
enum e5_standard_zeros { E5_ZEROS_TOP, E5_ZEROS_CENTRE }; /* a zero has the probability of zeros, or half of it */
enum e5_standard_step { E5_STANDARD_MONTH, E5_STANDARD_DAY };

struct e5_standard {
    size_t months; /* of a tile: months or days, as all that follows */
    size_t scale;  /* months that are added up */
    enum e5_standard_step step;
    enum e5_standard_distribution distribution;
    enum e5_standard_method method;
    enum e5_standard_zeros zeros;
    double limit; /* results beyond ± this are cut to it */
    size_t slots;  /* of a year */
    int32_t *slot; /* months: calendar month from 0, or day of the year as of E5_CYCLE_DAY; −1 where fewer than
                      `scale` months lead up to it without a gap */
    bool *base; /* months: in the base period */
    size_t *order; /* months that have a slot, by slot and then by time */
    size_t *begins; /* slots + 1: where each begins in `order` */
};

/* `base_first_day`, `base_last_day`: inclusive, in days since 1970.  One sample per calendar month (day), else
 * E5_INPUT. */
E5_MUST_USE enum e5_status e5_standard_init(struct e5_standard *standard, const struct e5_time_axis *axis,
                                            int64_t base_first_day, int64_t base_last_day, struct e5_error *err);
void e5_standard_fini(struct e5_standard *standard);
size_t e5_standard_scratch(const struct e5_standard *standard); /* bytes */
void e5_standard_tile(const struct e5_standard *standard, const double *tile, double *out, void *scratch);

#endif
