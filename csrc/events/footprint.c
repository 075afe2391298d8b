#include "events/footprint.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "events/bits.h"

struct extent { /* rows and columns of the data: [first, end) */
    size_t row, row_end, column, column_end;
};

enum e5_status e5_footprint_init(struct e5_footprint *f, const struct e5_grid *grid, struct e5_error *err) {
    size_t cells;
    *f = (struct e5_footprint){.grid = grid, .words = e5_bits_words(grid->columns)};
    e5_polygon_init(&f->polygon, grid);
    enum e5_status status = e5_multiply(grid->rows, f->words, &cells, err);
    if (status == E5_OK) status = e5_alloc(cells, sizeof *f->touched, &f->touched, err);
    return status == E5_OK ? e5_alloc(f->words, sizeof *f->columns, &f->columns, err) : status;
}

void e5_footprint_fini(struct e5_footprint *f) {
    free(f->touched);
    free(f->columns);
    free(f->span);
    e5_polygon_fini(&f->polygon);
    *f = (struct e5_footprint){0};
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static struct extent extent_of(const struct e5_run *run, size_t n) {
    struct extent extent = {SIZE_MAX, 0, SIZE_MAX, 0};
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)run[i].row, first = (size_t)run[i].first, count = (size_t)run[i].count;
        extent.row = smaller(extent.row, row), extent.row_end = larger(extent.row_end, row + 1);
        extent.column = smaller(extent.column, first), extent.column_end = larger(extent.column_end, first + count);
    }
    return extent;
}

static void set_bits(uint64_t *row, size_t first, size_t end) {
    size_t word = first / E5_WORD_BITS, last = (end - 1) / E5_WORD_BITS;
    uint64_t from = ~(uint64_t)0 << first % E5_WORD_BITS;
    uint64_t to = ~(uint64_t)0 >> (E5_WORD_BITS - 1 - (end - 1) % E5_WORD_BITS);
    if (word == last) {
        row[word] |= from & to;
        return;
    }
    row[word] |= from;
    for (word++; word < last; word++) row[word] = ~(uint64_t)0;
    row[last] |= to;
}

/* Spans of the footprint. */

static enum e5_status make_room(struct e5_footprint *f, struct e5_error *err) {
    size_t most = f->words * E5_WORD_BITS / 2 + 1; /* of a row */
    if (f->spans + most <= f->room) return E5_OK;
    size_t room = f->spans + f->spans / 2 + most;
    enum e5_status status = e5_grow(f->room, room, sizeof *f->span, &f->span, err);
    if (status == E5_OK) f->room = room;
    return status;
}

/* A span begins or ends where a bit differs from the one before. */
static void take_spans(struct e5_footprint *f, uint64_t *bits, size_t row, struct extent extent) {
    size_t end = e5_bits_words(extent.column_end);
    uint64_t before = 0;
    for (size_t w = extent.column / E5_WORD_BITS; w < end; w++) {
        for (uint64_t turns = bits[w] ^ (bits[w] << 1 | before); turns != 0; turns &= turns - 1) {
            size_t bit = (size_t)__builtin_ctzll(turns);
            int32_t column = (int32_t)(w * E5_WORD_BITS + bit);
            if (bits[w] >> bit & 1)
                f->span[f->spans] = (struct e5_span){(int32_t)row, column, 0};
            else
                f->span[f->spans++].end = column;
        }
        before = bits[w] >> (E5_WORD_BITS - 1);
        f->columns[w] |= bits[w];
        bits[w] = 0;
    }
    if (before) f->span[f->spans++].end = (int32_t)extent.column_end;
}

/* From the runs of all steps to spans; the map is clean again, but for `columns`, which holds what was touched. */
static enum e5_status find_spans(struct e5_footprint *f, const struct e5_run *run, size_t n, struct extent extent,
                                 struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n; i++)
        set_bits(f->touched + (size_t)run[i].row * f->words, (size_t)run[i].first,
                 (size_t)run[i].first + (size_t)run[i].count);
    f->spans = 0;
    for (size_t row = extent.row; row < extent.row_end; row++) {
        if (status == E5_OK) status = make_room(f, err);
        if (status == E5_OK) take_spans(f, f->touched + row * f->words, row, extent);
    }
    return status;
}

static double area_of_spans(const struct e5_footprint *f) {
    double area = 0;
    for (size_t i = 0, next; i < f->spans; i = next) {
        int64_t cells = 0;
        for (next = i; next < f->spans && f->span[next].row == f->span[i].row; next++)
            cells += f->span[next].end - f->span[next].first;
        area += f->grid->area[f->span[i].row] * (double)cells;
    }
    return area;
}

