/* Events: where and when values lie above their threshold, at least some days in a row in each cell, joined in time,
 * latitude and longitude.
 *
 * Given     a field and its threshold, both complete in memory (kernels/kernel.h)
 * Returned  the tables of model/event.h
 * Notes     A mask of one byte per cell and step is made in bands of rows, each through all time, for the spells
 *           run along time.  From then on there are only runs of true columns (diag/label), never dense labels.  A
 *           step that does not follow its predecessor at the usual distance ends spells and events. */
#include "base/alloc.h"
#include "diag/collect.h"
#include "diag/properties.h"
#include "diag/runs.h"
#include "kernels/kernel.h"

#define CELLS_PER_BAND 1024 /* of one step: whole rows, so that a band is some pages in a row */

enum { MIN_DAYS, MIN_AREA, CONNECTIVITY }; /* parameters, as in kernels.def */

struct search {
    const struct e5_field *field;
    const struct e5_params *params;
    struct e5_watch *watch;
    int64_t step;           /* usual distance of two steps, seconds */
    bool *linked;           /* steps: this step follows its predecessor */
    uint8_t *mask;          /* steps × rows × columns */
    size_t rows_per_band;
    uint16_t *length;       /* slots × cells of a band */
};

#define COMPARE(name, type)                                                                           \
    static void name(const type *restrict value, const double *restrict threshold, size_t n,          \
                     uint8_t *restrict mask) {                                                        \
        for (size_t c = 0; c < n; c++) mask[c] = (double)value[c] > threshold[c]; /* false for NaN */ \
    }
COMPARE(compare_f32, float)
COMPARE(compare_f64, double)

/* n cells from `at` on, of all cells of all steps; `threshold` is that of the first one. */
static void compare(const struct e5_field *field, size_t at, const double *threshold, size_t n, uint8_t *mask) {
    if (field->dtype == E5_F64)
        compare_f64((const double *)field->value + at, threshold, n, mask);
    else
        compare_f32((const float *)field->value + at, threshold, n, mask);
}

static enum e5_status mask_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct search *s = context;
    const struct e5_field *field = s->field;
    size_t columns = field->grid->columns, step_cells = field->grid->rows * columns;
    size_t row = index * s->rows_per_band, left = field->grid->rows - row;
    size_t first = row * columns, cells = (left < s->rows_per_band ? left : s->rows_per_band) * columns;
    enum e5_status status = E5_OK;
    for (size_t t = 0; status == E5_OK && t < field->steps; t++) {
        compare(field, t * step_cells + first, field->threshold + (size_t)field->slot[t] * step_cells + first, cells,
                s->mask + t * step_cells + first);
        status = e5_watch_check(s->watch, err);
    }
    if (status != E5_OK) return status;
    e5_runs_keep_long(s->mask + first, field->steps, cells, step_cells, s->linked,
                      (size_t)s->params->value[MIN_DAYS].integer, s->length + slot * s->rows_per_band * columns);
    e5_watch_add(s->watch, (int64_t)(cells * field->steps));
    return E5_OK;
}

static void find_links(const struct search *s) {
    const int64_t *seconds = s->field->axis.seconds;
    for (size_t t = 1; t < s->field->steps; t++) s->linked[t] = seconds[t] - seconds[t - 1] == s->step;
}

static enum e5_status make_mask(struct search *s, const struct e5_parallel *par, struct e5_error *err) {
    const struct e5_grid *grid = s->field->grid;
    size_t cells;
    s->rows_per_band = CELLS_PER_BAND / grid->columns + 1;
    if (s->rows_per_band > grid->rows) s->rows_per_band = grid->rows;
    enum e5_status status = e5_multiply(grid->rows, grid->columns, &cells, err);
    if (status == E5_OK) status = e5_multiply(cells, s->field->steps, &cells, err);
    if (status == E5_OK) status = e5_alloc(s->field->steps, sizeof *s->linked, &s->linked, err);
    if (status == E5_OK) status = e5_alloc(cells, sizeof *s->mask, &s->mask, err);
    size_t counters = e5_parallel_slots(par) * s->rows_per_band * grid->columns;
    if (status == E5_OK) status = e5_alloc(counters, sizeof *s->length, &s->length, err);
    if (status != E5_OK) return status;
    find_links(s);
    e5_watch_expect(s->watch, (int64_t)cells);
    size_t bands = (grid->rows + s->rows_per_band - 1) / s->rows_per_band;
    return e5_parallel_for(par, s->watch, bands, mask_task, s, err);
}

