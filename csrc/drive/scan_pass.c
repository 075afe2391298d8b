#include "drive/scan_pass.h"

#include <string.h>

#include "base/simd.h"

struct e5_scan_range e5_scan_segment(const struct e5_scan_pass *pass, size_t index) {
    size_t first = index * pass->segment, left = pass->source->cells - first;
    return (struct e5_scan_range){first, left < pass->segment ? left : pass->segment};
}

size_t e5_scan_cell_bytes(const struct e5_scan_pass *pass) {
    size_t bytes = 0;
    for (size_t i = 0; i < pass->n; i++) bytes += e5_scan_request_bytes(&pass->requests[i], 1, pass->source->dtype);
    return bytes;
}

/* --- periods --- */

E5_SIMD_BODY void narrow_body(const double *restrict values, float *restrict out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (float)values[i];
}
E5_SIMD_VARIANTS(narrow, (const double *values, float *out, size_t n), (values, out, n))

static void write_out(const struct e5_scan_request *request, size_t at, const double *values, size_t n) {
    if (request->out_dtype == E5_F64)
        memcpy((double *)request->out + at, values, n * sizeof(double));
    else
        narrow(values, (float *)request->out + at, n);
}

void e5_scan_advance(const struct e5_scan_pass *pass, const struct e5_scan_request *request,
                     struct e5_scan_lane *lane, int32_t to, struct e5_scan_range cells, double *values) {
    const struct e5_scan_ops *ops = request->kernel->ops.scan;
    const struct e5_periods *periods = request->periods;
    while (lane->period < to) {
        int32_t left = lane->period++;
        if (left >= lane->first) {
            ops->end(lane->state, values, cells.count, periods->expected[left], pass->source->dtype, request->params);
            write_out(request, (size_t)left * pass->source->cells + cells.first, values, cells.count);
        }
        if (lane->period < lane->end)
            ops->begin(lane->state, cells.count, lane->period == lane->first, pass->source->dtype, request->params);
    }
}

/* --- a strip --- */

/* Steps [step, step + steps) of the block for these cells: in place, or decoded into `strip`. */
static struct e5_rows rows_of(const struct e5_scan_pass *pass, size_t step, size_t steps, struct e5_scan_range cells,
                              char *strip) {
    struct e5_rows rows = {.dtype = pass->source->dtype, .steps = steps, .cells = cells.count};
    if (pass->block != NULL) {
        rows.values = pass->block + (step * pass->source->cells + cells.first) * pass->size;
        rows.stride = pass->source->cells;
        return rows;
    }
    for (size_t k = 0; k < steps; k++)
        e5_cells_row_as_stored(&pass->cells, step + k, cells.first, cells.count,
                               strip + k * cells.count * pass->size);
    rows.values = strip;
    rows.stride = cells.count;
    return rows;
}

/* One request sees the steps of a strip, as many at once as belong to one period. */
static void scan_strip(const struct e5_scan_pass *pass, const struct e5_scan_request *request,
                       struct e5_scan_lane *lane, size_t step, const struct e5_rows *strip,
                       struct e5_scan_range cells, double *values) {
    const int32_t *period = request->periods->of_sample + pass->first + step;
    for (size_t at = 0, length; at < strip->steps; at += length) {
        for (length = 1; at + length < strip->steps && period[at + length] == period[at];) length++;
        if (period[at] < 0) continue;
        struct e5_rows rows = *strip;
        rows.values = (const char *)strip->values + at * strip->stride * pass->size;
        rows.steps = length;
        e5_scan_advance(pass, request, lane, period[at], cells, values);
        request->kernel->ops.scan->steps(lane->state, &rows, request->params);
    }
}

enum e5_status e5_scan_steps(const struct e5_scan_pass *pass, struct e5_scan_lane *lanes, size_t step, size_t end,
                             struct e5_scan_range cells, char *scratch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (; step < end && status == E5_OK; step += pass->strip) {
        size_t left = end - step, steps = left < pass->strip ? left : pass->strip;
        struct e5_rows rows = rows_of(pass, step, steps, cells, scratch + pass->segment * sizeof(double));
        for (size_t i = 0; i < pass->n; i++)
            scan_strip(pass, &pass->requests[i], &lanes[i], step, &rows, cells, (double *)scratch);
        e5_watch_add(pass->watch, (int64_t)(steps * cells.count));
        status = e5_watch_check(pass->watch, err);
    }
    return status;
}
