/* py_cache: memory: how much there is, and how much of it decoded chunks may take between two calls. */
#include "base/memory.h"
#include "io/chunk_cache.h"
#include "python/raise.h"

PyDoc_STRVAR(set_cache_bytes_doc,
             "set_cache_bytes(n, /)\n--\n\nMost bytes of chunks kept for later calls; 0 keeps none.");
static PyObject *set_cache_bytes(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "n", &n)) return NULL;
    if (n < 0) {
        (void)!e5_fail(&err, E5_INPUT, "%zd bytes of cache, must be 0 or more", n);
        return e5py_raise(module, &err);
    }
    e5_chunk_cache_limit((size_t)n);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_cache_bytes_doc, "get_cache_bytes()\n--\n\nBytes that are kept now, and how many may be.");
static PyObject *get_cache_bytes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    size_t limit, held = e5_chunk_cache_bytes(&limit);
    return Py_BuildValue("nn", (Py_ssize_t)held, (Py_ssize_t)limit);
}

PyDoc_STRVAR(available_memory_doc, "available_memory()\n--\n\nBytes of the machine, of the container or that may be "
                                   "mapped, whichever is least.");
static PyObject *available_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    return PyLong_FromSize_t(e5_memory_available());
}

static PyMethodDef functions[] = {
    {"set_cache_bytes", set_cache_bytes, METH_VARARGS, set_cache_bytes_doc},
    {"get_cache_bytes", get_cache_bytes, METH_NOARGS, get_cache_bytes_doc},
    {"available_memory", available_memory, METH_NOARGS, available_memory_doc},
    {NULL},
};

int e5py_add_cache(PyObject *module) { return PyModule_AddFunctions(module, functions); }
