/* missing: which periods of a series are missing, given which of its samples are.
 *
 * Samples that are not in the series at all count as missing, those of incomplete first and last periods too; months
 * that do not count (struct e5_frequency) do not.  A sample stands for as many days as the usual step.
 *   E5_MISSING_ANY     a period is missing when any of its samples is
 *   E5_MISSING_ETCCDI  … when more than 3 days of one of its months are, or more than 3, 6, 15 of a month, a season
 *                      (up to three months), each year
 *   E5_MISSING_WMO     … when 11 days of one of its months are, or 5 days in a row (WMO-No. 1203)
 *   E5_MISSING_NONE    … never
 *   E5_MISSING_SHARE   … when more than a share of its samples are
 * The holder owns the tables (_fini).  Any thread; nothing blocks. */
#ifndef E5_MODEL_MISSING_H
#define E5_MODEL_MISSING_H

#include "model/time_axis.h"

enum e5_missing_rule {
    E5_MISSING_ANY,
    E5_MISSING_ETCCDI,
    E5_MISSING_WMO,
    E5_MISSING_NONE,
    E5_MISSING_SHARE,
    E5_MISSING_RULES
};
struct e5_missing_policy {
    enum e5_missing_rule rule;
    double share; /* of E5_MISSING_SHARE, 0 to 1 */
};
#define E5_MISSING_LANES 16 /* cells judged at a time */

struct e5_missing_month { /* the part of a month that belongs to a period */
    size_t first, count;  /* samples */
    int32_t expected;
    int32_t after; /* samples that are absent after the last one */
};
struct e5_missing {
    struct e5_missing_policy policy;
    size_t samples, periods;
    const int32_t *of_sample; /* borrowed from the periods */
    size_t *first_month; /* periods + 1: of each period */
    struct e5_missing_month *month;
    int32_t *before;  /* samples: absent between each and the one before it, or the beginning of the month */
    int32_t *allowed; /* periods */
    int32_t most, row; /* a month with more missing samples, or so many in a row, takes its period away */
};

E5_MUST_USE enum e5_status e5_missing_init(struct e5_missing *missing, const struct e5_time_axis *axis,
                                           const struct e5_periods *periods, struct e5_frequency frequency,
                                           struct e5_missing_policy policy, struct e5_error *err);
void e5_missing_fini(struct e5_missing *missing);
/* absent: for each sample the bits of the lanes in which it is missing; taken: for each period the bits of the lanes
 * in which it is. */
void e5_missing_judge(const struct e5_missing *missing, const uint16_t *absent, uint16_t *taken);

#endif
