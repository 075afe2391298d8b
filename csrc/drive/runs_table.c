#include "drive/runs_table.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

enum { X, THRESHOLD, STAY, CLIMATOLOGY, CELL, OPERANDS }; /* of the sweep; CELL is the number of each cell */

struct sink {
    pthread_mutex_t lock;
    struct e5_buffer rows; /* in the order in which tiles were finished */
    enum e5_status status; /* what went wrong in a tile, which cannot say it itself */
    struct e5_error err;
};

struct plan { /* of the sweep */
    const struct e5_runs_request *request;
    struct e5_spell_axis axis;
    struct sink *sink;
};

/* --- rows --- */

static void take(struct sink *sink, const double *rows, size_t n) {
    pthread_mutex_lock(&sink->lock);
    if (sink->status == E5_OK)
        sink->status = e5_buffer_append(&sink->rows, rows, n * E5_SPELL_COLUMNS * sizeof *rows, &sink->err);
    pthread_mutex_unlock(&sink->lock);
}

static void fail(struct sink *sink, enum e5_status status, const struct e5_error *err) {
    pthread_mutex_lock(&sink->lock);
    sink->status = status;
    sink->err = *err;
    pthread_mutex_unlock(&sink->lock);
}

static size_t count_runs(const struct plan *plan, const uint32_t *flags, double *counts) {
    struct e5_spell run;
    size_t all = 0;
    for (size_t lane = 0; lane < E5_LANES; lane++) {
        size_t n = 0;
        for (size_t from = 0; e5_spell_next(&plan->axis, flags, lane, from, &run); from = run.last + 1) n++;
        counts[lane] = (double)n;
        all += n;
    }
    return all;
}

/* The rows are described outside of the lock, in memory that is asked for here: how many there will be, nobody knew
 * before. */
static void describe(const struct plan *plan, const struct e5_spell_measure *measure, const uint32_t *flags,
                     const double *cell, size_t rows) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_spell run;
    double *table, *row;
    enum e5_status status = e5_alloc(rows, E5_SPELL_COLUMNS * sizeof *table, &table, &err);
    if (status != E5_OK) {
        fail(plan->sink, status, &err);
        return;
    }
    row = table;
    for (size_t lane = 0; lane < E5_LANES; lane++)
        for (size_t from = 0; e5_spell_next(&plan->axis, flags, lane, from, &run); from = run.last + 1) {
            e5_spell_describe(&plan->axis, measure, lane, run, row);
            row[E5_SPELL_cell] = cell[lane];
            row += E5_SPELL_COLUMNS;
        }
    take(plan->sink, table, rows);
    free(table);
}

/* --- one tile --- */

static struct e5_spell_limit limit_of(const struct e5_runs_limits *limits, const struct e5_tile *tile) {
    return (struct e5_spell_limit){tile->values, tile->rows, limits->slot_of_step};
}

/* Scratch: flags, known steps, and two more of their size. */
static void tile(const struct plan *plan, const struct e5_tile *operands, bool wide, double *counts, void *scratch) {
    const struct e5_runs_request *request = plan->request;
    size_t size = e5_spell_axis_size(&plan->axis), rows;
    uint32_t *flags = scratch, *known = flags + size, *others = known + size;
    struct e5_spell_measure measure = {{operands[X].values, wide},
                                       limit_of(&request->threshold, &operands[THRESHOLD]),
                                       limit_of(&request->climatology, &operands[CLIMATOLOGY]),
                                       request->switches};
    e5_spell_flags(&plan->axis, measure.x, measure.threshold, request->test, flags);
    if (request->stay.values != NULL) {
        e5_spell_flags(&plan->axis, measure.x, limit_of(&request->stay, &operands[STAY]), request->test, others);
        e5_spell_linger(&plan->axis, flags, others);
    }
    if (request->rule.gap > 0) e5_spell_known(&plan->axis, measure.x, known);
    e5_spell_select(&plan->axis, &request->rule, flags, known, others);
    rows = count_runs(plan, flags, counts);
    if (rows > 0) describe(plan, &measure, flags, operands[CELL].values, rows);
}

static void tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    tile(plan, operands, false, out, scratch);
}

static void tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    tile(plan, operands, true, out, scratch);
}

/* --- all of them --- */

