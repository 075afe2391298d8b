/* morphology: closing and opening of a time step with a disc on the sphere.
 *
 * A disc of radius r km around a cell holds the cells whose centres lie within r of its own, measured along the great
 * circle (a billionth more counts as r, for rounding).  On a periodic grid it goes round the seam; near a pole it
 * holds whole rows and so reaches across; the cells of a row on a pole are one point.  Differences of longitude are
 * counted along the columns: on a regional grid a disc never reaches round the back of the globe (where columns are
 * more than 180° apart, the distance is that of 180°).
 *
 * The disc is cut at the edge of the domain: what lies outside neither adds cells nor takes any (border value 0 for
 * dilation, 1 for erosion, in the terms of scipy.ndimage).  So an object at the edge keeps its cells, closing never
 * takes and opening never adds a cell, and doing either twice changes nothing more, as on an unbounded plane.
 *
 * A frame is one time step as bits (events/bits): `rows` rows of e5_bits_words(columns) words each.
 * The disc owns its table (_init/_fini) and is read-only between: any number of threads, each with a scratch of its
 * own, of e5_disc_scratch() words, whose contents do not matter before and after.  Nothing blocks. */
#ifndef E5_EVENTS_MORPHOLOGY_H
#define E5_EVENTS_MORPHOLOGY_H

#include <stdint.h>

#include "model/grid.h"

struct e5_reach { /* a cell of one row reaches `half` columns to either side in another one */
    int32_t row, half;
};

struct e5_disc {
    size_t rows, columns, words; /* words of a row */
    bool periodic;
    size_t *first;               /* rows + 1: row r reaches the rows in reach[first[r]] … reach[first[r + 1] − 1] */
    struct e5_reach *reach;      /* of each row by increasing half */
};

/* E5_INPUT unless 0 ≤ radius_km, finite.  With radius 0 a disc is one cell, or a pole. */
E5_MUST_USE enum e5_status e5_disc_init(struct e5_disc *disc, const struct e5_grid *grid, double radius_km,
                                        struct e5_error *err);
void e5_disc_fini(struct e5_disc *disc);
size_t e5_disc_scratch(const struct e5_disc *disc); /* words */

/* Closing: a cell joins that no disc holds without holding a cell of the frame too: gaps and holes narrower than the
 * disc are filled.  Cells that are 0 in `valid` (a frame; NULL: all are 1) stay out: missing values belong to no
 * event. Opening: a cell stays that lies in a disc with cells of the frame only: what is narrower than the disc goes.
 * To do both, close first, then open. */
void e5_disc_close(const struct e5_disc *disc, const uint64_t *valid, uint64_t *frame, uint64_t *scratch);
void e5_disc_open(const struct e5_disc *disc, uint64_t *frame, uint64_t *scratch);

#endif
