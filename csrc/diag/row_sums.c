#include "diag/row_sums.h"

#include "base/simd.h"
#include "diag/rows.h"

#define BLOCK ((size_t)2048) /* values that stay in the first cache between decoding and adding; of whole lanes */
#define TASK ((size_t)1 << 18) /* values */

struct lanes { /* partial sums: value i of a row belongs to lane i % E5_LANES */
    double sum[E5_LANES], count[E5_LANES];
};

struct call {
    const struct e5_view *view;
    double nodata, *sum, *count;
    size_t length, rows, rows_of_task;
};

#define DEEP ((size_t)8) /* values of a lane that are added before they meet its sum, which lies in memory */

#define ADD(name, type)                                                                                      \
    E5_SIMD_BODY void name##_body(const type *restrict from, size_t n, double nodata, struct lanes *lanes) { \
        double *restrict sum = lanes->sum, *restrict count = lanes->count;                                   \
        const type missing = (type)nodata;                                                                   \
        size_t i = 0;                                                                                        \
        for (; i + DEEP * E5_LANES <= n; i += DEEP * E5_LANES) E5_EACH_LANE(c) {                             \
                double total = 0;                                                                            \
                type there = 0;                                                                              \
                _Pragma("GCC unroll 8") for (size_t k = 0; k < DEEP; k++) {                                  \
                    type value = from[i + k * E5_LANES + c];                                                 \
                    bool is = (value == value) & (value != missing);                                         \
                    total += (double)(is ? value : (type)0);                                                 \
                    there += is ? (type)1 : (type)0;                                                         \
                }                                                                                            \
                sum[c] += total;                                                                             \
                count[c] += (double)there;                                                                   \
            }                                                                                                \
        for (size_t c = 0; i < n; i++, c = (c + 1) % E5_LANES) {                                             \
            type value = from[i];                                                                            \
            if (value == value && value != missing) sum[c] += (double)value, count[c] += 1;                  \
        }                                                                                                    \
    }                                                                                                        \
    E5_SIMD_VARIANTS(name, (const type *from, size_t n, double nodata, struct lanes *lanes), (from, n, nodata, lanes))
ADD(add_single, float)
ADD(add_double, double)

static void add_row(const struct call *call, const char *row, struct lanes *lanes) {
    const struct e5_view *view = call->view;
    ptrdiff_t stride = view->strides[view->ndim - 1];
    size_t size = e5_dtype_size(view->dtype);
    bool plain = stride == (ptrdiff_t)size && !view->swapped && (uintptr_t)row % size == 0;
    if (plain && view->dtype == E5_F32) {
        add_single((const void *)row, call->length, call->nodata, lanes);
    } else if (plain && view->dtype == E5_F64) {
        add_double((const void *)row, call->length, call->nodata, lanes);
    } else {
        double block[BLOCK];
        for (size_t done = 0; done < call->length; done += BLOCK) {
            size_t count = call->length - done < BLOCK ? call->length - done : BLOCK;
            e5_view_decode(view, row + (ptrdiff_t)done * stride, stride, count, block);
            add_double(block, count, call->nodata, lanes);
        }
    }
}

static enum e5_status rows_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    const struct call *call = context;
    size_t begin = index * call->rows_of_task, end = begin + call->rows_of_task;
    for (size_t row = begin; row < end && row < call->rows; row++) {
        struct lanes lanes = {{0}, {0}};
        add_row(call, e5_row_start(call->view, row), &lanes);
        call->sum[row] = call->count[row] = 0;
        for (size_t c = 0; c < E5_LANES; c++) call->sum[row] += lanes.sum[c], call->count[row] += lanes.count[c];
    }
    return E5_OK;
}

enum e5_status e5_row_sums(const struct e5_view *view, double nodata, double *sum, double *count,
                           const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct call call = {.view = view, .nodata = nodata, .sum = sum, .count = count, .rows = 1};
    call.length = view->shape[view->ndim - 1];
    for (int d = 0; d < view->ndim - 1; d++) call.rows *= view->shape[d];
    call.rows_of_task = call.length < TASK ? TASK / (call.length + 1) + 1 : 1;
    return e5_parallel_for(par, watch, (call.rows + call.rows_of_task - 1) / call.rows_of_task, rows_task, &call,
                           err);
}
