#include "io/dataset.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/member.h"
#include "io/probe.h"

#define GRID_TOLERANCE 1e-4           /* degrees: decimal grids such as 0.1 are not exact in binary */
#define SPAN_MAX ((size_t)1 << 30)    /* bytes that are read at once so that no chunk is decoded twice */
#define STEPS_MAX ((size_t)INT32_MAX) /* events number their steps with int32_t */

struct entry { /* one step of the merged axis */
    int64_t seconds;
    uint32_t member, step;
};

struct e5_dataset {
    size_t members;
    struct e5_member *member; /* in the order given */
    size_t steps, step_bytes;
    struct entry *entry;
    int64_t *seconds;
    bool *border; /* steps + 1: no row of chunks has steps on both sides */
    enum e5_dtype dtype;
};

/* --- do the files fit together? --- */

static enum e5_status mismatch(const struct e5_member *a, const struct e5_member *b, const char *what,
                               struct e5_error *err) {
    const char *slash = strrchr(a->file->path, '/');
    return e5_probe_fail(err, E5_INPUT, b->file->path, "read them separately", "%s differs from that of %.80s", what,
                         slash != NULL ? slash + 1 : a->file->path);
}

static const char *units_of(const struct e5_member *m) {
    const struct e5_ncattr *units = e5_ncattr_find(m->var, "units");
    return units != NULL && units->text != NULL ? units->text : "";
}

static bool same_units(const struct e5_member *a, const struct e5_member *b) {
    const char *x = units_of(a), *y = units_of(b);
    return x[0] == '\0' || y[0] == '\0' || strcmp(x, y) == 0;
}

/* The service's old files say "gregorian", the new ones "proleptic_gregorian": the same since 1582. */
static bool same_calendar(enum e5_calendar a, enum e5_calendar b) {
    bool both_civil = (a == E5_STANDARD || a == E5_PROLEPTIC) && (b == E5_STANDARD || b == E5_PROLEPTIC);
    return a == b || both_civil;
}

static bool same_rows(const struct e5_member *a, const struct e5_member *b, bool flipped) {
    for (size_t i = 0; i < a->rows; i++)
        if (fabs(a->latitude[i] - b->latitude[flipped ? b->rows - 1 - i : i]) > GRID_TOLERANCE) return false;
    return true;
}

/* Longitudes may be written from 0 to 360 in one file and from −180 to 180 in another. */
static bool same_columns(const struct e5_member *a, const struct e5_member *b) {
    for (size_t i = 0; i < a->columns; i++)
        if (fabs(remainder(a->longitude[i] - b->longitude[i], 360)) > GRID_TOLERANCE) return false;
    return true;
}

static enum e5_status fit_together(const struct e5_member *a, struct e5_member *b, struct e5_error *err) {
    bool shape = a->rows == b->rows && a->columns == b->columns;
    b->flipped = shape && !same_rows(a, b, false) && same_rows(a, b, true);
    if (!shape || !same_columns(a, b) || !same_rows(a, b, b->flipped)) return mismatch(a, b, "its grid", err);
    if (!same_units(a, b)) return mismatch(a, b, "the variable's unit", err);
    return same_calendar(a->calendar, b->calendar) ? E5_OK : mismatch(a, b, "its calendar", err);
}

/* --- one axis of all steps --- */

static int by_time(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    if (x->member != y->member) return x->member < y->member ? -1 : 1;
    return (x->step > y->step) - (x->step < y->step);
}

static enum e5_status gather(struct e5_dataset *ds, struct e5_error *err) {
    size_t total = 0;
    for (size_t m = 0; m < ds->members; m++) {
        if (ds->member[m].steps > STEPS_MAX - total) return e5_fail(err, E5_INPUT, "more than 2³¹ time steps");
        total += ds->member[m].steps;
    }
    if (total == 0) return e5_probe_fail(err, E5_INPUT, ds->member[0].file->path, "", "no time steps");
    enum e5_status status = e5_alloc(total, sizeof *ds->entry, &ds->entry, err);
    for (size_t m = 0; m < ds->members && status == E5_OK; m++)
        for (size_t i = 0; i < ds->member[m].steps; i++)
            ds->entry[ds->steps++] = (struct entry){ds->member[m].seconds[i], (uint32_t)m, (uint32_t)i};
    if (status == E5_OK) qsort(ds->entry, total, sizeof *ds->entry, by_time);
    return status;
}

