/* Which numbers and levels there are, and which files have them. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/dataset_parts.h"
#include "io/fit.h"

#define SHARES_MAX 1000000 /* numbers × levels that several files may share out: some thousands are honest */

/* --- layers --- */

static enum e5_status same_set(const struct e5_member *a, const struct e5_member *b, int role, bool *same,
                               struct e5_error *err) {
    size_t *map = NULL;
    *same = a->count[role] == b->count[role];
    if (!*same || a->values[role] == NULL || b->values[role] == NULL) return E5_OK;
    enum e5_status status = e5_fit_values(a->values[role], b->values[role], a->count[role], 0, same, &map, err);
    free(map);
    return status;
}

static struct e5_part *teller(const struct e5_dataset *ds, size_t layer, int role) {
    return &ds->part[ds->layer[layer].teller[role]];
}

static enum e5_status belongs(const struct e5_dataset *ds, const struct e5_member *m, size_t layer, bool *out,
                              struct e5_error *err) {
    enum e5_status status = E5_OK;
    *out = true;
    for (int role = E5_AXIS_NUMBER; role <= E5_AXIS_LEVEL && status == E5_OK && *out; role++)
        status = same_set(&teller(ds, layer, role)->member, m, role, out, err);
    return status;
}

/* Put a part into the layer that it belongs to, or into a new one. */
static enum e5_status assign(struct e5_dataset *ds, size_t p, struct e5_error *err) {
    struct e5_part *part = &ds->part[p];
    enum e5_status status = E5_OK;
    bool found = false;
    for (part->layer = 0; part->layer < ds->layers; part->layer++) {
        status = belongs(ds, &part->member, part->layer, &found, err);
        if (status != E5_OK || found) break;
    }
    if (status == E5_OK && !found) status = e5_grow(ds->layers, ds->layers + 1, sizeof *ds->layer, &ds->layer, err);
    if (status != E5_OK) return status;
    if (!found) ds->layers++;
    for (int role = 0; role < E5_AXES; role++)
        if (!found ||
            (teller(ds, part->layer, role)->member.values[role] == NULL && part->member.values[role] != NULL))
            ds->layer[part->layer].teller[role] = p;
    return E5_OK;
}

/* --- the axis --- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t gather(const struct e5_dataset *ds, int role, double *out) {
    size_t n = 0;
    for (size_t i = 0; i < ds->layers; i++) {
        const struct e5_member *m = &teller(ds, i, role)->member;
        for (size_t k = 0; k < m->count[role] && m->values[role] != NULL; k++, n++)
            if (out != NULL) out[n] = m->values[role][k];
    }
    return n;
}

/* Of a single layer the values in the order of its file, of several all in ascending order. */
static enum e5_status unite(struct e5_dataset *ds, int role, struct e5_error *err) {
    size_t n = gather(ds, role, NULL);
    ds->count[role] = 1;
    if (n == 0) return E5_OK;
    enum e5_status status = e5_alloc(n, sizeof(double), &ds->values[role], err);
    if (status != E5_OK) return status;
    double *values = ds->values[role];
    ds->count[role] = gather(ds, role, values);
    if (ds->layers == 1) return E5_OK;
    qsort(values, n, sizeof *values, by_value);
    ds->count[role] = 1;
    for (size_t i = 1; i < n; i++)
        if (!e5_fit_equal(values[i], values[ds->count[role] - 1])) values[ds->count[role]++] = values[i];
    return E5_OK;
}

static const char *set_name(int role) { return role == E5_AXIS_NUMBER ? "its set of numbers" : "its set of levels"; }

