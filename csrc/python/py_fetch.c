/* py_fetch: CDS requests → jobs, results, verified files. */
#include "drive/fetch.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "python/objects.h"
#include "python/py_http.h"
#include "python/py_journal.h"
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

/* The text behind a key: NULL for None and for a key that is not there; −1 with an exception set. */
static int read_text(PyObject *dict, const char *key, const char **out) {
    PyObject *value = PyDict_GetItemString(dict, key);
    *out = NULL;
    if (value == NULL || value == Py_None) return 0;
    *out = PyUnicode_AsUTF8(value);
    return *out != NULL ? 0 : -1;
}

static int read_asset(PyObject *dict, struct e5_cds_asset *out) {
    const char *href = NULL, *type = NULL, *checksum = NULL;
    PyObject *size = PyDict_GetItemString(dict, "size");
    if (read_text(dict, "href", &href) < 0 || read_text(dict, "type", &type) < 0 ||
        read_text(dict, "checksum", &checksum) < 0)
        return -1;
    out->size = size != NULL ? PyLong_AsLongLong(size) : -1;
    if (out->size < 0 && PyErr_Occurred()) return -1;
    if (href == NULL || !e5_text_copy(out->href, sizeof out->href, href)) {
        PyErr_SetString(PyExc_ValueError, "an asset needs an address of at most 4095 bytes");
        return -1;
    }
    e5_text_copy(out->media_type, sizeof out->media_type, type != NULL ? type : "");
    if (checksum == NULL || !e5_checksum_normal(checksum, out->checksum)) out->checksum[0] = '\0';
    return 0;
}

static int read_item(PyObject *row, struct fetch_call *call, size_t i) {
    struct e5_fetch_item *item = &call->items[i];
    PyObject *asset;
    int goal, fresh, unpack;
    if (!PyArg_ParseTuple(row, "zzzOzipp", &item->dataset, &item->request, &item->job_id, &asset, &item->target,
                          &goal, &fresh, &unpack))
        return -1;
    if (goal < E5_GOAL_JOB || goal > E5_GOAL_FILE) return PyErr_SetString(PyExc_ValueError, "unknown goal"), -1;
    item->goal = (enum e5_goal)goal;
    item->fresh = fresh != 0;
    item->unpack = unpack != 0;
    if (asset == Py_None) return 0;
    if (!PyDict_Check(asset)) return PyErr_SetString(PyExc_TypeError, "an asset must be a dict"), -1;
    item->asset = PyMem_Calloc(1, sizeof *item->asset);
    if (item->asset == NULL) return PyErr_NoMemory(), -1;
    return read_asset(asset, (struct e5_cds_asset *)item->asset);
}

/* Items from a tuple of rows; the texts stay with it. */
static int read_items(PyObject *rows, struct fetch_call *call) {
    call->n = (size_t)PyTuple_GET_SIZE(rows);
    call->items = PyMem_Calloc(call->n + 1, sizeof *call->items);
    call->results = PyMem_Calloc(call->n + 1, sizeof *call->results);
    if (call->items == NULL || call->results == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->n; i++) {
        PyObject *row = PyTuple_GET_ITEM(rows, (Py_ssize_t)i);
        if (!PyTuple_Check(row)) return PyErr_SetString(PyExc_TypeError, "an item must be a tuple"), -1;
        if (read_item(row, call, i) < 0) return -1;
    }
    return 0;
}

static PyObject *asset_dict(const struct e5_cds_asset *asset) {
    if (asset == NULL) Py_RETURN_NONE;
    return Py_BuildValue("{ss ss sL ss}", "href", asset->href, "type", asset->media_type, "size",
                         (long long)asset->size, "checksum", asset->checksum);
}

static PyObject *file_list(char *const *files) {
    PyObject *list = PyList_New(0);
    for (; list != NULL && files != NULL && *files != NULL; files++) {
        PyObject *name = PyUnicode_DecodeFSDefault(*files);
        if (name == NULL || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

/* Which of the two checksums stands for the file: that of the store's kind, where that one was proven. */
static const char *checksum_kind(const struct e5_fetch_result *result, const char **out) {
    const struct e5_checksum_result *sum = &result->checksum;
    bool joined =
        sum->joined[0] != '\0' && result->asset != NULL && strcmp(sum->joined, result->asset->checksum) == 0;
    *out = joined || sum->whole[0] == '\0' ? sum->joined : sum->whole;
    return (*out)[0] == '\0' ? "" : *out == sum->joined ? "composite" : "md5";
}

static PyObject *result_row(PyObject *module, const struct e5_fetch_result *result) {
    static const char *const verified[] = {"no", "size", "checksum"};
    const char *checksum, *kind = checksum_kind(result, &checksum);
    PyObject *error = result->error.status == E5_OK ? Py_NewRef(Py_None) : e5py_exception(module, &result->error);
    PyObject *asset = asset_dict(result->asset), *files = file_list(result->files);
    if (error != NULL && asset != NULL && files != NULL)
        return Py_BuildValue("{sN ss ss sL ss ss ss sO sN sN}", "error", error, "job_id", result->job_id, "status",
                             result->status, "size", (long long)result->size, "checksum", checksum, "checksum_kind",
                             kind, "verified", verified[result->verified], "kept", result->kept ? Py_True : Py_False,
                             "asset", asset, "files", files);
    Py_XDECREF(error);
    Py_XDECREF(asset);
    Py_XDECREF(files);
    return NULL;
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

static void clear(struct fetch_call *call) {
    if (call->results != NULL) e5_fetch_results_fini(call->results, call->n);
    for (size_t i = 0; call->items != NULL && i < call->n; i++) PyMem_Free((void *)call->items[i].asset);
    PyMem_Free(call->items);
    PyMem_Free(call->results);
}

PyDoc_STRVAR(fetch_doc, "fetch(http, settings, items, overwrite, dismiss, journal, progress)\n--\n\n"
                        "Run items; one dictionary of results per item.");
static PyObject *fetch(PyObject *module, PyObject *args) {
    struct fetch_call call = {0};
    PyObject *http, *settings, *items, *tuple, *journal, *progress, *rows = NULL;
    int overwrite, dismiss;
    if (!PyArg_ParseTuple(args, "O!O!OipOO", &PyDict_Type, &http, &PyDict_Type, &settings, &items, &overwrite,
                          &dismiss, &journal, &progress))
        return NULL;
    if ((tuple = PySequence_Tuple(items)) == NULL) return NULL;
    call.options.overwrite = (enum e5_overwrite)overwrite;
    call.options.dismiss = dismiss != 0;
    bool good = e5py_http_options(module, http, &call.options.http) == 0 &&
                e5py_settings(module, settings, &call.options.settings) == 0 && read_items(tuple, &call) == 0;
    if (good && e5py_journal_borrow(journal, &call.options.journal) == 0) {
        if ((call.pool = e5py_pool_acquire(module)) != NULL) {
            if (e5py_run_counted(module, fetch_body, &call, progress) == 0) rows = result_rows(module, &call);
            e5py_pool_release();
        }
        e5py_journal_return(journal);
    }
    clear(&call);
    Py_DECREF(tuple);
    return rows;
}

static PyMethodDef functions[] = {
    {"fetch", fetch, METH_VARARGS, fetch_doc},
    {NULL},
};

int e5py_add_fetch(PyObject *module) { return PyModule_AddFunctions(module, functions); }
