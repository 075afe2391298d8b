/* calendar: CF time on all CF calendars.
 *
 * Time in the core is int64 seconds since 1970-01-01 00:00 *of its calendar*; days are floor(seconds / 86400).  On
 * every calendar day 0 is 1 January 1970, so that sums and differences of days are exact and conversion to dates is a
 * matter of this file alone.  "standard" is Julian before 15 October 1582 and Gregorian after (CF-1.11, 4.4.1).
 * Years are counted astronomically on every calendar: the year before 1 is 0, the one before that is −1.
 * Pure functions: any thread; nothing blocks. */
#ifndef E5_MODEL_CALENDAR_H
#define E5_MODEL_CALENDAR_H

#include <stdint.h>

#include "base/error.h"

enum e5_calendar { E5_STANDARD, E5_PROLEPTIC, E5_NOLEAP, E5_ALL_LEAP, E5_DAYS_360, E5_JULIAN, E5_CALENDAR_COUNT };

#define E5_DAY 86400 /* seconds */

struct e5_date {
    int64_t year;
    int month, day; /* from 1 */
};

struct e5_time_units { /* "hours since 1900-01-01 00:00" as numbers */
    enum e5_calendar calendar;
    int64_t microseconds;  /* one unit; CF's months and years are refused */
    int64_t epoch;         /* seconds since 1970-01-01 of the calendar */
};

const char *e5_calendar_name(enum e5_calendar calendar); /* CF's name */
/* CF names and their synonyms (gregorian, 365_day, 366_day); NULL or "" is standard. */
E5_MUST_USE enum e5_status e5_calendar_parse(const char *name, enum e5_calendar *out, struct e5_error *err);
bool e5_calendar_leap(enum e5_calendar calendar, int64_t year);
int e5_calendar_month_days(enum e5_calendar calendar, int64_t year, int month);
int e5_calendar_year_days(enum e5_calendar calendar, int64_t year);

/* Whether the calendar has this day: no 30 February but in 360_day, no 5–14 October 1582 in standard. */
bool e5_date_valid(enum e5_calendar calendar, struct e5_date date);
/* The day that a moment lies in: seconds / E5_DAY, rounded down. */
static inline int64_t e5_day_of(int64_t seconds) { return seconds / E5_DAY - (seconds % E5_DAY < 0); }
int64_t e5_date_to_days(enum e5_calendar calendar, struct e5_date date); /* of a valid date, |year| < 10¹² */
struct e5_date e5_date_from_days(enum e5_calendar calendar, int64_t days);
int e5_date_yearday(enum e5_calendar calendar, struct e5_date date); /* from 1 */
/* "2003-06-01" (or "2003", "2003-06": their first day).  Months and days are checked against 12 and 31 only, the rest
 * is for e5_date_valid(), which knows the calendar. */
E5_MUST_USE enum e5_status e5_date_parse(const char *text, struct e5_date *out, struct e5_error *err);

/* "<unit> since <date>[ <time>[ <zone>]]": microseconds to days in all their spellings; a fraction of a second in the
 * epoch is rounded to the nearest second. */
E5_MUST_USE enum e5_status e5_time_units_parse(const char *units, const char *calendar, struct e5_time_units *out,
                                               struct e5_error *err);
/* Stored number → seconds, rounded to the nearest second (files keep hours and days as floats).  E5_INPUT when it is
 * not finite or further away than int64 microseconds reach (292,000 years). */
E5_MUST_USE enum e5_status e5_time_decode(const struct e5_time_units *units, double stored, int64_t *out_seconds,
                                          struct e5_error *err);

#endif
