/* py_field: the entries for FIELD kernels: a record as a whole, a slab of it, and slabs together. */
#include "base/alloc.h"
#include "drive/find_slab.h"
#include "drive/find_stream.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* of a stream: small beside any laptop's memory, large beside a chunk */

enum { THRESHOLD, CORE, CLIMATOLOGY, WHERE, LIMITS };
enum { LATITUDE, LONGITUDE, AXES };

struct field_call {
    struct e5_find_request request;
    struct e5_event_rule rule;
    struct e5_source source;
    struct e5_view view;
    struct e5_grid grid;
    struct e5_limits limits[LIMITS];
    PyArrayObject *values[LIMITS], *slots[LIMITS], *axis[AXES], *seconds;
    struct e5_pool *pool;
    struct e5_events *events;
    /* of a slab: */
    PyArrayObject *linked;
    size_t first, end;
    struct e5_buffer bytes;
    /* of slabs: */
    Py_buffer *held;
    struct e5_find_bytes *slab;
    size_t slabs;
};

static enum e5_status field_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct field_call *call = context;
    return e5_find(&call->request, call->pool, watch, &call->events, err);
}

static enum e5_status slab_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct field_call *call = context;
    return e5_find_slab(&call->request, PyArray_DATA(call->linked), call->first, call->end, call->pool, watch,
                        &call->bytes, err);
}

static enum e5_status join_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct field_call *call = context;
    return e5_find_join(&call->request, call->slab, call->slabs, call->pool, watch, &call->events, err);
}

/* --- what is given --- */

/* Whether every step has a map. */
static bool slots_fit(const struct field_call *call, int which, size_t maps) {
    if (call->slots[which] == NULL) return maps >= 1;
    const int32_t *slot = PyArray_DATA(call->slots[which]);
    size_t steps = (size_t)PyArray_DIM(call->slots[which], 0);
    bool fits = steps == call->source.steps;
    for (size_t t = 0; fits && t < steps; t++) fits = slot[t] >= 0 && (size_t)slot[t] < maps;
    return fits;
}

/* None, or (maps, slot of each step or None, scale, offset). */
static int read_limits(PyObject *module, PyObject *given, struct field_call *call, int which,
                       const struct e5_limits **out) {
    struct e5_limits *limits = &call->limits[which];
    PyObject *values, *slots;
    double scale, offset;
    if (given == Py_None) return 0;
    if (!PyArg_ParseTuple(given, "O!Odd", &PyArray_Type, &values, &slots, &scale, &offset)) return -1;
    call->values[which] = (PyArrayObject *)Py_NewRef(values);
    if (e5py_view(module, call->values[which], &limits->view) < 0) return -1;
    limits->view.packing.scale = scale, limits->view.packing.offset = offset;
    if (slots != Py_None && (call->slots[which] = e5py_contiguous(slots, NPY_INT32, 1)) == NULL) return -1;
    if (slots != Py_None) limits->slot = PyArray_DATA(call->slots[which]);
    const size_t *shape = limits->view.shape;
    bool fits = limits->view.ndim == 3 && shape[1] == call->grid.rows && shape[2] == call->grid.columns;
    if (!fits) return PyErr_SetString(PyExc_ValueError, "maps and data have different cells"), -1;
    if (!slots_fit(call, which, shape[0])) return PyErr_SetString(PyExc_ValueError, "a slot outside the maps"), -1;
    *out = limits;
    return 0;
}

static int read_grid(PyObject *module, PyObject *const *objects, struct field_call *call) {
    struct e5_error err = E5_ERROR_NONE;
    for (int i = 0; i < AXES; i++)
        if ((call->axis[i] = e5py_contiguous(objects[i], NPY_FLOAT64, 1)) == NULL) return -1;
    if (e5_grid_init(&call->grid, PyArray_DATA(call->axis[LATITUDE]), (size_t)PyArray_SIZE(call->axis[LATITUDE]),
                     PyArray_DATA(call->axis[LONGITUDE]), (size_t)PyArray_SIZE(call->axis[LONGITUDE]), &err) != E5_OK)
        return e5py_raise(module, &err), -1;
    call->request.grid = &call->grid;
    return 0;
}

static int read_times(PyObject *module, PyObject *seconds, const char *calendar, struct field_call *call) {
    if ((call->seconds = e5py_contiguous(seconds, NPY_INT64, 1)) == NULL) return -1;
    return e5py_time_axis(module, call->seconds, calendar, &call->request.axis);
}

