/* Everything is counted before it is allocated.  Components are numbered, and blobs and runs lie, in the order of the
 * tables (by first cell; by time, row, column), so that filling them is one pass over each. */
#include "events/collect.h"

#include "base/alloc.h"
#include "events/describe.h"

#define BLOBS_PER_TASK 512

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
    const struct e5_parallel *par;
    struct e5_watch *watch;
};

struct layer { /* records that lie together */
    struct work *work;
    size_t first, n; /* number of its first record, and how many there are */
    const void *records;
};

/* The event that a blob belongs to, or NULL. */
static struct e5_event *event_of(const struct work *w, size_t blob) {
    int32_t number = w->tally[w->found->component[blob]].event;
    return number >= 0 ? &w->events->event[number] : NULL;
}

/* --- passes over what was found --- */

typedef enum e5_status (*visit_fn)(struct layer *layer, struct e5_error *err);

/* The last pass gives the memory of each layer back, as the tables that it fills take as much. */
static enum e5_status each_layer(struct work *w, struct e5_pile *pile, visit_fn visit, bool last,
                                 struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t layers = e5_pile_layers(pile);
    struct layer layer = {.work = w};
    for (size_t i = 0; status == E5_OK && i < layers; i++) {
        status = e5_pile_read(pile, i, &layer.records, &layer.n, err);
        if (status == E5_OK) status = visit(&layer, err);
        if (last) e5_pile_drop(pile, i);
        if (status == E5_OK) status = e5_watch_check(w->watch, err);
        layer.first += layer.n;
    }
    return status;
}

static enum e5_status count_blobs(struct layer *layer, struct e5_error *err) {
    const struct work *w = layer->work;
    const struct e5_found_blob *blob = layer->records;
    (void)err;
    for (size_t i = 0; i < layer->n; i++) {
        struct tally *t = &w->tally[w->found->component[layer->first + i]];
        if (t->blobs == 0) t->start = blob[i].time;
        if (t->blobs == 0 || t->end != blob[i].time) t->area = 0, t->states++;
        t->blobs++;
        t->runs += (size_t)blob[i].measured.runs;
        t->end = blob[i].time;
        t->area += blob[i].measured.area;
        if (t->area > t->area_max) t->area_max = t->area;
        t->core |= blob[i].measured.core;
    }
    return E5_OK;
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

static void fill_states(const struct layer *layer) {
    const struct work *w = layer->work;
    const struct e5_found_blob *found = layer->records;
    for (size_t i = 0; i < layer->n; i++) {
        struct e5_event *event = event_of(w, layer->first + i);
        if (event == NULL) continue;
        size_t state = event->first_state + event->states;
        w->number[layer->first + i] = (int32_t)event->blobs++;
        if (event->states > 0 && w->events->state[state - 1].time == found[i].time) {
            state--;
        } else {
            w->events->state[state] = (struct e5_event_state){.time = found[i].time};
            e5_measured_begin(&w->sum[state]);
            event->states++;
        }
        w->events->state[state].blobs++;
        e5_measured_add(&w->sum[state], &found[i].measured);
    }
}

static enum e5_status blob_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct layer *layer = context;
    const struct work *w = layer->work;
    const struct e5_found_blob *found = layer->records;
    (void)slot, (void)err;
    size_t end = (index + 1) * BLOBS_PER_TASK < layer->n ? (index + 1) * BLOBS_PER_TASK : layer->n;
    for (size_t i = index * BLOBS_PER_TASK; i < end; i++) {
        const struct e5_event *event = event_of(w, layer->first + i);
        if (event == NULL) continue;
        const struct e5_measured *m = &found[i].measured;
        struct e5_blob *blob = &w->events->blob[event->first_blob + (size_t)w->number[layer->first + i]];
        *blob = (struct e5_blob){found[i].time, m->area, m->excess / m->area, m->maximum};
        e5_centroid_get(&m->pull, &blob->latitude, &blob->longitude);
    }
    return E5_OK;
}

/* The states are summed in their order; then each blob stands for itself. */
static enum e5_status fill_blobs(struct layer *layer, struct e5_error *err) {
    const struct work *w = layer->work;
    fill_states(layer);
    return e5_parallel_for(w->par, w->watch, (layer->n + BLOBS_PER_TASK - 1) / BLOBS_PER_TASK, blob_task, layer, err);
}

static enum e5_status fill_runs(struct layer *layer, struct e5_error *err) {
    const struct work *w = layer->work;
    const struct e5_run *found = layer->records;
    (void)err;
    for (size_t i = 0; i < layer->n; i++) {
        struct e5_event *event = event_of(w, (size_t)found[i].blob);
        if (event == NULL) continue;
        struct e5_run *run = &w->events->run[event->first_run + event->runs++];
        *run = found[i];
        run->blob = w->number[found[i].blob];
    }
    return E5_OK;
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

/* Every row of these is written whole before it is read. */
static enum e5_status new_table(size_t rows, size_t size, void *out_pointer, struct e5_error *err) {
    size_t bytes;
    enum e5_status status = e5_multiply(rows, size, &bytes, err);
    return status == E5_OK ? e5_alloc_plain(bytes, out_pointer, err) : status;
}

static enum e5_status allocate(struct work *w, struct e5_error *err) {
    struct e5_events *events = w->events;
    enum e5_status status = e5_alloc(events->count, sizeof *events->event, &events->event, err);
    if (status == E5_OK) status = new_table(events->run_count, sizeof *events->run, &events->run, err);
    if (status == E5_OK) status = new_table(events->state_count, sizeof *events->state, &events->state, err);
    if (status == E5_OK) status = new_table(events->blob_count, sizeof *events->blob, &events->blob, err);
    if (status == E5_OK) status = new_table(events->link_count, sizeof *events->link, &events->link, err);
    if (status == E5_OK) status = new_table(events->state_count, sizeof *w->sum, &w->sum, err);
    return status == E5_OK ? new_table(w->found->blobs->count, sizeof *w->number, &w->number, err) : status;
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
    struct work w = {.found = found, .rule = rule, .events = events, .par = par, .watch = watch};
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
