/* A scan walks blocks of steps; for each block, tasks walk segments of cells.  A segment's state belongs to the one
 * task that has the segment at hand, and every cell sees its steps in order of time: neither the number of threads
 * nor the size of blocks and segments can change a bit of the result.  Arrays go another way (drive/scan_whole). */
#include "drive/scan.h"

#include <string.h>

#include "base/alloc.h"
#include "drive/scan_pass.h"
#include "drive/scan_whole.h"

#define SEGMENT_BYTES (256 << 10) /* of a row: long enough for the machine to look ahead … */
#define STRIP_BYTES (512 << 10)   /* … and of the steps that all requests see before the next ones are read */
#define SEGMENT_MIN 512           /* cells: below, beginning a task costs more than it brings */
#define SEGMENT_STEP 64           /* cells: keeps every segment's state aligned */
#define SEGMENT_OF_PART \
    2048 /* cells: states lie segment by segment, and parts may meet different numbers of threads */
#define STRIP_MAX 512             /* steps: a year of days */
#define STATE_BYTES (512 << 10)   /* of a segment, with a row of results: stays in the second cache */
#define BOX_BLOCK ((size_t)8 << 20) /* bytes of a box that are read at once, where chunks are not larger */
#define TASKS_PER_THREAD 4 /* segments have equal work; a few each even out what the machine does beside us */

struct blocks {
    struct e5_scan_pass pass;
    struct e5_view view; /* of the block at hand, where it is decoded */
    char **state;        /* n: for all cells */
    struct e5_scan_lane *lanes; /* segments × n */
};

/* --- one segment of one block --- */

static enum e5_status scan_segment(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct blocks *blocks = context;
    const struct e5_scan_pass *pass = &blocks->pass;
    return e5_scan_steps(pass, blocks->lanes + index * pass->n, 0, pass->steps, e5_scan_segment(pass, index),
                         pass->scratch + slot * pass->slot_bytes, err);
}

static size_t results_of(const struct e5_scan_request *request) {
    return request->part != NULL ? request->part->finished : request->periods->count;
}

static enum e5_status finish_segment(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct blocks *blocks = context;
    const struct e5_scan_pass *pass = &blocks->pass;
    double *values = (double *)(pass->scratch + slot * pass->slot_bytes);
    (void)err;
    for (size_t i = 0; i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        e5_scan_advance(pass, request, &blocks->lanes[index * pass->n + i], (int32_t)results_of(request),
                        e5_scan_segment(pass, index), values);
    }
    return E5_OK;
}

/* --- all blocks --- */

/* The block at hand is not what is meant yet: see it as packed values. */
static void scale_block(struct blocks *blocks, const void *values) {
    struct e5_scan_pass *pass = &blocks->pass;
    const struct e5_source *source = pass->source;
    blocks->view = (struct e5_view){.data = values,
                                    .dtype = source->dtype,
                                    .ndim = 2,
                                    .shape = {pass->steps, source->cells},
                                    .strides = {(ptrdiff_t)(source->cells * pass->size), (ptrdiff_t)pass->size},
                                    .packing = E5_PACKING_NONE};
    blocks->view.packing.scale = source->scale;
    blocks->view.packing.offset = source->offset;
    pass->cells = e5_cells_of(&blocks->view);
    pass->block = NULL;
}

/* Have the next block in memory, `steps` 0: there is none.  An array is one block: as it lies, or to be decoded by
 * those who need it. */
static enum e5_status next_block(struct blocks *blocks, size_t block_bytes, struct e5_source_cursor *cursor,
                                 const struct e5_parallel *par, struct e5_error *err) {
    struct e5_scan_pass *pass = &blocks->pass;
    struct e5_source *source = pass->source;
    if (source->view != NULL) {
        pass->first += pass->steps;
        pass->steps = source->steps - pass->first;
        pass->block = source->direct;
        return E5_OK;
    }
    enum e5_status status = e5_source_next(source, block_bytes, par, pass->watch, cursor, err);
    pass->first = cursor->first, pass->steps = cursor->steps, pass->block = cursor->values;
    if (source->scale != 0) scale_block(blocks, cursor->values);
    return status;
}

