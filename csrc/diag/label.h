/* label: connected components of a mask in (time, row, column), by runs and union–find.
 *
 * The mask is uint8, C order, non-zero = true.  Each row is cut into runs of true columns; runs of neighbouring rows
 * and time steps are united where they touch.  Neighbourhoods: 6, 10, 18, 26 (extreme-event definitions 14.2: 10 = 8
 * in space and the same cell in time).  On a periodic grid the last column neighbours the first, diagonals and other
 * times included; true cells of a row on a pole are one point in that time step.  Steps that do not follow each other
 * in time (`linked[t]` false: step t does not continue step t − 1) are not joined.
 *
 * The caller owns the result (_fini).  Components are numbered by their first cell in (time, row, column) order, so
 * the result is the same for any number of threads.  Any thread; blocks while `par` works. */
#ifndef E5_DIAG_LABEL_H
#define E5_DIAG_LABEL_H

#include "base/parallel.h"
#include "model/event.h"

struct e5_labels {
    size_t components;
    size_t run_count;
    struct e5_run *run;   /* ordered by (time, row, first) */
    int32_t *component;   /* of each run, from 0 */
};

struct e5_label_input {
    const uint8_t *mask;
    const bool *linked; /* one per step, or NULL: all follow each other */
    size_t steps, rows, columns;
    int neighbours; /* 6, 10, 18 or 26 */
    bool periodic, pole_first, pole_last;
};

E5_MUST_USE enum e5_status e5_label(const struct e5_label_input *input, const struct e5_parallel *par,
                                    struct e5_watch *watch, struct e5_labels *out, struct e5_error *err);
void e5_labels_fini(struct e5_labels *labels);

#endif
