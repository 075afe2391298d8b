/* py_store: events and tracks into the database. */
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "db/cells.h"
#include "db/lock.h"
#include "db/schema.h"
#include "db/store.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

/* --- the batch --- */

struct store_call {
    const char *path;
    double busy_seconds;
    struct e5_store_batch batch;
    struct e5_store_source *sources;
    struct e5_store_download *downloads;
    const struct e5_events *events; /* or NULL: */
    struct e5_tracks tracks;
    struct e5_pool *pool; /* for events */
    struct e5_store_added added;
};

static enum e5_status store_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct store_call *call = context;
    struct e5_store *store;
    enum e5_status status = e5_store_open(call->path, call->busy_seconds, watch, &store, err);
    if (status != E5_OK) return status;
    if (call->events != NULL) {
        struct e5_parallel par = e5_pool_parallel(call->pool);
        status = e5_store_add(store, call->events, &call->batch, &par, watch, &call->added, err);
    } else {
        status = e5_store_add_tracks(store, &call->tracks, &call->batch, watch, &call->added, err);
    }
    e5_store_close(store);
    return status;
}

static int read_download(PyObject *row, struct e5_store_download *out) {
    long long size;
    int verified;
    if (!PyTuple_Check(row)) return PyErr_SetString(PyExc_TypeError, "a download is a tuple or None"), -1;
    if (!PyArg_ParseTuple(row, "ssssLsspd", &out->service, &out->job, &out->collection, &out->request, &size,
                          &out->checksum, &out->checksum_kind, &verified, &out->finished))
        return -1;
    out->size = size;
    out->verified = verified;
    return 0;
}

static int read_source(PyObject *row, struct e5_store_source *out, struct e5_store_download *download) {
    long long size;
    PyObject *origin;
    if (!PyTuple_Check(row)) return PyErr_SetString(PyExc_TypeError, "a source is a tuple"), -1;
    if (!PyArg_ParseTuple(row, "sLssO", &out->path, &size, &out->checksum, &out->request, &origin)) return -1;
    out->size = size;
    if (origin == Py_None) return 0;
    out->download = download;
    return read_download(origin, download);
}

/* Sources from a tuple of tuples; the texts stay with those. */
static int read_sources(PyObject *rows, struct store_call *call) {
    size_t n = (size_t)PyTuple_GET_SIZE(rows);
    call->sources = PyMem_Calloc(n + 1, sizeof *call->sources);
    call->downloads = PyMem_Calloc(n + 1, sizeof *call->downloads);
    if (call->sources == NULL || call->downloads == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < n; i++)
        if (read_source(PyTuple_GET_ITEM(rows, (Py_ssize_t)i), &call->sources[i], &call->downloads[i]) < 0) return -1;
    call->batch.sources = call->sources;
    call->batch.nsources = n;
    return 0;
}

/* `what` is read already; the outcome as Python sees it. */
static PyObject *run_call(PyObject *module, struct store_call *call, PyObject *path, PyObject *sources,
                          PyObject *progress) {
    int result = read_sources(sources, call);
    call->path = PyBytes_AS_STRING(path);
    if (result == 0) result = e5py_run(module, store_body, call, progress);
    PyMem_Free(call->sources);
    PyMem_Free(call->downloads);
    if (result < 0) return NULL;
    return Py_BuildValue("LLL", (long long)call->added.added, (long long)call->added.known,
                         (long long)call->added.diagnostic);
}

PyDoc_STRVAR(store_add_doc,
             "store_add(path, events, kind, variable, units, definition, program, libraries, sources, cells, "
             "busy_seconds, progress, /)\n--\n\nAdd events to a GeoPackage; (added, known, diagnostic id).");
static PyObject *store_add(PyObject *module, PyObject *args) {
    struct store_call call = {0};
    struct e5_store_batch *batch = &call.batch;
    PyObject *path, *events, *sources, *progress, *result = NULL;
    int cells;
    if (!PyArg_ParseTuple(args, "O&OssssssO!pdO", PyUnicode_FSConverter, &path, &events, &batch->kind,
                          &batch->variable, &batch->units, &batch->definition, &batch->program, &batch->libraries,
                          &PyTuple_Type, &sources, &cells, &call.busy_seconds, &progress))
        return NULL;
    batch->cells = cells;
    call.events = e5py_events(module, events);
    if (call.events != NULL) call.pool = e5py_pool_acquire(module);
    if (call.pool != NULL) {
        result = run_call(module, &call, path, sources, progress);
        e5py_pool_release();
    }
    Py_DECREF(path);
    return result;
}

