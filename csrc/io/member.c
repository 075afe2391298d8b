#include "io/member.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/chunks.h"
#include "io/spread.h"
#include "io/texts.h"

#define VERSIONS_MAX 16 /* of one value; real files have two */
#define AXIS_RATIO 1032 /* values of an axis per byte of its file: deflate cannot do better */

/* --- values of the axes --- */

static enum e5_status read_axis(struct e5_ncfile *file, const struct e5_ncvar *var, size_t n, double **out,
                                struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    size_t start = 0;
    *out = NULL;
    if (n / AXIS_RATIO > layout->probe.size)
        return e5_probe_fail(err, E5_UNSAFE, file->path, "do not trust this file", "%.40s claims %zu values",
                             var->name, n);
    enum e5_status status = e5_alloc(n, sizeof **out, out, err);
    if (status == E5_OK) status = e5_ncfile_read(file, var, &start, &n, E5_F64, *out, NULL, NULL, err);
    for (size_t i = 0; i < n && status == E5_OK; i++)
        if (!isfinite((*out)[i]))
            status = e5_probe_fail(err, E5_CORRUPT, file->path, "", "%.40s has a missing value", var->name);
    return status;
}

static const char *text_of(const struct e5_ncvar *var, const char *name) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, name);
    return attr != NULL ? attr->text : NULL;
}

/* "date" of the early monthly files: 20241101. */
static enum e5_status decode_yyyymmdd(double stored, int64_t *out, struct e5_error *err) {
    int64_t number = stored > 0 && stored < 1e8 ? (int64_t)stored : 0;
    struct e5_date date = {number / 10000, (int)(number / 100 % 100), (int)(number % 100)};
    bool good = date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                date.day <= e5_calendar_month_days(E5_PROLEPTIC, date.year, date.month);
    if (!good) return e5_fail(err, E5_CORRUPT, "%.0f is no date", stored);
    *out = e5_date_to_days(E5_PROLEPTIC, date) * E5_DAY;
    return E5_OK;
}

/* What failed does not know of files: say in which one. */
static enum e5_status name_file(const char *path, enum e5_status status, struct e5_error *err) {
    struct e5_error named = E5_ERROR_NONE;
    if (status == E5_OK || err == NULL) return status;
    (void)!e5_probe_fail(&named, status, path, err->hint, "%s", err->what);
    *err = named;
    return status;
}

static enum e5_status decode_time(struct e5_member *m, const struct e5_ncvar *var, const double *stored,
                                  struct e5_error *err) {
    const char *units = text_of(var, "units");
    bool dates = strcmp(var->name, "date") == 0 && (units == NULL || strstr(units, " since ") == NULL);
    struct e5_time_units decoder = {.calendar = E5_PROLEPTIC};
    enum e5_status status = E5_OK;
    if (!dates && units == NULL)
        return e5_probe_fail(err, E5_INPUT, m->file->path, "", "%.40s has no units", var->name);
    if (!dates) status = e5_time_units_parse(units, text_of(var, "calendar"), &decoder, err);
    m->calendar = decoder.calendar;
    for (size_t i = 0; i < m->count[E5_AXIS_TIME] && status == E5_OK; i++)
        status = dates ? decode_yyyymmdd(stored[i], &m->seconds[i], err)
                       : e5_time_decode(&decoder, stored[i], &m->seconds[i], err);
    return name_file(m->file->path, status, err);
}

static enum e5_status read_axes(struct e5_member *m, struct e5_error *err) {
    const struct e5_axis *axis = m->axes.axis;
    enum e5_status status = E5_OK;
    for (int role = 0; role < E5_AXES && status == E5_OK; role++)
        if (axis[role].var != NULL)
            status = read_axis(m->file, axis[role].var, m->count[role], &m->values[role], err);
    if (status == E5_OK) status = e5_alloc(m->count[E5_AXIS_TIME], sizeof *m->seconds, &m->seconds, err);
    if (status == E5_OK) status = decode_time(m, axis[E5_AXIS_TIME].var, m->values[E5_AXIS_TIME], err);
    e5_member_forget(m, E5_AXIS_TIME);
    return status;
}

/* --- the member --- */

