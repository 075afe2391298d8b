#include "drive/find_steps.h"

#include <string.h>

#include "base/alloc.h"
#include "events/bits.h"

/* --- compared --- */

static void compare_f32(const float *value, const struct e5_line *line, size_t n, bool below, uint64_t *bits) {
    switch (line->kind) {
    case E5_LINE_NUMBER: e5_bits_f32(value, n, line->number, below, bits); break;
    case E5_LINE_F32:
        e5_bits_f32_rounded(value, line->values, n, below, bits);
        break; /* a float is its own rounding */
    case E5_LINE_F64: e5_bits_f32_each(value, line->values, n, below, bits); break;
    }
}

static void compare_f64(const double *value, const struct e5_line *line, size_t n, bool below, double *scratch,
                        uint64_t *bits) {
    if (line->kind == E5_LINE_NUMBER) {
        e5_bits_f64(value, n, line->number, below, bits);
        return;
    }
    const double *each = line->values;
    if (line->kind == E5_LINE_F32) {
        for (size_t c = 0; c < n; c++) scratch[c] = ((const float *)line->values)[c];
        each = scratch;
    }
    e5_bits_f64_each(value, each, n, below, bits);
}

/* Leaves bits of cells that the mask has, neither 0 nor missing. */
static void and_mask(const struct e5_find_steps *s, size_t step, size_t row, const struct e5_find_slot *own,
                     uint64_t *bits) {
    const struct e5_limits *where = s->request->where;
    const struct e5_view *view = &where->view;
    uint64_t *mask = own->row, *other = own->row + s->row_words;
    size_t n = s->grid->columns;
    if (view->dtype == E5_U8 && view->strides[2] == 1 && e5_packing_is_none(&view->packing)) {
        ptrdiff_t slot = where->slot != NULL ? where->slot[step] : 0;
        e5_bits_u8((const uint8_t *)view->data + slot * view->strides[0] + (ptrdiff_t)row * view->strides[1], n,
                   mask);
        memset(other, 0, s->row_words * sizeof *other);
    } else {
        struct e5_line line = e5_limits_line(where, step, row, 0, n, own->lines);
        for (size_t c = 0; c < n; c++) own->lines[c] = e5_line_at(&line, c);
        e5_bits_f64(own->lines, n, 0, false, mask);
        e5_bits_f64(own->lines, n, 0, true, other);
    }
    for (size_t i = 0; i < s->row_words; i++) bits[i] &= mask[i] | other[i];
}

static void compare_row(const struct e5_find_steps *s, size_t step, size_t row, const void *values, uint64_t *bits,
                        double *scratch) {
    const struct e5_limits *threshold = s->request->threshold;
    size_t n = s->grid->columns;
    bool below = s->request->below;
    const char *value = (const char *)values + row * n * e5_dtype_size(s->measure.dtype);
    struct e5_line line = e5_limits_line(threshold, step, row, 0, n, scratch);
    if (s->measure.dtype == E5_F32)
        compare_f32((const float *)(const void *)value, &line, n, below, bits);
    else
        compare_f64((const double *)(const void *)value, &line, n, below, scratch, bits);
}

/* A mask alone makes the cells; with a threshold it restricts them. */
void e5_find_compare(const struct e5_find_steps *s, size_t step, const void *values, uint64_t *bits, unsigned slot) {
    const struct e5_find_slot *own = &s->slot[slot];
    for (size_t row = 0; row < s->grid->rows; row++, bits += s->row_words) {
        if (s->request->threshold != NULL) {
            compare_row(s, step, row, values, bits, own->lines);
        } else {
            memset(bits, 0xff, s->row_words * sizeof *bits);
            e5_measure_known(&s->measure, step, row, values, own->lines, bits);
        }
        if (s->request->where != NULL) and_mask(s, step, row, own, bits);
    }
}

/* --- finished --- */

/* All cells that may belong to an event. */
static void find_known(const struct e5_find_steps *s, size_t step, const void *values,
                       const struct e5_find_slot *own) {
    bool restricted = s->request->where != NULL && s->request->threshold != NULL;
    uint64_t *known = own->valid;
    memset(known, 0xff, s->grid->rows * s->row_words * sizeof *known);
    for (size_t row = 0; row < s->grid->rows; row++, known += s->row_words) {
        e5_measure_known(&s->measure, step, row, values, own->lines, known);
        if (restricted) and_mask(s, step, row, own, known);
    }
}

/* Days of a gap and cells that closing adds may have no value. */
static void shape(const struct e5_find_steps *s, size_t step, const void *values, uint64_t *bits, unsigned slot) {
    const struct e5_event_rule *rule = s->request->rule;
    const struct e5_find_slot *own = &s->slot[slot];
    if (rule->max_gap > 0 || rule->closing_km > 0) {
        find_known(s, step, values, own);
        for (size_t i = 0; i < s->grid->rows * s->row_words; i++) bits[i] &= own->valid[i];
    }
    if (rule->closing_km > 0) e5_disc_close(&s->closing, own->valid, bits, own->bits);
    if (rule->opening_km > 0) e5_disc_open(&s->opening, bits, own->bits);
}

