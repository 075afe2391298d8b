/* Both rules are one: "keep runs of at least n".  Closing gaps of at most G is keeping, of the cells that are not
 * set, only runs of at least G + 1; what lies outside the record then counts as a long run, for nothing is joined
 * with it.
 *
 * A run is known to be long when its n-th step goes in, and then all of them are still to come out.  So every cell
 * counts two things down: `missing`, how many more steps the run that goes in needs, and `left`, how many of the
 * steps that come out are known to be of a long run.  No step has to be remembered.  Plane p of a counter holds bit p
 * of 64 × E5_SPELL_SEGMENT cells. */
#include "events/spell_filter.h"

#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"

#define SEGMENT E5_SPELL_SEGMENT

typedef uint64_t lanes __attribute__((vector_size(SEGMENT * sizeof(uint64_t)), aligned(8), may_alias));

static unsigned planes_of(size_t least) { return least <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(least); }

static size_t planes_of_both(const struct e5_spell_filter *f) {
    return 2 * ((size_t)planes_of(f->min_days) + planes_of(f->max_gap + 1));
}

/* One step of "keep runs of at least `least`": in goes a step of now, out comes one of `least` − 1 steps ago. */
E5_SIMD_BODY void keep_long(lanes *missing, unsigned planes, size_t least, lanes *flag) {
    lanes *left = missing + planes, in = *flag, needs = {0}, has = {0}, shorter = {0}, out = {0};
    for (unsigned p = 0; p < planes; p++) needs |= missing[p], has |= left[p];
    needs &= in;
    for (unsigned p = 0; p < planes; p++) { /* a counter goes down by one: the borrow runs through its planes */
        lanes fewer = missing[p] ^ needs;
        needs &= ~missing[p];
        shorter |= missing[p] = least >> p & 1 ? fewer | ~in : fewer & in;
    }
    for (unsigned p = 0; p < planes; p++) {
        lanes fewer = left[p] ^ has;
        has &= ~left[p];
        out |= left[p] = least >> p & 1 ? fewer | ~shorter : fewer & shorter;
    }
    *flag = out;
}

struct rules { /* of one filter */
    size_t least, least_gap;
    unsigned planes, gap_planes;
};

E5_SIMD_BODY void step(const struct rules *r, lanes *state, lanes *flag) {
    if (r->planes > 0) keep_long(state, r->planes, r->least, flag);
    if (r->gap_planes == 0) return;
    *flag = ~*flag;
    keep_long(state + 2 * r->planes, r->gap_planes, r->least_gap, flag);
    *flag = ~*flag;
}

/* Before the record all of a run is missing, and a gap is long already. */
E5_SIMD_BODY void restart(const struct rules *r, lanes *state) {
    memset(state, 0, 2 * (r->planes + r->gap_planes) * sizeof *state);
    for (unsigned p = 0; p < r->planes; p++)
        if (r->least >> p & 1) memset(&state[p], 0xff, sizeof *state);
}

struct segment { /* some words of a block of steps */
    struct rules rules;
    size_t delay, stride, words; /* stride: words of a frame; words: of this segment */
    lanes *state;
    size_t *waiting;
    uint64_t *out; /* the frame that comes out next */
};

E5_SIMD_BODY void give(struct segment *s, const lanes *flag) {
    memcpy(s->out, flag, s->words * sizeof *s->out);
    s->out += s->stride;
}

/* Time breaks off: steps without anything push out those that wait. */
E5_SIMD_BODY void finish(struct segment *s) {
    if (*s->waiting == 0) return;
    for (size_t i = 0; i < s->delay; i++) {
        lanes flag = {0};
        step(&s->rules, s->state, &flag);
        if (i + *s->waiting >= s->delay) give(s, &flag);
    }
    *s->waiting = 0;
    restart(&s->rules, s->state);
}

