/* py_events: Events as columns. */
#include <string.h>

#include "base/alloc.h"
#include "python/convert.h"
#include "python/event_tables.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

/* --- what a program may ask of them --- */

static const struct e5_events *events_of(PyObject *self) { return ((struct e5py_object *)self)->owned; }

#define TABLE_METHOD(name, which)                                      \
    static PyObject *name(PyObject *self, PyObject *Py_UNUSED(none)) { \
        return e5py_event_columns(self, events_of(self), which);       \
    }
TABLE_METHOD(events_table, E5PY_EVENT_ROWS)
TABLE_METHOD(events_runs, E5PY_EVENT_RUNS)
TABLE_METHOD(events_states, E5PY_EVENT_STATES)
TABLE_METHOD(events_blobs, E5PY_EVENT_BLOBS)
TABLE_METHOD(events_links, E5PY_EVENT_LINKS)

static PyObject *events_outline(PyObject *self, PyObject *args) {
    const struct e5_events *events = events_of(self);
    Py_ssize_t i;
    if (!PyArg_ParseTuple(args, "n", &i)) return NULL;
    if (i < 0 || (size_t)i >= events->count) return PyErr_SetString(PyExc_IndexError, "no such event"), NULL;
    const struct e5_event *event = &events->event[i];
    return PyBytes_FromStringAndSize(events->geometry.bytes + event->outline, (Py_ssize_t)event->outline_size);
}

static PyObject *events_geometry(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_buffer *geometry = &events_of(self)->geometry;
    return PyBytes_FromStringAndSize(geometry->bytes, (Py_ssize_t)geometry->size);
}

static PyObject *events_axes(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_events *events = events_of(self);
    return Py_BuildValue("{sN ss sN sN sd sN sN}", "seconds", e5py_array(NPY_INT64, events->seconds, events->steps),
                         "calendar", e5_calendar_name(events->calendar), "latitude",
                         e5py_array(NPY_FLOAT64, events->grid.latitude, events->grid.rows), "longitude",
                         e5py_array(NPY_FLOAT64, events->grid.longitude, events->grid.columns), "step_days",
                         events->step_days, "below", PyBool_FromLong(events->below), "wgs84",
                         PyBool_FromLong(events->grid.wgs84));
}

static Py_ssize_t events_length(PyObject *self) { return (Py_ssize_t)events_of(self)->count; }

static void events_dealloc(PyObject *self) {
    e5_events_free(((struct e5py_object *)self)->owned);
    e5py_object_free(self);
}

static PyMethodDef events_methods[] = {
    {"table", events_table, METH_NOARGS, "table($self, /)\n--\n\nOne array per property, one element per event."},
    {"runs", events_runs, METH_NOARGS, "runs($self, /)\n--\n\nCells of all events as runs along longitude."},
    {"states", events_states, METH_NOARGS, "states($self, /)\n--\n\nOne row per event and time step."},
    {"blobs", events_blobs, METH_NOARGS,
     "blobs($self, /)\n--\n\nOne row per patch of cells that touch at one time step."},
    {"links", events_links, METH_NOARGS, "links($self, /)\n--\n\nWhich blob goes on in which."},
    {"outline", events_outline, METH_VARARGS, "outline($self, i, /)\n--\n\nWKB multipolygon of event i."},
    {"geometry", events_geometry, METH_NOARGS,
     "geometry($self, /)\n--\n\nOutlines of all events, one behind the other."},
    {"axes", events_axes, METH_NOARGS,
     "axes($self, /)\n--\n\nTime axis and grid of the field the events were found in."},
    {NULL},
};

