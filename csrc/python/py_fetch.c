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

/* An asset comes from afar: whatever is wrong with it is an error of ours. */
static int bad_asset(PyObject *module, const char *key, const char *what) {
    struct e5_error err = E5_ERROR_NONE;
    err.status = e5_fail(&err, E5_INPUT, "the %s of an asset is %s", key, what);
    return e5py_raise(module, &err), -1;
}

/* The text behind a key: NULL for None and for a key that is not there; −1 with an exception set. */
static int read_text(PyObject *module, PyObject *dict, const char *key, const char **out) {
    PyObject *value = PyDict_GetItemString(dict, key);
    Py_ssize_t size = 0;
    *out = NULL;
    if (value == NULL || value == Py_None) return 0;
    *out = PyUnicode_AsUTF8AndSize(value, &size);
    if (*out != NULL && strlen(*out) == (size_t)size) return 0;
    if (*out == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
    PyErr_Clear();
    return bad_asset(module, key, "no text");
}

static int read_size(PyObject *module, PyObject *dict, int64_t *out) {
    PyObject *size = PyDict_GetItemString(dict, "size");
    int overflow = 0;
    *out = size != NULL ? PyLong_AsLongLongAndOverflow(size, &overflow) : -1;
    if (*out == -1 && PyErr_Occurred()) return -1;
    bool usable = overflow == 0 && *out >= -1 && *out <= E5_ASSET_MOST;
    return usable ? 0 : bad_asset(module, "size", "impossible");
}

static int read_asset(PyObject *module, PyObject *dict, struct e5_cds_asset *out) {
    const char *href = NULL, *type = NULL, *checksum = NULL;
    if (read_text(module, dict, "href", &href) < 0 || read_text(module, dict, "type", &type) < 0 ||
        read_text(module, dict, "checksum", &checksum) < 0 || read_size(module, dict, &out->size) < 0)
        return -1;
    if (href == NULL || !e5_text_copy(out->href, sizeof out->href, href))
        return bad_asset(module, "href", "no address of at most 4095 bytes");
    e5_text_copy(out->media_type, sizeof out->media_type, type != NULL ? type : "");
    if (checksum == NULL || !e5_checksum_normal(checksum, out->checksum)) out->checksum[0] = '\0';
    return 0;
}

static int read_item(PyObject *module, PyObject *row, struct fetch_call *call, size_t i) {
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
    return read_asset(module, asset, (struct e5_cds_asset *)item->asset);
}

/* Items from a tuple of rows; the texts stay with it. */
static int read_items(PyObject *module, PyObject *rows, struct fetch_call *call) {
    call->n = (size_t)PyTuple_GET_SIZE(rows);
    call->items = PyMem_Calloc(call->n + 1, sizeof *call->items);
    call->results = PyMem_Calloc(call->n + 1, sizeof *call->results);
    if (call->items == NULL || call->results == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0; i < call->n; i++) {
        PyObject *row = PyTuple_GET_ITEM(rows, (Py_ssize_t)i);
        if (!PyTuple_Check(row)) return PyErr_SetString(PyExc_TypeError, "an item must be a tuple"), -1;
        if (read_item(module, row, call, i) < 0) return -1;
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

static PyObject *result_row(PyObject *module, const struct e5_fetch_result *result) {
    static const char *const verified[] = {"no", "size", "checksum"};
    const char *declared = result->asset != NULL ? result->asset->checksum : "";
    const char *kind, *checksum = e5_checksum_telling(&result->checksum, declared, &kind);
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

PyDoc_STRVAR(fetch_doc, "fetch(http, settings, items, overwrite, dismiss, journal, progress, /)\n--\n\n"
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
                e5py_settings(module, settings, &call.options.settings) == 0 && read_items(module, tuple, &call) == 0;
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
