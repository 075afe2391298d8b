#include "io/fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "io/probe.h"

#define TOLERANCE 1e-4 /* degrees, hPa, … */

/* `how`: ": this, not that", or nothing. */
static enum e5_status mismatch(const struct e5_member *a, const struct e5_member *b, const char *what,
                               const char *how, struct e5_error *err) {
    const char *slash = strrchr(a->file->path, '/');
    return e5_probe_fail(err, E5_INPUT, b->file->path, "read them separately", "%s differs from that of %.80s%s",
                         what, slash != NULL ? slash + 1 : a->file->path, how);
}

enum e5_status e5_fit_mismatch(const struct e5_member *a, const struct e5_member *b, const char *what,
                               struct e5_error *err) {
    return mismatch(a, b, what, "", err);
}

static enum e5_status other_grid(const struct e5_member *a, const struct e5_member *b, int axis,
                                 struct e5_error *err) {
    char how[160];
    const double *x = a->values[axis], *y = b->values[axis];
    size_t n = a->count[axis], m = b->count[axis];
    if (n == 0 || m == 0) return mismatch(a, b, "its grid", "", err);
    snprintf(how, sizeof how, ": %zu %s from %g to %g, not %zu from %g to %g", m,
             axis == E5_AXIS_LATITUDE ? "latitudes" : "longitudes", y[0], y[m - 1], n, x[0], x[n - 1]);
    return mismatch(a, b, "its grid", how, err);
}

/* --- the same values in another order --- */

bool e5_fit_equal(double a, double b) { return fabs(a - b) <= TOLERANCE; }

static bool equal(double a, double b, double period) {
    return e5_fit_equal(period > 0 ? remainder(a - b, period) : a - b, 0);
}

static bool same_order(const double *values, const double *other, size_t n, double period) {
    for (size_t i = 0; i < n; i++)
        if (!equal(values[i], other[i], period)) return false;
    return true;
}

struct place {
    double key;
    size_t index;
};

static int by_key(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Sorted by value, reduced to one period; what lies just below its end counts as its beginning. */
static void sort_places(const double *values, size_t n, double period, struct place *out) {
    for (size_t i = 0; i < n; i++) {
        double key = period > 0 ? values[i] - floor(values[i] / period) * period : values[i];
        if (period > 0 && key > period - TOLERANCE) key -= period;
        out[i] = (struct place){key, i};
    }
    qsort(out, n, sizeof *out, by_key);
}

enum e5_status e5_fit_values(const double *values, const double *other, size_t n, double period, bool *found,
                             size_t **map, struct e5_error *err) {
    struct place *place = NULL;
    *map = NULL;
    *found = same_order(values, other, n, period);
    if (*found) return E5_OK;
    enum e5_status status = e5_alloc(2 * n, sizeof *place, &place, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof **map, map, err);
    if (status == E5_OK) {
        sort_places(values, n, period, place);
        sort_places(other, n, period, place + n);
        *found = true;
        for (size_t i = 0; i < n; i++) {
            *found &= equal(place[i].key, place[n + i].key, period);
            (*map)[place[i].index] = place[n + i].index;
        }
    }
    free(place);
    return status;
}

/* --- the same kind --- */

static const char *units_of(const struct e5_member *m) {
    const struct e5_ncattr *units = e5_ncattr_find(m->var, "units");
    return units != NULL && units->text != NULL ? units->text : "";
}

static bool is_kelvin(const char *units) {
    return strcmp(units, "K") == 0 || strcmp(units, "kelvin") == 0 || strcmp(units, "Kelvin") == 0;
}

static bool same_units(const struct e5_member *a, const struct e5_member *b) {
    const char *x = units_of(a), *y = units_of(b);
    return x[0] == '\0' || y[0] == '\0' || strcmp(x, y) == 0 || (is_kelvin(x) && is_kelvin(y));
}

static enum e5_status other_units(const struct e5_member *a, const struct e5_member *b, struct e5_error *err) {
    char how[80];
    snprintf(how, sizeof how, ": %.30s, not %.30s", units_of(b), units_of(a));
    return mismatch(a, b, "the variable's unit", how, err);
}

/* A mean and a maximum of one variable have one name: what their attributes say of it must not differ. */
static bool same_statistic(const struct e5_member *a, const struct e5_member *b) {
    static const char *const names[] = {"cell_methods", "GRIB_stepType"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct e5_ncattr *x = e5_ncattr_find(a->var, names[i]), *y = e5_ncattr_find(b->var, names[i]);
        bool both = x != NULL && y != NULL && x->text != NULL && y->text != NULL;
        if (both && strcmp(x->text, y->text) != 0) return false;
    }
    return true;
}

/* The service's old files say "gregorian", the new ones "proleptic_gregorian": the same since 1582. */
static bool same_calendar(enum e5_calendar a, enum e5_calendar b) {
    bool both_civil = (a == E5_STANDARD || a == E5_PROLEPTIC) && (b == E5_STANDARD || b == E5_PROLEPTIC);
    return a == b || both_civil;
}

/* Pressure and model levels do not mix; a file that does not say its level fits to any single one. */
static bool same_levels(const struct e5_member *a, const struct e5_member *b) {
    const struct e5_ncvar *x = a->axes.axis[E5_AXIS_LEVEL].var, *y = b->axes.axis[E5_AXIS_LEVEL].var;
    if (x == NULL || y == NULL) return a->count[E5_AXIS_LEVEL] == b->count[E5_AXIS_LEVEL];
    return strcmp(e5_axes_level_name(x), e5_axes_level_name(y)) == 0;
}

enum e5_status e5_fit(const struct e5_member *first, const struct e5_member *other, size_t **map,
                      struct e5_error *err) {
    for (int role = E5_AXIS_LATITUDE; role <= E5_AXIS_LONGITUDE; role++) {
        size_t n = first->count[role];
        bool found = n == other->count[role];
        enum e5_status status = E5_OK;
        if (found)
            status = e5_fit_values(first->values[role], other->values[role], n, role == E5_AXIS_LONGITUDE ? 360 : 0,
                                   &found, &map[role], err);
        if (status != E5_OK) return status;
        if (!found) return other_grid(first, other, role, err);
    }
    if (!same_units(first, other)) return other_units(first, other, err);
    if (!same_statistic(first, other)) return e5_fit_mismatch(first, other, "its statistic", err);
    if (!same_levels(first, other)) return e5_fit_mismatch(first, other, "its kind of level", err);
    return same_calendar(first->calendar, other->calendar) ? E5_OK
                                                           : e5_fit_mismatch(first, other, "its calendar", err);
}
