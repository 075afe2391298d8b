/* py_points: values in other units, distances, and series at points. */
#include "diag/geodesy.h"
#include "diag/linear.h"
#include "diag/row_sums.h"
#include "diag/stations.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

#define FEW ((npy_intp)1 << 16) /* values that are done before a thread could start */

/* Run `body`, which takes its loop from call->par, in the pool; or at once where there are few values. */
static int run(PyObject *module, e5_job_fn body, void *call, struct e5_parallel *par, npy_intp values,
               PyObject *progress) {
    struct e5_error err = E5_ERROR_NONE;
    if (values <= FEW) {
        *par = (struct e5_parallel){.slots = 1};
        enum e5_status status = body(call, NULL, &err);
        return status == E5_OK ? 0 : (e5py_raise(module, &err), -1);
    }
    struct e5_pool *pool = e5py_pool_acquire(module);
    if (pool == NULL) return -1;
    *par = e5_pool_parallel(pool);
    int result = e5py_run(module, body, call, progress);
    e5py_pool_release();
    return result;
}

/* The array to write to, native and of our making; −1 with an exception set. */
static int check_out(PyArrayObject *out, int ndim) {
    int type = PyArray_TYPE(out);
    if (PyArray_ISCARRAY(out) && PyArray_NDIM(out) == ndim && (type == NPY_FLOAT32 || type == NPY_FLOAT64)) return 0;
    return PyErr_SetString(PyExc_ValueError, "out must be a plain array of floats"), -1;
}

static enum e5_dtype dtype_of(PyArrayObject *out) { return PyArray_TYPE(out) == NPY_FLOAT32 ? E5_F32 : E5_F64; }

/* --- units --- */

struct linear_call {
    struct e5_view view;
    struct e5_linear map;
    PyArrayObject *out;
    struct e5_parallel par;
};

static enum e5_status linear_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct linear_call *call = context;
    return e5_linear(&call->view, &call->map, PyArray_DATA(call->out), dtype_of(call->out), &call->par, watch, err);
}

PyDoc_STRVAR(linear_doc,
             "linear(x, scale, offset, nodata, out, progress, /)\n--\n\nout = x * scale + offset, but for "
             "values equal to nodata.");
static PyObject *linear(PyObject *module, PyObject *args) {
    struct linear_call call = {0};
    PyArrayObject *x;
    PyObject *progress;
    if (!PyArg_ParseTuple(args, "O!dddO!O", &PyArray_Type, &x, &call.map.scale, &call.map.offset, &call.map.nodata,
                          &PyArray_Type, &call.out, &progress) ||
        e5py_view(module, x, &call.view) < 0 || check_out(call.out, PyArray_NDIM(x)) < 0)
        return NULL;
    if (!PyArray_SAMESHAPE(x, call.out)) return PyErr_SetString(PyExc_ValueError, "out has another shape"), NULL;
    if (run(module, linear_body, &call, &call.par, PyArray_SIZE(x), progress) < 0) return NULL;
    Py_RETURN_NONE;
}

/* --- means of maps --- */

struct row_sums_call {
    struct e5_view view;
    double nodata, *sum, *count;
    struct e5_parallel par;
};

static enum e5_status row_sums_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct row_sums_call *call = context;
    return e5_row_sums(&call->view, call->nodata, call->sum, call->count, &call->par, watch, err);
}

PyDoc_STRVAR(row_sums_doc, "row_sums(x, nodata, progress, /)\n--\n\nSums and numbers of what is there along the last "
                           "dimension.");
static PyObject *row_sums(PyObject *module, PyObject *args) {
    struct row_sums_call call = {.nodata = 0};
    PyArrayObject *x;
    PyObject *progress;
    if (!PyArg_ParseTuple(args, "O!dO", &PyArray_Type, &x, &call.nodata, &progress) ||
        e5py_view(module, x, &call.view) < 0)
        return NULL;
    int ndim = PyArray_NDIM(x);
    PyObject *sums = ndim < 1 ? NULL : PyArray_SimpleNew(ndim - 1, PyArray_DIMS(x), NPY_FLOAT64);
    PyObject *counts = sums == NULL ? NULL : PyArray_SimpleNew(ndim - 1, PyArray_DIMS(x), NPY_FLOAT64);
    PyObject *result = NULL;
    if (ndim < 1) PyErr_SetString(PyExc_ValueError, "rows are needed");
    if (counts != NULL) {
        call.sum = PyArray_DATA((PyArrayObject *)sums);
        call.count = PyArray_DATA((PyArrayObject *)counts);
        if (run(module, row_sums_body, &call, &call.par, PyArray_SIZE(x), progress) == 0)
            result = PyTuple_Pack(2, sums, counts);
    }
    Py_XDECREF(sums);
    Py_XDECREF(counts);
    return result;
}

/* --- distances --- */

