/* The driver of events on small fields whose events are known, and the same bits for any number of threads, any block
 * and any budget. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "drive/find.h"
#include "find_world.h"

enum { STEPS = 10, ROWS = 5, COLUMNS = 12, CELLS = ROWS * COLUMNS };

struct scene { /* a small world: nothing above its threshold of 20 until a test says so */
    struct e5_grid grid;
    int64_t seconds[STEPS];
    float value[STEPS * CELLS];
    double threshold[2 * CELLS];
    int32_t slot[STEPS];
    struct e5_event_rule rule;
    const struct e5_limits *core, *climatology, *where;
};

static void scene_init(struct scene *s, double first_longitude, double step) {
    double latitude[ROWS], longitude[COLUMNS];
    for (size_t i = 0; i < ROWS; i++) latitude[i] = 40 - 10 * (double)i;
    for (size_t i = 0; i < COLUMNS; i++) longitude[i] = first_longitude + step * (double)i;
    *s = (struct scene){.rule = {.min_days = 3, .neighbours = 26, .join.links = true}};
    CHECK_OK(e5_grid_init(&s->grid, latitude, ROWS, longitude, COLUMNS, err));
    for (size_t t = 0; t < STEPS; t++) s->seconds[t] = (int64_t)(100 + t) * E5_DAY;
    for (size_t i = 0; i < 2 * CELLS; i++) s->threshold[i] = 20;
}

static float *at(struct scene *s, size_t time, size_t row, size_t column) {
    return &s->value[time * CELLS + row * COLUMNS + column];
}

static void heat(struct scene *s, size_t first, size_t last, size_t row, size_t column, float value) {
    for (size_t t = first; t <= last; t++) *at(s, t, row, column) = value;
}

static enum e5_status find(const struct scene *s, struct e5_pool *pool, struct e5_watch *watch,
                           struct e5_events **out, struct e5_error *err) {
    struct e5_view view = view_of(s->value, E5_F32, STEPS, CELLS, COLUMNS);
    struct e5_limits threshold = {view_of(s->threshold, E5_F64, 2, CELLS, COLUMNS), s->slot};
    struct e5_source source = e5_source_memory(&view);
    struct e5_find_request request = {.rule = &s->rule,
                                      .source = &source,
                                      .grid = &s->grid,
                                      .axis = {.calendar = E5_PROLEPTIC, .n = STEPS, .seconds = s->seconds},
                                      .threshold = &threshold,
                                      .core = s->core,
                                      .climatology = s->climatology,
                                      .where = s->where,
                                      .block_bytes = 1 << 20,
                                      .budget = 1 << 20,
                                      .directory = "/tmp"};
    return e5_find(&request, pool, watch, out, err);
}

static struct e5_events *found(const struct scene *s) {
    struct e5_events *events = NULL;
    CHECK_OK(find(s, NULL, NULL, &events, err));
    return events;
}

static size_t number_found(const struct scene *s) {
    struct e5_events *events = found(s);
    size_t count = events != NULL ? events->count : 999;
    e5_events_free(events);
    return count;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fabs(b) + 1e-9; }

