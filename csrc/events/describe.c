#include "events/describe.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "events/footprint.h"

#define STATES_PER_TASK 64
#define EVENTS_PER_TASK 16

struct work {
    struct e5_events *events;
    const struct e5_measured *sum;  /* one per state */
    bool severity;
    size_t *state_run;              /* states + 1: the runs of each state */
    uint8_t *arrivals;              /* of each blob: 0, 1, or more links that end in it */
    struct e5_footprint *footprint; /* one per slot */
    unsigned slots;
    struct e5_buffer *outline; /* one per task: put together at the end, in order */
    size_t tasks;
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* --- one step of one event --- */

static const struct e5_severity no_severity = {.mean = NAN, .maximum = NAN};

static enum e5_status state_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)err;
    struct work *w = context;
    struct e5_events *events = w->events;
    size_t end = smaller(events->state_count, (index + 1) * STATES_PER_TASK);
    for (size_t s = index * STATES_PER_TASK; s < end; s++) {
        struct e5_event_state *state = &events->state[s];
        const struct e5_measured *sum = &w->sum[s];
        state->area = sum->area;
        state->mean = sum->excess / sum->area;
        state->maximum = sum->maximum;
        state->severity = w->severity ? e5_measured_severity(sum) : no_severity;
        e5_centroid_get(&sum->pull, &state->latitude, &state->longitude);
        size_t first = w->state_run[s];
        e5_footprint_box(&w->footprint[slot], &events->run[first], w->state_run[s + 1] - first, &state->box);
    }
    return E5_OK;
}

/* --- one event from its steps --- */

static void take_maxima(struct e5_event *event, const struct e5_event_state *state, const struct e5_measured *sum,
                        bool first) {
    if (state->area > event->area_max) event->area_max = state->area, event->area_max_time = state->time;
    if (!first && !(state->maximum > event->peak)) return;
    event->peak = state->maximum, event->peak_value = sum->value;
    event->peak_time = state->time, event->peak_row = sum->row, event->peak_column = sum->column;
}

static struct e5_severity worst(const struct e5_measured *whole, const struct e5_event_state *state, size_t states) {
    struct e5_severity out = e5_measured_severity(whole);
    for (size_t k = 0; k < E5_CATEGORIES; k++) out.area[k] = 0;
    for (size_t s = 0; s < states; s++)
        for (size_t k = 0; k < E5_CATEGORIES; k++)
            if (state[s].severity.area[k] > out.area[k]) out.area[k] = state[s].severity.area[k];
    return out;
}

static void sum_up(const struct work *w, struct e5_event *event) {
    const struct e5_event_state *state = &w->events->state[event->first_state];
    const struct e5_measured *sum = &w->sum[event->first_state];
    struct e5_measured whole;
    e5_measured_begin(&whole);
    for (size_t s = 0; s < event->states; s++) {
        e5_measured_add(&whole, &sum[s]);
        take_maxima(event, &state[s], &sum[s], s == 0);
    }
    event->cells = whole.cells;
    event->volume = whole.area * w->events->step_days;
    event->area_mean = whole.area / (double)event->states;
    event->exceedance_mean = whole.excess / whole.area;
    event->exceedance_sum = whole.excess * w->events->step_days;
    event->severity = w->severity ? worst(&whole, state, event->states) : no_severity;
    e5_centroid_get(&whole.pull, &event->latitude, &event->longitude);
}

static void place_in_time(const struct e5_events *events, struct e5_event *event) {
    event->start = events->state[event->first_state].time;
    event->end = events->state[event->first_state + event->states - 1].time;
    event->start_seconds = events->seconds[event->start];
    event->end_seconds = events->seconds[event->end];
    event->censored_start = event->start == 0;
    event->censored_end = (size_t)event->end + 1 == events->steps;
}

static double distance(const struct e5_event_state *from, const struct e5_event_state *to) {
    double km;
    e5_geodesy_pairs(&from->latitude, &from->longitude, &to->latitude, &to->longitude, &km, 1);
    return km;
}

