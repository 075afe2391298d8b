/* py_resampling: bootstrap and permutation tests of many cells at once. */
#include <math.h>
#include <stdlib.h>

#include "diag/resampling.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

#define LANES E5_RESAMPLE_LANES

/* Both tests run the same way: tiles of cells, each with scratch of its own. */
struct call {
    const double *values; /* steps × cells */
    double *out;          /* results × cells */
    size_t steps, cells, results, scratch;
    uint64_t key;
    size_t count;
    bool all;
    struct e5_resamples resamples;
    struct e5_bootstrap bootstrap;
    struct e5_permutation permutation;
    void (*tile)(const struct call *call, double *tile, double *out, void *scratch);
    enum e5_status (*draw)(struct call *call, struct e5_error *err);
    struct e5_pool *pool;
};

static void load_tile(const struct call *call, size_t first, double *tile) {
    size_t left = call->cells - first, count = left < LANES ? left : LANES;
    for (size_t t = 0; t < call->steps; t++)
        for (size_t c = 0; c < LANES; c++)
            tile[t * LANES + c] = c < count ? call->values[t * call->cells + first + c] : (double)NAN;
}

static enum e5_status tile_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot;
    const struct call *call = context;
    size_t first = index * LANES, left = call->cells - first, count = left < LANES ? left : LANES;
    size_t tile_bytes = call->steps * LANES * sizeof(double), out_bytes = call->results * LANES * sizeof(double);
    char *memory = aligned_alloc(64, tile_bytes + out_bytes + (call->scratch + 63) / 64 * 64);
    if (memory == NULL) return e5_fail(err, E5_MEMORY, "no memory for a tile of cells");
    double *tile = (double *)(void *)memory, *out = (double *)(void *)(memory + tile_bytes);
    load_tile(call, first, tile);
    call->tile(call, tile, out, memory + tile_bytes + out_bytes);
    for (size_t k = 0; k < call->results; k++)
        for (size_t c = 0; c < count; c++) call->out[k * call->cells + first + c] = out[k * LANES + c];
    free(memory);
    return E5_OK;
}

static enum e5_status body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct call *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    enum e5_status status = call->draw(call, err);
    if (status != E5_OK) return status;
    status = e5_parallel_for(&par, watch, (call->cells + LANES - 1) / LANES, tile_task, call, err);
    e5_resamples_free(&call->resamples);
    return status;
}

static PyObject *run(PyObject *module, PyObject *values, struct call *call, PyObject *progress) {
    PyObject *result = NULL;
    PyArrayObject *array = e5py_contiguous(values, NPY_FLOAT64, 2);
    if (array == NULL) return NULL;
    call->values = PyArray_DATA(array);
    call->steps = (size_t)PyArray_DIM(array, 0);
    call->cells = (size_t)PyArray_DIM(array, 1);
    npy_intp shape[2] = {(npy_intp)call->results, PyArray_DIM(array, 1)};
    if (call->steps < 2 || call->steps > E5_RESAMPLE_MOST || call->permutation.part > call->steps || call->count < 1)
        PyErr_SetString(PyExc_ValueError, "too few or too many values or resamples");
    else
        result = PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    call->pool = result != NULL ? e5py_pool_acquire(module) : NULL;
    if (call->pool != NULL) {
        call->out = PyArray_DATA((PyArrayObject *)result);
        if (e5py_run(module, body, call, progress) < 0) Py_CLEAR(result);
        e5py_pool_release();
    }
    Py_DECREF(array);
    return result;
}

/* --- bootstrap --- */

static void bootstrap_tile(const struct call *call, double *tile, double *out, void *scratch) {
    e5_bootstrap_tile(&call->bootstrap, tile, out, scratch);
}

static enum e5_status bootstrap_draw(struct call *call, struct e5_error *err) {
    call->bootstrap.n = call->steps;
    call->bootstrap.resamples = &call->resamples;
    enum e5_status status = e5_resamples_draw(call->steps, call->count, call->key, &call->resamples, err);
    if (status == E5_OK) call->scratch = e5_bootstrap_scratch(&call->bootstrap);
    return status;
}

PyDoc_STRVAR(bootstrap_doc,
             "bootstrap(values, statistic, interval, confidence, ddof, count, key, progress, /)\n--\n\n"
             "Value, low, high, error of each cell of (steps, cells); see csrc/diag/resampling.h.");
static PyObject *bootstrap(PyObject *module, PyObject *args) {
    struct call call = {
        .results = E5_BOOTSTRAP_RESULTS, .tile = bootstrap_tile, .draw = bootstrap_draw, .bootstrap = {0}};
    PyObject *values, *progress;
    unsigned long long key;
    Py_ssize_t count;
    int statistic, interval;
    if (!PyArg_ParseTuple(args, "OiiddnKO", &values, &statistic, &interval, &call.bootstrap.confidence,
                          &call.bootstrap.ddof, &count, &key, &progress))
        return NULL;
    call.bootstrap.statistic = (enum e5_statistic_of_sample)statistic;
    call.bootstrap.interval = (enum e5_interval)interval;
    call.count = count > 0 ? (size_t)count : 0;
    call.key = key;
    return run(module, values, &call, progress);
}

/* --- permutations --- */

static void permutation_tile(const struct call *call, double *tile, double *out, void *scratch) {
    e5_permutation_tile(&call->permutation, tile, out, scratch);
}

static enum e5_status permutation_draw(struct call *call, struct e5_error *err) {
    struct e5_permutation *what = &call->permutation;
    what->n = call->steps;
    what->resamples = &call->resamples;
    call->scratch = e5_permutation_scratch(what);
    if (what->paired) return e5_resamples_toss(what->n, call->count, call->all, call->key, &call->resamples, err);
    return e5_resamples_choose(what->n, what->part, call->count, call->all, call->key, &call->resamples, err);
}

PyDoc_STRVAR(permutation_doc,
             "permutation(values, part, paired, count, all, key, progress, /)\n--\n\nDifference, and how many "
             "resamples "
             "are not greater and not less, of each cell of (steps, cells); see csrc/diag/resampling.h.");
static PyObject *permutation(PyObject *module, PyObject *args) {
    struct call call = {.results = E5_PERMUTATION_RESULTS, .tile = permutation_tile, .draw = permutation_draw};
    PyObject *values, *progress;
    unsigned long long key;
    Py_ssize_t part, count;
    int paired, all;
    if (!PyArg_ParseTuple(args, "OnpnpKO", &values, &part, &paired, &count, &all, &key, &progress)) return NULL;
    call.permutation.part = part > 0 ? (size_t)part : 0;
    call.permutation.paired = paired;
    call.count = count > 0 ? (size_t)count : 0;
    call.all = all;
    call.key = key;
    return run(module, values, &call, progress);
}

static PyMethodDef functions[] = {
    {"bootstrap", bootstrap, METH_VARARGS, bootstrap_doc},
    {"permutation", permutation, METH_VARARGS, permutation_doc},
    {NULL},
};

int e5py_add_resampling(PyObject *module) { return PyModule_AddFunctions(module, functions); }