static void note_shape(struct e5_member *m) {
    const struct e5_layout *layout = m->file->layout;
    const struct e5_map *map = &layout->map[m->var - m->file->var];
    int time = m->axes.axis[E5_AXIS_TIME].dim, expver = m->axes.expver;
    for (int role = 0; role < E5_AXES; role++) {
        int dim = m->axes.axis[role].dim;
        m->count[role] = dim >= 0 ? m->file->dim[m->var->dim[dim]].length : 1;
    }
    m->versions = expver >= 0 ? m->file->dim[m->var->dim[expver]].length : 1;
    m->unit = map->chunked && time >= 0 ? map->chunk[time] : 1;
    m->says_units = text_of(m->var, "units") != NULL;
}

static bool holds_nothing(const struct e5_member *m) {
    bool empty = m->versions == 0;
    for (int role = E5_AXIS_TIME + 1; role < E5_AXES; role++) empty |= m->count[role] == 0;
    return empty;
}

/* Whether an axis or the data can only be read by netcdf-c; of the data the member keeps it. */
static enum e5_status find_ways(struct e5_member *m, bool *needs, struct e5_error *err) {
    enum e5_status status = e5_ncfile_by_library(m->file, m->var, &m->by_library, err);
    *needs = false;
    for (int role = 0; role < E5_AXES && status == E5_OK && !*needs; role++)
        if (m->axes.axis[role].var != NULL)
            status = e5_ncfile_by_library(m->file, m->axes.axis[role].var, needs, err);
    return status;
}

/* Without the library that it needs the member has no file. */
static enum e5_status open_into(struct e5_member *m, const char *path, const char *variable, bool library,
                                struct e5_watch *watch, struct e5_error *err) {
    bool needs = false;
    enum e5_status status = e5_ncfile_open_kept(path, library, watch, &m->file, err);
    if (status != E5_OK || m->file == NULL) return status;
    status = e5_axes_choose(m->file, variable, &m->var, err);
    if (status == E5_OK) status = e5_axes_find(m->file, m->var, &m->axes, err);
    if (status == E5_OK) status = find_ways(m, &needs, err);
    if (status != E5_OK) return status;
    if (needs && !library) {
        e5_member_close(m);
        return E5_OK;
    }
    note_shape(m);
    if (m->versions > VERSIONS_MAX)
        return e5_probe_fail(err, E5_UNSAFE, m->file->path, "do not trust this file", "%.40s claims %zu versions",
                             m->var->name, m->versions);
    if (holds_nothing(m)) return e5_probe_fail(err, E5_INPUT, m->file->path, "", "%.40s holds nothing", m->var->name);
    return read_axes(m, err);
}

enum e5_status e5_member_open(const char *path, const char *variable, bool library, struct e5_watch *watch,
                              struct e5_member *out, struct e5_error *err) {
    *out = (struct e5_member){0};
    enum e5_status status = open_into(out, path, variable, library, watch, err);
    if (status != E5_OK)
        e5_member_close(out);
    else if (out->file != NULL)
        e5_ncfile_let_go(out->file);
    return status;
}

void e5_member_forget(struct e5_member *member, enum e5_role role) {
    free(member->values[role]);
    member->values[role] = NULL;
}

void e5_member_forget_attrs(struct e5_member *member) {
    struct e5_ncfile *file = member->file;
    for (size_t i = 0; i < file->nvar; i++) {
        e5_tables_free_attrs(file->var[i].attr, file->var[i].nattr);
        file->var[i].attr = NULL;
        file->var[i].nattr = 0;
    }
    e5_tables_free_attrs(file->attr, file->nattr);
    file->attr = NULL;
    file->nattr = 0;
}

void e5_member_close(struct e5_member *member) {
    e5_ncfile_close(member->file);
    free(member->seconds);
    free(member->finality);
    for (int role = 0; role < E5_AXES; role++) free(member->values[role]);
    *member = (struct e5_member){0};
}

/* --- reading --- */

/* The picks of the file's dimensions, as far as a role names them; the others are of length 1. */
static void picks_of_file(const struct e5_member *m, const struct e5_pick *pick, struct e5_pick *out) {
    for (int d = 0; d < m->var->ndim; d++) out[d] = e5_pick_range(0, d == m->axes.expver ? m->versions : 1);
    for (int role = 0; role < E5_AXES; role++)
        if (m->axes.axis[role].dim >= 0) out[m->axes.axis[role].dim] = pick[role];
}

