#include "drive/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"

/* The kernel of these tests: first and last value, and a sum that depends on the order of the steps.  It uses its
 * scratch, and finds out when somebody else does. */
struct toy_plan {
    size_t steps;
};

#define RESULTS 3

static enum e5_status toy_plan(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct toy_plan *toy;
    if (params->value[0].integer == 13) return e5_fail(err, E5_INPUT, "unlucky");
    enum e5_status status = e5_alloc(1, sizeof *toy, &toy, err);
    if (status != E5_OK) return status;
    toy->steps = input->axis->n;
    *out = (struct e5_series_plan){toy, RESULTS, input->axis->n * E5_LANES * sizeof(double)};
    return E5_OK;
}

static struct e5_watch *cancel_watch; /* cancelled by the cell whose first value is 7 */

static void toy_cell(const void *plan, const double *const *series, double *out, void *scratch) {
    const struct toy_plan *toy = plan;
    double *copy = scratch, sum = 0;
    if (cancel_watch != NULL && series[0][0] == 7) e5_watch_cancel(cancel_watch);
    for (size_t i = 0; i < toy->steps; i++) copy[i] = series[0][i];
    for (size_t i = 0; i < toy->steps; i++) sum = sum * 0.75 + copy[i];
    out[0] = series[0][0];
    out[1] = series[0][toy->steps - 1];
    out[2] = sum;
}

/* The same for a tile. */
static double toy_value(const struct e5_tile *tile, bool single, size_t row, size_t lane) {
    size_t at = row * E5_LANES + lane;
    return single ? (double)((const float *)tile->values)[at] : ((const double *)tile->values)[at];
}

static void toy_tile(const void *plan, const struct e5_tile *operands, bool single, double *out, void *scratch) {
    const struct toy_plan *toy = plan;
    double *copy = scratch;
    CHECK((uintptr_t)operands[0].values % 64 == 0 && (uintptr_t)scratch % 64 == 0);
    CHECK(operands[0].rows == toy->steps);
    for (size_t lane = 0; lane < E5_LANES; lane++) {
        double sum = 0;
        for (size_t i = 0; i < toy->steps; i++) copy[i * E5_LANES + lane] = toy_value(&operands[0], single, i, lane);
        if (cancel_watch != NULL && copy[lane] == 7) e5_watch_cancel(cancel_watch);
        for (size_t i = 0; i < toy->steps; i++) sum = sum * 0.75 + copy[i * E5_LANES + lane];
        out[lane] = copy[lane];
        out[E5_LANES + lane] = copy[(toy->steps - 1) * E5_LANES + lane];
        out[2 * E5_LANES + lane] = sum;
    }
}

static void toy_tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    toy_tile(plan, operands, true, out, scratch);
}

static void toy_tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    toy_tile(plan, operands, false, out, scratch);
}

static void toy_free(void *plan) { free(plan); }

/* The three sets of operations that a kernel may have. */
static const struct e5_series_ops by_cell = {.plan = toy_plan, .cell = toy_cell, .plan_free = toy_free};
static const struct e5_series_ops by_doubles = {.plan = toy_plan, .tile_f64 = toy_tile_f64, .plan_free = toy_free};
static const struct e5_series_ops by_both = {
    .plan = toy_plan, .tile_f32 = toy_tile_f32, .tile_f64 = toy_tile_f64, .plan_free = toy_free};
#define TOY(ops_)                                             \
    {.name = "toy",                                           \
     .kind = E5_SERIES,                                       \
     .operands = {{"x", "time", ""}},                         \
     .params = {{"luck", E5_INTEGER, "1", 0, 20, .doc = ""}}, \
     .ops.series = &(ops_)}
static const struct e5_kernel toys[] = {TOY(by_cell), TOY(by_doubles), TOY(by_both)};
#define TOYS (sizeof toys / sizeof *toys)
static const struct e5_kernel scan = {.name = "scan", .kind = E5_SCAN};

#define STEPS 45
static int64_t seconds[STEPS];
static const struct e5_time_axis axis = {.calendar = E5_STANDARD, .n = STEPS, .seconds = seconds};
static const struct e5_params params = {.value = {{.integer = 1}}};
static const struct e5_series_input input = {.axis = &axis, .rows = {STEPS}};
#define toy toys[2]

