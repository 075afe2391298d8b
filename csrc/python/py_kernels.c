/* py_kernels: the table of diagnostics, and the entries for SCAN and SERIES kernels. */
#include <string.h>

#include "drive/scan.h"
#include "drive/sweep.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/py_rows.h"
#include "python/raise.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* of a stream: small beside any laptop's memory, large beside a chunk */

PyDoc_STRVAR(kernels_doc, "kernels()\n--\n\nRows of the table of diagnostics.");
static PyObject *kernels(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) { return e5py_kernel_rows(); }

/* --- what both entries read --- */

struct call {
    PyObject *module;
    const struct e5_kernel *kernel;
    PyArrayObject *seconds;
    struct e5_time_axis axis;
    struct e5_params *params; /* one set per combination of parameters */
    size_t sets;
    bool grouped;
    struct e5_periods periods;
    struct e5_missing missing;
    bool judged; /* missing is there */
};

static void call_fini(struct call *call) {
    e5_missing_fini(&call->missing);
    e5_periods_fini(&call->periods);
    PyMem_Free(call->params);
    Py_XDECREF(call->seconds);
}

static int fail(const struct call *call, struct e5_error *err) { return e5py_raise(call->module, err), -1; }

/* One set of parameters per member of the sequence. */
static int read_sets(struct call *call, PyObject *sets) {
    Py_ssize_t n = PySequence_Size(sets);
    if (n < 1) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no set of parameters");
        return -1;
    }
    call->params = PyMem_New(struct e5_params, (size_t)n);
    if (call->params == NULL) return PyErr_NoMemory(), -1;
    for (; call->sets < (size_t)n; call->sets++) {
        PyObject *values = PySequence_GetItem(sets, (Py_ssize_t)call->sets);
        int result = values == NULL ? -1
                                    : e5py_params(call->module, call->kernel, values, call->axis.calendar,
                                                  &call->params[call->sets]);
        Py_XDECREF(values);
        if (result < 0) return -1;
    }
    return 0;
}

static int group_by_day(struct call *call, PyObject *grouping) {
    struct e5_error err = E5_ERROR_NONE;
    int rule;
    long long offset;
    if (!PyArg_ParseTuple(grouping, "iL", &rule, &offset)) return -1;
    return e5_periods_by_day(&call->axis, (enum e5_day_rule)rule, offset, &call->periods, &err) == E5_OK
               ? 0
               : fail(call, &err);
}

static int group_by_frequency(struct call *call, PyObject *grouping) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_frequency frequency;
    const char *text;
    int missing;
    unsigned only;
    if (!PyArg_ParseTuple(grouping, "sIi", &text, &only, &missing)) return -1;
    enum e5_status status = e5_frequency_parse(text, &frequency, &err);
    frequency.only = only;
    if (status == E5_OK) status = e5_periods_by_calendar(&call->axis, frequency, &call->periods, &err);
    if (status == E5_OK && call->kernel->kind == E5_SERIES) {
        status = e5_missing_init(&call->missing, &call->axis, &call->periods, frequency,
                                 (enum e5_missing_rule)missing, &err);
        call->judged = status == E5_OK;
    }
    return status == E5_OK ? 0 : fail(call, &err);
}

/* Without a grouping a SCAN sees the whole series, a SERIES no periods. */
static int read_grouping(struct call *call, PyObject *grouping) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_frequency whole = {.anchor = 1};
    call->grouped = true;
    switch (call->kernel->grouping) {
    case E5_GROUP_BY_DAY: return group_by_day(call, grouping);
    case E5_GROUP_BY_FREQUENCY: return group_by_frequency(call, grouping);
    case E5_UNGROUPED: break;
    }
    call->grouped = call->kernel->kind == E5_SCAN;
    if (!call->grouped || e5_periods_by_calendar(&call->axis, whole, &call->periods, &err) == E5_OK) return 0;
    return fail(call, &err);
}

