/* py_parts: SCAN kernels on a series that comes in parts. */
#include "drive/scan.h"
#include "python/call.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/state.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20) /* parts are arrays, which are one block */

PyDoc_STRVAR(periods_doc, "periods(name, seconds, calendar, grouping, /)\n--\n\n"
                          "Periods into which a SCAN kernel puts the steps of a series: (period of each step or -1,\n"
                          "first second of each period, samples of a complete one).");
static PyObject *periods(PyObject *module, PyObject *args) {
    struct e5py_call call = {.module = module};
    PyObject *times, *grouping, *result = NULL;
    const char *name, *calendar;
    if (!PyArg_ParseTuple(args, "sOsO", &name, &times, &calendar, &grouping)) return NULL;
    if (e5py_call_read(&call, name, E5_SCAN, NULL, times, calendar, grouping) == 0)
        result =
            Py_BuildValue("NNN", e5py_array(NPY_INT32, call.periods.of_sample, call.axis.n), e5py_call_starts(&call),
                          e5py_array(NPY_INT32, call.periods.expected, call.periods.count));
    e5py_call_fini(&call);
    return result;
}

/* --- one part --- */

struct part_call {
    struct e5py_call call;
    PyArrayObject *of_sample, *expected, *before; /* `before`: NULL when nothing goes on from there */
    struct e5_periods periods; /* borrows from these */
    struct e5_view view;
    struct e5_source source;
    enum e5_dtype dtype; /* of results */
    struct e5_scan_request *requests; /* call.sets, as the next */
    struct e5_scan_part *parts;
    struct e5_pool *pool;
};

static enum e5_status part_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct part_call *part = context;
    return e5_scan(&part->source, part->requests, part->call.sets, BLOCK_BYTES, part->pool, watch, err);
}

static int read_periods(struct part_call *part, PyObject *of_sample, PyObject *expected) {
    part->of_sample = e5py_contiguous(of_sample, NPY_INT32, 1);
    part->expected = part->of_sample != NULL ? e5py_contiguous(expected, NPY_INT32, 1) : NULL;
    if (part->expected == NULL) return -1;
    part->periods.count = (size_t)PyArray_SIZE(part->expected);
    part->periods.of_sample = PyArray_DATA(part->of_sample);
    part->periods.expected = PyArray_DATA(part->expected);
    return e5py_call_check_steps(part->source.steps, (size_t)PyArray_SIZE(part->of_sample));
}

static int make_requests(struct part_call *part, size_t finished) {
    const struct e5py_call *call = &part->call;
    part->requests = PyMem_Calloc(call->sets, sizeof *part->requests);
    part->parts = PyMem_Calloc(call->sets, sizeof *part->parts);
    if (part->requests == NULL || part->parts == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->sets; i++) {
        part->parts[i].finished = finished;
        part->requests[i] = (struct e5_scan_request){call->kernel, &call->params[i], &part->periods, part->dtype,
                                                     NULL,         &part->parts[i]};
    }
    return 0;
}

/* New array for the states of all sets, one behind the other; None when nothing goes on. */
static PyObject *state_array(const struct part_call *part, size_t finished) {
    npy_intp bytes = 0;
    for (size_t i = 0; i < part->call.sets; i++)
        bytes += (npy_intp)e5_scan_request_bytes(&part->requests[i], part->source.cells, part->source.dtype);
    if (part->before != NULL && PyArray_SIZE(part->before) != bytes)
        return PyErr_Format(PyExc_ValueError, "states of %zd bytes, must be %zd", PyArray_SIZE(part->before), bytes);
    if (finished == part->periods.count) Py_RETURN_NONE;
    return PyArray_SimpleNew(1, &bytes, NPY_UINT8);
}

static void point_at(struct part_call *part, PyObject *results, PyObject *states) {
    const char *in = part->before != NULL ? PyArray_DATA(part->before) : NULL;
    char *out = states != Py_None ? PyArray_DATA((PyArrayObject *)states) : NULL;
    for (size_t i = 0; i < part->call.sets; i++) {
        size_t bytes = e5_scan_request_bytes(&part->requests[i], part->source.cells, part->source.dtype);
        part->requests[i].out = e5py_call_values(results, i);
        part->parts[i].in = in;
        part->parts[i].out = out;
        if (in != NULL) in += bytes;
        if (out != NULL) out += bytes;
    }
}

static PyObject *run_part(struct part_call *part, size_t finished) {
    const struct e5py_call *call = &part->call;
    part->dtype = call->kernel->as_input ? part->source.dtype : E5_F64;
    if (make_requests(part, finished) < 0) return NULL;
    PyObject *states = state_array(part, finished), *result = NULL;
    PyObject *values = states != NULL ? e5py_call_result(call->sets, finished, &part->view, part->dtype) : NULL;
    part->pool = values != NULL ? e5py_pool_acquire(call->module) : NULL;
    if (part->pool != NULL) {
        point_at(part, values, states);
        if (e5py_run(call->module, part_body, part, Py_None) == 0) result = PyTuple_Pack(2, values, states);
        e5py_pool_release();
    }
    Py_XDECREF(values);
    Py_XDECREF(states);
    return result;
}

static int read_before(struct part_call *part, PyObject *states) {
    if (states == Py_None) return 0;
    part->before = e5py_contiguous(states, NPY_UINT8, 1);
    return part->before != NULL ? 0 : -1;
}

PyDoc_STRVAR(scan_part_doc,
             "scan_part(name, sets, source, of_sample, expected, finished, states, /)\n--\n\n"
             "Run a SCAN kernel on a part of a series; (values of all sets for the periods finished, states that go\n"
             "on in the next part or None).  Periods are counted from the one that goes on from the part before,\n"
             "whose `states` are given then; one more than are `finished` may go on in the next.");
static PyObject *scan_part(PyObject *module, PyObject *args) {
    struct part_call part = {.call = {.module = module}};
    PyObject *sets, *object, *of_sample, *expected, *states, *result = NULL;
    const char *name;
    Py_ssize_t finished;
    if (!PyArg_ParseTuple(args, "sOOOOnO", &name, &sets, &object, &of_sample, &expected, &finished, &states))
        return NULL;
    if (finished < 0) return PyErr_SetString(PyExc_ValueError, "a negative number of periods"), NULL;
    part.call.kernel = e5py_kernel(module, name, E5_SCAN);
    if (part.call.kernel != NULL && e5py_call_sets(&part.call, sets, E5_STANDARD) == 0 &&
        e5py_call_source(module, object, &part.view, &part.source) == 0 &&
        read_periods(&part, of_sample, expected) == 0 && read_before(&part, states) == 0)
        result = run_part(&part, (size_t)finished);
    PyMem_Free(part.requests);
    PyMem_Free(part.parts);
    Py_XDECREF(part.of_sample);
    Py_XDECREF(part.expected);
    Py_XDECREF(part.before);
    e5py_call_fini(&part.call);
    return result;
}

static PyMethodDef functions[] = {
    {"periods", periods, METH_VARARGS, periods_doc},
    {"scan_part", scan_part, METH_VARARGS, scan_part_doc},
    {NULL},
};

int e5py_add_parts(PyObject *module) { return PyModule_AddFunctions(module, functions); }
