/* py_dataset: one variable over many files (Dataset). */
#include <math.h>
#include <string.h>

#include "python/convert.h"
#include "python/objects.h"
#include "python/py_pick.h"
#include "python/raise.h"
#include "python/wait.h"

struct open_dataset {
    const char **paths;
    size_t n;
    const char *variable;
    int library;
    struct e5_pool *pool;
    struct e5_dataset *dataset;
};

static enum e5_status open_dataset_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct open_dataset *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_dataset_open(call->paths, call->n, call->variable, call->library != 0, &par, watch, &call->dataset,
                           err);
}

/* Encoded copies of path-like objects; the list owns the bytes. */
static PyObject *encode_paths(PyObject *paths) {
    PyObject *sequence = PySequence_Fast(paths, "paths must be a sequence");
    PyObject *encoded = sequence != NULL ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; encoded != NULL && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *bytes = NULL;
        int good = PyUnicode_FSConverter(PySequence_Fast_GET_ITEM(sequence, i), &bytes);
        if (!good || PyList_Append(encoded, bytes) < 0) Py_CLEAR(encoded);
        Py_XDECREF(bytes);
    }
    Py_XDECREF(sequence);
    return encoded;
}

static PyObject *dataset_open(PyObject *module, PyObject *args, PyObject *names) {
    static char *const keywords[] = {"paths", "variable", "library", NULL};
    struct open_dataset call = {.library = true};
    PyObject *paths, *self = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, names, "Oz|p", (char **)keywords, &paths, &call.variable, &call.library))
        return NULL;
    PyObject *encoded = encode_paths(paths);
    if (encoded == NULL) return NULL;
    call.n = (size_t)PyList_GET_SIZE(encoded);
    call.paths = PyMem_Calloc(call.n + 1, sizeof *call.paths);
    if (call.paths == NULL) PyErr_NoMemory();
    call.pool = call.paths != NULL ? e5py_pool_acquire(module) : NULL;
    if (call.pool == NULL) goto out;
    for (size_t i = 0; i < call.n; i++) call.paths[i] = PyBytes_AS_STRING(PyList_GET_ITEM(encoded, (Py_ssize_t)i));
    int result = e5py_run(module, open_dataset_body, &call, Py_None);
    e5py_pool_release();
    if (result == 0 && call.dataset == NULL)
        self = Py_NewRef(Py_None);
    else if (result == 0)
        self = e5py_object_new(module, e5py_state(module)->dataset_type, call.dataset);
    if (self == NULL) e5_dataset_close(call.dataset);
out:
    PyMem_Free(call.paths);
    Py_DECREF(encoded);
    return self;
}

static void dataset_dealloc(PyObject *self) {
    struct e5_dataset *dataset = ((struct e5py_object *)self)->owned;
    Py_BEGIN_ALLOW_THREADS
    e5_dataset_close(dataset); /* may wait for a chunk that is being decoded */
    Py_END_ALLOW_THREADS
    e5py_object_free(self);
}

struct e5_dataset *e5py_dataset(PyObject *module, PyObject *object) {
    if (!PyObject_TypeCheck(object, e5py_state(module)->dataset_type)) return NULL;
    return ((struct e5py_object *)object)->owned;
}

static int dims_of(const struct e5_dataset *dataset, struct e5_dataset_dim *dim, size_t *length) {
    int ndim = e5_dataset_dims(dataset, dim);
    for (int d = 0; d < ndim; d++) length[d] = dim[d].length;
    return ndim;
}

static PyObject *dim_names(const struct e5_dataset_dim *dim, int ndim) {
    PyObject *names = PyTuple_New(ndim);
    for (int d = 0; names != NULL && d < ndim; d++) {
        PyObject *name = e5py_text(dim[d].name);
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, d, name);
    }
    return names;
}

static PyObject *chunk_lengths(const struct e5_dataset *dataset, const struct e5_dataset_dim *dim, int ndim) {
    PyObject *lengths = PyTuple_New(ndim);
    for (int d = 0; lengths != NULL && d < ndim; d++) {
        PyObject *length = PyLong_FromSize_t(e5_dataset_chunk(dataset, dim[d].role));
        if (length == NULL)
            Py_CLEAR(lengths);
        else
            PyTuple_SET_ITEM(lengths, d, length);
    }
    return lengths;
}

/* Numbers are counted, levels measured. */
static PyObject *level_values(const struct e5_dataset_dim *dim) {
    PyObject *values = e5py_array(NPY_FLOAT64, dim->values, dim->length), *whole;
    bool counted = dim->role == E5_AXIS_NUMBER;
    for (size_t i = 0; i < dim->length; i++) counted = counted && rint(dim->values[i]) == dim->values[i];
    if (values == NULL || !counted) return values;
    whole = PyArray_Cast((PyArrayObject *)values, NPY_INT64);
    Py_DECREF(values);
    return whole;
}

static PyObject *level_attributes(const struct e5_dataset_dim *dim) {
    PyObject *attrs = e5py_attributes(dim->var->attr, dim->var->nattr);
    bool pressure = attrs != NULL && strcmp(dim->name, "pressure_level") == 0;
    if (pressure && e5py_put(attrs, "units", e5py_text("hPa")) < 0) Py_CLEAR(attrs);
    return attrs;
}

