#include "events/frame.h"

#include <string.h>

#include "base/alloc.h"

/* --- the topology --- */

enum e5_status e5_topology_check(const struct e5_topology *t, struct e5_error *err) {
    bool known = t->neighbours == 6 || t->neighbours == 10 || t->neighbours == 18 || t->neighbours == 26;
    if (!known) return e5_fail(err, E5_INPUT, "%d neighbours; must be 6, 10, 18 or 26", t->neighbours);
    size_t cells;
    enum e5_status status = e5_multiply(t->rows, t->columns, &cells, err);
    if (status == E5_OK && cells >= INT32_MAX)
        status = e5_fail(err, E5_UNSAFE, "%zu × %zu cells of a step are too many", t->rows, t->columns);
    return status;
}

size_t e5_topology_words(const struct e5_topology *t) { return t->rows * e5_bits_words(t->columns); }

size_t e5_topology_height(const struct e5_topology *t) { return t->neighbours == 6 ? 1 : 2; }

size_t e5_topology_lines(const struct e5_topology *t) {
    size_t height = e5_topology_height(t);
    return (t->rows + height - 1) / height;
}

bool e5_topology_on_pole(const struct e5_topology *t, size_t row) {
    return (t->pole_first && row == 0) || (t->pole_last && row + 1 == t->rows);
}

/* --- bars and their blobs ---
 *
 * While blobs grow, `blob` holds trees: the number of a smaller bar, or of the bar itself at the root.  Then each
 * line in turn gets the numbers of blobs instead, kept as ~number, so that the two can be told apart. */

struct work {
    struct e5_frame *frame;
    const struct e5_topology *topology;
    size_t words; /* of a row */
    struct e5_bar_pair *pair;
    uint32_t *bar;  /* of each run of a row … */
    int32_t *edge;  /* … and the columns where it begins and ends */
    uint64_t *both; /* rows of a line taken together */
};

struct e5_bar_line e5_frame_line(const struct e5_frame *frame, size_t line) {
    const struct e5_topology *t = frame->topology;
    size_t height = e5_topology_height(t), words = e5_bits_words(t->columns), row = line * height;
    const uint64_t *bits = frame->bits + row * words;
    const uint64_t *second = height == 2 && row + 1 < t->rows ? bits + words : bits;
    return (struct e5_bar_line){{bits, second}, frame->before + line * words};
}

static void count_bars(const struct work *w) {
    struct e5_frame *frame = w->frame;
    uint32_t bars = 0;
    for (size_t l = 0; l < e5_topology_lines(w->topology); l++) {
        struct e5_bar_line line = e5_frame_line(frame, l);
        bars = e5_bars_count(&line, w->words, bars, frame->before + l * w->words);
    }
    frame->before[e5_topology_lines(w->topology) * w->words] = bars;
    frame->bars = bars;
}

static int32_t root_of(int32_t *tree, int32_t i) {
    while (tree[i] != i) i = tree[i] = tree[tree[i]];
    return i;
}

static void unite(int32_t *tree, uint32_t one, uint32_t other) {
    if (tree[one] == tree[other]) return;
    int32_t a = root_of(tree, (int32_t)one), b = root_of(tree, (int32_t)other);
    if (a < b)
        tree[b] = a;
    else
        tree[a] = b;
}

static void unite_within_line(const struct work *w, const struct e5_bar_line *line, size_t l) {
    int32_t *tree = w->frame->blob;
    size_t last = (w->topology->columns - 1) % E5_WORD_BITS, height = e5_topology_height(w->topology);
    uint64_t first = line->row[0][0] | line->row[1][0];
    uint64_t end = line->row[0][w->words - 1] | line->row[1][w->words - 1];
    if (w->topology->periodic && (first & end >> last & 1)) unite(tree, line->before[0], line->before[w->words] - 1);
    for (size_t i = 0; i < height; i++) {
        if (!e5_topology_on_pole(w->topology, l * height + i)) continue;
        size_t n = e5_bars_of_row(line, line->row[i], w->words, w->bar);
        for (size_t k = 1; k < n; k++) unite(tree, w->bar[0], w->bar[k]);
    }
}

static void unite_lines(const struct work *w, const struct e5_bar_line *line, const struct e5_bar_line *next) {
    bool four = w->topology->neighbours == 6;
    enum e5_bar_contact contact = four ? E5_CONTACT_EDGE : E5_CONTACT_EDGE_SLANTED;
    size_t n = e5_bars_touch(line, next, w->words, contact, NULL, w->pair);
    if (w->topology->periodic) n += e5_bars_touch_seam(line, next, w->topology->columns, contact, w->pair + n);
    for (size_t i = 0; i < n; i++) unite(w->frame->blob, w->pair[i].a, w->pair[i].b);
}

