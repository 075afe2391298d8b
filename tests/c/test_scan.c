#include "drive/scan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "samples.h"

/* The kernel of these tests writes down the order of calls: its state is a polynomial of all that happened to a cell,
 * so that a call too many, too few or out of order changes the result. */
static size_t trace_size(const struct e5_params *params, enum e5_dtype dtype) {
    (void)params;
    (void)dtype;
    return sizeof(double);
}

static void trace_begin(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params) {
    double *trace = state;
    (void)dtype;
    (void)params;
    for (size_t i = 0; i < cells; i++) trace[i] = first ? 1 : trace[i] / 3 + 2; /* a state that lasts over periods */
}

static void trace_steps(void *state, const struct e5_rows *rows, const struct e5_params *params) {
    double *trace = state;
    for (size_t step = 0; step < rows->steps; step++)
        for (size_t i = 0; i < rows->cells; i++) {
            size_t at = step * rows->stride + i;
            double x = rows->dtype == E5_F32 ? (double)((const float *)rows->values)[at]
                                             : ((const double *)rows->values)[at];
            trace[i] = trace[i] * 0.75 + x * params->value[0].number;
        }
}

static void trace_end(void *state, double *out, size_t cells, int32_t expected, enum e5_dtype dtype,
                      const struct e5_params *params) {
    double *trace = state;
    (void)dtype;
    (void)params;
    for (size_t i = 0; i < cells; i++) out[i] = trace[i] + expected;
}

static const struct e5_scan_ops trace_ops = {trace_size, trace_begin, trace_steps, trace_end, .lasting = true};
static const struct e5_kernel trace = {.name = "trace",
                                       .kind = E5_SCAN,
                                       .params = {{"factor", E5_NUMBER, "1", 0, 10, .doc = ""}},
                                       .ops.scan = &trace_ops};

/* The same with periods that stand by themselves. */
static void apart_begin(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params) {
    (void)first;
    trace_begin(state, cells, true, dtype, params);
}

static const struct e5_scan_ops apart_ops = {trace_size, apart_begin, trace_steps, trace_end, .lasting = false};
static const struct e5_kernel apart = {.name = "apart",
                                       .kind = E5_SCAN,
                                       .params = {{"factor", E5_NUMBER, "1", 0, 10, .doc = ""}},
                                       .ops.scan = &apart_ops};
static const struct e5_kernel series = {.name = "series", .kind = E5_SERIES};

/* --- a field, and what must come out --- */

#define STEPS 50
#define PERIODS 8

static int32_t of_sample[STEPS], expected[PERIODS] = {5, 4, 3, 2, 1, 0, 7, 9};
static const struct e5_periods periods = {.count = PERIODS, .of_sample = of_sample, .expected = expected};

/* Periods 0, 3 and 7 are empty; some samples belong to none. */
static void make_periods(void) {
    static const int32_t used[] = {1, 2, 4, 5, 6};
    for (int i = 0; i < STEPS; i++) of_sample[i] = i % 11 == 3 || i == 0 || i == STEPS - 1 ? -1 : used[i / 10];
}

static double sample(size_t step, size_t cell) {
    double x = (double)((step * 7919 + cell * 104729) % 1000) / 8 - 30;
    return (step + cell) % 17 == 0 ? NAN : x;
}

/* One cell, from the definition. */
static void kernel_slowly(const struct e5_kernel *kernel, size_t cell, double factor, double out[PERIODS]) {
    double state = 0;
    for (int32_t period = 0; period < PERIODS; period++) {
        state = period == 0 || kernel == &apart ? 1 : state / 3 + 2;
        for (size_t step = 0; step < STEPS; step++)
            if (of_sample[step] == period) state = state * 0.75 + (double)(float)sample(step, cell) * factor;
        out[period] = state + expected[period];
    }
}

static void trace_slowly(size_t cell, double factor, double out[PERIODS]) {
    kernel_slowly(&trace, cell, factor, out);
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static struct e5_pool *new_pool(unsigned threads) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(threads, &pool, err));
    return pool;
}

static float *new_field(size_t cells) {
    float *field = malloc((cells > 0 ? cells : 1) * STEPS * sizeof *field);
    for (size_t step = 0; step < STEPS; step++)
        for (size_t cell = 0; cell < cells; cell++) field[step * cells + cell] = (float)sample(step, cell);
    return field;
}

