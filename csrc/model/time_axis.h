/* time_axis: the moments of a series, and the periods they fall into.
 *
 * The axis borrows its seconds; a struct e5_periods owns its arrays (_fini).  Any thread; nothing blocks. */
#ifndef E5_MODEL_TIME_AXIS_H
#define E5_MODEL_TIME_AXIS_H

#include "model/calendar.h"

struct e5_time_axis {
    enum e5_calendar calendar;
    size_t n;
    const int64_t *seconds; /* strictly increasing; steps may differ */
};

/* Which samples belong to a day (era5-data conventions): */
enum e5_day_rule {
    E5_DAY_INSTANT,     /* stamps 00…23 of the day: values at the stamp */
    E5_DAY_HOUR_ENDING, /* stamps 01…23 and 00 of the next day: sums, means, extremes of the hour that ends there */
    E5_DAY_SINCE_MIDNIGHT /* ERA5-Land accumulations: the stamp 00 of the next day holds the whole day */
};

/* Periods follow each other without gaps from that of the first sample to that of the last, so that missing days show
 * up as periods without samples. */
struct e5_periods {
    size_t count;
    int64_t *start, *end; /* count: first second of each period, and the first one after it */
    int32_t *of_sample; /* one per sample: its period, or −1 when it belongs to none; never decreasing but for −1 */
    int32_t *expected; /* count: how many samples a complete period has, at least 1 */
};

/* At least one sample, strictly increasing, within some 30 million years. */
E5_MUST_USE enum e5_status e5_time_axis_check(const struct e5_time_axis *axis, struct e5_error *err);
/* The most frequent difference of neighbours, in seconds (the smallest of several equally frequent ones); a day when
 * there is one sample only.  The axis must have passed e5_time_axis_check(). */
E5_MUST_USE enum e5_status e5_time_axis_step(const struct e5_time_axis *axis, int64_t *out, struct e5_error *err);
/* Group samples into the days of a zone `utc_offset` seconds east of Greenwich.  A complete day has 86400 s ÷ the
 * usual step samples (at least 1; exactly 1 since midnight).  `start` is its midnight by the
 * clocks of the zone, so that the date is that of the day there. */
E5_MUST_USE enum e5_status e5_periods_by_day(const struct e5_time_axis *axis, enum e5_day_rule rule,
                                             int64_t utc_offset, struct e5_periods *out, struct e5_error *err);
/* Periods as xclim and pandas name them: "YS" and "YS-JUL" (years that begin in July), "QS-DEC" (seasons), "MS"
 * (months), "all" (the whole series).  Of each period some months only may count. */
struct e5_frequency {
    int months;    /* length of a period: 1, 3 or 12; 0: the whole series */
    int anchor;    /* a month, from 1, in which a period begins */
    unsigned only; /* bit m − 1: month m counts; 0: all of them */
};
E5_MUST_USE enum e5_status e5_frequency_parse(const char *text, struct e5_frequency *out, struct e5_error *err);
bool e5_frequency_counts(struct e5_frequency frequency, int month);
/* Group samples by periods of the calendar.  A complete period has as many samples as the usual step fits into its
 * months that count; the whole series reaches from the first sample to the last.  E5_INPUT when no sample counts. */
E5_MUST_USE enum e5_status e5_periods_by_calendar(const struct e5_time_axis *axis, struct e5_frequency frequency,
                                                  struct e5_periods *out, struct e5_error *err);
void e5_periods_fini(struct e5_periods *periods);

#endif
