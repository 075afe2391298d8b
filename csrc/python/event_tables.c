#include "python/event_tables.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "python/raise.h"

/* --- one row per column --- */

struct column {
    const char *name;
    size_t offset;
    int typenum;
};

#define COLUMN(type, member, typenum) {#member, offsetof(struct type, member), typenum}
#define NAMED(type, name, member, typenum) {name, offsetof(struct type, member), typenum}
#define BOUNDS(type)                                                                            \
    NAMED(type, "south", box.south, NPY_FLOAT64), NAMED(type, "north", box.north, NPY_FLOAT64), \
        NAMED(type, "west", box.west, NPY_FLOAT64), NAMED(type, "east", box.east, NPY_FLOAT64)
#define SEVERITY(type)                                               \
    NAMED(type, "severity_mean", severity.mean, NPY_FLOAT64),        \
        NAMED(type, "severity_max", severity.maximum, NPY_FLOAT64),  \
        NAMED(type, "category", severity.category, NPY_INT32),       \
        NAMED(type, "area_moderate", severity.area[0], NPY_FLOAT64), \
        NAMED(type, "area_strong", severity.area[1], NPY_FLOAT64),   \
        NAMED(type, "area_severe", severity.area[2], NPY_FLOAT64),   \
        NAMED(type, "area_extreme", severity.area[3], NPY_FLOAT64)

/* Sizes and places are given as signed numbers: NumPy makes floats of signed and unsigned ones together. */
static const struct column event_columns[] = {
    COLUMN(e5_event, first_run, NPY_INTP),
    COLUMN(e5_event, runs, NPY_INTP),
    COLUMN(e5_event, first_state, NPY_INTP),
    COLUMN(e5_event, states, NPY_INTP),
    COLUMN(e5_event, first_blob, NPY_INTP),
    COLUMN(e5_event, blobs, NPY_INTP),
    COLUMN(e5_event, first_link, NPY_INTP),
    COLUMN(e5_event, links, NPY_INTP),
    COLUMN(e5_event, start, NPY_INT32),
    COLUMN(e5_event, end, NPY_INT32),
    COLUMN(e5_event, start_seconds, NPY_INT64),
    COLUMN(e5_event, end_seconds, NPY_INT64),
    COLUMN(e5_event, cells, NPY_INT64),
    COLUMN(e5_event, volume, NPY_FLOAT64),
    COLUMN(e5_event, footprint, NPY_FLOAT64),
    COLUMN(e5_event, area_max, NPY_FLOAT64),
    COLUMN(e5_event, area_mean, NPY_FLOAT64),
    COLUMN(e5_event, area_max_time, NPY_INT32),
    COLUMN(e5_event, peak, NPY_FLOAT64),
    COLUMN(e5_event, peak_value, NPY_FLOAT64),
    COLUMN(e5_event, peak_time, NPY_INT32),
    COLUMN(e5_event, peak_row, NPY_INT32),
    COLUMN(e5_event, peak_column, NPY_INT32),
    COLUMN(e5_event, exceedance_mean, NPY_FLOAT64),
    COLUMN(e5_event, exceedance_sum, NPY_FLOAT64),
    SEVERITY(e5_event),
    COLUMN(e5_event, latitude, NPY_FLOAT64),
    COLUMN(e5_event, longitude, NPY_FLOAT64),
    COLUMN(e5_event, path, NPY_FLOAT64),
    COLUMN(e5_event, displacement, NPY_FLOAT64),
    BOUNDS(e5_event),
    COLUMN(e5_event, merges, NPY_INT32),
    COLUMN(e5_event, splits, NPY_INT32),
    COLUMN(e5_event, touches_edge, NPY_BOOL),
    COLUMN(e5_event, crosses_seam, NPY_BOOL),
    COLUMN(e5_event, touches_pole, NPY_BOOL),
    COLUMN(e5_event, censored_start, NPY_BOOL),
    COLUMN(e5_event, censored_end, NPY_BOOL),
    COLUMN(e5_event, outline, NPY_INTP),
    COLUMN(e5_event, outline_size, NPY_INTP),
    {NULL, 0, 0},
};

static const struct column run_columns[] = {
    COLUMN(e5_run, time, NPY_INT32),  COLUMN(e5_run, row, NPY_INT32),  COLUMN(e5_run, first, NPY_INT32),
    COLUMN(e5_run, count, NPY_INT32), COLUMN(e5_run, blob, NPY_INT32), {NULL, 0, 0},
};

static const struct column state_columns[] = {
    COLUMN(e5_event_state, time, NPY_INT32),
    COLUMN(e5_event_state, blobs, NPY_INT32),
    COLUMN(e5_event_state, area, NPY_FLOAT64),
    COLUMN(e5_event_state, mean, NPY_FLOAT64),
    COLUMN(e5_event_state, maximum, NPY_FLOAT64),
    COLUMN(e5_event_state, latitude, NPY_FLOAT64),
    COLUMN(e5_event_state, longitude, NPY_FLOAT64),
    BOUNDS(e5_event_state),
    SEVERITY(e5_event_state),
    {NULL, 0, 0},
};

