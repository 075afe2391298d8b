#include "events/neighbours.h"

#include <math.h>

static enum e5_beyond beyond_row(const struct e5_grid *grid, bool on_pole, double edge) {
    if (!grid->periodic) return on_pole ? E5_BEYOND_NONE : E5_BEYOND_UNKNOWN;
    if (on_pole) return E5_BEYOND_NONE;
    if (fabs(edge) < 90 - 1e-6) return E5_BEYOND_UNKNOWN;
    return grid->columns % 2 == 0 ? E5_BEYOND_OPPOSITE : E5_BEYOND_NONE;
}

struct e5_neighbours e5_neighbours_of(const struct e5_grid *grid) {
    return (struct e5_neighbours){
        .rows = (long)grid->rows,
        .columns = (long)grid->columns,
        .periodic = grid->periodic,
        .first = beyond_row(grid, grid->pole_first, grid->edge[0]),
        .last = beyond_row(grid, grid->pole_last, grid->edge[grid->rows]),
    };
}

long e5_neighbour(const struct e5_neighbours *all, long cell, int k) {
    static const signed char down[E5_AROUND] = {-1, 0, 0, 1, -1, -1, 1, 1};
    static const signed char right[E5_AROUND] = {0, -1, 1, 0, -1, 1, -1, 1};
    long row = cell / all->columns + down[k], column = cell % all->columns + right[k];
    if (row < 0 || row >= all->rows) {
        enum e5_beyond beyond = row < 0 ? all->first : all->last;
        if (beyond != E5_BEYOND_OPPOSITE) return beyond == E5_BEYOND_NONE ? E5_CELL_NONE : E5_CELL_UNKNOWN;
        row -= down[k];
        column += all->columns / 2;
    }
    if (column >= 0 && column < all->columns) return row * all->columns + column;
    if (!all->periodic) return E5_CELL_UNKNOWN;
    return row * all->columns + (column + all->columns) % all->columns;
}