static enum e5_status sweep_from(const struct e5_sweep_plan *plan, struct e5_sweep_operand operand, size_t cells,
                                 size_t budget, const char *directory, double *out, struct e5_pool *pool,
                                 struct e5_watch *watch, struct e5_error *err) {
    struct e5_sweep_out to = {out, E5_F64, cells};
    struct e5_sweep sweep = {
        .plans = plan, .out = &to, .nplans = 1, .operands = &operand, .budget = budget, .directory = directory};
    return e5_sweep(&sweep, pool, watch, err);
}

static enum e5_status sweep_view(const struct e5_sweep_plan *plan, const struct e5_view *view, double *out,
                                 struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    size_t cells = 1;
    for (int i = 1; i < view->ndim; i++) cells *= view->shape[i];
    return sweep_from(plan, (struct e5_sweep_operand){.view = view}, cells, 0, NULL, out, pool, watch, err);
}

static struct e5_pool *new_pool(unsigned threads) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(threads, &pool, err));
    return pool;
}

/* What must come out, from a function that knows the value of every cell. */
typedef double (*value_fn)(size_t step, size_t cell);

static void check_sweep(const struct e5_view *view, size_t cells, value_fn value, struct e5_pool *pool) {
    double *out = malloc(RESULTS * (cells + 1) * sizeof *out);
    for (size_t k = 0; k < TOYS; k++) {
        struct e5_sweep_plan plan;
        struct e5_watch watch = {0};
        size_t wrong = 0;
        CHECK_OK(e5_sweep_plan(&toys[k], &params, &input, &plan, err));
        CHECK(plan.out_rows == RESULTS);
        CHECK_OK(sweep_view(&plan, view, out, pool, &watch, err));
        for (size_t cell = 0; cell < cells; cell++) {
            double sum = 0, want[RESULTS] = {value(0, cell), value(STEPS - 1, cell)};
            for (size_t step = 0; step < STEPS; step++) sum = sum * 0.75 + value(step, cell);
            want[2] = sum;
            for (size_t i = 0; i < RESULTS; i++) {
                double got = out[i * cells + cell];
                wrong += memcmp(&got, &want[i], sizeof got) != 0 && !(isnan(got) && isnan(want[i]));
            }
        }
        CHECK(wrong == 0);
        CHECK(atomic_load(&watch.done) == (int64_t)(cells * STEPS) && atomic_load(&watch.total) == watch.done);
        e5_sweep_plan_fini(&plan);
        e5_sweep_plan_fini(&plan); /* twice does no harm */
    }
    free(out);
}

static void check_all_threads(const struct e5_view *view, size_t cells, value_fn value) {
    static const unsigned threads[] = {1, 2, 4, 7};
    check_sweep(view, cells, value, NULL);
    for (int t = 0; t < 4; t++) {
        struct e5_pool *pool = new_pool(threads[t]);
        check_sweep(view, cells, value, pool);
        e5_pool_free(pool);
    }
}

static double number(size_t step, size_t cell) {
    return (step + 3 * cell) % 19 == 0 ? NAN : (double)(float)((double)((step * 7919 + cell * 104729) % 10007) / 7);
}

static double whole(size_t step, size_t cell) { return (double)((step * 31 + cell * 57) % 60000) - 30000; }
static double unpacked(size_t step, size_t cell) {
    return (step + cell) % 23 == 0 ? NAN : (double)(float)(whole(step, cell) * 0.0017 + 273.15);
}
static double exact(size_t step, size_t cell) { return whole(step, cell) * 1e-7 + 1; }

/* --- layouts --- */

TEST(time_major_of_any_size) {
    static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 127, 1001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t cells = sizes[k];
        float *field = malloc((cells + 1) * STEPS * sizeof *field);
        for (size_t i = 0; i < cells * STEPS; i++) field[i] = (float)number(i / cells, i % cells);
        struct e5_view view = {.data = field,
                               .dtype = E5_F32,
                               .ndim = 2,
                               .shape = {STEPS, cells},
                               .strides = {(ptrdiff_t)(cells * 4), 4},
                               .packing = E5_PACKING_NONE};
        check_all_threads(&view, cells, number);
        free(field);
    }
}

