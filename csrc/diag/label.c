#include "diag/label.h"

#include <endian.h>
#include <string.h>

#include "base/alloc.h"

#define CELLS_PER_TASK 65536 /* outweighs the hand-over of a task, and is small enough to share out and cancel */
#define SLABS_PER_SLOT 4

/* How far runs of two neighbouring lines reach for each other: the columns that may lie between them. */
enum reach { APART = -1, SAME_COLUMN, NEXT_COLUMN };

struct neighbourhood {
    int neighbours;
    enum reach row;      /* same step, next row */
    enum reach time;     /* next step, same row */
    enum reach diagonal; /* next step, next row */
};

static const struct neighbourhood neighbourhoods[] = {
    {6, SAME_COLUMN, SAME_COLUMN, APART},
    {10, NEXT_COLUMN, SAME_COLUMN, APART},
    {18, NEXT_COLUMN, NEXT_COLUMN, SAME_COLUMN},
    {26, NEXT_COLUMN, NEXT_COLUMN, NEXT_COLUMN},
};

struct work { /* a line is one row at one time step */
    const struct e5_label_input *in;
    const struct neighbourhood *near;
    struct e5_watch *watch;
    size_t lines, lines_per_task, slabs;
    size_t *first; /* lines + 1: the runs of line l are first[l] … first[l + 1] − 1 */
    struct e5_run *run;
    int32_t *parent; /* of each run in its tree; never larger than the run itself, roots are their own parents */
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Cutting lines into runs.  64 cells become 64 bits; a run begins or ends where a bit differs from the one before. */

static uint64_t eight_bits(const uint8_t *cell) {
    uint64_t bytes;
    memcpy(&bytes, cell, sizeof bytes);
    bytes = le64toh(bytes);
    bytes |= bytes >> 4; /* or all bits of each byte into its lowest one … */
    bytes |= bytes >> 2;
    bytes |= bytes >> 1;
    bytes &= 0x0101010101010101u;
    return bytes * 0x0102040810204080u >> 56; /* … and these eight into one byte, the first cell lowest */
}

static uint64_t bits_of(const uint8_t *cell, size_t n) {
    uint8_t padded[64] = {0};
    uint64_t bits = 0;
    if (n < 64) cell = memcpy(padded, cell, n);
    for (unsigned i = 0; i < 64; i += 8) bits |= eight_bits(cell + i) << i;
    return bits;
}

static size_t count_runs(const uint8_t *line, size_t columns) {
    size_t count = 0;
    uint64_t before = 0;
    for (size_t at = 0; at < columns; at += 64) {
        uint64_t bits = bits_of(line + at, smaller(64, columns - at));
        count += (size_t)__builtin_popcountll(bits & ~(bits << 1 | before));
        before = bits >> 63;
    }
    return count;
}

static void cut_runs(const uint8_t *line, size_t columns, int32_t time, int32_t row, struct e5_run *run) {
    bool inside = false;
    uint64_t before = 0;
    for (size_t at = 0; at < columns; at += 64) {
        uint64_t bits = bits_of(line + at, smaller(64, columns - at));
        for (uint64_t turns = bits ^ (bits << 1 | before); turns != 0; turns &= turns - 1, inside = !inside) {
            int32_t column = (int32_t)(at + (size_t)__builtin_ctzll(turns));
            if (inside) {
                run->count = column - run->first;
                run++;
            } else {
                *run = (struct e5_run){.time = time, .row = row, .first = column};
            }
        }
        before = bits >> 63;
    }
    if (inside) run->count = (int32_t)columns - run->first;
}

static enum e5_status count_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    struct work *w = context;
    size_t begin = index * w->lines_per_task, end = smaller(w->lines, begin + w->lines_per_task);
    for (size_t line = begin; line < end; line++)
        w->first[line + 1] = count_runs(w->in->mask + line * w->in->columns, w->in->columns);
    return E5_OK;
}