/* --- tracks --- */

enum { FIRST, SECONDS, LATITUDE, LONGITUDE, VALUE, STEP, SPEED, DIRECTION, DISPLACEMENT, COLUMNS };

static int pin_columns(PyObject *const *objects, PyArrayObject **pinned) {
    for (int i = 0; i < COLUMNS; i++)
        if ((pinned[i] = e5py_contiguous(objects[i], i <= SECONDS ? NPY_INT64 : NPY_FLOAT64, 1)) == NULL) return -1;
    npy_intp count = PyArray_DIM(pinned[DISPLACEMENT], 0), points = PyArray_DIM(pinned[SECONDS], 0);
    bool fits = PyArray_DIM(pinned[FIRST], 0) == count + 1;
    for (int i = LATITUDE; i < DISPLACEMENT; i++) fits = fits && PyArray_DIM(pinned[i], 0) == points;
    const int64_t *first = PyArray_DATA(pinned[FIRST]);
    for (npy_intp i = 0; fits && i <= count; i++) fits = first[i] >= 0 && first[i] <= points;
    return fits ? 0 : (PyErr_SetString(PyExc_ValueError, "columns of tracks do not fit each other"), -1);
}

static void set_columns(PyArrayObject **in, struct e5_tracks *out) {
    out->count = (size_t)PyArray_DIM(in[DISPLACEMENT], 0);
    out->first = PyArray_DATA(in[FIRST]);
    out->seconds = PyArray_DATA(in[SECONDS]);
    out->latitude = PyArray_DATA(in[LATITUDE]);
    out->longitude = PyArray_DATA(in[LONGITUDE]);
    out->value = PyArray_DATA(in[VALUE]);
    out->step = PyArray_DATA(in[STEP]);
    out->speed = PyArray_DATA(in[SPEED]);
    out->direction = PyArray_DATA(in[DIRECTION]);
    out->displacement = PyArray_DATA(in[DISPLACEMENT]);
}

PyDoc_STRVAR(store_add_tracks_doc,
             "store_add_tracks(path, first, seconds, latitude, longitude, value, step, speed, direction, "
             "displacement, calendar, kind, variable, units, definition, program, libraries, sources, busy_seconds, "
             "progress, /)\n--\n\nAdd tracks of points to a GeoPackage; (added, known, diagnostic id).");
static PyObject *store_add_tracks(PyObject *module, PyObject *args) {
    struct store_call call = {0};
    struct e5_store_batch *batch = &call.batch;
    PyArrayObject *in[COLUMNS] = {NULL};
    PyObject *path, *objects[COLUMNS], *sources, *progress, *result = NULL;
    const char *calendar;
    if (!PyArg_ParseTuple(args, "O&OOOOOOOOOsssssssO!dO", PyUnicode_FSConverter, &path, &objects[FIRST],
                          &objects[SECONDS], &objects[LATITUDE], &objects[LONGITUDE], &objects[VALUE], &objects[STEP],
                          &objects[SPEED], &objects[DIRECTION], &objects[DISPLACEMENT], &calendar, &batch->kind,
                          &batch->variable, &batch->units, &batch->definition, &batch->program, &batch->libraries,
                          &PyTuple_Type, &sources, &call.busy_seconds, &progress))
        return NULL;
    struct e5_error err = E5_ERROR_NONE;
    if (pin_columns(objects, in) < 0) goto out;
    if (e5_calendar_parse(calendar, &call.tracks.calendar, &err) != E5_OK) {
        e5py_raise(module, &err);
        goto out;
    }
    set_columns(in, &call.tracks);
    result = run_call(module, &call, path, sources, progress);
out:
    for (int i = 0; i < COLUMNS; i++) Py_XDECREF(in[i]);
    Py_DECREF(path);
    return result;
}

/* --- the writers' lock --- */

struct lock_call {
    const char *path;
    double busy_seconds;
    struct e5_lock lock;
};

static enum e5_status lock_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct lock_call *call = context;
    return e5_lock_take(&call->lock, call->path, e5_clock_monotonic() + call->busy_seconds, watch, err);
}