/* Steps without a centroid are passed over. */
static void follow_path(const struct e5_events *events, struct e5_event *event) {
    const struct e5_event_state *first = NULL, *last = NULL;
    for (size_t s = 0; s < event->states; s++) {
        const struct e5_event_state *state = &events->state[event->first_state + s];
        if (isnan(state->latitude)) continue;
        if (last != NULL) event->path += distance(last, state);
        if (first == NULL) first = state;
        last = state;
    }
    if (first != NULL && first != last) event->displacement = distance(first, last);
}

static int by_ends(const void *one, const void *other) {
    const struct e5_link *a = one, *b = other;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static void read_family_tree(const struct work *w, struct e5_event *event) {
    struct e5_link *link = &w->events->link[event->first_link];
    uint8_t *arrivals = &w->arrivals[event->first_blob];
    qsort(link, event->links, sizeof *link, by_ends);
    for (size_t i = 0, n; i < event->links; i += n) {
        for (n = 1; i + n < event->links && link[i + n].from == link[i].from;) n++;
        event->splits += n > 1;
    }
    for (size_t i = 0; i < event->links; i++) {
        uint8_t *count = &arrivals[link[i].to];
        event->merges += *count == 1;
        if (*count < 2) ++*count;
    }
}

static enum e5_status event_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct work *w = context;
    struct e5_events *events = w->events;
    enum e5_status status = E5_OK;
    size_t end = smaller(events->count, (index + 1) * EVENTS_PER_TASK);
    for (size_t e = index * EVENTS_PER_TASK; status == E5_OK && e < end; e++) {
        struct e5_event *event = &events->event[e];
        place_in_time(events, event);
        sum_up(w, event);
        follow_path(events, event);
        read_family_tree(w, event);
        status =
            e5_footprint_measure(&w->footprint[slot], &events->run[event->first_run], event, &w->outline[index], err);
    }
    return status;
}

/* --- before and after --- */

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

static enum e5_status prepare(struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    w->tasks = (events->count + EVENTS_PER_TASK - 1) / EVENTS_PER_TASK;
    enum e5_status status = e5_alloc(events->state_count + 1, sizeof *w->state_run, &w->state_run, err);
    if (status == E5_OK) status = e5_alloc(events->blob_count, sizeof *w->arrivals, &w->arrivals, err);
    if (status == E5_OK) status = e5_alloc(w->tasks, sizeof *w->outline, &w->outline, err);
    if (status == E5_OK) status = e5_alloc(w->slots, sizeof *w->footprint, &w->footprint, err);
    for (unsigned s = 0; status == E5_OK && s < w->slots; s++)
        status = e5_footprint_init(&w->footprint[s], &events->grid, err);
    if (status == E5_OK) find_state_runs(w);
    return status;
}

static enum e5_status join_outlines(const struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < w->tasks; i++) {
        size_t end = smaller(events->count, (i + 1) * EVENTS_PER_TASK);
        for (size_t e = i * EVENTS_PER_TASK; e < end; e++) events->event[e].outline += events->geometry.size;
        status = e5_buffer_append(&events->geometry, w->outline[i].bytes, w->outline[i].size, err);
        e5_buffer_fini(&w->outline[i]);
    }
    return status;
}

static void clear(struct work *w) {
    for (size_t i = 0; w->outline != NULL && i < w->tasks; i++) e5_buffer_fini(&w->outline[i]);
    for (unsigned s = 0; w->footprint != NULL && s < w->slots; s++) e5_footprint_fini(&w->footprint[s]);
    free(w->outline);
    free(w->footprint);
    free(w->arrivals);
    free(w->state_run);
}

enum e5_status e5_describe(const struct e5_measured *sum, bool severity, const struct e5_parallel *par,
                           struct e5_watch *watch, struct e5_events *events, struct e5_error *err) {
    struct work w = {.events = events, .sum = sum, .severity = severity, .slots = e5_parallel_slots(par)};
    enum e5_status status = prepare(&w, err);
    size_t state_tasks = (events->state_count + STATES_PER_TASK - 1) / STATES_PER_TASK;
    if (status == E5_OK) status = e5_parallel_for(par, watch, state_tasks, state_task, &w, err);
    if (status == E5_OK) status = e5_parallel_for(par, watch, w.tasks, event_task, &w, err);
    if (status == E5_OK) status = join_outlines(&w, err);
    clear(&w);
    return status;
}