/* Each cell's rows to where those of the cells before it end; within a cell they are in order already. */
static enum e5_status put_in_order(const struct e5_buffer *found, const double *counts, size_t cells,
                                   struct e5_runs_table *out, struct e5_error *err) {
    const double *row = (const double *)found->bytes;
    size_t *place, at = 0, rows = found->size / sizeof *row / E5_SPELL_COLUMNS;
    enum e5_status status = e5_alloc(cells, sizeof *place, &place, err);
    if (status == E5_OK) status = e5_alloc(rows, E5_SPELL_COLUMNS * sizeof *row, &out->values, err);
    for (size_t i = 0; status == E5_OK && i < cells; i++) {
        place[i] = at;
        at += (size_t)counts[i];
    }
    for (size_t i = 0; status == E5_OK && i < rows; i++, row += E5_SPELL_COLUMNS) {
        size_t to = place[(size_t)row[E5_SPELL_cell]]++;
        memcpy(out->values + to * E5_SPELL_COLUMNS, row, E5_SPELL_COLUMNS * sizeof *row);
    }
    if (status == E5_OK) out->rows = rows;
    free(place);
    return status;
}

static struct e5_view map_of(const double *values, size_t rows, size_t cells) {
    return (struct e5_view){.data = values,
                            .dtype = E5_F64,
                            .ndim = 2,
                            .shape = {rows, cells},
                            .strides = {(ptrdiff_t)(cells * sizeof(double)), sizeof(double)},
                            .packing = E5_PACKING_NONE};
}

static enum e5_status sweep_runs(struct plan *plan, const double *cell, double *counts, struct e5_pool *pool,
                                 struct e5_watch *watch, struct e5_error *err) {
    static const struct e5_series_ops ops = {.tile_f32 = tile_f32, .tile_f64 = tile_f64};
    static const struct e5_kernel kernel = {.name = "spells",
                                            .kind = E5_SERIES,
                                            .operands = {{"x", "time"},
                                                         {"threshold", "dayofyear"},
                                                         {"stay", "dayofyear", .optional = true},
                                                         {"climatology", "dayofyear", .optional = true},
                                                         {"cell", "cell"}},
                                            .ops.series = &ops};
    const struct e5_runs_request *request = plan->request;
    const struct e5_runs_limits *limits[] = {&request->threshold, &request->stay, &request->climatology};
    struct e5_view view[OPERANDS] = {[CELL] = map_of(cell, 1, request->cells)};
    struct e5_sweep_operand operands[OPERANDS] = {request->x, [CELL] = {&view[CELL], NULL}};
    struct e5_sweep_plan one = {.kernel = &kernel,
                                .plan = plan,
                                .out_rows = 1,
                                .scratch_bytes = 4 * e5_spell_axis_size(&plan->axis) * sizeof(uint32_t),
                                .input = {.axis = request->axis, .rows = {request->axis->n, [CELL] = 1}}};
    for (size_t i = 0; i < 3; i++) {
        if (limits[i]->values == NULL) continue;
        one.input.rows[THRESHOLD + i] = limits[i]->slots;
        view[THRESHOLD + i] = map_of(limits[i]->values, limits[i]->slots, request->cells);
        operands[THRESHOLD + i].view = &view[THRESHOLD + i];
    }
    struct e5_sweep_out out = {counts, E5_F64, request->cells};
    return e5_sweep(&(struct e5_sweep){&one, &out, 1, operands, NULL, request->budget, request->directory}, pool,
                    watch, err);
}

enum e5_status e5_runs(const struct e5_runs_request *request, struct e5_pool *pool, struct e5_watch *watch,
                       struct e5_runs_table *out, struct e5_error *err) {
    struct sink sink = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct plan plan = {.request = request, .sink = &sink};
    double *cell = NULL, *counts = NULL;
    *out = (struct e5_runs_table){0};
    enum e5_status status = e5_time_axis_check(request->axis, err);
    if (status == E5_OK)
        status = e5_spell_axis_init(&plan.axis, request->axis, NULL, E5_SPELL_OWN, &request->rule, err);
    if (status == E5_OK) status = e5_alloc(request->cells, sizeof *cell, &cell, err);
    if (status == E5_OK) status = e5_alloc(request->cells, sizeof *counts, &counts, err);
    for (size_t i = 0; status == E5_OK && i < request->cells; i++) cell[i] = (double)i;
    if (status == E5_OK) status = sweep_runs(&plan, cell, counts, pool, watch, err);
    if (status == E5_OK && sink.status != E5_OK) {
        *err = sink.err;
        status = sink.status;
    }
    if (status == E5_OK) status = put_in_order(&sink.rows, counts, request->cells, out, err);
    if (status != E5_OK) e5_runs_table_fini(out);
    e5_spell_axis_fini(&plan.axis);
    e5_buffer_fini(&sink.rows);
    free(cell);
    free(counts);
    return status;
}

void e5_runs_table_fini(struct e5_runs_table *table) {
    free(table->values);
    *table = (struct e5_runs_table){0};
}
