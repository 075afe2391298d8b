#include "io/member.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/axes.h"
#include "io/chunks.h"

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
    for (size_t i = 0; i < m->steps && status == E5_OK; i++)
        status = dates ? decode_yyyymmdd(stored[i], &m->seconds[i], err)
                       : e5_time_decode(&decoder, stored[i], &m->seconds[i], err);
    return name_file(m->file->path, status, err);
}

static enum e5_status read_time(struct e5_member *m, const struct e5_ncvar *var, struct e5_error *err) {
    double *stored = NULL;
    enum e5_status status = read_axis(m->file, var, m->steps, &stored, err);
    if (status == E5_OK) status = e5_alloc(m->steps, sizeof *m->seconds, &m->seconds, err);
    if (status == E5_OK) status = decode_time(m, var, stored, err);
    free(stored);
    return status;
}

/* --- the member --- */

static size_t axis_length(const struct e5_member *m, int dim) {
    return dim >= 0 ? m->file->dim[m->var->dim[dim]].length : 1;
}

static void note_shape(struct e5_member *m, const struct e5_axes *axes) {
    const struct e5_layout *layout = m->file->layout;
    const struct e5_map *map = &layout->map[m->var - m->file->var];
    m->time_dim = axes->time.dim;
    m->latitude_dim = axes->latitude.dim;
    m->longitude_dim = axes->longitude.dim;
    m->expver_dim = axes->expver;
    m->steps = axis_length(m, m->time_dim);
    m->rows = axis_length(m, m->latitude_dim);
    m->columns = axis_length(m, m->longitude_dim);
    m->versions = axis_length(m, m->expver_dim);
    m->unit = map->chunked && m->time_dim >= 0 ? map->chunk[m->time_dim] : 1;
}

static enum e5_status open_into(struct e5_member *m, const char *path, const char *variable, struct e5_error *err) {
    struct e5_axes axes;
    enum e5_status status = e5_ncfile_open(path, &m->file, err);
    if (status != E5_OK) return status;
    status = e5_axes_choose(m->file, variable, &m->var, err);
    if (status == E5_OK) status = e5_axes_find(m->file, m->var, &axes, err);
    if (status != E5_OK) return status;
    note_shape(m, &axes);
    if (m->rows == 0 || m->columns == 0 || m->versions == 0)
        return e5_probe_fail(err, E5_INPUT, m->file->path, "", "%.40s holds nothing", m->var->name);
    status = read_time(m, axes.time.var, err);
    if (status == E5_OK) status = read_axis(m->file, axes.latitude.var, m->rows, &m->latitude, err);
    if (status == E5_OK) status = read_axis(m->file, axes.longitude.var, m->columns, &m->longitude, err);
    return status;
}

enum e5_status e5_member_open(const char *path, const char *variable, struct e5_member *out, struct e5_error *err) {
    *out = (struct e5_member){0};
    enum e5_status status = open_into(out, path, variable, err);
    if (status != E5_OK) e5_member_close(out);
    return status;
}

void e5_member_close(struct e5_member *member) {
    e5_ncfile_close(member->file);
    free(member->seconds);
    free(member->latitude);
    free(member->longitude);
    *member = (struct e5_member){0};
}

/* --- reading --- */

#define MERGE_LOOP(name, type)                                                                          \
    /* outer × versions × inner → outer × inner: of each value the first version that is not missing */ \
    static void name(const type *from, size_t outer, size_t versions, size_t inner, type *to) {         \
        for (size_t o = 0; o < outer; o++)                                                              \
            for (size_t i = 0; i < inner; i++) {                                                        \
                const type *value = from + o * versions * inner + i;                                    \
                for (size_t v = 1; v < versions && isnan(*value); v++) value += inner;                  \
                to[o * inner + i] = *value;                                                             \
            }                                                                                           \
    }
MERGE_LOOP(merge_f32, float)
MERGE_LOOP(merge_f64, double)

struct want {
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS];
    size_t outer, inner; /* values before and behind the expver dimension */
};

static struct want choose(const struct e5_member *m, size_t first, size_t steps) {
    struct want want = {.outer = 1, .inner = 1};
    for (int d = 0; d < m->var->ndim; d++) {
        bool time = d == m->time_dim;
        want.start[d] = time ? first : 0;
        want.count[d] = time ? steps : m->file->dim[m->var->dim[d]].length;
        if (d < m->expver_dim) want.outer *= want.count[d];
        if (d > m->expver_dim) want.inner *= want.count[d];
    }
    return want;
}

static enum e5_status read_versions(const struct e5_member *m, const struct want *want, enum e5_dtype as, void *out,
                                    const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    void *all = NULL;
    size_t count;
    enum e5_status status = e5_multiply(want->outer * want->inner, m->versions, &count, err);
    if (status == E5_OK) status = e5_alloc(count, e5_dtype_size(as), &all, err);
    if (status == E5_OK) status = e5_ncfile_read(m->file, m->var, want->start, want->count, as, all, par, watch, err);
    if (status == E5_OK && as == E5_F32)
        merge_f32(all, want->outer, m->versions, want->inner, out);
    else if (status == E5_OK)
        merge_f64(all, want->outer, m->versions, want->inner, out);
    free(all);
    return status;
}

static void flip_rows(const struct e5_member *m, size_t steps, size_t row, char *data) {
    for (size_t t = 0; t < steps; t++, data += m->rows * row)
        for (size_t low = 0, high = m->rows - 1; low < high; low++, high--)
            for (size_t i = 0; i < row; i++) {
                char kept = data[low * row + i];
                data[low * row + i] = data[high * row + i];
                data[high * row + i] = kept;
            }
}

enum e5_status e5_member_read(const struct e5_member *member, size_t first, size_t steps, enum e5_dtype as, void *out,
                              const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct want want = choose(member, first, steps);
    enum e5_status status = member->versions > 1 ? read_versions(member, &want, as, out, par, watch, err)
                                                 : e5_ncfile_read(member->file, member->var, want.start, want.count,
                                                                  as, out, par, watch, err);
    if (status == E5_OK && member->flipped) flip_rows(member, steps, member->columns * e5_dtype_size(as), out);
    return status;
}
