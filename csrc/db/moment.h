/* moment: seconds on any calendar as the two texts of the database.
 *
 * The day is the date in the data's own calendar ("2003-02-30").  The stamp is a DATETIME as GeoPackage wants it; a
 * date that the Gregorian calendar lacks becomes the last day of its month, so that stamps still sort as time does.
 * Pure functions: any thread; nothing blocks. */
#ifndef E5_DB_MOMENT_H
#define E5_DB_MOMENT_H

#include "model/calendar.h"

struct e5_moment {
    char day[32];   /* "2003-08-05" */
    char stamp[32]; /* "2003-08-05T00:00:00.000Z", or "" for years that have not four digits */
};

struct e5_moment e5_moment_of(enum e5_calendar calendar, int64_t seconds);

#endif
