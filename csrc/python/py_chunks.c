#include "python/py_chunks.h"

#include <stdlib.h>

#include "io/ncfile.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

struct look_up {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    const struct e5_map *map;
};

static enum e5_status look_up_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct look_up *call = context;
    (void)watch;
    return e5_layout_prepare(call->file, call->var, &call->map, err);
}

static PyObject *lengths(const size_t *length, int ndim) {
    PyObject *tuple = PyTuple_New(ndim);
    for (int d = 0; tuple != NULL && d < ndim; d++) {
        PyObject *number = PyLong_FromSize_t(length[d]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, d, number);
    }
    return tuple;
}

static PyObject *filters(const struct e5_map *map) {
    PyObject *tuple = PyTuple_New(map->filters);
    for (int i = 0; tuple != NULL && i < map->filters; i++) {
        enum e5_filter filter = map->filter[i];
        PyObject *name = PyUnicode_FromString(filter == E5_DEFLATE   ? "deflate"
                                              : filter == E5_SHUFFLE ? "shuffle"
                                                                     : "fletcher32");
        if (name == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, name);
    }
    return tuple;
}

/* One column of the list of chunks as an int64 array: files are shorter than 2^63 bytes. */
static PyObject *column(const struct e5_map *map, int which) {
    npy_intp count = (npy_intp)map->chunks;
    PyObject *array = PyArray_SimpleNew(1, &count, NPY_INT64);
    int64_t *out = array != NULL ? PyArray_DATA((PyArrayObject *)array) : NULL;
    for (npy_intp i = 0; out != NULL && i < count; i++) {
        const struct e5_chunk *chunk = &map->chunk_list[i];
        const uint64_t values[] = {chunk->index, chunk->address, chunk->size, chunk->mask};
        out[i] = (int64_t)values[which];
    }
    return array;
}

static int put_chunked(PyObject *found, const struct e5_map *map) {
    static const char *const names[] = {"number", "address", "size", "mask"};
    int result = 0;
    for (int i = 0; result == 0 && i < 4; i++) result = e5py_put(found, names[i], column(map, i));
    return result;
}

static PyObject *held_bytes(const struct e5_map *map) {
    size_t bytes = map->element;
    for (int d = 0; d < map->ndim; d++) bytes *= map->dim[d];
    if (map->held == NULL) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((const char *)map->held, (Py_ssize_t)bytes);
}

static int put_contiguous(PyObject *found, const struct e5_map *map) {
    bool nowhere = map->held == NULL && map->address == E5_NOWHERE;
    PyObject *start =
        nowhere ? Py_NewRef(Py_None) : PyLong_FromUnsignedLongLong(map->held == NULL ? map->address : 0);
    int result = e5py_put(found, "start", start);
    if (result == 0) result = e5py_put(found, "stride", PyLong_FromUnsignedLongLong(map->record_stride));
    return result == 0 ? e5py_put(found, "held", held_bytes(map)) : result;
}

static PyObject *described(const struct e5_ncvar *var, const struct e5_map *map) {
    PyObject *found = PyDict_New();
    if (found == NULL) return NULL;
    PyObject *why = map->way == E5_BY_LIBRARY ? PyUnicode_FromString(map->why) : Py_NewRef(Py_None);
    size_t bytes = map->element < sizeof map->fill ? map->element : sizeof map->fill;
    int result = e5py_put(found, "why", why);
    if (result == 0) result = e5py_put(found, "swapped", PyBool_FromLong(map->swapped));
    if (result == 0) result = e5py_put(found, "shape", lengths(map->dim, var->ndim));
    if (result == 0)
        result = e5py_put(found, "chunks", map->chunked ? lengths(map->chunk, var->ndim) : Py_NewRef(Py_None));
    if (result == 0) result = e5py_put(found, "filters", filters(map));
    if (result == 0)
        result = e5py_put(found, "fill", PyBytes_FromStringAndSize((const char *)map->fill, (Py_ssize_t)bytes));
    if (result == 0 && map->way == E5_CHUNKED) result = put_chunked(found, map);
    if (result == 0 && map->way == E5_CONTIGUOUS) result = put_contiguous(found, map);
    if (result < 0) Py_CLEAR(found);
    return found;
}

PyObject *e5py_file_chunks(PyObject *object, PyObject *args) {
    struct e5py_object *self = (struct e5py_object *)object;
    struct e5_error err = E5_ERROR_NONE;
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    struct look_up call = {.file = self->owned, .var = e5_ncfile_find(self->owned, name)};
    if (call.var != NULL && !call.var->is_string)
        return e5py_run(self->module, look_up_body, &call, Py_None) == 0 ? described(call.var, call.map) : NULL;
    (void)!e5_fail(&err, E5_INPUT, "%s: no variable '%s' of numbers or characters", call.file->path, name);
    return e5py_raise(self->module, &err);
}
