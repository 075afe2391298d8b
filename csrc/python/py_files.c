/* py_files: netCDF files (File). */
#include <stdlib.h>
#include <string.h>

#include "io/texts.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/py_chunks.h"
#include "python/py_header.h"
#include "python/py_pick.h"
#include "python/raise.h"
#include "python/wait.h"

struct open_file {
    const char *path;
    int library;
    struct e5_ncfile *file;
};

static enum e5_status open_file_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct open_file *call = context;
    return (call->library ? e5_ncfile_open : e5_ncfile_open_direct)(call->path, watch, &call->file, err);
}

static PyObject *file_open(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"", "library", NULL};
    PyObject *path;
    struct open_file call = {.library = true};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&|p", names, PyUnicode_FSConverter, &path, &call.library))
        return NULL;
    call.path = PyBytes_AS_STRING(path);
    int result = e5py_run(module, open_file_body, &call, Py_None);
    Py_DECREF(path);
    if (result < 0) {
        e5_ncfile_close(call.file); /* an interrupt may come when the file is already open */
        return NULL;
    }
    if (call.file == NULL) Py_RETURN_NONE;
    PyObject *self = e5py_object_new(module, e5py_state(module)->file_type, call.file);
    if (self == NULL) e5_ncfile_close(call.file);
    return self;
}

static void file_dealloc(PyObject *self) {
    struct e5_ncfile *file = ((struct e5py_object *)self)->owned;
    Py_BEGIN_ALLOW_THREADS
    e5_ncfile_close(file); /* may wait for a chunk that is being decoded */
    Py_END_ALLOW_THREADS
    e5py_object_free(self);
}

static PyObject *file_header_method(PyObject *self, PyObject *Py_UNUSED(none)) {
    return e5py_file_header(((struct e5py_object *)self)->owned);
}

struct read_file {
    struct e5_ncfile *file;
    const struct e5_ncvar *var;
    struct e5_pick pick[E5_MAX_DIMS];
    enum e5_dtype as;
    int stored;
    void *out;
    struct e5_pool *pool;
};

static enum e5_status read_file_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_file *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    if (call->stored) return e5_ncfile_select_stored(call->file, call->var, call->pick, call->out, &par, watch, err);
    return e5_ncfile_select(call->file, call->var, call->pick, call->as, call->out, &par, watch, err);
}

static enum e5_dtype natural_dtype(const struct e5_ncvar *var) {
    bool packed = var->packing.scale != 1 || var->packing.offset != 0;
    if (var->dtype == E5_F32 || (packed && e5_dtype_size(var->dtype) <= 2)) return E5_F32;
    if (var->dtype == E5_F64 || packed) return E5_F64;
    return E5_I64;
}

static PyObject *read_picked(PyObject *module, struct read_file *call, PyObject *picks, PyObject *out,
                             PyObject *progress) {
    size_t length[E5_MAX_DIMS];
    int ndim = call->var->ndim, result = -1;
    PyArrayObject *array = NULL;
    for (int d = 0; d < ndim; d++) length[d] = call->file->dim[call->var->dim[d]].length;
    call->as = call->stored ? call->var->stored : natural_dtype(call->var);
    if (e5py_picks(module, picks, ndim, length, call->pick) == 0)
        array = e5py_picked_array(out, ndim, call->pick, call->as);
    call->pool = array != NULL ? e5py_pool_acquire(module) : NULL;
    if (call->pool != NULL) {
        call->out = PyArray_DATA(array);
        result = e5py_run(module, read_file_body, call, progress);
        e5py_pool_release();
    }
    e5py_picks_fini(ndim, call->pick);
    if (result < 0) Py_CLEAR(array);
    return (PyObject *)array;
}

static PyObject *file_read(PyObject *object, PyObject *args, PyObject *keywords) {
    static char *names[] = {"name", "picks", "stored", "out", "progress", NULL};
    struct e5py_object *self = (struct e5py_object *)object;
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    PyObject *picks = Py_None, *out = Py_None, *progress = Py_None;
    struct read_file call = {.file = self->owned};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "s|OpOO", names, &name, &picks, &call.stored, &out, &progress))
        return NULL;
    call.var = e5_ncfile_find(call.file, name);
    if (call.var != NULL && !call.var->is_text) return read_picked(self->module, &call, picks, out, progress);
    (void)!e5_fail(&err, E5_INPUT, "%s: no numeric variable '%s'", call.file->path, name);
    return e5py_raise(self->module, &err);
}

struct explain_way {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    char text[256];
};

/* Looks the chunks up, which may take long where there are millions on a slow disk. */
static enum e5_status explain_way_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct explain_way *call = context;
    (void)watch, (void)err;
    e5_ncfile_explain(call->file, call->var, call->text, sizeof call->text);
    return E5_OK;
}

static PyObject *file_explain(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    struct explain_way call = {.file = self->owned, .var = e5_ncfile_find(self->owned, name)};
    if (call.var == NULL) Py_RETURN_NONE;
    return e5py_run(self->module, explain_way_body, &call, Py_None) == 0 ? e5py_text(call.text) : NULL;
}