static void report_duplicates(const struct e5_dataset *ds, size_t count, const struct entry *first) {
    enum e5_calendar calendar = ds->member[0].calendar;
    int64_t days = first->seconds / E5_DAY - (first->seconds % E5_DAY < 0);
    struct e5_date date = e5_date_from_days(calendar, days);
    e5_log(E5_LOG_WARNING,
           "%zu time steps occur more than once, the first on %04" PRId64 "-%02d-%02d in %s: "
           "the file given first is taken",
           count, date.year, date.month, date.day, ds->member[first->member].file->path);
}

static void drop_duplicates(struct e5_dataset *ds) {
    size_t kept = 0, dropped = 0;
    struct entry first = {0};
    for (size_t i = 0; i < ds->steps; i++) {
        if (kept == 0 || ds->entry[kept - 1].seconds != ds->entry[i].seconds) {
            ds->entry[kept++] = ds->entry[i];
        } else if (dropped++ == 0) {
            first = ds->entry[i];
        }
    }
    ds->steps = kept;
    if (dropped > 0) report_duplicates(ds, dropped, &first);
}

static size_t row_of(const struct e5_dataset *ds, size_t i) {
    return ds->entry[i].step / ds->member[ds->entry[i].member].unit;
}

/* Marks the positions where no row of chunks has steps on both sides: a block that ends there leaves nothing half
 * used. `base` numbers the rows of all files. */
static void mark_borders(struct e5_dataset *ds, const size_t *base, size_t *last) {
    size_t open_until = 0;
    for (size_t i = 0; i < ds->steps; i++) last[base[ds->entry[i].member] + row_of(ds, i)] = i;
    for (size_t i = 0; i < ds->steps; i++) {
        size_t end = last[base[ds->entry[i].member] + row_of(ds, i)];
        if (end > open_until) open_until = end;
        ds->border[i + 1] = open_until == i;
    }
    ds->border[0] = true;
}

static enum e5_status find_borders(struct e5_dataset *ds, struct e5_error *err) {
    size_t *base = NULL, *last = NULL, rows = 0;
    enum e5_status status = e5_alloc(ds->members, sizeof *base, &base, err);
    for (size_t m = 0; m < ds->members && status == E5_OK; m++) {
        base[m] = rows;
        rows += ds->member[m].steps / ds->member[m].unit + 1;
    }
    if (status == E5_OK) status = e5_alloc(rows, sizeof *last, &last, err);
    if (status == E5_OK) status = e5_alloc(ds->steps + 1, sizeof *ds->border, &ds->border, err);
    if (status == E5_OK) mark_borders(ds, base, last);
    free(base);
    free(last);
    return status;
}

static enum e5_status make_axis(struct e5_dataset *ds, struct e5_error *err) {
    enum e5_status status = gather(ds, err);
    if (status != E5_OK) return status;
    drop_duplicates(ds);
    status = e5_alloc(ds->steps, sizeof *ds->seconds, &ds->seconds, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < ds->steps; i++) ds->seconds[i] = ds->entry[i].seconds;
    return find_borders(ds, err);
}

/* --- open and close --- */

static enum e5_status open_members(struct e5_dataset *ds, const char *const *paths, size_t npaths,
                                   const char *variable, struct e5_error *err) {
    enum e5_status status = e5_alloc(npaths, sizeof *ds->member, &ds->member, err);
    for (size_t i = 0; i < npaths && status == E5_OK; i++) {
        const char *name = variable != NULL || i == 0 ? variable : ds->member[0].var->name;
        status = e5_member_open(paths[i], name, &ds->member[i], err);
        if (status != E5_OK) break;
        ds->members = i + 1;
        if (ds->member[i].var->dtype == E5_F64) ds->dtype = E5_F64;
        if (i > 0) status = fit_together(&ds->member[0], &ds->member[i], err);
    }
    return status;
}