enum e5_status e5_find_step_room(struct e5_find_step *out, size_t runs, size_t blobs, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (runs > out->run_room) {
        free(out->run);
        out->run = NULL, out->run_room = 0;
        status = e5_alloc_plain((runs + runs / 4) * sizeof *out->run, &out->run, err);
        if (status == E5_OK) out->run_room = runs + runs / 4;
    }
    if (status == E5_OK && blobs > out->blob_room) {
        free(out->measured);
        out->measured = NULL, out->blob_room = 0;
        status = e5_alloc_plain((blobs + blobs / 4) * sizeof *out->measured, &out->measured, err);
        if (status == E5_OK) out->blob_room = blobs + blobs / 4;
    }
    return status;
}

enum e5_status e5_find_finish(const struct e5_find_steps *s, size_t step, const void *values, uint64_t *bits,
                              unsigned slot, struct e5_frame *frame, struct e5_find_step *out, struct e5_error *err) {
    shape(s, step, values, bits, slot);
    enum e5_status status =
        e5_frame_make(frame, s->topology, bits, s->row_area, s->request->rule->min_blob_area, err);
    if (status != E5_OK) return status;
    size_t runs = e5_frame_count_runs(frame);
    status = e5_find_step_room(out, runs, frame->blobs, err);
    if (status != E5_OK) return status;
    out->runs = runs;
    status = e5_frame_runs(frame, (int32_t)step, out->run, err);
    if (status != E5_OK) return status;
    e5_measure_step(&s->measure, step, values, out->run, runs, out->measured, frame->blobs, s->slot[slot].lines);
    return E5_OK;
}

void e5_find_step_fini(struct e5_find_step *step) {
    free(step->run);
    free(step->measured);
    *step = (struct e5_find_step){0};
}

/* --- set up --- */

static enum e5_status make_discs(struct e5_find_steps *s, struct e5_error *err) {
    const struct e5_event_rule *rule = s->request->rule;
    enum e5_status status = E5_OK;
    if (rule->closing_km > 0) status = e5_disc_init(&s->closing, s->grid, rule->closing_km, err);
    if (status == E5_OK && rule->opening_km > 0) status = e5_disc_init(&s->opening, s->grid, rule->opening_km, err);
    return status;
}

static size_t disc_scratch(const struct e5_find_steps *s) {
    const struct e5_event_rule *rule = s->request->rule;
    size_t closing = rule->closing_km > 0 ? e5_disc_scratch(&s->closing) : 0;
    size_t opening = rule->opening_km > 0 ? e5_disc_scratch(&s->opening) : 0;
    return closing > opening ? closing : opening;
}

static enum e5_status make_slots(struct e5_find_steps *s, struct e5_error *err) {
    size_t frame = s->grid->rows * s->row_words;
    enum e5_status status = e5_alloc(s->slots, sizeof *s->slot, &s->slot, err);
    for (unsigned i = 0; status == E5_OK && i < s->slots; i++) {
        status = e5_alloc(e5_measure_scratch(&s->measure), sizeof *s->slot[i].lines, &s->slot[i].lines, err);
        if (status == E5_OK) status = e5_alloc(disc_scratch(s), sizeof *s->slot[i].bits, &s->slot[i].bits, err);
        if (status == E5_OK) status = e5_alloc(frame, sizeof *s->slot[i].valid, &s->slot[i].valid, err);
        if (status == E5_OK) status = e5_alloc(2 * s->row_words, sizeof *s->slot[i].row, &s->slot[i].row, err);
    }
    return status;
}

enum e5_status e5_find_steps_init(struct e5_find_steps *s, const struct e5_find_request *request,
                                  const struct e5_find_ground *ground, unsigned slots, struct e5_error *err) {
    *s = (struct e5_find_steps){.request = request,
                                .grid = &ground->grid,
                                .topology = &ground->topology,
                                .row_area = ground->row_area,
                                .row_words = ground->row_words,
                                .slots = slots};
    s->measure = (struct e5_measure){.dtype = request->source->dtype,
                                     .below = request->below,
                                     .threshold = request->threshold,
                                     .core = request->core,
                                     .climatology = request->climatology};
    enum e5_status status = e5_measure_init(&s->measure, s->grid, err);
    if (status == E5_OK) status = make_discs(s, err);
    return status == E5_OK ? make_slots(s, err) : status;
}

void e5_find_steps_fini(struct e5_find_steps *s) {
    for (unsigned i = 0; s->slot != NULL && i < s->slots; i++) {
        free(s->slot[i].lines);
        free(s->slot[i].bits);
        free(s->slot[i].valid);
        free(s->slot[i].row);
    }
    free(s->slot);
    e5_disc_fini(&s->closing);
    e5_disc_fini(&s->opening);
    e5_measure_fini(&s->measure);
    *s = (struct e5_find_steps){0};
}
