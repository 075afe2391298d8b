/* py_fetch: CDS requests → verified files. */
#include "drive/fetch.h"

#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

struct fetch_call {
    struct e5_fetch_options options;
    struct e5_fetch_item *items;
    struct e5_fetch_result *results;
    size_t n;
    struct e5_pool *pool;
};

static enum e5_status fetch_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct fetch_call *call = context;
    return e5_fetch(&call->options, call->items, call->n, call->pool, call->results, watch, err);
}

/* Items from a tuple of (dataset, request, target); the texts stay with the tuple. */
static int read_items(PyObject *rows, struct fetch_call *call) {
    call->n = (size_t)PyTuple_GET_SIZE(rows);
    call->items = PyMem_Calloc(call->n + 1, sizeof *call->items);
    call->results = PyMem_Calloc(call->n + 1, sizeof *call->results);
    if (call->items == NULL || call->results == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->n; i++) {
        struct e5_fetch_item *item = &call->items[i];
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(rows, (Py_ssize_t)i), "sss", &item->dataset, &item->request,
                              &item->target))
            return -1;
    }
    return 0;
}

static PyObject *result_row(PyObject *module, const struct e5_fetch_result *result) {
    static const char *const verified[] = {"no", "size", "checksum"};
    PyObject *error = result->error.status == E5_OK ? Py_NewRef(Py_None) : e5py_exception(module, &result->error);
    if (error == NULL) return NULL;
    return Py_BuildValue("{sN ss sL ss ss sO}", "error", error, "job_id", result->job_id, "size",
                         (long long)result->size, "md5", result->md5, "verified", verified[result->verified], "kept",
                         result->kept ? Py_True : Py_False);
}

static PyObject *result_rows(PyObject *module, const struct fetch_call *call) {
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < call->n; i++) {
        PyObject *row = result_row(module, &call->results[i]);
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

PyDoc_STRVAR(fetch_doc,
             "fetch(url, key, user_agent, ca_file, max_jobs, max_transfers, patience, poll_first, poll_cap, pace, "
             "overwrite, items, progress)\n--\n\nRun requests; one dictionary of results per item.");
static PyObject *fetch(PyObject *module, PyObject *args) {
    struct fetch_call call = {0};
    struct e5_fetch_options *options = &call.options;
    PyObject *items, *progress, *rows = NULL;
    int overwrite;
    if (!PyArg_ParseTuple(args,
                          "sssz"
                          "IIdddd"
                          "iO!O",
                          &options->url, &options->key, &options->user_agent, &options->ca_file, &options->max_jobs,
                          &options->max_transfers, &options->patience, &options->poll_first, &options->poll_cap,
                          &options->pace, &overwrite, &PyTuple_Type, &items, &progress))
        return NULL;
    options->overwrite = (enum e5_overwrite)overwrite;
    if (read_items(items, &call) == 0) call.pool = e5py_pool_acquire(module);
    if (call.pool != NULL) {
        if (e5py_run(module, fetch_body, &call, progress) == 0) rows = result_rows(module, &call);
        e5py_pool_release();
    }
    PyMem_Free(call.items);
    PyMem_Free(call.results);
    return rows;
}

static PyMethodDef functions[] = {
    {"fetch", fetch, METH_VARARGS, fetch_doc},
    {NULL},
};

int e5py_add_fetch(PyObject *module) { return PyModule_AddFunctions(module, functions); }