/* What Dataset.header() says of number and level. */
static PyObject *levels(const struct e5_dataset_dim *dim, int ndim) {
    PyObject *all = PyDict_New();
    for (int d = 0; all != NULL && d < ndim; d++) {
        if (dim[d].role != E5_AXIS_NUMBER && dim[d].role != E5_AXIS_LEVEL) continue;
        PyObject *one = Py_BuildValue("{sN sN}", "values", level_values(&dim[d]), "attrs", level_attributes(&dim[d]));
        if (e5py_put(all, dim[d].name, one) < 0) Py_CLEAR(all);
    }
    return all;
}

static PyObject *dataset_header(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_dataset *dataset = ((struct e5py_object *)self)->owned;
    const struct e5_ncvar *var = e5_dataset_variable(dataset);
    struct e5_time_axis time = e5_dataset_time(dataset);
    struct e5_dataset_dim dim[E5_AXES];
    int ndim = e5_dataset_dims(dataset, dim);
    const struct e5_dataset_dim *rows = &dim[ndim - 2], *columns = &dim[ndim - 1];
    return Py_BuildValue("{sN sN sN ss sN sN sN sN sN ss}", "name", e5py_text(var->name), "attrs",
                         e5py_attributes(var->attr, var->nattr), "seconds",
                         e5py_array(NPY_INT64, time.seconds, time.n), "calendar", e5_calendar_name(time.calendar),
                         "latitude", e5py_array(NPY_FLOAT64, rows->values, rows->length), "longitude",
                         e5py_array(NPY_FLOAT64, columns->values, columns->length), "dims", dim_names(dim, ndim),
                         "levels", levels(dim, ndim), "chunks", chunk_lengths(dataset, dim, ndim), "dtype",
                         e5_dtype_name(e5_dataset_dtype(dataset)));
}

struct read_dataset {
    struct e5_dataset *dataset;
    struct e5_pick pick[E5_AXES];
    enum e5_dtype as;
    void *out;
    struct e5_pool *pool;
};

static enum e5_status read_dataset_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_dataset *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_dataset_select(call->dataset, call->pick, call->as, call->out, &par, watch, err);
}

/* The type of the array that is given, when it is one that values can be read as; else that of the dataset. */
static enum e5_dtype wanted_dtype(const struct e5_dataset *dataset, PyObject *out) {
    int typenum = PyArray_Check(out) ? PyArray_TYPE((PyArrayObject *)out) : NPY_NOTYPE;
    return typenum == NPY_FLOAT32 ? E5_F32 : typenum == NPY_FLOAT64 ? E5_F64 : e5_dataset_dtype(dataset);
}

static PyObject *dataset_read(PyObject *object, PyObject *args, PyObject *names) {
    static char *const keywords[] = {"picks", "out", "progress", NULL};
    struct e5py_object *self = (struct e5py_object *)object;
    PyObject *picks = Py_None, *out = Py_None, *progress = Py_None;
    struct e5_dataset_dim dim[E5_AXES];
    size_t length[E5_AXES];
    if (!PyArg_ParseTupleAndKeywords(args, names, "|OOO", (char **)keywords, &picks, &out, &progress)) return NULL;
    struct read_dataset call = {.dataset = self->owned, .as = wanted_dtype(self->owned, out)};
    int ndim = dims_of(call.dataset, dim, length), result = -1;
    PyArrayObject *array = NULL;
    if (e5py_picks(self->module, picks, ndim, length, call.pick) == 0)
        array = e5py_picked_array(out, ndim, call.pick, call.as);
    call.pool = array != NULL ? e5py_pool_acquire(self->module) : NULL;
    if (call.pool != NULL) {
        call.out = PyArray_DATA(array);
        result = e5py_run(self->module, read_dataset_body, &call, progress);
        e5py_pool_release();
    }
    e5py_picks_fini(ndim, call.pick);
    if (result < 0) Py_CLEAR(array);
    return (PyObject *)array;
}

static PyObject *dataset_by_library(PyObject *self, PyObject *Py_UNUSED(none)) {
    return PyBool_FromLong(e5_dataset_by_library(((struct e5py_object *)self)->owned));
}

static PyMethodDef dataset_methods[] = {
    {"header", dataset_header, METH_NOARGS,
     "header($self, /)\n--\n\nName, attributes, dimensions, time axis, levels and grid."},
    {"read", (PyCFunction)(void (*)(void))dataset_read, METH_VARARGS | METH_KEYWORDS,
     "read($self, /, picks=None, out=None, progress=None)\n--\n\nValues; `picks` is a (start, count) or an array of "
     "indices "
     "per dimension."},
    {"by_library", dataset_by_library, METH_NOARGS,
     "by_library($self, /)\n--\n\nWhether reading needs netCDF-C, and so its locks."},
    {NULL},
};

static PyType_Slot dataset_slots[] = {
    {Py_tp_dealloc, dataset_dealloc},
    {Py_tp_methods, dataset_methods},
    {Py_tp_doc, "One variable over many files; made by open_dataset()."},
    {0, NULL},
};

static PyType_Spec dataset_spec = {
    .name = "era5fast._core.Dataset",
    .basicsize = sizeof(struct e5py_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = dataset_slots,
};

static PyMethodDef functions[] = {
    {"open_dataset", (PyCFunction)(void (*)(void))dataset_open, METH_VARARGS | METH_KEYWORDS,
     "open_dataset(paths, variable, library=True)\n--\n\nOne variable over many files; None when `library` is "
     "false and netCDF-C is needed."},
    {NULL},
};

int e5py_add_dataset(PyObject *module) {
    if (e5py_add_type(module, &dataset_spec, &e5py_state(module)->dataset_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