static int read_call(struct call *call, const char *name, enum e5_kernel_kind kind, PyObject *sets, PyObject *times,
                     const char *calendar, PyObject *grouping) {
    call->seconds = e5py_contiguous(times, NPY_INT64, 1);
    call->kernel = call->seconds != NULL ? e5py_kernel(call->module, name, kind) : NULL;
    if (call->kernel == NULL || e5py_time_axis(call->module, call->seconds, calendar, &call->axis) < 0) return -1;
    return read_sets(call, sets) < 0 || read_grouping(call, grouping) < 0 ? -1 : 0;
}

static PyObject *starts(const struct call *call) {
    if (!call->grouped) Py_RETURN_NONE;
    return e5py_array(NPY_INT64, call->periods.start, call->periods.count);
}

/* New array (sets, rows, *cell dimensions of `like`). */
static PyObject *result_array(size_t sets, size_t rows, const struct e5_view *like, enum e5_dtype dtype) {
    npy_intp shape[E5_MAX_DIMS + 1] = {(npy_intp)sets, (npy_intp)rows};
    for (int i = 1; i < like->ndim; i++) shape[i + 1] = (npy_intp)like->shape[i];
    return PyArray_SimpleNew(like->ndim + 1, shape, e5py_typenum(dtype));
}

static int files_of(PyObject *module, struct e5_dataset *dataset, struct e5_view *view, struct e5_source *out) {
    struct e5_error err = E5_ERROR_NONE;
    *view = (struct e5_view){.ndim = 3};
    view->shape[1] = e5_dataset_length(dataset, E5_AXIS_LATITUDE);
    view->shape[2] = e5_dataset_length(dataset, E5_AXIS_LONGITUDE);
    return e5_source_files(dataset, out, &err) == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

/* The source behind an array or a Dataset, or behind (one of them, scale, offset), and the view that tells the shape
 * of its cells. */
static int source_of(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out) {
    double scale = 0, offset = 0;
    if (PyTuple_Check(object) && !PyArg_ParseTuple(object, "Odd", &object, &scale, &offset)) return -1;
    struct e5_dataset *dataset = e5py_dataset(module, object);
    if (dataset != NULL) {
        if (files_of(module, dataset, view, out) < 0) return -1;
        out->scale = scale;
        out->offset = offset;
        return 0;
    }
    if (!PyArray_Check(object)) return PyErr_SetString(PyExc_TypeError, "an array or a Dataset is needed"), -1;
    if (e5py_view(module, (PyArrayObject *)object, view) < 0) return -1;
    if (scale != 0) {
        view->packing.scale = scale;
        view->packing.offset = offset;
    }
    *out = e5_source_memory(view);
    return 0;
}

/* Values of one set of parameters in the result. */
static char *values_of(PyObject *array, size_t set) {
    return PyArray_BYTES((PyArrayObject *)array) + (npy_intp)set * PyArray_STRIDE((PyArrayObject *)array, 0);
}

static int check_steps(size_t steps, size_t times) {
    if (steps == times) return 0;
    return PyErr_Format(PyExc_ValueError, "%zu time steps, but %zu times", steps, times), -1;
}

/* --- SCAN --- */

struct scan_call {
    struct call call;
    struct e5_view view;
    struct e5_source source;
    struct e5_scan_request *requests; /* call.sets */
    struct e5_pool *pool;
};

static enum e5_status scan_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct scan_call *scan = context;
    return e5_scan(&scan->source, scan->requests, scan->call.sets, BLOCK_BYTES, scan->pool, watch, err);
}