static enum e5_status measure(struct e5_dataset *ds, struct e5_error *err) {
    size_t bytes = e5_dtype_size(ds->dtype), versions = 1;
    for (size_t m = 0; m < ds->members; m++)
        if (ds->member[m].versions > versions) versions = ds->member[m].versions;
    enum e5_status status = e5_multiply(bytes, ds->member[0].rows, &bytes, err);
    if (status == E5_OK) status = e5_multiply(bytes, ds->member[0].columns, &bytes, err);
    if (status == E5_OK) status = e5_multiply(bytes, versions, &bytes, err); /* read together, then merged */
    ds->step_bytes = bytes;
    return status;
}

enum e5_status e5_dataset_open(const char *const *paths, size_t npaths, const char *variable,
                               const struct e5_parallel *par, struct e5_dataset **out, struct e5_error *err) {
    *out = NULL;
    (void)par; /* headers come through the gate one by one, and axes are small */
    if (npaths == 0) return e5_fail(err, E5_INPUT, "no files given");
    struct e5_dataset *ds;
    enum e5_status status = e5_alloc(1, sizeof *ds, &ds, err);
    if (status != E5_OK) return status;
    ds->dtype = E5_F32;
    status = open_members(ds, paths, npaths, variable, err);
    if (status == E5_OK) status = measure(ds, err);
    if (status == E5_OK) status = make_axis(ds, err);
    if (status == E5_OK)
        *out = ds;
    else
        e5_dataset_close(ds);
    return status;
}

void e5_dataset_close(struct e5_dataset *dataset) {
    if (dataset == NULL) return;
    for (size_t m = 0; m < dataset->members; m++) e5_member_close(&dataset->member[m]);
    free(dataset->member);
    free(dataset->entry);
    free(dataset->seconds);
    free(dataset->border);
    free(dataset);
}

/* --- what there is --- */

struct e5_time_axis e5_dataset_time(const struct e5_dataset *dataset) {
    return (struct e5_time_axis){dataset->member[0].calendar, dataset->steps, dataset->seconds};
}

const double *e5_dataset_latitude(const struct e5_dataset *dataset, size_t *n) {
    *n = dataset->member[0].rows;
    return dataset->member[0].latitude;
}

const double *e5_dataset_longitude(const struct e5_dataset *dataset, size_t *n) {
    *n = dataset->member[0].columns;
    return dataset->member[0].longitude;
}

const struct e5_ncvar *e5_dataset_variable(const struct e5_dataset *dataset) { return dataset->member[0].var; }
enum e5_dtype e5_dataset_dtype(const struct e5_dataset *dataset) { return dataset->dtype; }

/* --- reading --- */

struct item { /* a step that was asked for, and where it goes */
    uint32_t member, step;
    size_t to;
};

struct group { /* items [from, until) of one file: read together */
    size_t from, until;
    bool direct; /* they lie side by side in the file and in the output */
};

static int by_place(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->member != y->member) return x->member < y->member ? -1 : 1;
    return (x->step > y->step) - (x->step < y->step);
}

/* Items belong together when they follow each other in the file, or share a row of chunks that would otherwise be
 * decoded twice, as long as what lies between first and last stays bounded. */
static struct group next_group(const struct e5_dataset *ds, const struct item *item, size_t from, size_t n) {
    size_t most = SPAN_MAX / ds->step_bytes, unit = ds->member[item[from].member].unit;
    struct group group = {from, from + 1, true};
    for (; group.until < n; group.until++) {
        const struct item *a = &item[group.until - 1], *b = a + 1;
        bool follows = b->step == a->step + 1, same_row = b->step / unit == a->step / unit;
        if (b->member != a->member || !(follows || same_row)) break;
        bool still_direct = group.direct && follows && b->to == a->to + 1;
        if (!still_direct && b->step - item[from].step >= most) break;
        group.direct = still_direct;
    }
    return group;
}

