#include "drive/find_joining.h"

#include "base/alloc.h"
#include "events/collect.h"

/* --- what stays of a batch --- */

struct keeping {
    struct e5_find_joining *joining;
    const struct e5_find_batch *batch;
    size_t first_blob;
};

static enum e5_status keep_runs(const struct keeping *keep, struct e5_error *err) {
    const struct e5_find_batch *batch = keep->batch;
    enum e5_status status = E5_OK;
    size_t first = keep->first_blob;
    for (size_t i = 0; status == E5_OK && i < batch->steps; i++) {
        struct e5_find_step *found = &batch->found[i];
        for (size_t r = 0; r < found->runs; r++) found->run[r].blob += (int32_t)first;
        first += batch->frame[i].blobs;
        status = e5_pile_append(&keep->joining->runs, found->run, found->runs, err);
    }
    return status;
}

static enum e5_status keep_blobs(const struct keeping *keep, struct e5_error *err) {
    const struct e5_find_batch *batch = keep->batch;
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < batch->steps; i++)
        for (size_t b = 0; status == E5_OK && b < batch->frame[i].blobs; b++) {
            struct e5_found_blob blob = {(int32_t)(keep->joining->steps + i), batch->found[i].measured[b]};
            status = e5_pile_append(&keep->joining->blobs, &blob, 1, err);
        }
    return status;
}

/* Side by side: most of it is the first touch of the piles' memory. */
static enum e5_status keep_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot;
    return index == 0 ? keep_runs(context, err) : keep_blobs(context, err);
}

enum e5_status e5_find_joining_add(void *joining, const struct e5_find_batch *batch, struct e5_error *err) {
    struct e5_find_joining *j = joining;
    struct keeping keep = {j, batch, j->succession.blobs};
    enum e5_status status =
        e5_succession_frames(&j->succession, batch->frame, batch->steps, j->linked + j->steps, j->par, j->watch, err);
    if (status == E5_OK) status = e5_parallel_for(j->par, j->watch, 2, keep_task, &keep, err);
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
