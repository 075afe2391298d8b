/* rows: where the rows of a view begin, what lies along its last dimension.  Pure: any thread; nothing blocks. */
#ifndef E5_DIAG_ROWS_H
#define E5_DIAG_ROWS_H

#include "model/view.h"

/* Where a row begins that is counted through all dimensions but the last. */
static inline const char *e5_row_start(const struct e5_view *view, size_t row) {
    const char *at = view->data;
    for (int d = view->ndim - 2; d >= 0; d--) {
        at += (ptrdiff_t)(row % view->shape[d]) * view->strides[d];
        row /= view->shape[d];
    }
    return at;
}

#endif
