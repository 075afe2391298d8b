/* limits: maps that the steps of a field are compared with: thresholds, a climatology, a mask.
 *
 * They stay as the caller has them: any type, byte order and strides, packed or not; strides of 0 make a map of one
 * number, so that nothing is ever blown up to a map of doubles.  A struct e5_limits borrows the memory behind its
 * view.  Read-only: any thread; nothing blocks. */
#ifndef E5_EVENTS_LIMITS_H
#define E5_EVENTS_LIMITS_H

#include "model/view.h"

struct e5_limits {
    struct e5_view view; /* slots × rows × columns */
    const int32_t *slot; /* of each step; NULL: the first for all */
};

/* What a row of cells is compared with. */
enum e5_line_kind { E5_LINE_NUMBER, E5_LINE_F32, E5_LINE_F64 };
struct e5_line {
    enum e5_line_kind kind;
    double number;      /* the same for all cells */
    const void *values; /* of the first cell; native, aligned, side by side */
};

/* Cells [first, first + n) of a row at a step.  Where they do not lie side by side as floats or doubles they are
 * decoded into `scratch`, n doubles. */
struct e5_line e5_limits_line(const struct e5_limits *limits, size_t step, size_t row, size_t first, size_t n,
                              double *scratch);

static inline double e5_line_at(const struct e5_line *line, size_t i) {
    switch (line->kind) {
    case E5_LINE_NUMBER: return line->number;
    case E5_LINE_F32: return ((const float *)line->values)[i];
    case E5_LINE_F64: break;
    }
    return ((const double *)line->values)[i];
}

#endif
