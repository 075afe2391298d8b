#include "drive/find_stream.h"

#include "base/alloc.h"
#include "drive/find_shelf.h"
#include "events/spell_filter.h"

#define TASK_CELLS 65536   /* of the steps of a task, together: outweighs handing it over */
#define SEGMENTS_PER_TASK 32 /* of the filter */

struct frames { /* of bits, one step after the other */
    uint64_t *bits;
    size_t room;
};

struct stream {
    const struct e5_find_request *request;
    const struct e5_find_range *range;
    const struct e5_parallel *par;
    struct e5_watch *watch;
    e5_find_receive_fn receive;
    void *receiver;
    struct e5_find_steps steps;
    struct e5_spell_filter filter;
    bool filters; /* else bits go straight on */
    struct e5_shelf shelf;
    size_t frame_words, steps_per_task;
    size_t compared, finished;
    struct frames in, out;
    size_t incoming; /* steps that are being compared */
    /* the batch at hand, of wanted steps: */
    size_t first, batch;
    uint64_t *bits; /* of its first step */
    struct e5_frame *frame;
    struct e5_find_step *found;
    size_t batch_room;
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static enum e5_status each_step(struct stream *s, size_t n, e5_task_fn task, struct e5_error *err) {
    return e5_parallel_for(s->par, s->watch, (n + s->steps_per_task - 1) / s->steps_per_task, task, s, err);
}

/* --- values → bits --- */

static enum e5_status have_frames(const struct stream *s, struct frames *frames, size_t n, struct e5_error *err) {
    size_t words;
    if (frames->bits != NULL && n <= frames->room) return E5_OK;
    free(frames->bits);
    *frames = (struct frames){0};
    enum e5_status status = e5_multiply(n, s->frame_words, &words, err);
    if (status == E5_OK) status = e5_alloc(words, sizeof *frames->bits, &frames->bits, err);
    if (status == E5_OK) frames->room = n;
    return status;
}

static void compare(struct stream *s, size_t step, unsigned slot) {
    uint64_t *bits = s->in.bits + (step - s->compared) * s->frame_words;
    e5_find_compare(&s->steps, step, e5_shelf_step(&s->shelf, step), bits, slot);
}

static enum e5_status compare_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct stream *s = context;
    (void)err;
    size_t end = smaller(s->incoming, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; i < end; i++) compare(s, s->compared + i, slot);
    return E5_OK;
}

/* --- bits → those of long spells, some steps later --- */

static size_t segment_tasks(const struct stream *s) {
    size_t words = SEGMENTS_PER_TASK * E5_SPELL_SEGMENT;
    return (s->frame_words + words - 1) / words;
}

static size_t segment(const struct stream *s, size_t index, size_t *words) {
    size_t first = index * SEGMENTS_PER_TASK * E5_SPELL_SEGMENT;
    *words = smaller(s->frame_words - first, SEGMENTS_PER_TASK * E5_SPELL_SEGMENT);
    return first;
}

static enum e5_status push_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct stream *s = context;
    (void)slot, (void)err;
    size_t words, first = segment(s, index, &words);
    const bool *linked = s->range->linked + s->compared;
    e5_spell_filter_push(&s->filter, s->in.bits, s->incoming, linked, first, words, s->out.bits);
    return E5_OK;
}

static enum e5_status end_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct stream *s = context;
    (void)slot, (void)err;
    size_t words, first = segment(s, index, &words);
    e5_spell_filter_end(&s->filter, first, words, s->out.bits);
    return E5_OK;
}

/* --- bits → blobs and runs --- */

static enum e5_status finish(struct stream *s, size_t i, unsigned slot, struct e5_error *err) {
    size_t step = s->first + i;
    return e5_find_finish(&s->steps, step, e5_shelf_step(&s->shelf, step), s->bits + i * s->frame_words, slot,
                          &s->frame[i], &s->found[i], err);
}

static enum e5_status finish_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct stream *s = context;
    enum e5_status status = E5_OK;
    size_t end = smaller(s->batch, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; status == E5_OK && i < end; i++) status = finish(s, i, slot, err);
    return status;
}

/* Both at once, while the values of a step are near. */
static enum e5_status whole_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct stream *s = context;
    enum e5_status status = E5_OK;
    size_t end = smaller(s->batch, (index + 1) * s->steps_per_task);
    for (size_t i = index * s->steps_per_task; status == E5_OK && i < end; i++) {
        compare(s, s->first + i, slot);
        status = finish(s, i, slot, err);
    }
    return status;
}

/* Those of n steps, whose bits are given, that are wanted. */
static enum e5_status have_batch(struct stream *s, size_t n, uint64_t *bits, struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t end = smaller(s->finished + n, s->range->end);
    s->first = s->finished > s->range->first ? s->finished : s->range->first;
    s->batch = end > s->first ? end - s->first : 0;
    s->bits = s->batch > 0 ? bits + (s->first - s->finished) * s->frame_words : bits;
    if (s->batch <= s->batch_room) return E5_OK;
    status = e5_grow(s->batch_room, s->batch, sizeof *s->frame, &s->frame, err);
    if (status == E5_OK) status = e5_grow(s->batch_room, s->batch, sizeof *s->found, &s->found, err);
    if (status == E5_OK) s->batch_room = s->batch;
    return status;
}

