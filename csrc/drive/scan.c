/* A scan walks blocks of steps; for each block, tasks walk segments of cells.  A segment's state belongs to the one
 * task that has the segment at hand, and every cell sees its steps in order of time: neither the number of threads
 * nor the size of blocks and segments can change a bit of the result. */
#include "drive/scan.h"

#include "base/alloc.h"

#define SEGMENT_MAX 4096    /* cells: row and state of a segment stay in the L2 cache */
#define SEGMENT_MIN 512     /* cells: below, beginning a task costs more than it brings */
#define SEGMENT_STEP 64     /* cells: keeps every segment's state aligned */
#define TASKS_PER_THREAD 4  /* segments have equal work; a few each even out what the machine does beside us */

/* One request at one segment. */
struct lane {
    char *state;
    int32_t period; /* at hand; −1 before the first */
};

struct pass {
    struct e5_source *source;
    const struct e5_scan_request *requests;
    size_t n;
    size_t segment, segments;
    char **state;       /* n: for all cells */
    struct lane *lanes; /* segments × n */
    double *scratch;    /* slots × 2 × segment: a row, and an output row */
    struct e5_watch *watch;
    const char *block; /* steps × cells at hand */
    size_t first, steps;
};

struct block {
    char *bytes;
    size_t steps; /* that there is room for */
};

struct range {
    size_t first, count; /* cells */
};

static struct range range_of(const struct pass *pass, size_t index) {
    size_t first = index * pass->segment, left = pass->source->cells - first;
    return (struct range){first, left < pass->segment ? left : pass->segment};
}

/* --- periods --- */

static void write_out(const struct e5_scan_request *request, size_t at, const double *values, size_t n) {
    if (request->out_dtype == E5_F64) {
        double *out = (double *)request->out + at;
        for (size_t i = 0; i < n; i++) out[i] = values[i];
    } else {
        float *out = (float *)request->out + at;
        for (size_t i = 0; i < n; i++) out[i] = (float)values[i];
    }
}

/* Leave the period at hand and begin the next ones up to `to`; those in between have no samples. */
static void advance(const struct pass *pass, const struct e5_scan_request *request, struct lane *lane, int32_t to,
                    struct range cells, double *values) {
    const struct e5_scan_ops *ops = request->kernel->ops.scan;
    const struct e5_periods *periods = request->periods;
    while (lane->period < to) {
        int32_t left = lane->period++;
        if (left >= 0) {
            ops->end(lane->state, values, cells.count, periods->expected[left], request->params);
            write_out(request, (size_t)left * pass->source->cells + cells.first, values, cells.count);
        }
        if ((size_t)lane->period < periods->count)
            ops->begin(lane->state, cells.count, lane->period == 0, request->params);
    }
}

/* --- one segment of one block --- */

static const double *row_of(const struct pass *pass, size_t step, struct range cells, double *row) {
    size_t at = step * pass->source->cells + cells.first;
    if (pass->source->dtype == E5_F64) return (const double *)pass->block + at;
    const float *from = (const float *)pass->block + at;
    for (size_t i = 0; i < cells.count; i++) row[i] = from[i];
    return row;
}

static enum e5_status scan_segment(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct pass *pass = context;
    struct range cells = range_of(pass, index);
    struct lane *lanes = pass->lanes + index * pass->n;
    double *scratch = pass->scratch + slot * 2 * pass->segment, *values = scratch + pass->segment;
    (void)err;
    for (size_t step = 0; step < pass->steps; step++) {
        const double *row = row_of(pass, step, cells, scratch);
        for (size_t i = 0; i < pass->n; i++) {
            const struct e5_scan_request *request = &pass->requests[i];
            int32_t period = request->periods->of_sample[pass->first + step];
            if (period < 0) continue;
            advance(pass, request, &lanes[i], period, cells, values);
            request->kernel->ops.scan->step(lanes[i].state, row, cells.count, request->params);
        }
    }
    e5_watch_add(pass->watch, (int64_t)(pass->steps * cells.count));
    return E5_OK;
}

static enum e5_status finish_segment(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct pass *pass = context;
    double *values = pass->scratch + slot * 2 * pass->segment;
    (void)err;
    for (size_t i = 0; i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        advance(pass, request, &pass->lanes[index * pass->n + i], (int32_t)request->periods->count,
                range_of(pass, index), values);
    }
    return E5_OK;
}

/* --- all blocks --- */