struct ask_way {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    bool by_library;
};

static enum e5_status ask_way_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct ask_way *call = context;
    (void)watch;
    return e5_ncfile_by_library(call->file, call->var, &call->by_library, err);
}

static PyObject *file_by_library(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    struct ask_way call = {.file = self->owned, .var = e5_ncfile_find(self->owned, name)};
    if (call.var == NULL) {
        (void)!e5_fail(&err, E5_INPUT, "%s: no variable '%s'", call.file->path, name);
        return e5py_raise(self->module, &err);
    }
    bool known = e5_ncfile_knows_way(call.file, call.var, &call.by_library);
    if (!known && e5py_run(self->module, ask_way_body, &call, Py_None) < 0) return NULL;
    return PyBool_FromLong(call.by_library);
}

struct read_texts {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    struct e5_texts texts;
};

static enum e5_status read_texts_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct read_texts *call = context;
    (void)watch;
    return e5_texts_read(call->file, call->var, &call->texts, err);
}

/* Texts of the variable that the arguments name; the caller frees them. */
static int read_texts(struct e5py_object *self, PyObject *args, struct read_texts *call) {
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return -1;
    *call = (struct read_texts){.file = self->owned, .var = e5_ncfile_find(self->owned, name)};
    if (call->var == NULL || !call->var->is_text) {
        (void)!e5_fail(&err, E5_INPUT, "%s: no variable of texts '%s'", call->file->path, name);
        return e5py_raise(self->module, &err), -1;
    }
    int result = e5py_run(self->module, read_texts_body, call, Py_None);
    if (result < 0) free(call->texts.bytes);
    return result;
}

static PyObject *file_texts(PyObject *self, PyObject *args) {
    struct read_texts call;
    if (read_texts((struct e5py_object *)self, args, &call) < 0) return NULL;
    PyObject *list = PyList_New((Py_ssize_t)call.texts.count);
    for (size_t i = 0; list != NULL && i < call.texts.count; i++) {
        PyObject *text = e5py_text(call.texts.bytes + i * call.texts.width);
        if (text == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, text);
    }
    free(call.texts.bytes);
    return list;
}

static PyObject *file_characters(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    struct read_texts call;
    npy_intp shape[E5_MAX_DIMS];
    if (read_texts(self, args, &call) < 0) return NULL;
    for (int d = 0; d < call.var->ndim; d++) shape[d] = (npy_intp)call.file->dim[call.var->dim[d]].length;
    PyObject *array = NULL;
    if (call.var->is_string)
        PyErr_SetString(PyExc_TypeError, "a variable of strings, not of characters");
    else
        array = PyArray_New(&PyArray_Type, call.var->ndim, shape, NPY_STRING, NULL, NULL, 1, 0, NULL);
    char *out = array != NULL ? PyArray_DATA((PyArrayObject *)array) : NULL;
    for (size_t i = 0, length = call.texts.width - 1; out != NULL && i < call.texts.count; i++)
        memcpy(out + i * length, call.texts.bytes + i * call.texts.width, length);
    free(call.texts.bytes);
    return array;
}

static PyMethodDef file_methods[] = {
    {"header", file_header_method, METH_NOARGS,
     "header($self, /)\n--\n\nDimensions, variables and attributes as dictionaries."},
    {"read", (PyCFunction)(void (*)(void))file_read, METH_VARARGS | METH_KEYWORDS,
     "read($self, /, name, picks=None, stored=False, out=None, progress=None)\n--\n\nValues of a variable; `picks` "
     "is a "
     "(start, count) or an array of indices per dimension.  `stored` gives them as they lie in the file."},
    {"texts", file_texts, METH_VARARGS, "texts($self, name, /)\n--\n\nTexts of a variable of texts, as a list."},
    {"characters", file_characters, METH_VARARGS,
     "characters($self, name, /)\n--\n\nBytes of a variable of characters, in its shape."},
    {"by_library", file_by_library, METH_VARARGS,
     "by_library($self, name, /)\n--\n\nWhether reading a variable needs netCDF-C, and so its locks."},
    {"chunks", e5py_file_chunks, METH_VARARGS,
     "chunks($self, name, /)\n--\n\nWhere the bytes of a variable lie in the file."},
    {"explain", file_explain, METH_VARARGS,
     "explain($self, name, /)\n--\n\nBy which way a variable is read, and why."},
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

static PyMethodDef functions[] = {
    {"open_file", (PyCFunction)(void (*)(void))file_open, METH_VARARGS | METH_KEYWORDS,
     "open_file(path, library=True)\n--\n\nRead the header of a netCDF file; without `library`, None where it needs "
     "netCDF-C, and so its locks."},
    {NULL},
};

int e5py_add_files(PyObject *module) {
    if (e5py_add_type(module, &file_spec, &e5py_state(module)->file_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
