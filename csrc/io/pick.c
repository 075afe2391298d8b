#include "io/pick.h"

#include "base/alloc.h"

struct e5_pick e5_pick_range(size_t start, size_t count) {
    return (struct e5_pick){.count = count, .stretches = count > 0, .only = {.from = start, .count = count}};
}

static int by_from(const void *a, const void *b) {
    const struct e5_stretch *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* Neighbours in the file that are neighbours in the output become one. */
static size_t join(struct e5_stretch *stretch, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct e5_stretch *last = kept > 0 ? &stretch[kept - 1] : NULL;
        if (last != NULL && stretch[i].from == last->from + last->count && stretch[i].to == last->to + last->count)
            last->count++;
        else
            stretch[kept++] = stretch[i];
    }
    return kept;
}

struct e5_pick e5_pick_take(struct e5_stretch *stretch, size_t n, size_t count) {
    for (size_t i = 1; i < n; i++)
        if (by_from(&stretch[i - 1], &stretch[i]) > 0) {
            qsort(stretch, n, sizeof *stretch, by_from);
            break;
        }
    return (struct e5_pick){.count = count, .stretches = join(stretch, n), .stretch = stretch};
}

enum e5_status e5_pick_list(const int64_t *index, size_t n, size_t length, struct e5_pick *out,
                            struct e5_error *err) {
    struct e5_stretch *stretch = NULL;
    *out = (struct e5_pick){0};
    for (size_t i = 0; i < n; i++)
        if (index[i] < 0 || (uint64_t)index[i] >= length)
            return e5_fail(err, E5_INPUT, "index %lld of %zu", (long long)index[i], length);
    enum e5_status status = e5_alloc(n, sizeof *stretch, &stretch, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < n; i++) stretch[i] = (struct e5_stretch){(size_t)index[i], i, 1};
    *out = e5_pick_take(stretch, n, n);
    return E5_OK;
}

void e5_pick_fini(struct e5_pick *pick) {
    free((void *)pick->stretch);
    *pick = (struct e5_pick){0};
}

const struct e5_stretch *e5_pick_stretches(const struct e5_pick *pick) {
    return pick->stretch != NULL ? pick->stretch : &pick->only;
}

void e5_pick_bounds(const struct e5_pick *pick, size_t *first, size_t *last) {
    const struct e5_stretch *end = e5_pick_stretches(pick) + pick->stretches - 1;
    *first = e5_pick_stretches(pick)->from;
    *last = end->from + end->count - 1;
}

bool e5_pick_fits(const struct e5_pick *pick, size_t length) {
    size_t reached = 0; /* by the stretches so far: their last index */
    for (size_t i = 0; i < pick->stretches; i++) {
        const struct e5_stretch *s = e5_pick_stretches(pick) + i;
        if (s->count == 0 || s->from < reached || s->from >= length || s->count > length - s->from) return false;
        if (s->to > pick->count || s->count > pick->count - s->to) return false;
        reached = s->from + s->count - 1;
    }
    return true;
}

size_t e5_pick_indices(const struct e5_pick *pick) {
    const struct e5_stretch *stretch = e5_pick_stretches(pick);
    size_t n = 0;
    for (size_t i = 0; i < pick->stretches; i++) n += stretch[i].count;
    return n;
}

/* The first stretch whose end (or, with `begin`, whose beginning) is not below `at`. */
static size_t search(const struct e5_pick *pick, size_t at, bool begin) {
    size_t low = 0, high = pick->stretches;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct e5_stretch *s = e5_pick_stretches(pick) + middle;
        if (begin ? s->from < at : s->from + s->count <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t e5_pick_within(const struct e5_pick *pick, size_t low, size_t high, size_t *first) {
    *first = search(pick, low, false);
    size_t end = search(pick, high, true);
    return end > *first ? end - *first : 0;
}
