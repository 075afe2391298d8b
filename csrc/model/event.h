/* event: objects in time, latitude and longitude, as plain tables.
 *
 * A struct e5_events owns all its tables (_free).  Rows belong together by index ranges.  The order is fixed: events
 * by (start, first cell in row-major order), their blobs by (time, first cell), runs by (time, row, first column),
 * states by time, links by (from, to), so that the same data give the same tables for any number of threads, any
 * block size and any split into files.  Read-only once made: any thread; nothing blocks.
 *
 * "Exceedance" is how far a value lies beyond the threshold, positive on either side: value − threshold when events
 * are above it, threshold − value when they are below. */
#ifndef E5_MODEL_EVENT_H
#define E5_MODEL_EVENT_H

#include <stdint.h>

#include "base/buffer.h"
#include "model/calendar.h"
#include "model/grid.h"

#define E5_CATEGORIES 4 /* moderate, strong, severe, extreme (Hobday et al. 2018) */

struct e5_run { /* cells row, [first, first + count) at one time step; never across the seam of a periodic grid */
    int32_t time, row, first, count;
    int32_t blob; /* of the event it belongs to, from 0 */
};

struct e5_blob { /* cells of one event that touch each other at one time step */
    int32_t time;
    double area;                /* km² */
    double mean, maximum;       /* exceedance; the mean is weighted with area */
    double latitude, longitude; /* centroid on the sphere, weighted with area; NaN where it is undefined */
};

struct e5_link { /* a blob goes on in a blob of a later step: the family tree of an event */
    int32_t from, to; /* blobs of the event, from 0 */
    double area;      /* km² that they have in common; 0: they touch only */
};

struct e5_bounds { /* edges of cells; west > east: it crosses the antimeridian */
    double south, north, west, east;
};

struct e5_severity { /* NaN and 0 where no climatology was given */
    double mean, maximum; /* (value − climatology) / (threshold − climatology); the mean is weighted with area */
    int32_t category;     /* of the maximum: 1 … E5_CATEGORIES, 0: none */
    double area[E5_CATEGORIES]; /* km² of the cells of each category; of an event: at its largest */
};

struct e5_event_state { /* one event at one time step */
    int32_t time, blobs;
    double area;                /* km² */
    double mean, maximum;       /* exceedance; the mean is weighted with area */
    double latitude, longitude; /* centroid on the sphere, weighted with area; NaN where it is undefined */
    struct e5_bounds box;
    struct e5_severity severity;
};

struct e5_event {
    size_t first_run, runs, first_state, states, first_blob, blobs, first_link, links;
    int32_t start, end;          /* time indices, both inclusive */
    int64_t start_seconds, end_seconds;
    int64_t cells;               /* number of (time, cell) pairs */
    double volume;               /* Σ area × length of a step: km² days */
    double footprint;            /* area of all cells ever touched, km² */
    double area_max, area_mean;  /* per time step, km² */
    int32_t area_max_time;
    double peak;                 /* largest exceedance */
    double peak_value;           /* the field there */
    int32_t peak_time, peak_row, peak_column; /* ties: earliest, then lowest row, then lowest column */
    double exceedance_mean;      /* Σ area × exceedance / Σ area */
    double exceedance_sum;       /* Σ area × exceedance × length of a step: units × km² × days */
    struct e5_severity severity;
    double latitude, longitude;  /* centroid of the volume */
    double path, displacement;   /* km from centroid to centroid of its states; from the first to the last */
    struct e5_bounds box;
    int32_t merges, splits;      /* blobs with several predecessors; with several successors */
    bool touches_edge;           /* domain edge in space (not on a global grid) */
    bool crosses_seam;           /* cells on both sides of the seam of a periodic grid */
    bool touches_pole;           /* cells of a row on a pole */
    bool censored_start, censored_end; /* at the first, the last step of the record: it may be longer */
    size_t outline, outline_size; /* WKB multipolygon in `geometry` */
};

struct e5_events {
    struct e5_grid grid;         /* owned copy */
    enum e5_calendar calendar;
    size_t steps;
    int64_t *seconds;            /* steps: start of each time step */
    double step_days;            /* length of a step */
    bool below;                  /* values lie below their threshold */
    size_t count, run_count, state_count, blob_count, link_count;
    struct e5_event *event;
    struct e5_run *run;
    struct e5_event_state *state;
    struct e5_blob *blob;
    struct e5_link *link;
    struct e5_buffer geometry;   /* ISO WKB, little endian, longitude first */
};

void e5_events_free(struct e5_events *events); /* NULL is allowed */
/* E5_INPUT unless all index ranges, steps, rows, columns and blobs lie within their tables and the grid: for tables
 * that come from outside. */
E5_MUST_USE enum e5_status e5_events_check(const struct e5_events *events, struct e5_error *err);

#endif
