#include "model/event.h"

#include <stdlib.h>

void e5_events_free(struct e5_events *events) {
    if (events == NULL) return;
    e5_grid_fini(&events->grid);
    e5_buffer_fini(&events->geometry);
    free(events->seconds);
    free(events->event);
    free(events->run);
    free(events->state);
    free(events->blob);
    free(events->link);
    free(events);
}

static bool within(size_t first, size_t n, size_t size) { return first <= size && n <= size - first; }

/* Whether a signed index lies within a table. */
static bool is_index(int32_t index, size_t size) { return index >= 0 && (size_t)index < size; }

static bool is_run(const struct e5_events *events, const struct e5_event *event, const struct e5_run *run) {
    return is_index(run->time, events->steps) && is_index(run->row, events->grid.rows) && run->first >= 0 &&
           run->count > 0 && within((size_t)run->first, (size_t)run->count, events->grid.columns) &&
           (event->blobs == 0 || is_index(run->blob, event->blobs)); /* there need be no blobs */
}

static bool has_ranges(const struct e5_events *events, const struct e5_event *event) {
    return within(event->first_run, event->runs, events->run_count) &&
           within(event->first_state, event->states, events->state_count) &&
           within(event->first_blob, event->blobs, events->blob_count) &&
           within(event->first_link, event->links, events->link_count) &&
           within(event->outline, event->outline_size, events->geometry.size);
}

static bool has_indices(const struct e5_events *events, const struct e5_event *event) {
    return is_index(event->start, events->steps) && is_index(event->end, events->steps) &&
           event->start <= event->end && is_index(event->peak_time, events->steps) &&
           is_index(event->area_max_time, events->steps) && is_index(event->peak_row, events->grid.rows) &&
           is_index(event->peak_column, events->grid.columns);
}

static bool is_sound(const struct e5_events *events, const struct e5_event *event) {
    bool sound = has_ranges(events, event) && has_indices(events, event);
    for (size_t i = 0; sound && i < event->runs; i++)
        sound = is_run(events, event, &events->run[event->first_run + i]);
    for (size_t i = 0; sound && i < event->states; i++)
        sound = is_index(events->state[event->first_state + i].time, events->steps);
    for (size_t i = 0; sound && i < event->blobs; i++)
        sound = is_index(events->blob[event->first_blob + i].time, events->steps);
    for (size_t i = 0; sound && i < event->links; i++) {
        const struct e5_link *link = &events->link[event->first_link + i];
        sound = is_index(link->from, event->blobs) && is_index(link->to, event->blobs);
    }
    return sound;
}

enum e5_status e5_events_check(const struct e5_events *events, struct e5_error *err) {
    for (size_t i = 0; i < events->count; i++)
        if (!is_sound(events, &events->event[i]))
            return e5_fail(err, E5_INPUT, "event %zu points outside its tables", i);
    return E5_OK;
}
