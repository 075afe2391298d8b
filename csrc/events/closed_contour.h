/* closed_contour: how deep a minimum is before the first contour that does not close round it.
 *
 * The depth is the largest rise above the minimum that has to be climbed on every way from it to a distance of more
 * than `reach`, to a missing cell or to an unknown one: a contour of minimum + delta closes within the distance if
 * and only if delta ≤ depth.  That is the criterion of Ullrich & Zarzycki (2017), for all deltas at once, found by
 * flooding the basin in order of height.  Scratch belongs to one thread at a time; nothing blocks. */
#ifndef E5_EVENTS_CLOSED_CONTOUR_H
#define E5_EVENTS_CLOSED_CONTOUR_H

#include <stdint.h>

#include "events/neighbours.h"

struct e5_places { /* unit vectors of rows and columns of a grid; owned (_fini) */
    double *sine, *cosine; /* of latitude */
    double *east, *north;  /* cosine and sine of longitude */
};
E5_MUST_USE enum e5_status e5_places_init(struct e5_places *places, const struct e5_grid *grid, struct e5_error *err);
void e5_places_fini(struct e5_places *places);
/* Square of the chord between two places, on a sphere of radius 1; and that of a great circle of some km. */
double e5_places_chord(const struct e5_places *places, size_t row, size_t column, size_t row2, size_t column2);
double e5_chord_of_km(double km);

struct e5_basin { /* scratch; zeroed to begin with, freed with _fini */
    struct e5_basin_cell {
        double height;
        long cell;
    } *heap;
    size_t count, room;
    uint32_t *seen; /* cells: the number of the flood that came last */
    uint32_t flood;
};
void e5_basin_fini(struct e5_basin *basin);

struct e5_contour_search {
    const struct e5_neighbours *neighbours;
    const struct e5_places *places;
    int around;      /* E5_BESIDE or E5_AROUND */
    double reach;    /* square of a chord */
    const double *height; /* cells; missing ones are +inf */
};
E5_MUST_USE enum e5_status e5_closed_contour(const struct e5_contour_search *search, long cell,
                                             struct e5_basin *basin, double *depth, struct e5_error *err);

#endif
