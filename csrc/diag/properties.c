#include "diag/properties.h"

#include <math.h>

#include "base/alloc.h"
#include "diag/footprint.h"
#include "diag/geodesy.h"

#define STATES_PER_TASK 16
#define EVENTS_PER_TASK 16

struct tally { /* what an event needs to know of each of its steps, beside the step's row in the table */
    int64_t cells;
    double excess;            /* Σ area × exceedance */
    struct e5_centroid pull;  /* Σ area × unit vector */
    double value;             /* at the largest exceedance */
    int32_t row, column;      /* its place */
};

struct work {
    const struct e5_property_input *in;
    struct e5_events *events;
    struct tally *tally;            /* one per state */
    size_t *state_run;              /* states + 1: the runs of each state */
    double *cos_lon, *sin_lon;      /* columns */
    double *cos_lat, *sin_lat;      /* rows */
    struct e5_footprint *footprint; /* one per slot */
    unsigned slots;
    struct e5_buffer *outline;      /* one per task: put together at the end, in order */
    size_t tasks;
};

/* One step of one event. */

static double value_at(const struct e5_property_input *in, size_t i) {
    return in->wide ? ((const double *)in->value)[i] : (double)((const float *)in->value)[i];
}

static void add_run(const struct work *w, const struct e5_run *run, struct e5_event_state *state, struct tally *t) {
    const struct e5_grid *grid = &w->events->grid;
    size_t row = (size_t)run->row, first = (size_t)run->first, end = first + (size_t)run->count;
    size_t line = ((size_t)run->time * grid->rows + row) * grid->columns;
    const double *threshold = w->in->threshold + ((size_t)w->in->slot[run->time] * grid->rows + row) * grid->columns;
    double excess = 0, x = 0, y = 0, area = grid->area[row];
    for (size_t c = first; c < end; c++) {
        double value = value_at(w->in, line + c), above = value - threshold[c];
        excess += above;
        x += w->cos_lon[c], y += w->sin_lon[c];
        if (above > state->maximum) {
            state->maximum = above;
            t->value = value, t->row = run->row, t->column = (int32_t)c;
        }
    }
    state->area += area * run->count;
    t->cells += run->count;
    t->excess += area * excess;
    t->pull.x += area * w->cos_lat[row] * x;
    t->pull.y += area * w->cos_lat[row] * y;
    t->pull.z += area * w->sin_lat[row] * run->count;
    t->pull.weight += area * run->count;
}

static enum e5_status state_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    struct work *w = context;
    size_t end = (index + 1) * STATES_PER_TASK;
    if (end > w->events->state_count) end = w->events->state_count;
    for (size_t s = index * STATES_PER_TASK; s < end; s++) {
        struct e5_event_state *state = &w->events->state[s];
        state->maximum = -INFINITY;
        for (size_t r = w->state_run[s]; r < w->state_run[s + 1]; r++)
            add_run(w, &w->events->run[r], state, &w->tally[s]);
        state->mean = w->tally[s].excess / state->area;
        e5_centroid_get(&w->tally[s].pull, &state->latitude, &state->longitude);
    }
    return E5_OK;
}

/* One event from its steps. */

static void take_maxima(struct e5_event *event, const struct e5_event_state *state, const struct tally *t) {
    if (state->area > event->area_max) event->area_max = state->area, event->area_max_time = state->time;
    if (!(state->maximum > event->peak)) return;
    event->peak = state->maximum, event->peak_value = t->value;
    event->peak_time = state->time, event->peak_row = t->row, event->peak_column = t->column;
}

static void add_pull(struct e5_centroid *sum, const struct e5_centroid *part) {
    sum->x += part->x, sum->y += part->y, sum->z += part->z;
    sum->weight += part->weight;
}

static void sum_up(const struct work *w, struct e5_event *event) {
    const struct e5_event_state *state = &w->events->state[event->first_state];
    const struct tally *tally = &w->tally[event->first_state];
    struct e5_centroid pull = {0};
    double area = 0, excess = 0;
    event->peak = -INFINITY;
    for (size_t s = 0; s < event->states; s++) {
        area += state[s].area, excess += tally[s].excess;
        event->cells += tally[s].cells;
        add_pull(&pull, &tally[s].pull);
        take_maxima(event, &state[s], &tally[s]);
    }
    event->volume = area * w->in->step_days;
    event->area_mean = area / (double)event->states;
    event->exceedance_mean = excess / area;
    event->exceedance_sum = excess * w->in->step_days;
    e5_centroid_get(&pull, &event->latitude, &event->longitude);
}

static void place_in_time(const struct e5_events *events, struct e5_event *event) {
    event->start = events->state[event->first_state].time;
    event->end = events->state[event->first_state + event->states - 1].time;
    event->start_seconds = events->seconds[event->start];
    event->end_seconds = events->seconds[event->end];
    event->censored = event->start == 0 || (size_t)event->end + 1 == events->steps;
}

