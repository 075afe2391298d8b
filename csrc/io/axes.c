#include "io/axes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "io/probe.h"
#include "model/variable.h"

static const char *const names_of[E5_AXES][6] = {
    [E5_AXIS_TIME] = {"valid_time", "time", "date"},
    [E5_AXIS_NUMBER] = {"number"},
    [E5_AXIS_LEVEL] = {"pressure_level", "model_level", "isobaricInhPa", "hybrid", "level"},
    [E5_AXIS_LATITUDE] = {"latitude", "lat"},
    [E5_AXIS_LONGITUDE] = {"longitude", "lon"},
};
/* Dimensions along which forecasts begin or run: with one of them the moment of a value is a sum. */
static const char *const forecast_names[] = {
    "forecast_reference_time", "forecast_period", "step", "leadtime", "lead_time", NULL};

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

/* Where a variable of at most one dimension lies in the data variable: the position of that dimension, or −1. */
static int position_of(const struct e5_ncvar *var, const struct e5_ncvar *axis) {
    for (int d = 0; d < var->ndim && axis->ndim == 1; d++)
        if (var->dim[d] == axis->dim[0]) return d;
    return -1;
}

/* An axis is a variable of one of the names, over one dimension of the data variable, else of a single value. */
static struct e5_axis find_axis(const struct e5_ncfile *file, const struct e5_ncvar *var, const char *const *names) {
    struct e5_axis found = {NULL, -1};
    for (; *names != NULL; names++) {
        const struct e5_ncvar *axis = e5_ncfile_find(file, *names);
        if (axis == NULL || axis->is_text || axis->ndim > 1 || axis == var) continue;
        int dim = position_of(var, axis);
        if (dim >= 0) return (struct e5_axis){axis, dim};
        bool single = axis->ndim == 0 || file->dim[axis->dim[0]].length == 1;
        if (found.var == NULL && single) found.var = axis;
    }
    return found;
}

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

static const struct e5_ncdim *dim_of(const struct e5_ncfile *file, const struct e5_ncvar *var, int d) {
    return &file->dim[var->dim[d]];
}

static bool is_taken(const struct e5_axes *axes, int d) {
    for (int role = 0; role < E5_AXES; role++)
        if (axes->axis[role].dim == d) return true;
    return d == axes->expver;
}

static const char *forecast_dim(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                const struct e5_axes *axes) {
    for (int d = 0; d < var->ndim; d++)
        if (!is_taken(axes, d) && is_one_of(dim_of(file, var, d)->name, forecast_names))
            return dim_of(file, var, d)->name;
    return NULL;
}

/* A forecast's time is its beginning; only "valid_time" is the moment of the values. */
static enum e5_status check_forecast(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                     const struct e5_axes *axes, struct e5_error *err) {
    const char *name = forecast_dim(file, var, axes);
    const struct e5_ncvar *time = axes->axis[E5_AXIS_TIME].var;
    bool valid = time != NULL && strcmp(time->name, "valid_time") == 0;
    if (name == NULL || valid) return E5_OK;
    return refuse(file, err, "variable %.40s is a forecast along %.40s: its values need one axis of valid_time",
                  var->name, name);
}

static bool shares(const struct e5_axes *axes, int role, int other) {
    return axes->axis[role].dim >= 0 && axes->axis[role].dim == axes->axis[other].dim;
}

/* Stations and tracks have latitudes and longitudes along one dimension; a number or level for each moment is no
 * axis.
 */
static enum e5_status check_shared(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *axes,
                                   struct e5_error *err) {
    static const int grid[] = {E5_AXIS_TIME, E5_AXIS_LATITUDE, E5_AXIS_LONGITUDE};
    for (int i = 0; i < 3; i++) {
        int a = grid[i], b = grid[(i + 1) % 3];
        if (shares(axes, a, b))
            return refuse(file, err, "variable %.40s is on no grid: its %.20s and %.20s run along %.40s", var->name,
                          axes->axis[a].var->name, axes->axis[b].var->name,
                          dim_of(file, var, axes->axis[a].dim)->name);
    }
    for (int role = E5_AXIS_NUMBER; role <= E5_AXIS_LEVEL; role++)
        for (int other = 0; other < E5_AXES; other++)
            if (other != role && shares(axes, role, other)) axes->axis[role] = (struct e5_axis){NULL, -1};
    return E5_OK;
}

