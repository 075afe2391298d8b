#include "diag/linear.h"

#include "base/simd.h"
#include "diag/rows.h"

#define BLOCK ((size_t)2048)      /* values that stay in the first cache between decoding and mapping */
#define TASK ((size_t)128 * BLOCK)

struct call {
    const struct e5_view *view;
    const struct e5_linear *map;
    char *out;
    enum e5_dtype dtype;
    size_t length, total; /* of a row along the last dimension, and of all rows */
};

E5_SIMD_BODY double mapped(double value, const struct e5_linear *map) {
    return value == map->nodata ? value : value * map->scale + map->offset;
}

#define MAP(name, from_type, to_type)                                                                   \
    E5_SIMD_BODY void name##_body(const from_type *restrict from, to_type *restrict to, size_t n,       \
                                  const struct e5_linear *given) {                                      \
        const struct e5_linear map = *given;                                                            \
        for (size_t i = 0; i < n; i++) to[i] = (to_type)mapped((double)from[i], &map);                  \
    }                                                                                                   \
    E5_SIMD_VARIANTS(name, (const from_type *from, to_type *to, size_t n, const struct e5_linear *map), \
                     (from, to, n, map))
MAP(map_single, float, float)
MAP(map_double, double, double)
MAP(map_to_single, double, float)

/* n neighbouring results from values that have to be decoded first. */
static void map_decoded(const struct call *call, const char *from, ptrdiff_t stride, size_t n, char *to) {
    double block[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t count = n - done < BLOCK ? n - done : BLOCK;
        e5_view_decode(call->view, from + (ptrdiff_t)done * stride, stride, count, block);
        if (call->dtype == E5_F32)
            map_to_single(block, (float *)(void *)to + done, count, call->map);
        else
            map_double(block, (double *)(void *)to + done, count, call->map);
    }
}

/* n neighbouring results from values `stride` bytes apart. */
static void map_run(const struct call *call, const char *from, ptrdiff_t stride, size_t n, char *to) {
    const struct e5_view *view = call->view;
    size_t size = e5_dtype_size(view->dtype);
    bool plain =
        stride == (ptrdiff_t)size && !view->swapped && view->dtype == call->dtype && (uintptr_t)from % size == 0;
    if (!plain)
        map_decoded(call, from, stride, n, to);
    else if (view->dtype == E5_F32)
        map_single((const void *)from, (void *)to, n, call->map);
    else
        map_double((const void *)from, (void *)to, n, call->map);
}

static enum e5_status map_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    const struct call *call = context;
    size_t at = index * TASK, end = at + TASK < call->total ? at + TASK : call->total;
    ptrdiff_t stride = call->view->strides[call->view->ndim - 1];
    size_t size = e5_dtype_size(call->dtype);
    while (at < end) {
        size_t column = at % call->length, left = call->length - column, n = left < end - at ? left : end - at;
        const char *row = e5_row_start(call->view, at / call->length);
        map_run(call, row + (ptrdiff_t)column * stride, stride, n, call->out + at * size);
        at += n;
    }
    return E5_OK;
}

enum e5_status e5_linear(const struct e5_view *view, const struct e5_linear *map, void *out, enum e5_dtype dtype,
                         const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct call call = {.view = view, .map = map, .out = out, .dtype = dtype, .total = 1};
    call.length = view->shape[view->ndim - 1];
    for (int d = 0; d < view->ndim; d++) call.total *= view->shape[d];
    return e5_parallel_for(par, watch, (call.total + TASK - 1) / TASK, map_task, &call, err);
}
