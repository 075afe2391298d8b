/* Tasks are strips of neighbouring cells, of up to E5_GATHER_TILES tiles.  All operands of a strip are gathered, then
 * each tile goes through all plans. */
#include "drive/sweep_part.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "drive/gather.h"

#define LINE 64 /* bytes */
#define STRIP_BYTES (16 << 20) /* of all operands; long series make narrow strips */
#define STRIPS_PER_THREAD 4 /* at least, when there are cells enough */

enum way { BY_CELL, BY_TILE_F32, BY_TILE_F64 }; /* which operation of the kernel runs */

struct operand {
    struct e5_cells cells;
    bool given, series;
    size_t first;
    size_t rows; /* that a plan sees: those of one where there are several */
    enum e5_dtype as; /* in the tiles */
    size_t tile_bytes;
    size_t place; /* in the scratch: its tiles */
};

struct part {
    const struct e5_sweep *sweep;
    const struct e5_series_ops *ops;
    struct operand operand[E5_MAX_OPERANDS];
    size_t operands;
    enum way way;
    size_t first, count; /* cells of the results */
    size_t tiles; /* of a strip */
    size_t series, result, kernel, absent, taken; /* places in the scratch … */
    size_t slot_bytes; /* … and its length */
    char *scratch;
    struct e5_watch *watch;
};

size_t e5_sweep_operands(const struct e5_kernel *kernel) {
    size_t n = 0;
    while (kernel->operands[n].name != NULL) n++;
    return n;
}

static size_t whole_lines(size_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

/* --- what to run, on what --- */

static bool is_series(const struct e5_operand_spec *spec) { return strncmp(spec->dims, "time", 4) == 0; }

static enum e5_status find_operand(const struct part *part, size_t index, const struct e5_sweep_cells *from,
                                   struct operand *out, struct e5_error *err) {
    const struct e5_sweep_plan *plan = &part->sweep->plans[0];
    const struct e5_operand_spec *spec = &plan->kernel->operands[index];
    size_t rows = plan->input.rows[index], several = part->sweep->operands[index].several;
    *out =
        (struct operand){.given = from->view != NULL, .series = is_series(spec), .first = from->first, .rows = rows};
    if (!out->given) {
        if (spec->optional) return E5_OK;
        return e5_fail(err, E5_INPUT, "%s: %s is missing", plan->kernel->name, spec->name);
    }
    out->cells = e5_cells_of(from->view);
    if (out->cells.steps != rows * (several > 0 ? several : 1))
        return e5_fail(err, E5_INPUT, "%s: %s has %zu rows, not %zu", plan->kernel->name, spec->name,
                       out->cells.steps, rows);
    return E5_OK;
}

/* The fastest operation that keeps the precision of all series. */
static enum way choose_way(const struct part *part) {
    bool single = part->ops->tile_f32 != NULL;
    for (size_t i = 0; i < part->operands; i++)
        single =
            single && (!part->operand[i].given || !part->operand[i].series || part->operand[i].cells.dtype == E5_F32);
    return single ? BY_TILE_F32 : part->ops->tile_f64 != NULL ? BY_TILE_F64 : BY_CELL;
}

static enum e5_status find_operands(struct part *part, const struct e5_sweep_cells *from, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < part->operands && status == E5_OK; i++)
        status = find_operand(part, i, &from[i], &part->operand[i], err);
    part->way = choose_way(part);
    for (size_t i = 0; i < part->operands; i++) {
        struct operand *operand = &part->operand[i];
        operand->as = part->way == BY_TILE_F32 && operand->series ? E5_F32 : E5_F64;
        operand->tile_bytes = operand->given ? operand->cells.steps * E5_LANES * e5_dtype_size(operand->as) : 0;
    }
    return status;
}

/* --- one tile --- */

/* What is known of missing periods, where that is the driver's business. */
static const struct e5_missing *missing_of(const struct e5_sweep_plan *plan) {
    return plan->kernel->judges ? NULL : plan->input.missing;
}

/* Values of an operand in a tile, as a plan sees them. */
static const char *tile_of(const struct part *part, const struct e5_sweep_plan *plan, size_t i, const char *scratch,
                           size_t tile) {
    const struct operand *operand = &part->operand[i];
    size_t before = plan->choice[i] * operand->rows * E5_LANES * e5_dtype_size(operand->as);
    return scratch + operand->place + tile * operand->tile_bytes + before;
}