static int read_field(PyObject *module, PyObject *object, size_t steps, struct field_call *call) {
    if (e5py_source(module, object, &call->view, &call->source) < 0) return -1;
    const char *wrong = NULL;
    if (call->view.ndim != 3 || call->view.shape[1] != call->grid.rows || call->view.shape[2] != call->grid.columns)
        wrong = "latitude and longitude do not fit the data";
    else if (steps != call->source.steps)
        wrong = "times do not fit the data";
    call->request.source = &call->source;
    return wrong == NULL ? 0 : (PyErr_SetString(PyExc_ValueError, wrong), -1);
}

static int read_all_limits(PyObject *module, PyObject *const *limits, struct field_call *call) {
    const struct e5_limits **out[LIMITS] = {[THRESHOLD] = &call->request.threshold,
                                            [CORE] = &call->request.core,
                                            [CLIMATOLOGY] = &call->request.climatology,
                                            [WHERE] = &call->request.where};
    for (int i = 0; i < LIMITS; i++)
        if (read_limits(module, limits[i], call, i, out[i]) < 0) return -1;
    return 0;
}

static int read_rule(PyObject *module, const char *name, PyObject *values, enum e5_calendar calendar,
                     struct field_call *call) {
    struct e5_params params;
    const struct e5_kernel *kernel = e5py_kernel(module, name, E5_FIELD);
    if (kernel == NULL || e5py_params(module, kernel, values, calendar, &params) < 0) return -1;
    kernel->ops.field->rule(&params, &call->rule);
    call->request.rule = &call->rule;
    return 0;
}

/* One flag for each step; its number. */
static int read_linked(PyObject *object, size_t *steps, struct field_call *call) {
    if ((call->linked = e5py_contiguous(object, NPY_BOOL, 1)) == NULL) return -1;
    *steps = (size_t)PyArray_SIZE(call->linked);
    return 0;
}

/* A sequence of objects that lend their bytes. */
static int read_slabs(PyObject *module, PyObject *objects, struct field_call *call) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *sequence = PySequence_Fast(objects, "slabs are a sequence");
    if (sequence == NULL) return -1;
    size_t n = (size_t)PySequence_Fast_GET_SIZE(sequence);
    int result = 0;
    if (e5_alloc(n, sizeof *call->held, &call->held, &err) != E5_OK ||
        e5_alloc(n, sizeof *call->slab, &call->slab, &err) != E5_OK)
        e5py_raise(module, &err), result = -1;
    for (size_t i = 0; result == 0 && i < n; i++) {
        Py_buffer *held = &call->held[i];
        result = PyObject_GetBuffer(PySequence_Fast_GET_ITEM(sequence, (Py_ssize_t)i), held, PyBUF_SIMPLE);
        if (result < 0) break;
        call->slab[call->slabs++] = (struct e5_find_bytes){held->buf, (size_t)held->len};
    }
    Py_DECREF(sequence);
    return result;
}

/* --- the calls --- */

/* 0, or −1 with an exception set. */
static int run(PyObject *module, e5_job_fn body, struct field_call *call, PyObject *progress) {
    call->pool = e5py_pool_acquire(module);
    if (call->pool == NULL) return -1;
    int result = e5py_run(module, body, call, progress);
    e5py_pool_release();
    return result;
}

static PyObject *run_for_events(PyObject *module, e5_job_fn body, struct field_call *call, PyObject *progress) {
    if (run(module, body, call, progress) == 0) return e5py_events_take(module, call->events);
    e5_events_free(call->events); /* made, but stopped by ctrl-C or the progress callback at the last moment */
    return NULL;
}

static PyObject *run_for_bytes(PyObject *module, struct field_call *call) {
    if (run(module, slab_body, call, Py_None) < 0) return NULL;
    return PyBytes_FromStringAndSize(call->bytes.bytes, (Py_ssize_t)call->bytes.size);
}

static void call_fini(struct field_call *call) {
    e5_grid_fini(&call->grid);
    for (int i = 0; i < LIMITS; i++) {
        Py_XDECREF(call->values[i]);
        Py_XDECREF(call->slots[i]);
    }
    for (int i = 0; i < AXES; i++) Py_XDECREF(call->axis[i]);
    Py_XDECREF(call->seconds);
    Py_XDECREF(call->linked);
    e5_buffer_fini(&call->bytes);
    for (size_t i = 0; i < call->slabs; i++) PyBuffer_Release(&call->held[i]);
    free(call->held);
    free(call->slab);
}

PyDoc_STRVAR(field_doc,
             "field(name, params, source, below, limits, seconds, latitude, longitude, calendar, budget, directory, "
             "progress, /)\n--\n\n"
             "Run a FIELD kernel; Events.  `limits` are threshold, core, climatology and mask, each None or (maps,\n"
             "slot of each step or None, scale, offset).");
