/* py_system: system: what the core met on this machine: libraries, vector instructions, file systems. */
#include "base/isa.h"
#include "db/journal_disk.h"
#include "db/provider_db.h"
#include "io/provider_io.h"
#include "net/provider_net.h"
#include "python/convert.h"
#include "python/state.h"

static PyObject *row_of(const struct e5_provider *one) {
    PyObject *row = PyDict_New();
    if (row == NULL) return NULL;
    if (e5py_put(row, "name", e5py_text(one->name)) == 0 && e5py_put(row, "built", e5py_text(one->built)) == 0 &&
        e5py_put(row, "loaded", e5py_text(one->loaded)) == 0 && e5py_put(row, "path", e5py_text(one->path)) == 0)
        return row;
    Py_DECREF(row);
    return NULL;
}

static int append(PyObject *list, const struct e5_provider *one) {
    PyObject *row = row_of(one);
    int failed = row == NULL || PyList_Append(list, row) < 0;
    Py_XDECREF(row);
    return failed ? -1 : 0;
}

PyDoc_STRVAR(libraries_doc, "libraries()\n--\n\nThe copies of other libraries that the core uses: name, version of "
                            "the headers, version that is loaded, path.");
static PyObject *libraries(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    size_t (*const rooms[])(struct e5_provider *) = {e5_provider_net, e5_provider_io, e5_provider_db,
                                                     e5_provider_base};
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < sizeof rooms / sizeof *rooms; i++) {
        struct e5_provider found[E5_PROVIDER_MOST];
        size_t count;
        Py_BEGIN_ALLOW_THREADS;
        count = rooms[i](found);
        Py_END_ALLOW_THREADS;
        for (size_t k = 0; list != NULL && k < count; k++)
            if (append(list, &found[k]) < 0) Py_CLEAR(list);
    }
    return list;
}

PyDoc_STRVAR(tls_doc, "tls()\n--\n\nWhat libcurl uses for https.");
static PyObject *tls(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) { return e5py_text(e5_provider_tls()); }

PyDoc_STRVAR(isa_doc, "isa()\n--\n\nThe vector instructions that are used, one of isa_names().");
static PyObject *isa(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    return PyUnicode_FromString(e5_isa_name(e5_isa()));
}

PyDoc_STRVAR(isa_names_doc,
             "isa_names()\n--\n\nThe sets of vector instructions that there are code for, least first.");
static PyObject *isa_names(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    PyObject *names = PyList_New(0);
    const char *name;
    for (int i = E5_ISA_BASELINE; names != NULL && (name = e5_isa_name((enum e5_isa)i)) != NULL; i++) {
        PyObject *text = PyUnicode_FromString(name);
        int failed = text == NULL || PyList_Append(names, text) < 0;
        Py_XDECREF(text);
        if (failed) Py_CLEAR(names);
    }
    return names;
}

PyDoc_STRVAR(is_shared_disk_doc, "is_shared_disk(path, /)\n--\n\nWhether a file lies on a file system that other "
                                 "computers may use at the same time.");
static PyObject *is_shared_disk(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path)) return NULL;
    bool is_shared;
    Py_BEGIN_ALLOW_THREADS;
    is_shared = e5_disk_is_shared(PyBytes_AS_STRING(path));
    Py_END_ALLOW_THREADS;
    Py_DECREF(path);
    return PyBool_FromLong(is_shared);
}

static PyMethodDef functions[] = {
    {"libraries", libraries, METH_NOARGS, libraries_doc},
    {"tls", tls, METH_NOARGS, tls_doc},
    {"isa", isa, METH_NOARGS, isa_doc},
    {"isa_names", isa_names, METH_NOARGS, isa_names_doc},
    {"is_shared_disk", is_shared_disk, METH_VARARGS, is_shared_disk_doc},
    {NULL},
};

int e5py_add_system(PyObject *module) { return PyModule_AddFunctions(module, functions); }