static void set_missing(const struct operand *operand, const char *tile, size_t rows, uint16_t *absent) {
    const float *single = (const float *)tile;
    const double *twice = (const double *)tile;
    for (size_t row = 0; row < rows; row++) {
        unsigned bits = 0;
        for (int c = 0; c < E5_LANES; c++)
            bits |= (unsigned)(operand->as == E5_F32 ? isnan(single[row * E5_LANES + (size_t)c])
                                                     : isnan(twice[row * E5_LANES + (size_t)c]))
                    << c;
        absent[row] |= (uint16_t)bits;
    }
}

/* Which periods of which lanes are missing. */
static void judge(const struct part *part, const struct e5_missing *missing, char *scratch, size_t tile) {
    uint16_t *absent = (uint16_t *)(scratch + part->absent);
    memset(absent, 0, missing->samples * sizeof *absent);
    for (size_t i = 0; i < part->operands; i++) {
        const struct operand *operand = &part->operand[i];
        if (operand->given && operand->series)
            set_missing(operand, scratch + operand->place + tile * operand->tile_bytes, missing->samples, absent);
    }
    e5_missing_judge(missing, absent, (uint16_t *)(scratch + part->taken));
}

/* The results of each output follow each other, one per period. */
static void take_away(const struct part *part, size_t periods, const char *scratch, size_t rows, double *results) {
    const uint16_t *taken = (const uint16_t *)(scratch + part->taken);
    for (size_t row = 0; row < rows; row++) {
        unsigned bits = taken[row % periods];
        for (int c = 0; bits != 0 && c < E5_LANES; c++)
            if ((bits >> c & 1) != 0) results[row * E5_LANES + (size_t)c] = NAN;
    }
}

/* Lane by lane, for kernels that see one cell at a time. */
static enum e5_status run_cells(const struct part *part, const struct e5_sweep_plan *plan, char *scratch, size_t tile,
                                size_t n, struct e5_error *err) {
    const double *series[E5_MAX_OPERANDS] = {NULL};
    double *results = (double *)(scratch + part->result), *own = results + plan->out_rows * E5_LANES;
    enum e5_status status = E5_OK;
    for (size_t lane = 0; lane < n && status == E5_OK; lane++) {
        double *at = (double *)(scratch + part->series);
        for (size_t i = 0; i < part->operands; i++) {
            const struct operand *operand = &part->operand[i];
            const double *from = (const double *)tile_of(part, plan, i, scratch, tile) + lane;
            series[i] = operand->given ? at : NULL;
            for (size_t row = 0; operand->given && row < operand->rows; row++) *at++ = from[row * E5_LANES];
        }
        part->ops->cell(plan->plan, series, own, scratch + part->kernel);
        for (size_t row = 0; row < plan->out_rows; row++) results[row * E5_LANES + lane] = own[row];
        status = e5_watch_check(part->watch, err);
    }
    return status;
}

static enum e5_status run_plan(const struct part *part, const struct e5_sweep_plan *plan, char *scratch, size_t tile,
                               size_t n, struct e5_error *err) {
    struct e5_tile tiles[E5_MAX_OPERANDS] = {{0}};
    double *results = (double *)(scratch + part->result);
    if (part->way == BY_CELL) return run_cells(part, plan, scratch, tile, n, err);
    for (size_t i = 0; i < part->operands; i++) {
        const struct operand *operand = &part->operand[i];
        if (operand->given) tiles[i] = (struct e5_tile){operand->rows, tile_of(part, plan, i, scratch, tile)};
    }
    (part->way == BY_TILE_F32 ? part->ops->tile_f32 : part->ops->tile_f64)(plan->plan, tiles, results,
                                                                           scratch + part->kernel);
    return e5_watch_check(part->watch, err);
}

static void write_results(const struct e5_sweep_out *out, size_t rows, size_t first, size_t n,
                          const double *results) {
    for (size_t row = 0; row < rows; row++) {
        const double *from = results + row * E5_LANES;
        if (out->dtype == E5_F64) {
            memcpy((double *)out->values + row * out->row + first, from, n * sizeof *from);
        } else {
            float *to = (float *)out->values + row * out->row + first;
            for (size_t i = 0; i < n; i++) to[i] = (float)from[i];
        }
    }
}

/* --- strips --- */