static PyObject *field(PyObject *module, PyObject *args) {
    struct field_call call = {.request.block_bytes = BLOCK_BYTES};
    PyObject *source, *limits[LIMITS], *axes[AXES], *seconds, *values, *progress, *result = NULL;
    const char *name, *calendar;
    unsigned long long budget;
    int below;
    if (!PyArg_ParseTuple(args, "sOOp(OOOO)OOOsKsO", &name, &values, &source, &below, &limits[THRESHOLD],
                          &limits[CORE], &limits[CLIMATOLOGY], &limits[WHERE], &seconds, &axes[LATITUDE],
                          &axes[LONGITUDE], &calendar, &budget, &call.request.directory, &progress))
        return NULL;
    call.request.below = below;
    call.request.budget = (size_t)budget;
    if (read_grid(module, axes, &call) == 0 && read_times(module, seconds, calendar, &call) == 0 &&
        read_rule(module, name, values, call.request.axis.calendar, &call) == 0 &&
        read_field(module, source, call.request.axis.n, &call) == 0 && read_all_limits(module, limits, &call) == 0)
        result = run_for_events(module, field_body, &call, progress);
    call_fini(&call);
    return result;
}

PyDoc_STRVAR(slab_doc,
             "field_slab(name, params, source, below, limits, linked, first, end, latitude, longitude, /)\n--\n\n"
             "What field() keeps of the steps first to end of the source, as bytes for field_join().  The other "
             "steps\n"
             "lie around them, field_around() on either side or as many as there are; `linked` says of each step\n"
             "whether it follows its predecessor in time.");
static PyObject *field_slab(PyObject *module, PyObject *args) {
    struct field_call call = {.request.block_bytes = BLOCK_BYTES};
    PyObject *source, *limits[LIMITS], *axes[AXES], *linked, *values, *result = NULL;
    const char *name;
    Py_ssize_t first, end;
    size_t steps;
    int below;
    if (!PyArg_ParseTuple(args, "sOOp(OOOO)OnnOO", &name, &values, &source, &below, &limits[THRESHOLD], &limits[CORE],
                          &limits[CLIMATOLOGY], &limits[WHERE], &linked, &first, &end, &axes[LATITUDE],
                          &axes[LONGITUDE]))
        return NULL;
    if (first < 0 || end < first) return PyErr_SetString(PyExc_ValueError, "no such steps"), NULL;
    call.request.below = below;
    call.first = (size_t)first, call.end = (size_t)end;
    if (read_grid(module, axes, &call) == 0 && read_linked(linked, &steps, &call) == 0 &&
        read_rule(module, name, values, E5_PROLEPTIC, &call) == 0 && read_field(module, source, steps, &call) == 0 &&
        read_all_limits(module, limits, &call) == 0)
        result = run_for_bytes(module, &call);
    call_fini(&call);
    return result;
}

PyDoc_STRVAR(join_doc,
             "field_join(name, params, slabs, below, seconds, latitude, longitude, calendar, budget, directory, "
             "progress, /)\n--\n\n"
             "The Events that field() would have made of the record, from the bytes of its slabs in order of time.");
static PyObject *field_join(PyObject *module, PyObject *args) {
    struct field_call call = {0};
    PyObject *slabs, *axes[AXES], *seconds, *values, *progress, *result = NULL;
    const char *name, *calendar;
    unsigned long long budget;
    int below;
    if (!PyArg_ParseTuple(args, "sOOpOOOsKsO", &name, &values, &slabs, &below, &seconds, &axes[LATITUDE],
                          &axes[LONGITUDE], &calendar, &budget, &call.request.directory, &progress))
        return NULL;
    call.request.below = below;
    call.request.budget = (size_t)budget;
    if (read_grid(module, axes, &call) == 0 && read_times(module, seconds, calendar, &call) == 0 &&
        read_rule(module, name, values, call.request.axis.calendar, &call) == 0 &&
        read_slabs(module, slabs, &call) == 0)
        result = run_for_events(module, join_body, &call, progress);
    call_fini(&call);
    return result;
}

PyDoc_STRVAR(around_doc,
             "field_around(name, params, /)\n--\n\nSteps that field_slab() needs on either side of a slab.");
static PyObject *field_around(PyObject *module, PyObject *args) {
    struct field_call call = {0};
    const char *name;
    PyObject *values;
    if (!PyArg_ParseTuple(args, "sO", &name, &values)) return NULL;
    if (read_rule(module, name, values, E5_PROLEPTIC, &call) < 0) return NULL;
    return PyLong_FromSize_t(e5_find_around(&call.rule));
}

static PyMethodDef functions[] = {
    {"field", field, METH_VARARGS, field_doc},
    {"field_slab", field_slab, METH_VARARGS, slab_doc},
    {"field_join", field_join, METH_VARARGS, join_doc},
    {"field_around", field_around, METH_VARARGS, around_doc},
    {NULL},
};

int e5py_add_field(PyObject *module) { return PyModule_AddFunctions(module, functions); }