/* Every order of three axes, some of them backwards, with gaps between the elements. */
TEST(any_strides) {
    enum { ROWS = 9, COLUMNS = 14, CELLS = ROWS * COLUMNS };
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const size_t shape[3] = {STEPS, ROWS, COLUMNS};
    static double memory[3 * STEPS * CELLS];
    for (int order = 0; order < 6; order++)
        for (int backwards = 0; backwards < 8; backwards++) {
            struct e5_view view = {.dtype = E5_F64, .ndim = 3, .packing = E5_PACKING_NONE};
            ptrdiff_t stride = 3 * sizeof *memory, start = 0;
            for (int k = 2; k >= 0; k--) {
                int dim = orders[order][k];
                bool turn = (backwards >> dim & 1) != 0;
                view.shape[dim] = shape[dim];
                view.strides[dim] = turn ? -stride : stride;
                start += turn ? (ptrdiff_t)(shape[dim] - 1) * stride : 0;
                stride *= (ptrdiff_t)shape[dim];
            }
            view.data = (char *)memory + start;
            for (size_t i = 0; i < STEPS * CELLS; i++) {
                size_t step = i / CELLS, row = i % CELLS / COLUMNS, column = i % COLUMNS;
                double value = number(step, i % CELLS);
                memcpy((char *)memory + start + (ptrdiff_t)step * view.strides[0] + (ptrdiff_t)row * view.strides[1] +
                           (ptrdiff_t)column * view.strides[2],
                       &value, sizeof value);
            }
            check_sweep(&view, CELLS, number, NULL);
        }
}

TEST(packed_big_endian_shorts_are_float32) {
    enum { CELLS = 77 };
    static uint16_t stored[STEPS * CELLS];
    struct e5_packing packing = E5_PACKING_NONE;
    packing.scale = 0.0017;
    packing.offset = 273.15;
    packing.missing = 32001;
    for (size_t i = 0; i < STEPS * CELLS; i++) {
        size_t step = i / CELLS, cell = i % CELLS;
        int16_t packed = (step + cell) % 23 == 0 ? 32001 : (int16_t)whole(step, cell);
        stored[i] = __builtin_bswap16((uint16_t)packed);
    }
    struct e5_view view = {.data = stored,
                           .dtype = E5_I16,
                           .swapped = true,
                           .ndim = 3,
                           .shape = {STEPS, 7, 11},
                           .strides = {CELLS * 2, 11 * 2, 2},
                           .packing = packing};
    check_all_threads(&view, CELLS, unpacked);
}

TEST(packed_integers_of_32_bits_stay_exact) {
    enum { CELLS = 50 };
    static int32_t stored[STEPS * CELLS];
    struct e5_packing packing = E5_PACKING_NONE;
    packing.scale = 1e-7;
    packing.offset = 1;
    for (size_t i = 0; i < STEPS * CELLS; i++) stored[i] = (int32_t)whole(i / CELLS, i % CELLS);
    struct e5_view view = {.data = stored,
                           .dtype = E5_I32,
                           .ndim = 2,
                           .shape = {STEPS, CELLS},
                           .strides = {CELLS * 4, 4},
                           .packing = packing};
    check_all_threads(&view, CELLS, exact);
}

static double by_step_only(size_t step, size_t cell) {
    (void)cell;
    return number(step, 0);
}

TEST(broadcast_cells_have_stride_zero) {
    static float memory[STEPS];
    for (size_t step = 0; step < STEPS; step++) memory[step] = (float)number(step, 0);
    struct e5_view view = {.data = memory,
                           .dtype = E5_F32,
                           .ndim = 3,
                           .shape = {STEPS, 5, 40},
                           .strides = {4, 0, 0},
                           .packing = E5_PACKING_NONE};
    check_all_threads(&view, 200, by_step_only);
}

TEST(a_lone_series) {
    static double memory[STEPS];
    for (size_t step = 0; step < STEPS; step++) memory[step] = number(step, 0);
    struct e5_view view = {
        .data = memory, .dtype = E5_F64, .ndim = 1, .shape = {STEPS}, .strides = {8}, .packing = E5_PACKING_NONE};
    check_all_threads(&view, 1, number);
}

/* --- block by block, from a source --- */

enum { SOURCE_CELLS = 203 };

static enum e5_status sweep_source(const struct e5_sweep_plan *plan, struct e5_source *source, size_t budget,
                                   const char *directory, double *out, struct e5_pool *pool, struct e5_watch *watch,
                                   struct e5_error *err) {
    struct e5_sweep_operand operand = {.source = source};
    return sweep_from(plan, operand, SOURCE_CELLS, budget, directory, out, pool, watch, err);
}

