/* The steps of all files in order of time: what occurs twice, what is missing, where blocks may end. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/dataset_parts.h"
#include "io/fit.h"
#include "io/probe.h"
#include "model/holes.h"
#include "model/time_axis.h"

#define STEPS_MAX ((size_t)INT32_MAX) /* events number their steps with int32_t */
#define SAMPLE 8                      /* cells: enough to tell a mean from a maximum */

/* --- in order of time --- */

static int by_time(const void *a, const void *b) {
    const struct e5_entry *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->step > y->step) - (x->step < y->step);
}

static void sort(struct e5_entry *entry, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (by_time(&entry[i - 1], &entry[i]) > 0) {
            qsort(entry, n, sizeof *entry, by_time);
            return;
        }
}

/* All steps of a layer's files. */
static enum e5_status gather(const struct e5_dataset *ds, size_t layer, struct e5_entry **out, size_t *n,
                             struct e5_error *err) {
    size_t total = 0;
    for (size_t p = 0; p < ds->parts; p++) {
        if (ds->part[p].layer != layer) continue;
        if (ds->part[p].member.count[E5_AXIS_TIME] > STEPS_MAX - total)
            return e5_fail(err, E5_INPUT, "more than 2³¹ time steps");
        total += ds->part[p].member.count[E5_AXIS_TIME];
    }
    if (total == 0)
        return e5_probe_fail(err, E5_INPUT, ds->part[ds->layer[layer].teller[E5_AXIS_TIME]].member.file->path, "",
                             "no time steps");
    enum e5_status status = e5_alloc(total, sizeof **out, out, err);
    *n = 0;
    for (size_t p = 0; p < ds->parts && status == E5_OK; p++)
        for (size_t i = 0; ds->part[p].layer == layer && i < ds->part[p].member.count[E5_AXIS_TIME]; i++)
            (*out)[(*n)++] = (struct e5_entry){ds->part[p].member.seconds[i], (uint32_t)p, (uint32_t)i};
    if (status == E5_OK) sort(*out, *n);
    return status;
}

/* --- what occurs more than once --- */

struct report {
    size_t twice, final;         /* steps that occur again; those that a later file has in the final version */
    struct e5_entry first, with; /* the first of them, and where it occurs again */
};

