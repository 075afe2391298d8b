#include "events/label.h"

#include <string.h>

#include "base/alloc.h"

#define CELLS_PER_TASK 262144 /* outweighs the hand-over of a task, and is small enough to share out and cancel */

struct work {
    const struct e5_label_input *in;
    struct e5_labels *out;
    struct e5_watch *watch;
    size_t *first_run; /* steps + 1 */
    struct e5_label_runs *runs;
    int32_t *label;
    size_t words, steps_per_task;
    enum e5_status (*step)(const struct work *w, size_t t, struct e5_error *err);
};

/* --- steps in parallel --- */

static enum e5_status steps_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot;
    const struct work *w = context;
    size_t begin = index * w->steps_per_task, end = begin + w->steps_per_task;
    enum e5_status status = e5_watch_check(w->watch, err);
    for (size_t t = begin; status == E5_OK && t < end && t < w->out->steps; t++) status = w->step(w, t, err);
    return status;
}

static enum e5_status each_step(struct work *w, const struct e5_parallel *par,
                                enum e5_status (*step)(const struct work *w, size_t t, struct e5_error *err),
                                struct e5_error *err) {
    size_t cells = w->out->topology.rows * w->out->topology.columns;
    w->step = step;
    w->steps_per_task = CELLS_PER_TASK / (cells + 1) + 1;
    size_t tasks = (w->out->steps + w->steps_per_task - 1) / w->steps_per_task;
    return e5_parallel_for(par, w->watch, tasks, steps_task, w, err);
}

/* --- mask to frames --- */

static void gather(const uint8_t *from, ptrdiff_t stride, size_t n, uint8_t *row) {
    for (size_t c = 0; c < n; c++) row[c] = from[(ptrdiff_t)c * stride];
}

static enum e5_status frame_step(const struct work *w, size_t t, struct e5_error *err) {
    const struct e5_label_input *in = w->in;
    size_t columns = in->topology.columns, words = e5_bits_words(columns);
    uint64_t *bits = w->out->bits + t * w->words;
    uint8_t *row = NULL;
    enum e5_status status = in->stride[2] != 1 ? e5_alloc_plain(columns, &row, err) : E5_OK;
    for (size_t r = 0; status == E5_OK && r < in->topology.rows; r++) {
        const uint8_t *from = in->mask + (ptrdiff_t)t * in->stride[0] + (ptrdiff_t)r * in->stride[1];
        if (row != NULL) gather(from, in->stride[2], columns, row);
        e5_bits_u8(row != NULL ? row : from, columns, bits + r * words);
    }
    free(row);
    return status == E5_OK ? e5_frame_make(&w->out->frame[t], &w->out->topology, bits, NULL, 0, err) : status;
}

static enum e5_status prepare(struct work *w, struct e5_error *err) {
    struct e5_labels *out = w->out;
    size_t size;
    enum e5_status status = e5_topology_check(&out->topology, err);
    if (status == E5_OK && out->steps > INT32_MAX)
        return e5_fail(err, E5_UNSAFE, "%zu time steps are too many", out->steps);
    if (status != E5_OK) return status;
    w->words = e5_topology_words(&out->topology);
    status = e5_multiply(out->steps, w->words, &size, err);
    if (status == E5_OK) status = e5_multiply(size, sizeof *out->bits, &size, err);
    if (status == E5_OK) status = e5_alloc_plain(size, &out->bits, err);
    if (status == E5_OK) status = e5_alloc(out->steps, sizeof *out->frame, &out->frame, err);
    return status == E5_OK ? e5_alloc(out->steps + 1, sizeof *out->first_blob, &out->first_blob, err) : status;
}

static enum e5_status join_frames(struct work *w, const struct e5_parallel *par, struct e5_error *err) {
    struct e5_labels *out = w->out;
    struct e5_succession succession;
    struct e5_succession_rule touching = {.overlapping = false};
    for (size_t t = 0; t < out->steps; t++) out->first_blob[t + 1] = out->first_blob[t] + out->frame[t].blobs;
    enum e5_status status = e5_succession_init(&succession, &out->topology, &touching, err);
    if (status == E5_OK)
        status = e5_succession_frames(&succession, out->frame, out->steps, w->in->linked, par, w->watch, err);
    if (status == E5_OK) {
        out->components = e5_succession_components(&succession);
        out->of_blob = succession.parent;
        succession.parent = NULL;
    }
    e5_succession_fini(&succession);
    return status;
}