/* Two neighbours, one of them for a day longer. */
TEST(properties_of_one_event) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 2, 4, 1, 3, 21);
    heat(&s, 2, 5, 2, 3, 22);
    *at(&s, 3, 2, 3) = 25;
    struct e5_events *events = found(&s);
    CHECK(events != NULL && events->count == 1 && events->run_count == 7 && events->state_count == 4);
    const struct e5_event *e = events->event;
    const struct e5_event_state *state = events->state;
    double a = s.grid.area[1], b = s.grid.area[2];
    CHECK(e->start == 2 && e->end == 5 && e->cells == 7 && e->runs == 7 && e->states == 4);
    CHECK(e->start_seconds == 102 * E5_DAY && e->end_seconds == 105 * E5_DAY && events->calendar == E5_PROLEPTIC);
    CHECK(near(e->volume, 3 * a + 4 * b) && near(e->footprint, a + b));
    CHECK(near(e->area_max, a + b) && e->area_max_time == 2 && near(e->area_mean, (3 * a + 4 * b) / 4));
    CHECK(e->peak == 5 && e->peak_value == 25);
    CHECK(e->peak_time == 3 && e->peak_row == 2 && e->peak_column == 3);
    CHECK(near(e->exceedance_sum, 3 * a + 11 * b) && near(e->exceedance_mean, (3 * a + 11 * b) / (3 * a + 4 * b)));
    CHECK(near(e->box.south, 15) && near(e->box.north, 35) && near(e->box.west, 12.5) && near(e->box.east, 17.5));
    CHECK(!e->touches_edge && !e->censored_start && !e->censored_end);
    CHECK(e->latitude > 20 && e->latitude < 30 && near(e->longitude, 15));
    CHECK(state[1].time == 3 && near(state[1].area, a + b) && state[1].maximum == 5);
    CHECK(near(state[1].mean, (a + 5 * b) / (a + b)) && state[3].maximum == 2 && near(state[3].latitude, 20));
    CHECK(e->outline == 0 && e->outline_size == events->geometry.size &&
          e->outline_size == 1 + 4 + 4 + 9 + 4 + 5 * 16);
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

TEST(above_means_strictly_above_in_double) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 2, 4, 1, 3, 20);
    CHECK(number_found(&s) == 0);
    heat(&s, 2, 4, 1, 3, nextafterf(20, 21));
    CHECK(number_found(&s) == 1);
    *at(&s, 3, 1, 3) = NAN;
    CHECK(number_found(&s) == 0);
    heat(&s, 2, 4, 1, 3, 0.1f); /* a little more than 0.1 */
    s.threshold[1 * COLUMNS + 3] = 0.1;
    CHECK(number_found(&s) == 1);
    s.threshold[1 * COLUMNS + 3] = NAN;
    CHECK(number_found(&s) == 0);
    e5_grid_fini(&s.grid);
}

TEST(each_step_has_its_slot) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 2, 6, 1, 3, 21);
    s.slot[4] = 1;
    CHECK(number_found(&s) == 1);
    s.threshold[CELLS + 1 * COLUMNS + 3] = 30; /* on that day it was not hot */
    CHECK(number_found(&s) == 0);
    s.rule.min_days = 2;
    CHECK(number_found(&s) == 2);
    e5_grid_fini(&s.grid);
}

TEST(a_missing_day_ends_spells_and_events) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 1, 6, 1, 3, 21);
    CHECK(number_found(&s) == 1);
    for (size_t t = 4; t < STEPS; t++) s.seconds[t] += E5_DAY;
    CHECK(number_found(&s) == 2);
    s.rule.min_days = 4;
    CHECK(number_found(&s) == 0);
    e5_grid_fini(&s.grid);
}

TEST(steps_shorter_than_a_day_count_as_such) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 2, 5, 1, 3, 21);
    for (size_t t = 0; t < STEPS; t++) s.seconds[t] = (int64_t)t * E5_DAY / 4;
    struct e5_events *events = found(&s);
    CHECK(events->count == 1 && near(events->event->volume, s.grid.area[1]));
    CHECK(near(events->event->exceedance_sum, s.grid.area[1]));
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

TEST(connectivity_chooses_the_neighbours) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 1, 3, 1, 3, 21);
    heat(&s, 1, 3, 2, 4, 21);
    s.rule.neighbours = 6;
    CHECK(number_found(&s) == 2);
    s.rule.neighbours = 26;
    CHECK(number_found(&s) == 1);
    e5_grid_fini(&s.grid);
}

