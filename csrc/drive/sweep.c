/* A tile is a few neighbouring cells: arrays are time-major, so a tile reads whole cache lines of every step where a
 * single cell would use a few bytes of each. */
#include "drive/sweep.h"

#include "base/alloc.h"
#include "drive/cells.h"

#define TILE_MAX 32             /* cells: two cache lines of float32 in every step */
#define TILE_BYTES (8 << 20)    /* series of a tile; long series make narrow tiles */
#define TILES_PER_THREAD 4      /* at least, when there are cells enough */
#define LINE 64                 /* bytes */
#define AHEAD 16                /* steps to look ahead */
#define STEPS_AT_ONCE (LINE / sizeof(double)) /* a transposed block writes whole cache lines, too */

struct sweep {
    const struct e5_sweep_plan *plan;
    struct e5_cells cells;
    size_t tile;       /* cells */
    struct e5_sweep_out out;
    char *scratch;     /* slots × slot_bytes: series, results, kernel's scratch */
    size_t series_bytes, result_bytes, slot_bytes;
    struct e5_watch *watch;
};

enum e5_status e5_sweep_plan(const struct e5_kernel *kernel, const struct e5_params *params,
                             const struct e5_time_axis *axis, struct e5_sweep_plan *out, struct e5_error *err) {
    *out = (struct e5_sweep_plan){.kernel = kernel, .steps = axis->n};
    if (kernel->kind != E5_SERIES) return e5_fail(err, E5_INPUT, "%s does not run on series", kernel->name);
    enum e5_status status = e5_kernel_check(kernel, params, err);
    if (status == E5_OK) status = e5_time_axis_check(axis, err);
    if (status == E5_OK)
        status = kernel->ops.series->plan(params, axis, &out->plan, &out->out_length, &out->scratch_bytes, err);
    return status;
}

void e5_sweep_plan_fini(struct e5_sweep_plan *plan) {
    if (plan->plan != NULL) plan->kernel->ops.series->plan_free(plan->plan);
    plan->plan = NULL;
}

/* --- gathering --- */

/* Time-major: rows of a few steps are decoded and turned. */
static void gather_rows(const struct e5_cells *cells, size_t first, size_t n, double *series) {
    double rows[STEPS_AT_ONCE][TILE_MAX];
    for (size_t step = 0; step < cells->steps; step += STEPS_AT_ONCE) {
        size_t left = cells->steps - step, steps = left < STEPS_AT_ONCE ? left : STEPS_AT_ONCE;
        for (size_t k = 0; k < steps; k++) {
            if (step + k + AHEAD < cells->steps) e5_cells_prefetch(cells, step + k + AHEAD, first, n);
            e5_cells_row(cells, step + k, first, n, rows[k]);
        }
        for (size_t cell = 0; cell < n; cell++)
            for (size_t k = 0; k < steps; k++) series[cell * cells->steps + step + k] = rows[k][cell];
    }
}

static bool time_is_innermost(const struct e5_cells *cells) {
    return llabs(cells->step_stride) < llabs(cells->strides[cells->ndim - 1]);
}

static void gather(const struct e5_cells *cells, size_t first, size_t n, double *series) {
    if (!time_is_innermost(cells)) {
        gather_rows(cells, first, n, series);
        return;
    }
    for (size_t cell = 0; cell < n; cell++) e5_cells_series(cells, first + cell, series + cell * cells->steps);
}

/* --- tiles --- */

static void scatter(const struct sweep *sweep, size_t first, size_t n, const double *results) {
    size_t length = sweep->plan->out_length;
    for (size_t i = 0; i < length; i++) {
        double *row = sweep->out.values + i * sweep->out.row + first;
        for (size_t cell = 0; cell < n; cell++) row[cell] = results[cell * length + i];
    }
}

static enum e5_status sweep_tile(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct sweep *sweep = context;
    const struct e5_sweep_plan *plan = sweep->plan;
    size_t first = index * sweep->tile, left = sweep->cells.count - first;
    size_t n = left < sweep->tile ? left : sweep->tile;
    char *scratch = sweep->scratch + slot * sweep->slot_bytes;
    double *series = (double *)scratch, *results = (double *)(scratch + sweep->series_bytes);
    enum e5_status status = E5_OK;
    gather(&sweep->cells, first, n, series);
    for (size_t cell = 0; cell < n && status == E5_OK; cell++) {
        plan->kernel->ops.series->cell(plan->plan, series + cell * sweep->cells.steps,
                                       results + cell * plan->out_length,
                                       scratch + sweep->series_bytes + sweep->result_bytes);
        e5_watch_add(sweep->watch, (int64_t)sweep->cells.steps);
        status = e5_watch_check(sweep->watch, err);
    }
    if (status == E5_OK) scatter(sweep, first, n, results);
    return status;
}

/* --- set up --- */

static size_t tile_size(const struct e5_cells *cells, unsigned slots) {
    size_t fit = TILE_BYTES / (cells->steps * sizeof(double) + 1), fair = cells->count / (slots * TILES_PER_THREAD);
    size_t size = fit < fair ? fit : fair;
    return size < 1 ? 1 : size > TILE_MAX ? TILE_MAX : size;
}

static enum e5_status whole_lines(size_t count, size_t size, size_t *out, struct e5_error *err) {
    enum e5_status status = e5_multiply(count, size, out, err);
    if (status == E5_OK) *out = (*out + LINE - 1) / LINE * LINE;
    return status;
}

static enum e5_status make_scratch(struct sweep *sweep, unsigned slots, struct e5_error *err) {
    size_t kernel_bytes;
    enum e5_status status = whole_lines(sweep->tile * sweep->cells.steps, sizeof(double), &sweep->series_bytes, err);
    if (status == E5_OK)
        status = whole_lines(sweep->tile * sweep->plan->out_length, sizeof(double), &sweep->result_bytes, err);
    if (status == E5_OK) status = whole_lines(sweep->plan->scratch_bytes, 1, &kernel_bytes, err);
    if (status != E5_OK) return status;
    sweep->slot_bytes = sweep->series_bytes + sweep->result_bytes + kernel_bytes;
    return e5_alloc(slots, sweep->slot_bytes, &sweep->scratch, err);
}

enum e5_status e5_sweep_part(const struct e5_sweep_plan *plan, const struct e5_view *view, struct e5_sweep_out out,
                             const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    unsigned slots = e5_parallel_slots(par);
    struct sweep sweep = {.plan = plan, .cells = e5_cells_of(view), .out = out, .watch = watch};
    if (sweep.cells.steps != plan->steps)
        return e5_fail(err, E5_INPUT, "%s: the data have %zu steps, the time axis %zu", plan->kernel->name,
                       sweep.cells.steps, plan->steps);
    if (sweep.cells.count == 0) return E5_OK;
    sweep.tile = tile_size(&sweep.cells, slots);
    enum e5_status status = make_scratch(&sweep, slots, err);
    if (status == E5_OK) {
        size_t tiles = (sweep.cells.count + sweep.tile - 1) / sweep.tile;
        status = e5_parallel_for(par, watch, tiles, sweep_tile, &sweep, err);
    }
    free(sweep.scratch);
    return status;
}

enum e5_status e5_sweep(const struct e5_sweep_plan *plan, const struct e5_view *view, double *out,
                        struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    size_t cells = e5_cells_of(view).count;
    e5_watch_expect(watch, (int64_t)(plan->steps * cells));
    return e5_sweep_part(plan, view, (struct e5_sweep_out){out, cells}, pool != NULL ? &threads : NULL, watch, err);
}
