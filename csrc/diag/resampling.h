/* resampling: what would another sample have given?
 *
 * A resample is a list of steps, the same for all cells, so that neighbouring cells keep their likeness.  Lists are
 * drawn by counter: number i of resample r depends on the key, r and i alone, never on threads.  Sums over a list run
 * in double, in its order.  Lists belong to who made them (_free); everything else is
 * the caller's memory.  Any thread may use a finished list; nothing blocks. */
#ifndef E5_DIAG_RESAMPLING_H
#define E5_DIAG_RESAMPLING_H

#include <stdint.h>

#include "base/error.h"
#include "base/simd.h"

#define E5_RESAMPLE_MOST 65535 /* values of a sample */

struct e5_resamples {
    size_t count;
    size_t *start;  /* count + 1 places in `step` */
    uint16_t *step; /* list after list */
};
/* `count` samples of n steps drawn with replacement, followed by n that leave out one step each. */
E5_MUST_USE enum e5_status e5_resamples_draw(size_t n, size_t count, uint64_t key, struct e5_resamples *out,
                                             struct e5_error *err);
/* `count` choices of `part` steps out of n; all there are, once each, where `all` is set and count their number. */
E5_MUST_USE enum e5_status e5_resamples_choose(size_t n, size_t part, size_t count, bool all, uint64_t key,
                                               struct e5_resamples *out, struct e5_error *err);
/* The same where every step is chosen or not. */
E5_MUST_USE enum e5_status e5_resamples_toss(size_t n, size_t count, bool all, uint64_t key, struct e5_resamples *out,
                                             struct e5_error *err);
void e5_resamples_free(struct e5_resamples *resamples);

/* Values of E5_RESAMPLE_LANES cells side by side, of lane c at step t: [t * lanes + c]. */
#define E5_RESAMPLE_LANES 16
/* Sums over resamples first … first + count − 1: [r * lanes + c]. */
void e5_resamples_sums(const struct e5_resamples *resamples, size_t first, size_t count, const double *tile,
                       double *out);

/* --- bootstrap (Efron & Tibshirani 1993, chapters 6, 13 and 14) --- */

enum e5_statistic_of_sample { E5_SAMPLE_MEAN, E5_SAMPLE_STD, E5_SAMPLE_VAR, E5_SAMPLE_MEDIAN };
enum e5_interval { E5_INTERVAL_PERCENTILE, E5_INTERVAL_BASIC, E5_INTERVAL_BCA };
enum { E5_BOOTSTRAP_VALUE, E5_BOOTSTRAP_LOW, E5_BOOTSTRAP_HIGH, E5_BOOTSTRAP_ERROR, E5_BOOTSTRAP_RESULTS };

struct e5_bootstrap {
    const struct e5_resamples *resamples; /* by e5_resamples_draw */
    size_t n;
    enum e5_statistic_of_sample statistic;
    enum e5_interval interval;
    double confidence; /* 0 … 1 */
    double ddof; /* subtracted from n in the divisor of var and std */
};
size_t e5_bootstrap_scratch(const struct e5_bootstrap *what); /* bytes, to start on 64 */
/* `tile` is changed; a lane with NaN gives NaN.  out: [result * lanes + c]. */
void e5_bootstrap_tile(const struct e5_bootstrap *what, double *tile, double *out, void *scratch);

/* --- permutation test of a difference of means (Good 2005, chapter 3) --- */

enum { E5_PERMUTATION_DIFFERENCE, E5_PERMUTATION_LESS, E5_PERMUTATION_GREATER, E5_PERMUTATION_RESULTS };
struct e5_permutation {
    const struct e5_resamples *resamples; /* by e5_resamples_choose, or for pairs by e5_resamples_toss */
    size_t n, part; /* of all steps the first `part` are the first sample */
    bool paired; /* steps are differences of pairs */
};
size_t e5_permutation_scratch(const struct e5_permutation *what);
/* Difference of means, and in how many resamples it is not greater or not less; what is within rounding is equal.
 * `tile` is changed; a lane with NaN gives NaN. */
void e5_permutation_tile(const struct e5_permutation *what, double *tile, double *out, void *scratch);

#endif
