/* stations: series at points, out of maps over time.
 *
 * Each station has up to four cells with weights, which Python finds from the axes.  A cell whose weight is 0 does
 * not count; a missing value among the others makes the result missing, or is left out and the weights made up for
 * it. The caller owns everything; the work is split over `par` in blocks of steps.  Blocks until all is done. */
#ifndef E5_DIAG_STATIONS_H
#define E5_DIAG_STATIONS_H

#include "base/parallel.h"
#include "model/view.h"

#define E5_STATION_CELLS 4

struct e5_stations {
    size_t count;
    const int64_t *row, *column; /* of station s and its cell k: [s * E5_STATION_CELLS + k] */
    const double *weight;        /* NaN: outside, and so is the result */
    bool skip_missing;
};
struct e5_station_series {
    void *out;           /* E5_F32 or E5_F64; of station s at step t: [s * stride + t] */
    enum e5_dtype dtype;
    size_t stride;
};

/* `maps` are (step, row, column); E5_INTERNAL when a cell is none of theirs. */
E5_MUST_USE enum e5_status e5_stations_sample(const struct e5_stations *stations, const struct e5_view *maps,
                                              const struct e5_station_series *series, const struct e5_parallel *par,
                                              struct e5_watch *watch, struct e5_error *err);

#endif