static void unite_bars(const struct work *w) {
    size_t lines = e5_topology_lines(w->topology);
    for (size_t i = 0; i < w->frame->bars; i++) w->frame->blob[i] = (int32_t)i;
    struct e5_bar_line line = e5_frame_line(w->frame, 0);
    for (size_t l = 0; l < lines; l++) {
        unite_within_line(w, &line, l);
        if (l + 1 == lines) break;
        struct e5_bar_line next = e5_frame_line(w->frame, l + 1);
        unite_lines(w, &line, &next);
        line = next;
    }
}

/* Point every bar [first, end) at its root, or give it its number where that is known; how many roots there are. */
static size_t flatten(int32_t *blob, size_t first, size_t end) {
    size_t roots = 0;
    for (size_t i = first; i < end; i++) {
        if (blob[i] == (int32_t)i)
            roots++;
        else
            blob[i] = blob[blob[i]];
    }
    return roots;
}

/* Blobs that begin in a line of two rows: those with cells in the first row come first, from left to right. */
static void number_line(const struct work *w, size_t l) {
    struct e5_frame *frame = w->frame;
    struct e5_bar_line line = e5_frame_line(frame, l);
    int32_t *blob = frame->blob;
    size_t first = line.before[0], end = line.before[w->words];
    size_t roots = flatten(blob, first, end);
    if (roots > 1 && line.row[0] != line.row[1]) {
        size_t n = e5_bars_of_row(&line, line.row[0], w->words, w->bar);
        for (size_t k = 0; k < n; k++) {
            int32_t root = blob[w->bar[k]];
            if (root >= 0 && blob[root] >= 0) blob[root] = ~(int32_t)frame->blobs++;
        }
    }
    for (size_t i = first; roots > 0 && i < end; i++) {
        if (blob[i] == (int32_t)i)
            blob[i] = ~(int32_t)frame->blobs++;
        else if (blob[i] >= 0)
            blob[i] = blob[blob[i]];
    }
}

static void number_blobs(const struct work *w) {
    w->frame->blobs = 0;
    for (size_t l = 0; l < e5_topology_lines(w->topology); l++) number_line(w, l);
    for (size_t i = 0; i < w->frame->bars; i++) w->frame->blob[i] = ~w->frame->blob[i];
}

/* --- areas, and blobs that are too small --- */

/* The runs of a row with their bars; how many. */
static size_t runs_of_row(const struct work *w, size_t row) {
    size_t height = e5_topology_height(w->topology);
    struct e5_bar_line line = e5_frame_line(w->frame, row / height);
    if (line.before[0] == line.before[w->words]) return 0;
    e5_bars_of_row(&line, line.row[row % height], w->words, w->bar);
    return e5_bars_edges(line.row[row % height], w->topology->columns, w->edge);
}

static void add_areas(const struct work *w, const double *row_area) {
    struct e5_frame *frame = w->frame;
    for (size_t i = 0; i < frame->blobs; i++) frame->area[i] = 0;
    for (size_t row = 0; row < w->topology->rows; row++) {
        size_t n = runs_of_row(w, row);
        for (size_t i = 0; i < n; i++)
            frame->area[frame->blob[w->bar[i]]] += row_area[row] * (w->edge[2 * i + 1] - w->edge[2 * i]);
    }
}

static void clear(uint64_t *row, size_t from, size_t to) {
    size_t w = from / E5_WORD_BITS, last = (to - 1) / E5_WORD_BITS;
    uint64_t left = UINT64_MAX << from % E5_WORD_BITS,
             right = UINT64_MAX >> (E5_WORD_BITS - 1 - (to - 1) % E5_WORD_BITS);
    if (w == last) {
        row[w] &= ~(left & right);
        return;
    }
    row[w] &= ~left;
    while (++w < last) row[w] = 0;
    row[last] &= ~right;
}

/* Of the bars of a small blob, all cells are cleared. */
static void clear_small(const struct work *w, double min_area) {
    struct e5_frame *frame = w->frame;
    size_t height = e5_topology_height(w->topology), rows = w->topology->rows, bar = 0;
    for (size_t l = 0; l < e5_topology_lines(w->topology); l++) {
        struct e5_bar_line line = e5_frame_line(frame, l);
        for (size_t i = 0; i < w->words; i++) w->both[i] = line.row[0][i] | line.row[1][i];
        size_t n = e5_bars_edges(w->both, w->topology->columns, w->edge);
        for (size_t i = 0; i < n; i++) {
            if (frame->area[frame->blob[bar++]] >= min_area) continue;
            for (size_t row = l * height; row < (l + 1) * height && row < rows; row++)
                clear(frame->bits + row * w->words, (size_t)w->edge[2 * i], (size_t)w->edge[2 * i + 1]);
        }
    }
}