static const char *last_name(const struct e5_dataset *ds, const struct e5_entry *entry) {
    const char *path = ds->part[entry->part].member.file->path, *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void write_date(const struct e5_dataset *ds, int64_t seconds, char *out, size_t size) {
    int64_t days = e5_day_of(seconds), minutes = (seconds - days * E5_DAY) / 60;
    struct e5_date date = e5_date_from_days(ds->part[0].member.calendar, days);
    snprintf(out, size, "%04" PRId64 "-%02d-%02d %02d:%02d", date.year, date.month, date.day, (int)(minutes / 60),
             (int)(minutes % 60));
}

static void report_twice(const struct e5_dataset *ds, const struct report *report) {
    const char *name = last_name(ds, &report->first), *other = last_name(ds, &report->with);
    bool within = report->first.part == report->with.part;
    char date[40], final[60] = "";
    write_date(ds, report->first.seconds, date, sizeof date);
    if (report->final > 0) snprintf(final, sizeof final, ", but for %zu preliminary ones the final", report->final);
    e5_log(E5_LOG_WARNING,
           "%.40s: %zu time steps occur more than once, the first on %s in %.60s%s%.60s: what is given first is "
           "taken%s",
           ds->part[0].member.var->name, report->twice, date, name, within ? " itself" : " and ", within ? "" : other,
           final);
}

static enum e5_status ask(struct e5_dataset *ds, const struct e5_entry *entry, enum e5_finality *out,
                          struct e5_error *err) {
    return e5_member_finality(&ds->part[entry->part].member, entry->step, ds->library, &ds->needs, out, err);
}

/* Of entries at the same time the first, unless it is preliminary and another one is final. */
static enum e5_status choose(struct e5_dataset *ds, const struct e5_entry *entry, size_t n, size_t *chosen,
                             struct e5_error *err) {
    enum e5_finality finality;
    *chosen = 0;
    enum e5_status status = ask(ds, &entry[0], &finality, err);
    for (size_t i = 1; i < n && status == E5_OK && finality == E5_PRELIMINARY; i++) {
        enum e5_finality other;
        status = ask(ds, &entry[i], &other, err);
        if (status != E5_OK || other != E5_FINAL) continue;
        *chosen = i;
        break;
    }
    return status;
}

static enum e5_status drop_duplicates(struct e5_dataset *ds, struct e5_entry *entry, size_t *n, struct report *report,
                                      struct e5_error *err) {
    size_t kept = 0, chosen;
    for (size_t i = 0, next; i < *n; i = next) {
        for (next = i + 1; next < *n && entry[next].seconds == entry[i].seconds;) next++;
        chosen = 0;
        if (next - i > 1) {
            enum e5_status status = choose(ds, &entry[i], next - i, &chosen, err);
            if (status != E5_OK) return status;
            if (report->twice == 0) report->first = entry[i], report->with = entry[i + 1];
            report->twice += next - i - 1;
            report->final += chosen > 0;
        }
        entry[kept++] = entry[i + chosen];
    }
    *n = kept;
    return E5_OK;
}

/* --- are they the same? --- */

/* A few cells in the middle of a step, NaN where there are fewer. */
static enum e5_status take_sample(const struct e5_dataset *ds, const struct e5_entry *entry, double out[SAMPLE]) {
    const struct e5_member *m = &ds->part[entry->part].member;
    size_t columns = m->count[E5_AXIS_LONGITUDE], n = columns < SAMPLE ? columns : SAMPLE;
    struct e5_pick pick[E5_AXES];
    for (int role = 0; role < E5_AXES; role++) pick[role] = e5_pick_range(0, 1);
    pick[E5_AXIS_TIME] = e5_pick_range(entry->step, 1);
    pick[E5_AXIS_LATITUDE] = e5_pick_range(m->count[E5_AXIS_LATITUDE] / 2, 1);
    pick[E5_AXIS_LONGITUDE] = e5_pick_range((columns - n) / 2, n);
    for (size_t i = 0; i < SAMPLE; i++) out[i] = NAN;
    return e5_member_select(m, pick, E5_F64, out, NULL, NULL, NULL);
}

/* Of packed values the least that they can differ by. */
static double resolution(const struct e5_dataset *ds, const struct e5_entry *entry) {
    const struct e5_packing *packing = &ds->part[entry->part].member.var->packing;
    return packing->scale != 1 || packing->offset != 0 ? fabs(packing->scale) : 0;
}

static bool can_compare(const struct e5_dataset *ds, const struct e5_entry *entry) {
    const struct e5_part *part = &ds->part[entry->part];
    for (int role = 0; role < E5_AXES; role++)
        if (part->map[role] != NULL) return false; /* the same index is another place */
    return ds->library || !part->member.by_library;
}

/* A mean and a maximum of one variable have one name and the same steps, and often nothing else tells them apart. */
static bool differ(const struct e5_dataset *ds, const struct e5_entry *a, const struct e5_entry *b) {
    double x[SAMPLE], y[SAMPLE], least = fmax(resolution(ds, a), resolution(ds, b));
    if (!can_compare(ds, a) || !can_compare(ds, b)) return false;
    if (take_sample(ds, a, x) != E5_OK || take_sample(ds, b, y) != E5_OK) return false; /* who reads them will see */
    for (size_t i = 0; i < SAMPLE; i++)
        if (fabs(x[i] - y[i]) > least) return true;
    return false;
}

/* Preliminary and final values may differ. */
static enum e5_status compare(struct e5_dataset *ds, const struct report *report, bool *other, struct e5_error *err) {
    enum e5_finality first, with;
    enum e5_status status = ask(ds, &report->first, &first, err);
    if (status == E5_OK) status = ask(ds, &report->with, &with, err);
    *other = status == E5_OK && first == with && differ(ds, &report->first, &report->with);
    return status;
}

static void report_values(const struct e5_dataset *ds, const struct report *report) {
    char date[40];
    write_date(ds, report->first.seconds, date, sizeof date);
    e5_log(E5_LOG_WARNING, "%.40s: %.60s and %.60s have different values on %s: are they of different statistics?",
           ds->part[0].member.var->name, last_name(ds, &report->first), last_name(ds, &report->with), date);
}

/* --- what is missing --- */

static enum e5_status report_holes(const struct e5_dataset *ds, struct e5_error *err) {
    size_t n = ds->count[E5_AXIS_TIME];
    struct e5_time_axis axis = {ds->part[0].member.calendar, n, ds->seconds};
    int64_t step;
    char before[40], after[40];
    enum e5_status status = e5_time_axis_step(&axis, &step, err);
    if (status != E5_OK) return status;
    struct e5_holes holes = e5_holes_find(ds->seconds, n, step);
    if (holes.count == 0) return E5_OK;
    write_date(ds, ds->seconds[holes.after - 1], before, sizeof before);
    write_date(ds, ds->seconds[holes.after], after, sizeof after);
    e5_log(E5_LOG_WARNING, "%.40s: %zu time steps are missing in %zu hole%s, the first between %s in %.60s and %s",
           ds->part[0].member.var->name, holes.missing, holes.count, holes.count == 1 ? "" : "s", before,
           last_name(ds, &ds->layer[0].entry[holes.after - 1]), after);
    return E5_OK;
}

/* --- where blocks may end --- */

static size_t row_of(const struct e5_dataset *ds, const struct e5_entry *entry) {
    return entry->step / ds->part[entry->part].member.unit;
}

/* Clears the positions where a row of chunks has steps on both sides: a block that ends elsewhere leaves nothing half
 * used. `base` numbers the rows of all files. */
static void mark_borders(struct e5_dataset *ds, const struct e5_entry *entry, const size_t *base, size_t *last) {
    size_t open_until = 0, steps = ds->count[E5_AXIS_TIME];
    for (size_t i = 0; i < steps; i++) last[base[entry[i].part] + row_of(ds, &entry[i])] = i;
    for (size_t i = 0; i < steps; i++) {
        size_t end = last[base[entry[i].part] + row_of(ds, &entry[i])];
        if (end > open_until) open_until = end;
        if (open_until != i) ds->border[i + 1] = false;
    }
}

static enum e5_status find_borders(struct e5_dataset *ds, struct e5_error *err) {
    size_t *base = NULL, *last = NULL, rows = 0;
    enum e5_status status = e5_alloc(ds->parts, sizeof *base, &base, err);
    for (size_t p = 0; p < ds->parts && status == E5_OK; p++) {
        base[p] = rows;
        rows += ds->part[p].member.count[E5_AXIS_TIME] / ds->part[p].member.unit + 1;
    }
    if (status == E5_OK) status = e5_alloc(rows, sizeof *last, &last, err);
    if (status == E5_OK) status = e5_alloc(ds->count[E5_AXIS_TIME] + 1, sizeof *ds->border, &ds->border, err);
    if (status == E5_OK) {
        memset(ds->border, true, ds->count[E5_AXIS_TIME] + 1);
        for (size_t i = 0; i < ds->layers; i++) mark_borders(ds, ds->layer[i].entry, base, last);
    }
    free(base);
    free(last);
    return status;
}

/* --- all together --- */

static enum e5_status set_seconds(struct e5_dataset *ds, size_t n, struct e5_error *err) {
    enum e5_status status = e5_alloc(n, sizeof *ds->seconds, &ds->seconds, err);
    ds->count[E5_AXIS_TIME] = n;
    for (size_t i = 0; i < n && status == E5_OK; i++) ds->seconds[i] = ds->layer[0].entry[i].seconds;
    return status;
}

static enum e5_status check_seconds(const struct e5_dataset *ds, const struct e5_layer *layer, size_t n,
                                    struct e5_error *err) {
    bool same = n == ds->count[E5_AXIS_TIME];
    for (size_t i = 0; i < n && same; i++) same = ds->seconds[i] == layer->entry[i].seconds;
    if (same) return E5_OK;
    return e5_fit_mismatch(&ds->part[ds->layer[0].teller[E5_AXIS_TIME]].member,
                           &ds->part[layer->teller[E5_AXIS_TIME]].member, "its time axis (of other levels)", err);
}

enum e5_status e5_dataset_make_steps(struct e5_dataset *ds, struct e5_error *err) {
    struct report report = {0};
    enum e5_status status = E5_OK;
    bool other = false;
    for (size_t i = 0; i < ds->layers && status == E5_OK; i++) {
        struct e5_layer *layer = &ds->layer[i];
        size_t n = 0;
        status = gather(ds, i, &layer->entry, &n, err);
        if (status == E5_OK) status = drop_duplicates(ds, layer->entry, &n, &report, err);
        if (status == E5_OK) status = i == 0 ? set_seconds(ds, n, err) : check_seconds(ds, layer, n, err);
    }
    if (status == E5_OK) status = find_borders(ds, err);
    if (status == E5_OK && report.twice > 0) status = compare(ds, &report, &other, err);
    if (status != E5_OK || ds->needs) return status;
    if (report.twice > 0) report_twice(ds, &report);
    if (other) report_values(ds, &report);
    return report_holes(ds, err);
}
