#include "io/spread.h"

#include <math.h>

#include "base/alloc.h"

/* --- planning --- */

/* The same indices of the file, one behind the other; and where they lead to in the output. */
static enum e5_status make_dense(const struct e5_pick *pick, size_t stride, struct e5_pick *dense, size_t *places,
                                 struct e5_error *err) {
    const struct e5_stretch *from = e5_pick_stretches(pick);
    struct e5_stretch *stretch;
    enum e5_status status = e5_alloc(pick->stretches, sizeof *stretch, &stretch, err);
    if (status != E5_OK) return status;
    size_t n = 0;
    for (size_t i = 0; i < pick->stretches; i++) {
        stretch[i] = (struct e5_stretch){from[i].from, n, from[i].count};
        for (size_t k = 0; k < from[i].count; k++) places[n++] = (from[i].to + k) * stride;
    }
    *dense = (struct e5_pick){.count = n, .stretches = pick->stretches, .stretch = stretch};
    return E5_OK;
}

static int role_at(const struct e5_axes *axes, int d) {
    for (int role = 0; role < E5_AXES; role++)
        if (axes->axis[role].dim == d) return role;
    return E5_AXES;
}

/* Roles as their dimensions lie in the file; those without one come before the last, which makes the rows. */
static void order_roles(const struct e5_axes *axes, int ndim, int *order) {
    int n = 0, last = E5_AXES;
    for (int d = 0; d < ndim; d++) {
        int role = role_at(axes, d);
        if (role == E5_AXES) continue;
        if (last != E5_AXES) order[n++] = last;
        last = role;
    }
    for (int role = 0; role < E5_AXES; role++)
        if (axes->axis[role].dim < 0) order[n++] = role;
    if (n < E5_AXES) order[n] = last;
}

/* Fills the dims' places and the dense picks; dim[role] for now. */
static enum e5_status plan_roles(const struct e5_axes *axes, const struct e5_pick *pick, struct e5_pick *dense,
                                 struct e5_spread *out, struct e5_spread_dim *dim, struct e5_error *err) {
    size_t stride = 1, total = 0;
    enum e5_status status;
    for (int role = 0; role < E5_AXES; role++) total += dim[role].count = e5_pick_indices(&pick[role]);
    status = e5_alloc(total, sizeof *out->places, &out->places, err);
    size_t *places = out->places;
    for (int role = E5_AXES - 1; role >= 0 && status == E5_OK; role--) {
        struct e5_pick unused = {0};
        int d = axes->axis[role].dim;
        status = make_dense(&pick[role], stride, d >= 0 ? &dense[d] : &unused, places, err);
        e5_pick_fini(&unused);
        dim[role].to = places;
        places += dim[role].count;
        stride *= pick[role].count;
    }
    return status;
}

enum e5_status e5_spread_plan(const struct e5_axes *axes, int ndim, size_t versions, const struct e5_pick *pick,
                              struct e5_pick *dense, struct e5_spread *out, struct e5_error *err) {
    struct e5_spread_dim dim[E5_AXES] = {0};
    int order[E5_AXES];
    for (int d = 0; d < ndim; d++) dense[d] = e5_pick_range(0, d == axes->expver ? versions : 1);
    enum e5_status status = plan_roles(axes, pick, dense, out, dim, err);
    out->values = 1;
    for (int d = ndim - 1; d >= 0 && status == E5_OK; d--) {
        int role = role_at(axes, d);
        if (role != E5_AXES) dim[role].stride = out->values;
        if (d == axes->expver) out->version_stride = out->values;
        status = e5_multiply(out->values, dense[d].count, &out->values, err);
    }
    out->versions = versions;
    order_roles(axes, ndim, order);
    for (int i = 0; i < E5_AXES; i++) out->dim[i] = dim[order[i]];
    return status;
}

void e5_spread_fini(struct e5_spread *spread) {
    free(spread->places);
    *spread = (struct e5_spread){0};
}

/* --- putting --- */

#define PUT_ROW(name, type)                                                                       \
    static void name(const struct e5_spread *s, const type *from, type *out) {                    \
        const struct e5_spread_dim *row = &s->dim[E5_AXES - 1];                                   \
        for (size_t i = 0; i < row->count; i++, from += row->stride) {                            \
            const type *value = from;                                                             \
            for (size_t v = 1; v < s->versions && isnan(*value); v++) value += s->version_stride; \
            out[row->to[i]] = *value;                                                             \
        }                                                                                         \
    }
PUT_ROW(put_row_f32, float)
PUT_ROW(put_row_f64, double)

struct put {
    const struct e5_spread *spread;
    size_t element; /* bytes */
    enum e5_dtype as;
    const char *copy;
    char *out;
};

static void put_below(const struct put *put, int d, const char *from, char *out) {
    const struct e5_spread_dim *dim = &put->spread->dim[d];
    if (d == E5_AXES - 1) {
        if (put->as == E5_F32)
            put_row_f32(put->spread, (const float *)from, (float *)out);
        else
            put_row_f64(put->spread, (const double *)from, (double *)out);
        return;
    }
    for (size_t i = 0; i < dim->count; i++)
        put_below(put, d + 1, from + i * dim->stride * put->element, out + dim->to[i] * put->element);
}

static enum e5_status put_one(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct put *put = context;
    const struct e5_spread_dim *dim = &put->spread->dim[0];
    (void)slot, (void)err;
    put_below(put, 1, put->copy + index * dim->stride * put->element, put->out + dim->to[index] * put->element);
    return E5_OK;
}

enum e5_status e5_spread_put(const struct e5_spread *spread, enum e5_dtype as, const void *copy, void *out,
                             const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct put put = {.spread = spread, .element = e5_dtype_size(as), .as = as, .copy = copy, .out = out};
    return e5_parallel_for(par, watch, spread->dim[0].count, put_one, &put, err);
}
