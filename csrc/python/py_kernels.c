/* py_kernels: the table of diagnostics, and the entries for SCAN and SERIES kernels. */
#include <string.h>

#include "drive/scan.h"
#include "drive/sweep.h"
#include "python/call.h"
#include "python/objects.h"
#include "python/py_rows.h"
#include "python/raise.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* of a stream: small beside any laptop's memory, large beside a chunk */

PyDoc_STRVAR(kernels_doc, "kernels()\n--\n\nRows of the table of diagnostics.");
static PyObject *kernels(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) { return e5py_kernel_rows(); }

/* --- SCAN --- */

struct scan_call {
    struct e5py_call call;
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
    const struct e5py_call *call = &scan->call;
    enum e5_dtype dtype = call->kernel->as_input ? scan->source.dtype : E5_F64;
    PyObject *array = e5py_call_result(call->sets, call->periods.count, &scan->view, dtype), *result = NULL;
    scan->requests = PyMem_New(struct e5_scan_request, call->sets);
    if (scan->requests == NULL) PyErr_NoMemory();
    scan->pool = array != NULL && scan->requests != NULL ? e5py_pool_acquire(call->module) : NULL;
    if (scan->pool != NULL) {
        for (size_t i = 0; i < call->sets; i++)
            scan->requests[i] = (struct e5_scan_request){call->kernel, &call->params[i],           &call->periods,
                                                         dtype,        e5py_call_values(array, i), NULL};
        if (e5py_run(call->module, scan_body, scan, progress) == 0)
            result = Py_BuildValue("ON", array, e5py_call_starts(call));
        e5py_pool_release();
    }
    PyMem_Free(scan->requests);
    Py_XDECREF(array);
    return result;
}

PyDoc_STRVAR(scan_doc, "scan(name, sets, source, seconds, calendar, grouping, progress, /)\n--\n\n"
                       "Run a SCAN kernel with each set of parameters; (values of all sets, first second of each\n"
                       "period).  `grouping` is (rule, utc_offset) or (freq, months, missing), as the row has it.");
static PyObject *scan(PyObject *module, PyObject *args) {
    struct scan_call scan = {.call = {.module = module}};
    PyObject *sets, *object, *times, *grouping, *progress, *result = NULL;
    const char *name, *calendar;
    if (!PyArg_ParseTuple(args, "sOOOsOO", &name, &sets, &object, &times, &calendar, &grouping, &progress))
        return NULL;
    if (e5py_call_read(&scan.call, name, E5_SCAN, sets, times, calendar, grouping) == 0 &&
        e5py_call_source(module, object, &scan.view, &scan.source) == 0 &&
        e5py_call_check_steps(scan.source.steps, scan.call.axis.n) == 0)
        result = run_scan(&scan, progress);
    e5py_call_fini(&scan.call);
    return result;
}

/* --- SERIES --- */

struct sweep_call {
    struct e5py_call call;
    struct e5_view view[E5_MAX_OPERANDS];
    struct e5_source source[E5_MAX_OPERANDS];
    struct e5_sweep_operand operand[E5_MAX_OPERANDS];
    struct e5_series_input input;
    PyArrayObject *choices; /* NULL: there is one of each operand */
    struct e5_sweep_plan *plans; /* call.sets */
    struct e5_sweep_out *out;
    struct e5_sweep sweep;
    struct e5_pool *pool;
};

static enum e5_status sweep_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct sweep_call *sweep = context;
    return e5_sweep(&sweep->sweep, sweep->pool, watch, err);
}

/* None, an array, or a Dataset; series must have as many steps as there are times, maps lie behind each other where
 * sets choose among several. */
static int read_operand(struct sweep_call *sweep, PyObject *object, size_t i) {
    const struct e5py_call *call = &sweep->call;
    size_t several = sweep->operand[i].several;
    if (object == Py_None) return 0;
    if (e5py_call_source(call->module, object, &sweep->view[i], &sweep->source[i]) < 0) return -1;
    if (sweep->source[i].view != NULL)
        sweep->operand[i].view = &sweep->view[i];
    else
        sweep->operand[i].source = &sweep->source[i];
    sweep->input.rows[i] = sweep->source[i].steps / several;
    if (sweep->source[i].steps % several != 0)
        return PyErr_Format(PyExc_ValueError, "%zu rows are not %zu of anything", sweep->source[i].steps, several),
               -1;
    if (strncmp(call->kernel->operands[i].dims, "time", 4) != 0) return 0;
    return e5py_call_check_steps(sweep->source[i].steps, call->axis.n);
}

/* Which one of several maps each set takes, (sets, operands); None: there is one of each. */
static int read_choices(struct sweep_call *sweep, PyObject *choices) {
    const struct e5py_call *call = &sweep->call;
    size_t operands = 0;
    while (call->kernel->operands[operands].name != NULL) sweep->operand[operands++].several = 1;
    if (choices == Py_None) return 0;
    sweep->choices = e5py_contiguous(choices, NPY_INT64, 2);
    if (sweep->choices == NULL) return -1;
    const int64_t *choice = PyArray_DATA(sweep->choices);
    bool fits =
        (size_t)PyArray_DIM(sweep->choices, 0) == call->sets && (size_t)PyArray_DIM(sweep->choices, 1) == operands;
    for (size_t i = 0; fits && i < call->sets * operands; i++) {
        size_t *several = &sweep->operand[i % operands].several;
        fits = choice[i] >= 0 && choice[i] < INT32_MAX;
        if (fits && (size_t)choice[i] >= *several) *several = (size_t)choice[i] + 1;
    }
    return fits ? 0 : (PyErr_SetString(PyExc_ValueError, "choices do not fit the sets and operands"), -1);
}

