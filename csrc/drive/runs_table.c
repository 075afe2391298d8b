#include "drive/runs_table.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

enum { X, LIMITS, CELL = LIMITS + E5_RUNS_LIMITS, OPERANDS }; /* of the sweep; CELL is the number of each cell */

struct sink {
    pthread_mutex_t lock;
    struct e5_buffer rows; /* in the order in which tiles were finished */
    enum e5_status status; /* what went wrong in a tile, which cannot say it itself */
    struct e5_error err;
};

struct plan { /* of the sweep: one search */
    const struct e5_runs_request *request;
    const struct e5_runs_search *search;
    struct e5_spell_axis axis;
    double *counts; /* runs of each cell */
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

static struct e5_spell_limit limit_of(const struct plan *plan, const struct e5_tile *operands,
                                      enum e5_runs_limit which) {
    const struct e5_tile *tile = &operands[LIMITS + which];
    return (struct e5_spell_limit){tile->values, tile->rows, plan->request->limits[which].slot_of_step};
}

/* Scratch: flags, known steps, and two more of their size. */
static void tile(const struct plan *plan, const struct e5_tile *operands, bool wide, double *counts, void *scratch) {
    const struct e5_runs_search *search = plan->search;
    size_t size = e5_spell_axis_size(&plan->axis), rows;
    uint32_t *flags = scratch, *known = flags + size, *others = known + size;
    struct e5_spell_measure measure = {{operands[X].values, wide},
                                       limit_of(plan, operands, E5_RUNS_THRESHOLD),
                                       limit_of(plan, operands, E5_RUNS_CLIMATOLOGY),
                                       search->switches};
    e5_spell_flags(&plan->axis, measure.x, measure.threshold, search->test, flags);
    if (plan->request->limits[E5_RUNS_STAY].values != NULL) {
        e5_spell_flags(&plan->axis, measure.x, limit_of(plan, operands, E5_RUNS_STAY), search->test, others);
        e5_spell_linger(&plan->axis, flags, others);
    }
    if (search->rule.gap > 0) e5_spell_known(&plan->axis, measure.x, known);
    e5_spell_select(&plan->axis, &search->rule, flags, known, others);
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

/* Operands of the sweep, with views of the caller's room. */
static void show_operands(const struct e5_runs_request *request, const double *cell, struct e5_view *view,
                          struct e5_sweep_operand *operands) {
    operands[X] = request->x;
    for (int i = 0; i < E5_RUNS_LIMITS; i++) {
        const struct e5_runs_limits *limits = &request->limits[i];
        if (limits->values == NULL) continue;
        view[LIMITS + i] = map_of(limits->values, limits->several * limits->slots, request->cells);
        operands[LIMITS + i] = (struct e5_sweep_operand){&view[LIMITS + i], NULL, limits->several};
    }
    view[CELL] = map_of(cell, 1, request->cells);
    operands[CELL] = (struct e5_sweep_operand){&view[CELL], NULL, 1};
}

static struct e5_sweep_plan plan_of(const struct e5_kernel *kernel, struct plan *plan) {
    const struct e5_runs_request *request = plan->request;
    struct e5_sweep_plan one = {.kernel = kernel,
                                .plan = plan,
                                .out_rows = 1,
                                .scratch_bytes = 4 * e5_spell_axis_size(&plan->axis) * sizeof(uint32_t),
                                .input = {.axis = request->axis, .rows = {request->axis->n, [CELL] = 1}}};
    for (int i = 0; i < E5_RUNS_LIMITS; i++) {
        if (request->limits[i].values == NULL) continue;
        one.input.rows[LIMITS + i] = request->limits[i].slots;
        one.choice[LIMITS + i] = plan->search->choice[i];
    }
    return one;
}

static enum e5_status sweep_runs(const struct e5_runs_request *request, struct plan *plans, const double *cell,
                                 struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    static const struct e5_series_ops ops = {.tile_f32 = tile_f32, .tile_f64 = tile_f64};
    static const struct e5_kernel kernel = {.name = "spells",
                                            .kind = E5_SERIES,
                                            .operands = {{"x", "time"},
                                                         {"threshold", "dayofyear"},
                                                         {"stay", "dayofyear", .optional = true},
                                                         {"climatology", "dayofyear", .optional = true},
                                                         {"cell", "cell"}},
                                            .ops.series = &ops};
    struct e5_view view[OPERANDS];
    struct e5_sweep_operand operands[OPERANDS] = {{0}};
    struct e5_sweep_plan *sweeps = NULL;
    struct e5_sweep_out *out = NULL;
    show_operands(request, cell, view, operands);
    enum e5_status status = e5_alloc(request->nsearches, sizeof *sweeps, &sweeps, err);
    if (status == E5_OK) status = e5_alloc(request->nsearches, sizeof *out, &out, err);
    for (size_t k = 0; status == E5_OK && k < request->nsearches; k++) {
        sweeps[k] = plan_of(&kernel, &plans[k]);
        out[k] = (struct e5_sweep_out){plans[k].counts, E5_F64, request->cells};
    }
    if (status == E5_OK)
        status = e5_sweep(&(struct e5_sweep){sweeps, out, request->nsearches, operands, request->budget,
                                             request->directory},
                          pool, watch, err);
    free(sweeps);
    free(out);
    return status;
}

static enum e5_status plan_new(const struct e5_runs_request *request, const struct e5_runs_search *search,
                               struct plan *plan, struct e5_error *err) {
    *plan = (struct plan){.request = request, .search = search};
    enum e5_status status = e5_spell_axis_init(&plan->axis, request->axis, NULL, E5_SPELL_OWN, &search->rule, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan->sink, &plan->sink, err);
    if (status == E5_OK) *plan->sink = (struct sink){.lock = PTHREAD_MUTEX_INITIALIZER};
    return status == E5_OK ? e5_alloc(request->cells, sizeof *plan->counts, &plan->counts, err) : status;
}

static void plan_fini(struct plan *plan) {
    e5_spell_axis_fini(&plan->axis);
    if (plan->sink != NULL) e5_buffer_fini(&plan->sink->rows);
    free(plan->sink);
    free(plan->counts);
}

static enum e5_status collect(const struct plan *plan, struct e5_runs_table *out, struct e5_error *err) {
    if (plan->sink->status == E5_OK)
        return put_in_order(&plan->sink->rows, plan->counts, plan->request->cells, out, err);
    *err = plan->sink->err;
    return plan->sink->status;
}

enum e5_status e5_runs(const struct e5_runs_request *request, struct e5_pool *pool, struct e5_watch *watch,
                       struct e5_runs_table *out, struct e5_error *err) {
    struct plan *plans = NULL;
    double *cell = NULL;
    size_t n = request->nsearches, made = 0;
    memset(out, 0, n * sizeof *out);
    enum e5_status status = e5_time_axis_check(request->axis, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *plans, &plans, err);
    while (status == E5_OK && made < n) {
        status = plan_new(request, &request->searches[made], &plans[made], err);
        made++;
    }
    if (status == E5_OK) status = e5_alloc(request->cells, sizeof *cell, &cell, err);
    for (size_t i = 0; status == E5_OK && i < request->cells; i++) cell[i] = (double)i;
    if (status == E5_OK) status = sweep_runs(request, plans, cell, pool, watch, err);
    for (size_t k = 0; status == E5_OK && k < n; k++) status = collect(&plans[k], &out[k], err);
    for (size_t k = 0; k < n && status != E5_OK; k++) e5_runs_table_fini(&out[k]);
    for (size_t k = 0; k < made; k++) plan_fini(&plans[k]);
    free(plans);
    free(cell);
    return status;
}

void e5_runs_table_fini(struct e5_runs_table *table) {
    free(table->values);
    *table = (struct e5_runs_table){0};
}