static enum e5_status cut_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    struct work *w = context;
    size_t begin = index * w->lines_per_task, end = smaller(w->lines, begin + w->lines_per_task);
    for (size_t line = begin; line < end; line++)
        cut_runs(w->in->mask + line * w->in->columns, w->in->columns, (int32_t)(line / w->in->rows),
                 (int32_t)(line % w->in->rows), w->run + w->first[line]);
    for (size_t i = w->first[begin]; i < w->first[end]; i++) w->parent[i] = (int32_t)i;
    return E5_OK;
}

/* Joining runs.  The smaller index is always the root, so trees do not depend on the order of the unions. */

static int32_t root_of(int32_t *parent, int32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

static void unite(const struct work *w, size_t one, size_t other) {
    int32_t a = root_of(w->parent, (int32_t)one), b = root_of(w->parent, (int32_t)other);
    if (a < b)
        w->parent[b] = a;
    else
        w->parent[a] = b;
}

static int32_t end_of(const struct e5_run *run) { return run->first + run->count; }

/* On a periodic grid the last column of one line reaches the first column of the other. */
static void join_over_seam(const struct work *w, size_t left, size_t right) {
    bool at_end = end_of(&w->run[w->first[left + 1] - 1]) == (int32_t)w->in->columns;
    if (at_end && w->run[w->first[right]].first == 0) unite(w, w->first[left + 1] - 1, w->first[right]);
}

static void join_lines(const struct work *w, size_t one, size_t other, enum reach reach) {
    size_t a = w->first[one], a_end = w->first[one + 1], b = w->first[other], b_end = w->first[other + 1];
    if (reach == APART || a == a_end || b == b_end) return;
    if (reach == NEXT_COLUMN && w->in->periodic) {
        join_over_seam(w, one, other);
        join_over_seam(w, other, one);
    }
    while (a < a_end && b < b_end) {
        int32_t end_a = end_of(&w->run[a]), end_b = end_of(&w->run[b]);
        if (w->run[a].first < end_b + (int)reach && w->run[b].first < end_a + (int)reach) unite(w, a, b);
        if (end_a <= end_b)
            a++; /* what ends first cannot reach the other line's next run */
        else
            b++;
    }
}

static bool on_pole(const struct e5_label_input *in, size_t row) {
    return (in->pole_first && row == 0) || (in->pole_last && row + 1 == in->rows);
}

static void join_within_line(const struct work *w, size_t line, size_t row) {
    if (w->first[line] == w->first[line + 1]) return;
    if (w->in->periodic) join_over_seam(w, line, line);
    if (!on_pole(w->in, row)) return;
    for (size_t i = w->first[line] + 1; i < w->first[line + 1]; i++) unite(w, w->first[line], i);
}

static void join_within_step(const struct work *w, size_t t) {
    for (size_t row = 0; row < w->in->rows; row++) {
        size_t line = t * w->in->rows + row;
        join_within_line(w, line, row);
        if (row > 0) join_lines(w, line, line - 1, w->near->row);
    }
}

/* The pole is the same point on the next day, whichever of its columns are true. */
static void join_pole(const struct work *w, size_t line, size_t before) {
    bool both = w->first[line] < w->first[line + 1] && w->first[before] < w->first[before + 1];
    if (both) unite(w, w->first[line], w->first[before]);
}

static void join_with_step_before(const struct work *w, size_t t) {
    if (t == 0 || (w->in->linked != NULL && !w->in->linked[t])) return;
    for (size_t row = 0; row < w->in->rows; row++) {
        size_t line = t * w->in->rows + row, before = line - w->in->rows;
        join_lines(w, line, before, w->near->time);
        if (row > 0) join_lines(w, line, before - 1, w->near->diagonal);
        if (row + 1 < w->in->rows) join_lines(w, line, before + 1, w->near->diagonal);
        if (on_pole(w->in, row)) join_pole(w, line, before);
    }
}

static size_t slab_begin(const struct work *w, size_t slab) { return w->in->steps * slab / w->slabs; }

/* A slab of steps is joined in itself only: its trees hold none but its own runs, so slabs share nothing. */
static enum e5_status slab_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot;
    struct work *w = context;
    enum e5_status status = E5_OK;
    size_t begin = slab_begin(w, index), end = slab_begin(w, index + 1);
    for (size_t t = begin; status == E5_OK && t < end; t++) {
        join_within_step(w, t);
        if (t > begin) join_with_step_before(w, t);
        status = e5_watch_check(w->watch, err);
    }
    return status;
}