static PyType_Slot events_slots[] = {
    {Py_tp_dealloc, events_dealloc},
    {Py_tp_methods, events_methods},
    {Py_sq_length, events_length},
    {Py_tp_doc, "Events as plain tables; made by field() or events()."},
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

/* --- events from plain arrays --- */

/* Time axis and grid. */
static int fill_axes(PyObject *module, PyObject *const *axes, const char *calendar, struct e5_events *events) {
    struct e5_error err = E5_ERROR_NONE;
    static const int typenum[] = {NPY_FLOAT64, NPY_FLOAT64, NPY_INT64};
    PyArrayObject *in[3] = {NULL}; /* latitude, longitude, seconds */
    enum e5_status status = E5_INTERNAL;
    for (int i = 0; i < 3; i++)
        if ((in[i] = e5py_contiguous(axes[i], typenum[i], 1)) == NULL) goto out;
    events->steps = (size_t)PyArray_SIZE(in[2]);
    status = e5_calendar_parse(calendar, &events->calendar, &err);
    if (status == E5_OK) status = e5_alloc(events->steps, sizeof *events->seconds, &events->seconds, &err);
    if (status == E5_OK)
        status = e5_grid_init(&events->grid, PyArray_DATA(in[0]), (size_t)PyArray_SIZE(in[0]), PyArray_DATA(in[1]),
                              (size_t)PyArray_SIZE(in[1]), &err);
    if (status == E5_OK && events->steps > 0)
        memcpy(events->seconds, PyArray_DATA(in[2]), events->steps * sizeof *events->seconds);
    if (status != E5_OK) e5py_raise(module, &err);
out:
    for (int i = 0; i < 3; i++) Py_XDECREF(in[i]);
    return status == E5_OK ? 0 : -1;
}

static int fill_tables(PyObject *module, PyObject *tables, const char *wkb, size_t size, struct e5_events *events) {
    struct e5_error err = E5_ERROR_NONE;
    if (PyTuple_GET_SIZE(tables) != E5PY_EVENT_TABLES)
        return PyErr_Format(PyExc_ValueError, "%d tables are needed", E5PY_EVENT_TABLES), -1;
    for (int i = 0; i < E5PY_EVENT_TABLES; i++) {
        PyObject *columns = PyTuple_GET_ITEM(tables, i);
        if (!PyDict_Check(columns)) return PyErr_SetString(PyExc_TypeError, "a table is a dict of arrays"), -1;
        if (e5py_event_fill(module, columns, (enum e5py_event_table)i, events) < 0) return -1;
    }
    if (e5_buffer_append(&events->geometry, wkb, size, &err) == E5_OK && e5_events_check(events, &err) == E5_OK)
        return 0;
    return e5py_raise(module, &err), -1;
}

PyDoc_STRVAR(events_doc,
             "events(tables, geometry, latitude, longitude, seconds, calendar, step_days, below, wgs84, /)\n--\n\n"
             "Events from plain arrays: what table(), runs(), states(), blobs(), links(), geometry() and "
             "axes() give.");
static PyObject *events(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *tables, *axes[3];
    const char *wkb, *calendar;
    Py_ssize_t size;
    double step_days;
    int below, wgs84;
    if (!PyArg_ParseTuple(args, "O!y#OOOsdpp", &PyTuple_Type, &tables, &wkb, &size, &axes[0], &axes[1], &axes[2],
                          &calendar, &step_days, &below, &wgs84))
        return NULL;
    struct e5_events *made;
    if (e5_alloc(1, sizeof *made, &made, &err) != E5_OK) return e5py_raise(module, &err);
    made->step_days = step_days;
    made->below = below != 0;
    int result = fill_axes(module, axes, calendar, made);
    if (result == 0 && wgs84 != 0) e5_grid_use_wgs84(&made->grid);
    if (result < 0 || fill_tables(module, tables, wkb, (size_t)size, made) < 0) return e5_events_free(made), NULL;
    return e5py_events_take(module, made);
}

static PyMethodDef functions[] = {
    {"events", events, METH_VARARGS, events_doc},
    {NULL},
};

int e5py_add_events(PyObject *module) {
    if (e5py_add_type(module, &events_spec, &e5py_state(module)->events_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