static enum e5_status run_strip(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct part *part = context;
    const struct e5_sweep *sweep = part->sweep;
    size_t first = index * part->tiles * E5_LANES, left = part->count - first;
    size_t cells = left < part->tiles * E5_LANES ? left : part->tiles * E5_LANES;
    char *scratch = part->scratch + slot * part->slot_bytes;
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < part->operands; i++) {
        const struct operand *operand = &part->operand[i];
        if (operand->given)
            e5_gather(&operand->cells, operand->first + first, cells, operand->as, scratch + operand->place);
    }
    for (size_t done = 0; done < cells && status == E5_OK; done += E5_LANES) {
        size_t n = cells - done < E5_LANES ? cells - done : E5_LANES;
        const struct e5_missing *judged = NULL;
        for (size_t k = 0; k < sweep->nplans && status == E5_OK; k++) {
            const struct e5_sweep_plan *plan = &sweep->plans[k];
            const struct e5_missing *missing = missing_of(plan);
            double *results = (double *)(scratch + part->result);
            if (missing != judged && missing != NULL) judge(part, missing, scratch, done / E5_LANES);
            judged = missing;
            status = run_plan(part, plan, scratch, done / E5_LANES, n, err);
            if (missing != NULL) take_away(part, missing->periods, scratch, plan->out_rows, results);
            if (status == E5_OK)
                write_results(&sweep->out[k], plan->out_rows, part->first + first + done, n, results);
        }
        if (status == E5_OK) e5_watch_add(part->watch, (int64_t)(n * sweep->plans[0].input.axis->n));
    }
    return status;
}

/* --- set up --- */

static size_t strip_tiles(const struct part *part, unsigned slots) {
    size_t bytes = 1, all = (part->count + E5_LANES - 1) / E5_LANES, fair = all / (slots * STRIPS_PER_THREAD);
    for (size_t i = 0; i < part->operands; i++) bytes += part->operand[i].tile_bytes;
    size_t fit = STRIP_BYTES / bytes, tiles = fit < fair ? fit : fair;
    return tiles < 1 ? 1 : tiles > E5_GATHER_TILES ? E5_GATHER_TILES : tiles;
}

/* Places in a slot's scratch: operands, one series of each (for `cell`), results, kernel's own, missing data. */
static enum e5_status lay_out(struct part *part, struct e5_error *err) {
    const struct e5_sweep *sweep = part->sweep;
    const struct e5_missing *missing = sweep->plans[0].input.missing;
    size_t at = 0, rows = 0, own = 0, series = 0, results;
    for (size_t i = 0; i < part->operands; i++) {
        part->operand[i].place = at;
        at += part->tiles * part->operand[i].tile_bytes;
        series += part->operand[i].given ? part->operand[i].rows * e5_dtype_size(part->operand[i].as) : 0;
    }
    for (size_t k = 0; k < sweep->nplans; k++) {
        if (sweep->plans[k].out_rows > rows) rows = sweep->plans[k].out_rows;
        if (sweep->plans[k].scratch_bytes > own) own = sweep->plans[k].scratch_bytes;
    }
    enum e5_status status = e5_multiply(rows, (E5_LANES + 1) * sizeof(double), &results, err);
    if (status != E5_OK) return status;
    part->series = whole_lines(at);
    part->result = part->series + whole_lines(part->way == BY_CELL ? series : 0);
    part->kernel = part->result + whole_lines(results);
    part->absent = part->kernel + whole_lines(own);
    part->taken = part->absent + whole_lines(missing != NULL ? missing->samples * 2 : 0);
    part->slot_bytes = part->taken + whole_lines(missing != NULL ? missing->periods * 2 : 0);
    return E5_OK;
}

/* Memory that starts on a cache line; *whole is what to free. */
static enum e5_status make_scratch(struct part *part, unsigned slots, char **whole, struct e5_error *err) {
    size_t bytes;
    enum e5_status status = e5_multiply(slots, part->slot_bytes, &bytes, err);
    if (status == E5_OK) status = e5_alloc_plain(bytes + LINE, whole, err);
    if (status == E5_OK) part->scratch = *whole + (LINE - (uintptr_t)*whole % LINE) % LINE;
    return status;
}

enum e5_status e5_sweep_part(const struct e5_sweep *sweep, const struct e5_sweep_cells *operands, size_t first,
                             size_t count, const struct e5_parallel *par, struct e5_watch *watch,
                             struct e5_error *err) {
    const struct e5_kernel *kernel = sweep->plans[0].kernel;
    struct part part = {.sweep = sweep,
                        .ops = kernel->ops.series,
                        .operands = e5_sweep_operands(kernel),
                        .first = first,
                        .count = count,
                        .watch = watch};
    char *whole = NULL;
    enum e5_status status = find_operands(&part, operands, err);
    if (status != E5_OK || count == 0) return status;
    part.tiles = strip_tiles(&part, e5_parallel_slots(par));
    status = lay_out(&part, err);
    if (status == E5_OK) status = make_scratch(&part, e5_parallel_slots(par), &whole, err);
    if (status == E5_OK) {
        size_t cells = part.tiles * E5_LANES;
        status = e5_parallel_for(par, watch, (count + cells - 1) / cells, run_strip, &part, err);
    }
    free(whole);
    return status;
}
