/* Two cursors run along the record: `compared` steps have become bits, `finished` steps have come out of the filter
 * and been measured; the values of those in between wait on the shelf. */
#include "drive/find.h"

#include "base/alloc.h"
#include "drive/find_shelf.h"
#include "drive/find_steps.h"
#include "events/collect.h"
#include "events/spell_filter.h"

#define TASK_CELLS 65536   /* of the steps of a task, together: outweighs handing it over */
#define SEGMENTS_PER_TASK 32 /* of the filter */

struct frames { /* of bits, one step after the other */
    uint64_t *bits;
    size_t room;
};

struct search {
    const struct e5_find_request *request;
    const struct e5_parallel *par;
    struct e5_watch *watch;
    struct e5_events *events; /* without its tables until the end */
    bool *linked;             /* of each step: it follows its predecessor */
    struct e5_find_steps steps;
    struct e5_spell_filter filter;
    bool filters; /* else bits go straight on */
    struct e5_succession succession;
    struct e5_shelf shelf;
    struct e5_pile runs, blobs;
    size_t frame_words, steps_per_task;
    size_t compared, finished;
    struct frames in, out;
    /* the batch at hand: */
    size_t batch;
    uint64_t *bits; /* of its first step */
    struct e5_frame *frame;
    struct e5_find_step *found;
    size_t batch_room;
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static enum e5_status each_step(struct search *s, size_t n, e5_task_fn task, struct e5_error *err) {
    return e5_parallel_for(s->par, s->watch, (n + s->steps_per_task - 1) / s->steps_per_task, task, s, err);
}

/* --- values → bits --- */

static enum e5_status have_frames(const struct search *s, struct frames *frames, size_t n, struct e5_error *err) {
    size_t words;
    if (frames->bits != NULL && n <= frames->room) return E5_OK;
    free(frames->bits);
    *frames = (struct frames){0};
    enum e5_status status = e5_multiply(n, s->frame_words, &words, err);
    if (status == E5_OK) status = e5_alloc(words, sizeof *frames->bits, &frames->bits, err);
    if (status == E5_OK) frames->room = n;
    return status;
}

static void compare(struct search *s, size_t i, unsigned slot) {
    size_t step = s->compared + i;
    e5_find_compare(&s->steps, step, e5_shelf_step(&s->shelf, step), s->in.bits + i * s->frame_words, slot);
}

static enum e5_status compare_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct search *s = context;
    (void)err;
    size_t end = smaller(s->batch, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; i < end; i++) compare(s, i, slot);
    return E5_OK;
}

/* --- bits → those of long spells, some steps later --- */

static size_t segment_tasks(const struct search *s) {
    size_t words = SEGMENTS_PER_TASK * E5_SPELL_SEGMENT;
    return (s->frame_words + words - 1) / words;
}

static size_t segment(const struct search *s, size_t index, size_t *words) {
    size_t first = index * SEGMENTS_PER_TASK * E5_SPELL_SEGMENT;
    *words = smaller(s->frame_words - first, SEGMENTS_PER_TASK * E5_SPELL_SEGMENT);
    return first;
}

static enum e5_status push_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct search *s = context;
    (void)slot, (void)err;
    size_t words, first = segment(s, index, &words);
    e5_spell_filter_push(&s->filter, s->in.bits, s->batch, s->linked + s->compared, first, words, s->out.bits);
    return E5_OK;
}

static enum e5_status end_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct search *s = context;
    (void)slot, (void)err;
    size_t words, first = segment(s, index, &words);
    e5_spell_filter_end(&s->filter, first, words, s->out.bits);
    return E5_OK;
}

/* --- bits → blobs and runs --- */

static enum e5_status finish(struct search *s, size_t i, unsigned slot, struct e5_error *err) {
    size_t step = s->finished + i;
    return e5_find_finish(&s->steps, step, e5_shelf_step(&s->shelf, step), s->bits + i * s->frame_words, slot,
                          &s->frame[i], &s->found[i], err);
}

static enum e5_status finish_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct search *s = context;
    enum e5_status status = E5_OK;
    size_t end = smaller(s->batch, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; status == E5_OK && i < end; i++) status = finish(s, i, slot, err);
    return status;
}

/* Both at once, while the values of a step are near. */
static enum e5_status whole_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct search *s = context;
    enum e5_status status = E5_OK;
    size_t end = smaller(s->batch, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; status == E5_OK && i < end; i++) {
        compare(s, i, slot);
        status = finish(s, i, slot, err);
    }
    return status;
}

