/* track: paths of points over time, such as those of storms, as plain columns.
 *
 * All memory belongs to the caller and is only read: any thread; nothing blocks.  Points of a track follow each other
 * in time, tracks are in order of start, and then of the latitude and longitude of their first point. */
#ifndef E5_MODEL_TRACK_H
#define E5_MODEL_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include "model/calendar.h"

struct e5_tracks {
    enum e5_calendar calendar;
    size_t count;
    const int64_t *first;  /* count + 1: points first[k] … first[k + 1] − 1 belong to track k */
    const int64_t *seconds; /* since 1970-01-01 of the calendar */
    const double *latitude, *longitude; /* degrees, −180 … 180 */
    const double *value;     /* NaN where there is none */
    const double *step;      /* km from the point before; NaN at the first point of a track */
    const double *speed;     /* m s-1 on the way from there */
    const double *direction; /* degrees clockwise from north in which it began; NaN where the point did not move */
    const double *displacement; /* count: km from the first point of a track to its last */
};

#endif
