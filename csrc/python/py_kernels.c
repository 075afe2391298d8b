/* py_kernels: the table of diagnostics, and one entry for each kind of kernel. */
#include <string.h>

#include "drive/scan.h"
#include "drive/sweep.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

/* --- the table as Python data --- */

static PyObject *param_row(const struct e5_param_spec *spec) {
    static const char *const types[] = {"integer", "number", "choice", "flag", "period"};
    return Py_BuildValue("{ss ss sz sd sd sz ss}", "name", spec->name, "type", types[spec->type], "default",
                         spec->standard, "low", spec->low, "high", spec->high, "choices", spec->choices, "doc",
                         spec->doc);
}

static PyObject *param_rows(const struct e5_param_spec *spec) {
    PyObject *rows = PyList_New(0);
    for (; rows != NULL && spec->name != NULL; spec++) {
        PyObject *row = param_row(spec);
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static PyObject *operand_rows(const struct e5_operand_spec *spec) {
    PyObject *rows = PyList_New(0);
    for (; rows != NULL && spec->name != NULL; spec++) {
        PyObject *row = Py_BuildValue("{ss ss ss}", "name", spec->name, "dims", spec->dims, "doc", spec->doc);
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static PyObject *kernel_row(const struct e5_kernel *kernel) {
    static const char *const kinds[] = {"scan", "series", "field"};
    static const char *const groupings[] = {"", "day", "frequency"};
    return Py_BuildValue("{ss ss ss ss sN sN sN ss ss ss ss ss}", "name", kernel->name, "kind", kinds[kernel->kind],
                         "grouping", groupings[kernel->grouping], "summary", kernel->summary, "operands",
                         operand_rows(kernel->operands), "params", param_rows(kernel->params), "grouping_params",
                         param_rows(e5_grouping_params(kernel->grouping)), "result", kernel->result, "result_dims",
                         kernel->result_dims, "cell_methods", kernel->cell_methods, "notes", kernel->notes,
                         "references", kernel->references);
}

PyDoc_STRVAR(kernels_doc, "kernels()\n--\n\nRows of the table of diagnostics.");
static PyObject *kernels(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < e5_kernel_count; i++) {
        PyObject *row = kernel_row(&e5_kernels[i]);
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

/* New array (length, *cell dimensions of `like`). */
static PyObject *result_array(size_t length, const struct e5_view *like, enum e5_dtype dtype) {
    npy_intp shape[E5_MAX_DIMS] = {(npy_intp)length};
    for (int i = 1; i < like->ndim; i++) shape[i] = (npy_intp)like->shape[i];
    return PyArray_SimpleNew(like->ndim, shape, e5py_typenum(dtype));
}

/* --- SCAN --- */

#define BLOCK_BYTES ((size_t)64 << 20) /* of a stream: small beside any laptop's memory, large beside a chunk */

struct scan_call {
    struct e5_source source;
    struct e5_scan_request request;
    struct e5_params params;
    struct e5_periods periods;
    struct e5_pool *pool;
};

static enum e5_status scan_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct scan_call *call = context;
    return e5_scan(&call->source, &call->request, 1, BLOCK_BYTES, call->pool, watch, err);
}

/* The source behind an array or a Dataset, and the view that tells the shape of its cells. */
static int source_of(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out) {
    struct e5_dataset *dataset = e5py_dataset(module, object);
    if (dataset == NULL) {
        if (!PyArray_Check(object)) return PyErr_SetString(PyExc_TypeError, "an array or a Dataset is needed"), -1;
        if (e5py_view(module, (PyArrayObject *)object, view) < 0) return -1;
        *out = e5_source_memory(view);
        return 0;
    }
    struct e5_error err = E5_ERROR_NONE;
    *view = (struct e5_view){.ndim = 3};
    view->shape[1] = e5_dataset_length(dataset, E5_AXIS_LATITUDE);
    view->shape[2] = e5_dataset_length(dataset, E5_AXIS_LONGITUDE);
    return e5_source_files(dataset, out, &err) == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

static int make_periods(PyObject *module, const struct e5_kernel *kernel, const struct e5_time_axis *axis, int rule,
                        long long utc_offset, struct e5_periods *out) {
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = kernel->grouping == E5_GROUP_BY_DAY
                                ? e5_periods_by_day(axis, (enum e5_day_rule)rule, utc_offset, out, &err)
                                : e5_periods_by_calendar(axis, (enum e5_frequency)rule, out, &err);
    return status == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

PyDoc_STRVAR(scan_doc, "scan(name, params, source, seconds, calendar, rule, utc_offset, progress)\n--\n\n"
                       "Run a SCAN kernel; (values, first second of each period).");
static PyObject *scan(PyObject *module, PyObject *args) {
    struct scan_call call = {0};
    struct e5_view view;
    struct e5_time_axis axis;
    PyObject *values, *object, *times, *progress, *array = NULL, *result = NULL;
    const char *name, *calendar;
    int rule;
    long long utc_offset;
    if (!PyArg_ParseTuple(args, "sOOOsiLO", &name, &values, &object, &times, &calendar, &rule, &utc_offset,
                          &progress))
        return NULL;
    PyArrayObject *seconds = e5py_contiguous(times, NPY_INT64, 1);
    const struct e5_kernel *kernel = seconds != NULL ? e5py_kernel(module, name, E5_SCAN) : NULL;
    if (kernel == NULL || e5py_time_axis(module, seconds, calendar, &axis) < 0 ||
        e5py_params(module, kernel, values, axis.calendar, &call.params) < 0 ||
        source_of(module, object, &view, &call.source) < 0 ||
        make_periods(module, kernel, &axis, rule, utc_offset, &call.periods) < 0)
        goto out;
    if (call.source.steps != axis.n) {
        PyErr_Format(PyExc_ValueError, "%zu time steps, but %zu times", call.source.steps, axis.n);
        goto out;
    }
    array = result_array(call.periods.count, &view, call.source.dtype);
    call.pool = array != NULL ? e5py_pool_acquire(module) : NULL;
    if (call.pool == NULL) goto out;
    call.request = (struct e5_scan_request){kernel, &call.params, &call.periods, call.source.dtype,
                                            PyArray_DATA((PyArrayObject *)array)};
    if (e5py_run(module, scan_body, &call, progress) == 0)
        result = Py_BuildValue("ON", array, e5py_array(NPY_INT64, call.periods.start, call.periods.count));
    e5py_pool_release();
out:
    e5_periods_fini(&call.periods);
    Py_XDECREF(array);
    Py_XDECREF(seconds);
    return result;
}

/* --- SERIES --- */

struct sweep_call {
    struct e5_sweep_plan plan;
    struct e5_view view;
    struct e5_source source; /* files; memory is swept as it lies */
    bool files;
    unsigned long long budget;
    const char *directory;
    double *out;
    struct e5_pool *pool;
};

static enum e5_status sweep_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct sweep_call *call = context;
    if (!call->files) return e5_sweep(&call->plan, &call->view, call->out, call->pool, watch, err);
    return e5_sweep_source(&call->plan, &call->source, (size_t)call->budget, call->directory, call->out, call->pool,
                           watch, err);
}

PyDoc_STRVAR(sweep_doc, "sweep(name, params, source, seconds, calendar, budget, directory, progress)\n--\n\n"
                        "Run a SERIES kernel on every cell; files of more than `budget` bytes go through a scratch\n"
                        "file in `directory`.");
static PyObject *sweep(PyObject *module, PyObject *args) {
    struct sweep_call call = {0};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_params params;
    struct e5_time_axis axis;
    PyObject *values, *object, *times, *progress, *result = NULL;
    const char *name, *calendar;
    if (!PyArg_ParseTuple(args, "sOOOsKsO", &name, &values, &object, &times, &calendar, &call.budget, &call.directory,
                          &progress))
        return NULL;
    call.files = e5py_dataset(module, object) != NULL;
    PyArrayObject *seconds = e5py_contiguous(times, NPY_INT64, 1);
    const struct e5_kernel *kernel = seconds != NULL ? e5py_kernel(module, name, E5_SERIES) : NULL;
    if (kernel == NULL || e5py_time_axis(module, seconds, calendar, &axis) < 0 ||
        e5py_params(module, kernel, values, axis.calendar, &params) < 0 ||
        source_of(module, object, &call.view, &call.source) < 0)
        goto out;
    if (call.source.steps != axis.n) {
        PyErr_Format(PyExc_ValueError, "%zu time steps, but %zu times", call.source.steps, axis.n);
        goto out;
    }
    if (e5_sweep_plan(kernel, &params, &axis, &call.plan, &err) != E5_OK) {
        e5py_raise(module, &err);
        goto out;
    }
    result = result_array(call.plan.out_length, &call.view, E5_F64);
    call.pool = result != NULL ? e5py_pool_acquire(module) : NULL;
    if (call.pool == NULL) goto out;
    call.out = PyArray_DATA((PyArrayObject *)result);
    if (e5py_run(module, sweep_body, &call, progress) < 0) Py_CLEAR(result);
    e5py_pool_release();
out:
    e5_sweep_plan_fini(&call.plan);
    Py_XDECREF(seconds);
    return result;
}

/* --- FIELD --- */

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
    {"kernels", kernels, METH_NOARGS, kernels_doc},
    {"scan", scan, METH_VARARGS, scan_doc},
    {"sweep", sweep, METH_VARARGS, sweep_doc},
    {"field", field, METH_VARARGS, field_doc},
    {NULL},
};

int e5py_add_kernels(PyObject *module) { return PyModule_AddFunctions(module, functions); }
