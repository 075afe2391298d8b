/* py_runs: the table of runs. */
#include "drive/runs_table.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

struct runs_call {
    struct e5_runs_request request;
    struct e5_source source;
    struct e5_view view;
    PyArrayObject *values[E5_RUNS_LIMITS], *slots[E5_RUNS_LIMITS], *seconds;
    struct e5_time_axis axis;
    struct e5_pool *pool;
    struct e5_runs_search *searches;
    struct e5_runs_table *tables; /* one per search */
};

static enum e5_status runs_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct runs_call *call = context;
    return e5_runs(&call->request, call->pool, watch, call->tables, err);
}

/* None, or (values, slot of each step). */
static int read_limits(PyObject *given, struct runs_call *call, enum e5_runs_limit which) {
    struct e5_runs_limits *out = &call->request.limits[which];
    PyObject *values, *slots;
    out->several = 1;
    if (given == Py_None) return 0;
    if (!PyArg_ParseTuple(given, "OO", &values, &slots)) return -1;
    call->values[which] = e5py_contiguous(values, NPY_FLOAT64, 3);
    call->slots[which] = call->values[which] != NULL ? e5py_contiguous(slots, NPY_INT32, 1) : NULL;
    if (call->slots[which] == NULL) return -1;
    npy_intp *shape = PyArray_DIMS(call->values[which]), steps = PyArray_DIM(call->slots[which], 0);
    *out = (struct e5_runs_limits){PyArray_DATA(call->values[which]), (size_t)shape[1], (size_t)shape[0],
                                   PyArray_DATA(call->slots[which])};
    bool fits = shape[0] > 0 && (size_t)shape[2] == call->request.cells && (size_t)steps == call->axis.n &&
                shape[1] <= E5_SPELL_SLOTS;
    for (npy_intp i = 0; fits && i < steps; i++) fits = out->slot_of_step[i] >= 0 && out->slot_of_step[i] < shape[1];
    return fits ? 0 : (PyErr_SetString(PyExc_ValueError, "limits and data do not fit"), -1);
}

/* One search: (rule, switches, its own of several limits). */
static int read_search(const struct runs_call *call, PyObject *given, struct e5_runs_search *out) {
    unsigned long long minimum, gap, choice[E5_RUNS_LIMITS];
    int test, order, cold, sample, own_maximum, rates_at_edge;
    if (!PyArg_ParseTuple(given, "(iKKi)(pppp)(KKK)", &test, &minimum, &gap, &order, &cold, &sample, &own_maximum,
                          &rates_at_edge, &choice[0], &choice[1], &choice[2]))
        return -1;
    *out = (struct e5_runs_search){(enum e5_spell_test)test,
                                   {(size_t)minimum, (size_t)gap, (enum e5_spell_order)order},
                                   {cold, sample, own_maximum, rates_at_edge},
                                   {0}};
    for (int i = 0; i < E5_RUNS_LIMITS; i++) {
        out->choice[i] = (size_t)choice[i];
        if (choice[i] < call->request.limits[i].several) continue;
        return PyErr_SetString(PyExc_ValueError, "a search takes a limit that is not there"), -1;
    }
    return 0;
}

static int read_searches(struct runs_call *call, PyObject *given) {
    Py_ssize_t n = PySequence_Size(given);
    if (n < 1) return PyErr_Occurred() ? -1 : (PyErr_SetString(PyExc_ValueError, "no search"), -1);
    call->searches = PyMem_Calloc((size_t)n, sizeof *call->searches);
    call->tables = PyMem_Calloc((size_t)n, sizeof *call->tables);
    if (call->searches == NULL || call->tables == NULL) return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *one = PySequence_GetItem(given, i);
        int result = one == NULL ? -1 : read_search(call, one, &call->searches[i]);
        Py_XDECREF(one);
        if (result < 0) return -1;
    }
    call->request.searches = call->searches;
    call->request.nsearches = (size_t)n;
    return 0;
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

static PyObject *table_arrays(const struct runs_call *call) {
    PyObject *list = PyList_New((Py_ssize_t)call->request.nsearches);
    for (size_t i = 0; list != NULL && i < call->request.nsearches; i++) {
        PyObject *array = table_array(&call->tables[i]);
        if (array == NULL) return Py_DECREF(list), NULL;
        PyList_SET_ITEM(list, (Py_ssize_t)i, array);
    }
    return list;
}

static PyObject *run(PyObject *module, struct runs_call *call, PyObject *progress) {
    PyObject *result = NULL;
    call->pool = e5py_pool_acquire(module);
    if (call->pool == NULL) return NULL;
    if (e5py_run(module, runs_body, call, progress) == 0) result = table_arrays(call);
    for (size_t i = 0; i < call->request.nsearches; i++) e5_runs_table_fini(&call->tables[i]);
    e5py_pool_release();
    return result;
}

PyDoc_STRVAR(runs_doc,
             "runs(source, seconds, calendar, threshold, stay, climatology, searches, budget, directory, "
             "progress, /)\n--\n\n"
             "The runs of all cells, one table (rows, columns of run_columns()) per search, in one read.  Limits\n"
             "are (values, slot of each step) or None, the values (several, slots, cells).  A search is its rule\n"
             "(test, minimum, gap, order), its switches (cold, sample, own_maximum, rates_at_edge), and which of\n"
             "several limits it takes.");
static PyObject *runs(PyObject *module, PyObject *args) {
    struct runs_call call = {0};
    PyObject *object, *times, *limits[E5_RUNS_LIMITS], *searches, *progress, *result = NULL;
    const char *calendar;
    unsigned long long budget;
    if (!PyArg_ParseTuple(args, "OOsOOOOKsO", &object, &times, &calendar, &limits[0], &limits[1], &limits[2],
                          &searches, &budget, &call.request.directory, &progress))
        return NULL;
    call.request.budget = (size_t)budget;
    int read = read_source(module, object, times, calendar, &call);
    for (int i = 0; read == 0 && i < E5_RUNS_LIMITS; i++) read = read_limits(limits[i], &call, (enum e5_runs_limit)i);
    if (read == 0 && read_searches(&call, searches) == 0) result = run(module, &call, progress);
    for (int i = 0; i < E5_RUNS_LIMITS; i++) {
        Py_XDECREF(call.values[i]);
        Py_XDECREF(call.slots[i]);
    }
    PyMem_Free(call.searches);
    PyMem_Free(call.tables);
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