/* Have the next block in memory: in place where the source can show it, else read into `buffer`, which grows. */
static enum e5_status next_block(struct pass *pass, size_t block_bytes, struct block *buffer,
                                 const struct e5_parallel *par, struct e5_error *err) {
    struct e5_source *source = pass->source;
    size_t row = source->cells * e5_dtype_size(source->dtype);
    pass->steps = source->block(source->self, pass->first, block_bytes);
    if (pass->steps < 1 || pass->steps > source->steps - pass->first)
        return e5_fail(err, E5_INTERNAL, "a source gave a block of %zu steps", pass->steps);
    if (source->direct != NULL) {
        pass->block = (const char *)source->direct + pass->first * row;
        return E5_OK;
    }
    if (buffer->steps < pass->steps) {
        free(buffer->bytes); /* nothing in it is needed any more: no copy */
        buffer->steps = 0;
        enum e5_status status = e5_alloc(pass->steps, row, &buffer->bytes, err);
        if (status != E5_OK) return status;
        buffer->steps = pass->steps;
    }
    pass->block = buffer->bytes;
    return source->read(source->self, pass->first, pass->steps, buffer->bytes, par, pass->watch, err);
}

static enum e5_status scan_blocks(struct pass *pass, size_t block_bytes, const struct e5_parallel *par,
                                  struct e5_error *err) {
    struct block buffer = {0};
    enum e5_status status = E5_OK;
    for (pass->first = 0; status == E5_OK && pass->first < pass->source->steps; pass->first += pass->steps) {
        status = next_block(pass, block_bytes, &buffer, par, err);
        if (status == E5_OK) status = e5_parallel_for(par, pass->watch, pass->segments, scan_segment, pass, err);
    }
    free(buffer.bytes);
    if (status == E5_OK) status = e5_parallel_for(par, pass->watch, pass->segments, finish_segment, pass, err);
    return status;
}

/* --- set up --- */

static enum e5_status check_periods(const struct e5_scan_request *request, size_t steps, struct e5_error *err) {
    int64_t last = -1;
    for (size_t i = 0; i < steps; i++) {
        int32_t period = request->periods->of_sample[i];
        if (period < -1 || (period >= 0 && (period < last || (size_t)period >= request->periods->count)))
            return e5_fail(err, E5_INTERNAL, "%s: sample %zu belongs to period %d of %zu", request->kernel->name, i,
                           (int)period, request->periods->count);
        if (period >= 0) last = period;
    }
    return E5_OK;
}

static enum e5_status check_request(const struct e5_scan_request *request, size_t steps, struct e5_error *err) {
    const struct e5_kernel *kernel = request->kernel;
    if (kernel->kind != E5_SCAN) return e5_fail(err, E5_INPUT, "%s does not run step by step", kernel->name);
    if (request->out_dtype != E5_F32 && request->out_dtype != E5_F64)
        return e5_fail(err, E5_INPUT, "%s gives float32 or float64, not %s", kernel->name,
                       e5_dtype_name(request->out_dtype));
    if (request->periods->count > INT32_MAX)
        return e5_fail(err, E5_UNSAFE, "%s: %zu periods are too many", kernel->name, request->periods->count);
    enum e5_status status = e5_kernel_check(kernel, request->params, err);
    return status == E5_OK ? check_periods(request, steps, err) : status;
}

static size_t segment_size(size_t cells, unsigned slots) {
    size_t fair = cells / ((size_t)slots * TASKS_PER_THREAD);
    size_t size = fair < SEGMENT_MIN ? SEGMENT_MIN : fair > SEGMENT_MAX ? SEGMENT_MAX : fair;
    return (size + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
}

static enum e5_status make_lanes(struct pass *pass, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        size_t size = request->kernel->ops.scan->state_size(request->params);
        status = e5_alloc(pass->source->cells, size, &pass->state[i], err);
        for (size_t k = 0; status == E5_OK && k < pass->segments; k++)
            pass->lanes[k * pass->n + i] = (struct lane){pass->state[i] + k * pass->segment * size, -1};
    }
    return status;
}

enum e5_status e5_scan(struct e5_source *source, const struct e5_scan_request *requests, size_t n, size_t block_bytes,
                       struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    const struct e5_parallel *par = pool != NULL ? &threads : NULL;
    struct pass pass = {.source = source, .requests = requests, .n = n, .watch = watch};
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < n; i++) status = check_request(&requests[i], source->steps, err);
    if (status != E5_OK || n == 0 || source->cells == 0) return status;
    pass.segment = segment_size(source->cells, threads.slots);
    pass.segments = (source->cells + pass.segment - 1) / pass.segment;
    e5_watch_expect(watch, (int64_t)(source->steps * source->cells));
    status = e5_alloc(n, sizeof *pass.state, &pass.state, err);
    if (status == E5_OK) status = e5_alloc(pass.segments * n, sizeof *pass.lanes, &pass.lanes, err);
    if (status == E5_OK)
        status = e5_alloc(threads.slots * 2, pass.segment * sizeof *pass.scratch, &pass.scratch, err);
    if (status == E5_OK) status = make_lanes(&pass, err);
    if (status == E5_OK) status = scan_blocks(&pass, block_bytes, par, err);
    for (size_t i = 0; pass.state != NULL && i < n; i++) free(pass.state[i]);
    free(pass.state);
    free(pass.lanes);
    free(pass.scratch);
    return status;
}
