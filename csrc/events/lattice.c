#include "events/lattice.h"

#include <math.h>

/* Files keep longitudes in float32: an edge that lies this near to the antimeridian, in columns, lies on it. */
#define SNAP 1e-3

double e5_lattice_edge(const struct e5_grid *grid, size_t column) {
    return grid->longitude[0] + ((double)column - 0.5) * grid->step;
}

struct e5_lattice e5_lattice_of(const struct e5_grid *grid) {
    struct e5_lattice l = {.grid = grid, .columns = grid->columns, .north_first = grid->edge[0] > grid->edge[1]};
    double west = e5_lattice_edge(grid, 0), snap = SNAP * grid->step;
    double antimeridian = 360 * floor((west + snap + 180) / 360) + 180; /* the next one to the east */
    double column = (antimeridian - west) / grid->step;                 /* where it is, in columns */
    l.shift = antimeridian - 180;
    if (column >= (double)grid->columns - SNAP) return l;
    l.shift = antimeridian + 180;
    l.start = (size_t)(column + SNAP);
    l.halves = column - (double)l.start > SNAP;
    l.gap = !grid->periodic;
    l.columns += (size_t)l.halves + (size_t)l.gap;
    return l;
}

size_t e5_lattice_row(const struct e5_lattice *l, size_t row) {
    return l->north_first ? l->grid->rows - 1 - row : row;
}

double e5_lattice_latitude(const struct e5_lattice *l, size_t line) {
    return l->grid->edge[l->north_first ? l->grid->rows - line : line];
}

size_t e5_lattice_place(const struct e5_lattice *l, size_t column, size_t *half) {
    *half = l->halves && column == l->start ? l->columns - 1 : E5_NO_PLACE;
    if (column >= l->start) return column - l->start;
    return l->grid->columns - l->start + (size_t)l->gap + column;
}

double e5_lattice_longitude(const struct e5_lattice *l, size_t line) {
    size_t west_part = l->grid->columns - l->start; /* columns of the map before the gap */
    bool cut = l->start > 0 || l->halves;
    if (cut && line == 0) return -180;
    if (cut && line == l->columns) return 180;
    double longitude = line <= west_part
                           ? e5_lattice_edge(l->grid, l->start + line) - l->shift
                           : e5_lattice_edge(l->grid, line - west_part - (size_t)l->gap) - l->shift + 360;
    return fmin(180, fmax(-180, longitude));
}