static float *source_field(struct e5_view *view) {
    float *field = malloc(STEPS * SOURCE_CELLS * sizeof *field);
    for (size_t i = 0; i < STEPS * SOURCE_CELLS; i++) field[i] = (float)number(i / SOURCE_CELLS, i % SOURCE_CELLS);
    *view = (struct e5_view){.data = field,
                             .dtype = E5_F32,
                             .ndim = 2,
                             .shape = {STEPS, SOURCE_CELLS},
                             .strides = {SOURCE_CELLS * 4, 4},
                             .packing = E5_PACKING_NONE};
    return field;
}

/* From one value of memory to more than the whole field: one-cell tiles and blocks of one step, some of each, and no
 * scratch file at all. */
TEST(any_budget_gives_the_same_bits) {
    static const size_t budgets[] = {1, 400, 4000, 20000, STEPS * SOURCE_CELLS * 4 - 1, STEPS * SOURCE_CELLS * 4};
    static const unsigned threads[] = {0, 1, 2, 5};
    static double want[RESULTS * SOURCE_CELLS], got[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    float *field = source_field(&view);
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    CHECK_OK(sweep_view(&plan, &view, want, NULL, NULL, err));
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++)
        for (size_t t = 0; t < 4; t++) {
            struct e5_pool *pool = threads[t] > 0 ? new_pool(threads[t]) : NULL;
            struct e5_source source = e5_source_memory(&view);
            struct e5_watch watch = {0};
            memset(got, 0, sizeof got);
            CHECK_OK(sweep_source(&plan, &source, budgets[b], "/tmp", got, pool, &watch, err));
            CHECK(memcmp(got, want, sizeof got) == 0);
            CHECK(atomic_load(&watch.done) == atomic_load(&watch.total));
            e5_pool_free(pool);
        }
    e5_sweep_plan_fini(&plan);
    free(field);
}

