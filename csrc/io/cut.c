#include "io/cut.h"

/* What is wanted of a dimension is all of the box, and all of the output. */
static bool is_whole(const struct e5_pick *pick, const struct e5_cut_part *part) {
    const struct e5_stretch *s = part->stretch;
    return part->stretches == 1 && s->count == pick->count && s->from == part->low &&
           s->count == part->high - part->low;
}

static void measure(int ndim, const struct e5_pick *pick, const struct e5_box *box, size_t width, size_t step,
                    struct e5_cut *cut) {
    size_t from = width, to = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        cut->part[d].from = d == 0 && step > 0 ? step : from;
        cut->part[d].to = to;
        from *= box->count[d];
        to *= pick[d].count;
    }
}

bool e5_cut_make(int ndim, const struct e5_pick *pick, const struct e5_box *box, size_t width, size_t step,
                 struct e5_cut *out) {
    for (int d = 0; d < ndim; d++) {
        struct e5_cut_part *part = &out->part[d];
        size_t first;
        part->low = box->start[d];
        part->high = box->start[d] + box->count[d];
        part->stretches = e5_pick_within(&pick[d], part->low, part->high, &first);
        part->stretch = e5_pick_stretches(&pick[d]) + first;
        if (part->stretches == 0) return false;
    }
    measure(ndim, pick, box, width, step, out);
    out->row = ndim - 1;
    out->unit = 1;
    for (; out->row > 0 && is_whole(&pick[out->row], &out->part[out->row]); out->row--) {
        if (out->part[out->row - 1].from != out->part[out->row].from * box->count[out->row]) break;
        out->unit *= box->count[out->row];
    }
    return true;
}

struct e5_stretch e5_cut_stretch(const struct e5_cut_part *part, size_t i) {
    struct e5_stretch s = part->stretch[i];
    size_t end = s.from + s.count < part->high ? s.from + s.count : part->high;
    size_t skipped = s.from < part->low ? part->low - s.from : 0;
    return (struct e5_stretch){s.from + skipped, s.to + skipped, end - s.from - skipped};
}

bool e5_cut_is_dense(const struct e5_cut *cut, size_t width) { return cut->part[cut->row].from == width * cut->unit; }

size_t e5_cut_count(const struct e5_cut_part *part) {
    size_t count = 0;
    for (size_t i = 0; i < part->stretches; i++) count += e5_cut_stretch(part, i).count;
    return count;
}

static bool is_covered(const struct e5_cut_part *part, size_t length) {
    size_t reached = part->low;
    for (size_t i = 0; i < part->stretches; i++) {
        struct e5_stretch s = e5_cut_stretch(part, i);
        if (s.from > reached) return false;
        if (s.from + s.count > reached) reached = s.from + s.count;
    }
    return reached >= (part->high < length ? part->high : length);
}

bool e5_cut_is_everything(int ndim, const struct e5_cut *cut, const size_t *length) {
    for (int d = 0; d < ndim; d++)
        if (!is_covered(&cut->part[d], length[d])) return false;
    return true;
}

struct rows {
    const struct e5_cut *cut;
    e5_cut_fn row;
    void *context;
};

static void walk(const struct rows *rows, int d, size_t from, size_t to) {
    const struct e5_cut_part *part = &rows->cut->part[d];
    if (d == rows->cut->row) {
        rows->row(rows->context, from, to);
        return;
    }
    for (size_t i = 0; i < part->stretches; i++) {
        struct e5_stretch s = e5_cut_stretch(part, i);
        for (size_t k = 0; k < s.count; k++)
            walk(rows, d + 1, from + (s.from - part->low + k) * part->from, to + (s.to + k) * part->to);
    }
}

void e5_cut_rows(const struct e5_cut *cut, e5_cut_fn row, void *context) {
    struct rows rows = {cut, row, context};
    walk(&rows, 0, 0, 0);
}