static enum e5_status walk_blocks(struct blocks *blocks, size_t block_bytes, struct e5_source_cursor *cursor,
                                  const struct e5_parallel *par, struct e5_error *err) {
    struct e5_scan_pass *pass = &blocks->pass;
    enum e5_status status = next_block(blocks, block_bytes, cursor, par, err);
    while (status == E5_OK && pass->steps > 0) {
        status = e5_parallel_for(par, pass->watch, pass->segments, scan_segment, blocks, err);
        if (status == E5_OK) status = next_block(blocks, block_bytes, cursor, par, err);
    }
    if (status == E5_OK) status = e5_parallel_for(par, pass->watch, pass->segments, finish_segment, blocks, err);
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

static enum e5_status check_part(const struct e5_scan_request *request, struct e5_error *err) {
    const struct e5_scan_part *part = request->part;
    size_t count = request->periods->count, wanted = part->out != NULL ? 1 : 0;
    if (part->finished <= count && count - part->finished == wanted && (part->in == NULL || count > 0)) return E5_OK;
    return e5_fail(err, E5_INTERNAL, "%s: %zu periods of a part, of which %zu are finished", request->kernel->name,
                   count, part->finished);
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
    if (status == E5_OK && request->part != NULL) status = check_part(request, err);
    return status == E5_OK ? check_periods(request, steps, err) : status;
}

/* Cells of a segment and steps of a strip.  Where several requests see a strip, or one is decoded, it stays in the
 * second cache; alone a request reads it but once, and strips are there for cancelling only. */
static void cut(struct e5_scan_pass *pass, unsigned slots) {
    bool decodes = pass->source->scale != 0 || (pass->source->view != NULL && pass->source->direct == NULL);
    bool again = pass->n > 1 || decodes, splits = e5_scan_whole_fits(pass) && e5_scan_whole_splits(pass, slots);
    size_t cells = pass->source->cells, fair = splits ? cells : cells / ((size_t)slots * TASKS_PER_THREAD);
    size_t most = SEGMENT_BYTES / pass->size / (again ? 4 : 1);
    size_t kept = STATE_BYTES / (e5_scan_cell_bytes(pass) + sizeof(double));
    if (e5_scan_whole_fits(pass) && most > kept) most = kept > SEGMENT_STEP ? kept : SEGMENT_STEP;
    size_t size = fair > most ? most : fair < SEGMENT_MIN ? SEGMENT_MIN : fair;
    if (pass->requests->part != NULL) size = SEGMENT_OF_PART;
    pass->segment = (size + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
    pass->segments = (cells + pass->segment - 1) / pass->segment;
    size_t fit = STRIP_BYTES / (pass->segment * pass->size);
    pass->strip = again && fit < STRIP_MAX ? fit : STRIP_MAX;
    pass->slot_bytes = pass->segment * (sizeof(double) + (decodes ? pass->strip * pass->size : 0));
}

static enum e5_status make_lanes(struct blocks *blocks, struct e5_error *err) {
    const struct e5_scan_pass *pass = &blocks->pass;
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        const void *before = request->part != NULL ? request->part->in : NULL;
        int32_t period = before != NULL ? 0 : -1, count = (int32_t)request->periods->count;
        size_t size = request->kernel->ops.scan->state_size(request->params, pass->source->dtype);
        status = e5_alloc(pass->source->cells, size, &blocks->state[i], err);
        if (status == E5_OK && before != NULL) memcpy(blocks->state[i], before, pass->source->cells * size);
        for (size_t k = 0; status == E5_OK && k < pass->segments; k++)
            blocks->lanes[k * pass->n + i] =
                (struct e5_scan_lane){blocks->state[i] + k * pass->segment * size, period, 0, count};
    }
    return status;
}

/* What goes on in the next part. */
static void keep_states(const struct blocks *blocks) {
    const struct e5_scan_pass *pass = &blocks->pass;
    for (size_t i = 0; i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        if (request->part != NULL && request->part->out != NULL)
            memcpy(request->part->out, blocks->state[i],
                   e5_scan_request_bytes(request, pass->source->cells, pass->source->dtype));
    }
}

static enum e5_status scan_blocks(struct blocks *blocks, size_t block_bytes, struct e5_source_cursor *cursor,
                                  const struct e5_parallel *par, struct e5_error *err) {
    struct e5_scan_pass *pass = &blocks->pass;
    size_t n = pass->n;
    cursor->first = cursor->steps = 0;
    enum e5_status status = e5_alloc(n, sizeof *blocks->state, &blocks->state, err);
    if (status == E5_OK) status = e5_alloc(pass->segments * n, sizeof *blocks->lanes, &blocks->lanes, err);
    if (status == E5_OK) status = e5_alloc(e5_parallel_slots(par), pass->slot_bytes, &pass->scratch, err);
    if (status == E5_OK) status = make_lanes(blocks, err);
    if (status == E5_OK) status = walk_blocks(blocks, block_bytes, cursor, par, err);
    if (status == E5_OK) keep_states(blocks);
    for (size_t i = 0; blocks->state != NULL && i < n; i++) free(blocks->state[i]);
    free(blocks->state);
    free(blocks->lanes);
    free(pass->scratch);
    return status;
}

/* Of one source after the other, *cursor keeps the memory. */
static enum e5_status scan_source(struct e5_source *source, const struct e5_scan_request *requests, size_t n,
                                  size_t block_bytes, struct e5_source_cursor *cursor, const struct e5_parallel *par,
                                  struct e5_watch *watch, struct e5_error *err) {
    struct blocks blocks = {.pass = {.source = source, .requests = requests, .n = n, .watch = watch}};
    blocks.pass.size = e5_dtype_size(source->dtype);
    if (source->view != NULL) blocks.pass.cells = e5_cells_of(source->view);
    cut(&blocks.pass, e5_parallel_slots(par));
    if (e5_scan_whole_fits(&blocks.pass)) return e5_scan_whole(&blocks.pass, par, err);
    return scan_blocks(&blocks, block_bytes, cursor, par, err);
}

/* --- box by box: a box with all its steps is a source of its own, for one thread --- */

struct boxes {
    struct e5_source *source;
    const struct e5_scan_request *requests;
    size_t n;
    struct e5_source_cursor *cursor; /* one per slot */
    struct e5_watch *watch;
};

struct boxed {
    const struct e5_source *whole;
    struct e5_dataset_box box;
};

static size_t boxes_along(const struct e5_source *source) {
    return (source->width + source->box_columns - 1) / source->box_columns;
}

static size_t boxes_of(const struct e5_source *source) {
    size_t rows = source->width > 0 ? source->cells / source->width : 0;
    if (source->box_rows == 0) return 0;
    return (rows + source->box_rows - 1) / source->box_rows * boxes_along(source);
}

static struct e5_dataset_box box_at(const struct e5_source *source, size_t index) {
    size_t along = boxes_along(source), height = source->cells / source->width;
    struct e5_dataset_box box = {.row = index / along * source->box_rows,
                                 .column = index % along * source->box_columns};
    box.rows = height - box.row < source->box_rows ? height - box.row : source->box_rows;
    box.columns = source->width - box.column < source->box_columns ? source->width - box.column : source->box_columns;
    return box;
}

/* As many steps of the whole as make so many bytes of the box. */
static size_t block_boxed(const void *self, size_t first, size_t ceiling) {
    const struct boxed *boxed = self;
    size_t share = boxed->whole->cells / (boxed->box.rows * boxed->box.columns), scaled;
    if (__builtin_mul_overflow(ceiling, share, &scaled)) scaled = SIZE_MAX;
    return boxed->whole->block(boxed->whole->self, first, scaled);
}

static enum e5_status read_boxed(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                 struct e5_watch *watch, struct e5_error *err) {
    const struct boxed *boxed = self;
    (void)par;
    return boxed->whole->read_box(boxed->whole->self, first, steps, &boxed->box, out, watch, err);
}

static void put_box(const struct e5_scan_request *request, const struct e5_source *whole, struct e5_dataset_box box,
                    const char *values) {
    size_t size = e5_dtype_size(request->out_dtype), bytes = box.columns * size;
    char *out = request->out;
    for (size_t period = 0; period < request->periods->count; period++)
        for (size_t row = 0; row < box.rows; row++, values += bytes)
            memcpy(out + (period * whole->cells + (box.row + row) * whole->width + box.column) * size, values, bytes);
}

static enum e5_status scan_box(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct boxes *boxes = context;
    const struct e5_source *whole = boxes->source;
    struct boxed boxed = {whole, box_at(whole, index)};
    struct e5_source source = *whole;
    struct e5_scan_request *requests;
    source.cells = boxed.box.rows * boxed.box.columns;
    source.self = &boxed, source.block = block_boxed, source.read = read_boxed;
    enum e5_status status = e5_alloc(boxes->n, sizeof *requests, &requests, err);
    for (size_t i = 0; i < boxes->n && status == E5_OK; i++) {
        requests[i] = boxes->requests[i];
        status = e5_alloc(requests[i].periods->count * source.cells, e5_dtype_size(requests[i].out_dtype),
                          &requests[i].out, err);
    }
    if (status == E5_OK)
        status = scan_source(&source, requests, boxes->n, BOX_BLOCK, &boxes->cursor[slot], NULL, boxes->watch, err);
    for (size_t i = 0; requests != NULL && i < boxes->n; i++) {
        if (status == E5_OK) put_box(&boxes->requests[i], whole, boxed.box, requests[i].out);
        free(requests[i].out);
    }
    free(requests);
    return status;
}

/* Boxes stay in the cache where rows of chunks do not; but all threads must have some to the end. */
static bool goes_box_by_box(const struct e5_source *source, const struct e5_scan_request *requests, unsigned slots) {
    return requests->part == NULL && boxes_of(source) >= (size_t)slots * TASKS_PER_THREAD;
}

enum e5_status e5_scan(struct e5_source *source, const struct e5_scan_request *requests, size_t n, size_t block_bytes,
                       struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    const struct e5_parallel *par = pool != NULL ? &threads : NULL;
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < n; i++) status = check_request(&requests[i], source->steps, err);
    if (status != E5_OK || n == 0 || source->cells == 0) return status;
    e5_watch_expect(watch, (int64_t)(source->steps * source->cells));
    struct boxes boxes = {.source = source, .requests = requests, .n = n, .watch = watch};
    status = e5_alloc(threads.slots, sizeof *boxes.cursor, &boxes.cursor, err);
    if (status != E5_OK) return status;
    if (goes_box_by_box(source, requests, threads.slots))
        status = e5_parallel_for(par, watch, boxes_of(source), scan_box, &boxes, err);
    else
        status = scan_source(source, requests, n, block_bytes, &boxes.cursor[0], par, watch, err);
    for (unsigned i = 0; i < threads.slots; i++) e5_source_cursor_fini(&boxes.cursor[i]);
    free(boxes.cursor);
    return status;
}