TEST(scratch_needs_a_directory_with_room) {
    static double out[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    float *field = source_field(&view);
    struct e5_source source = e5_source_memory(&view);
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    CHECK_STATUS(E5_STORAGE, sweep_source(&plan, &source, 400, "/nowhere/at/all", out, NULL, NULL, err));
    e5_sweep_plan_fini(&plan);
    free(field);
}

/* Stands in the way of the system's own: signals that come while room is taken, or a file system that cannot. */
static int interruptions, takes_no_room;

int fallocate(int descriptor, int mode, off_t at, off_t size);
int fallocate(int descriptor, int mode, off_t at, off_t size) {
    if (takes_no_room || interruptions > 0) errno = takes_no_room ? EOPNOTSUPP : EINTR;
    if (takes_no_room || interruptions-- > 0) return -1;
    return (int)syscall(SYS_fallocate, descriptor, mode, at, size);
}

TEST(scratch_space_is_taken_through_signals_or_while_writing) {
    static double out[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    struct e5_watch watch = {0};
    float *field = source_field(&view);
    struct e5_source source = e5_source_memory(&view);
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    interruptions = 3;
    CHECK_OK(sweep_source(&plan, &source, 400, "/tmp", out, NULL, NULL, err));
    CHECK(interruptions < 0);
    takes_no_room = 1;
    CHECK_OK(sweep_source(&plan, &source, 400, "/tmp", out, NULL, NULL, err));
    takes_no_room = 0;
    interruptions = 1000;
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, sweep_source(&plan, &source, 400, "/tmp", out, NULL, &watch, err));
    interruptions = 0;
    e5_sweep_plan_fini(&plan);
    free(field);
}

static enum e5_status failing_read(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                   struct e5_watch *watch, struct e5_error *err) {
    (void)self, (void)steps, (void)out, (void)par, (void)watch;
    return first >= 20 ? e5_fail(err, E5_CORRUPT, "half a file") : E5_OK;
}

TEST(a_source_that_fails_half_way) {
    static double out[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    float *field = source_field(&view);
    struct e5_source source = e5_source_memory(&view);
    source.read = failing_read;
    source.direct = NULL; /* so that it is read */
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    CHECK_STATUS(E5_CORRUPT, sweep_source(&plan, &source, 4000, "/tmp", out, NULL, NULL, err));
    e5_sweep_plan_fini(&plan);
    free(field);
}

/* --- faults --- */

TEST(plans_are_checked) {
    static const struct e5_params bad = {.value = {{.integer = 21}}}, unlucky = {.value = {{.integer = 13}}};
    static const int64_t jumbled[2] = {5, 5};
    struct e5_time_axis wrong = {.calendar = E5_STANDARD, .n = 2, .seconds = jumbled};
    struct e5_series_input jumble = {.axis = &wrong, .rows = {2}};
    struct e5_sweep_plan plan;
    CHECK_STATUS(E5_INPUT, e5_sweep_plan(&scan, &params, &input, &plan, err));
    CHECK_STATUS(E5_INPUT, e5_sweep_plan(&toy, &bad, &input, &plan, err));
    CHECK_STATUS(E5_INPUT, e5_sweep_plan(&toy, &unlucky, &input, &plan, err));
    CHECK_STATUS(E5_INPUT, e5_sweep_plan(&toy, &params, &jumble, &plan, err));
    e5_sweep_plan_fini(&plan);
}

TEST(data_and_axis_must_agree) {
    static float memory[STEPS + 1];
    struct e5_view view = {
        .data = memory, .dtype = E5_F32, .ndim = 1, .shape = {STEPS + 1}, .strides = {4}, .packing = E5_PACKING_NONE};
    struct e5_sweep_plan plan;
    double out[RESULTS];
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    CHECK_STATUS(E5_INPUT, sweep_view(&plan, &view, out, NULL, NULL, err));
    e5_sweep_plan_fini(&plan);
}

TEST(cancel_in_the_middle) {
    enum { CELLS = 5000 };
    static const unsigned threads[] = {1, 2, 4, 7};
    static double memory[STEPS * CELLS], out[RESULTS * CELLS];
    struct e5_view view = {.data = memory,
                           .dtype = E5_F64,
                           .ndim = 2,
                           .shape = {STEPS, CELLS},
                           .strides = {CELLS * 8, 8},
                           .packing = E5_PACKING_NONE};
    memory[1000] = 7;
    for (int t = 0; t < 4; t++) {
        struct e5_pool *pool = new_pool(threads[t]);
        struct e5_sweep_plan plan;
        struct e5_watch watch = {0};
        cancel_watch = &watch;
        CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
        CHECK_STATUS(E5_CANCELLED, sweep_view(&plan, &view, out, pool, &watch, err));
        CHECK(atomic_load(&watch.done) < CELLS * STEPS);
        cancel_watch = NULL;
        e5_sweep_plan_fini(&plan);
        e5_pool_free(pool);
    }
}

TEST(every_allocation_may_fail) {
    static double memory[STEPS * 100], out[RESULTS * 100];
    struct e5_view view = {.data = memory,
                           .dtype = E5_F64,
                           .ndim = 2,
                           .shape = {STEPS, 100},
                           .strides = {800, 8},
                           .packing = E5_PACKING_NONE};
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    for (int n = 1; status != E5_OK && n < 100; n++) {
        struct e5_sweep_plan plan;
        e5_alloc_fail_after(n);
        status = e5_sweep_plan(&toy, &params, &input, &plan, NULL);
        if (status == E5_OK) status = sweep_view(&plan, &view, out, NULL, NULL, NULL);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failures += status == E5_MEMORY;
        e5_sweep_plan_fini(&plan);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures >= 2);
}

TEST(every_allocation_of_a_spill_may_fail) {
    static double out[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    float *field = source_field(&view);
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    for (int n = 1; status != E5_OK && n < 1000; n++) {
        struct e5_source source = e5_source_memory(&view);
        e5_alloc_fail_after(n);
        status = sweep_source(&plan, &source, 4000, "/tmp", out, NULL, NULL, NULL);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failures += status == E5_MEMORY;
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures >= 4);
    e5_sweep_plan_fini(&plan);
    free(field);
}

/* --- several operands, several plans, periods --- */

enum { PERIODS = 2, MAPS = 7 };
static const struct e5_params luck[] = {{.value = {{.integer = 2}}}, {.value = {{.integer = 3}}}};

/* Per period: luck × the sum of a × b, plus the map's value of row `period`, twice, with another sign. */
struct pair_plan {
    size_t steps;
    double luck;
    const struct e5_periods *periods;
};

static enum e5_status pair_plan(const struct e5_params *values, const struct e5_series_input *from,
                                struct e5_series_plan *out, struct e5_error *err) {
    struct pair_plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct pair_plan){from->axis->n, (double)values->value[0].integer, from->periods};
    CHECK(from->rows[0] == STEPS && from->rows[1] == STEPS && from->rows[2] == MAPS);
    *out = (struct e5_series_plan){plan, 2 * PERIODS, 0};
    return E5_OK;
}

static void pair_tile(const void *opaque, const struct e5_tile *operands, double *out, void *scratch) {
    const struct pair_plan *plan = opaque;
    const float *a = operands[0].values, *b = operands[1].values;
    const double *map = operands[2].values;
    (void)scratch;
    CHECK(operands[3].rows == 0);
    for (size_t i = 0; i < PERIODS * E5_LANES; i++) out[i] = map[i];
    for (size_t step = 0; step < plan->steps; step++)
        for (size_t lane = 0; lane < E5_LANES; lane++) {
            size_t at = step * E5_LANES + lane;
            double term = (double)a[at] * (double)b[at] * plan->luck;
            out[(size_t)plan->periods->of_sample[step] * E5_LANES + lane] += isnan(term) ? 0 : term;
        }
    for (size_t i = 0; i < PERIODS * E5_LANES; i++) out[PERIODS * E5_LANES + i] = -out[i];
}

static const struct e5_series_ops pair_ops = {.plan = pair_plan, .tile_f32 = pair_tile, .plan_free = toy_free};
static const struct e5_kernel pair = {.name = "pair",
                                      .kind = E5_SERIES,
                                      .grouping = E5_GROUP_BY_FREQUENCY,
                                      .operands = {{"a", "time", ""},
                                                   {"b", "time", ""},
                                                   {"map", "dayofyear", ""},
                                                   {"none", "time", "", .optional = true}},
                                      .params = {{"luck", E5_INTEGER, "1", 0, 20, .doc = ""}},
                                      .ops.series = &pair_ops};

struct pair {
    float *a, *b;
    double map[MAPS];
    struct e5_view views[3];
    struct e5_periods periods;
    struct e5_missing missing;
};

static struct e5_view matrix(const void *data, size_t rows, ptrdiff_t row, ptrdiff_t column, enum e5_dtype dtype) {
    return (struct e5_view){.data = data,
                            .dtype = dtype,
                            .ndim = 2,
                            .shape = {rows, SOURCE_CELLS},
                            .strides = {row, column},
                            .packing = E5_PACKING_NONE};
}

static void make_pair(struct pair *p) {
    p->a = source_field(&p->views[0]);
    p->b = malloc(STEPS * SOURCE_CELLS * sizeof *p->b);
    for (size_t cell = 0; cell < SOURCE_CELLS; cell++) /* time innermost */
        for (size_t step = 0; step < STEPS; step++)
            p->b[cell * STEPS + step] = (step + cell) % 41 == 7 ? NAN : (float)((step * 3 + cell) % 17);
    p->views[1] = matrix(p->b, STEPS, 4, STEPS * 4, E5_F32);
    for (int i = 0; i < MAPS; i++) p->map[i] = i * 1.5;
    p->views[2] = matrix(p->map, MAPS, 8, 0, E5_F64);
    CHECK_OK(e5_periods_by_calendar(&axis, (struct e5_frequency){1, 1, 0}, &p->periods, err));
    CHECK(p->periods.count == PERIODS);
    CHECK_OK(e5_missing_init(&p->missing, &axis, &p->periods, (struct e5_frequency){1, 1, 0},
                             (struct e5_missing_policy){E5_MISSING_ETCCDI, 0}, err));
}

static void free_pair(struct pair *p) {
    free(p->a);
    free(p->b);
    e5_periods_fini(&p->periods);
    e5_missing_fini(&p->missing);
}

/* From the definition; a month with more than three missing days has no result. */
static double pair_slowly(const struct pair *p, size_t cell, size_t row, double factor) {
    size_t period = row % PERIODS;
    double sum = p->map[period];
    int valid = 0;
    for (size_t step = 0; step < STEPS; step++) {
        double a = p->a[step * SOURCE_CELLS + cell], b = p->b[cell * STEPS + step];
        if ((size_t)p->periods.of_sample[step] != period || isnan(a) || isnan(b)) continue;
        sum += a * b * factor;
        valid++;
    }
    if (p->periods.expected[period] - valid > 3) return NAN;
    return row < PERIODS ? sum : -sum;
}

/* Each of the series from memory or from a source, in one read for two plans, into double and float. */
TEST(operands_in_any_mixture) {
    static const size_t budgets[] = {1, 5000, 1 << 20};
    static double twice[2 * PERIODS * SOURCE_CELLS];
    static float single[2 * PERIODS * SOURCE_CELLS];
    struct pair p;
    make_pair(&p);
    struct e5_series_input from = {
        .axis = &axis, .periods = &p.periods, .missing = &p.missing, .rows = {STEPS, STEPS, MAPS}};
    struct e5_sweep_plan plans[2];
    for (int i = 0; i < 2; i++) CHECK_OK(e5_sweep_plan(&pair, &luck[i], &from, &plans[i], err));
    for (int mixture = 0; mixture < 8; mixture++)
        for (size_t k = 0; k < 3; k++) {
            struct e5_pool *pool = k > 0 ? new_pool((unsigned)k + 1) : NULL;
            struct e5_source sources[3];
            struct e5_sweep_operand operands[4] = {{0}};
            struct e5_sweep_out out[] = {{twice, E5_F64, SOURCE_CELLS}, {single, E5_F32, SOURCE_CELLS}};
            struct e5_sweep sweep = {plans, out, 2, operands, budgets[k], "/tmp"};
            struct e5_watch watch = {0};
            size_t wrong = 0, lost = 0;
            for (int i = 0; i < 3; i++) {
                sources[i] = e5_source_memory(&p.views[i]);
                if ((mixture >> i & 1) != 0)
                    operands[i].source = &sources[i];
                else
                    operands[i].view = &p.views[i];
            }
            CHECK_OK(e5_sweep(&sweep, pool, &watch, err));
            CHECK(atomic_load(&watch.done) == atomic_load(&watch.total));
            for (size_t i = 0; i < 2 * PERIODS * SOURCE_CELLS; i++) {
                double one = pair_slowly(&p, i % SOURCE_CELLS, i / SOURCE_CELLS, 2);
                float two = (float)pair_slowly(&p, i % SOURCE_CELLS, i / SOURCE_CELLS, 3);
                wrong += memcmp(&one, &twice[i], sizeof one) != 0 && !(isnan(one) && isnan(twice[i]));
                wrong += memcmp(&two, &single[i], sizeof two) != 0 && !(isnan(two) && isnan(single[i]));
                lost += isnan(one);
            }
            CHECK(wrong == 0 && lost > 0 && lost < 2 * PERIODS * SOURCE_CELLS);
            e5_pool_free(pool);
        }
    for (int i = 0; i < 2; i++) e5_sweep_plan_fini(&plans[i]);
    free_pair(&p);
}

/* Several maps behind each other, of which each plan takes its own: as in a sweep with that one alone. */
TEST(each_plan_takes_its_own_of_several_maps) {
    static const size_t budgets[] = {1, 1 << 20};
    static double want[2 * PERIODS * SOURCE_CELLS], got[2][2 * PERIODS * SOURCE_CELLS];
    double maps[3][MAPS];
    struct pair p;
    make_pair(&p);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < MAPS; i++) maps[k][i] = 100 * k + i * 1.5;
    struct e5_series_input from = {.axis = &axis, .periods = &p.periods, .rows = {STEPS, STEPS, MAPS}};
    struct e5_sweep_plan plans[2];
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(e5_sweep_plan(&pair, &luck[0], &from, &plans[i], err));
        plans[i].choice[2] = 2 * i;
    }
    struct e5_view all = matrix(maps, 3 * MAPS, 8, 0, E5_F64);
    for (size_t b = 0; b < 2; b++) {
        struct e5_source a = e5_source_memory(&p.views[0]);
        struct e5_sweep_operand operands[4] = {{NULL, &a}, {&p.views[1], NULL}, {&all, NULL, 3}};
        struct e5_sweep_out out[] = {{got[0], E5_F64, SOURCE_CELLS}, {got[1], E5_F64, SOURCE_CELLS}};
        CHECK_OK(e5_sweep(&(struct e5_sweep){plans, out, 2, operands, budgets[b], "/tmp"}, NULL, NULL, err));
        for (size_t i = 0; i < 2; i++) {
            struct e5_view one = matrix(maps[2 * i], MAPS, 8, 0, E5_F64);
            struct e5_sweep_operand alone[4] = {{NULL, &a}, {&p.views[1], NULL}, {&one, NULL}};
            struct e5_sweep_plan plan = plans[i];
            struct e5_sweep_out to = {want, E5_F64, SOURCE_CELLS};
            plan.choice[2] = 0;
            CHECK_OK(e5_sweep(&(struct e5_sweep){&plan, &to, 1, alone, budgets[b], "/tmp"}, NULL, NULL, err));
            CHECK(memcmp(want, got[i], sizeof want) == 0);
        }
        operands[2].several = 2; /* one map is left over */
        CHECK_STATUS(E5_INPUT,
                     e5_sweep(&(struct e5_sweep){plans, out, 2, operands, budgets[b], "/tmp"}, NULL, NULL, err));
    }
    for (int i = 0; i < 2; i++) e5_sweep_plan_fini(&plans[i]);
    free_pair(&p);
}

