#include "drive/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64   /* bytes */
#define PIECE 512 /* cells decoded at a time on their way to float32: 4 KiB of stack */

static bool is_single(enum e5_dtype dtype) {
    return dtype == E5_F32 || (dtype != E5_F64 && e5_dtype_size(dtype) <= 2);
}

static bool is_scaled(const struct e5_packing *packing) { return packing->scale != 1 || packing->offset != 0; }

static bool is_packed(const struct e5_packing *packing) {
    return is_scaled(packing) || !isnan(packing->fill) || !isnan(packing->missing) || packing->others > 0 ||
           !isinf(packing->valid_min) || !isinf(packing->valid_max);
}

static bool is_aligned(const struct e5_view *view) {
    size_t size = e5_dtype_size(view->dtype);
    bool aligned = (uintptr_t)view->data % size == 0;
    for (int i = 0; i < view->ndim; i++) aligned = aligned && (size_t)llabs(view->strides[i]) % size == 0;
    return aligned;
}

/* Append a dimension, or let it lengthen the one before when the two are walked with one stride. */
static void add_dimension(struct e5_cells *cells, size_t length, ptrdiff_t stride) {
    int last = cells->ndim - 1;
    if (length == 1) return;
    if (cells->ndim > 0 && cells->strides[last] == stride * (ptrdiff_t)length) {
        cells->shape[last] *= length;
        cells->strides[last] = stride;
        return;
    }
    cells->shape[cells->ndim] = length;
    cells->strides[cells->ndim++] = stride;
}

struct e5_cells e5_cells_of(const struct e5_view *view) {
    struct e5_cells cells = {
        .view = view,
        .steps = view->shape[0],
        .count = 1,
        .step_stride = view->strides[0],
        .dtype = is_single(view->dtype) ? E5_F32 : E5_F64,
    };
    cells.plain = view->dtype == cells.dtype && !view->swapped && !is_packed(&view->packing) && is_aligned(view);
    for (int i = 1; i < view->ndim; i++) {
        cells.count *= view->shape[i];
        add_dimension(&cells, view->shape[i], view->strides[i]);
    }
    if (cells.ndim == 0) { /* a single cell */
        cells.shape[cells.ndim] = 1;
        cells.strides[cells.ndim++] = (ptrdiff_t)e5_dtype_size(view->dtype);
    }
    return cells;
}

/* Where a cell of step 0 lies. */
static const char *cell_address(const struct e5_cells *cells, size_t cell) {
    const char *address = cells->view->data;
    for (int i = cells->ndim - 1; i >= 0; i--) {
        address += (ptrdiff_t)(cell % cells->shape[i]) * cells->strides[i];
        cell /= cells->shape[i];
    }
    return address;
}

/* Cells from `first` that lie along the last dimension, at most n. */
static size_t run_length(const struct e5_cells *cells, size_t first, size_t n) {
    size_t length = cells->shape[cells->ndim - 1], left = length - first % length;
    return left < n ? left : n;
}

/* Unpacking goes through double; the value is that of one rounding to the precision of the array. */
static void decode(const struct e5_cells *cells, const char *from, ptrdiff_t stride, size_t n, double *out) {
    e5_view_decode(cells->view, from, stride, n, out);
    if (cells->dtype == E5_F32 && is_scaled(&cells->view->packing))
        for (size_t i = 0; i < n; i++) out[i] = (float)out[i];
}

void e5_cells_row(const struct e5_cells *cells, size_t step, size_t first, size_t n, double *out) {
    ptrdiff_t to_step = (ptrdiff_t)step * cells->step_stride, stride = cells->strides[cells->ndim - 1];
    for (size_t done = 0, length; done < n; done += length) {
        length = run_length(cells, first + done, n - done);
        decode(cells, cell_address(cells, first + done) + to_step, stride, length, out + done);
    }
}

static void copy_row(const struct e5_cells *cells, size_t step, size_t first, size_t n, char *out) {
    size_t size = e5_dtype_size(cells->dtype);
    for (size_t done = 0, length; done < n; done += length) {
        length = run_length(cells, first + done, n - done);
        const char *from = cell_address(cells, first + done) + (ptrdiff_t)step * cells->step_stride;
        memcpy(out + done * size, from, length * size);
    }
}

static void row_as_single(const struct e5_cells *cells, size_t step, size_t first, size_t n, float *out) {
    double piece[PIECE];
    for (size_t done = 0, length; done < n; done += length) {
        length = n - done < PIECE ? n - done : PIECE;
        e5_cells_row(cells, step, first + done, length, piece);
        for (size_t i = 0; i < length; i++) out[done + i] = (float)piece[i];
    }
}

void e5_cells_row_as_stored(const struct e5_cells *cells, size_t step, size_t first, size_t n, void *out) {
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(cells->dtype);
    if (cells->plain && cells->strides[cells->ndim - 1] == size)
        copy_row(cells, step, first, n, out);
    else if (cells->dtype == E5_F32)
        row_as_single(cells, step, first, n, out);
    else
        e5_cells_row(cells, step, first, n, out);
}

const char *e5_cells_side_by_side(const struct e5_cells *cells, size_t first, size_t n) {
    bool whole = cells->strides[cells->ndim - 1] == (ptrdiff_t)e5_dtype_size(cells->dtype);
    return cells->plain && whole && run_length(cells, first, n) == n ? cell_address(cells, first) : NULL;
}

void e5_cells_prefetch(const struct e5_cells *cells, size_t step, size_t first, size_t n) {
    const char *address = cell_address(cells, first) + (ptrdiff_t)step * cells->step_stride;
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(cells->view->dtype);
    if (cells->strides[cells->ndim - 1] != size) return;
    for (ptrdiff_t at = 0; at < (ptrdiff_t)n * size; at += LINE) __builtin_prefetch(address + at);
}

void e5_cells_series(const struct e5_cells *cells, size_t cell, size_t first, size_t n, double *out) {
    decode(cells, cell_address(cells, cell) + (ptrdiff_t)first * cells->step_stride, cells->step_stride, n, out);
}
