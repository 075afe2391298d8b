/* measure: what the blobs of a time step are like, while its values are in memory.
 *
 * A blob is measured run by run, in the order of rows and columns, and in double, so that its sums are the same bits
 * wherever and whenever that happens.  What several blobs or steps have in common is added up with
 * e5_measured_add(), in their order.
 * "Exceedance" is positive beyond the threshold: value − threshold, or threshold − value below it.  Without a
 * threshold it is the value, or its negative.  The caller leaves out cells whose exceedance is not known.
 *
 * The maker of a struct e5_measure owns its tables (_init/_fini) and keeps the grid and the limits; read-only in
 * between: any number of threads, each with a scratch of e5_measure_scratch() doubles.  Nothing blocks. */
#ifndef E5_EVENTS_MEASURE_H
#define E5_EVENTS_MEASURE_H

#include "diag/geodesy.h"
#include "events/limits.h"
#include "model/event.h"

struct e5_measure {
    const struct e5_grid *grid;
    enum e5_dtype dtype; /* of the values: E5_F32 or E5_F64 */
    bool below;
    const struct e5_limits *threshold;   /* NULL: zero */
    const struct e5_limits *core;        /* what an event must pass somewhere; NULL: nothing */
    const struct e5_limits *climatology; /* what severity is measured from; NULL: there is none */
    double *north, *east; /* columns + 1: sums of cosines and sines of the longitudes before a column */
    double *cosine, *sine; /* rows: of the latitude */
};

struct e5_measured { /* of a blob, or of several */
    int64_t cells, runs;
    double area; /* km² */
    double excess; /* Σ area × exceedance */
    struct e5_centroid pull; /* Σ area × unit vector */
    double maximum; /* exceedance … */
    double value; /* … the field there … */
    int32_t row, column; /* … and its place: the first of equals */
    bool core; /* a cell passes the core threshold, or there is none */
    double severe, severe_area; /* Σ area × severity; area of the cells where severity is known */
    double severity; /* the largest; −∞ where none is known */
    double category_area[E5_CATEGORIES];
};

/* Makes the tables; the other members are the caller's. */
E5_MUST_USE enum e5_status e5_measure_init(struct e5_measure *measure, const struct e5_grid *grid,
                                           struct e5_error *err);
void e5_measure_fini(struct e5_measure *measure);
size_t e5_measure_scratch(const struct e5_measure *measure);
/* The blobs of one step from its runs, which are in the order of rows and columns and name their blobs from 0.
 * `values` are those of the step, rows × columns. */
void e5_measure_step(const struct e5_measure *measure, size_t step, const void *values, const struct e5_run *run,
                     size_t runs, struct e5_measured *blob, size_t blobs, double *scratch);
/* Clear the bits of cells of a row whose exceedance is not known: missing values and missing thresholds. */
void e5_measure_known(const struct e5_measure *measure, size_t step, size_t row, const void *values, double *scratch,
                      uint64_t *bits);

void e5_measured_begin(struct e5_measured *sum); /* of nothing */
void e5_measured_add(struct e5_measured *sum, const struct e5_measured *part); /* of the same step */
struct e5_severity e5_measured_severity(const struct e5_measured *sum);

#endif