static int read_operands(struct sweep_call *sweep, PyObject *objects, PyObject *choices) {
    const struct e5_operand_spec *spec = sweep->call.kernel->operands;
    sweep->input.axis = &sweep->call.axis;
    sweep->input.periods = sweep->call.grouped ? &sweep->call.periods : NULL;
    if (read_choices(sweep, choices) < 0) return -1;
    for (size_t i = 0; spec[i].name != NULL; i++) {
        PyObject *object = PySequence_GetItem(objects, (Py_ssize_t)i);
        int result = object == NULL ? -1 : read_operand(sweep, object, i);
        Py_XDECREF(object); /* the caller's sequence holds it */
        if (result < 0) return -1;
    }
    return 0;
}

static void choose(const struct sweep_call *sweep, size_t set, struct e5_sweep_plan *plan) {
    if (sweep->choices == NULL) return;
    size_t operands = (size_t)PyArray_DIM(sweep->choices, 1);
    const int64_t *choice = (const int64_t *)PyArray_DATA(sweep->choices) + set * operands;
    for (size_t i = 0; i < operands; i++) plan->choice[i] = (size_t)choice[i];
}

static int make_plans(struct sweep_call *sweep) {
    const struct e5py_call *call = &sweep->call;
    struct e5_error err = E5_ERROR_NONE;
    sweep->plans = PyMem_Calloc(call->sets, sizeof *sweep->plans);
    sweep->out = PyMem_Calloc(call->sets, sizeof *sweep->out);
    if (sweep->plans == NULL || sweep->out == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->sets; i++) {
        sweep->input.missing = e5py_call_missing(call, i);
        if (e5_sweep_plan(call->kernel, &call->params[i], &sweep->input, &sweep->plans[i], &err) != E5_OK)
            return e5py_raise(call->module, &err), -1;
        choose(sweep, i, &sweep->plans[i]);
        if (sweep->plans[i].out_rows == sweep->plans[0].out_rows) continue;
        (void)!e5_fail(&err, E5_INPUT, "%s: results of %zu and %zu rows do not fit into one", call->kernel->name,
                       sweep->plans[0].out_rows, sweep->plans[i].out_rows);
        return e5py_raise(call->module, &err), -1;
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
    const struct e5py_call *call = &sweep->call;
    size_t given = first_given(sweep), rows = sweep->plans[0].out_rows, cells = sweep->source[given].cells;
    enum e5_dtype dtype = call->kernel->as_input ? sweep->source[given].dtype : E5_F64;
    PyObject *array = e5py_call_result(call->sets, rows, &sweep->view[given], dtype), *result = NULL;
    sweep->pool = array != NULL ? e5py_pool_acquire(call->module) : NULL;
    if (sweep->pool != NULL) {
        for (size_t i = 0; i < call->sets; i++)
            sweep->out[i] = (struct e5_sweep_out){e5py_call_values(array, i), dtype, cells};
        sweep->sweep.plans = sweep->plans;
        sweep->sweep.out = sweep->out;
        sweep->sweep.nplans = call->sets;
        sweep->sweep.operands = sweep->operand;
        if (e5py_run(call->module, sweep_body, sweep, progress) == 0)
            result = Py_BuildValue("ON", array, e5py_call_starts(call));
        e5py_pool_release();
    }
    Py_XDECREF(array);
    return result;
}

PyDoc_STRVAR(sweep_doc,
             "sweep(name, sets, operands, seconds, calendar, grouping, budget, directory, progress, choices=None, "
             "/)\n--\n\n"
             "Run a SERIES kernel with each set of parameters on every cell; (values of all sets, first\n"
             "second of each period or None).  Where an operand holds several maps, or several times the maps\n"
             "of the slots, `choices` has the number of its own for each set and operand, else it is None.  The\n"
             "last of `grouping` is a rule for missing data, or one for each set.  Files of more than `budget`\n"
             "bytes go through scratch files in `directory`.");
static PyObject *sweep(PyObject *module, PyObject *args) {
    struct sweep_call sweep = {.call = {.module = module}};
    PyObject *sets, *objects, *times, *grouping, *progress, *choices = Py_None, *result = NULL;
    const char *name, *calendar;
    unsigned long long budget;
    if (!PyArg_ParseTuple(args, "sOOOsOKsO|O", &name, &sets, &objects, &times, &calendar, &grouping, &budget,
                          &sweep.sweep.directory, &progress, &choices))
        return NULL;
    sweep.sweep.budget = (size_t)budget;
    if (e5py_call_read(&sweep.call, name, E5_SERIES, sets, times, calendar, grouping) == 0 &&
        read_operands(&sweep, objects, choices) == 0 && make_plans(&sweep) == 0)
        result = run_sweep(&sweep, progress);
    for (size_t i = 0; sweep.plans != NULL && i < sweep.call.sets; i++) e5_sweep_plan_fini(&sweep.plans[i]);
    PyMem_Free(sweep.plans);
    PyMem_Free(sweep.out);
    Py_XDECREF(sweep.choices);
    e5py_call_fini(&sweep.call);
    return result;
}

static PyMethodDef functions[] = {
    {"kernels", kernels, METH_NOARGS, kernels_doc},
    {"scan", scan, METH_VARARGS, scan_doc},
    {"sweep", sweep, METH_VARARGS, sweep_doc},
    {NULL},
};

int e5py_add_kernels(PyObject *module) { return PyModule_AddFunctions(module, functions); }