/* Run two requests of different factors and output types, and compare all cells. */
static void check_scan(struct e5_source *source, struct e5_pool *pool, size_t block_bytes) {
    size_t cells = source->cells;
    struct e5_params one = {.value = {{.number = 1}}}, two = {.value = {{.number = 2.5}}};
    double *doubles = malloc(PERIODS * (cells + 1) * sizeof *doubles), slow[PERIODS];
    float *singles = malloc(PERIODS * (cells + 1) * sizeof *singles);
    struct e5_scan_request requests[] = {{&trace, &one, &periods, E5_F64, doubles},
                                         {&trace, &two, &periods, E5_F32, singles}};
    struct e5_watch watch = {0};
    size_t wrong = 0;
    CHECK_OK(e5_scan(source, requests, 2, block_bytes, pool, &watch, err));
    for (size_t cell = 0; cell < cells; cell++) {
        trace_slowly(cell, 1, slow);
        for (size_t k = 0; k < PERIODS; k++) wrong += !same(slow[k], doubles[k * cells + cell]);
        trace_slowly(cell, 2.5, slow);
        for (size_t k = 0; k < PERIODS; k++) wrong += !same((float)slow[k], singles[k * cells + cell]);
    }
    CHECK(wrong == 0);
    CHECK(atomic_load(&watch.total) == (int64_t)(STEPS * cells));
    CHECK(atomic_load(&watch.done) == (int64_t)(STEPS * cells));
    free(doubles);
    free(singles);
}

TEST(any_threads_blocks_and_sizes_give_the_same) {
    static const size_t sizes[] = {0, 1, 63, 64, 513, 4099, 20001};
    static const unsigned threads[] = {1, 2, 4, 7};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        float *field = new_field(sizes[k]);
        struct e5_view view = view_of_rows(field, E5_F32, STEPS, sizes[k]);
        struct e5_source source = e5_source_memory(&view);
        CHECK(source.direct == field && source.dtype == E5_F32 && source.cells == sizes[k]);
        check_scan(&source, NULL, 1 << 20);
        for (size_t t = 0; t < 4; t++) {
            struct e5_pool *pool = new_pool(threads[t]);
            check_scan(&source, pool, 1); /* step by step */
            check_scan(&source, pool, 70000);
            check_scan(&source, pool, SIZE_MAX); /* all at once */
            source.direct = NULL; /* the same decoded strip by strip */
            check_scan(&source, pool, 70000);
            source.view = NULL; /* and through a block buffer */
            check_scan(&source, pool, 70000);
            source.direct = field;
            source.view = &view;
            e5_pool_free(pool);
        }
        free(field);
    }
}

/* --- boxes of a grid --- */

enum { GRID_ROWS = 31, GRID_COLUMNS = 43, GRID_CELLS = GRID_ROWS * GRID_COLUMNS };

static atomic_int boxes_read;

static enum e5_status read_a_box(void *self, size_t first, size_t steps, const struct e5_dataset_box *box, void *out,
                                 struct e5_watch *watch, struct e5_error *error) {
    const struct e5_view *view = self;
    const float *field = view->data;
    float *to = out;
    atomic_fetch_add(&boxes_read, 1);
    for (size_t step = first; step < first + steps; step++)
        for (size_t row = box->row; row < box->row + box->rows; row++, to += box->columns)
            memcpy(to, field + (step * GRID_ROWS + row) * GRID_COLUMNS + box->column, box->columns * sizeof *to);
    return e5_watch_check(watch, error);
}

static struct e5_source in_boxes(const struct e5_view *view) {
    struct e5_source source = e5_source_memory(view);
    source.view = NULL;
    source.direct = NULL;
    source.width = GRID_COLUMNS;
    source.box_rows = 5;
    source.box_columns = 9; /* 7 × 5 of them */
    source.read_box = read_a_box;
    return source;
}

TEST(a_grid_in_boxes_gives_the_same) {
    static const unsigned threads[] = {1, 2, 8, 9};
    float *field = new_field(GRID_CELLS);
    struct e5_view view = view_of_rows(field, E5_F32, STEPS, GRID_CELLS);
    struct e5_source source = in_boxes(&view);
    for (size_t t = 0; t < 4; t++) {
        struct e5_pool *pool = new_pool(threads[t]);
        atomic_store(&boxes_read, 0);
        check_scan(&source, pool, 70000);
        CHECK((atomic_load(&boxes_read) >= 35) == (threads[t] <= 8)); /* else some threads would have none */
        e5_pool_free(pool);
    }
    check_scan(&source, NULL, 1);
    free(field);
}

