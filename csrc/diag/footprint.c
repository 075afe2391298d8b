#include "diag/footprint.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/polygon.h"

struct extent { /* rows and columns of the data: [first, end) */
    size_t row, row_end, column, column_end;
};

enum e5_status e5_footprint_init(struct e5_footprint *f, const struct e5_grid *grid, struct e5_error *err) {
    size_t cells;
    *f = (struct e5_footprint){.lattice = e5_lattice_of(grid)};
    enum e5_status status = e5_multiply(grid->rows, grid->columns, &cells, err);
    if (status == E5_OK) status = e5_alloc(cells, sizeof *f->touched, &f->touched, err);
    if (status == E5_OK) status = e5_alloc(grid->columns, sizeof *f->column_touched, &f->column_touched, err);
    return status;
}

void e5_footprint_fini(struct e5_footprint *f) {
    free(f->touched);
    free(f->column_touched);
    free(f->cell);
    *f = (struct e5_footprint){0};
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static struct extent mark(struct e5_footprint *f, const struct e5_run *run, size_t n) {
    const struct e5_grid *grid = f->lattice.grid;
    struct extent extent = {.row = grid->rows, .column = grid->columns};
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)run[i].row, first = (size_t)run[i].first, count = (size_t)run[i].count;
        memset(f->touched + row * grid->columns + first, 1, count);
        extent.row = smaller(extent.row, row), extent.row_end = larger(extent.row_end, row + 1);
        extent.column = smaller(extent.column, first), extent.column_end = larger(extent.column_end, first + count);
    }
    return extent;
}

static enum e5_status add_cell(struct e5_footprint *f, size_t cell, struct e5_error *err) {
    if (f->cells == f->room) {
        size_t room = f->room + f->room / 2 + 64;
        enum e5_status status = e5_grow(f->room, room, sizeof *f->cell, &f->cell, err);
        if (status != E5_OK) return status;
        f->room = room;
    }
    f->cell[f->cells++] = (int64_t)cell;
    return E5_OK;
}

/* From marks to a list, and the map is clean again. */
static enum e5_status list_cells(struct e5_footprint *f, struct extent extent, struct e5_error *err) {
    size_t columns = f->lattice.grid->columns;
    enum e5_status status = E5_OK;
    f->cells = 0;
    for (size_t row = extent.row; row < extent.row_end; row++) {
        uint8_t *touched = f->touched + row * columns;
        for (size_t c = extent.column; c < extent.column_end && status == E5_OK; c++)
            if (touched[c]) status = add_cell(f, row * columns + c, err);
        memset(touched + extent.column, 0, extent.column_end - extent.column);
    }
    return status;
}

static double area_of_cells(const struct e5_footprint *f) {
    const struct e5_grid *grid = f->lattice.grid;
    double area = 0;
    for (size_t i = 0, end; i < f->cells; i = end) {
        size_t row = (size_t)f->cell[i] / grid->columns, row_end = (row + 1) * grid->columns;
        for (end = i + 1; end < f->cells && (size_t)f->cell[end] < row_end;) end++;
        area += grid->area[row] * (double)(end - i);
    }
    return area;
}

/* The columns at either side of the widest empty arc of a circle; of equal ones the first that begins counts. */
static void widest_gap(const bool *touched, size_t columns, size_t *before, size_t *after, size_t *width) {
    size_t first = 0;
    while (!touched[first]) first++;
    *width = 0;
    for (size_t last = first, next; last < first + columns; last = next) {
        for (next = last + 1; !touched[next % columns];) next++;
        if (next - last - 1 <= *width) continue;
        *width = next - last - 1;
        *before = last % columns, *after = next % columns;
    }
}

/* The smallest arc that holds all columns, and 180 written with the sign of the side that it closes. */
static void find_arc(struct e5_footprint *f, struct extent extent, struct e5_event *event) {
    const struct e5_grid *grid = f->lattice.grid;
    size_t west = extent.column, east = extent.column_end - 1, gap = 1;
    if (grid->periodic) {
        memset(f->column_touched, 0, grid->columns * sizeof *f->column_touched);
        for (size_t i = 0; i < f->cells; i++) f->column_touched[(size_t)f->cell[i] % grid->columns] = true;
        widest_gap(f->column_touched, grid->columns, &east, &west, &gap);
    }
    event->west = gap > 0 ? e5_grid_fold(e5_lattice_edge(grid, west)) : -180;
    event->east = gap > 0 ? e5_grid_fold(e5_lattice_edge(grid, east + 1)) : 180;
    if (event->west == 180) event->west = -180;
    if (event->east == -180) event->east = 180;
}

/* The grid ends at a row, and the globe does not, if another row would have had room. */
static bool row_at_edge(const struct e5_grid *grid, size_t row) {
    size_t inner = row == 0 ? 1 : row - 1;
    if (row > 0 && row + 1 < grid->rows) return false;
    double outermost = grid->latitude[row];
    double step = grid->rows > 1 ? fabs(outermost - grid->latitude[inner]) : grid->step;
    return fabs(outermost) + step <= 90 + 1e-3 * step;
}

static bool at_edge(const struct e5_grid *grid, struct extent extent) {
    bool columns = extent.column == 0 || extent.column_end == grid->columns;
    if (columns && !grid->periodic) return true;
    return row_at_edge(grid, extent.row) || row_at_edge(grid, extent.row_end - 1);
}

enum e5_status e5_footprint_measure(struct e5_footprint *f, const struct e5_run *run, struct e5_event *event,
                                    struct e5_buffer *wkb, struct e5_error *err) {
    const struct e5_lattice *lattice = &f->lattice;
    struct extent extent = mark(f, run, event->runs);
    enum e5_status status = list_cells(f, extent, err);
    if (status != E5_OK) return status;
    size_t a = e5_lattice_row(lattice, extent.row), b = e5_lattice_row(lattice, extent.row_end - 1);
    event->footprint = area_of_cells(f);
    event->south = e5_lattice_latitude(lattice, smaller(a, b));
    event->north = e5_lattice_latitude(lattice, larger(a, b) + 1);
    find_arc(f, extent, event);
    event->touches_edge = at_edge(lattice->grid, extent);
    event->outline = wkb->size;
    status = e5_polygon_of_cells(lattice->grid, f->cell, f->cells, wkb, err);
    event->outline_size = wkb->size - event->outline;
    return status;
}