static PyObject *run_scan(struct scan_call *scan, PyObject *progress) {
    const struct call *call = &scan->call;
    enum e5_dtype dtype = call->kernel->as_input ? scan->source.dtype : E5_F64;
    PyObject *array = result_array(call->sets, call->periods.count, &scan->view, dtype), *result = NULL;
    scan->requests = PyMem_New(struct e5_scan_request, call->sets);
    if (scan->requests == NULL) PyErr_NoMemory();
    scan->pool = array != NULL && scan->requests != NULL ? e5py_pool_acquire(call->module) : NULL;
    if (scan->pool != NULL) {
        for (size_t i = 0; i < call->sets; i++)
            scan->requests[i] =
                (struct e5_scan_request){call->kernel, &call->params[i], &call->periods, dtype, values_of(array, i)};
        if (e5py_run(call->module, scan_body, scan, progress) == 0) result = Py_BuildValue("ON", array, starts(call));
        e5py_pool_release();
    }
    PyMem_Free(scan->requests);
    Py_XDECREF(array);
    return result;
}

PyDoc_STRVAR(scan_doc, "scan(name, sets, source, seconds, calendar, grouping, progress)\n--\n\n"
                       "Run a SCAN kernel with each set of parameters; (values of all sets, first second of each\n"
                       "period).  `grouping` is (rule, utc_offset) or (freq, months, missing), as the row has it.");
static PyObject *scan(PyObject *module, PyObject *args) {
    struct scan_call scan = {.call = {.module = module}};
    PyObject *sets, *object, *times, *grouping, *progress, *result = NULL;
    const char *name, *calendar;
    if (!PyArg_ParseTuple(args, "sOOOsOO", &name, &sets, &object, &times, &calendar, &grouping, &progress))
        return NULL;
    if (read_call(&scan.call, name, E5_SCAN, sets, times, calendar, grouping) == 0 &&
        source_of(module, object, &scan.view, &scan.source) == 0 &&
        check_steps(scan.source.steps, scan.call.axis.n) == 0)
        result = run_scan(&scan, progress);
    call_fini(&scan.call);
    return result;
}

/* --- SERIES --- */

struct sweep_call {
    struct call call;
    struct e5_view view[E5_MAX_OPERANDS];
    struct e5_source source[E5_MAX_OPERANDS];
    struct e5_sweep_operand operand[E5_MAX_OPERANDS];
    struct e5_series_input input;
    struct e5_sweep_plan *plans; /* call.sets */
    struct e5_sweep_out *out;
    struct e5_sweep sweep;
    struct e5_pool *pool;
};

static enum e5_status sweep_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct sweep_call *sweep = context;
    return e5_sweep(&sweep->sweep, sweep->pool, watch, err);
}

/* None, an array, or a Dataset; series must have as many steps as there are times. */
static int read_operand(struct sweep_call *sweep, PyObject *object, size_t i) {
    const struct call *call = &sweep->call;
    if (object == Py_None) return 0;
    if (source_of(call->module, object, &sweep->view[i], &sweep->source[i]) < 0) return -1;
    if (sweep->source[i].view != NULL)
        sweep->operand[i].view = &sweep->view[i];
    else
        sweep->operand[i].source = &sweep->source[i];
    sweep->input.rows[i] = sweep->source[i].steps;
    if (strncmp(call->kernel->operands[i].dims, "time", 4) != 0) return 0;
    return check_steps(sweep->source[i].steps, call->axis.n);
}

static int read_operands(struct sweep_call *sweep, PyObject *objects) {
    const struct e5_operand_spec *spec = sweep->call.kernel->operands;
    sweep->input.axis = &sweep->call.axis;
    sweep->input.periods = sweep->call.grouped ? &sweep->call.periods : NULL;
    sweep->input.missing = sweep->call.judged ? &sweep->call.missing : NULL;
    for (size_t i = 0; spec[i].name != NULL; i++) {
        PyObject *object = PySequence_GetItem(objects, (Py_ssize_t)i);
        int result = object == NULL ? -1 : read_operand(sweep, object, i);
        Py_XDECREF(object); /* the caller's sequence holds it */
        if (result < 0) return -1;
    }
    return 0;
}

