/* py_field: the entry for FIELD kernels. */
#include "drive/find.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* of a stream: small beside any laptop's memory, large beside a chunk */

enum { THRESHOLD, CORE, CLIMATOLOGY, WHERE, LIMITS };
enum { SECONDS, LATITUDE, LONGITUDE, AXES };

struct field_call {
    struct e5_find_request request;
    struct e5_event_rule rule;
    struct e5_source source;
    struct e5_view view;
    struct e5_grid grid;
    struct e5_limits limits[LIMITS];
    PyArrayObject *values[LIMITS], *slots[LIMITS], *axis[AXES];
    struct e5_pool *pool;
    struct e5_events *events;
};

static enum e5_status field_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct field_call *call = context;
    return e5_find(&call->request, call->pool, watch, &call->events, err);
}

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

static int read_axes(PyObject *module, PyObject *const *objects, const char *calendar, struct field_call *call) {
    static const int typenums[] = {NPY_INT64, NPY_FLOAT64, NPY_FLOAT64};
    struct e5_error err = E5_ERROR_NONE;
    for (int i = 0; i < AXES; i++)
        if ((call->axis[i] = e5py_contiguous(objects[i], typenums[i], 1)) == NULL) return -1;
    if (e5py_time_axis(module, call->axis[SECONDS], calendar, &call->request.axis) < 0) return -1;
    if (e5_grid_init(&call->grid, PyArray_DATA(call->axis[LATITUDE]), (size_t)PyArray_SIZE(call->axis[LATITUDE]),
                     PyArray_DATA(call->axis[LONGITUDE]), (size_t)PyArray_SIZE(call->axis[LONGITUDE]), &err) != E5_OK)
        return e5py_raise(module, &err), -1;
    call->request.grid = &call->grid;
    return 0;
}

static int read_field(PyObject *module, PyObject *object, struct field_call *call) {
    if (e5py_source(module, object, &call->view, &call->source) < 0) return -1;
    const char *wrong = NULL;
    if (call->view.ndim != 3 || call->view.shape[1] != call->grid.rows || call->view.shape[2] != call->grid.columns)
        wrong = "latitude and longitude do not fit the data";
    else if (call->request.axis.n != call->source.steps)
        wrong = "times do not fit the data";
    call->request.source = &call->source;
    return wrong == NULL ? 0 : (PyErr_SetString(PyExc_ValueError, wrong), -1);
}

static int read_rule(PyObject *module, const char *name, PyObject *values, struct field_call *call) {
    struct e5_params params;
    const struct e5_kernel *kernel = e5py_kernel(module, name, E5_FIELD);
    if (kernel == NULL || e5py_params(module, kernel, values, call->request.axis.calendar, &params) < 0) return -1;
    kernel->ops.field->rule(&params, &call->rule);
    call->request.rule = &call->rule;
    return 0;
}

static PyObject *run(PyObject *module, struct field_call *call, PyObject *progress) {
    PyObject *result = NULL;
    call->pool = e5py_pool_acquire(module);
    if (call->pool == NULL) return NULL;
    if (e5py_run(module, field_body, call, progress) == 0)
        result = e5py_events_take(module, call->events);
    else
        e5_events_free(call->events); /* made, but stopped by ctrl-C or the progress callback at the last moment */
    e5py_pool_release();
    return result;
}

static void call_fini(struct field_call *call) {
    e5_grid_fini(&call->grid);
    for (int i = 0; i < LIMITS; i++) {
        Py_XDECREF(call->values[i]);
        Py_XDECREF(call->slots[i]);
    }
    for (int i = 0; i < AXES; i++) Py_XDECREF(call->axis[i]);
}

PyDoc_STRVAR(field_doc,
             "field(name, params, source, below, limits, seconds, latitude, longitude, calendar, budget, directory, "
             "progress)\n--\n\n"
             "Run a FIELD kernel; Events.  `limits` are threshold, core, climatology and mask, each None or (maps,\n"
             "slot of each step or None, scale, offset).");
static PyObject *field(PyObject *module, PyObject *args) {
    struct field_call call = {.request.block_bytes = BLOCK_BYTES};
    PyObject *source, *limits[LIMITS], *axes[AXES], *values, *progress, *result = NULL;
    const char *name, *calendar;
    unsigned long long budget;
    int below;
    if (!PyArg_ParseTuple(args, "sOOp(OOOO)OOOsKsO", &name, &values, &source, &below, &limits[THRESHOLD],
                          &limits[CORE], &limits[CLIMATOLOGY], &limits[WHERE], &axes[SECONDS], &axes[LATITUDE],
                          &axes[LONGITUDE], &calendar, &budget, &call.request.directory, &progress))
        return NULL;
    call.request.below = below;
    call.request.budget = (size_t)budget;
    if (read_axes(module, axes, calendar, &call) == 0 && read_rule(module, name, values, &call) == 0 &&
        read_field(module, source, &call) == 0 &&
        read_limits(module, limits[THRESHOLD], &call, THRESHOLD, &call.request.threshold) == 0 &&
        read_limits(module, limits[CORE], &call, CORE, &call.request.core) == 0 &&
        read_limits(module, limits[CLIMATOLOGY], &call, CLIMATOLOGY, &call.request.climatology) == 0 &&
        read_limits(module, limits[WHERE], &call, WHERE, &call.request.where) == 0)
        result = run(module, &call, progress);
    call_fini(&call);
    return result;
}

static PyMethodDef functions[] = {
    {"field", field, METH_VARARGS, field_doc},
    {NULL},
};

int e5py_add_field(PyObject *module) { return PyModule_AddFunctions(module, functions); }
