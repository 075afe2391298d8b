/* Everything is counted before it is allocated.  Components are numbered, and blobs and runs lie, in the order of the
 * tables (by first cell; by time, row, column), so that filling them is one pass over each. */
#include "events/collect.h"

#include "base/alloc.h"
#include "events/describe.h"

struct tally { /* of one component */
    size_t blobs, runs, states, links;
    int32_t start, end;
    double area, area_max; /* of the latest step seen; largest */
    bool core;
    int32_t event; /* number among those that stay, or −1 */
};

struct work {
    const struct e5_found *found;
    const struct e5_event_rule *rule;
    struct e5_events *events;
    struct tally *tally;
    int32_t *number; /* of each blob in its event */
    struct e5_measured *sum; /* of each state */
    struct e5_watch *watch;
};

/* The event that a blob belongs to, or NULL. */
static struct e5_event *event_of(const struct work *w, size_t blob) {
    int32_t number = w->tally[w->found->component[blob]].event;
    return number >= 0 ? &w->events->event[number] : NULL;
}

/* --- passes over what was found --- */

typedef void (*visit_fn)(struct work *w, size_t first, const void *records, size_t n);

/* The last pass gives the memory of each layer back, as the tables that it fills take as much. */
static enum e5_status each_layer(struct work *w, struct e5_pile *pile, visit_fn visit, bool last,
                                 struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t layers = e5_pile_layers(pile), first = 0;
    for (size_t i = 0; status == E5_OK && i < layers; i++) {
        const void *records;
        size_t n = 0;
        status = e5_pile_read(pile, i, &records, &n, err);
        if (status == E5_OK) visit(w, first, records, n);
        if (last) e5_pile_drop(pile, i);
        if (status == E5_OK) status = e5_watch_check(w->watch, err);
        first += n;
    }
    return status;
}

static void count_blobs(struct work *w, size_t first, const void *records, size_t n) {
    const struct e5_found_blob *blob = records;
    for (size_t i = 0; i < n; i++) {
        struct tally *t = &w->tally[w->found->component[first + i]];
        if (t->blobs == 0) t->start = blob[i].time;
        if (t->blobs == 0 || t->end != blob[i].time) t->area = 0, t->states++;
        t->blobs++;
        t->runs += (size_t)blob[i].measured.runs;
        t->end = blob[i].time;
        t->area += blob[i].measured.area;
        if (t->area > t->area_max) t->area_max = t->area;
        t->core |= blob[i].measured.core;
    }
}

static bool passes(const struct tally *t, const struct e5_event_rule *rule) {
    return t->core && t->area_max >= rule->min_area && (size_t)(t->end - t->start) + 1 >= rule->min_duration;
}

static void choose(const struct work *w) {
    for (size_t i = 0; i < w->found->links; i++) w->tally[w->found->component[w->found->link[i].from]].links++;
    for (size_t i = 0; i < w->found->components; i++) {
        struct tally *t = &w->tally[i];
        t->event = -1;
        if (!passes(t, w->rule)) continue;
        t->event = (int32_t)w->events->count++;
        w->events->blob_count += t->blobs;
        w->events->run_count += t->runs;
        w->events->state_count += t->states;
        w->events->link_count += t->links;
    }
}

static void fill_blobs(struct work *w, size_t first, const void *records, size_t n) {
    const struct e5_found_blob *found = records;
    for (size_t i = 0; i < n; i++) {
        struct e5_event *event = event_of(w, first + i);
        if (event == NULL) continue;
        const struct e5_measured *m = &found[i].measured;
        struct e5_blob *blob = &w->events->blob[event->first_blob + event->blobs];
        size_t state = event->first_state + event->states;
        w->number[first + i] = (int32_t)event->blobs++;
        *blob = (struct e5_blob){found[i].time, m->area, m->excess / m->area, m->maximum};
        e5_centroid_get(&m->pull, &blob->latitude, &blob->longitude);
        if (event->states > 0 && w->events->state[state - 1].time == found[i].time) {
            state--;
        } else {
            w->events->state[state].time = found[i].time;
            e5_measured_begin(&w->sum[state]);
            event->states++;
        }
        w->events->state[state].blobs++;
        e5_measured_add(&w->sum[state], m);
    }
}

static void fill_runs(struct work *w, size_t first, const void *records, size_t n) {
    const struct e5_run *found = records;
    (void)first;
    for (size_t i = 0; i < n; i++) {
        struct e5_event *event = event_of(w, (size_t)found[i].blob);
        if (event == NULL) continue;
        struct e5_run *run = &w->events->run[event->first_run + event->runs++];
        *run = found[i];
        run->blob = w->number[found[i].blob];
    }
}

static void fill_links(struct work *w) {
    for (size_t i = 0; i < w->found->links; i++) {
        const struct e5_link *found = &w->found->link[i];
        struct e5_event *event = event_of(w, (size_t)found->from);
        if (event == NULL) continue;
        w->events->link[event->first_link + event->links++] =
            (struct e5_link){w->number[found->from], w->number[found->to], found->area};
    }
}

/* --- tables --- */

static enum e5_status allocate(struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    enum e5_status status = e5_alloc(events->count, sizeof *events->event, &events->event, err);
    if (status == E5_OK) status = e5_alloc(events->run_count, sizeof *events->run, &events->run, err);
    if (status == E5_OK) status = e5_alloc(events->state_count, sizeof *events->state, &events->state, err);
    if (status == E5_OK) status = e5_alloc(events->blob_count, sizeof *events->blob, &events->blob, err);
    if (status == E5_OK) status = e5_alloc(events->link_count, sizeof *events->link, &events->link, err);
    if (status == E5_OK) status = e5_alloc(events->state_count, sizeof *w->sum, &w->sum, err);
    return status == E5_OK ? e5_alloc(w->found->blobs->count, sizeof *w->number, &w->number, err) : status;
}

static void divide(const struct work *w) {
    size_t runs = 0, states = 0, blobs = 0, links = 0;
    for (size_t i = 0; i < w->found->components; i++) {
        const struct tally *t = &w->tally[i];
        if (t->event < 0) continue;
        struct e5_event *event = &w->events->event[t->event];
        event->first_run = runs, event->first_state = states;
        event->first_blob = blobs, event->first_link = links;
        runs += t->runs, states += t->states, blobs += t->blobs, links += t->links;
    }
}

enum e5_status e5_collect(const struct e5_found *found, const struct e5_event_rule *rule, bool severity,
                          const struct e5_parallel *par, struct e5_watch *watch, struct e5_events *events,
                          struct e5_error *err) {
    struct work w = {.found = found, .rule = rule, .events = events, .watch = watch};
    enum e5_status status = e5_alloc(found->components, sizeof *w.tally, &w.tally, err);
    if (status == E5_OK) status = each_layer(&w, found->blobs, count_blobs, false, err);
    if (status == E5_OK) choose(&w);
    if (status == E5_OK) status = allocate(&w, err);
    if (status == E5_OK) divide(&w);
    if (status == E5_OK) status = each_layer(&w, found->blobs, fill_blobs, true, err);
    if (status == E5_OK) status = each_layer(&w, found->runs, fill_runs, true, err);
    if (status == E5_OK) fill_links(&w);
    free(w.number);
    w.number = NULL;
    if (status == E5_OK) status = e5_describe(w.sum, severity, par, watch, events, err);
    free(w.tally);
    free(w.number);
    free(w.sum);
    return status;
}