TEST(boxes_are_left_when_cancelled_or_without_memory) {
    float *field = new_field(GRID_CELLS);
    struct e5_view view = view_of_rows(field, E5_F32, STEPS, GRID_CELLS);
    struct e5_source source = in_boxes(&view);
    struct e5_params params = {.value = {{.number = 1}}};
    double *out = malloc(PERIODS * GRID_CELLS * sizeof *out);
    struct e5_scan_request request = {.kernel = &trace, .params = &params, .periods = &periods, .out_dtype = E5_F64};
    struct e5_watch watch = {.cancel = true};
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    request.out = out;
    CHECK_STATUS(E5_CANCELLED, e5_scan(&source, &request, 1, 1000, NULL, &watch, err));
    struct e5_periods endless = {.count = (size_t)INT32_MAX + 1};
    struct e5_error said = E5_ERROR_NONE;
    request.periods = &endless;
    CHECK(e5_scan(&source, &request, 1, 1000, NULL, NULL, &said) == E5_UNSAFE);
    CHECK(strstr(said.what, "2147483648 periods are too many") != NULL);
    request.periods = &periods;
    for (int n = 1; status != E5_OK && n < 1000; n++) {
        struct e5_error error = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        status = e5_scan(&source, &request, 1, 1000, NULL, NULL, &error);
        failures += status == E5_MEMORY && error.status == E5_MEMORY;
        CHECK(status == E5_OK || status == E5_MEMORY);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && failures > 35);
    free(field);
    free(out);
}

/* --- layouts --- */

TEST(reversed_rows_and_columns) {
    enum { CELLS = 801 };
    float *field = new_field(CELLS), *turned = malloc(sizeof *turned * STEPS * CELLS);
    for (size_t i = 0; i < STEPS * CELLS; i++) turned[STEPS * CELLS - 1 - i] = field[i];
    struct e5_view view = view_of_rows(turned + STEPS * CELLS - 1, E5_F32, STEPS, CELLS);
    view.strides[0] = -view.strides[0];
    view.strides[1] = -view.strides[1];
    struct e5_source source = e5_source_memory(&view);
    struct e5_pool *pool = new_pool(4);
    CHECK(source.direct == NULL);
    check_scan(&source, pool, 50000);
    e5_pool_free(pool);
    free(field);
    free(turned);
}

/* Latitude × longitude cut out of something larger, time innermost, in the other byte order, and misaligned. */
TEST(time_innermost_swapped_and_misaligned) {
    enum { ROWS = 13, COLUMNS = 37, CELLS = ROWS * COLUMNS };
    size_t item = sizeof(float), column = STEPS * item, row = (COLUMNS + 2) * column;
    char *memory = calloc(1, ROWS * row + 1);
    for (size_t step = 0; step < STEPS; step++)
        for (size_t cell = 0; cell < CELLS; cell++) {
            float value = (float)sample(step, cell);
            uint32_t bits;
            memcpy(&bits, &value, item);
            bits = __builtin_bswap32(bits);
            memcpy(memory + 1 + cell / COLUMNS * row + cell % COLUMNS * column + step * item, &bits, item);
        }
    struct e5_view view = {.data = memory + 1,
                           .dtype = E5_F32,
                           .swapped = true,
                           .ndim = 3,
                           .shape = {STEPS, ROWS, COLUMNS},
                           .strides = {(ptrdiff_t)item, (ptrdiff_t)row, (ptrdiff_t)column},
                           .packing = E5_PACKING_NONE};
    struct e5_source source = e5_source_memory(&view);
    struct e5_pool *pool = new_pool(2);
    CHECK(source.direct == NULL && source.cells == CELLS);
    check_scan(&source, pool, 9000);
    e5_pool_free(pool);
    free(memory);
}

