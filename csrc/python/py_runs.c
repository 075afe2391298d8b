/* py_runs: the table of runs. */
#include "drive/runs_table.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

enum { THRESHOLD, STAY, CLIMATOLOGY, LIMITS };

struct runs_call {
    struct e5_runs_request request;
    struct e5_source source;
    struct e5_view view;
    PyArrayObject *values[LIMITS], *slots[LIMITS], *seconds;
    struct e5_time_axis axis;
    struct e5_pool *pool;
    struct e5_runs_table table;
};

static enum e5_status runs_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct runs_call *call = context;
    return e5_runs(&call->request, call->pool, watch, &call->table, err);
}

/* None, or (values, slot of each step). */
static int read_limits(PyObject *given, struct runs_call *call, int which, struct e5_runs_limits *out) {
    PyObject *values, *slots;
    if (given == Py_None) return 0;
    if (!PyArg_ParseTuple(given, "OO", &values, &slots)) return -1;
    call->values[which] = e5py_contiguous(values, NPY_FLOAT64, 2);
    call->slots[which] = call->values[which] != NULL ? e5py_contiguous(slots, NPY_INT32, 1) : NULL;
    if (call->slots[which] == NULL) return -1;
    npy_intp rows = PyArray_DIM(call->values[which], 0), steps = PyArray_DIM(call->slots[which], 0);
    *out = (struct e5_runs_limits){PyArray_DATA(call->values[which]), (size_t)rows, PyArray_DATA(call->slots[which])};
    bool fits = (size_t)PyArray_DIM(call->values[which], 1) == call->request.cells && (size_t)steps == call->axis.n &&
                rows <= E5_SPELL_SLOTS;
    for (npy_intp i = 0; fits && i < steps; i++) fits = out->slot_of_step[i] >= 0 && out->slot_of_step[i] < rows;
    return fits ? 0 : (PyErr_SetString(PyExc_ValueError, "limits and data do not fit"), -1);
}

static int read_source(PyObject *module, PyObject *object, PyObject *times, const char *calendar,
                       struct runs_call *call) {
    call->seconds = e5py_contiguous(times, NPY_INT64, 1);
    if (call->seconds == NULL || e5py_time_axis(module, call->seconds, calendar, &call->axis) < 0 ||
        e5py_source(module, object, &call->view, &call->source) < 0)
        return -1;
    call->request.axis = &call->axis;
    call->request.cells = call->source.cells;
    if (call->source.view != NULL)
        call->request.x.view = &call->view;
    else
        call->request.x.source = &call->source;
    if (call->source.steps == call->axis.n) return 0;
    return PyErr_Format(PyExc_ValueError, "%zu time steps, but %zu times", call->source.steps, call->axis.n), -1;
}

static PyObject *table_array(const struct e5_runs_table *table) {
    npy_intp shape[2] = {(npy_intp)table->rows, E5_SPELL_COLUMNS};
    PyObject *array = PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (array != NULL && table->rows > 0)
        memcpy(PyArray_DATA((PyArrayObject *)array), table->values, table->rows * E5_SPELL_COLUMNS * sizeof(double));
    return array;
}

PyDoc_STRVAR(runs_doc,
             "runs(source, seconds, calendar, threshold, stay, climatology, rule, switches, budget, "
             "directory, "
             "progress, /)\n--\n\n"
             "The runs of all cells, (rows, columns of run_columns()).  Limits are (values, slot of each step) or\n"
             "None, the rule is (test, minimum, gap, order), the switches (cold, sample, own_maximum, "
             "rates_at_edge).");
static PyObject *runs(PyObject *module, PyObject *args) {
    struct runs_call call = {0};
    struct e5_spell_switches *switches = &call.request.switches;
    PyObject *object, *times, *limits[LIMITS], *progress, *result = NULL;
    const char *calendar;
    unsigned long long minimum, gap, budget;
    int test, order, cold, sample, own_maximum, rates_at_edge;
    if (!PyArg_ParseTuple(args, "OOsOOO(iKKi)(pppp)KsO", &object, &times, &calendar, &limits[THRESHOLD],
                          &limits[STAY], &limits[CLIMATOLOGY], &test, &minimum, &gap, &order, &cold, &sample,
                          &own_maximum, &rates_at_edge, &budget, &call.request.directory, &progress))
        return NULL;
    call.request.test = (enum e5_spell_test)test;
    call.request.rule = (struct e5_spell_rule){(size_t)minimum, (size_t)gap, (enum e5_spell_order)order};
    *switches = (struct e5_spell_switches){cold, sample, own_maximum, rates_at_edge};
    call.request.budget = (size_t)budget;
    if (read_source(module, object, times, calendar, &call) < 0 ||
        read_limits(limits[THRESHOLD], &call, THRESHOLD, &call.request.threshold) < 0 ||
        read_limits(limits[STAY], &call, STAY, &call.request.stay) < 0 ||
        read_limits(limits[CLIMATOLOGY], &call, CLIMATOLOGY, &call.request.climatology) < 0)
        goto out;
    call.pool = e5py_pool_acquire(module);
    if (call.pool == NULL) goto out;
    if (e5py_run(module, runs_body, &call, progress) == 0) result = table_array(&call.table);
    e5_runs_table_fini(&call.table);
    e5py_pool_release();
out:
    for (int i = 0; i < LIMITS; i++) {
        Py_XDECREF(call.values[i]);
        Py_XDECREF(call.slots[i]);
    }
    Py_XDECREF(call.seconds);
    return result;
}

PyDoc_STRVAR(run_columns_doc, "run_columns()\n--\n\nName, units and meaning of the columns of runs().");
static PyObject *run_columns(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    return Py_BuildValue("["
#define COLUMN(name, units, doc) "(sss)"
#include "diag/spell_columns.def"
#undef COLUMN
                         "]"
#define COLUMN(name, units, doc) , #name, units, doc
#include "diag/spell_columns.def"
#undef COLUMN
    );
}

static PyMethodDef methods[] = {
    {"runs", runs, METH_VARARGS, runs_doc},
    {"run_columns", run_columns, METH_NOARGS, run_columns_doc},
    {NULL},
};

int e5py_add_runs(PyObject *module) { return PyModule_AddFunctions(module, methods); }