bool e5_member_copies(const struct e5_member *member, const struct e5_pick *pick) {
    int last = -1;
    for (int role = 0; role < E5_AXES; role++) {
        int dim = member->axes.axis[role].dim;
        if (dim >= 0 ? dim < last : pick[role].count != 1) return true;
        if (dim >= 0) last = dim;
    }
    return member->versions > 1;
}

static enum e5_status read_copy(const struct e5_member *m, const struct e5_pick *pick, enum e5_dtype as, void *out,
                                const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct e5_spread spread = {0};
    struct e5_pick dense[E5_MAX_DIMS] = {0};
    void *copy = NULL;
    enum e5_status status = e5_spread_plan(&m->axes, m->var->ndim, m->versions, pick, dense, &spread, err);
    if (status == E5_OK) status = e5_alloc(spread.values, e5_dtype_size(as), &copy, err);
    if (status == E5_OK) status = e5_ncfile_select(m->file, m->var, dense, as, copy, par, watch, err);
    if (status == E5_OK) status = e5_spread_put(&spread, as, copy, out, par, watch, err);
    for (int d = 0; d < m->var->ndim; d++) e5_pick_fini(&dense[d]);
    e5_spread_fini(&spread);
    free(copy);
    return status;
}

enum e5_status e5_member_select(const struct e5_member *member, const struct e5_pick *pick, enum e5_dtype as,
                                void *out, const struct e5_parallel *par, struct e5_watch *watch,
                                struct e5_error *err) {
    struct e5_pick of_file[E5_MAX_DIMS];
    if (e5_member_copies(member, pick)) return read_copy(member, pick, as, out, par, watch, err);
    picks_of_file(member, pick, of_file);
    return e5_ncfile_select(member->file, member->var, of_file, as, out, par, watch, err);
}

/* --- final or preliminary --- */

static enum e5_finality finality_of(int version) {
    return version == 1 ? E5_FINAL : version == 5 ? E5_PRELIMINARY : E5_FINALITY_UNKNOWN;
}

static enum e5_status read_versions(struct e5_member *m, const struct e5_ncvar *var, size_t n, char *out,
                                    struct e5_error *err) {
    struct e5_texts texts = {0};
    double *numbers = NULL;
    enum e5_status status =
        var->is_text ? e5_texts_read(m->file, var, &texts, err) : read_axis(m->file, var, n, &numbers, err);
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        if (numbers != NULL)
            out[i] = (char)finality_of(numbers[i] == 1 ? 1 : numbers[i] == 5 ? 5 : 0);
        else if (texts.count == n)
            out[i] = (char)finality_of(atoi(texts.bytes + i * texts.width));
    }
    free(texts.bytes);
    free(numbers);
    return status;
}

/* One version for each step, or one for all. */
static enum e5_status note_finality(struct e5_member *m, const struct e5_ncvar *var, struct e5_error *err) {
    size_t steps = m->count[E5_AXIS_TIME];
    int dims = var->ndim - (var->is_text && !var->is_string), time = m->axes.axis[E5_AXIS_TIME].dim;
    bool over_time = dims == 1 && time >= 0 && var->dim[0] == m->var->dim[time];
    if (!over_time && dims != 0) return E5_OK;
    enum e5_status status = read_versions(m, var, over_time ? steps : 1, m->finality, err);
    for (size_t i = 1; i < steps && !over_time; i++) m->finality[i] = m->finality[0];
    return status;
}

enum e5_status e5_member_finality(struct e5_member *member, size_t step, bool library, bool *needs,
                                  enum e5_finality *out, struct e5_error *err) {
    const struct e5_ncvar *var = e5_ncfile_find(member->file, "expver");
    *out = E5_FINALITY_UNKNOWN;
    if (var == NULL) return E5_OK;
    bool by_library;
    enum e5_status status = e5_ncfile_by_library(member->file, var, &by_library, err);
    if (status != E5_OK) return status;
    if (by_library && !library) {
        *needs = true;
        return E5_OK;
    }
    if (member->finality == NULL) {
        status = e5_alloc(member->count[E5_AXIS_TIME], 1, &member->finality, err);
        if (status == E5_OK) status = note_finality(member, var, err);
    }
    if (status == E5_OK) *out = (enum e5_finality)member->finality[step];
    return status;
}