/* Packed integers are unpacked in double and rounded once to float32. */
TEST(packed_big_endian_shorts) {
    enum { CELLS = 700 };
    static uint16_t stored[STEPS * CELLS];
    static double out[PERIODS * CELLS];
    struct e5_packing packing = E5_PACKING_NONE;
    struct e5_params params = {.value = {{.number = 1}}};
    struct e5_scan_request request = {&trace, &params, &periods, E5_F64, out};
    packing.scale = 0.0017;
    packing.offset = 273.15;
    packing.fill = -32767;
    for (size_t i = 0; i < STEPS * CELLS; i++)
        stored[i] = __builtin_bswap16((uint16_t)(int16_t)(i % 97 == 0 ? -32767 : (int)(i * 37 % 60000) - 30000));
    struct e5_view view = {.data = stored,
                           .dtype = E5_I16,
                           .swapped = true,
                           .ndim = 2,
                           .shape = {STEPS, CELLS},
                           .strides = {CELLS * 2, 2},
                           .packing = packing};
    struct e5_source source = e5_source_memory(&view);
    struct e5_pool *pool = new_pool(4);
    CHECK(source.direct == NULL && source.dtype == E5_F32);
    CHECK_OK(e5_scan(&source, &request, 1, 5000, pool, NULL, err));
    size_t wrong = 0;
    for (size_t cell = 0; cell < CELLS; cell++) {
        double state = 0;
        for (int32_t period = 0; period < PERIODS; period++) {
            state = period == 0 ? 1 : state / 3 + 2;
            for (size_t step = 0; step < STEPS; step++) {
                int16_t packed = (int16_t)__builtin_bswap16(stored[step * CELLS + cell]);
                float value = packed == -32767 ? NAN : (float)(packed * 0.0017 + 273.15);
                if (of_sample[step] == period) state = state * 0.75 + (double)value;
            }
            wrong += !same(out[(size_t)period * CELLS + cell], state + expected[period]);
        }
    }
    CHECK(wrong == 0);
    e5_pool_free(pool);
}

TEST(which_arrays_are_float64) {
    static const enum e5_dtype single[] = {E5_F32, E5_I8, E5_U8, E5_I16, E5_U16};
    static const enum e5_dtype twice[] = {E5_F64, E5_I32, E5_U32, E5_I64, E5_U64};
    static const double data[4] = {0};
    for (size_t i = 0; i < 5; i++) {
        struct e5_view view = {.data = data, .ndim = 1, .shape = {4}, .packing = E5_PACKING_NONE};
        view.dtype = single[i];
        view.strides[0] = (ptrdiff_t)e5_dtype_size(view.dtype);
        CHECK(e5_source_memory(&view).dtype == E5_F32);
        view.dtype = twice[i];
        view.strides[0] = (ptrdiff_t)e5_dtype_size(view.dtype);
        CHECK(e5_source_memory(&view).dtype == E5_F64);
        CHECK(e5_source_memory(&view).cells == 1);
        CHECK((e5_source_memory(&view).direct == data) == (view.dtype == E5_F64));
    }
}

/* --- sources that go wrong --- */

struct fragile {
    size_t fail_at, cancel_at, empty_at; /* step; SIZE_MAX: never */
    struct e5_watch *watch;
    size_t reads;
};

static size_t fragile_block(const void *self, size_t first, size_t ceiling) {
    (void)ceiling;
    return ((const struct fragile *)self)->empty_at == first ? 0 : 1;
}

static enum e5_status fragile_read(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                   struct e5_watch *watch, struct e5_error *err) {
    struct fragile *fragile = self;
    (void)par;
    (void)watch;
    memset(out, 0, steps * 100 * sizeof(float));
    fragile->reads++;
    if (first == fragile->fail_at) return e5_fail(err, E5_CORRUPT, "step %zu is damaged", first);
    if (first == fragile->cancel_at) e5_watch_cancel(fragile->watch);
    return E5_OK;
}

static enum e5_status scan_fragile(struct fragile *fragile, struct e5_pool *pool, struct e5_error *err) {
    static double out[PERIODS * 100];
    struct e5_params params = {.value = {{.number = 1}}};
    struct e5_scan_request request = {&trace, &params, &periods, E5_F64, out};
    struct e5_source source = {
        .steps = STEPS, .cells = 100, .dtype = E5_F32, .self = fragile, .block = fragile_block, .read = fragile_read};
    return e5_scan(&source, &request, 1, 1000, pool, fragile->watch, err);
}

TEST(a_failing_source_stops_the_scan) {
    struct e5_pool *pool = new_pool(2);
    struct fragile fragile = {20, SIZE_MAX, SIZE_MAX, NULL, 0};
    struct e5_error error = E5_ERROR_NONE;
    CHECK(scan_fragile(&fragile, pool, &error) == E5_CORRUPT);
    CHECK(strcmp(error.what, "step 20 is damaged") == 0 && fragile.reads == 21);
    fragile = (struct fragile){SIZE_MAX, SIZE_MAX, 20, NULL, 0};
    CHECK_STATUS(E5_INTERNAL, scan_fragile(&fragile, pool, err));
    e5_pool_free(pool);
}