/* In order, every parent has its number before its children need it: `parent` turns into `component` in place. */
static size_t number_components(int32_t *parent, size_t runs) {
    int32_t components = 0;
    for (size_t i = 0; i < runs; i++) parent[i] = parent[i] == (int32_t)i ? components++ : parent[parent[i]];
    return (size_t)components;
}

static enum e5_status prepare(struct work *w, struct e5_error *err) {
    const struct e5_label_input *in = w->in;
    for (size_t i = 0; i < sizeof neighbourhoods / sizeof *neighbourhoods; i++)
        if (neighbourhoods[i].neighbours == in->neighbours) w->near = &neighbourhoods[i];
    if (w->near == NULL) return e5_fail(err, E5_INPUT, "%d neighbours; must be 6, 10, 18 or 26", in->neighbours);
    if (in->steps > INT32_MAX || in->rows > INT32_MAX || in->columns >= INT32_MAX)
        return e5_fail(err, E5_UNSAFE, "%zu × %zu × %zu cells are too many", in->steps, in->rows, in->columns);
    enum e5_status status = e5_multiply(in->steps, in->rows, &w->lines, err);
    w->lines_per_task = in->columns < CELLS_PER_TASK ? CELLS_PER_TASK / (in->columns + 1) + 1 : 1;
    return status == E5_OK ? e5_alloc(w->lines + 1, sizeof *w->first, &w->first, err) : status;
}

static enum e5_status find_runs(struct work *w, const struct e5_parallel *par, struct e5_error *err) {
    size_t tasks = (w->lines + w->lines_per_task - 1) / w->lines_per_task;
    enum e5_status status = e5_parallel_for(par, w->watch, tasks, count_task, w, err);
    if (status != E5_OK) return status;
    for (size_t line = 0; line < w->lines; line++) w->first[line + 1] += w->first[line];
    size_t runs = w->first[w->lines];
    if (runs > INT32_MAX) return e5_fail(err, E5_INPUT, "the mask falls into %zu runs; at most %d", runs, INT32_MAX);
    status = e5_alloc(runs, sizeof *w->run, &w->run, err);
    if (status == E5_OK) status = e5_alloc(runs, sizeof *w->parent, &w->parent, err);
    return status == E5_OK ? e5_parallel_for(par, w->watch, tasks, cut_task, w, err) : status;
}

static enum e5_status join_runs(struct work *w, const struct e5_parallel *par, struct e5_error *err) {
    w->slabs = smaller(w->in->steps, (size_t)e5_parallel_slots(par) * SLABS_PER_SLOT);
    enum e5_status status = e5_parallel_for(par, w->watch, w->slabs, slab_task, w, err);
    for (size_t slab = 1; status == E5_OK && slab < w->slabs; slab++) {
        join_with_step_before(w, slab_begin(w, slab));
        status = e5_watch_check(w->watch, err);
    }
    return status;
}

enum e5_status e5_label(const struct e5_label_input *input, const struct e5_parallel *par, struct e5_watch *watch,
                        struct e5_labels *out, struct e5_error *err) {
    struct work w = {.in = input, .watch = watch};
    *out = (struct e5_labels){0};
    enum e5_status status = prepare(&w, err);
    if (status == E5_OK) status = find_runs(&w, par, err);
    if (status == E5_OK) status = join_runs(&w, par, err);
    if (status != E5_OK) goto out;
    out->run_count = w.first[w.lines];
    out->components = number_components(w.parent, out->run_count);
    out->run = w.run, out->component = w.parent;
    w.run = NULL, w.parent = NULL;
out:
    free(w.first);
    free(w.run);
    free(w.parent);
    return status;
}

void e5_labels_fini(struct e5_labels *labels) {
    free(labels->run);
    free(labels->component);
    *labels = (struct e5_labels){0};
}