enum e5_status e5_label(const struct e5_label_input *input, const struct e5_parallel *par, struct e5_watch *watch,
                        struct e5_labels *out, struct e5_error *err) {
    struct work w = {.in = input, .out = out, .watch = watch};
    *out = (struct e5_labels){.topology = input->topology, .steps = input->steps};
    enum e5_status status = prepare(&w, err);
    if (status == E5_OK) status = each_step(&w, par, frame_step, err);
    if (status == E5_OK) status = join_frames(&w, par, err);
    if (status != E5_OK) e5_labels_fini(out);
    return status;
}

void e5_labels_fini(struct e5_labels *labels) {
    for (size_t t = 0; labels->frame != NULL && t < labels->steps; t++) e5_frame_fini(&labels->frame[t]);
    free(labels->frame);
    free(labels->bits);
    free(labels->first_blob);
    free(labels->of_blob);
    *labels = (struct e5_labels){0};
}

/* --- runs --- */

static enum e5_status runs_step(const struct work *w, size_t t, struct e5_error *err) {
    const struct e5_labels *labels = w->out;
    const int32_t *of_blob = labels->of_blob + labels->first_blob[t];
    struct e5_run *run = w->runs->run + w->first_run[t];
    size_t n = w->first_run[t + 1] - w->first_run[t];
    enum e5_status status = e5_frame_runs(&labels->frame[t], (int32_t)t, run, err);
    for (size_t i = 0; status == E5_OK && i < n; i++) w->runs->component[w->first_run[t] + i] = of_blob[run[i].blob];
    return status;
}

enum e5_status e5_labels_runs(const struct e5_labels *labels, const struct e5_parallel *par, struct e5_watch *watch,
                              struct e5_label_runs *out, struct e5_error *err) {
    struct e5_labels same = *labels;
    struct work w = {.out = &same, .watch = watch, .runs = out};
    *out = (struct e5_label_runs){0};
    enum e5_status status = e5_alloc(labels->steps + 1, sizeof *w.first_run, &w.first_run, err);
    if (status != E5_OK) return status;
    for (size_t t = 0; t < labels->steps; t++)
        w.first_run[t + 1] = w.first_run[t] + e5_frame_count_runs(&labels->frame[t]);
    out->count = w.first_run[labels->steps];
    status = e5_alloc_plain(out->count * sizeof *out->run, &out->run, err);
    if (status == E5_OK) status = e5_alloc_plain(out->count * sizeof *out->component, &out->component, err);
    if (status == E5_OK) status = each_step(&w, par, runs_step, err);
    if (status != E5_OK) e5_label_runs_fini(out);
    free(w.first_run);
    return status;
}

void e5_label_runs_fini(struct e5_label_runs *runs) {
    free(runs->run);
    free(runs->component);
    *runs = (struct e5_label_runs){0};
}

/* --- dense labels --- */

static enum e5_status paint_step(const struct work *w, size_t t, struct e5_error *err) {
    const struct e5_labels *labels = w->out;
    size_t rows = labels->topology.rows, columns = labels->topology.columns;
    size_t n = e5_frame_count_runs(&labels->frame[t]);
    const int32_t *of_blob = labels->of_blob + labels->first_blob[t];
    int32_t *label = w->label + t * rows * columns;
    struct e5_run *run = NULL;
    enum e5_status status = e5_alloc_plain(n * sizeof *run, &run, err);
    if (status == E5_OK) status = e5_frame_runs(&labels->frame[t], (int32_t)t, run, err);
    if (status == E5_OK) memset(label, 0, rows * columns * sizeof *label);
    for (size_t i = 0; status == E5_OK && i < n; i++) {
        int32_t *cell = label + (size_t)run[i].row * columns + (size_t)run[i].first;
        for (int32_t c = 0; c < run[i].count; c++) cell[c] = 1 + of_blob[run[i].blob];
    }
    free(run);
    return status;
}

enum e5_status e5_labels_paint(const struct e5_labels *labels, const struct e5_parallel *par, struct e5_watch *watch,
                               int32_t *label, struct e5_error *err) {
    struct e5_labels same = *labels;
    struct work w = {.out = &same, .watch = watch, .label = label};
    return each_step(&w, par, paint_step, err);
}