/* The batch goes to who asked for it, and the values of n steps are done with. */
static enum e5_status hand_over(struct stream *s, size_t n, struct e5_error *err) {
    struct e5_find_batch batch = {.steps = s->batch, .frame = s->frame, .found = s->found};
    enum e5_status status = s->batch > 0 ? s->receive(s->receiver, &batch, err) : E5_OK;
    s->finished += n;
    e5_shelf_release(&s->shelf, s->finished);
    e5_watch_add(s->watch, (int64_t)(n * s->request->source->cells));
    return status;
}

/* --- along the steps --- */

static enum e5_status take_straight(struct stream *s, size_t n, struct e5_error *err) {
    enum e5_status status = have_batch(s, n, s->in.bits, err);
    if (status == E5_OK) status = each_step(s, s->batch, whole_task, err);
    s->compared += n;
    return status == E5_OK ? hand_over(s, n, err) : status;
}

static enum e5_status finish_batch(struct stream *s, size_t n, struct e5_error *err) {
    enum e5_status status = have_batch(s, n, s->out.bits, err);
    if (status == E5_OK) status = each_step(s, s->batch, finish_task, err);
    return status == E5_OK ? hand_over(s, n, err) : status;
}

static enum e5_status take_filtered(struct stream *s, size_t n, struct e5_error *err) {
    size_t ready = e5_spell_filter_count(&s->filter, n, s->range->linked + s->compared);
    s->incoming = n;
    enum e5_status status = each_step(s, n, compare_task, err);
    if (status == E5_OK) status = have_frames(s, &s->out, ready, err);
    if (status == E5_OK) status = e5_parallel_for(s->par, s->watch, segment_tasks(s), push_task, s, err);
    s->compared += n;
    return status == E5_OK ? finish_batch(s, ready, err) : status;
}

static enum e5_status take_rest(struct stream *s, struct e5_error *err) {
    enum e5_status status = have_frames(s, &s->out, s->compared - s->finished, err);
    if (status == E5_OK) status = e5_parallel_for(s->par, s->watch, segment_tasks(s), end_task, s, err);
    return status == E5_OK ? finish_batch(s, s->compared - s->finished, err) : status;
}

static enum e5_status take_all(struct stream *s, struct e5_error *err) {
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

/* --- set up --- */

static enum e5_status check(const struct e5_find_request *request, const struct e5_find_range *range,
                            struct e5_error *err) {
    const struct e5_source *source = request->source;
    if (source->steps > INT32_MAX) return e5_fail(err, E5_UNSAFE, "%zu time steps are too many", source->steps);
    if (range->first > range->end || range->end > source->steps)
        return e5_fail(err, E5_INPUT, "no steps %zu to %zu among %zu", range->first, range->end, source->steps);
    if (source->cells != request->grid->rows * request->grid->columns)
        return e5_fail(err, E5_INPUT, "latitude and longitude do not fit the data");
    if (request->threshold == NULL && request->where == NULL)
        return e5_fail(err, E5_INPUT, "events need a threshold or a mask");
    return E5_OK;
}

static enum e5_status prepare(struct stream *s, const struct e5_find_ground *ground, struct e5_error *err) {
    const struct e5_event_rule *rule = s->request->rule;
    struct e5_source *source = s->request->source;
    enum e5_status status = e5_find_steps_init(&s->steps, s->request, ground, e5_parallel_slots(s->par), err);
    s->frame_words = ground->frame_words;
    s->steps_per_task = source->cells < TASK_CELLS ? TASK_CELLS / (source->cells + 1) + 1 : 1;
    s->filters = rule->min_days > 1 || rule->max_gap > 0;
    if (status == E5_OK && s->filters)
        status = e5_spell_filter_init(&s->filter, rule->min_days, rule->max_gap, s->frame_words, err);
    s->shelf = (struct e5_shelf){.source = source, .step_bytes = source->cells * e5_dtype_size(source->dtype)};
    return status;
}

static void clear(struct stream *s) {
    for (size_t i = 0; i < s->batch_room; i++) {
        e5_frame_fini(&s->frame[i]);
        e5_find_step_fini(&s->found[i]);
    }
    free(s->frame);
    free(s->found);
    free(s->in.bits);
    free(s->out.bits);
    e5_shelf_fini(&s->shelf);
    e5_spell_filter_fini(&s->filter);
    e5_find_steps_fini(&s->steps);
}

/* A run that reaches so far to one side is long enough whatever follows; so far beyond a gap. */
size_t e5_find_around(const struct e5_event_rule *rule) { return rule->min_days - 1 + rule->max_gap; }

enum e5_status e5_find_stream(const struct e5_find_request *request, const struct e5_find_ground *ground,
                              const struct e5_find_range *range, const struct e5_parallel *par,
                              struct e5_watch *watch, e5_find_receive_fn receive, void *receiver,
                              struct e5_error *err) {
    struct stream s = {
        .request = request, .range = range, .par = par, .watch = watch, .receive = receive, .receiver = receiver};
    enum e5_status status = check(request, range, err);
    if (status == E5_OK) status = prepare(&s, ground, err);
    if (status == E5_OK) status = take_all(&s, err);
    clear(&s);
    return status;
}