TEST(small_events_are_left_out_and_the_rest_stays_in_order) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 1, 3, 0, 0, 21); /* one cell */
    heat(&s, 2, 4, 2, 3, 22); /* two cells */
    heat(&s, 2, 4, 2, 4, 23);
    heat(&s, 5, 7, 2, 8, 24); /* two cells, but never on the same day */
    heat(&s, 7, 9, 2, 9, 24);
    *at(&s, 7, 2, 8) = 0;
    heat(&s, 4, 6, 2, 8, 24);
    s.rule.min_area = 1.5 * s.grid.area[2];
    struct e5_events *events = found(&s);
    CHECK(events->count == 1 && events->event[0].peak == 3 && events->event[0].first_run == 0);
    CHECK(events->run_count == 3 && events->state_count == 3 && events->run[0].count == 2);
    e5_events_free(events);
    s.rule.min_area = 2 * s.grid.area[2]; /* exactly as large is large enough */
    CHECK(number_found(&s) == 1);
    s.rule.min_area = 0;
    CHECK(number_found(&s) == 3);
    e5_grid_fini(&s.grid);
}

TEST(first_of_equal_peaks) {
    struct scene s;
    scene_init(&s, 0, 5);
    for (size_t row = 1; row <= 2; row++)
        for (size_t column = 3; column <= 4; column++) heat(&s, 2, 4, row, column, 21);
    *at(&s, 4, 1, 3) = *at(&s, 3, 2, 4) = *at(&s, 3, 2, 3) = 23;
    struct e5_events *events = found(&s);
    const struct e5_event *e = events->event;
    CHECK(e->peak_time == 3 && e->peak_row == 2 && e->peak_column == 3 && e->area_max_time == 2);
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

/* Columns on row 2 of a global grid with 12 columns of 30°: the arc that holds them. */
static void check_arc(double first_longitude, const char *columns, double west, double east) {
    struct scene s;
    scene_init(&s, first_longitude, 30);
    for (size_t c = 0; c < COLUMNS; c++)
        if (columns[c] == '#') heat(&s, 2, 4, 2, c, 21);
    struct e5_events *events = found(&s);
    CHECK(events->count == 1 && !events->event->touches_edge);
    CHECK(near(events->event->box.west, west) && near(events->event->box.east, east));
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

TEST(the_box_is_the_smallest_arc) {
    check_arc(0, ".##.........", 15, 75);
    check_arc(0, "#..........#", -45, 15); /* over Greenwich, where this grid begins */
    check_arc(0, ".....###....", 135, -135); /* over the antimeridian */
    check_arc(0, "##########.#", -45, -75);
    check_arc(0, "############", -180, 180);
    check_arc(-165, "#...........", -180, -150);
    check_arc(-165, "...........#", 150, 180);
}

TEST(edges_of_grid_and_record) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 0, 2, 2, 0, 21);
    heat(&s, 3, 5, 4, 6, 21);
    heat(&s, 7, 9, 2, 6, 21);
    struct e5_events *events = found(&s);
    CHECK(events->count == 3);
    CHECK(events->event[0].touches_edge && events->event[0].censored_start);
    CHECK(events->event[1].touches_edge && !events->event[1].censored_start && !events->event[1].censored_end);
    CHECK(!events->event[2].touches_edge && events->event[2].censored_end);
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

struct way { /* how to go about it: none of this may change the answer */
    unsigned threads;
    size_t block_bytes, budget;
    bool read; /* through the shelf, though the field lies in memory */
};
static const struct way plain = {1, 1 << 20, 1 << 20, false};

static struct e5_events *found_in_large_world(struct way way, const struct e5_event_rule *rule) {
    static struct world world;
    struct e5_pool *pool;
    struct e5_events *events = NULL;
    world_init(&world, rule);
    CHECK_OK(e5_pool_new(way.threads, &pool, err));
    if (way.read) world.source.direct = NULL;
    world.request.block_bytes = way.block_bytes, world.request.budget = way.budget;
    CHECK_OK(e5_find(&world.request, pool, NULL, &events, err));
    e5_pool_free(pool);
    world_fini(&world);
    return events;
}

TEST(the_same_bits_for_any_number_of_threads_and_any_block) {
    static const size_t step = MANY_CELLS * sizeof(float);
    static const struct way ways[] = {{2, 1 << 20, 1 << 20, false},
                                      {4, 7 * step, 0, false},
                                      {7, 1, 0, false},
                                      {3, 5 * step, 1, true},
                                      {1, 1, 1, true}};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        struct e5_events *alone = found_in_large_world(plain, &rules[r]);
        CHECK(alone->count > 5);
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            struct e5_events *other = found_in_large_world(ways[i], &rules[r]);
            CHECK(same_bits(alone, other));
            e5_events_free(other);
        }
        e5_events_free(alone);
    }
}