/* A source may be meant in other units than it is stored in: the same bits as converting first. */
TEST(sources_are_scaled_while_gathering) {
    static const size_t budgets[] = {4000, 1 << 20};
    static double want[RESULTS * SOURCE_CELLS], got[RESULTS * SOURCE_CELLS];
    struct e5_view view;
    struct e5_sweep_plan plan;
    float *field = source_field(&view);
    CHECK_OK(e5_sweep_plan(&toy, &params, &input, &plan, err));
    for (size_t b = 0; b < 2; b++) {
        struct e5_source source = e5_source_memory(&view);
        source.scale = 2.5;
        source.offset = -273.15;
        CHECK_OK(sweep_source(&plan, &source, budgets[b], "/tmp", got, NULL, NULL, err));
    }
    for (size_t i = 0; i < STEPS * SOURCE_CELLS; i++) field[i] = (float)((double)field[i] * 2.5 - 273.15);
    CHECK_OK(sweep_view(&plan, &view, want, NULL, NULL, err));
    CHECK(memcmp(want, got, sizeof want) == 0);
    e5_sweep_plan_fini(&plan);
    free(field);
}

TEST(operands_must_fit) {
    static double out[2 * PERIODS * SOURCE_CELLS];
    struct pair p;
    make_pair(&p);
    struct e5_series_input from = {.axis = &axis, .periods = &p.periods, .rows = {STEPS, STEPS, MAPS}};
    struct e5_sweep_plan plan;
    CHECK_OK(e5_sweep_plan(&pair, &luck[0], &from, &plan, err));
    struct e5_sweep_operand operands[4] = {{&p.views[0], NULL}, {&p.views[1], NULL}, {NULL, NULL}};
    struct e5_sweep_out to = {out, E5_F64, SOURCE_CELLS};
    struct e5_sweep sweep = {.plans = &plan, .out = &to, .nplans = 1, .operands = operands};
    CHECK_STATUS(E5_INPUT, e5_sweep(&sweep, NULL, NULL, err)); /* the map is missing */
    operands[2].view = &p.views[2];
    CHECK_OK(e5_sweep(&sweep, NULL, NULL, err));
    p.views[1].shape[1]--;
    CHECK_STATUS(E5_INPUT, e5_sweep(&sweep, NULL, NULL, err)); /* other cells */
    p.views[1].shape[1]++;
    p.views[2].shape[0]--;
    CHECK_STATUS(E5_INPUT, e5_sweep(&sweep, NULL, NULL, err)); /* other rows than the plan was made for */
    e5_sweep_plan_fini(&plan);
    free_pair(&p);
}

int main(void) {
    for (int i = 0; i < STEPS; i++) seconds[i] = (int64_t)i * E5_DAY;
    RUN(time_major_of_any_size);
    RUN(any_strides);
    RUN(packed_big_endian_shorts_are_float32);
    RUN(packed_integers_of_32_bits_stay_exact);
    RUN(broadcast_cells_have_stride_zero);
    RUN(a_lone_series);
    RUN(any_budget_gives_the_same_bits);
    RUN(scratch_needs_a_directory_with_room);
    RUN(scratch_space_is_taken_through_signals_or_while_writing);
    RUN(a_source_that_fails_half_way);
    RUN(plans_are_checked);
    RUN(data_and_axis_must_agree);
    RUN(cancel_in_the_middle);
    RUN(every_allocation_may_fail);
    RUN(every_allocation_of_a_spill_may_fail);
    RUN(operands_in_any_mixture);
    RUN(each_plan_takes_its_own_of_several_maps);
    RUN(sources_are_scaled_while_gathering);
    RUN(operands_must_fit);
    return check_summary();
}