static enum e5_status have_batch(struct search *s, size_t n, uint64_t *bits, struct e5_error *err) {
    enum e5_status status = E5_OK;
    s->batch = n, s->bits = bits;
    if (n <= s->batch_room) return E5_OK;
    status = e5_grow(s->batch_room, n, sizeof *s->frame, &s->frame, err);
    if (status == E5_OK) status = e5_grow(s->batch_room, n, sizeof *s->found, &s->found, err);
    if (status == E5_OK) s->batch_room = n;
    return status;
}

/* --- what stays of a batch --- */

static enum e5_status keep_step(struct search *s, size_t i, int32_t *first_blob, struct e5_error *err) {
    struct e5_find_step *found = &s->found[i];
    size_t blobs = s->frame[i].blobs;
    enum e5_status status = E5_OK;
    for (size_t r = 0; r < found->runs; r++) found->run[r].blob += *first_blob;
    for (size_t b = 0; status == E5_OK && b < blobs; b++) {
        struct e5_found_blob blob = {.time = (int32_t)(s->finished + i), .measured = found->measured[b]};
        status = e5_pile_append(&s->blobs, &blob, 1, err);
    }
    *first_blob += (int32_t)blobs;
    return status == E5_OK ? e5_pile_append(&s->runs, found->run, found->runs, err) : status;
}

/* The batch joins the past, and its values are done with. */
static enum e5_status keep_batch(struct search *s, struct e5_error *err) {
    int32_t first_blob = (int32_t)s->succession.blobs;
    enum e5_status status =
        e5_succession_frames(&s->succession, s->frame, s->batch, s->linked + s->finished, s->par, s->watch, err);
    for (size_t i = 0; status == E5_OK && i < s->batch; i++) status = keep_step(s, i, &first_blob, err);
    s->finished += s->batch;
    e5_shelf_release(&s->shelf, s->finished);
    e5_watch_add(s->watch, (int64_t)(s->batch * s->request->source->cells));
    return status;
}

/* --- along the record --- */

static enum e5_status take_straight(struct search *s, size_t n, struct e5_error *err) {
    enum e5_status status = have_batch(s, n, s->in.bits, err);
    if (status == E5_OK) status = each_step(s, n, whole_task, err);
    s->compared += n;
    return status == E5_OK ? keep_batch(s, err) : status;
}

static enum e5_status finish_batch(struct search *s, size_t n, struct e5_error *err) {
    enum e5_status status = have_batch(s, n, s->out.bits, err);
    if (status == E5_OK) status = each_step(s, n, finish_task, err);
    return status == E5_OK ? keep_batch(s, err) : status;
}

static enum e5_status take_filtered(struct search *s, size_t n, struct e5_error *err) {
    size_t ready = e5_spell_filter_count(&s->filter, n, s->linked + s->compared);
    s->batch = n;
    enum e5_status status = each_step(s, n, compare_task, err);
    if (status == E5_OK) status = have_frames(s, &s->out, ready, err);
    if (status == E5_OK) status = e5_parallel_for(s->par, s->watch, segment_tasks(s), push_task, s, err);
    s->compared += n;
    return status == E5_OK ? finish_batch(s, ready, err) : status;
}

static enum e5_status take_rest(struct search *s, struct e5_error *err) {
    enum e5_status status = have_frames(s, &s->out, s->compared - s->finished, err);
    if (status == E5_OK) status = e5_parallel_for(s->par, s->watch, segment_tasks(s), end_task, s, err);
    return status == E5_OK ? finish_batch(s, s->compared - s->finished, err) : status;
}

static enum e5_status take_all(struct search *s, struct e5_error *err) {
    size_t steps = s->request->source->steps, n;
    enum e5_status status = E5_OK;
    e5_watch_expect(s->watch, (int64_t)(steps * s->request->source->cells));
    while (status == E5_OK && s->compared < steps) {
        status = e5_shelf_read(&s->shelf, s->compared, s->request->block_bytes, &n, s->par, s->watch, err);
        if (status == E5_OK) status = have_frames(s, &s->in, n, err);
        if (status == E5_OK) status = s->filters ? take_filtered(s, n, err) : take_straight(s, n, err);
    }
    return status == E5_OK && s->filters ? take_rest(s, err) : status;
}

static enum e5_status collect(struct search *s, struct e5_error *err) {
    struct e5_found found = {.runs = &s->runs, .blobs = &s->blobs};
    found.components = e5_succession_components(&s->succession);
    found.component = s->succession.parent;
    found.link = s->succession.link, found.links = s->succession.links;
    return e5_collect(&found, s->request->rule, s->request->climatology != NULL, s->par, s->watch, s->events, err);
}

