/* py_events: Events as columns, and into the database. */
#include <stddef.h>
#include <string.h>

#include "db/store.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

/* --- tables as dictionaries of arrays: one row here per column
 * ------------------------------------------------------ */

struct column {
    const char *name;
    size_t offset;
    int typenum;
};

#define COLUMN(type, member, typenum) {#member, offsetof(struct type, member), typenum}

static const struct column event_columns[] = {
    COLUMN(e5_event, first_run, NPY_UINTP),
    COLUMN(e5_event, runs, NPY_UINTP),
    COLUMN(e5_event, first_state, NPY_UINTP),
    COLUMN(e5_event, states, NPY_UINTP),
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
    COLUMN(e5_event, latitude, NPY_FLOAT64),
    COLUMN(e5_event, longitude, NPY_FLOAT64),
    COLUMN(e5_event, south, NPY_FLOAT64),
    COLUMN(e5_event, north, NPY_FLOAT64),
    COLUMN(e5_event, west, NPY_FLOAT64),
    COLUMN(e5_event, east, NPY_FLOAT64),
    COLUMN(e5_event, touches_edge, NPY_BOOL),
    COLUMN(e5_event, censored, NPY_BOOL),
    {NULL, 0, 0},
};

static const struct column run_columns[] = {
    COLUMN(e5_run, time, NPY_INT32),
    COLUMN(e5_run, row, NPY_INT32),
    COLUMN(e5_run, first, NPY_INT32),
    COLUMN(e5_run, count, NPY_INT32),
    {NULL, 0, 0},
};

static const struct column state_columns[] = {
    COLUMN(e5_event_state, time, NPY_INT32),
    COLUMN(e5_event_state, area, NPY_FLOAT64),
    COLUMN(e5_event_state, mean, NPY_FLOAT64),
    COLUMN(e5_event_state, maximum, NPY_FLOAT64),
    COLUMN(e5_event_state, latitude, NPY_FLOAT64),
    COLUMN(e5_event_state, longitude, NPY_FLOAT64),
    {NULL, 0, 0},
};

static PyObject *column_array(const struct column *column, const char *rows, size_t n, size_t row_size) {
    npy_intp length = (npy_intp)n;
    PyArrayObject *array = (PyArrayObject *)PyArray_SimpleNew(1, &length, column->typenum);
    if (array == NULL) return NULL;
    size_t item = (size_t)PyArray_ITEMSIZE(array);
    char *to = PyArray_DATA(array);
    for (size_t i = 0; i < n; i++) memcpy(to + i * item, rows + i * row_size + column->offset, item);
    return (PyObject *)array;
}

static PyObject *table(const struct column *column, const void *rows, size_t n, size_t row_size) {
    PyObject *dict = PyDict_New();
    for (; dict != NULL && column->name != NULL; column++)
        if (e5py_put(dict, column->name, column_array(column, rows, n, row_size)) < 0) Py_CLEAR(dict);
    return dict;
}

static const struct e5_events *events_of(PyObject *self) { return ((struct e5py_object *)self)->owned; }

static PyObject *events_table(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_events *events = events_of(self);
    return table(event_columns, events->event, events->count, sizeof *events->event);
}

static PyObject *events_runs(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_events *events = events_of(self);
    return table(run_columns, events->run, events->run_count, sizeof *events->run);
}

static PyObject *events_states(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_events *events = events_of(self);
    return table(state_columns, events->state, events->state_count, sizeof *events->state);
}

static PyObject *events_outline(PyObject *self, PyObject *args) {
    const struct e5_events *events = events_of(self);
    Py_ssize_t i;
    if (!PyArg_ParseTuple(args, "n", &i)) return NULL;
    if (i < 0 || (size_t)i >= events->count) return PyErr_SetString(PyExc_IndexError, "no such event"), NULL;
    const struct e5_event *event = &events->event[i];
    return PyBytes_FromStringAndSize(events->geometry.bytes + event->outline, (Py_ssize_t)event->outline_size);
}

static PyObject *events_axes(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_events *events = events_of(self);
    return Py_BuildValue("{sN ss sN sN}", "seconds", e5py_array(NPY_INT64, events->seconds, events->steps),
                         "calendar", e5_calendar_name(events->calendar), "latitude",
                         e5py_array(NPY_FLOAT64, events->grid.latitude, events->grid.rows), "longitude",
                         e5py_array(NPY_FLOAT64, events->grid.longitude, events->grid.columns));
}

static Py_ssize_t events_length(PyObject *self) { return (Py_ssize_t)events_of(self)->count; }

static void events_dealloc(PyObject *self) {
    e5_events_free(((struct e5py_object *)self)->owned);
    e5py_object_free(self);
}

