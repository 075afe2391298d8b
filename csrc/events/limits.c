#include "events/limits.h"

static const char *place(const struct e5_limits *limits, size_t step, size_t row, size_t column) {
    const struct e5_view *view = &limits->view;
    ptrdiff_t slot = limits->slot != NULL ? limits->slot[step] : 0;
    return (const char *)view->data + slot * view->strides[0] + (ptrdiff_t)row * view->strides[1] +
           (ptrdiff_t)column * view->strides[2];
}

/* Side by side as they are needed? */
static bool lies_ready(const struct e5_view *view, const char *at) {
    if (view->swapped || (view->dtype != E5_F32 && view->dtype != E5_F64)) return false;
    size_t size = e5_dtype_size(view->dtype);
    return view->strides[2] == (ptrdiff_t)size && (uintptr_t)at % size == 0 && e5_packing_is_none(&view->packing);
}

struct e5_line e5_limits_line(const struct e5_limits *limits, size_t step, size_t row, size_t first, size_t n,
                              double *scratch) {
    const struct e5_view *view = &limits->view;
    const char *at = place(limits, step, row, first);
    if (view->strides[2] == 0 || n <= 1) {
        double number;
        e5_view_decode(view, at, 0, 1, &number);
        return (struct e5_line){.kind = E5_LINE_NUMBER, .number = number};
    }
    if (lies_ready(view, at))
        return (struct e5_line){.kind = view->dtype == E5_F32 ? E5_LINE_F32 : E5_LINE_F64, .values = at};
    e5_view_decode(view, at, view->strides[2], n, scratch);
    return (struct e5_line){.kind = E5_LINE_F64, .values = scratch};
}