enum { LAT1, LON1, LAT2, LON2, COORDINATES };

struct pairs_call {
    const double *coordinate[COORDINATES];
    double *out;
    size_t count;
    struct e5_parallel par;
};

#define PAIRS ((size_t)1 << 14)

static enum e5_status pairs_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    const struct pairs_call *call = context;
    size_t at = index * PAIRS, left = call->count - at;
    const double *const *c = call->coordinate;
    e5_geodesy_pairs(c[LAT1] + at, c[LON1] + at, c[LAT2] + at, c[LON2] + at, call->out + at,
                     left < PAIRS ? left : PAIRS);
    return E5_OK;
}

static enum e5_status pairs_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct pairs_call *call = context;
    return e5_parallel_for(&call->par, watch, (call->count + PAIRS - 1) / PAIRS, pairs_task, call, err);
}

static int pin_coordinates(PyObject *const *objects, PyArrayObject **pinned) {
    for (int i = 0; i < COORDINATES; i++)
        if ((pinned[i] = e5py_contiguous(objects[i], NPY_FLOAT64, 1)) == NULL) return -1;
    if (PyArray_SIZE(pinned[LAT1]) == PyArray_SIZE(pinned[LON1]) &&
        PyArray_SIZE(pinned[LAT2]) == PyArray_SIZE(pinned[LON2]))
        return 0;
    return PyErr_SetString(PyExc_ValueError, "as many latitudes as longitudes are needed"), -1;
}

PyDoc_STRVAR(great_circle_doc, "great_circle(lat1, lon1, lat2, lon2, /)\n--\n\nkm between pairs of points.");
static PyObject *great_circle(PyObject *module, PyObject *args) {
    struct pairs_call call = {{0}};
    PyObject *objects[COORDINATES], *result = NULL;
    PyArrayObject *in[COORDINATES] = {NULL};
    if (!PyArg_ParseTuple(args, "OOOO", &objects[LAT1], &objects[LON1], &objects[LAT2], &objects[LON2])) return NULL;
    if (pin_coordinates(objects, in) < 0) goto out;
    npy_intp n = PyArray_SIZE(in[LAT1]);
    if (PyArray_SIZE(in[LAT2]) != n) {
        PyErr_SetString(PyExc_ValueError, "the lists of points have different lengths");
        goto out;
    }
    result = PyArray_SimpleNew(1, &n, NPY_FLOAT64);
    if (result == NULL) goto out;
    for (int i = 0; i < COORDINATES; i++) call.coordinate[i] = PyArray_DATA(in[i]);
    call.out = PyArray_DATA((PyArrayObject *)result);
    call.count = (size_t)n;
    if (run(module, pairs_body, &call, &call.par, n, Py_None) < 0) Py_CLEAR(result);
out:
    for (int i = 0; i < COORDINATES; i++) Py_XDECREF(in[i]);
    return result;
}

struct matrix_call {
    struct e5_geodesy_points from, to;
    double *out;
    struct e5_parallel par;
};

#define COLUMNS ((size_t)1 << 12) /* points whose vectors stay in the second cache for all rows of a task */
#define ROWS ((size_t)64)

static size_t matrix_blocks(const struct matrix_call *call) { return (call->to.count + COLUMNS - 1) / COLUMNS; }

static enum e5_status matrix_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    const struct matrix_call *call = context;
    size_t first = index % matrix_blocks(call) * COLUMNS, row = index / matrix_blocks(call) * ROWS;
    size_t left = call->to.count - first, count = left < COLUMNS ? left : COLUMNS;
    for (size_t end = row + ROWS; row < end && row < call->from.count; row++)
        e5_geodesy_row(&call->from, row, &call->to, first, count, call->out + row * call->to.count + first);
    return E5_OK;
}

static enum e5_status matrix_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct matrix_call *call = context;
    size_t tasks = (call->from.count + ROWS - 1) / ROWS * matrix_blocks(call);
    return e5_parallel_for(&call->par, watch, tasks, matrix_task, call, err);
}

static int make_points(PyArrayObject *latitude, PyArrayObject *longitude, struct e5_geodesy_points *out) {
    size_t n = (size_t)PyArray_SIZE(latitude);
    double *memory = PyMem_Calloc(n + 1, E5_GEODESY_AXES * sizeof *memory);
    if (memory == NULL) return PyErr_NoMemory(), -1;
    for (size_t k = 0; k < E5_GEODESY_AXES; k++) out->axis[k] = memory + k * n;
    out->count = n;
    e5_geodesy_points(PyArray_DATA(latitude), PyArray_DATA(longitude), out);
    return 0;
}

PyDoc_STRVAR(distance_matrix_doc,
             "distance_matrix(lat1, lon1, lat2, lon2, progress, /)\n--\n\nkm between all points of "
             "two lists.");