E5_SIMD_BODY void push_body(struct segment *s, const uint64_t *in, size_t steps, const bool *linked) {
    for (size_t t = 0; t < steps; t++) {
        lanes flag = {0};
        if (linked != NULL && !linked[t]) finish(s);
        memcpy(&flag, in + t * s->stride, s->words == SEGMENT ? sizeof flag : s->words * sizeof *in);
        step(&s->rules, s->state, &flag);
        if (*s->waiting == s->delay)
            give(s, &flag);
        else
            ++*s->waiting;
    }
}
E5_SIMD_VARIANTS(push, (struct segment * s, const uint64_t *in, size_t steps, const bool *linked),
                 (s, in, steps, linked))

static struct segment segment_at(const struct e5_spell_filter *f, size_t first, size_t end, uint64_t *out) {
    struct rules rules = {f->min_days, f->max_gap + 1, planes_of(f->min_days), planes_of(f->max_gap + 1)};
    return (struct segment){.rules = rules,
                            .delay = f->delay,
                            .stride = f->words,
                            .words = end - first < SEGMENT ? end - first : SEGMENT,
                            .state = (lanes *)(f->state + first * planes_of_both(f)),
                            .waiting = &f->waiting[first / SEGMENT],
                            .out = out == NULL ? NULL : out + first};
}

enum e5_status e5_spell_filter_init(struct e5_spell_filter *f, size_t min_days, size_t max_gap, size_t words,
                                    struct e5_error *err) {
    *f = (struct e5_spell_filter){.min_days = min_days, .max_gap = max_gap, .words = words};
    if (min_days < 1 || min_days > E5_SPELL_LONGEST)
        return e5_fail(err, E5_INPUT, "min_days is %zu; must be 1 to %d", min_days, E5_SPELL_LONGEST);
    if (max_gap > E5_SPELL_LONGEST)
        return e5_fail(err, E5_INPUT, "max_gap is %zu; must be at most %d", max_gap, E5_SPELL_LONGEST);
    f->delay = min_days - 1 + max_gap;
    size_t segments = words / SEGMENT + 1, planes = planes_of_both(f), size;
    enum e5_status status = e5_multiply(segments * SEGMENT, planes, &size, err);
    if (status == E5_OK) status = e5_alloc(size, sizeof *f->state, &f->state, err);
    if (status == E5_OK) status = e5_alloc(segments, sizeof *f->waiting, &f->waiting, err);
    if (status != E5_OK) {
        e5_spell_filter_fini(f);
        return status;
    }
    for (size_t first = 0; first < words; first += SEGMENT) {
        struct segment s = segment_at(f, first, words, NULL);
        restart(&s.rules, s.state);
    }
    return E5_OK;
}

void e5_spell_filter_fini(struct e5_spell_filter *f) {
    free(f->state);
    free(f->waiting);
    *f = (struct e5_spell_filter){0};
}

size_t e5_spell_filter_push(struct e5_spell_filter *f, const uint64_t *in, size_t steps, const bool *linked,
                            size_t first, size_t words, uint64_t *out) {
    size_t came = 0, end = first + words;
    for (; first < end; first += SEGMENT) {
        struct segment s = segment_at(f, first, end, out);
        push(&s, in + first, steps, linked);
        came = (size_t)(s.out - out - first) / f->words;
    }
    return came;
}

size_t e5_spell_filter_end(struct e5_spell_filter *f, size_t first, size_t words, uint64_t *out) {
    size_t came = 0, end = first + words;
    for (; first < end; first += SEGMENT) {
        struct segment s = segment_at(f, first, end, out);
        finish(&s);
        came = (size_t)(s.out - out - first) / f->words;
    }
    return came;
}

size_t e5_spell_filter_count(const struct e5_spell_filter *f, size_t steps, const bool *linked) {
    size_t waiting = f->waiting[0], came = 0;
    for (size_t t = 0; t < steps; t++) {
        if (linked != NULL && !linked[t]) came += waiting, waiting = 0;
        if (waiting == f->delay)
            came++;
        else
            waiting++;
    }
    return came;
}