TEST(cancel_in_the_middle) {
    static const unsigned threads[] = {1, 2, 4, 7};
    for (int t = 0; t < 4; t++) {
        struct e5_pool *pool = new_pool(threads[t]);
        struct e5_watch watch = {0};
        struct fragile fragile = {SIZE_MAX, 30, SIZE_MAX, &watch, 0};
        CHECK_STATUS(E5_CANCELLED, scan_fragile(&fragile, pool, err));
        CHECK(fragile.reads == 31 && atomic_load(&watch.done) == 30 * 100);
        e5_pool_free(pool);
    }
}

/* --- parts --- */

/* The period of the first sample from `step` on that has one; PERIODS when none does. */
static int32_t next_period(size_t step) {
    while (step < STEPS && of_sample[step] < 0) step++;
    return step < STEPS ? of_sample[step] : PERIODS;
}

struct cuts {
    size_t border[6], n; /* parts from border[i] to border[i + 1] */
};

/* Run all parts, with pools of different sizes, and put their results one behind the other. */
static void scan_parts(const float *field, size_t cells, const struct cuts *cuts, struct e5_pool *const *pools,
                       double *doubles, float *singles) {
    struct e5_params one = {.value = {{.number = 1}}}, two = {.value = {{.number = 2.5}}};
    size_t begun = 0;
    void *states[2][2] = {{NULL}};
    for (size_t k = 0; k < cuts->n; k++) {
        size_t from = cuts->border[k], steps = cuts->border[k + 1] - from;
        size_t next = k + 1 < cuts->n ? (size_t)next_period(cuts->border[k + 1]) : PERIODS;
        int32_t own[STEPS];
        for (size_t i = 0; i < steps; i++)
            own[i] = of_sample[from + i] < 0 ? -1 : of_sample[from + i] - (int32_t)begun;
        struct e5_periods part_periods = {
            .count = next - begun + (next < PERIODS), .of_sample = own, .expected = expected + begun};
        struct e5_view view = view_of_rows(field + from * cells, E5_F32, STEPS, cells);
        view.shape[0] = steps;
        struct e5_source source = e5_source_memory(&view);
        struct e5_scan_part parts[2] = {{.finished = next - begun, .in = states[0][k % 2]},
                                        {.finished = next - begun, .in = states[1][k % 2]}};
        struct e5_scan_request requests[] = {
            {&trace, &one, &part_periods, E5_F64, doubles + begun * cells, &parts[0]},
            {&trace, &two, &part_periods, E5_F32, singles + begun * cells, &parts[1]}};
        for (int r = 0; r < 2; r++) {
            free(states[r][(k + 1) % 2]);
            states[r][(k + 1) % 2] = malloc(e5_scan_request_bytes(&requests[r], cells, E5_F32) + 1);
            if (next < PERIODS) parts[r].out = states[r][(k + 1) % 2];
            if (begun == PERIODS) parts[r].in = NULL; /* steps of no period, behind the last one */
        }
        CHECK_OK(e5_scan(&source, requests, 2, SIZE_MAX, pools[k % 3], NULL, err));
        begun = next;
    }
    for (int r = 0; r < 4; r++) free(states[r / 2][r % 2]);
}

TEST(any_cut_into_parts_gives_the_same) {
    enum { CELLS = 4099 }; /* three segments */
    static const struct cuts some[] = {{{0, STEPS}, 1},
                                       {{0, 1, STEPS}, 2},
                                       {{0, 10, 20, STEPS}, 3},
                                       {{0, 9, 11, 31, STEPS}, 4},
                                       {{0, 3, 4, 4, 49, STEPS}, 5}};
    struct e5_pool *pools[3] = {NULL, new_pool(2), new_pool(7)};
    float *field = new_field(CELLS), *singles = malloc(PERIODS * CELLS * sizeof *singles);
    double *doubles = malloc(PERIODS * CELLS * sizeof *doubles), slow[PERIODS];
    for (size_t c = 0; c < sizeof some / sizeof *some; c++) {
        size_t wrong = 0;
        scan_parts(field, CELLS, &some[c], pools, doubles, singles);
        for (size_t cell = 0; cell < CELLS; cell++) {
            trace_slowly(cell, 1, slow);
            for (size_t k = 0; k < PERIODS; k++) wrong += !same(slow[k], doubles[k * CELLS + cell]);
            trace_slowly(cell, 2.5, slow);
            for (size_t k = 0; k < PERIODS; k++) wrong += !same((float)slow[k], singles[k * CELLS + cell]);
        }
        CHECK(wrong == 0);
    }
    for (int i = 0; i < 3; i++) e5_pool_free(pools[i]);
    free(field);
    free(singles);
    free(doubles);
}