PyDoc_STRVAR(store_lock_doc, "store_lock(path, busy_seconds, /)\n--\n\n"
                             "Wait for the writers' lock of a database; what store_unlock() takes.");
static PyObject *store_lock(PyObject *module, PyObject *args) {
    struct lock_call call = {.lock.fd = -1};
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&d", PyUnicode_FSConverter, &path, &call.busy_seconds)) return NULL;
    call.path = PyBytes_AS_STRING(path);
    int result = e5py_run(module, lock_body, &call, Py_None);
    Py_DECREF(path);
    if (result == 0) return PyLong_FromLong(call.lock.fd);
    e5_lock_release(&call.lock); /* taken, but stopped by ctrl-C at the last moment */
    return NULL;
}

static PyObject *store_unlock(PyObject *Py_UNUSED(module), PyObject *number) {
    struct e5_lock lock = {.fd = (int)PyLong_AsLong(number)};
    if (lock.fd == -1 && PyErr_Occurred()) return NULL;
    e5_lock_release(&lock);
    Py_RETURN_NONE;
}

/* --- cells --- */

static PyObject *cell_column(const struct e5_run *run, size_t n, size_t offset) {
    npy_intp length = (npy_intp)n;
    PyObject *array = PyArray_SimpleNew(1, &length, NPY_INT32);
    if (array == NULL) return NULL;
    int32_t *to = PyArray_DATA((PyArrayObject *)array);
    for (size_t i = 0; i < n; i++) to[i] = *(const int32_t *)((const char *)&run[i] + offset);
    return array;
}

PyDoc_STRVAR(decode_cells_doc,
             "decode_cells(runs, /)\n--\n\nCells of event_cells.runs: arrays blob, row, first, count.");
static PyObject *decode_cells(PyObject *module, PyObject *bytes) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_run *run;
    size_t n;
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(bytes, &data, &size) < 0) return NULL;
    if (e5_cells_decode(data, (size_t)size, &run, &n, &err) != E5_OK) return e5py_raise(module, &err), NULL;
    PyObject *dict = PyDict_New();
    if (dict != NULL && (e5py_put(dict, "blob", cell_column(run, n, offsetof(struct e5_run, blob))) < 0 ||
                         e5py_put(dict, "row", cell_column(run, n, offsetof(struct e5_run, row))) < 0 ||
                         e5py_put(dict, "first", cell_column(run, n, offsetof(struct e5_run, first))) < 0 ||
                         e5py_put(dict, "count", cell_column(run, n, offsetof(struct e5_run, count))) < 0))
        Py_CLEAR(dict);
    free(run);
    return dict;
}

/* --- the schema --- */

static PyObject *schema_step(int64_t version) {
    const char *brings;
    const char *const *statements = e5_schema_statements(version, &brings);
    PyObject *texts = PyList_New(0);
    for (; texts != NULL && *statements != NULL; statements++) {
        PyObject *text = PyUnicode_FromString(*statements);
        if (text == NULL || PyList_Append(texts, text) < 0) Py_CLEAR(texts);
        Py_XDECREF(text);
    }
    return texts == NULL ? NULL : Py_BuildValue("LsN", (long long)version, brings, texts);
}

static PyObject *store_schema(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused)) {
    PyObject *steps = PyList_New(0);
    for (int64_t version = 1; steps != NULL && version <= e5_schema_newest(); version++) {
        PyObject *step = schema_step(version);
        if (step == NULL || PyList_Append(steps, step) < 0) Py_CLEAR(steps);
        Py_XDECREF(step);
    }
    return steps;
}

static PyMethodDef functions[] = {
    {"store_schema", store_schema, METH_NOARGS,
     "store_schema()\n--\n\nSteps of the schema: (version, what it brings, statements)."},
    {"store_add", store_add, METH_VARARGS, store_add_doc},
    {"store_add_tracks", store_add_tracks, METH_VARARGS, store_add_tracks_doc},
    {"store_lock", store_lock, METH_VARARGS, store_lock_doc},
    {"store_unlock", store_unlock, METH_O, "store_unlock(lock, /)\n--\n\nGive the writers' lock back."},
    {"decode_cells", decode_cells, METH_O, decode_cells_doc},
    {NULL},
};

int e5py_add_store(PyObject *module) { return PyModule_AddFunctions(module, functions); }