struct reading {
    struct e5_dataset *ds;
    struct item *item; /* in the order of the files */
    struct group *group;
    size_t groups;
    char *out;
    size_t row; /* bytes of one step of the output */
    const struct e5_parallel *par;
    struct e5_watch *watch;
};

static enum e5_status read_group(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct reading *r = context;
    const struct group *group = &r->group[index];
    const struct item *first = &r->item[group->from], *last = &r->item[group->until - 1];
    const struct e5_member *member = &r->ds->member[first->member];
    size_t span = last->step - first->step + 1;
    (void)slot;
    if (group->direct)
        return e5_member_read(member, first->step, span, r->ds->dtype, r->out + first->to * r->row, r->par, r->watch,
                              err);
    char *steps = NULL;
    enum e5_status status = e5_alloc(span, r->row, &steps, err);
    if (status == E5_OK)
        status = e5_member_read(member, first->step, span, r->ds->dtype, steps, r->par, r->watch, err);
    for (size_t i = group->from; i < group->until && status == E5_OK; i++)
        memcpy(r->out + r->item[i].to * r->row, steps + (r->item[i].step - first->step) * r->row, r->row);
    free(steps);
    return status;
}

static enum e5_status make_groups(struct reading *r, size_t first, size_t steps, struct e5_error *err) {
    enum e5_status status = e5_alloc(steps, sizeof *r->item, &r->item, err);
    if (status == E5_OK) status = e5_alloc(steps, sizeof *r->group, &r->group, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < steps; i++)
        r->item[i] = (struct item){r->ds->entry[first + i].member, r->ds->entry[first + i].step, i};
    qsort(r->item, steps, sizeof *r->item, by_place);
    for (size_t i = 0; i < steps; i = r->group[r->groups++].until)
        r->group[r->groups] = next_group(r->ds, r->item, i, steps);
    return E5_OK;
}

/* Many small files are read side by side, one thread each; a few large ones one after the other, each by all threads,
 * as are those whose chunks need much memory to decode. */
static bool side_by_side(const struct reading *r) {
    size_t slots = e5_parallel_slots(r->par), largest = 1;
    for (size_t g = 0; g < r->groups; g++) {
        size_t unit = r->ds->member[r->item[r->group[g].from].member].unit;
        if (unit > largest) largest = unit;
    }
    return r->groups >= 2 * slots && largest <= SPAN_MAX / slots / r->ds->step_bytes;
}

enum e5_status e5_dataset_read(struct e5_dataset *dataset, size_t first, size_t steps, void *out,
                               const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    size_t row = dataset->member[0].rows * dataset->member[0].columns * e5_dtype_size(dataset->dtype);
    struct reading r = {.ds = dataset, .out = out, .row = row, .par = par, .watch = watch};
    if (first > dataset->steps || steps > dataset->steps - first)
        return e5_fail(err, E5_INPUT, "steps %zu to %zu of %zu", first, first + steps, dataset->steps);
    enum e5_status status = make_groups(&r, first, steps, err);
    if (status == E5_OK)
        status = e5_parallel_for(side_by_side(&r) ? par : NULL, watch, r.groups, read_group, &r, err);
    free(r.item);
    free(r.group);
    return status;
}

size_t e5_dataset_block(const struct e5_dataset *dataset, size_t first, size_t ceiling) {
    size_t left = dataset->steps - first, fit = ceiling / dataset->step_bytes, most = SPAN_MAX / dataset->step_bytes;
    if (left == 0) return 0;
    if (fit < 1) fit = 1;
    if (fit > left) fit = left;
    for (size_t n = fit; n > 0; n--)
        if (dataset->border[first + n]) return n;
    for (size_t n = fit + 1; n <= left && n <= most; n++)
        if (dataset->border[first + n]) return n;
    return fit;
}
