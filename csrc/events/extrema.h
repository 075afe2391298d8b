/* extrema: local minima or maxima of a map, such as the centres of lows and highs.
 *
 * A minimum is a cell, or several touching cells of equal value, with no lower neighbour; of several the first in
 * row-major order stands for all.  Maxima are the minima of the field turned upside down.  Then, in this order:
 * a minimum goes when a cell within `search` is lower; when another minimum of those left lies within `merge` and is
 * lower, or as low and earlier in row-major order (also when that one goes itself: Ullrich & Zarzycki 2017); when it
 * is less deep than `depth` (events/closed_contour).  What is not finite is missing: it is no minimum, and lower than
 * nothing.  A row on a pole is one point with the lowest of its values.
 *
 * The plan is shared by all threads, scratch belongs to one at a time; nothing blocks. */
#ifndef E5_EVENTS_EXTREMA_H
#define E5_EVENTS_EXTREMA_H

#include "events/closed_contour.h"
#include "model/view.h"

struct e5_extrema_rule {
    bool highest;  /* maxima */
    int around;    /* E5_BESIDE or E5_AROUND */
    double search; /* km */
    double merge;  /* km */
    double reach;  /* km within which a contour has to close */
    double depth;  /* 0: any */
};

struct e5_extremum {
    int32_t time, row, column;
    double value;
    double depth; /* ≥ 0, of maxima as well; inf: there is no way out */
};

struct e5_extrema_plan {
    struct e5_extrema_rule rule;
    const struct e5_grid *grid; /* borrowed */
    struct e5_neighbours neighbours;
    struct e5_places places;
};
E5_MUST_USE enum e5_status e5_extrema_plan(const struct e5_extrema_rule *rule, const struct e5_grid *grid,
                                           struct e5_extrema_plan *out, struct e5_error *err);
void e5_extrema_plan_fini(struct e5_extrema_plan *plan);

struct e5_extrema { /* grows; zeroed to begin with, freed with free(list.row) */
    struct e5_extremum *row;
    size_t count, room;
};
E5_MUST_USE enum e5_status e5_extrema_append(struct e5_extrema *list, const struct e5_extremum *rows, size_t count,
                                             struct e5_error *err);

struct e5_extrema_scratch { /* zeroed to begin with, freed with _fini */
    double *height;  /* cells */
    double *padded;  /* the same with a frame of one cell */
    uint8_t *flag;   /* cells */
    long *queue;     /* cells */
    struct e5_basin basin;
};
void e5_extrema_scratch_fini(struct e5_extrema_scratch *scratch);

/* One map of E5_F32 or E5_F64; appends to `out` in row-major order, with `time` for each. */
E5_MUST_USE enum e5_status e5_extrema_map(const struct e5_extrema_plan *plan, const void *values, enum e5_dtype dtype,
                                          int32_t time, struct e5_extrema_scratch *scratch, struct e5_extrema *out,
                                          struct e5_error *err);

#endif
