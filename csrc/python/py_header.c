#include "python/py_header.h"

#include <stdio.h>

#include "io/chunks.h"

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

static bool is_hdf5(const struct e5_ncfile *file) {
    return ((const struct e5_layout *)file->layout)->probe.container == E5_HDF5;
}

/* NumPy's name of the stored type: kind and bytes of the type's own name, behind the byte order.  All of netCDF-3 is
 * big endian, so that it is no property of a variable there. */
static PyObject *stored_name(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    char order = is_hdf5(file) && var->big_endian ? '>' : NPY_NATBYTE;
    const char *name = e5_dtype_name(var->stored);
    char kind = name[0] == 'u' ? 'u' : name[0] == 'i' ? 'i' : 'f';
    size_t size = e5_dtype_size(var->stored);
    if (var->is_text) return PyUnicode_FromString(var->is_string ? "str" : "|S1");
    return PyUnicode_FromFormat("%c%c%zu", size == 1 ? '|' : order, kind, size);
}

static PyObject *chunk_shape(const struct e5_ncvar *var) {
    if (!var->storage.chunked) Py_RETURN_NONE;
    PyObject *shape = PyTuple_New(var->ndim);
    for (int i = 0; shape != NULL && i < var->ndim; i++) {
        PyObject *length = PyLong_FromSize_t(var->storage.chunk[i]);
        if (length == NULL)
            Py_CLEAR(shape);
        else
            PyTuple_SET_ITEM(shape, i, length);
    }
    return shape;
}

static PyObject *storage(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    const struct e5_ncstorage *s = &var->storage;
    if (!is_hdf5(file)) Py_RETURN_NONE;
    return Py_BuildValue("{sN sN sN sN si}", "chunks", chunk_shape(var), "shuffle", PyBool_FromLong(s->shuffle),
                         "fletcher32", PyBool_FromLong(s->fletcher32), "deflated", PyBool_FromLong(s->deflated),
                         "level", s->deflated ? s->deflate_level : 0);
}

static PyObject *variable_header(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    return Py_BuildValue("{sN ss sN sN sN}", "dims", dim_names(file, var), "dtype",
                         var->is_text ? "text" : e5_dtype_name(var->dtype), "attrs",
                         e5py_attributes(var->attr, var->nattr), "stored", stored_name(file, var), "storage",
                         storage(file, var));
}

static PyObject *unlimited(const struct e5_ncfile *file) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < file->ndim; i++) {
        if (!file->dim[i].unlimited) continue;
        PyObject *name = e5py_text(file->dim[i].name);
        if (name == NULL || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    PyObject *tuple = list != NULL ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

PyObject *e5py_file_header(const struct e5_ncfile *file) {
    PyObject *dims = PyDict_New(), *vars = PyDict_New();
    bool good = dims != NULL && vars != NULL;
    for (size_t i = 0; good && i < file->ndim; i++)
        good = e5py_put(dims, file->dim[i].name, PyLong_FromSize_t(file->dim[i].length)) == 0;
    for (size_t i = 0; good && i < file->nvar; i++)
        good = e5py_put(vars, file->var[i].name, variable_header(file, &file->var[i])) == 0;
    if (good)
        return Py_BuildValue("{ss sN sN sN sN}", "format", e5_ncformat_name(file->format), "dims", dims, "unlimited",
                             unlimited(file), "variables", vars, "attrs", e5py_attributes(file->attr, file->nattr));
    Py_XDECREF(dims);
    Py_XDECREF(vars);
    return NULL;
}
