#include "python/new_array.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/memory.h"

/* --- NumPy's ways to memory --- */

static void *take(void *context, size_t size) {
    void *memory = NULL;
    (void)context;
    if (e5_alloc_plain(size, &memory, NULL) != E5_OK) return NULL;
    size_t rest = size % E5_LARGE_PAGE; /* fills no large page: small ones, with a fault for each */
    e5_memory_provide((char *)memory + size - rest, rest);
    return memory;
}

static void *take_zeros(void *context, size_t count, size_t size) {
    (void)context;
    return calloc(count, size);
}

static void *take_more(void *context, void *memory, size_t size) {
    (void)context;
    return realloc(memory, size);
}

static void give_back(void *context, void *memory, size_t size) {
    (void)context;
    (void)size;
    free(memory);
}

static PyDataMem_Handler handler = {"era5fast", 1, {NULL, take, take_zeros, take_more, give_back}};

/* --- arrays --- */

static bool is_large(int ndim, const npy_intp *shape, npy_intp itemsize) {
    size_t bytes = (size_t)itemsize;
    for (int d = 0; d < ndim; d++)
        if (__builtin_mul_overflow(bytes, (size_t)shape[d], &bytes)) return false; /* NumPy says so */
    return bytes >= E5_LARGE_BYTES;
}

static PyObject *make(int ndim, const npy_intp *shape, PyArray_Descr *type) {
    return PyArray_NewFromDescr(&PyArray_Type, type, ndim, shape, NULL, NULL, 0, NULL);
}

/* Whoever has set a handler of his own wants it for all arrays. */
static int has_default_handler(void) {
    PyObject *current = PyDataMem_GetHandler();
    int is_default = current != NULL ? current == PyDataMem_DefaultHandler : -1;
    Py_XDECREF(current);
    return is_default;
}

/* The handler is put back also after a failure, whose exception stays. */
static PyObject *put_back(PyObject *before, PyObject *array) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *ours = PyDataMem_SetHandler(before);
    if (ours == NULL) Py_CLEAR(array);
    Py_XDECREF(ours);
    if (type != NULL) PyErr_Restore(type, value, traceback);
    return array;
}

static PyObject *make_large(int ndim, const npy_intp *shape, PyArray_Descr *type) {
    PyObject *ours = PyCapsule_New(&handler, "mem_handler", NULL), *array = NULL;
    PyObject *before = ours != NULL ? PyDataMem_SetHandler(ours) : NULL;
    if (before != NULL)
        array = put_back(before, make(ndim, shape, type));
    else
        Py_DECREF(type);
    Py_XDECREF(before);
    Py_XDECREF(ours);
    return array;
}

PyArrayObject *e5py_new_array(int ndim, const npy_intp *shape, PyArray_Descr *type) {
    int may = is_large(ndim, shape, PyDataType_ELSIZE(type)) ? has_default_handler() : 0;
    if (may < 0) return Py_DECREF(type), NULL;
    return (PyArrayObject *)(may ? make_large(ndim, shape, type) : make(ndim, shape, type));
}

/* --- the same for Python --- */

PyDoc_STRVAR(new_array_doc, "new_array(shape, dtype, /)\n--\n\nAn array that is to be filled.");
static PyObject *new_array(PyObject *Py_UNUSED(module), PyObject *args) {
    PyArray_Dims shape = {NULL, 0};
    PyArray_Descr *type = NULL;
    PyArrayObject *array = NULL;
    if (PyArg_ParseTuple(args, "O&O&", PyArray_IntpConverter, &shape, PyArray_DescrConverter, &type))
        array = e5py_new_array(shape.len, shape.ptr, type);
    else
        Py_XDECREF(type);
    PyDimMem_FREE(shape.ptr);
    return (PyObject *)array;
}

static PyMethodDef functions[] = {
    {"new_array", new_array, METH_VARARGS, new_array_doc},
    {NULL},
};

int e5py_add_new_array(PyObject *module) { return PyModule_AddFunctions(module, functions); }
