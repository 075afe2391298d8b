#include "io/dataset.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/dataset_parts.h"
#include "io/fit.h"

/* --- open and close --- */

struct opening {
    struct e5_dataset *ds;
    const char *const *paths;
    const char *variable;
    struct e5_watch *watch;
    atomic_bool needs; /* netcdf-c, which may not be used */
};

static bool says_more(const struct e5_member *m, const struct e5_member *first) {
    const struct e5_axis *axis = m->axes.axis, *known = first->axes.axis;
    return (axis[E5_AXIS_NUMBER].var != NULL && known[E5_AXIS_NUMBER].var == NULL) ||
           (axis[E5_AXIS_LEVEL].var != NULL && known[E5_AXIS_LEVEL].var == NULL);
}

/* Of the grid and the attributes only what the first file says is kept: there may be very many files. */
static enum e5_status fit_grid(struct e5_dataset *ds, size_t p, struct e5_error *err) {
    struct e5_part *part = &ds->part[p];
    enum e5_status status = e5_fit(&ds->part[0].member, &part->member, part->map, err);
    e5_member_forget(&part->member, E5_AXIS_LATITUDE);
    e5_member_forget(&part->member, E5_AXIS_LONGITUDE);
    if (!says_more(&part->member, &ds->part[0].member)) e5_member_forget_attrs(&part->member);
    return status;
}

static enum e5_status open_part(struct opening *o, size_t p, const char *variable, struct e5_error *err) {
    struct e5_member *member = &o->ds->part[p].member;
    enum e5_status status = e5_member_open(o->paths[p], variable, o->ds->library, o->watch, member, err);
    if (status == E5_OK && member->file == NULL) atomic_store(&o->needs, true);
    return status;
}

static enum e5_status open_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct opening *o = context;
    (void)slot;
    if (atomic_load(&o->needs)) return E5_OK;
    enum e5_status status = open_part(o, index + 1, o->variable, err);
    if (status != E5_OK || o->ds->part[index + 1].member.file == NULL) return status;
    return fit_grid(o->ds, index + 1, err);
}

/* The first file comes first: it tells which variable is meant, and the grid. */
static enum e5_status open_parts(struct opening *o, size_t npaths, const struct e5_parallel *par,
                                 struct e5_error *err) {
    struct e5_dataset *ds = o->ds;
    enum e5_status status = e5_alloc(npaths, sizeof *ds->part, &ds->part, err);
    if (status != E5_OK) return status;
    ds->parts = npaths;
    status = open_part(o, 0, o->variable, err);
    if (status == E5_OK && !o->needs) {
        if (o->variable == NULL) o->variable = ds->part[0].member.var->name;
        status = e5_parallel_for(par, o->watch, npaths - 1, open_task, o, err);
    }
    ds->needs = o->needs;
    return status;
}

/* A file that does not say in which unit it is may be in another one than the others. */
static void report_units(const struct e5_dataset *ds) {
    size_t silent = 0, first = 0;
    for (size_t p = 0; p < ds->parts; p++)
        if (!ds->part[p].member.says_units && silent++ == 0) first = p;
    if (silent == 0 || silent == ds->parts) return;
    const char *path = ds->part[first].member.file->path, *slash = strrchr(path, '/');
    e5_log(E5_LOG_WARNING,
           "%.40s: %zu of %zu files do not say its unit, the first is %.60s: taken to be as in the others",
           ds->part[0].member.var->name, silent, ds->parts, slash != NULL ? slash + 1 : path);
}

static enum e5_status measure(struct e5_dataset *ds, struct e5_error *err) {
    size_t versions = 1;
    ds->dtype = E5_F32;
    ds->has[E5_AXIS_TIME] = ds->has[E5_AXIS_LATITUDE] = ds->has[E5_AXIS_LONGITUDE] = true;
    for (size_t p = 0; p < ds->parts; p++) {
        if (ds->part[p].member.versions > versions) versions = ds->part[p].member.versions;
        if (ds->part[p].member.var->dtype == E5_F64) ds->dtype = E5_F64;
    }
    for (int role = E5_AXIS_LATITUDE; role <= E5_AXIS_LONGITUDE; role++) {
        ds->count[role] = ds->part[0].member.count[role];
        ds->values[role] = ds->part[0].member.values[role];
        ds->part[0].member.values[role] = NULL;
    }
    enum e5_status status = e5_multiply(e5_dtype_size(ds->dtype), versions, &ds->step_bytes, err);
    for (int role = E5_AXIS_NUMBER; role < E5_AXES && status == E5_OK; role++)
        status = e5_multiply(ds->step_bytes, ds->count[role], &ds->step_bytes, err);
    return status;
}