/* Boxes. */

struct gap { /* columns without a cell, between two with one */
    size_t before, after, width;
};

/* The widest one of a circle whose outermost touched columns are known. */
static struct gap widest_gap(const uint64_t *touched, size_t first, size_t last, size_t columns) {
    struct gap widest = {last, first, columns - 1 - last + first};
    size_t across = widest.width, before = first, inner = 0;
    if (across >= last - first) return widest;
    for (size_t w = first / E5_WORD_BITS; w <= last / E5_WORD_BITS; w++)
        for (uint64_t bits = touched[w]; bits != 0; bits &= bits - 1) {
            size_t column = w * E5_WORD_BITS + (size_t)__builtin_ctzll(bits);
            size_t width = column > before ? column - before - 1 : 0;
            /* The one across the seam comes last: it has to be wider than all others. */
            if (width > inner && width >= across) widest = (struct gap){before, column, width};
            inner = larger(inner, width);
            before = column;
        }
    return widest;
}

static void set_rows(const struct e5_footprint *f, struct extent extent, struct e5_bounds *box) {
    const struct e5_lattice *lattice = &f->polygon.lattice;
    size_t a = e5_lattice_row(lattice, extent.row), b = e5_lattice_row(lattice, extent.row_end - 1);
    box->south = e5_lattice_latitude(lattice, smaller(a, b));
    box->north = e5_lattice_latitude(lattice, larger(a, b) + 1);
}

/* 180 is written with the sign of the side that it closes. */
static void set_columns(const struct e5_footprint *f, struct extent extent, struct e5_bounds *box) {
    struct gap gap = {extent.column_end - 1, extent.column, 1};
    if (f->grid->periodic) gap = widest_gap(f->columns, extent.column, extent.column_end - 1, f->grid->columns);
    box->west = gap.width > 0 ? e5_grid_fold(e5_lattice_edge(f->grid, gap.after)) : -180;
    box->east = gap.width > 0 ? e5_grid_fold(e5_lattice_edge(f->grid, gap.before + 1)) : 180;
    if (box->west == 180) box->west = -180;
    if (box->east == -180) box->east = 180;
}

void e5_footprint_box(struct e5_footprint *f, const struct e5_run *run, size_t runs, struct e5_bounds *box) {
    struct extent extent = extent_of(run, runs);
    for (size_t i = 0; f->grid->periodic && i < runs; i++)
        set_bits(f->columns, (size_t)run[i].first, (size_t)run[i].first + (size_t)run[i].count);
    set_rows(f, extent, box);
    set_columns(f, extent, box);
    memset(f->columns, 0, f->words * sizeof *f->columns);
}

/* Flags. */

/* The grid ends at a row, and the globe does not, if another row would have had room. */
static bool row_at_edge(const struct e5_grid *grid, size_t row) {
    size_t inner = row == 0 ? 1 : row - 1;
    if (row > 0 && row + 1 < grid->rows) return false;
    double outermost = grid->latitude[row];
    double step = grid->rows > 1 ? fabs(outermost - grid->latitude[inner]) : grid->step;
    return fabs(outermost) + step <= 90 + 1e-3 * step;
}

static void set_flags(const struct e5_grid *grid, struct extent extent, struct e5_event *event) {
    bool first = extent.column == 0, last = extent.column_end == grid->columns;
    event->touches_edge = row_at_edge(grid, extent.row) || row_at_edge(grid, extent.row_end - 1) ||
                          (!grid->periodic && (first || last));
    event->crosses_seam = grid->periodic && first && last;
    event->touches_pole = (grid->pole_first && extent.row == 0) || (grid->pole_last && extent.row_end == grid->rows);
}

enum e5_status e5_footprint_measure(struct e5_footprint *f, const struct e5_run *run, struct e5_event *event,
                                    struct e5_buffer *wkb, struct e5_error *err) {
    struct extent extent = extent_of(run, event->runs);
    enum e5_status status = find_spans(f, run, event->runs, extent, err);
    if (status != E5_OK) return status;
    event->footprint = area_of_spans(f);
    set_rows(f, extent, &event->box);
    set_columns(f, extent, &event->box);
    memset(f->columns, 0, f->words * sizeof *f->columns);
    set_flags(f->grid, extent, event);
    event->outline = wkb->size;
    status = e5_polygon_write(&f->polygon, f->span, f->spans, wkb, err);
    event->outline_size = wkb->size - event->outline;
    return status;
}