static PyObject *distance_matrix(PyObject *module, PyObject *args) {
    struct matrix_call call = {{{0}}};
    PyObject *objects[COORDINATES], *progress, *result = NULL;
    PyArrayObject *in[COORDINATES] = {NULL};
    if (!PyArg_ParseTuple(args, "OOOOO", &objects[LAT1], &objects[LON1], &objects[LAT2], &objects[LON2], &progress))
        return NULL;
    if (pin_coordinates(objects, in) < 0 || make_points(in[LAT1], in[LON1], &call.from) < 0 ||
        make_points(in[LAT2], in[LON2], &call.to) < 0)
        goto out;
    npy_intp shape[2] = {PyArray_SIZE(in[LAT1]), PyArray_SIZE(in[LAT2])};
    result = PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (result == NULL) goto out;
    call.out = PyArray_DATA((PyArrayObject *)result);
    if (run(module, matrix_body, &call, &call.par, PyArray_SIZE((PyArrayObject *)result), progress) < 0)
        Py_CLEAR(result);
out:
    PyMem_Free(call.from.axis[0]);
    PyMem_Free(call.to.axis[0]);
    for (int i = 0; i < COORDINATES; i++) Py_XDECREF(in[i]);
    return result;
}

/* --- series at points --- */

struct sample_call {
    struct e5_view maps;
    struct e5_stations stations;
    struct e5_station_series series;
    struct e5_parallel par;
};

static enum e5_status sample_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct sample_call *call = context;
    return e5_stations_sample(&call->stations, &call->maps, &call->series, &call->par, watch, err);
}

static int check_sample(PyArrayObject *const *cells, PyArrayObject *out, size_t steps, size_t first) {
    bool same = PyArray_SAMESHAPE(cells[0], cells[1]) && PyArray_SAMESHAPE(cells[0], cells[2]);
    if (same && PyArray_DIM(cells[0], 1) == E5_STATION_CELLS && PyArray_DIM(cells[0], 0) == PyArray_DIM(out, 0) &&
        (size_t)PyArray_DIM(out, 1) >= steps && first <= (size_t)PyArray_DIM(out, 1) - steps)
        return 0;
    return PyErr_SetString(PyExc_ValueError, "cells, weights and out do not fit each other"), -1;
}

PyDoc_STRVAR(sample_doc, "sample(maps, row, column, weight, skip_missing, out, first, progress, /)\n--\n\nSeries of "
                         "stations from "
                         "maps (time, latitude, longitude) into out[:, first:]; see csrc/diag/stations.h.");
static PyObject *sample(PyObject *module, PyObject *args) {
    struct sample_call call = {0};
    PyArrayObject *maps, *out, *cells[3] = {NULL};
    PyObject *row, *column, *weight, *progress, *result = NULL;
    Py_ssize_t first;
    int skip;
    if (!PyArg_ParseTuple(args, "O!OOOpO!nO", &PyArray_Type, &maps, &row, &column, &weight, &skip, &PyArray_Type,
                          &out, &first, &progress) ||
        e5py_view(module, maps, &call.maps) < 0 || check_out(out, 2) < 0)
        return NULL;
    if (call.maps.ndim != 3 || first < 0) return PyErr_SetString(PyExc_ValueError, "maps over time are needed"), NULL;
    cells[0] = e5py_contiguous(row, NPY_INT64, 2);
    cells[1] = cells[0] != NULL ? e5py_contiguous(column, NPY_INT64, 2) : NULL;
    cells[2] = cells[1] != NULL ? e5py_contiguous(weight, NPY_FLOAT64, 2) : NULL;
    if (cells[2] != NULL && check_sample(cells, out, call.maps.shape[0], (size_t)first) == 0) {
        call.stations = (struct e5_stations){(size_t)PyArray_DIM(out, 0), PyArray_DATA(cells[0]),
                                             PyArray_DATA(cells[1]), PyArray_DATA(cells[2]), skip};
        call.series = (struct e5_station_series){PyArray_BYTES(out) + first * PyArray_ITEMSIZE(out), dtype_of(out),
                                                 (size_t)PyArray_DIM(out, 1)};
        if (run(module, sample_body, &call, &call.par, PyArray_SIZE(out), progress) == 0) result = Py_NewRef(Py_None);
    }
    for (int i = 0; i < 3; i++) Py_XDECREF(cells[i]);
    return result;
}

static PyMethodDef functions[] = {
    {"linear", linear, METH_VARARGS, linear_doc},
    {"row_sums", row_sums, METH_VARARGS, row_sums_doc},
    {"great_circle", great_circle, METH_VARARGS, great_circle_doc},
    {"distance_matrix", distance_matrix, METH_VARARGS, distance_matrix_doc},
    {"sample", sample, METH_VARARGS, sample_doc},
    {NULL},
};

int e5py_add_points(PyObject *module) { return PyModule_AddFunctions(module, functions); }
