#include "io/slab.h"

#include <string.h>

#include "io/shuffle.h"

#define RUN_BLOCK 1024  /* elements unshuffled at a time: they stay in the first-level cache until unpacked */
#define SHORT_STRETCH 8 /* elements; where stretches are shorter, elements are picked up one by one */
#define SHORT_RUN 64    /* elements; so few are unshuffled together with those behind them … */
#define SPARSE 8        /* … unless only one in so many is wanted */
#define WINDOW_BYTES 4096
#define SHORT_ROW 4096  /* bytes; rows as short as these end before the processor has seen where they lead */
#define ROWS_AHEAD 2
#define CACHE_LINE 64
#define STREAM_BYTES ((size_t)64 << 20) /* what no cache holds is written past them … */
#define STREAM_ROW 512                  /* … where its rows are of some length, in bytes */

/* Elements of a shuffled piece that are unshuffled already: chunks of time series have rows of few cells, which lie
 * side by side in the piece and far apart in the output.  A row by itself would be no work for vector registers, and
 * all of the chunk at once would be another one in memory. */
struct window {
    size_t first, end;
    uint8_t bytes[WINDOW_BYTES];
};

struct put {
    const struct e5_slab *slab;
    const struct e5_piece *piece;
    struct e5_cut cut;
    size_t element, wide; /* bytes of one, stored and in the output */
    bool keeps_bytes;     /* nothing is to be unpacked */
    bool streams;         /* past the caches */
    struct window *window; /* or NULL */
    size_t ahead;         /* bytes from a row of the output to the one that is fetched meanwhile; 0: none is */
    e5_cut_fn row;
};

/* --- many at a time: n elements that lie side by side in the piece and in the output --- */

static void put_constant(const struct put *p, size_t n, char *to) {
    size_t bytes = n * p->wide;
    e5_unpack(&p->slab->how, p->piece->bytes, 1, to);
    for (size_t done = p->wide; done < bytes; done *= 2)
        memcpy(to + done, to, done < bytes - done ? done : bytes - done);
}

static void put_shuffled(const struct put *p, size_t first, size_t n, char *to) {
    uint8_t row[RUN_BLOCK * 8];
    const struct e5_piece *piece = p->piece;
    if (p->keeps_bytes) {
        (p->streams ? e5_shuffle_undo_past : e5_shuffle_undo)(piece->bytes, piece->plane, p->element, first, n,
                                                              (uint8_t *)to);
        return;
    }
    for (size_t done = 0; done < n; done += RUN_BLOCK) {
        size_t part = n - done < RUN_BLOCK ? n - done : RUN_BLOCK;
        e5_shuffle_undo(piece->bytes, piece->plane, p->element, first + done, part, row);
        e5_unpack(&p->slab->how, row, part, to + done * p->wide);
    }
}

/* n elements from element `first` on, no more than a window has. */
static const uint8_t *through_window(const struct put *p, size_t first, size_t n) {
    struct window *w = p->window;
    if (first < w->first || first + n > w->end) {
        size_t most = WINDOW_BYTES / p->element, rest = p->piece->plane - first, part = rest < most ? rest : most;
        e5_shuffle_undo(p->piece->bytes, p->piece->plane, p->element, first, part, w->bytes);
        w->first = first;
        w->end = first + part;
    }
    return w->bytes + (first - w->first) * p->element;
}

/* n elements that lie side by side, in memory as they are stored: `from` bytes behind the piece's first, or elements
 * where it is shuffled. */
static const uint8_t *stored(const struct put *p, size_t from, size_t n) {
    return p->window != NULL ? through_window(p, from, n) : p->piece->bytes + from;
}

/* The rows of a chunk lie far apart in the output, and the processor cannot guess where the next one does: it would
 * wait for memory at every one of them. */
static void fetch(const char *out, size_t bytes) {
    for (size_t i = 0; i < bytes; i += CACHE_LINE) __builtin_prefetch(out + i, 1);
}

static void put_run(const struct put *p, size_t from, size_t n, size_t to) {
    char *out = p->slab->out + to * p->wide;
    if (p->ahead > 0) fetch(out + p->ahead, n * p->wide);
    if (p->piece->constant)
        put_constant(p, n, out);
    else if (p->piece->plane > 0 && p->window == NULL)
        put_shuffled(p, from, n, out);
    else if (p->keeps_bytes)
        memcpy(out, stored(p, from, n), n * p->wide);
    else
        e5_unpack(&p->slab->how, stored(p, from, n), n, out);
}

