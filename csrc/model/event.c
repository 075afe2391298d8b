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
    free(events);
}
