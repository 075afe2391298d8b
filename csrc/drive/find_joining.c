#include "drive/find_joining.h"

#include "base/alloc.h"
#include "events/collect.h"

/* --- what stays of a batch --- */

static enum e5_status keep_step(struct e5_find_joining *j, size_t time, struct e5_find_step *found, size_t blobs,
                                int32_t *first_blob, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t r = 0; r < found->runs; r++) found->run[r].blob += *first_blob;
    for (size_t b = 0; status == E5_OK && b < blobs; b++) {
        struct e5_found_blob blob = {.time = (int32_t)time, .measured = found->measured[b]};
        status = e5_pile_append(&j->blobs, &blob, 1, err);
    }
    *first_blob += (int32_t)blobs;
    return status == E5_OK ? e5_pile_append(&j->runs, found->run, found->runs, err) : status;
}

enum e5_status e5_find_joining_add(void *joining, const struct e5_find_batch *batch, struct e5_error *err) {
    struct e5_find_joining *j = joining;
    int32_t first_blob = (int32_t)j->succession.blobs;
    enum e5_status status =
        e5_succession_frames(&j->succession, batch->frame, batch->steps, j->linked + j->steps, j->par, j->watch, err);
    for (size_t i = 0; status == E5_OK && i < batch->steps; i++)
        status = keep_step(j, j->steps + i, &batch->found[i], batch->frame[i].blobs, &first_blob, err);
    j->steps += batch->steps;
    return status;
}

enum e5_status e5_find_joining_end(struct e5_find_joining *j, bool severity, struct e5_events **out,
                                   struct e5_error *err) {
    struct e5_found found = {.runs = &j->runs, .blobs = &j->blobs};
    found.components = e5_succession_components(&j->succession);
    found.component = j->succession.parent;
    found.link = j->succession.link, found.links = j->succession.links;
    enum e5_status status = e5_collect(&found, j->request->rule, severity, j->par, j->watch, j->events, err);
    if (status != E5_OK) return status;
    *out = j->events;
    j->events = NULL;
    return E5_OK;
}

/* --- set up --- */

/* A table without events yet. */
static enum e5_status new_events(struct e5_find_joining *j, struct e5_error *err) {
    const struct e5_time_axis *axis = &j->request->axis;
    const struct e5_grid *grid = &j->ground->grid;
    int64_t step;
    enum e5_status status = e5_time_axis_step(axis, &step, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *j->events, &j->events, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *j->events->seconds, &j->events->seconds, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *j->linked, &j->linked, err);
    if (status != E5_OK) return status;
    j->events->calendar = axis->calendar;
    j->events->steps = axis->n;
    j->events->step_days = (double)step / E5_DAY;
    j->events->below = j->request->below;
    for (size_t t = 0; t < axis->n; t++) {
        j->events->seconds[t] = axis->seconds[t];
        j->linked[t] = t > 0 && axis->seconds[t] - axis->seconds[t - 1] == step;
    }
    status = e5_grid_init(&j->events->grid, grid->latitude, grid->rows, grid->longitude, grid->columns, err);
    if (status == E5_OK && grid->wgs84) e5_grid_use_wgs84(&j->events->grid);
    return status;
}

enum e5_status e5_find_joining_init(struct e5_find_joining *j, const struct e5_find_request *request,
                                    const struct e5_find_ground *ground, const struct e5_parallel *par,
                                    struct e5_watch *watch, struct e5_error *err) {
    *j = (struct e5_find_joining){.request = request, .ground = ground, .par = par, .watch = watch};
    struct e5_succession_rule joining = request->rule->join;
    joining.row_area = ground->grid.area;
    e5_pile_init(&j->runs, sizeof(struct e5_run), request->budget, request->directory);
    e5_pile_init(&j->blobs, sizeof(struct e5_found_blob), request->budget, request->directory);
    enum e5_status status = new_events(j, err);
    return status == E5_OK ? e5_succession_init(&j->succession, &ground->topology, &joining, err) : status;
}

void e5_find_joining_fini(struct e5_find_joining *j) {
    free(j->linked);
    e5_pile_fini(&j->runs);
    e5_pile_fini(&j->blobs);
    e5_succession_fini(&j->succession);
    e5_events_free(j->events);
    *j = (struct e5_find_joining){0};
}