static void put_row(void *context, size_t from, size_t to) {
    const struct put *p = context;
    const struct e5_cut_part *part = &p->cut.part[p->cut.row];
    for (size_t i = 0; i < part->stretches; i++) {
        struct e5_stretch s = e5_cut_stretch(part, i);
        put_run(p, from + (s.from - part->low) * part->from, s.count * p->cut.unit, to + s.to * part->to);
    }
}

/* --- one by one: picked up in the piece, unpacked together, then put down --- */

struct batch {
    size_t n;
    size_t from[RUN_BLOCK], to[RUN_BLOCK];
};

#define PICK_UP(bits)                                                                                         \
    static void pick_up_##bits(const uint8_t *bytes, const struct batch *batch, uint8_t *row) {               \
        for (size_t i = 0; i < batch->n; i++) memcpy(row + i * (bits / 8), bytes + batch->from[i], bits / 8); \
    }
PICK_UP(8)
PICK_UP(16)
PICK_UP(32)
PICK_UP(64)

static void pick_up_plain(size_t element, const uint8_t *bytes, const struct batch *batch, uint8_t *row) {
    if (element == 1) pick_up_8(bytes, batch, row);
    if (element == 2) pick_up_16(bytes, batch, row);
    if (element == 4) pick_up_32(bytes, batch, row);
    if (element == 8) pick_up_64(bytes, batch, row);
}

static void pick_up(const struct put *p, const struct batch *batch, uint8_t *row) {
    const struct e5_piece *piece = p->piece;
    if (piece->plane == 0) {
        pick_up_plain(p->element, piece->bytes, batch, row);
        return;
    }
    for (size_t k = 0; k < p->element; k++)
        for (size_t i = 0; i < batch->n; i++)
            row[i * p->element + k] = piece->bytes[k * piece->plane + batch->from[i]];
}

static void put_down(const struct put *p, const struct batch *batch, const char *values) {
    char *out = p->slab->out;
    if (p->wide == 4)
        for (size_t i = 0; i < batch->n; i++) memcpy(out + batch->to[i] * 4, values + i * 4, 4);
    else
        for (size_t i = 0; i < batch->n; i++) memcpy(out + batch->to[i] * p->wide, values + i * p->wide, p->wide);
}

static void put_batch(const struct put *p, struct batch *batch) {
    uint8_t row[RUN_BLOCK * 8];
    char values[RUN_BLOCK * 8];
    bool in_order = true;
    for (size_t i = 1; i < batch->n; i++) in_order &= batch->to[i] == batch->to[i - 1] + 1;
    pick_up(p, batch, row);
    e5_unpack(&p->slab->how, row, batch->n, in_order ? p->slab->out + batch->to[0] * p->wide : values);
    if (!in_order) put_down(p, batch, values);
    batch->n = 0;
}

static void put_elements(void *context, size_t from, size_t to) {
    const struct put *p = context;
    const struct e5_cut_part *part = &p->cut.part[p->cut.row];
    struct batch batch;
    batch.n = 0;
    for (size_t i = 0; i < part->stretches; i++) {
        struct e5_stretch s = e5_cut_stretch(part, i);
        for (size_t k = 0; k < s.count; k++) {
            batch.from[batch.n] = from + (s.from - part->low + k) * part->from;
            batch.to[batch.n++] = to + (s.to + k) * part->to;
            if (batch.n == RUN_BLOCK) put_batch(p, &batch);
        }
    }
    if (batch.n > 0) put_batch(p, &batch);
}

/* --- which of them --- */

static bool one_by_one(const struct put *p, size_t width) {
    const struct e5_cut *cut = &p->cut;
    if (p->piece->constant || cut->unit > 1) return false;
    if (!e5_cut_is_dense(cut, width)) return true;
    return cut->part[cut->row].stretches > 1 + e5_cut_count(&cut->part[cut->row]) / SHORT_STRETCH;
}

static size_t row_bytes(const struct put *p) {
    return e5_cut_count(&p->cut.part[p->cut.row]) * p->cut.unit * p->wide;
}

static size_t look_ahead(const struct put *p) {
    int row = p->cut.row;
    return row > 0 && !p->streams && row_bytes(p) <= SHORT_ROW ? ROWS_AHEAD * p->cut.part[row - 1].to * p->wide : 0;
}

/* What is wanted of this file; others may add to the same answer. */
static bool is_large(const struct e5_slab *slab, size_t wide) {
    size_t bytes = wide;
    for (int d = 0; d < slab->ndim; d++) bytes *= slab->pick[d].count;
    return bytes >= STREAM_BYTES;
}

