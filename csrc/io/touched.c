#include "io/touched.h"

#include "base/alloc.h"

/* The places that the stretches touch: they are in order, so each place is met first or was the last one met.  Fills
 * `place` when it is not NULL. */
static size_t find_places(const struct e5_pick *pick, size_t length, size_t *place) {
    const struct e5_stretch *s = e5_pick_stretches(pick);
    size_t n = 0, next = 0; /* the lowest place that was not met yet */
    for (size_t i = 0; i < pick->stretches; i++) {
        size_t low = s[i].from / length, high = (s[i].from + s[i].count - 1) / length + 1;
        for (low = low > next ? low : next; low < high; low++, n++)
            if (place != NULL) place[n] = low;
        if (high > next) next = high;
    }
    return n;
}

enum e5_status e5_touched_make(int ndim, const struct e5_pick *pick, const size_t *dim, const size_t *box,
                               struct e5_touched *out, struct e5_error *err) {
    enum e5_status status = E5_OK;
    *out = (struct e5_touched){.ndim = ndim, .count = 1};
    for (int d = 0; d < ndim && status == E5_OK; d++) {
        out->length[d] = box[d];
        out->grid[d] = dim[d] / box[d] + (dim[d] % box[d] > 0);
        out->along[d] = find_places(&pick[d], box[d], NULL);
        status = e5_alloc(out->along[d], sizeof *out->place[d], &out->place[d], err);
        if (status == E5_OK) find_places(&pick[d], box[d], out->place[d]);
        if (status == E5_OK) status = e5_multiply(out->count, out->along[d], &out->count, err);
    }
    if (status != E5_OK) e5_touched_fini(out);
    return status;
}

void e5_touched_fini(struct e5_touched *touched) {
    for (int d = 0; d < touched->ndim; d++) free(touched->place[d]);
    *touched = (struct e5_touched){0};
}

uint64_t e5_touched_box(const struct e5_touched *touched, size_t index, struct e5_box *box) {
    size_t at[E5_MAX_DIMS] = {0};
    uint64_t number = 0;
    for (int d = touched->ndim - 1; d >= 0; d--) {
        at[d] = touched->place[d][index % touched->along[d]];
        index /= touched->along[d];
    }
    for (int d = 0; d < touched->ndim; d++) {
        number = number * touched->grid[d] + at[d];
        box->start[d] = at[d] * touched->length[d];
        box->count[d] = touched->length[d];
    }
    return number;
}
