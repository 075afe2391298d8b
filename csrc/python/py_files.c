/* py_files: netCDF files (File) and one variable over many files (Dataset). */
#include <stdlib.h>
#include <string.h>

#include "io/texts.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

/* --- headers as dictionaries --- */

static PyObject *attribute(const struct e5_ncattr *attr) {
    if (attr->text != NULL) return e5py_text(attr->text);
    if (attr->count != 1) return e5py_array(NPY_FLOAT64, attr->number, attr->count);
    return attr->integer ? PyLong_FromDouble(attr->number[0]) : PyFloat_FromDouble(attr->number[0]);
}

static PyObject *attributes(const struct e5_ncattr *attr, size_t n) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < n; i++)
        if (e5py_put(dict, attr[i].name, attribute(&attr[i])) < 0) Py_CLEAR(dict);
    return dict;
}

static PyObject *dim_names(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    PyObject *names = PyTuple_New(var->ndim);
    for (int i = 0; names != NULL && i < var->ndim; i++) {
        PyObject *name = e5py_text(file->dim[var->dim[i]].name);
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

static PyObject *variable_header(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    return Py_BuildValue("{sN ss sN}", "dims", dim_names(file, var), "dtype",
                         var->is_text ? "text" : e5_dtype_name(var->dtype), "attrs",
                         attributes(var->attr, var->nattr));
}

static PyObject *file_header(const struct e5_ncfile *file) {
    PyObject *dims = PyDict_New(), *vars = PyDict_New();
    bool good = dims != NULL && vars != NULL;
    for (size_t i = 0; good && i < file->ndim; i++)
        good = e5py_put(dims, file->dim[i].name, PyLong_FromSize_t(file->dim[i].length)) == 0;
    for (size_t i = 0; good && i < file->nvar; i++)
        good = e5py_put(vars, file->var[i].name, variable_header(file, &file->var[i])) == 0;
    if (good)
        return Py_BuildValue("{sN sN sN}", "dims", dims, "variables", vars, "attrs",
                             attributes(file->attr, file->nattr));
    Py_XDECREF(dims);
    Py_XDECREF(vars);
    return NULL;
}

/* --- File --- */

struct open_file {
    const char *path;
    struct e5_ncfile *file;
};

static enum e5_status open_file_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct open_file *call = context;
    (void)watch;
    return e5_ncfile_open(call->path, &call->file, err);
}

static PyObject *file_open(PyObject *module, PyObject *args) {
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path)) return NULL;
    struct open_file call = {.path = PyBytes_AS_STRING(path)};
    int result = e5py_run(module, open_file_body, &call, Py_None);
    Py_DECREF(path);
    if (result < 0) return NULL;
    PyObject *self = e5py_object_new(module, e5py_state(module)->file_type, call.file);
    if (self == NULL) e5_ncfile_close(call.file);
    return self;
}

static void file_dealloc(PyObject *self) {
    e5_ncfile_close(((struct e5py_object *)self)->owned);
    e5py_object_free(self);
}

static PyObject *file_header_method(PyObject *self, PyObject *Py_UNUSED(none)) {
    return file_header(((struct e5py_object *)self)->owned);
}

struct read_file {
    struct e5_ncfile *file;
    const struct e5_ncvar *var;
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS];
    enum e5_dtype as;
    void *out;
    struct e5_pool *pool;
};

static enum e5_status read_file_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_file *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_ncfile_read(call->file, call->var, call->start, call->count, call->as, call->out, &par, watch, err);
}

/* Bounds from a sequence of (start, count), one per dimension; None reads everything. */
static int read_bounds(PyObject *bounds, struct read_file *call) {
    for (int i = 0; i < call->var->ndim; i++) {
        call->start[i] = 0;
        call->count[i] = call->file->dim[call->var->dim[i]].length;
        if (bounds == Py_None) continue;
        PyObject *pair = PySequence_GetItem(bounds, i);
        Py_ssize_t start, count;
        if (pair == NULL) return -1;
        bool good = PyArg_ParseTuple(pair, "nn", &start, &count) && start >= 0 && count >= 0 &&
                    (size_t)start + (size_t)count <= call->count[i];
        Py_DECREF(pair);
        if (!good && !PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "bounds outside the variable");
        if (!good) return -1;
        call->start[i] = (size_t)start;
        call->count[i] = (size_t)count;
    }
    return 0;
}