static int make_plans(struct sweep_call *sweep) {
    const struct call *call = &sweep->call;
    struct e5_error err = E5_ERROR_NONE;
    sweep->plans = PyMem_Calloc(call->sets, sizeof *sweep->plans);
    sweep->out = PyMem_Calloc(call->sets, sizeof *sweep->out);
    if (sweep->plans == NULL || sweep->out == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->sets; i++) {
        if (e5_sweep_plan(call->kernel, &call->params[i], &sweep->input, &sweep->plans[i], &err) != E5_OK)
            return fail(call, &err);
        if (sweep->plans[i].out_rows == sweep->plans[0].out_rows) continue;
        (void)!e5_fail(&err, E5_INPUT, "%s: results of %zu and %zu rows do not fit into one", call->kernel->name,
                       sweep->plans[0].out_rows, sweep->plans[i].out_rows);
        return fail(call, &err);
    }
    return 0;
}

/* The operand that says which cells there are. */
static size_t first_given(const struct sweep_call *sweep) {
    size_t i = 0;
    while (i + 1 < E5_MAX_OPERANDS && sweep->operand[i].view == NULL && sweep->operand[i].source == NULL) i++;
    return i;
}

static PyObject *run_sweep(struct sweep_call *sweep, PyObject *progress) {
    const struct call *call = &sweep->call;
    size_t given = first_given(sweep), rows = sweep->plans[0].out_rows, cells = sweep->source[given].cells;
    enum e5_dtype dtype = call->kernel->as_input ? sweep->source[given].dtype : E5_F64;
    PyObject *array = result_array(call->sets, rows, &sweep->view[given], dtype), *result = NULL;
    sweep->pool = array != NULL ? e5py_pool_acquire(call->module) : NULL;
    if (sweep->pool != NULL) {
        for (size_t i = 0; i < call->sets; i++)
            sweep->out[i] = (struct e5_sweep_out){values_of(array, i), dtype, cells};
        sweep->sweep.plans = sweep->plans;
        sweep->sweep.out = sweep->out;
        sweep->sweep.nplans = call->sets;
        sweep->sweep.operands = sweep->operand;
        sweep->sweep.missing = call->judged ? &call->missing : NULL;
        if (e5py_run(call->module, sweep_body, sweep, progress) == 0)
            result = Py_BuildValue("ON", array, starts(call));
        e5py_pool_release();
    }
    Py_XDECREF(array);
    return result;
}

PyDoc_STRVAR(sweep_doc,
             "sweep(name, sets, operands, seconds, calendar, grouping, budget, directory, progress)\n--\n\n"
             "Run a SERIES kernel with each set of parameters on every cell; (values of all sets, first\n"
             "second of each period or None).  Files of more than `budget` bytes go through scratch files\n"
             "in `directory`.");
static PyObject *sweep(PyObject *module, PyObject *args) {
    struct sweep_call sweep = {.call = {.module = module}};
    PyObject *sets, *objects, *times, *grouping, *progress, *result = NULL;
    const char *name, *calendar;
    unsigned long long budget;
    if (!PyArg_ParseTuple(args, "sOOOsOKsO", &name, &sets, &objects, &times, &calendar, &grouping, &budget,
                          &sweep.sweep.directory, &progress))
        return NULL;
    sweep.sweep.budget = (size_t)budget;
    if (read_call(&sweep.call, name, E5_SERIES, sets, times, calendar, grouping) == 0 &&
        read_operands(&sweep, objects) == 0 && make_plans(&sweep) == 0)
        result = run_sweep(&sweep, progress);
    for (size_t i = 0; sweep.plans != NULL && i < sweep.call.sets; i++) e5_sweep_plan_fini(&sweep.plans[i]);
    PyMem_Free(sweep.plans);
    PyMem_Free(sweep.out);
    call_fini(&sweep.call);
    return result;
}

static PyMethodDef functions[] = {
    {"kernels", kernels, METH_NOARGS, kernels_doc},
    {"scan", scan, METH_VARARGS, scan_doc},
    {"sweep", sweep, METH_VARARGS, sweep_doc},
    {NULL},
};

int e5py_add_kernels(PyObject *module) { return PyModule_AddFunctions(module, functions); }