/* --- requests that do not fit --- */

TEST(parts_say_what_goes_on) {
    static double out[PERIODS], states[8];
    struct e5_params good = {.value = {{.number = 1}}};
    struct e5_view view = {
        .data = out, .dtype = E5_F32, .ndim = 2, .shape = {0, 1}, .strides = {4, 4}, .packing = E5_PACKING_NONE};
    struct e5_source source = e5_source_memory(&view);
    struct e5_periods none = {0};
    struct e5_scan_part wrong[] = {{PERIODS + 1, NULL, NULL}, /* more than there are */
                                   {PERIODS - 1, NULL, NULL}, /* one goes on, and its state gets lost */
                                   {PERIODS, NULL, states}, /* nothing goes on */
                                   {PERIODS - 2, NULL, states}};
    for (int i = 0; i < 4; i++) {
        struct e5_scan_request request = {&trace, &good, &periods, E5_F64, out, &wrong[i]};
        CHECK_STATUS(E5_INTERNAL, e5_scan(&source, &request, 1, 1000, NULL, NULL, err));
    }
    struct e5_scan_part from_nothing = {0, states, NULL};
    struct e5_scan_request request = {&trace, &good, &none, E5_F64, out, &from_nothing};
    CHECK_STATUS(E5_INTERNAL, e5_scan(&source, &request, 1, 1000, NULL, NULL, err));
}

TEST(requests_are_checked_before_any_work) {
    static double out[PERIODS];
    struct fragile fragile = {SIZE_MAX, SIZE_MAX, SIZE_MAX, NULL, 0};
    struct e5_source source = {
        .steps = STEPS, .cells = 1, .dtype = E5_F32, .self = &fragile, .block = fragile_block, .read = fragile_read};
    struct e5_params good = {.value = {{.number = 1}}}, bad = {.value = {{.number = 11}}};
    int32_t jumbled[STEPS] = {1, 0}, beyond[STEPS] = {PERIODS}, below[STEPS] = {-2};
    struct e5_periods wrong[] = {periods, periods, periods};
    wrong[0].of_sample = jumbled;
    wrong[1].of_sample = beyond;
    wrong[2].of_sample = below;
    struct e5_scan_request requests[] = {
        {&series, &good, &periods, E5_F64, out}, {&trace, &bad, &periods, E5_F64, out},
        {&trace, &good, &periods, E5_I16, out},  {&trace, &good, &wrong[0], E5_F64, out},
        {&trace, &good, &wrong[1], E5_F64, out}, {&trace, &good, &wrong[2], E5_F64, out}};
    for (int i = 0; i < 3; i++) CHECK_STATUS(E5_INPUT, e5_scan(&source, &requests[i], 1, 1000, NULL, NULL, err));
    for (int i = 3; i < 6; i++) CHECK_STATUS(E5_INTERNAL, e5_scan(&source, &requests[i], 1, 1000, NULL, NULL, err));
    CHECK_OK(e5_scan(&source, requests, 0, 1000, NULL, NULL, err));
    CHECK(fragile.reads == 0);
}

TEST(a_series_without_steps_ends_every_period) {
    double out[PERIODS];
    struct e5_params params = {.value = {{.number = 1}}};
    struct e5_scan_request request = {&trace, &params, &periods, E5_F64, out};
    struct e5_view view = {
        .data = out, .dtype = E5_F32, .ndim = 2, .shape = {0, 1}, .strides = {4, 4}, .packing = E5_PACKING_NONE};
    struct e5_source source = e5_source_memory(&view);
    CHECK_OK(e5_scan(&source, &request, 1, 1000, NULL, NULL, err));
    CHECK(out[0] == 1 + 5 && same(out[1], 1. / 3 + 2 + 4));
}

