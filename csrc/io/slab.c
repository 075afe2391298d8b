#include "io/slab.h"

#include <string.h>

#define RUN_BLOCK 1024 /* elements unshuffled at a time: they stay in the first-level cache until unpacked */

bool e5_box_intersect(int ndim, const struct e5_box *a, const struct e5_box *b, struct e5_box *out) {
    for (int d = 0; d < ndim; d++) {
        size_t low = a->start[d] > b->start[d] ? a->start[d] : b->start[d];
        size_t a_end = a->start[d] + a->count[d], b_end = b->start[d] + b->count[d];
        size_t high = a_end < b_end ? a_end : b_end;
        if (high <= low) return false;
        out->start[d] = low;
        out->count[d] = high - low;
    }
    return true;
}

/* Index of the element at `at` within `box`, both in indices of the variable. */
static size_t position(int ndim, const struct e5_box *box, const size_t *at) {
    size_t index = 0;
    for (int d = 0; d < ndim; d++) index = index * box->count[d] + (at[d] - box->start[d]);
    return index;
}

static void put_constant(const struct e5_slab *slab, const uint8_t *element, size_t n, char *to) {
    size_t wide = e5_dtype_size(slab->how.as);
    char value[8];
    e5_unpack(&slab->how, element, 1, value);
    for (size_t i = 0; i < n; i++) memcpy(to + i * wide, value, wide);
}

static void put_shuffled(const struct e5_slab *slab, const struct e5_piece *piece, size_t from, size_t n, char *to) {
    uint8_t row[RUN_BLOCK * 8];
    size_t element = e5_dtype_size(slab->how.from), wide = e5_dtype_size(slab->how.as);
    if (e5_unpack_keeps_bytes(&slab->how)) {
        e5_unshuffle(piece->bytes, piece->plane, element, from, n, (uint8_t *)to);
        return;
    }
    for (size_t done = 0; done < n; done += RUN_BLOCK) {
        size_t part = n - done < RUN_BLOCK ? n - done : RUN_BLOCK;
        e5_unshuffle(piece->bytes, piece->plane, element, from + done, part, row);
        e5_unpack(&slab->how, row, part, to + done * wide);
    }
}

/* n elements that lie side by side in the piece and in the slab. */
static void put_run(const struct e5_slab *slab, const struct e5_piece *piece, size_t from, size_t n, size_t to) {
    char *out = slab->out + to * e5_dtype_size(slab->how.as);
    if (piece->constant)
        put_constant(slab, piece->bytes, n, out);
    else if (piece->plane > 0)
        put_shuffled(slab, piece, from - piece->first, n, out);
    else
        e5_unpack(&slab->how, piece->bytes + (from - piece->first) * e5_dtype_size(slab->how.from), n, out);
}

/* Dimensions that are covered from end to end on both sides join the run; returns how many are left to loop over. */
static int join_dims(const struct e5_slab *slab, const struct e5_piece *piece, const struct e5_box *part,
                     size_t *run) {
    int outer = slab->ndim - 1;
    *run = part->count[outer];
    while (outer > 0 && part->count[outer] == slab->box.count[outer] && part->count[outer] == piece->box.count[outer])
        *run *= part->count[--outer];
    return outer;
}

/* The next position of an odometer over the first `outer` dimensions; false after the last. */
static bool advance(int outer, const struct e5_box *part, size_t *at) {
    for (int d = outer - 1; d >= 0; d--) {
        if (++at[d] < part->start[d] + part->count[d]) return true;
        at[d] = part->start[d];
    }
    return false;
}

void e5_slab_put(const struct e5_slab *slab, const struct e5_piece *piece) {
    struct e5_box part = {0};
    if (!e5_box_intersect(slab->ndim, &slab->box, &piece->box, &part)) return;
    size_t run, at[E5_MAX_DIMS];
    int outer = join_dims(slab, piece, &part, &run);
    memcpy(at, part.start, sizeof at);
    do {
        put_run(slab, piece, position(slab->ndim, &piece->box, at), run, position(slab->ndim, &slab->box, at));
    } while (advance(outer, &part, at));
}
