/* Where the operands come from: memory is swept as it lies; a source is read whole where the budget allows it, else
 * laid out anew in tiles on disk first, so that whole series can be read. */
#include "drive/sweep.h"

#include "base/alloc.h"
#include "drive/spill.h"
#include "drive/sweep_part.h"

/* Most memory for what goes through the disk, however large the budget: more makes it no faster and takes pages from
 * the scratch files. */
#define MOST_BYTES ((size_t)1 << 30)
#define BLOCKS 4 /* a block of a source takes a quarter of that … */
#define TILES 2  /* … and afterwards a tile of all sources half of it */

enum e5_status e5_sweep_plan(const struct e5_kernel *kernel, const struct e5_params *params,
                             const struct e5_series_input *input, struct e5_sweep_plan *out, struct e5_error *err) {
    struct e5_series_plan made = {0};
    *out = (struct e5_sweep_plan){.kernel = kernel, .input = *input};
    if (kernel->kind != E5_SERIES) return e5_fail(err, E5_INPUT, "%s does not run on series", kernel->name);
    enum e5_status status = e5_kernel_check(kernel, params, err);
    if (status == E5_OK) status = e5_time_axis_check(input->axis, err);
    if (status == E5_OK) status = kernel->ops.series->plan(params, input, &made, err);
    out->plan = made.plan;
    out->out_rows = made.out_rows;
    out->scratch_bytes = made.scratch_bytes;
    return status;
}

void e5_sweep_plan_fini(struct e5_sweep_plan *plan) {
    if (plan->plan != NULL) plan->kernel->ops.series->plan_free(plan->plan);
    plan->plan = NULL;
}

/* --- operands --- */

/* Operands that were read: whole, or one part after the other from a scratch file. */
struct reading {
    const struct e5_sweep *sweep;
    size_t operands, cells;
    struct e5_sweep_cells at[E5_MAX_OPERANDS];
    struct e5_view view[E5_MAX_OPERANDS];
    char *data[E5_MAX_OPERANDS];
    struct e5_spill spill[E5_MAX_OPERANDS];
    const struct e5_parallel *par;
    struct e5_watch *watch;
};

static const struct e5_source *source_of(const struct reading *r, size_t i) { return r->sweep->operands[i].source; }

static size_t row_bytes(const struct e5_source *source) { return source->cells * e5_dtype_size(source->dtype); }

/* How much there is to do, and bytes of one cell in all sources. */
static enum e5_status measure(struct reading *r, size_t *bytes_per_cell, struct e5_error *err) {
    size_t work = 0, bytes;
    *bytes_per_cell = 0;
    for (size_t i = 0; i < r->operands; i++) {
        const struct e5_source *source = source_of(r, i);
        const struct e5_view *view = r->sweep->operands[i].view;
        size_t cells = source != NULL ? source->cells : view != NULL ? e5_cells_of(view).count : r->cells;
        if (r->cells == 0) r->cells = cells; /* the first that is given */
        if (cells != r->cells)
            return e5_fail(err, E5_INPUT, "%s: operands of %zu and %zu cells", r->sweep->plans[0].kernel->name,
                           r->cells, cells);
        if (source == NULL) continue;
        enum e5_status status = e5_multiply(source->steps, row_bytes(source), &bytes, err);
        if (status != E5_OK) return status;
        work += source->steps * source->cells;
        *bytes_per_cell += source->steps * e5_dtype_size(source->dtype);
    }
    e5_watch_expect(r->watch, (int64_t)(work + r->sweep->plans[0].input.axis->n * r->cells));
    return e5_multiply(*bytes_per_cell, r->cells, &bytes, err);
}

/* What was read of an operand, as it lies in its buffer. */
static void show(struct reading *r, size_t i, size_t cells) {
    const struct e5_source *source = source_of(r, i);
    size_t size = e5_dtype_size(source->dtype);
    r->view[i] = (struct e5_view){.data = r->data[i],
                                  .dtype = source->dtype,
                                  .ndim = 2,
                                  .shape = {source->steps, cells},
                                  .strides = {(ptrdiff_t)(cells * size), (ptrdiff_t)size},
                                  .packing = E5_PACKING_NONE};
    if (source->scale != 0) {
        r->view[i].packing.scale = source->scale;
        r->view[i].packing.offset = source->offset;
    }
    r->at[i] = (struct e5_sweep_cells){&r->view[i], 0};
}