static bool profits_from_window(const struct put *p) {
    const struct e5_cut_part *part = p->cut.part;
    int row = p->cut.row;
    size_t n = e5_cut_count(&part[row]) * p->cut.unit;
    return p->piece->plane > 0 && row > 0 && n <= SHORT_RUN && part[row - 1].from <= SPARSE * n;
}

/* False: nothing of the piece is wanted. */
static bool prepare(struct put *p, struct window *window, const struct e5_slab *slab, const struct e5_piece *piece) {
    size_t element = e5_dtype_size(slab->how.from), width = piece->plane > 0 ? 1 : element;
    *p = (struct put){.slab = slab, .piece = piece, .element = element, .wide = e5_dtype_size(slab->how.as)};
    p->keeps_bytes = e5_unpack_keeps_bytes(&slab->how);
    window->first = window->end = 0;
    if (!e5_cut_make(slab->ndim, slab->pick, &piece->box, width, piece->step, &p->cut)) return false;
    p->row = one_by_one(p, width) ? put_elements : put_row;
    if (profits_from_window(p)) p->window = window;
    p->streams = p->keeps_bytes && piece->plane > 0 && e5_shuffle_passes(p->element) && p->row == put_row &&
                 row_bytes(p) >= STREAM_ROW && is_large(slab, p->wide);
    p->ahead = look_ahead(p);
    return true;
}

struct neighbours {
    const struct put *put;
    size_t n;
    struct e5_stretch stretch[E5_NEIGHBOURS_MAX]; /* from the row's beginning, bytes to the output row's, elements */
};

/* The cuts of neighbours differ in the last dimension only: all of them have a row where the first has one. */
static void put_rows(void *context, size_t from, size_t to) {
    const struct neighbours *all = context;
    for (size_t i = 0; i < all->n; i++) put_row((void *)&all->put[i], from, to);
}

/* The same where every row is one stretch of bytes that stay as they are: they are short, and counting where each
 * goes takes longer than moving it. */
static void copy_rows(void *context, size_t from, size_t to) {
    const struct neighbours *all = context;
    char *out = all->put->slab->out + to * all->put->wide;
    for (size_t i = 0; i < all->n; i++) {
        const struct e5_stretch *s = &all->stretch[i];
        memcpy(out + s->to, stored(&all->put[i], from + s->from, s->count), s->count * all->put[i].wide);
    }
}

static bool copies(const struct neighbours *all) {
    bool plain = all->put->keeps_bytes;
    for (size_t i = 0; i < all->n; i++) {
        const struct put *p = &all->put[i];
        plain &= !p->piece->constant && (p->piece->plane == 0 || p->window != NULL) &&
                 p->cut.part[p->cut.row].stretches == 1;
    }
    return plain;
}

static void measure_stretches(struct neighbours *all) {
    for (size_t i = 0; i < all->n; i++) {
        const struct put *p = &all->put[i];
        const struct e5_cut_part *part = &p->cut.part[p->cut.row];
        struct e5_stretch s = e5_cut_stretch(part, 0);
        all->stretch[i] =
            (struct e5_stretch){(s.from - part->low) * part->from, s.to * part->to * p->wide, s.count * p->cut.unit};
    }
}

static void put_all(struct neighbours *all, bool together) {
    if (!together || all->n < 2) {
        for (size_t i = 0; i < all->n; i++) e5_cut_rows(&all->put[i].cut, all->put[i].row, (void *)&all->put[i]);
        return;
    }
    bool plain = copies(all);
    if (plain) measure_stretches(all);
    e5_cut_rows(&all->put[0].cut, plain ? copy_rows : put_rows, all);
}

void e5_slab_put(const struct e5_slab *slab, const struct e5_piece *piece, size_t n) {
    struct put put[E5_NEIGHBOURS_MAX];
    struct window window[E5_NEIGHBOURS_MAX];
    struct neighbours all = {.put = put};
    bool together = true, streams = false;
    for (size_t i = 0; i < n; i++) {
        struct put *p = &put[all.n];
        if (!prepare(p, &window[all.n], slab, &piece[i])) continue;
        together &= p->row == put_row && p->cut.row == slab->ndim - 1;
        together &= (p->piece->plane > 0) == (put[0].piece->plane > 0);
        streams |= p->streams;
        all.n++;
    }
    put_all(&all, together);
    if (streams) e5_shuffle_settle();
}
