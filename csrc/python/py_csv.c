/* py_csv: tables of numbers as text files, many at once. */
#include "io/csv.h"

#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

struct csv_call {
    struct e5_csv csv;
    struct e5_csv_column *column;
    const char **path;
    PyArrayObject *key_end, **values;
    PyObject **name; /* bytes of the file system */
    struct e5_parallel par;
};

static enum e5_status csv_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct csv_call *call = context;
    return e5_csv_write(&call->csv, &call->par, watch, err);
}

static void release(struct csv_call *call) {
    for (size_t i = 0; call->name != NULL && i < call->csv.files; i++) Py_XDECREF(call->name[i]);
    for (size_t i = 0; call->values != NULL && i < call->csv.columns; i++) Py_XDECREF(call->values[i]);
    Py_XDECREF(call->key_end);
    PyMem_Free(call->name);
    PyMem_Free(call->values);
    PyMem_Free(call->path);
    PyMem_Free(call->column);
}

static int make_room(struct csv_call *call, PyObject *paths, PyObject *columns) {
    call->csv.files = (size_t)PyList_GET_SIZE(paths);
    call->csv.columns = (size_t)PyList_GET_SIZE(columns);
    call->name = PyMem_Calloc(call->csv.files + 1, sizeof *call->name);
    call->path = PyMem_Calloc(call->csv.files + 1, sizeof *call->path);
    call->values = PyMem_Calloc(call->csv.columns + 1, sizeof *call->values);
    call->column = PyMem_Calloc(call->csv.columns + 1, sizeof *call->column);
    call->csv.path = call->path;
    call->csv.column = call->column;
    if (call->name != NULL && call->path != NULL && call->values != NULL && call->column != NULL) return 0;
    return PyErr_NoMemory(), -1;
}

static int take_paths(struct csv_call *call, PyObject *paths) {
    for (size_t i = 0; i < call->csv.files; i++) {
        if (!PyUnicode_FSConverter(PyList_GET_ITEM(paths, (Py_ssize_t)i), &call->name[i])) return -1;
        call->path[i] = PyBytes_AS_STRING(call->name[i]);
    }
    return 0;
}

/* Floats and 64-bit integers of any layout are read where they are; all else becomes 64-bit integers. */
static int take_column(struct csv_call *call, size_t i, PyObject *object) {
    int type = PyArray_Check(object) ? PyArray_TYPE((PyArrayObject *)object) : NPY_NOTYPE;
    if (type != NPY_FLOAT32 && type != NPY_FLOAT64) type = NPY_INT64;
    PyArrayObject *values = call->values[i] =
        (PyArrayObject *)PyArray_FROM_OTF(object, type, NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED);
    if (values == NULL) return -1;
    if (PyArray_NDIM(values) != 2 || (size_t)PyArray_DIM(values, 0) != call->csv.files ||
        (size_t)PyArray_DIM(values, 1) != call->csv.rows)
        return PyErr_SetString(PyExc_ValueError, "a column has another shape than (files, rows)"), -1;
    enum e5_dtype dtype = type == NPY_FLOAT32 ? E5_F32 : type == NPY_FLOAT64 ? E5_F64 : E5_I64;
    call->column[i] =
        (struct e5_csv_column){PyArray_DATA(values), PyArray_STRIDE(values, 0), PyArray_STRIDE(values, 1), dtype};
    return 0;
}

static int take_keys(struct csv_call *call, PyObject *keys, PyObject *ends) {
    call->key_end = e5py_contiguous(ends, NPY_UINTP, 1);
    if (call->key_end == NULL) return -1;
    call->csv.rows = (size_t)PyArray_SIZE(call->key_end);
    call->csv.key_end = PyArray_DATA(call->key_end);
    call->csv.keys = PyBytes_AS_STRING(keys);
    size_t before = 0;
    for (size_t row = 0; row < call->csv.rows; before = call->csv.key_end[row++])
        if (call->csv.key_end[row] < before || call->csv.key_end[row] > (size_t)PyBytes_GET_SIZE(keys))
            return PyErr_SetString(PyExc_ValueError, "keys do not end one after the other"), -1;
    return 0;
}

static int run(PyObject *module, struct csv_call *call, PyObject *progress) {
    struct e5_pool *pool = e5py_pool_acquire(module);
    if (pool == NULL) return -1;
    call->par = e5_pool_parallel(pool);
    int result = e5py_run(module, csv_body, call, progress);
    e5py_pool_release();
    return result;
}

PyDoc_STRVAR(write_csv_doc,
             "write_csv(paths, header, keys, key_end, columns, progress, /)\n--\n\nOne file for each path: "
             "header, then rows of a key and numbers; see csrc/io/csv.h.");
static PyObject *write_csv(PyObject *module, PyObject *args) {
    struct csv_call call = {0};
    PyObject *paths, *keys, *ends, *columns, *progress;
    if (!PyArg_ParseTuple(args, "O!yO!OO!O", &PyList_Type, &paths, &call.csv.header, &PyBytes_Type, &keys, &ends,
                          &PyList_Type, &columns, &progress))
        return NULL;
    int status = take_keys(&call, keys, ends) < 0 || make_room(&call, paths, columns) < 0 ? -1 : 0;
    if (status == 0) status = take_paths(&call, paths);
    for (size_t i = 0; status == 0 && i < call.csv.columns; i++)
        status = take_column(&call, i, PyList_GET_ITEM(columns, (Py_ssize_t)i));
    if (status == 0) status = run(module, &call, progress);
    release(&call);
    if (status < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"write_csv", write_csv, METH_VARARGS, write_csv_doc},
    {NULL},
};

int e5py_add_csv(PyObject *module) { return PyModule_AddFunctions(module, functions); }
