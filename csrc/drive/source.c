#include "drive/source.h"

#include "base/alloc.h"
#include "drive/cells.h"

#define TASK_CELLS 65536 /* values that one task decodes: some 0.1 ms */

struct reading {
    struct e5_cells cells;
    size_t first, pieces, piece; /* a step is decoded in `pieces` pieces of at most `piece` cells */
    char *out;
};

static enum e5_status read_piece(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct reading *reading = context;
    const struct e5_cells *cells = &reading->cells;
    size_t step = index / reading->pieces, from = index % reading->pieces * reading->piece;
    size_t n = cells->count - from < reading->piece ? cells->count - from : reading->piece;
    (void)slot;
    (void)err;
    e5_cells_row_as_stored(cells, reading->first + step, from, n,
                           reading->out + (step * cells->count + from) * e5_dtype_size(cells->dtype));
    return E5_OK;
}

static enum e5_status read_memory(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                  struct e5_watch *watch, struct e5_error *err) {
    struct reading reading = {.cells = e5_cells_of(self), .first = first, .piece = TASK_CELLS, .out = out};
    reading.pieces = (reading.cells.count + TASK_CELLS - 1) / TASK_CELLS;
    return e5_parallel_for(par, watch, steps * reading.pieces, read_piece, &reading, err);
}

static size_t block_memory(const void *self, size_t first, size_t ceiling) {
    struct e5_cells cells = e5_cells_of(self);
    size_t row = cells.count * e5_dtype_size(cells.dtype), left = cells.steps - first;
    size_t steps = row > 0 ? ceiling / row : left;
    return steps < 1 ? 1 : steps < left ? steps : left;
}

/* The array itself, when it already looks like a block. */
static const void *block_in_place(const struct e5_cells *cells) {
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(cells->dtype);
    bool rows = cells->ndim == 1 && (cells->count <= 1 || cells->strides[0] == size);
    bool steps = cells->steps <= 1 || cells->step_stride == (ptrdiff_t)cells->count * size;
    return cells->plain && rows && steps ? cells->view->data : NULL;
}

struct e5_source e5_source_memory(const struct e5_view *view) {
    struct e5_cells cells = e5_cells_of(view);
    return (struct e5_source){
        .steps = cells.steps,
        .cells = cells.count,
        .dtype = cells.dtype,
        .view = view,
        .direct = block_in_place(&cells),
        .self = (void *)(uintptr_t)view, /* read only; the interface has room for sources that change */
        .block = block_memory,
        .read = read_memory,
    };
}

enum e5_status e5_source_block(const struct e5_source *source, size_t first, size_t ceiling, size_t *steps,
                               struct e5_error *err) {
    *steps = source->block(source->self, first, ceiling);
    if (*steps < 1 || *steps > source->steps - first)
        return e5_fail(err, E5_INTERNAL, "a source gave a block of %zu steps", *steps);
    return E5_OK;
}

static enum e5_status have_room(const struct e5_source *source, struct e5_source_cursor *cursor,
                                struct e5_error *err) {
    size_t bytes;
    enum e5_status status = e5_multiply(cursor->steps, source->cells * e5_dtype_size(source->dtype), &bytes, err);
    if (status != E5_OK || (cursor->own != NULL && cursor->room >= bytes)) return status;
    e5_source_cursor_fini(cursor); /* nothing in it is needed any more: no copy */
    status = e5_alloc_plain(bytes, &cursor->own, err);
    if (status == E5_OK) cursor->room = bytes;
    return status;
}

enum e5_status e5_source_next(struct e5_source *source, size_t ceiling, const struct e5_parallel *par,
                              struct e5_watch *watch, struct e5_source_cursor *cursor, struct e5_error *err) {
    cursor->first += cursor->steps;
    cursor->steps = 0;
    if (cursor->first >= source->steps) return E5_OK;
    enum e5_status status = e5_source_block(source, cursor->first, ceiling, &cursor->steps, err);
    if (status != E5_OK) return status;
    if (source->direct != NULL) {
        cursor->values = (const char *)source->direct + cursor->first * source->cells * e5_dtype_size(source->dtype);
        return E5_OK;
    }
    status = have_room(source, cursor, err);
    cursor->values = cursor->own;
    if (status != E5_OK) return status;
    return source->read(source->self, cursor->first, cursor->steps, cursor->own, par, watch, err);
}

void e5_source_cursor_fini(struct e5_source_cursor *cursor) {
    free(cursor->own);
    cursor->own = NULL;
    cursor->room = 0;
}
