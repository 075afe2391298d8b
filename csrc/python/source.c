#include "python/source.h"

#include "python/objects.h"
#include "python/raise.h"

static int of_array(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out) {
    if (!PyArray_Check(object)) return PyErr_SetString(PyExc_TypeError, "an array or a Dataset is needed"), -1;
    if (e5py_view(module, (PyArrayObject *)object, view) < 0) return -1;
    *out = e5_source_memory(view);
    return 0;
}

int e5py_source(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_dataset *dataset = e5py_dataset(module, object);
    if (dataset == NULL) return of_array(module, object, view, out);
    *view = (struct e5_view){.ndim = 3};
    view->shape[1] = e5_dataset_length(dataset, E5_AXIS_LATITUDE);
    view->shape[2] = e5_dataset_length(dataset, E5_AXIS_LONGITUDE);
    return e5_source_files(dataset, out, &err) == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}
