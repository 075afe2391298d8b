/* neighbours: which cells of a map touch a cell, all round the globe.
 *
 * On a periodic grid the last column touches the first.  A row on a pole has nothing beyond it; its cells are one
 * point, so they should hold one value.  Where the outermost row of a periodic grid reaches to the pole but is not on
 * it, the cell beyond is the one on the other side of the pole (with an odd number of columns there is none).
 * Everything else beyond the outermost rows and columns is unknown.  Read-only: any thread; nothing blocks. */
#ifndef E5_EVENTS_NEIGHBOURS_H
#define E5_EVENTS_NEIGHBOURS_H

#include "model/grid.h"

enum { E5_BESIDE = 4, E5_AROUND = 8 }; /* neighbours across edges; and across corners */
enum { E5_CELL_NONE = -1, E5_CELL_UNKNOWN = -2 };
enum e5_beyond { E5_BEYOND_UNKNOWN, E5_BEYOND_NONE, E5_BEYOND_OPPOSITE };

struct e5_neighbours {
    long rows, columns;
    bool periodic;
    enum e5_beyond first, last; /* what lies beyond the first and the last row */
};

struct e5_neighbours e5_neighbours_of(const struct e5_grid *grid);
/* The k-th neighbour of cell row × columns + column, or one of E5_CELL_…; those across edges are 0 … 3. */
long e5_neighbour(const struct e5_neighbours *all, long cell, int k);

#endif