static enum e5_dtype natural_dtype(const struct e5_ncvar *var) {
    bool packed = var->packing.scale != 1 || var->packing.offset != 0;
    if (var->dtype == E5_F32 || (packed && e5_dtype_size(var->dtype) <= 2)) return E5_F32;
    if (var->dtype == E5_F64 || packed) return E5_F64;
    return E5_I64;
}

static PyObject *file_read(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    PyObject *bounds = Py_None, *progress = Py_None;
    if (!PyArg_ParseTuple(args, "s|OO", &name, &bounds, &progress)) return NULL;
    struct read_file call = {.file = self->owned, .var = e5_ncfile_find(self->owned, name)};
    if (call.var == NULL || call.var->is_text) {
        (void)!e5_fail(&err, E5_INPUT, "%s: no numeric variable '%s'", call.file->path, name);
        return e5py_raise(self->module, &err);
    }
    if (read_bounds(bounds, &call) < 0) return NULL;
    npy_intp shape[E5_MAX_DIMS];
    for (int i = 0; i < call.var->ndim; i++) shape[i] = (npy_intp)call.count[i];
    call.as = natural_dtype(call.var);
    PyObject *array = PyArray_SimpleNew(call.var->ndim, shape, e5py_typenum(call.as));
    call.pool = array != NULL ? e5py_pool_acquire(self->module) : NULL;
    if (call.pool == NULL) goto fail;
    call.out = PyArray_DATA((PyArrayObject *)array);
    int result = e5py_run(self->module, read_file_body, &call, progress);
    e5py_pool_release();
    if (result == 0) return array;
fail:
    Py_XDECREF(array);
    return NULL;
}

static PyObject *file_explain(PyObject *self, PyObject *args) {
    const struct e5_ncfile *file = ((struct e5py_object *)self)->owned;
    const char *name;
    char text[256];
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    const struct e5_ncvar *var = e5_ncfile_find(file, name);
    if (var == NULL) Py_RETURN_NONE;
    e5_ncfile_explain(file, var, text, sizeof text);
    return e5py_text(text);
}

struct read_texts {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    char *texts;
    size_t count;
};

static enum e5_status read_texts_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_texts *call = context;
    (void)watch;
    return e5_texts_read(call->file, call->var, &call->texts, &call->count, err);
}

static PyObject *file_texts(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    struct read_texts call = {.file = self->owned};
    call.var = e5_ncfile_find(call.file, name);
    if (call.var == NULL || !call.var->is_text) {
        (void)!e5_fail(&err, E5_INPUT, "%s: no variable of texts '%s'", call.file->path, name);
        return e5py_raise(self->module, &err);
    }
    if (e5py_run(self->module, read_texts_body, &call, Py_None) < 0) return NULL;
    PyObject *list = PyList_New((Py_ssize_t)call.count);
    for (size_t i = 0; list != NULL && i < call.count; i++) {
        PyObject *text = e5py_text(call.texts + i * E5_TEXT_SIZE);
        if (text == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, text);
    }
    free(call.texts);
    return list;
}

static PyMethodDef file_methods[] = {
    {"header", file_header_method, METH_NOARGS,
     "header()\n--\n\nDimensions, variables and attributes as dictionaries."},
    {"read", file_read, METH_VARARGS,
     "read(name, bounds=None, progress=None)\n--\n\nValues of a variable; `bounds` is a (start, count) per "
     "dimension."},
    {"texts", file_texts, METH_VARARGS, "texts(name)\n--\n\nTexts of a variable of texts, as a list."},
    {"explain", file_explain, METH_VARARGS, "explain(name)\n--\n\nBy which way a variable is read, and why."},
    {NULL},
};

static PyType_Slot file_slots[] = {
    {Py_tp_dealloc, file_dealloc},
    {Py_tp_methods, file_methods},
    {Py_tp_doc, "An open netCDF file; made by open_file()."},
    {0, NULL},
};