/* How many allocations of a scan can fail; each failure is told, and nothing leaks. */
static int failures_of(struct e5_source *source, const struct e5_scan_request *requests, size_t n) {
    enum e5_status status = E5_MEMORY;
    int failures = 0;
    for (int k = 1; status != E5_OK && k < 100; k++, failures += status == E5_MEMORY) {
        struct e5_error error = E5_ERROR_NONE;
        e5_alloc_fail_after(k);
        status = e5_scan(source, requests, n, 100000, NULL, NULL, &error);
        CHECK(status == error.status && (status == E5_OK || status == E5_MEMORY));
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK);
    return failures;
}

TEST(every_allocation_may_fail) {
    float *field = new_field(2000);
    struct e5_view view = view_of_rows(field, E5_F32, STEPS, 2000);
    struct e5_source array = e5_source_memory(&view), stream = array;
    struct e5_params params = {.value = {{.number = 1}}};
    double *out = malloc(PERIODS * 2000 * sizeof *out);
    struct e5_scan_request two[] = {{&trace, &params, &periods, E5_F64, out},
                                    {&trace, &params, &periods, E5_F64, out}};
    struct e5_scan_request whole = {&apart, &params, &periods, E5_F64, out};
    stream.direct = NULL;
    stream.view = NULL;
    CHECK(failures_of(&stream, two, 2) >= 6);
    CHECK(failures_of(&array, &whole, 1) >= 3);
    free(field);
    free(out);
}

/* How many results of two requests of these kernels are not what the definition says. */
static size_t wrong_of(struct e5_source *source, const struct e5_kernel *one, const struct e5_kernel *two,
                       const struct e5_periods *others, struct e5_pool *pool) {
    size_t cells = source->cells, wrong = 0;
    struct e5_params params = {.value = {{.number = 1}}};
    double *out = malloc(2 * PERIODS * cells * sizeof *out), *second = out + PERIODS * cells, slow[PERIODS];
    struct e5_scan_request requests[] = {{one, &params, &periods, E5_F64, out},
                                         {two, &params, others, E5_F64, second}};
    struct e5_watch watch = {0};
    CHECK_OK(e5_scan(source, requests, 2, SIZE_MAX, pool, &watch, err));
    for (size_t cell = 0; cell < cells; cell++) {
        kernel_slowly(one, cell, 1, slow);
        for (size_t k = 0; k < PERIODS; k++) wrong += !same(slow[k], out[k * cells + cell]);
        kernel_slowly(two, cell, 1, slow);
        for (size_t k = 0; k < PERIODS; k++) wrong += !same(slow[k], second[k * cells + cell]);
    }
    CHECK(atomic_load(&watch.done) == (int64_t)(STEPS * cells));
    free(out);
    return wrong;
}

TEST(periods_are_shared_out_where_they_stand_by_themselves) {
    const struct e5_periods others = periods;
    for (size_t cells = 1; cells < 100000; cells = cells * 7 + 60) {
        float *field = new_field(cells);
        struct e5_view view = view_of_rows(field, E5_F32, STEPS, cells);
        struct e5_source source = e5_source_memory(&view);
        for (unsigned threads = 1; threads < 4; threads++) {
            struct e5_pool *pool = new_pool(threads);
            CHECK(wrong_of(&source, &apart, &apart, &periods, pool) == 0);
            CHECK(wrong_of(&source, &apart, &trace, &periods, pool) == 0); /* of one they do not */
            CHECK(wrong_of(&source, &apart, &apart, &others, pool) == 0); /* they are not the same */
            e5_pool_free(pool);
        }
        free(field);
    }
}

int main(void) {
    make_periods();
    RUN(any_threads_blocks_and_sizes_give_the_same);
    RUN(a_grid_in_boxes_gives_the_same);
    RUN(boxes_are_left_when_cancelled_or_without_memory);
    RUN(reversed_rows_and_columns);
    RUN(time_innermost_swapped_and_misaligned);
    RUN(packed_big_endian_shorts);
    RUN(which_arrays_are_float64);
    RUN(a_failing_source_stops_the_scan);
    RUN(cancel_in_the_middle);
    RUN(any_cut_into_parts_gives_the_same);
    RUN(parts_say_what_goes_on);
    RUN(requests_are_checked_before_any_work);
    RUN(a_series_without_steps_ends_every_period);
    RUN(every_allocation_may_fail);
    RUN(periods_are_shared_out_where_they_stand_by_themselves);
    return check_summary();
}
