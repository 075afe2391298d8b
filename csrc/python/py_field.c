/* py_field: the entry for FIELD kernels. */
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

struct field_call {
    const struct e5_kernel *kernel;
    struct e5_params params;
    struct e5_field field;
    struct e5_grid grid;
    struct e5_pool *pool;
    struct e5_events *events;
};

static enum e5_status field_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct field_call *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return call->kernel->ops.field->run(&call->field, &call->params, &par, watch, &call->events, err);
}

static bool same_cells(PyArrayObject *a, PyArrayObject *b) {
    return PyArray_DIM(a, 1) == PyArray_DIM(b, 1) && PyArray_DIM(a, 2) == PyArray_DIM(b, 2);
}

/* All shapes agree, and every slot exists. */
static int check_field(PyArrayObject *value, PyArrayObject *threshold, PyArrayObject *slot,
                       const struct e5_field *field) {
    const char *wrong = NULL;
    if (!same_cells(value, threshold))
        wrong = "threshold and data have different cells";
    else if ((size_t)PyArray_DIM(value, 1) != field->grid->rows ||
             (size_t)PyArray_DIM(value, 2) != field->grid->columns)
        wrong = "latitude and longitude do not fit the data";
    else if (field->axis.n != field->steps || (size_t)PyArray_DIM(slot, 0) != field->steps)
        wrong = "times do not fit the data";
    for (size_t i = 0; wrong == NULL && i < field->steps; i++)
        if (field->slot[i] < 0 || field->slot[i] >= PyArray_DIM(threshold, 0)) wrong = "a slot outside the threshold";
    return wrong == NULL ? 0 : (PyErr_SetString(PyExc_ValueError, wrong), -1);
}

enum { VALUE, THRESHOLD, SLOT, SECONDS, LATITUDE, LONGITUDE, INPUTS };

/* float32 where that holds every value of the array exactly, else float64. */
static int value_typenum(PyObject *object) {
    bool single = PyArray_Check(object) && PyArray_CanCastSafely(PyArray_TYPE((PyArrayObject *)object), NPY_FLOAT32);
    return single ? NPY_FLOAT32 : NPY_FLOAT64;
}

static int pin_inputs(PyObject *const *objects, PyArrayObject **pinned) {
    int typenum[] = {value_typenum(objects[VALUE]), NPY_FLOAT64, NPY_INT32, NPY_INT64, NPY_FLOAT64, NPY_FLOAT64};
    static const int ndim[] = {3, 3, 1, 1, 1, 1};
    for (int i = 0; i < INPUTS; i++)
        if ((pinned[i] = e5py_contiguous(objects[i], typenum[i], ndim[i])) == NULL) return -1;
    return 0;
}

static int prepare_field(PyObject *module, PyArrayObject **in, const char *calendar, struct field_call *call) {
    struct e5_error err = E5_ERROR_NONE;
    if (e5py_time_axis(module, in[SECONDS], calendar, &call->field.axis) < 0) return -1;
    if (e5_grid_init(&call->grid, PyArray_DATA(in[LATITUDE]), (size_t)PyArray_SIZE(in[LATITUDE]),
                     PyArray_DATA(in[LONGITUDE]), (size_t)PyArray_SIZE(in[LONGITUDE]), &err) != E5_OK)
        return e5py_raise(module, &err), -1;
    call->field.steps = (size_t)PyArray_DIM(in[VALUE], 0);
    call->field.grid = &call->grid;
    call->field.value = PyArray_DATA(in[VALUE]);
    call->field.dtype = PyArray_TYPE(in[VALUE]) == NPY_FLOAT64 ? E5_F64 : E5_F32;
    call->field.threshold = PyArray_DATA(in[THRESHOLD]);
    call->field.slot = PyArray_DATA(in[SLOT]);
    return check_field(in[VALUE], in[THRESHOLD], in[SLOT], &call->field);
}

PyDoc_STRVAR(field_doc,
             "field(name, params, values, threshold, slot, seconds, latitude, longitude, calendar, progress)\n--\n\n"
             "Run a FIELD kernel; Events.");
static PyObject *field(PyObject *module, PyObject *args) {
    struct field_call call = {0};
    PyArrayObject *in[INPUTS] = {NULL};
    PyObject *objects[INPUTS], *values, *progress, *result = NULL;
    const char *name, *calendar;
    if (!PyArg_ParseTuple(args, "sOOOOOOOsO", &name, &values, &objects[VALUE], &objects[THRESHOLD], &objects[SLOT],
                          &objects[SECONDS], &objects[LATITUDE], &objects[LONGITUDE], &calendar, &progress))
        return NULL;
    call.kernel = e5py_kernel(module, name, E5_FIELD);
    if (call.kernel == NULL || pin_inputs(objects, in) < 0 || prepare_field(module, in, calendar, &call) < 0 ||
        e5py_params(module, call.kernel, values, call.field.axis.calendar, &call.params) < 0)
        goto out;
    call.pool = e5py_pool_acquire(module);
    if (call.pool == NULL) goto out;
    if (e5py_run(module, field_body, &call, progress) == 0)
        result = e5py_events_take(module, call.events);
    else
        e5_events_free(call.events); /* made, but stopped by ctrl-C or the progress callback at the last moment */
    e5py_pool_release();
out:
    e5_grid_fini(&call.grid);
    for (int i = 0; i < INPUTS; i++) Py_XDECREF(in[i]);
    return result;
}

static PyMethodDef functions[] = {
    {"field", field, METH_VARARGS, field_doc},
    {NULL},
};

int e5py_add_field(PyObject *module) { return PyModule_AddFunctions(module, functions); }