static PyType_Spec file_spec = {
    .name = "era5fast._core.File",
    .basicsize = sizeof(struct e5py_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = file_slots,
};

/* --- Dataset --- */

struct open_dataset {
    const char **paths;
    size_t n;
    const char *variable;
    struct e5_pool *pool;
    struct e5_dataset *dataset;
};

static enum e5_status open_dataset_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct open_dataset *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    (void)watch;
    return e5_dataset_open(call->paths, call->n, call->variable, &par, &call->dataset, err);
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

static PyObject *dataset_open(PyObject *module, PyObject *args) {
    struct open_dataset call = {0};
    PyObject *paths, *self = NULL;
    if (!PyArg_ParseTuple(args, "Oz", &paths, &call.variable)) return NULL;
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
    if (result == 0) self = e5py_object_new(module, e5py_state(module)->dataset_type, call.dataset);
    if (self == NULL) e5_dataset_close(call.dataset);
out:
    PyMem_Free(call.paths);
    Py_DECREF(encoded);
    return self;
}

static void dataset_dealloc(PyObject *self) {
    e5_dataset_close(((struct e5py_object *)self)->owned);
    e5py_object_free(self);
}

struct e5_dataset *e5py_dataset(PyObject *module, PyObject *object) {
    if (!PyObject_TypeCheck(object, e5py_state(module)->dataset_type)) return NULL;
    return ((struct e5py_object *)object)->owned;
}

static PyObject *dataset_header(PyObject *self, PyObject *Py_UNUSED(none)) {
    const struct e5_dataset *dataset = ((struct e5py_object *)self)->owned;
    const struct e5_ncvar *var = e5_dataset_variable(dataset);
    struct e5_time_axis time = e5_dataset_time(dataset);
    size_t rows, columns;
    const double *latitude = e5_dataset_latitude(dataset, &rows);
    const double *longitude = e5_dataset_longitude(dataset, &columns);
    return Py_BuildValue("{sN sN sN ss sN sN}", "name", e5py_text(var->name), "attrs",
                         attributes(var->attr, var->nattr), "seconds", e5py_array(NPY_INT64, time.seconds, time.n),
                         "calendar", e5_calendar_name(time.calendar), "latitude",
                         e5py_array(NPY_FLOAT64, latitude, rows), "longitude",
                         e5py_array(NPY_FLOAT64, longitude, columns));
}

struct read_dataset {
    struct e5_dataset *dataset;
    size_t first, steps;
    void *out;
    struct e5_pool *pool;
};

static enum e5_status read_dataset_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_dataset *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_dataset_read(call->dataset, call->first, call->steps, call->out, &par, watch, err);
}

static PyObject *dataset_read(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    PyObject *progress = Py_None;
    Py_ssize_t first, steps;
    if (!PyArg_ParseTuple(args, "nn|O", &first, &steps, &progress)) return NULL;
    struct read_dataset call = {.dataset = self->owned};
    size_t total = e5_dataset_time(call.dataset).n, rows, columns;
    if (first < 0 || steps < 0 || (size_t)first > total || (size_t)steps > total - (size_t)first)
        return PyErr_SetString(PyExc_IndexError, "steps outside the time axis"), NULL;
    call.first = (size_t)first;
    call.steps = (size_t)steps;
    e5_dataset_latitude(call.dataset, &rows);
    e5_dataset_longitude(call.dataset, &columns);
    npy_intp shape[3] = {steps, (npy_intp)rows, (npy_intp)columns};
    PyObject *array = PyArray_SimpleNew(3, shape, e5py_typenum(e5_dataset_dtype(call.dataset)));
    call.pool = array != NULL ? e5py_pool_acquire(self->module) : NULL;
    if (call.pool == NULL) goto fail;
    call.out = PyArray_DATA((PyArrayObject *)array);
    int result = e5py_run(self->module, read_dataset_body, &call, progress);
    e5py_pool_release();
    if (result == 0) return array;
fail:
    Py_XDECREF(array);
    return NULL;
}

static PyMethodDef dataset_methods[] = {
    {"header", dataset_header, METH_NOARGS, "header()\n--\n\nName, attributes, time axis and grid."},
    {"read", dataset_read, METH_VARARGS,
     "read(first, steps, progress=None)\n--\n\nValues of consecutive time steps."},
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
    {"open_file", file_open, METH_VARARGS, "open_file(path)\n--\n\nRead the header of a netCDF file."},
    {"open_dataset", dataset_open, METH_VARARGS,
     "open_dataset(paths, variable)\n--\n\nOne variable over many files."},
    {NULL},
};

int e5py_add_files(PyObject *module) {
    struct e5py_state *state = e5py_state(module);
    if (e5py_add_type(module, &file_spec, &state->file_type) < 0) return -1;
    if (e5py_add_type(module, &dataset_spec, &state->dataset_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