enum e5_status e5_dataset_open(const char *const *paths, size_t npaths, const char *variable, bool library,
                               const struct e5_parallel *par, struct e5_watch *watch, struct e5_dataset **out,
                               struct e5_error *err) {
    *out = NULL;
    if (npaths == 0) return e5_fail(err, E5_INPUT, "no files given");
    struct e5_dataset *ds;
    enum e5_status status = e5_alloc(1, sizeof *ds, &ds, err);
    if (status != E5_OK) return status;
    ds->library = library;
    struct opening opening = {.ds = ds, .paths = paths, .variable = variable, .watch = watch};
    status = open_parts(&opening, npaths, par, err);
    if (status == E5_OK && !ds->needs) status = e5_dataset_make_layers(ds, watch, err);
    if (status == E5_OK && !ds->needs) status = measure(ds, err);
    if (status == E5_OK && !ds->needs) status = e5_dataset_make_steps(ds, err);
    if (status == E5_OK && !ds->needs) {
        report_units(ds);
        *out = ds;
    } else {
        e5_dataset_close(ds);
    }
    return status;
}

void e5_dataset_close(struct e5_dataset *dataset) {
    if (dataset == NULL) return;
    for (size_t p = 0; p < dataset->parts; p++) {
        e5_member_close(&dataset->part[p].member);
        for (int role = 0; role < E5_AXES; role++) free(dataset->part[p].map[role]);
    }
    for (size_t i = 0; i < dataset->layers; i++) free(dataset->layer[i].entry);
    for (int role = 0; role < E5_AXES; role++) free(dataset->values[role]);
    free(dataset->part);
    free(dataset->layer);
    free(dataset->seconds);
    free(dataset->border);
    free(dataset);
}

/* --- what there is --- */

static const struct e5_ncvar *axis_of(const struct e5_dataset *ds, int role) {
    return ds->part[ds->layer[0].teller[role]].member.axes.axis[role].var;
}

static const char *name_of(const struct e5_dataset *ds, int role) {
    static const char *const names[E5_AXES] = {[E5_AXIS_TIME] = "time",
                                               [E5_AXIS_NUMBER] = "number",
                                               [E5_AXIS_LATITUDE] = "latitude",
                                               [E5_AXIS_LONGITUDE] = "longitude"};
    return role == E5_AXIS_LEVEL ? e5_axes_level_name(axis_of(ds, role)) : names[role];
}

int e5_dataset_dims(const struct e5_dataset *dataset, struct e5_dataset_dim out[E5_AXES]) {
    int n = 0;
    for (int role = 0; role < E5_AXES; role++)
        if (dataset->has[role])
            out[n++] = (struct e5_dataset_dim){role, name_of(dataset, role), dataset->count[role],
                                               dataset->values[role], axis_of(dataset, role)};
    return n;
}

size_t e5_dataset_length(const struct e5_dataset *dataset, enum e5_role role) { return dataset->count[role]; }

size_t e5_dataset_chunk(const struct e5_dataset *dataset, enum e5_role role) {
    const struct e5_member *first = &dataset->part[0].member;
    const struct e5_ncstorage *storage = &first->var->storage;
    int dim = first->axes.axis[role].dim;
    size_t whole = first->count[role], chunk = dim >= 0 && storage->chunked ? storage->chunk[dim] : whole;
    return chunk < whole ? chunk : whole;
}

struct e5_time_axis e5_dataset_time(const struct e5_dataset *dataset) {
    return (struct e5_time_axis){dataset->part[0].member.calendar, dataset->count[E5_AXIS_TIME], dataset->seconds};
}

const struct e5_ncvar *e5_dataset_variable(const struct e5_dataset *dataset) { return dataset->part[0].member.var; }
enum e5_dtype e5_dataset_dtype(const struct e5_dataset *dataset) { return dataset->dtype; }

bool e5_dataset_by_library(const struct e5_dataset *dataset) {
    bool any = false;
    for (size_t p = 0; p < dataset->parts && !any; p++) any = dataset->part[p].member.by_library;
    return any;
}
