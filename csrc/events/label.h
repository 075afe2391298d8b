/* label: connected components of a whole mask in time, latitude and longitude.
 *
 * Steps are made into frames, frames are joined (events/frame.h, events/succession.h); neighbourhoods, seam and poles
 * are those of struct e5_topology.  Nothing as large as the mask is kept but its bits: runs and dense labels are made
 * when they are asked for.  Components are numbered by their first cell in (time, row, column) order.
 *
 * The caller owns the result (_fini), which stays where it is and refers to neither mask nor input.  The answer is
 * the same for any number of threads.  Read-only once it is made: any threads may ask for runs and dense labels at
 * the same time; each call blocks while `par` works. */
#ifndef E5_EVENTS_LABEL_H
#define E5_EVENTS_LABEL_H

#include "events/succession.h"

struct e5_label_input {
    const uint8_t *mask;  /* non-zero: set */
    ptrdiff_t stride[3];  /* bytes from step to step, row to row, column to column */
    const bool *linked;   /* one per step: it follows its predecessor in time; NULL: all do */
    size_t steps;
    struct e5_topology topology;
};

struct e5_labels {
    struct e5_topology topology;
    size_t steps, components;
    uint64_t *bits;
    struct e5_frame *frame; /* steps */
    size_t *first_blob;     /* steps + 1: number of the first blob of each step, through all steps */
    int32_t *of_blob;       /* component of each blob, from 0 */
};

struct e5_label_runs {
    size_t count;
    struct e5_run *run; /* ordered by (time, row, first) */
    int32_t *component; /* of each run, from 0 */
};

E5_MUST_USE enum e5_status e5_label(const struct e5_label_input *input, const struct e5_parallel *par,
                                    struct e5_watch *watch, struct e5_labels *out, struct e5_error *err);
void e5_labels_fini(struct e5_labels *labels);
/* The table of runs, which the caller owns (_fini). */
E5_MUST_USE enum e5_status e5_labels_runs(const struct e5_labels *labels, const struct e5_parallel *par,
                                          struct e5_watch *watch, struct e5_label_runs *out, struct e5_error *err);
void e5_label_runs_fini(struct e5_label_runs *runs);
/* Dense labels, steps × rows × columns: 0 is background, 1 … components. */
E5_MUST_USE enum e5_status e5_labels_paint(const struct e5_labels *labels, const struct e5_parallel *par,
                                           struct e5_watch *watch, int32_t *label, struct e5_error *err);

#endif