static enum e5_status label_mask(const struct search *s, const struct e5_parallel *par, struct e5_labels *labels,
                                 struct e5_error *err) {
    static const int neighbours[] = {6, 10, 18, 26};
    const struct e5_grid *grid = s->field->grid;
    struct e5_label_input input = {.mask = s->mask,
                                   .linked = s->linked,
                                   .steps = s->field->steps,
                                   .rows = grid->rows,
                                   .columns = grid->columns,
                                   .neighbours = neighbours[s->params->value[CONNECTIVITY].integer],
                                   .periodic = grid->periodic,
                                   .pole_first = grid->pole_first,
                                   .pole_last = grid->pole_last};
    return e5_label(&input, par, s->watch, labels, err);
}

/* A table without events yet. */
static enum e5_status new_events(const struct e5_field *field, struct e5_events **out, struct e5_error *err) {
    struct e5_events *events;
    const struct e5_grid *grid = field->grid;
    enum e5_status status = e5_alloc(1, sizeof *events, &events, err);
    if (status != E5_OK) return status;
    events->calendar = field->axis.calendar;
    events->steps = field->steps;
    status = e5_alloc(field->steps, sizeof *events->seconds, &events->seconds, err);
    if (status == E5_OK)
        status = e5_grid_init(&events->grid, grid->latitude, grid->rows, grid->longitude, grid->columns, err);
    if (status != E5_OK) {
        e5_events_free(events);
        return status;
    }
    for (size_t t = 0; t < field->steps; t++) events->seconds[t] = field->axis.seconds[t];
    *out = events;
    return E5_OK;
}

static enum e5_status measure(const struct search *s, const struct e5_labels *labels, const struct e5_parallel *par,
                              struct e5_events **out, struct e5_error *err) {
    const struct e5_field *field = s->field;
    struct e5_property_input input = {.value = field->value,
                                      .wide = field->dtype == E5_F64,
                                      .threshold = field->threshold,
                                      .slot = field->slot,
                                      .step_days = (double)s->step / E5_DAY};
    struct e5_events *events = NULL;
    enum e5_status status = new_events(field, &events, err);
    if (status == E5_OK) status = e5_collect(labels, s->params->value[MIN_AREA].number, events, err);
    if (status == E5_OK) status = e5_properties(&input, par, s->watch, events, err);
    if (status == E5_OK)
        *out = events;
    else
        e5_events_free(events);
    return status;
}

static enum e5_status run(const struct e5_field *field, const struct e5_params *params, const struct e5_parallel *par,
                          struct e5_watch *watch, struct e5_events **out, struct e5_error *err) {
    struct search s = {.field = field, .params = params, .watch = watch};
    struct e5_labels labels = {0};
    *out = NULL;
    enum e5_status status = e5_time_axis_step(&field->axis, &s.step, err);
    if (status == E5_OK) status = make_mask(&s, par, err);
    if (status == E5_OK) status = label_mask(&s, par, &labels, err);
    if (status != E5_OK) goto out;
    free(s.mask);
    s.mask = NULL;
    status = measure(&s, &labels, par, out, err);
out:
    e5_labels_fini(&labels);
    free(s.mask);
    free(s.linked);
    free(s.length);
    return status;
}

const struct e5_field_ops e5_find_events_ops = {.run = run};