/* A dimension that no name explains is the level when it is the only one, and has values. */
static enum e5_status take_rest(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *axes,
                                struct e5_error *err) {
    for (int d = 0; d < var->ndim; d++) {
        const struct e5_ncdim *dim = dim_of(file, var, d);
        if (is_taken(axes, d) || dim->length == 1) continue;
        const struct e5_ncvar *values = e5_ncfile_find(file, dim->name);
        bool good = values != NULL && !values->is_text && values->ndim == 1 && values->dim[0] == var->dim[d];
        if (axes->axis[E5_AXIS_LEVEL].dim >= 0 || !good || is_one_of(dim->name, forecast_names))
            return refuse(file, err, "variable %.40s has %zu values of %.40s: write one of them to a file of its own",
                          var->name, dim->length, dim->name);
        axes->axis[E5_AXIS_LEVEL] = (struct e5_axis){values, d};
    }
    return E5_OK;
}

enum e5_status e5_axes_find(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *out,
                            struct e5_error *err) {
    static const char *const elsewhere = "xarray.open_dataset(…, engine='era5fast') opens it";
    for (int role = 0; role < E5_AXES; role++) out->axis[role] = find_axis(file, var, names_of[role]);
    out->expver = -1;
    for (int d = 0; d < var->ndim; d++)
        if (strcmp(dim_of(file, var, d)->name, "expver") == 0) out->expver = d;
    enum e5_status status = check_forecast(file, var, out, err);
    if (status != E5_OK) return status;
    if (out->axis[E5_AXIS_TIME].var == NULL)
        return e5_probe_fail(err, E5_INPUT, file->path, elsewhere,
                             "variable %.40s has no time axis (valid_time, time or date)", var->name);
    if (out->axis[E5_AXIS_LATITUDE].var == NULL)
        return e5_probe_fail(err, E5_INPUT, file->path, elsewhere,
                             "variable %.40s has no latitude axis (latitude or lat)", var->name);
    if (out->axis[E5_AXIS_LONGITUDE].var == NULL)
        return e5_probe_fail(err, E5_INPUT, file->path, elsewhere,
                             "variable %.40s has no longitude axis (longitude or lon)", var->name);
    status = check_shared(file, var, out, err);
    return status == E5_OK ? take_rest(file, var, out, err) : status;
}

static bool is_pressure(const struct e5_ncvar *level) {
    static const char *const units[] = {"millibars", "millibar", "mbar", "hPa", NULL};
    const struct e5_ncattr *attr = e5_ncattr_find(level, "units");
    if (strcmp(level->name, "isobaricInhPa") == 0) return true;
    return strcmp(level->name, "level") == 0 && attr != NULL && attr->text != NULL && is_one_of(attr->text, units);
}

const char *e5_axes_level_name(const struct e5_ncvar *level) {
    if (is_pressure(level)) return "pressure_level";
    return strcmp(level->name, "hybrid") == 0 ? "model_level" : level->name;
}

/* --- which variable --- */

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
    for (int role = 0; role < E5_AXES; role++)
        if (is_one_of(name, names_of[role])) return true;
    if (strcmp(name, "expver") == 0) return true;
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

/* The only variable with all axes; one over time comes before those of a single moment (masks, areas).  When no
 * variable has them, the one with most dimensions is chosen, so that e5_axes_find() can say what is wrong with it. */
static enum e5_status find_only(const struct e5_ncfile *file, const struct e5_ncvar **out, struct e5_error *err) {
    const struct e5_ncvar *good[2] = {NULL, NULL}, *best = NULL;
    size_t count[2] = {0, 0};
    struct e5_axes axes;
    for (size_t i = 0; i < file->nvar; i++) {
        const struct e5_ncvar *var = &file->var[i];
        if (!is_data(file, var)) continue;
        if (best == NULL || var->ndim > best->ndim) best = var;
        if (e5_axes_find(file, var, &axes, NULL) != E5_OK) continue;
        bool over_time = axes.axis[E5_AXIS_TIME].dim >= 0;
        good[over_time] = var;
        count[over_time]++;
    }
    bool over_time = count[true] > 0;
    if (count[over_time] > 1) return fail_naming(file, "say which variable", err);
    *out = good[over_time] != NULL ? good[over_time] : best;
    return *out != NULL ? E5_OK : refuse(file, err, "no data variable");
}

enum e5_status e5_axes_choose(const struct e5_ncfile *file, const char *name, const struct e5_ncvar **out,
                              struct e5_error *err) {
    return name != NULL ? find_named(file, name, out, err) : find_only(file, out, err);
}
