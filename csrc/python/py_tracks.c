/* py_tracks: extrema of maps, and tracks of points. */
#include <stddef.h>
#include <string.h>

#include "drive/extrema.h"
#include "events/point_tracks.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/source.h"
#include "python/wait.h"

#define BLOCK_BYTES ((size_t)64 << 20)

/* --- extrema --- */

struct extrema_call {
    struct e5_source source;
    struct e5_grid grid;
    struct e5_extrema_rule rule;
    struct e5_extrema found;
    struct e5_pool *pool;
};

static enum e5_status extrema_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct extrema_call *call = context;
    struct e5_extrema_plan plan;
    enum e5_status status = e5_extrema_plan(&call->rule, &call->grid, &plan, err);
    if (status != E5_OK) return status;
    status = e5_extrema(&call->source, &plan, BLOCK_BYTES, &call->found, call->pool, watch, err);
    e5_extrema_plan_fini(&plan);
    return status;
}

static PyObject *column(const struct e5_extrema *found, size_t offset, int typenum) {
    npy_intp n = (npy_intp)found->count;
    PyArrayObject *array = (PyArrayObject *)PyArray_SimpleNew(1, &n, typenum);
    if (array == NULL) return NULL;
    size_t item = (size_t)PyArray_ITEMSIZE(array);
    char *to = PyArray_DATA(array);
    for (size_t i = 0; i < found->count; i++) memcpy(to + i * item, (const char *)&found->row[i] + offset, item);
    return (PyObject *)array;
}

static PyObject *table(const struct e5_extrema *found) {
    PyObject *dict = PyDict_New();
    if (dict == NULL || e5py_put(dict, "time", column(found, offsetof(struct e5_extremum, time), NPY_INT32)) < 0 ||
        e5py_put(dict, "row", column(found, offsetof(struct e5_extremum, row), NPY_INT32)) < 0 ||
        e5py_put(dict, "column", column(found, offsetof(struct e5_extremum, column), NPY_INT32)) < 0 ||
        e5py_put(dict, "value", column(found, offsetof(struct e5_extremum, value), NPY_FLOAT64)) < 0 ||
        e5py_put(dict, "depth", column(found, offsetof(struct e5_extremum, depth), NPY_FLOAT64)) < 0)
        Py_CLEAR(dict);
    return dict;
}

static PyObject *run_extrema(PyObject *module, struct extrema_call *call, PyArrayObject *latitude,
                             PyArrayObject *longitude, PyObject *progress) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *result = NULL;
    if (e5_grid_init(&call->grid, PyArray_DATA(latitude), (size_t)PyArray_DIM(latitude, 0), PyArray_DATA(longitude),
                     (size_t)PyArray_DIM(longitude, 0), &err) != E5_OK)
        return e5py_raise(module, &err);
    call->pool = e5py_pool_acquire(module);
    if (call->pool != NULL) {
        if (e5py_run(module, extrema_body, call, progress) == 0) result = table(&call->found);
        e5py_pool_release();
    }
    free(call->found.row);
    e5_grid_fini(&call->grid);
    return result;
}

PyDoc_STRVAR(extrema_doc, "extrema(source, latitude, longitude, highest, around, search, merge, reach, depth, "
                          "progress, /)\n--\n\nTable of local minima or maxima; see csrc/events/extrema.h.");
static PyObject *extrema(PyObject *module, PyObject *args) {
    struct extrema_call call = {0};
    struct e5_extrema_rule *rule = &call.rule;
    struct e5_view view;
    PyObject *source, *rows, *columns, *progress, *result = NULL;
    int highest;
    if (!PyArg_ParseTuple(args, "OOOpiddddO", &source, &rows, &columns, &highest, &rule->around, &rule->search,
                          &rule->merge, &rule->reach, &rule->depth, &progress))
        return NULL;
    rule->highest = highest;
    if (rule->around != E5_BESIDE && rule->around != E5_AROUND)
        return PyErr_SetString(PyExc_ValueError, "cells have 4 or 8 neighbours"), NULL;
    PyArrayObject *latitude = e5py_contiguous(rows, NPY_FLOAT64, 1);
    PyArrayObject *longitude = latitude != NULL ? e5py_contiguous(columns, NPY_FLOAT64, 1) : NULL;
    if (longitude != NULL && e5py_source(module, source, &view, &call.source) == 0)
        result = run_extrema(module, &call, latitude, longitude, progress);
    Py_XDECREF(latitude);
    Py_XDECREF(longitude);
    return result;
}

/* --- tracks --- */

struct tracks_call {
    struct e5_points points;
    double distance;
    int64_t gap, *track;
};

static enum e5_status tracks_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct tracks_call *call = context;
    return e5_point_tracks(&call->points, call->distance, call->gap, watch, call->track, err);
}

enum { STEP, LATITUDE, LONGITUDE, COORDINATES };

static bool is_sorted(const struct e5_points *points) {
    for (size_t i = 1; i < points->count; i++)
        if (points->step[i] < points->step[i - 1] ||
            (points->step[i] == points->step[i - 1] && !(points->latitude[i] >= points->latitude[i - 1])))
            return false;
    return true;
}

static PyObject *run_tracks(PyObject *module, PyArrayObject *const *in, struct tracks_call *call,
                            PyObject *progress) {
    npy_intp n = PyArray_DIM(in[STEP], 0);
    if (PyArray_DIM(in[LATITUDE], 0) != n || PyArray_DIM(in[LONGITUDE], 0) != n)
        return PyErr_SetString(PyExc_ValueError, "columns have different lengths"), NULL;
    call->points = (struct e5_points){(size_t)n, PyArray_DATA(in[STEP]), PyArray_DATA(in[LATITUDE]),
                                      PyArray_DATA(in[LONGITUDE])};
    if (!is_sorted(&call->points))
        return PyErr_SetString(PyExc_ValueError, "points must be sorted by step and latitude"), NULL;
    PyObject *result = PyArray_SimpleNew(1, &n, NPY_INT64);
    if (result == NULL) return NULL;
    call->track = PyArray_DATA((PyArrayObject *)result);
    if (e5py_run(module, tracks_body, call, progress) < 0) Py_CLEAR(result);
    return result;
}

PyDoc_STRVAR(point_tracks_doc, "point_tracks(step, latitude, longitude, distance, gap, progress, /)\n--\n\n"
                               "Number of the track of each point; see csrc/events/point_tracks.h.");
static PyObject *point_tracks(PyObject *module, PyObject *args) {
    struct tracks_call call = {{0}};
    PyObject *objects[COORDINATES], *progress, *result = NULL;
    PyArrayObject *in[COORDINATES] = {NULL};
    static const int typenum[COORDINATES] = {NPY_INT64, NPY_FLOAT64, NPY_FLOAT64};
    bool good = true;
    if (!PyArg_ParseTuple(args, "OOOdLO", &objects[STEP], &objects[LATITUDE], &objects[LONGITUDE], &call.distance,
                          &call.gap, &progress))
        return NULL;
    for (int i = 0; i < COORDINATES && good; i++) good = (in[i] = e5py_contiguous(objects[i], typenum[i], 1)) != NULL;
    if (good) result = run_tracks(module, in, &call, progress);
    for (int i = 0; i < COORDINATES; i++) Py_XDECREF(in[i]);
    return result;
}

static PyMethodDef functions[] = {
    {"extrema", extrema, METH_VARARGS, extrema_doc},
    {"point_tracks", point_tracks, METH_VARARGS, point_tracks_doc},
    {NULL},
};

int e5py_add_tracks(PyObject *module) { return PyModule_AddFunctions(module, functions); }