/* Of values in ascending order the index of one that is there. */
static size_t search(const double *values, size_t n, double wanted) {
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (values[middle] > wanted && !e5_fit_equal(values[middle], wanted))
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* Where the dataset's values lie in a file that has some of them. */
static enum e5_status map_some(const struct e5_dataset *ds, struct e5_part *part, int role, struct e5_error *err) {
    const struct e5_member *m = &part->member;
    enum e5_status status = e5_alloc(ds->count[role], sizeof(size_t), &part->map[role], err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < ds->count[role]; i++) part->map[role][i] = E5_NOT_HERE;
    for (size_t k = m->count[role]; k-- > 0;) /* of equal ones the first */
        part->map[role][search(ds->values[role], ds->count[role], m->values[role][k])] = k;
    return E5_OK;
}

static enum e5_status make_map(const struct e5_dataset *ds, struct e5_part *part, int role, struct e5_error *err) {
    const struct e5_member *m = &part->member;
    bool all = ds->count[role] == m->count[role];
    if (m->values[role] == NULL)
        return all ? E5_OK : e5_fit_mismatch(&teller(ds, part->layer == 0, role)->member, m, set_name(role), err);
    enum e5_status status = E5_OK;
    if (all)
        status = e5_fit_values(ds->values[role], m->values[role], m->count[role], 0, &all, &part->map[role], err);
    if (status != E5_OK || all) return status;
    free(part->map[role]);
    part->map[role] = NULL;
    return map_some(ds, part, role, err);
}

static bool has(const struct e5_dataset *ds, size_t layer, int role, size_t i) {
    const size_t *map = teller(ds, layer, role)->map[role];
    return map == NULL || map[i] != E5_NOT_HERE;
}

/* Each number × level must come from one layer and no other. */
static enum e5_status check_share(const struct e5_dataset *ds, size_t number, size_t level, struct e5_error *err) {
    size_t found = ds->layers;
    int role = ds->count[E5_AXIS_LEVEL] > 1 ? E5_AXIS_LEVEL : E5_AXIS_NUMBER;
    for (size_t i = 0; i < ds->layers; i++) {
        if (!has(ds, i, E5_AXIS_NUMBER, number) || !has(ds, i, E5_AXIS_LEVEL, level)) continue;
        if (found < ds->layers)
            return e5_fit_mismatch(&teller(ds, found, role)->member, &teller(ds, i, role)->member, set_name(role),
                                   err);
        found = i;
    }
    if (found < ds->layers) return E5_OK;
    return e5_fit_mismatch(&teller(ds, 0, role)->member, &teller(ds, 1, role)->member, set_name(role), err);
}

static enum e5_status check_shares(const struct e5_dataset *ds, const struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (ds->count[E5_AXIS_NUMBER] > SHARES_MAX / ds->count[E5_AXIS_LEVEL])
        return e5_fail(err, E5_UNSAFE, "%zu numbers of %zu levels in several files are too many",
                       ds->count[E5_AXIS_NUMBER], ds->count[E5_AXIS_LEVEL]);
    for (size_t n = 0; n < ds->count[E5_AXIS_NUMBER]; n++)
        for (size_t l = 0; l < ds->count[E5_AXIS_LEVEL] && status == E5_OK; l++) {
            status = e5_watch_check(watch, err);
            if (status == E5_OK) status = check_share(ds, n, l, err);
        }
    return status;
}

enum e5_status e5_dataset_make_layers(struct e5_dataset *ds, const struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t p = 0; p < ds->parts && status == E5_OK; p++) status = assign(ds, p, err);
    for (int role = E5_AXIS_NUMBER; role <= E5_AXIS_LEVEL && status == E5_OK; role++) {
        status = unite(ds, role, err);
        for (size_t p = 0; p < ds->parts && status == E5_OK; p++) {
            status = make_map(ds, &ds->part[p], role, err);
            ds->has[role] |= ds->part[p].member.axes.axis[role].dim >= 0 || ds->count[role] > 1;
        }
    }
    if (status == E5_OK && ds->layers > 1) status = check_shares(ds, watch, err);
    for (size_t p = 0; p < ds->parts; p++) {
        e5_member_forget(&ds->part[p].member, E5_AXIS_NUMBER);
        e5_member_forget(&ds->part[p].member, E5_AXIS_LEVEL);
    }
    return status;
}
