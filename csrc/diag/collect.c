/* Everything is counted before it is allocated.  Components are numbered, and runs lie, in the order of the tables
 * (by first cell; by time, row, column), so that filling them is one pass over the runs. */
#include "diag/collect.h"

#include "base/alloc.h"

struct tally { /* of one component */
    size_t runs, states;
    double area, area_max; /* of the latest step seen; largest */
    int32_t time;          /* the latest step seen */
    int32_t event;         /* number among those that stay, or −1 */
};

static void count(const struct e5_labels *labels, const struct e5_grid *grid, struct tally *tally) {
    for (size_t i = 0; i < labels->run_count; i++) {
        const struct e5_run *run = &labels->run[i];
        struct tally *t = &tally[labels->component[i]];
        bool new_step = t->runs == 0 || t->time != run->time;
        if (new_step) t->area = 0, t->states++;
        t->runs++;
        t->time = run->time;
        t->area += grid->area[run->row] * run->count;
        if (t->area > t->area_max) t->area_max = t->area;
    }
}

static void choose(struct tally *tally, size_t components, double min_area_km2, struct e5_events *events) {
    for (size_t i = 0; i < components; i++) {
        tally[i].event = -1;
        if (tally[i].area_max < min_area_km2) continue;
        tally[i].event = (int32_t)events->count++;
        events->run_count += tally[i].runs;
        events->state_count += tally[i].states;
    }
}

static enum e5_status allocate(struct e5_events *events, struct e5_error *err) {
    enum e5_status status = e5_alloc(events->count, sizeof *events->event, &events->event, err);
    if (status == E5_OK) status = e5_alloc(events->run_count, sizeof *events->run, &events->run, err);
    return status == E5_OK ? e5_alloc(events->state_count, sizeof *events->state, &events->state, err) : status;
}

static void divide(const struct tally *tally, size_t components, struct e5_events *events) {
    size_t runs = 0, states = 0;
    for (size_t i = 0; i < components; i++) {
        if (tally[i].event < 0) continue;
        struct e5_event *event = &events->event[tally[i].event];
        event->first_run = runs, event->first_state = states;
        runs += tally[i].runs, states += tally[i].states;
    }
}

static void fill(const struct e5_labels *labels, const struct tally *tally, struct e5_events *events) {
    for (size_t i = 0; i < labels->run_count; i++) {
        int32_t number = tally[labels->component[i]].event;
        if (number < 0) continue;
        const struct e5_run *run = &labels->run[i];
        struct e5_event *event = &events->event[number];
        struct e5_event_state *next = &events->state[event->first_state + event->states];
        events->run[event->first_run + event->runs++] = *run;
        if (event->states > 0 && next[-1].time == run->time) continue;
        next->time = run->time;
        event->states++;
    }
}

enum e5_status e5_collect(const struct e5_labels *labels, double min_area_km2, struct e5_events *events,
                          struct e5_error *err) {
    struct tally *tally = NULL;
    enum e5_status status = e5_alloc(labels->components, sizeof *tally, &tally, err);
    if (status != E5_OK) return status;
    count(labels, &events->grid, tally);
    choose(tally, labels->components, min_area_km2, events);
    status = allocate(events, err);
    if (status == E5_OK) {
        divide(tally, labels->components, events);
        fill(labels, tally, events);
    }
    free(tally);
    return status;
}