TEST(tables_are_in_order_and_complete) {
    struct e5_events *events = found_in_large_world(plain, &rules[0]);
    size_t runs = 0, states = 0, bytes = 0;
    for (size_t i = 0; i < events->count; i++) {
        const struct e5_event *e = &events->event[i], *before = i > 0 ? e - 1 : NULL;
        CHECK(e->first_run == runs && e->first_state == states && e->outline == bytes);
        CHECK(before == NULL || before->start <= e->start);
        CHECK(e->states == (size_t)(e->end - e->start) + 1 && e->peak > 0 && e->exceedance_mean <= e->peak);
        CHECK(e->footprint <= e->volume && e->area_max <= e->footprint * (1 + 1e-12));
        for (size_t r = runs + 1; r < runs + e->runs; r++) {
            const struct e5_run *a = &events->run[r - 1], *b = &events->run[r];
            CHECK(a->time != b->time ? a->time < b->time : a->row != b->row ? a->row < b->row : a->first < b->first);
        }
        runs += e->runs, states += e->states, bytes += e->outline_size;
    }
    CHECK(runs == events->run_count && states == events->state_count && bytes == events->geometry.size);
    e5_events_free(events);
}

TEST(nothing_found_is_an_answer) {
    struct scene s;
    scene_init(&s, 0, 5);
    struct e5_events *events = found(&s);
    CHECK(events->count == 0 && events->run_count == 0 && events->geometry.size == 0);
    CHECK(events->steps == STEPS && events->seconds[1] == 101 * E5_DAY && events->grid.columns == COLUMNS);
    e5_events_free(events);
    e5_events_free(NULL);
    e5_grid_fini(&s.grid);
}

/* --- what a field is compared with --- */

/* Severity is (x − climatology) / (threshold − climatology): here 5 between them. */
TEST(severity_core_and_mask_of_events) {
    static double usual[CELLS], peak[CELLS];
    static uint8_t mask[CELLS];
    struct scene s;
    struct e5_limits climatology = {view_of(usual, E5_F64, 1, CELLS, COLUMNS), NULL};
    struct e5_limits core = {view_of(peak, E5_F64, 1, CELLS, COLUMNS), NULL};
    struct e5_limits where = {view_of(mask, E5_U8, 1, CELLS, COLUMNS), NULL};
    scene_init(&s, 0, 5);
    for (size_t i = 0; i < CELLS; i++) usual[i] = 15, peak[i] = 24.5, mask[i] = 1;
    heat(&s, 2, 4, 1, 3, 21); /* 1.2 */
    heat(&s, 2, 4, 2, 3, 27); /* 2.4 */
    heat(&s, 2, 4, 2, 9, 24); /* 1.8; never beyond the core */
    heat(&s, 6, 8, 3, 6, 50); /* 7, at a place without a climatology, and next to it */
    heat(&s, 6, 8, 3, 7, 50);
    usual[3 * COLUMNS + 7] = NAN;
    s.climatology = &climatology;
    struct e5_events *events = found(&s);
    double a = s.grid.area[1], b = s.grid.area[2], c = s.grid.area[3];
    CHECK(events->count == 3);
    const struct e5_severity *first = &events->event[0].severity, *last = &events->event[2].severity;
    CHECK(near(first->maximum, 2.4) && first->category == 2 && near(first->mean, (1.2 * a + 2.4 * b) / (a + b)));
    CHECK(near(first->area[0], a) && near(first->area[1], b) && first->area[2] == 0);
    CHECK(near(last->maximum, 7) && last->category == E5_CATEGORIES && near(last->area[3], c));
    e5_events_free(events);
    s.core = &core;
    CHECK(number_found(&s) == 2);
    mask[2 * COLUMNS + 3] = 0; /* what is left of the first event is beyond the core nowhere */
    s.where = &where;
    CHECK(number_found(&s) == 1);
    e5_grid_fini(&s.grid);
}

