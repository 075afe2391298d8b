/* lattice: the lines between the cells of a grid, and the map of −180 … 180 that they make.
 *
 * Rows count upwards in latitude here, whichever way the data run; columns run eastwards in both.
 *
 * The map begins at the antimeridian.  Where that runs through the middle of a column, the column stands on the map
 * twice, as a half on either side.  Where a regional grid crosses it, one empty column of the map stands for the part
 * of the circle that the grid leaves out.
 * A struct e5_lattice borrows its grid.  Pure functions: any thread; nothing blocks. */
#ifndef E5_EVENTS_LATTICE_H
#define E5_EVENTS_LATTICE_H

#include "model/grid.h"

#define E5_NO_PLACE ((size_t)-1)

struct e5_lattice {
    const struct e5_grid *grid;
    bool north_first; /* order of the data */
    size_t columns;   /* of the map, between lines 0 … columns */
    size_t start;     /* column of the grid that the map begins with */
    bool halves, gap; /* that column is cut in two; there is an empty column */
    double shift;     /* multiple of 360 that brings it to the western end of the map */
};

struct e5_lattice e5_lattice_of(const struct e5_grid *grid);
size_t e5_lattice_row(const struct e5_lattice *lattice, size_t row);       /* from the south */
double e5_lattice_latitude(const struct e5_lattice *lattice, size_t line); /* 0 … rows, from the south */
/* Western edge of a column of the grid (columns: the eastern edge of the last one); not folded. */
double e5_lattice_edge(const struct e5_grid *grid, size_t column);
/* Where a column stands on the map; *half is the place of its other half, or E5_NO_PLACE. */
size_t e5_lattice_place(const struct e5_lattice *lattice, size_t column, size_t *half);
double e5_lattice_longitude(const struct e5_lattice *lattice, size_t line); /* 0 … columns of the map */

#endif
