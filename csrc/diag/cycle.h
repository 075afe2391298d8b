/* cycle: where in the year a time falls.
 *
 * The slots of a cycle count from 0.  Days of the year: 365, where 29 February shares slot 58 with 28 February, or as
 * many as every year of the calendar has; months: 12; seasons: DJF, MAM, JJA, SON.  Pure functions on the caller's
 * memory: any thread; nothing blocks. */
#ifndef E5_DIAG_CYCLE_H
#define E5_DIAG_CYCLE_H

#include "model/time_axis.h"

enum e5_cycle { E5_CYCLE_DAY, E5_CYCLE_MONTH, E5_CYCLE_SEASON };

size_t e5_cycle_slots(enum e5_calendar calendar, enum e5_cycle cycle);
/* The cycle that has so many slots; E5_INPUT when none has. */
E5_MUST_USE enum e5_status e5_cycle_by_slots(enum e5_calendar calendar, size_t slots, enum e5_cycle *out,
                                             struct e5_error *err);
void e5_cycle_of(const struct e5_time_axis *axis, enum e5_cycle cycle, int32_t *out); /* one slot per step */
int64_t e5_cycle_month(const struct e5_time_axis *axis, size_t step); /* months since January of the year 0 */

#endif