static enum e5_status event_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct work *w = context;
    enum e5_status status = E5_OK;
    size_t end = (index + 1) * EVENTS_PER_TASK;
    if (end > w->events->count) end = w->events->count;
    for (size_t e = index * EVENTS_PER_TASK; status == E5_OK && e < end; e++) {
        struct e5_event *event = &w->events->event[e];
        place_in_time(w->events, event);
        sum_up(w, event);
        status = e5_footprint_measure(&w->footprint[slot], &w->events->run[event->first_run], event,
                                      &w->outline[index], err);
    }
    return status;
}

/* Before and after. */

static void find_state_runs(const struct work *w) {
    const struct e5_events *events = w->events;
    size_t r = 0;
    for (size_t e = 0; e < events->count; e++) {
        size_t end = events->event[e].first_run + events->event[e].runs;
        for (size_t k = 0; k < events->event[e].states; k++) {
            size_t s = events->event[e].first_state + k;
            w->state_run[s] = r;
            while (r < end && events->run[r].time == events->state[s].time) r++;
        }
    }
    w->state_run[events->state_count] = r;
}

static void tabulate(const double *degrees, size_t n, double *cosine, double *sine) {
    for (size_t i = 0; i < n; i++) {
        cosine[i] = cos(degrees[i] * (acos(-1) / 180));
        sine[i] = sin(degrees[i] * (acos(-1) / 180));
    }
}

static enum e5_status prepare(struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    const struct e5_grid *grid = &events->grid;
    w->tasks = (events->count + EVENTS_PER_TASK - 1) / EVENTS_PER_TASK;
    enum e5_status status = e5_alloc(events->state_count, sizeof *w->tally, &w->tally, err);
    if (status == E5_OK) status = e5_alloc(events->state_count + 1, sizeof *w->state_run, &w->state_run, err);
    if (status == E5_OK) status = e5_alloc(grid->columns, sizeof *w->cos_lon, &w->cos_lon, err);
    if (status == E5_OK) status = e5_alloc(grid->columns, sizeof *w->sin_lon, &w->sin_lon, err);
    if (status == E5_OK) status = e5_alloc(grid->rows, sizeof *w->cos_lat, &w->cos_lat, err);
    if (status == E5_OK) status = e5_alloc(grid->rows, sizeof *w->sin_lat, &w->sin_lat, err);
    if (status == E5_OK) status = e5_alloc(w->tasks, sizeof *w->outline, &w->outline, err);
    if (status == E5_OK) status = e5_alloc(w->slots, sizeof *w->footprint, &w->footprint, err);
    for (unsigned s = 0; status == E5_OK && s < w->slots; s++)
        status = e5_footprint_init(&w->footprint[s], grid, err);
    if (status != E5_OK) return status;
    find_state_runs(w);
    tabulate(grid->longitude, grid->columns, w->cos_lon, w->sin_lon);
    tabulate(grid->latitude, grid->rows, w->cos_lat, w->sin_lat);
    return E5_OK;
}

static enum e5_status join_outlines(const struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < w->tasks; i++) {
        for (size_t e = i * EVENTS_PER_TASK; e < events->count && e < (i + 1) * EVENTS_PER_TASK; e++)
            events->event[e].outline += events->geometry.size;
        status = e5_buffer_append(&events->geometry, w->outline[i].bytes, w->outline[i].size, err);
    }
    return status;
}

static void clear(struct work *w) {
    for (size_t i = 0; w->outline != NULL && i < w->tasks; i++) e5_buffer_fini(&w->outline[i]);
    for (unsigned s = 0; w->footprint != NULL && s < w->slots; s++) e5_footprint_fini(&w->footprint[s]);
    free(w->outline);
    free(w->footprint);
    free(w->tally);
    free(w->state_run);
    free(w->cos_lon);
    free(w->sin_lon);
    free(w->cos_lat);
    free(w->sin_lat);
}

enum e5_status e5_properties(const struct e5_property_input *input, const struct e5_parallel *par,
                             struct e5_watch *watch, struct e5_events *events, struct e5_error *err) {
    struct work w = {.in = input, .events = events, .slots = e5_parallel_slots(par)};
    enum e5_status status = prepare(&w, err);
    size_t state_tasks = (events->state_count + STATES_PER_TASK - 1) / STATES_PER_TASK;
    if (status == E5_OK) status = e5_parallel_for(par, watch, state_tasks, state_task, &w, err);
    if (status == E5_OK) status = e5_parallel_for(par, watch, w.tasks, event_task, &w, err);
    if (status == E5_OK) status = join_outlines(&w, err);
    clear(&w);
    return status;
}
