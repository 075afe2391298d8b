/* find_world: a globe with poles and values that vary slowly, on which the driver of events finds some of every kind;
 * and the comparison of two answers, bit by bit. */
#ifndef FIND_WORLD_H
#define FIND_WORLD_H

#include "check.h"
#include "drive/find.h"

/* Rows first, of floats or doubles side by side. */
static struct e5_view view_of(const void *data, enum e5_dtype dtype, size_t rows, size_t cells, size_t columns) {
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(dtype);
    return (struct e5_view){.data = data,
                            .dtype = dtype,
                            .ndim = 3,
                            .shape = {rows, cells / columns, columns},
                            .strides = {(ptrdiff_t)cells * size, (ptrdiff_t)columns * size, size},
                            .packing = E5_PACKING_NONE};
}

enum { MANY_STEPS = 40, MANY_ROWS = 19, MANY_COLUMNS = 36, MANY_CELLS = MANY_ROWS * MANY_COLUMNS };

struct world {
    float value[MANY_STEPS * MANY_CELLS];
    int64_t seconds[MANY_STEPS]; /* a day is missing */
    double number; /* what the values lie above */
    struct e5_grid grid;
    struct e5_view view;
    struct e5_source source;
    struct e5_limits threshold;
    struct e5_find_request request; /* for e5_find() */
};

static void fill_world(struct world *w) {
    uint32_t seed = 5;
    for (size_t t = 0; t < MANY_STEPS; t++) w->seconds[t] = (int64_t)(t + (t > 25)) * E5_DAY;
    for (size_t i = 0; i < MANY_STEPS * MANY_CELLS; i++) {
        seed = seed * 1664525u + 1013904223u;
        float yesterday = i < MANY_CELLS ? 0 : w->value[i - MANY_CELLS];
        w->value[i] = 0.8f * yesterday + (float)(seed >> 8) / (1 << 24) - 0.5f;
    }
}

/* The world stays where it is until world_fini(). */
static void world_init(struct world *w, const struct e5_event_rule *rule) {
    double latitude[MANY_ROWS], longitude[MANY_COLUMNS];
    for (size_t i = 0; i < MANY_ROWS; i++) latitude[i] = 90 - 10 * (double)i;
    for (size_t i = 0; i < MANY_COLUMNS; i++) longitude[i] = 10 * (double)i;
    fill_world(w);
    w->number = 0.55;
    CHECK_OK(e5_grid_init(&w->grid, latitude, MANY_ROWS, longitude, MANY_COLUMNS, err));
    w->view = view_of(w->value, E5_F32, MANY_STEPS, MANY_CELLS, MANY_COLUMNS);
    w->source = e5_source_memory(&w->view);
    w->threshold = (struct e5_limits){.view = view_of(&w->number, E5_F64, 1, MANY_CELLS, MANY_COLUMNS)};
    for (int d = 0; d < 3; d++) w->threshold.view.strides[d] = 0;
    w->request = (struct e5_find_request){.rule = rule,
                                          .source = &w->source,
                                          .grid = &w->grid,
                                          .axis = {.calendar = E5_STANDARD, .n = MANY_STEPS, .seconds = w->seconds},
                                          .threshold = &w->threshold,
                                          .block_bytes = 1 << 20,
                                          .budget = 1 << 20,
                                          .directory = "/tmp"};
}

static void world_fini(struct world *w) { e5_grid_fini(&w->grid); }

static bool same_bits(const struct e5_events *a, const struct e5_events *b) {
    return a->count == b->count && a->run_count == b->run_count && a->state_count == b->state_count &&
           a->blob_count == b->blob_count && a->link_count == b->link_count && a->geometry.size == b->geometry.size &&
           memcmp(a->event, b->event, a->count * sizeof *a->event) == 0 &&
           memcmp(a->run, b->run, a->run_count * sizeof *a->run) == 0 &&
           memcmp(a->state, b->state, a->state_count * sizeof *a->state) == 0 &&
           memcmp(a->blob, b->blob, a->blob_count * sizeof *a->blob) == 0 &&
           memcmp(a->link, b->link, a->link_count * sizeof *a->link) == 0 &&
           memcmp(a->geometry.bytes, b->geometry.bytes, a->geometry.size) == 0;
}

static const struct e5_event_rule rules[] = {
    {.min_days = 2, .neighbours = 6, .join.links = true},
    {.min_days = 1, .neighbours = 10},
    {.min_days = 3, .max_gap = 2, .neighbours = 18, .join.links = true, .min_duration = 4},
    {.min_days = 2, .neighbours = 26, .closing_km = 1500, .opening_km = 1200, .min_blob_area = 2e6},
    {.min_days = 1,
     .neighbours = 26,
     .join = {.overlapping = true, .share = E5_SHARE_SMALLER, .least = 0.3, .max_gap = 1, .links = true}},
};

#endif