static PyMethodDef events_methods[] = {
    {"table", events_table, METH_NOARGS, "table()\n--\n\nOne array per property, one element per event."},
    {"runs", events_runs, METH_NOARGS, "runs()\n--\n\nCells of all events as runs along longitude."},
    {"states", events_states, METH_NOARGS, "states()\n--\n\nOne row per event and time step."},
    {"outline", events_outline, METH_VARARGS, "outline(i)\n--\n\nWKB multipolygon of event i."},
    {"axes", events_axes, METH_NOARGS, "axes()\n--\n\nTime axis and grid of the field the events were found in."},
    {NULL},
};

static PyType_Slot events_slots[] = {
    {Py_tp_dealloc, events_dealloc},
    {Py_tp_methods, events_methods},
    {Py_sq_length, events_length},
    {Py_tp_doc, "Events as plain tables; made by field()."},
    {0, NULL},
};

static PyType_Spec events_spec = {
    .name = "era5fast._core.Events",
    .basicsize = sizeof(struct e5py_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = events_slots,
};

struct e5_events *e5py_events(PyObject *module, PyObject *object) {
    if (PyObject_TypeCheck(object, e5py_state(module)->events_type)) return ((struct e5py_object *)object)->owned;
    PyErr_SetString(PyExc_TypeError, "Events are needed");
    return NULL;
}

PyObject *e5py_events_take(PyObject *module, struct e5_events *events) {
    PyObject *self = e5py_object_new(module, e5py_state(module)->events_type, events);
    if (self == NULL) e5_events_free(events);
    return self;
}

/* --- into the database
 * ---------------------------------------------------------------------------------------------- */

struct store_call {
    const char *path;
    double busy_seconds;
    const struct e5_events *events;
    struct e5_store_batch batch;
    struct e5_store_added added;
};

static enum e5_status store_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct store_call *call = context;
    struct e5_store *store;
    enum e5_status status = e5_store_open(call->path, call->busy_seconds, watch, &store, err);
    if (status != E5_OK) return status;
    status = e5_store_add(store, call->events, &call->batch, watch, &call->added, err);
    e5_store_close(store);
    return status;
}

/* Sources from a tuple of (path, size, checksum, request); the texts stay with the tuple. */
static struct e5_store_source *read_sources(PyObject *rows, size_t *n) {
    *n = (size_t)PyTuple_GET_SIZE(rows);
    struct e5_store_source *sources = PyMem_Calloc(*n + 1, sizeof *sources);
    if (sources == NULL) PyErr_NoMemory();
    for (size_t i = 0; sources != NULL && i < *n; i++) {
        struct e5_store_source *source = &sources[i];
        long long size;
        PyObject *row = PyTuple_GET_ITEM(rows, (Py_ssize_t)i);
        if (!PyTuple_Check(row)) PyErr_SetString(PyExc_TypeError, "a source is a tuple");
        if (!PyTuple_Check(row) ||
            !PyArg_ParseTuple(row, "sLss", &source->path, &size, &source->checksum, &source->request)) {
            PyMem_Free(sources);
            return NULL;
        }
        source->size = size;
    }
    return sources;
}

PyDoc_STRVAR(store_add_doc,
             "store_add(path, events, kind, variable, units, definition, program, sources, busy_seconds, progress)\n"
             "--\n\nAdd events to a GeoPackage; (added, known, diagnostic id).");
static PyObject *store_add(PyObject *module, PyObject *args) {
    struct store_call call = {0};
    struct e5_store_batch *batch = &call.batch;
    PyObject *path, *events, *sources, *progress;
    if (!PyArg_ParseTuple(args, "O&OsssssO!dO", PyUnicode_FSConverter, &path, &events, &batch->kind, &batch->variable,
                          &batch->units, &batch->definition, &batch->program, &PyTuple_Type, &sources,
                          &call.busy_seconds, &progress))
        return NULL;
    int result = -1;
    struct e5_store_source *rows = NULL;
    call.path = PyBytes_AS_STRING(path);
    call.events = e5py_events(module, events);
    if (call.events != NULL) rows = read_sources(sources, &batch->nsources);
    batch->sources = rows;
    if (rows != NULL) result = e5py_run(module, store_body, &call, progress);
    PyMem_Free(rows);
    Py_DECREF(path);
    if (result < 0) return NULL;
    return Py_BuildValue("LLL", (long long)call.added.added, (long long)call.added.known,
                         (long long)call.added.diagnostic);
}

static PyMethodDef functions[] = {
    {"store_add", store_add, METH_VARARGS, store_add_doc},
    {NULL},
};

int e5py_add_events(PyObject *module) {
    if (e5py_add_type(module, &events_spec, &e5py_state(module)->events_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
