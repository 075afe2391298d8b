#include "python/call.h"

#include "python/objects.h"
#include "python/raise.h"

void e5py_call_fini(struct e5py_call *call) {
    for (int rule = 0; rule < E5_MISSING_RULES; rule++) e5_missing_fini(&call->missing[rule]);
    e5_periods_fini(&call->periods);
    PyMem_Free(call->rule);
    PyMem_Free(call->params);
    Py_XDECREF(call->seconds);
}

static int fail(const struct e5py_call *call, struct e5_error *err) { return e5py_raise(call->module, err), -1; }

int e5py_call_sets(struct e5py_call *call, PyObject *sets, enum e5_calendar calendar) {
    Py_ssize_t n = PySequence_Size(sets);
    if (n < 1) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no set of parameters");
        return -1;
    }
    call->params = PyMem_New(struct e5_params, (size_t)n);
    if (call->params == NULL) return PyErr_NoMemory(), -1;
    for (; call->sets < (size_t)n; call->sets++) {
        PyObject *values = PySequence_GetItem(sets, (Py_ssize_t)call->sets);
        int result = values == NULL
                         ? -1
                         : e5py_params(call->module, call->kernel, values, calendar, &call->params[call->sets]);
        Py_XDECREF(values);
        if (result < 0) return -1;
    }
    return 0;
}

static int group_by_day(struct e5py_call *call, PyObject *grouping) {
    struct e5_error err = E5_ERROR_NONE;
    int rule;
    long long offset;
    if (!PyArg_ParseTuple(grouping, "iL", &rule, &offset)) return -1;
    return e5_periods_by_day(&call->axis, (enum e5_day_rule)rule, offset, &call->periods, &err) == E5_OK
               ? 0
               : fail(call, &err);
}

/* A whole number is a rule, another one the share of samples that may be missing. */
static int read_rule(struct e5py_call *call, PyObject *given, enum e5_missing_rule *out) {
    if (PyFloat_Check(given)) {
        double share = PyFloat_AsDouble(given);
        if (call->has_share && share != call->share)
            return PyErr_SetString(PyExc_ValueError, "one share of missing data for all sets"), -1;
        call->share = share;
        call->has_share = true;
        *out = E5_MISSING_SHARE;
        return 0;
    }
    long rule = PyLong_AsLong(given);
    if (PyErr_Occurred()) return -1;
    if (rule < E5_MISSING_ANY || rule > E5_MISSING_NONE)
        return PyErr_Format(PyExc_ValueError, "no rule %ld for missing data", rule), -1;
    *out = (enum e5_missing_rule)rule;
    return 0;
}

/* The rule of each set: one for all of them, or one for each. */
static int read_rules(struct e5py_call *call, PyObject *rules) {
    call->rule = PyMem_Calloc(call->sets + 1, sizeof *call->rule);
    if (call->rule == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->sets; i++) {
        PyObject *one = PyList_Check(rules) ? PySequence_GetItem(rules, (Py_ssize_t)i) : Py_NewRef(rules);
        int result = one != NULL ? read_rule(call, one, &call->rule[i]) : -1;
        Py_XDECREF(one);
        if (result < 0) return -1;
    }
    return 0;
}

static int find_missing(struct e5py_call *call, struct e5_frequency frequency, PyObject *rules) {
    struct e5_error err = E5_ERROR_NONE;
    if (read_rules(call, rules) < 0) return -1;
    for (size_t i = 0; i < call->sets; i++) {
        struct e5_missing *missing = &call->missing[call->rule[i]];
        if (missing->first_month != NULL) continue; /* another set has the same rule */
        struct e5_missing_policy policy = {call->rule[i], call->share};
        if (e5_missing_init(missing, &call->axis, &call->periods, frequency, policy, &err) != E5_OK)
            return fail(call, &err);
    }
    return 0;
}

static int group_by_frequency(struct e5py_call *call, PyObject *grouping) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_frequency frequency;
    const char *text;
    PyObject *rules;
    unsigned only;
    if (!PyArg_ParseTuple(grouping, "sIO", &text, &only, &rules)) return -1;
    enum e5_status status = e5_frequency_parse(text, &frequency, &err);
    frequency.only = only;
    if (status == E5_OK) status = e5_periods_by_calendar(&call->axis, frequency, &call->periods, &err);
    if (status != E5_OK) return fail(call, &err);
    return call->kernel->kind == E5_SERIES ? find_missing(call, frequency, rules) : 0;
}

/* Without a grouping a SCAN sees the whole series, a SERIES no periods. */
static int read_grouping(struct e5py_call *call, PyObject *grouping) {
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

int e5py_call_read(struct e5py_call *call, const char *name, enum e5_kernel_kind kind, PyObject *sets,
                   PyObject *times, const char *calendar, PyObject *grouping) {
    call->seconds = e5py_contiguous(times, NPY_INT64, 1);
    call->kernel = call->seconds != NULL ? e5py_kernel(call->module, name, kind) : NULL;
    if (call->kernel == NULL || e5py_time_axis(call->module, call->seconds, calendar, &call->axis) < 0) return -1;
    if (sets != NULL && e5py_call_sets(call, sets, call->axis.calendar) < 0) return -1;
    return read_grouping(call, grouping);
}

const struct e5_missing *e5py_call_missing(const struct e5py_call *call, size_t set) {
    return call->rule != NULL ? &call->missing[call->rule[set]] : NULL;
}

PyObject *e5py_call_starts(const struct e5py_call *call) {
    if (!call->grouped) Py_RETURN_NONE;
    return e5py_array(NPY_INT64, call->periods.start, call->periods.count);
}

PyObject *e5py_call_result(size_t sets, size_t rows, const struct e5_view *like, enum e5_dtype dtype) {
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

int e5py_call_source(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out) {
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

char *e5py_call_values(PyObject *array, size_t set) {
    return PyArray_BYTES((PyArrayObject *)array) + (npy_intp)set * PyArray_STRIDE((PyArrayObject *)array, 0);
}

int e5py_call_check_steps(size_t steps, size_t times) {
    if (steps == times) return 0;
    return PyErr_Format(PyExc_ValueError, "%zu time steps, but %zu times", steps, times), -1;
}