static struct e5_limits one_number(const double *number) {
    struct e5_limits limits = {view_of(number, E5_F64, 1, MANY_CELLS, MANY_COLUMNS), NULL};
    for (int d = 0; d < 3; d++) limits.view.strides[d] = 0;
    return limits;
}

/* A number, maps of floats and maps of doubles, all of the same values; the field as floats and as doubles. */
TEST(limits_and_fields_of_any_type_give_the_same_bits) {
    enum { NUMBER, FLOATS, DOUBLES, WAYS };
    static const double numbers[] = {0.5, 0.625, 0.125}; /* threshold, core, climatology */
    static float floats[3][MANY_CELLS];
    static double doubles[3][MANY_CELLS], field[MANY_STEPS * MANY_CELLS], sea[MANY_CELLS];
    static uint8_t mask[MANY_CELLS];
    static struct world w;
    struct e5_events *first = NULL;
    world_init(&w, &rules[0]);
    for (size_t i = 0; i < MANY_STEPS * MANY_CELLS; i++) field[i] = (double)w.value[i];
    for (size_t i = 0; i < MANY_CELLS; i++) {
        for (int k = 0; k < 3; k++) floats[k][i] = (float)(doubles[k][i] = numbers[k]);
        mask[i] = i % MANY_COLUMNS < 30;
        sea[i] = mask[i] ? -1 : i % 3 == 0 ? NAN : 0; /* neither 0 nor missing */
    }
    for (int way = 0; way < 2 * WAYS; way++) {
        struct e5_view wide = view_of(field, E5_F64, MANY_STEPS, MANY_CELLS, MANY_COLUMNS);
        struct e5_limits limits[3], where = {view_of(mask, E5_U8, 1, MANY_CELLS, MANY_COLUMNS), NULL};
        struct e5_find_request request = w.request;
        struct e5_source source = e5_source_memory(way < WAYS ? &w.view : &wide);
        struct e5_events *events = NULL;
        for (int k = 0; k < 3; k++) {
            limits[k] = one_number(&numbers[k]);
            if (way % WAYS == FLOATS) limits[k].view = view_of(floats[k], E5_F32, 1, MANY_CELLS, MANY_COLUMNS);
            if (way % WAYS == DOUBLES) limits[k].view = view_of(doubles[k], E5_F64, 1, MANY_CELLS, MANY_COLUMNS);
        }
        if (way % 2) where.view = view_of(sea, E5_F64, 1, MANY_CELLS, MANY_COLUMNS);
        request.source = &source, request.where = &where;
        request.threshold = &limits[0], request.core = &limits[1], request.climatology = &limits[2];
        CHECK_OK(e5_find(&request, NULL, NULL, &events, err));
        CHECK(events->count > 5 && events->event[0].severity.maximum > 1);
        for (size_t r = 0; r < events->run_count; r++) CHECK(events->run[r].first + events->run[r].count <= 30);
        if (first == NULL) {
            first = events;
            continue;
        }
        CHECK(same_bits(first, events));
        e5_events_free(events);
    }
    e5_events_free(first);
    world_fini(&w);
}

