#include "io/axes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "io/probe.h"
#include "model/variable.h"

static const char *const time_names[] = {"valid_time", "time", "date", NULL};
static const char *const latitude_names[] = {"latitude", "lat", NULL};
static const char *const longitude_names[] = {"longitude", "lon", NULL};

static enum e5_status refuse(const struct e5_ncfile *file, struct e5_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum e5_status refuse(const struct e5_ncfile *file, struct e5_error *err, const char *format, ...) {
    char text[180];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return e5_probe_fail(err, E5_INPUT, file->path, "", "%s", text);
}

/* --- axes --- */

/* An axis is a variable of one of the names, over one dimension of the data variable, or of a single value. */
static bool find_axis(const struct e5_ncfile *file, const struct e5_ncvar *var, const char *const *names,
                      struct e5_axis *out) {
    for (; *names != NULL; names++) {
        const struct e5_ncvar *axis = e5_ncfile_find(file, *names);
        if (axis == NULL || axis->is_text || axis->ndim > 1 || axis == var) continue;
        *out = (struct e5_axis){axis, -1};
        for (int d = 0; d < var->ndim && axis->ndim == 1; d++)
            if (var->dim[d] == axis->dim[0]) out->dim = d;
        if (out->dim >= 0 || axis->ndim == 0 || file->dim[axis->dim[0]].length == 1) return true;
    }
    return false;
}

/* −1 counts as being in the right place. */
static bool in_order(int a, int b) { return a < 0 || b < 0 || a < b; }

/* Every other dimension must be expver or of length 1. */
static enum e5_status check_rest(const struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_axes *axes,
                                 struct e5_error *err) {
    for (int d = 0; d < var->ndim; d++) {
        const struct e5_ncdim *dim = &file->dim[var->dim[d]];
        bool axis = d == axes->time.dim || d == axes->latitude.dim || d == axes->longitude.dim;
        if (axis || dim->length == 1 || d == axes->expver) continue;
        return refuse(file, err, "variable %.40s has %zu values of %.40s: write one of them to a file of its own",
                      var->name, dim->length, dim->name);
    }
    return E5_OK;
}

enum e5_status e5_axes_find(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *out,
                            struct e5_error *err) {
    if (!find_axis(file, var, time_names, &out->time))
        return refuse(file, err, "variable %.40s has no time axis (valid_time, time or date)", var->name);
    if (!find_axis(file, var, latitude_names, &out->latitude))
        return refuse(file, err, "variable %.40s has no latitude axis (latitude or lat)", var->name);
    if (!find_axis(file, var, longitude_names, &out->longitude))
        return refuse(file, err, "variable %.40s has no longitude axis (longitude or lon)", var->name);
    int t = out->time.dim, y = out->latitude.dim, x = out->longitude.dim;
    if (!in_order(t, y) || !in_order(y, x) || !in_order(t, x))
        return refuse(file, err, "dimensions of %.40s are not in the order time, latitude, longitude", var->name);
    out->expver = -1;
    for (int d = 0; d < var->ndim; d++)
        if (strcmp(file->dim[var->dim[d]].name, "expver") == 0) out->expver = d;
    return check_rest(file, var, out, err);
}

/* --- which variable --- */

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

static bool has_word(const char *text, const char *word) {
    size_t length = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == text || at[-1] == ' ', ends = at[length] == ' ' || at[length] == '\0';
        if (begins && ends) return true;
    }
    return false;
}

/* A coordinate is no data: it has the name of a dimension or an axis, or some variable calls it one. */
static bool is_coordinate(const struct e5_ncfile *file, const char *name) {
    static const char *const roles[] = {"coordinates", "bounds", "grid_mapping", "ancillary_variables"};
    if (is_one_of(name, time_names) || is_one_of(name, latitude_names) || is_one_of(name, longitude_names))
        return true;
    for (size_t i = 0; i < file->ndim; i++)
        if (strcmp(file->dim[i].name, name) == 0) return true;
    for (size_t i = 0; i < file->nvar; i++)
        for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
            const struct e5_ncattr *attr = e5_ncattr_find(&file->var[i], roles[k]);
            if (attr != NULL && attr->text != NULL && has_word(attr->text, name)) return true;
        }
    return false;
}

static bool is_data(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    return !var->is_text && var->ndim > 0 && !is_coordinate(file, var->name);
}

static enum e5_status fail_naming(const struct e5_ncfile *file, const char *what, struct e5_error *err) {
    struct e5_buffer names = {0};
    for (size_t i = 0; i < file->nvar; i++)
        if (is_data(file, &file->var[i]) &&
            e5_buffer_printf(&names, NULL, "%s%s", names.size > 0 ? ", " : "", file->var[i].name) != E5_OK)
            break;
    enum e5_status status = refuse(file, err, "%s; there are: %.100s", what, names.size > 0 ? names.bytes : "none");
    e5_buffer_fini(&names);
    return status;
}

static const struct e5_ncvar *find_number(const struct e5_ncfile *file, const char *name) {
    const struct e5_ncvar *var = name[0] != '\0' ? e5_ncfile_find(file, name) : NULL;
    return var != NULL && !var->is_text ? var : NULL;
}

static const struct e5_ncvar *find_by_row(const struct e5_ncfile *file, const struct e5_variable *row) {
    const char *const names[] = {row->netcdf, row->old_netcdf, row->short_name, row->request};
    const struct e5_ncvar *var = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && var == NULL; i++) var = find_number(file, names[i]);
    return var;
}

static enum e5_status find_named(const struct e5_ncfile *file, const char *name, const struct e5_ncvar **out,
                                 struct e5_error *err) {
    char what[100];
    const struct e5_variable *row = e5_variable_find(name);
    *out = find_number(file, name);
    if (*out == NULL && row != NULL) *out = find_by_row(file, row);
    if (*out != NULL) return E5_OK;
    snprintf(what, sizeof what, "no variable %.60s", name);
    return fail_naming(file, what, err);
}

/* The only variable with all axes.  When no variable has them, the one with most dimensions is chosen, so that
 * e5_axes_find() can say what is wrong with it. */
static enum e5_status find_only(const struct e5_ncfile *file, const struct e5_ncvar **out, struct e5_error *err) {
    const struct e5_ncvar *good = NULL, *best = NULL;
    struct e5_axes axes;
    size_t count = 0;
    for (size_t i = 0; i < file->nvar; i++) {
        const struct e5_ncvar *var = &file->var[i];
        if (!is_data(file, var)) continue;
        if (best == NULL || var->ndim > best->ndim) best = var;
        if (e5_axes_find(file, var, &axes, NULL) != E5_OK) continue;
        good = var;
        count++;
    }
    if (count > 1) return fail_naming(file, "say which variable", err);
    *out = good != NULL ? good : best;
    return *out != NULL ? E5_OK : refuse(file, err, "no data variable");
}

enum e5_status e5_axes_choose(const struct e5_ncfile *file, const char *name, const struct e5_ncvar **out,
                              struct e5_error *err) {
    return name != NULL ? find_named(file, name, out, err) : find_only(file, out, err);
}