static const struct column blob_columns[] = {
    COLUMN(e5_blob, time, NPY_INT32),
    COLUMN(e5_blob, area, NPY_FLOAT64),
    COLUMN(e5_blob, mean, NPY_FLOAT64),
    COLUMN(e5_blob, maximum, NPY_FLOAT64),
    COLUMN(e5_blob, latitude, NPY_FLOAT64),
    COLUMN(e5_blob, longitude, NPY_FLOAT64),
    {NULL, 0, 0},
};

static const struct column link_columns[] = {
    COLUMN(e5_link, from, NPY_INT32),
    COLUMN(e5_link, to, NPY_INT32),
    COLUMN(e5_link, area, NPY_FLOAT64),
    {NULL, 0, 0},
};

_Static_assert(sizeof(size_t) == sizeof(npy_intp), "sizes are given as intp");
_Static_assert(E5_CATEGORIES == 4, "a column for the area of each category");

/* --- one row per table --- */

struct table {
    const char *name;
    const struct column *column;
    size_t row_size, rows, count; /* offsets in struct e5_events: pointer to the rows, number of rows */
};

#define TABLE(name, columns, member, counter)                                                    \
    {name, columns, sizeof *((struct e5_events *)0)->member, offsetof(struct e5_events, member), \
     offsetof(struct e5_events, counter)}

static const struct table tables[E5PY_EVENT_TABLES] = {
    [E5PY_EVENT_ROWS] = TABLE("events", event_columns, event, count),
    [E5PY_EVENT_RUNS] = TABLE("runs", run_columns, run, run_count),
    [E5PY_EVENT_STATES] = TABLE("states", state_columns, state, state_count),
    [E5PY_EVENT_BLOBS] = TABLE("blobs", blob_columns, blob, blob_count),
    [E5PY_EVENT_LINKS] = TABLE("links", link_columns, link, link_count),
};

/* --- events → arrays --- */

static PyObject *view(PyObject *owner, const struct column *column, const char *rows, size_t n, size_t row_size) {
    npy_intp length = (npy_intp)n, stride = (npy_intp)row_size;
    if (n == 0) return PyArray_SimpleNew(1, &length, column->typenum);
    PyArray_Descr *type = PyArray_DescrFromType(column->typenum);
    if (type == NULL) return NULL;
    void *first = (char *)(uintptr_t)rows + column->offset; /* not written to: the array is not writeable */
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, type, 1, &length, &stride, first, 0, NULL);
    if (array == NULL) return NULL;
    Py_INCREF(owner);
    if (PyArray_SetBaseObject((PyArrayObject *)array, owner) < 0) Py_CLEAR(array);
    return array;
}

PyObject *e5py_event_columns(PyObject *owner, const struct e5_events *events, enum e5py_event_table which) {
    const struct table *table = &tables[which];
    const char *rows;
    size_t n;
    memcpy(&rows, (const char *)events + table->rows, sizeof rows);
    memcpy(&n, (const char *)events + table->count, sizeof n);
    PyObject *dict = PyDict_New();
    for (const struct column *column = table->column; dict != NULL && column->name != NULL; column++)
        if (e5py_put(dict, column->name, view(owner, column, rows, n, table->row_size)) < 0) Py_CLEAR(dict);
    return dict;
}

/* --- arrays → events --- */

/* The array of a column; a new reference. */
static PyArrayObject *given(PyObject *columns, const struct table *table, const struct column *column) {
    PyObject *item = PyDict_GetItemString(columns, column->name);
    if (item == NULL)
        return PyErr_Format(PyExc_ValueError, "%s: column %s is missing", table->name, column->name), NULL;
    return e5py_contiguous(item, column->typenum, 1);
}

static void scatter(PyArrayObject *array, const struct column *column, char *rows, size_t row_size) {
    size_t n = (size_t)PyArray_DIM(array, 0), item = (size_t)PyArray_ITEMSIZE(array);
    const char *from = PyArray_DATA(array);
    for (size_t i = 0; i < n; i++) memcpy(rows + i * row_size + column->offset, from + i * item, item);
}

int e5py_event_fill(PyObject *module, PyObject *columns, enum e5py_event_table which, struct e5_events *events) {
    const struct table *table = &tables[which];
    struct e5_error err = E5_ERROR_NONE;
    char *rows = NULL;
    size_t n = 0;
    for (const struct column *column = table->column; column->name != NULL; column++) {
        PyArrayObject *array = given(columns, table, column);
        if (array == NULL) return free(rows), -1;
        if (rows == NULL) {
            n = (size_t)PyArray_DIM(array, 0);
            if (e5_alloc(n, table->row_size, &rows, &err) != E5_OK)
                return Py_DECREF(array), e5py_raise(module, &err), -1;
        }
        bool fits = (size_t)PyArray_DIM(array, 0) == n;
        if (fits) scatter(array, column, rows, table->row_size);
        Py_DECREF(array);
        if (!fits) return free(rows), PyErr_SetString(PyExc_ValueError, "columns of different lengths"), -1;
    }
    memcpy((char *)events + table->rows, &rows, sizeof rows);
    memcpy((char *)events + table->count, &n, sizeof n);
    return 0;
}