/* A mask alone makes the cells: every value that is known and lies on it, whatever it is. */
TEST(without_a_threshold_the_mask_makes_the_cells) {
    static uint8_t mask[CELLS];
    struct scene s;
    scene_init(&s, 0, 5);
    mask[2 * COLUMNS + 4] = mask[2 * COLUMNS + 5] = 1;
    *at(&s, 3, 2, 4) = NAN;
    struct e5_view view = view_of(s.value, E5_F32, STEPS, CELLS, COLUMNS);
    struct e5_limits where = {view_of(mask, E5_U8, 1, CELLS, COLUMNS), NULL};
    struct e5_source source = e5_source_memory(&view);
    struct e5_find_request request = {.rule = &s.rule,
                                      .source = &source,
                                      .grid = &s.grid,
                                      .axis = {.calendar = E5_PROLEPTIC, .n = STEPS, .seconds = s.seconds},
                                      .where = &where,
                                      .block_bytes = 1 << 20,
                                      .budget = 1 << 20,
                                      .directory = "/tmp"};
    struct e5_events *events = NULL;
    CHECK_OK(e5_find(&request, NULL, NULL, &events, err));
    CHECK(events->count == 1 && events->event->cells == 2 * STEPS - 1);
    CHECK(events->event->start == 0 && events->event->end == STEPS - 1);
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

TEST(what_does_not_belong_together_is_refused) {
    static const char *const what[] = {"9 times", "latitude and longitude", "threshold or a mask"};
    static struct world w;
    double row[] = {10, 20};
    struct e5_grid small;
    world_init(&w, &rules[0]);
    CHECK_OK(e5_grid_init(&small, row, 2, row, 2, err));
    for (int i = 0; i < 3; i++) {
        struct e5_find_request request = w.request;
        struct e5_error said = E5_ERROR_NONE;
        struct e5_events *events = NULL;
        if (i == 0) request.axis.n = 9;
        if (i == 1) request.grid = &small;
        if (i == 2) request.threshold = NULL;
        CHECK(e5_find(&request, NULL, NULL, &events, &said) == E5_INPUT && events == NULL);
        CHECK(strstr(said.what, what[i]) != NULL);
    }
    e5_grid_fini(&small);
    world_fini(&w);
}

TEST(memory_may_run_out_anywhere) {
    struct scene s;
    scene_init(&s, 0, 5);
    heat(&s, 1, 3, 1, 1, 21);
    heat(&s, 2, 5, 3, 7, 21);
    enum e5_status status = E5_MEMORY;
    struct e5_events *events = NULL;
    long n = 1;
    for (; status == E5_MEMORY && n < 2000; n++) {
        e5_alloc_fail_after(n);
        status = find(&s, NULL, NULL, &events, NULL);
        CHECK((status == E5_OK) == (events != NULL));
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && n > 25);
    e5_events_free(events);
    e5_grid_fini(&s.grid);
}

TEST(cancel_stops_it) {
    struct scene s;
    struct e5_events *events = NULL;
    struct e5_watch watch = {0};
    scene_init(&s, 0, 5);
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, find(&s, NULL, &watch, &events, err));
    CHECK(events == NULL);
    e5_grid_fini(&s.grid);
}

int main(void) {
    RUN(properties_of_one_event);
    RUN(above_means_strictly_above_in_double);
    RUN(each_step_has_its_slot);
    RUN(a_missing_day_ends_spells_and_events);
    RUN(steps_shorter_than_a_day_count_as_such);
    RUN(connectivity_chooses_the_neighbours);
    RUN(small_events_are_left_out_and_the_rest_stays_in_order);
    RUN(first_of_equal_peaks);
    RUN(the_box_is_the_smallest_arc);
    RUN(edges_of_grid_and_record);
    RUN(the_same_bits_for_any_number_of_threads_and_any_block);
    RUN(tables_are_in_order_and_complete);
    RUN(nothing_found_is_an_answer);
    RUN(severity_core_and_mask_of_events);
    RUN(limits_and_fields_of_any_type_give_the_same_bits);
    RUN(without_a_threshold_the_mask_makes_the_cells);
    RUN(what_does_not_belong_together_is_refused);
    RUN(memory_may_run_out_anywhere);
    RUN(cancel_stops_it);
    return check_summary();
}