static enum e5_status read_whole(struct reading *r, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < r->operands && status == E5_OK; i++) {
        struct e5_source *source = r->sweep->operands[i].source;
        if (source == NULL) continue;
        status = e5_alloc(source->steps, row_bytes(source), &r->data[i], err);
        if (status == E5_OK) status = source->read(source->self, 0, source->steps, r->data[i], r->par, r->watch, err);
        e5_watch_add(r->watch, (int64_t)(source->steps * source->cells));
        show(r, i, source->cells);
    }
    return status == E5_OK ? e5_sweep_part(r->sweep, r->at, 0, r->cells, r->par, r->watch, err) : status;
}

/* --- through scratch files --- */

static size_t disk_budget(const struct reading *r) {
    return r->sweep->budget < MOST_BYTES ? r->sweep->budget : MOST_BYTES;
}

static enum e5_status spill_all(struct reading *r, size_t tile, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < r->operands && status == E5_OK; i++) {
        struct e5_source *source = r->sweep->operands[i].source;
        if (source == NULL) continue;
        status = e5_spill_write(source, r->sweep->directory, tile, disk_budget(r) / BLOCKS, r->par, r->watch,
                                &r->spill[i], err);
    }
    return status;
}

static enum e5_status make_room(struct reading *r, size_t tile, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < r->operands && status == E5_OK; i++) {
        const struct e5_source *source = source_of(r, i);
        if (source != NULL) status = e5_alloc(source->steps, tile * e5_dtype_size(source->dtype), &r->data[i], err);
    }
    return status;
}

static enum e5_status sweep_spilled(struct reading *r, size_t tile, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t first = 0; first < r->cells && status == E5_OK; first += tile) {
        size_t left = r->cells - first, cells = left < tile ? left : tile;
        for (size_t i = 0; i < r->operands && status == E5_OK; i++) {
            if (source_of(r, i) != NULL) {
                status = e5_spill_read(&r->spill[i], first / tile, r->data[i], err);
                show(r, i, cells);
            } else {
                r->at[i].first = first;
            }
        }
        if (status == E5_OK) status = e5_sweep_part(r->sweep, r->at, first, cells, r->par, r->watch, err);
    }
    return status;
}

static enum e5_status through_disk(struct reading *r, size_t bytes_per_cell, struct e5_error *err) {
    size_t fit = disk_budget(r) / TILES / bytes_per_cell, tile = fit < 1 ? 1 : fit < r->cells ? fit : r->cells;
    enum e5_status status = spill_all(r, tile, err);
    if (status == E5_OK) status = make_room(r, tile, err);
    if (status == E5_OK) status = sweep_spilled(r, tile, err);
    for (size_t i = 0; i < r->operands; i++)
        if (source_of(r, i) != NULL) e5_spill_close(&r->spill[i]);
    return status;
}

enum e5_status e5_sweep(const struct e5_sweep *sweep, struct e5_pool *pool, struct e5_watch *watch,
                        struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct reading r = {.sweep = sweep,
                        .operands = e5_sweep_operands(sweep->plans[0].kernel),
                        .par = pool != NULL ? &threads : NULL,
                        .watch = watch};
    size_t bytes_per_cell;
    for (size_t i = 0; i < r.operands; i++) r.at[i].view = sweep->operands[i].view;
    enum e5_status status = measure(&r, &bytes_per_cell, err);
    if (status != E5_OK) return status;
    if (bytes_per_cell == 0 || bytes_per_cell * r.cells <= sweep->budget)
        status = read_whole(&r, err);
    else
        status = through_disk(&r, bytes_per_cell, err);
    for (size_t i = 0; i < r.operands; i++) free(r.data[i]);
    return status;
}
