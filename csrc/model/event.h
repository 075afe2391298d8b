/* event: objects in time, latitude and longitude, as plain tables.
 *
 * A struct e5_events owns all its tables (_free).  Rows belong together by index ranges.  The order is fixed: events
 * by (start, first cell in row-major order), runs by (time, row, first column), states by time, so that the same data
 * give the same tables for any number of threads.  Read-only once made: any thread; nothing blocks. */
#ifndef E5_MODEL_EVENT_H
#define E5_MODEL_EVENT_H

#include <stdint.h>

#include "base/buffer.h"
#include "model/calendar.h"
#include "model/grid.h"

struct e5_run { /* cells row, [first, first + count) at one time step; never across the seam of a periodic grid */
    int32_t time, row, first, count;
};

struct e5_event_state { /* one event at one time step */
    int32_t time;
    double area;                /* km² */
    double mean, maximum;       /* exceedance, in the units of the field; the mean is weighted with area */
    double latitude, longitude; /* centroid on the sphere, weighted with area; NaN where it is undefined */
};

struct e5_event {
    size_t first_run, runs, first_state, states;
    int32_t start, end;          /* time indices, both inclusive */
    int64_t start_seconds, end_seconds;
    int64_t cells;               /* number of (time, cell) pairs */
    double volume;               /* Σ area × 1 day: km² days */
    double footprint;            /* area of all cells ever touched, km² */
    double area_max, area_mean;  /* per time step, km² */
    int32_t area_max_time;
    double peak;                 /* largest exceedance */
    double peak_value;           /* the field there */
    int32_t peak_time, peak_row, peak_column; /* ties: earliest, then lowest row, then lowest column */
    double exceedance_mean;      /* Σ area × exceedance / Σ area */
    double exceedance_sum;       /* Σ area × exceedance × 1 day: units × km² × days */
    double latitude, longitude;  /* centroid of the volume */
    double south, north, west, east; /* box of cell edges; west > east: it crosses the seam */
    bool touches_edge;           /* domain edge in space (not on a global grid) */
    bool censored;               /* begins with the first or ends with the last step of the record */
    size_t outline, outline_size;    /* WKB multipolygon in `geometry` */
};

struct e5_events {
    struct e5_grid grid;         /* owned copy */
    enum e5_calendar calendar;
    size_t steps;
    int64_t *seconds;            /* steps: start of each time step */
    size_t count, run_count, state_count;
    struct e5_event *event;
    struct e5_run *run;
    struct e5_event_state *state;
    struct e5_buffer geometry;   /* ISO WKB, little endian, longitude first */
};

void e5_events_free(struct e5_events *events); /* NULL is allowed */

#endif
