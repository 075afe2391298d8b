/* window: which samples make up each slot of the year.
 *
 * The slots are the days of a year; the pool of a slot are the samples of the base period within ± width/2 days of
 * it.  What happens at the ends of a year, and to 29 February, differs between implementations:
 *   E5_NEIGHBOURS_WRAP  windows wrap inside each calendar year (climdex.pcic): every slot has the same count
 *   E5_NEIGHBOURS_REAL  the real previous and next days inside the base period (xclim): ends of the base are short
 *   E5_NEIGHBOURS_RING  as real, with the end of the base joined to its start (CDO with rm=c)
 *   E5_NEIGHBOURS_AROUND  as real, and days outside the base count where there are any (marineHeatWaves)
 *   E5_LEAP_DROP        29 February is left out; it uses slot 59 (28 February): 365 slots (climdex.pcic)
 *   E5_LEAP_STRETCH     slots are raw day numbers; 366 is dropped, 1…365 stretched to 1…366 (xclim)
 *   E5_LEAP_OWN         slots are numbered as in leap years, 1 March is 61 always: 366 slots; 29 February is one
 * (CDO) E5_LEAP_MEAN        the same, and the result of 29 February is the mean of its neighbours' (marineHeatWaves)
 * Calendars whose years are all of the same length (noleap, all_leap, 360_day) have one slot per day, nothing is
 * dropped, stretched or averaged, and all leap rules are the same.
 *
 * In the arrays slots count from 0: slot s is day number s + 1.  Pools exist for `slots` slots, results are wanted
 * for e5_window_result_slots().  Where these differ (E5_LEAP_STRETCH: 365 and 366), whoever computes a value per pool
 * interpolates linearly between the values of two slots, e5_window_place(): both ends keep theirs.
 * The holder owns the arrays (_fini).  Any thread; nothing blocks. */
#ifndef E5_DIAG_WINDOW_H
#define E5_DIAG_WINDOW_H

#include "model/time_axis.h"

enum e5_neighbours { E5_NEIGHBOURS_WRAP, E5_NEIGHBOURS_REAL, E5_NEIGHBOURS_RING, E5_NEIGHBOURS_AROUND };
enum e5_leap_rule { E5_LEAP_DROP, E5_LEAP_STRETCH, E5_LEAP_OWN, E5_LEAP_MEAN };

struct e5_window {
    size_t slots; /* 365, 366 or 360 */
    int width;    /* days, odd */
    /* Samples of slot s alone: sample[first[s]] … sample[first[s + 1] − 1], as indices into the axis, ascending. */
    size_t *first;
    size_t *sample;
    /* Samples of the whole window of slot s: pool[pool_first[s]] … pool[pool_first[s + 1] − 1], ascending. */
    size_t *pool_first;
    size_t *pool;
};

/* The axis holds at most one sample per day.  Days between `base_first_day` and `base_last_day` (both inclusive, in
 * days since 1970 of the axis' calendar) make the base; days that are absent are simply not in a pool.
 * E5_NEIGHBOURS_REAL takes a window around every sample there is.  To E5_LEAP_DROP 28 February and 1 March are
 * neighbours in every year. */
E5_MUST_USE enum e5_status e5_window_init(struct e5_window *window, const struct e5_time_axis *axis,
                                          int64_t base_first_day, int64_t base_last_day, int width,
                                          enum e5_neighbours neighbours, enum e5_leap_rule leap,
                                          struct e5_error *err);
void e5_window_fini(struct e5_window *window);
/* Slots that results are given for (366 for E5_LEAP_STRETCH on calendars with leap years), and the result slot, from
 * 0, that a day of the calendar is compared with. */
size_t e5_window_result_slots(enum e5_calendar calendar, enum e5_leap_rule leap);
size_t e5_window_slot_of_day(enum e5_calendar calendar, enum e5_leap_rule leap, int64_t day);
/* Where a result slot lies among the pools: at `slot` + `fraction` (0 to less than 1). */
struct e5_window_place {
    size_t slot;
    double fraction;
};
struct e5_window_place e5_window_place(size_t slots, size_t results, size_t result);
/* Whether slots are numbered as in leap years although not all years are, and which is then 29 February's. */
bool e5_window_leap_slots(enum e5_calendar calendar, enum e5_leap_rule leap);
#define E5_WINDOW_LEAP_SLOT 59

#endif
