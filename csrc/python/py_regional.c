/* py_regional: grids on the sphere, and regions of their cells. */
#include "drive/regional.h"
#include "model/grid.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20)

PyDoc_STRVAR(grid_doc, "grid(latitude, longitude, /)\n--\n\nEdges of the rows and width of a column in "
                       "degrees, and km² of a "
                       "cell of each row.");
static PyObject *grid(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_grid made;
    PyObject *rows, *columns, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO", &rows, &columns)) return NULL;
    PyArrayObject *latitude = e5py_contiguous(rows, NPY_FLOAT64, 1);
    PyArrayObject *longitude = latitude != NULL ? e5py_contiguous(columns, NPY_FLOAT64, 1) : NULL;
    if (longitude == NULL) goto out;
    if (e5_grid_init(&made, PyArray_DATA(latitude), (size_t)PyArray_DIM(latitude, 0), PyArray_DATA(longitude),
                     (size_t)PyArray_DIM(longitude, 0), &err) != E5_OK) {
        e5py_raise(module, &err);
        goto out;
    }
    result = Py_BuildValue("{sN sd sN}", "edge", e5py_array(NPY_FLOAT64, made.edge, made.rows + 1), "step", made.step,
                           "area", e5py_array(NPY_FLOAT64, made.area, made.rows));
    e5_grid_fini(&made);
out:
    Py_XDECREF(latitude);
    Py_XDECREF(longitude);
    return result;
}

struct regional_call {
    struct e5_source source;
    struct e5_regions regions;
    struct e5_regional *what;
    size_t count;
    double *out;
    struct e5_pool *pool;
};

static enum e5_status regional_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct regional_call *call = context;
    return e5_regional(&call->source, call->what, call->count, BLOCK_BYTES, call->out, call->pool, watch, err);
}

static int check_lists(PyArrayObject *first, PyArrayObject *cell, PyArrayObject *weight, PyArrayObject *beyond) {
    npy_intp n = PyArray_DIM(first, 0), listed = PyArray_DIM(cell, 0);
    if (n > 0 && PyArray_DIM(beyond, 0) == n - 1 && listed == PyArray_DIM(weight, 0) &&
        ((int64_t *)PyArray_DATA(first))[n - 1] == listed)
        return 0;
    return PyErr_SetString(PyExc_ValueError, "the lists of regions do not fit each other"), -1;
}

/* (statistic, threshold, share) of each question. */
static int take_questions(PyObject *sets, struct regional_call *call) {
    call->count = (size_t)PyList_GET_SIZE(sets);
    if (call->count == 0) return PyErr_SetString(PyExc_ValueError, "nothing is asked of the regions"), -1;
    call->what = PyMem_Calloc(call->count, sizeof *call->what);
    if (call->what == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->count; i++) {
        int statistic;
        struct e5_regional *what = &call->what[i];
        PyObject *set = PyList_GET_ITEM(sets, (Py_ssize_t)i);
        if (!PyTuple_Check(set)) return PyErr_SetString(PyExc_TypeError, "a question is a tuple"), -1;
        if (!PyArg_ParseTuple(set, "idd", &statistic, &what->threshold, &what->min_share)) return -1;
        what->statistic = (enum e5_regional_statistic)statistic;
        what->regions = call->regions;
    }
    return 0;
}

static PyObject *run(PyObject *module, struct regional_call *call, PyObject *progress) {
    npy_intp shape[3] = {(npy_intp)call->count, (npy_intp)call->source.steps, (npy_intp)call->regions.count};
    PyObject *result = PyArray_SimpleNew(3, shape, NPY_FLOAT64);
    call->pool = result != NULL ? e5py_pool_acquire(module) : NULL;
    if (call->pool == NULL) {
        Py_XDECREF(result);
        return NULL;
    }
    call->out = PyArray_DATA((PyArrayObject *)result);
    if (e5py_run(module, regional_body, call, progress) < 0) Py_CLEAR(result);
    e5py_pool_release();
    return result;
}

PyDoc_STRVAR(regional_doc, "regional(source, first, cell, weight, beyond, sets, progress, /)\n--\n\n"
                           "One number per set, step and region; `sets` are (statistic, threshold, share); see\n"
                           "csrc/diag/regional.h.");
static PyObject *regional(PyObject *module, PyObject *args) {
    struct regional_call call = {0};
    struct e5_view view;
    PyObject *source, *starts, *cells, *weights, *others, *sets, *progress, *result = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOO!O", &source, &starts, &cells, &weights, &others, &PyList_Type, &sets,
                          &progress))
        return NULL;
    PyArrayObject *first = e5py_contiguous(starts, NPY_INT64, 1);
    PyArrayObject *cell = first != NULL ? e5py_contiguous(cells, NPY_INT64, 1) : NULL;
    PyArrayObject *weight = cell != NULL ? e5py_contiguous(weights, NPY_FLOAT64, 1) : NULL;
    PyArrayObject *beyond = weight != NULL ? e5py_contiguous(others, NPY_FLOAT64, 1) : NULL;
    if (beyond != NULL && check_lists(first, cell, weight, beyond) == 0 &&
        e5py_source(module, source, &view, &call.source) == 0) {
        call.regions = (struct e5_regions){(size_t)PyArray_DIM(first, 0) - 1, PyArray_DATA(first), PyArray_DATA(cell),
                                           PyArray_DATA(weight), PyArray_DATA(beyond)};
        if (take_questions(sets, &call) == 0) result = run(module, &call, progress);
    }
    PyMem_Free(call.what);
    Py_XDECREF(first);
    Py_XDECREF(cell);
    Py_XDECREF(weight);
    Py_XDECREF(beyond);
    return result;
}

static PyMethodDef methods[] = {
    {"grid", grid, METH_VARARGS, grid_doc},
    {"regional", regional, METH_VARARGS, regional_doc},
    {NULL},
};

int e5py_add_regional(PyObject *module) { return PyModule_AddFunctions(module, methods); }