/* --- set up --- */

/* A table without events yet. */
static enum e5_status new_events(struct search *s, struct e5_error *err) {
    const struct e5_find_request *request = s->request;
    const struct e5_grid *grid = request->grid;
    const struct e5_time_axis *axis = &request->axis;
    int64_t step;
    enum e5_status status = e5_time_axis_step(axis, &step, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *s->events, &s->events, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *s->events->seconds, &s->events->seconds, err);
    if (status == E5_OK) status = e5_alloc(axis->n, sizeof *s->linked, &s->linked, err);
    if (status != E5_OK) return status;
    s->events->calendar = axis->calendar;
    s->events->steps = axis->n;
    s->events->step_days = (double)step / E5_DAY;
    s->events->below = request->below;
    for (size_t t = 0; t < axis->n; t++) {
        s->events->seconds[t] = axis->seconds[t];
        s->linked[t] = t > 0 && axis->seconds[t] - axis->seconds[t - 1] == step;
    }
    status = e5_grid_init(&s->events->grid, grid->latitude, grid->rows, grid->longitude, grid->columns, err);
    if (status == E5_OK && request->rule->areas == E5_AREAS_WGS84) e5_grid_use_wgs84(&s->events->grid);
    return status;
}

static enum e5_status prepare(struct search *s, struct e5_error *err) {
    const struct e5_event_rule *rule = s->request->rule;
    const struct e5_source *source = s->request->source;
    enum e5_status status = new_events(s, err);
    if (status != E5_OK) return status;
    const struct e5_grid *grid = &s->events->grid;
    struct e5_succession_rule joining = rule->join;
    joining.row_area = grid->area;
    status = e5_find_steps_init(&s->steps, s->request, grid, e5_parallel_slots(s->par), err);
    s->frame_words = e5_topology_words(&s->steps.topology);
    s->steps_per_task = source->cells < TASK_CELLS ? TASK_CELLS / (source->cells + 1) + 1 : 1;
    s->filters = rule->min_days > 1 || rule->max_gap > 0;
    if (status == E5_OK && s->filters)
        status = e5_spell_filter_init(&s->filter, rule->min_days, rule->max_gap, s->frame_words, err);
    if (status == E5_OK) status = e5_succession_init(&s->succession, &s->steps.topology, &joining, err);
    s->shelf =
        (struct e5_shelf){.source = s->request->source, .step_bytes = source->cells * e5_dtype_size(source->dtype)};
    e5_pile_init(&s->runs, sizeof(struct e5_run), s->request->budget, s->request->directory);
    e5_pile_init(&s->blobs, sizeof(struct e5_found_blob), s->request->budget, s->request->directory);
    return status;
}

static void clear(struct search *s) {
    for (size_t i = 0; i < s->batch_room; i++) {
        e5_frame_fini(&s->frame[i]);
        e5_find_step_fini(&s->found[i]);
    }
    free(s->frame);
    free(s->found);
    free(s->in.bits);
    free(s->out.bits);
    free(s->linked);
    e5_pile_fini(&s->runs);
    e5_pile_fini(&s->blobs);
    e5_shelf_fini(&s->shelf);
    e5_succession_fini(&s->succession);
    e5_spell_filter_fini(&s->filter);
    e5_find_steps_fini(&s->steps);
}

static enum e5_status check(const struct e5_find_request *request, struct e5_error *err) {
    const struct e5_source *source = request->source;
    if (source->steps != request->axis.n)
        return e5_fail(err, E5_INPUT, "%zu time steps, but %zu times", source->steps, request->axis.n);
    if (source->steps > INT32_MAX) return e5_fail(err, E5_UNSAFE, "%zu time steps are too many", source->steps);
    if (source->cells != request->grid->rows * request->grid->columns)
        return e5_fail(err, E5_INPUT, "latitude and longitude do not fit the data");
    if (request->threshold == NULL && request->where == NULL)
        return e5_fail(err, E5_INPUT, "events need a threshold or a mask");
    return E5_OK;
}

enum e5_status e5_find(const struct e5_find_request *request, struct e5_pool *pool, struct e5_watch *watch,
                       struct e5_events **out, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct search s = {.request = request, .par = pool != NULL ? &threads : NULL, .watch = watch};
    *out = NULL;
    enum e5_status status = check(request, err);
    if (status == E5_OK) status = prepare(&s, err);
    if (status == E5_OK) status = take_all(&s, err);
    if (status == E5_OK) status = collect(&s, err);
    if (status == E5_OK)
        *out = s.events;
    else
        e5_events_free(s.events);
    clear(&s);
    return status;
}