/* Blobs that stay keep their order, and so do their bars. */
static enum e5_status leave_out_small(const struct work *w, double min_area, struct e5_error *err) {
    struct e5_frame *frame = w->frame;
    int32_t *number = NULL;
    size_t blobs = 0, bars = 0;
    enum e5_status status = e5_alloc(frame->blobs, sizeof *number, &number, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < frame->blobs; i++) number[i] = frame->area[i] >= min_area ? (int32_t)blobs++ : -1;
    if (blobs < frame->blobs) clear_small(w, min_area);
    for (size_t i = 0; i < frame->bars; i++)
        if (number[frame->blob[i]] >= 0) frame->blob[bars++] = number[frame->blob[i]];
    for (size_t i = 0; i < frame->blobs; i++)
        if (number[i] >= 0) frame->area[number[i]] = frame->area[i];
    frame->blobs = blobs;
    free(number);
    count_bars(w);
    return E5_OK;
}

/* --- the interface --- */

/* Scratch for one line, in one piece. */
static enum e5_status work_on(struct e5_frame *frame, struct work *w, struct e5_error *err) {
    size_t words = e5_bits_words(frame->topology->columns);
    *w = (struct work){.frame = frame, .topology = frame->topology, .words = words};
    enum e5_status status = e5_alloc_plain(e5_bars_most_pairs(words) * sizeof *w->pair, &w->pair, err);
    if (status == E5_OK) status = e5_alloc_plain(e5_bars_most(words) * sizeof *w->bar, &w->bar, err);
    if (status == E5_OK) status = e5_alloc_plain(2 * e5_bars_most(words) * sizeof *w->edge, &w->edge, err);
    if (status == E5_OK) status = e5_alloc_plain((words + 1) * sizeof *w->both, &w->both, err);
    return status;
}

static void work_fini(struct work *w) {
    free(w->pair);
    free(w->bar);
    free(w->edge);
    free(w->both);
}

/* Memory that is too small is replaced, not copied. */
static enum e5_status make_room(size_t *room, size_t count, size_t size, void *out_pointer, struct e5_error *err) {
    void *old;
    memcpy(&old, out_pointer, sizeof old);
    if (old != NULL && count <= *room) return E5_OK;
    free(old);
    *room = 0;
    enum e5_status status = e5_alloc_plain((count + 1) * size, out_pointer, err);
    if (status == E5_OK) *room = count;
    return status;
}

static enum e5_status make(struct work *w, const double *row_area, double min_area, struct e5_error *err) {
    struct e5_frame *frame = w->frame;
    count_bars(w);
    enum e5_status status = make_room(&frame->bar_room, frame->bars, sizeof *frame->blob, &frame->blob, err);
    if (status != E5_OK) return status;
    if (frame->bars > 0) unite_bars(w);
    number_blobs(w);
    if (row_area == NULL) return E5_OK;
    status = make_room(&frame->blob_room, frame->blobs, sizeof *frame->area, &frame->area, err);
    if (status != E5_OK) return status;
    add_areas(w, row_area);
    return min_area > 0 && frame->blobs > 0 ? leave_out_small(w, min_area, err) : E5_OK;
}

enum e5_status e5_frame_make(struct e5_frame *frame, const struct e5_topology *topology, uint64_t *bits,
                             const double *row_area, double min_area, struct e5_error *err) {
    struct work w = {0};
    enum e5_status status = e5_topology_check(topology, err);
    if (status != E5_OK) return status;
    frame->topology = topology;
    frame->bits = bits;
    frame->blobs = frame->bars = 0;
    size_t words = e5_topology_lines(topology) * e5_bits_words(topology->columns) + 1;
    status = make_room(&frame->word_room, words, sizeof *frame->before, &frame->before, err);
    if (status == E5_OK) status = work_on(frame, &w, err);
    if (status == E5_OK) status = make(&w, row_area, min_area, err);
    work_fini(&w);
    return status;
}

void e5_frame_fini(struct e5_frame *frame) {
    free(frame->blob);
    free(frame->before);
    free(frame->area);
    *frame = (struct e5_frame){0};
}

size_t e5_frame_count_runs(const struct e5_frame *frame) {
    size_t words = e5_bits_words(frame->topology->columns), runs = 0;
    for (size_t row = 0; row < frame->topology->rows; row++) runs += e5_bars_runs(frame->bits + row * words, words);
    return runs;
}

enum e5_status e5_frame_runs(const struct e5_frame *frame, int32_t time, struct e5_run *run, struct e5_error *err) {
    struct work w;
    struct e5_frame same = *frame;
    enum e5_status status = work_on(&same, &w, err);
    for (size_t row = 0; status == E5_OK && row < frame->topology->rows; row++) {
        size_t n = runs_of_row(&w, row);
        for (size_t i = 0; i < n; i++)
            *run++ = (struct e5_run){.time = time,
                                     .row = (int32_t)row,
                                     .first = w.edge[2 * i],
                                     .count = w.edge[2 * i + 1] - w.edge[2 * i],
                                     .blob = frame->blob[w.bar[i]]};
    }
    work_fini(&w);
    return status;
}
