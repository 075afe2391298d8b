#include "python/new_array.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/memory.h"

#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE_BYTES (2 * LARGE_PAGE)

/* --- NumPy's ways to memory --- */

static void *take(void *context, size_t size) {
    void *memory = NULL;
    (void)context;
    if (e5_alloc_plain(size, &memory, NULL) != E5_OK) return NULL;
    e5_memory_provide((char *)memory + size / LARGE_PAGE * LARGE_PAGE, size % LARGE_PAGE); /* no large page: faults */
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
    return bytes >= LARGE_BYTES;
}

static PyObject *make(int ndim, const npy_intp *shape, PyArray_Descr *type) {
    return PyArray_NewFromDescr(&PyArray_Type, type, ndim, shape, NULL, NULL, 0, NULL);
}

PyArrayObject *e5py_new_array(int ndim, const npy_intp *shape, PyArray_Descr *type) {
    if (!is_large(ndim, shape, PyDataType_ELSIZE(type))) return (PyArrayObject *)make(ndim, shape, type);
    PyObject *ours = PyCapsule_New(&handler, "mem_handler", NULL);
    PyObject *before = ours != NULL ? PyDataMem_SetHandler(ours) : NULL;
    PyObject *array = NULL;
    if (before != NULL) {
        array = make(ndim, shape, type);
        Py_XDECREF(PyDataMem_SetHandler(before));
    } else {
        Py_DECREF(type);
    }
    Py_XDECREF(before);
    Py_XDECREF(ours);
    return (PyArrayObject *)array;
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
