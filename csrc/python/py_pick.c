#include "python/py_pick.h"

#include "python/new_array.h"
#include "python/raise.h"

static int outside(const char *what) { return PyErr_SetString(PyExc_IndexError, what), -1; }

static int read_range(PyObject *pair, size_t length, struct e5_pick *out) {
    Py_ssize_t start, count;
    if (!PyArg_ParseTuple(pair, "nn", &start, &count)) return -1;
    bool good = start >= 0 && count >= 0 && (size_t)start <= length && (size_t)count <= length - (size_t)start;
    if (!good) return outside("a range outside its dimension");
    *out = e5_pick_range((size_t)start, (size_t)count);
    return 0;
}

static int read_list(PyObject *module, PyObject *object, size_t length, struct e5_pick *out) {
    struct e5_error err = E5_ERROR_NONE;
    PyArrayObject *index = e5py_contiguous(object, NPY_INT64, 1);
    if (index == NULL) return -1;
    enum e5_status status = e5_pick_list(PyArray_DATA(index), (size_t)PyArray_SIZE(index), length, out, &err);
    Py_DECREF(index);
    if (status == E5_INPUT) return outside(err.what);
    return status == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

int e5py_picks(PyObject *module, PyObject *picks, int ndim, const size_t *length, struct e5_pick *out) {
    Py_ssize_t given = picks == Py_None ? ndim : PySequence_Size(picks);
    if (given < 0) return -1;
    for (int d = 0; d < ndim; d++) out[d] = e5_pick_range(0, length[d]);
    if (given != ndim) return PyErr_Format(PyExc_ValueError, "%zd picks for %d dimensions", given, ndim), -1;
    for (int d = 0; d < ndim && picks != Py_None; d++) {
        PyObject *pick = PySequence_GetItem(picks, d);
        int result = pick == NULL          ? -1
                     : PyTuple_Check(pick) ? read_range(pick, length[d], &out[d])
                                           : read_list(module, pick, length[d], &out[d]);
        Py_XDECREF(pick);
        if (result < 0) return -1;
    }
    return 0;
}

void e5py_picks_fini(int ndim, struct e5_pick *pick) {
    for (int d = 0; d < ndim; d++) e5_pick_fini(&pick[d]);
}

static bool has_shape(PyArrayObject *array, int ndim, const npy_intp *shape) {
    return PyArray_NDIM(array) == ndim && PyArray_CompareLists(PyArray_DIMS(array), shape, ndim);
}

PyArrayObject *e5py_picked_array(PyObject *out, int ndim, const struct e5_pick *pick, enum e5_dtype dtype) {
    npy_intp shape[E5_MAX_DIMS];
    int typenum = e5py_typenum(dtype);
    for (int d = 0; d < ndim; d++) shape[d] = (npy_intp)pick[d].count;
    if (out == Py_None) return e5py_new_array(ndim, shape, PyArray_DescrFromType(typenum));
    PyArrayObject *array = (PyArrayObject *)out;
    if (!PyArray_Check(out) || !PyArray_EquivTypenums(PyArray_TYPE(array), typenum))
        PyErr_Format(PyExc_TypeError, "out must be an array of %s", e5_dtype_name(dtype));
    else if (!PyArray_ISCARRAY(array))
        PyErr_SetString(PyExc_ValueError, "out must be writeable, C-contiguous, aligned and in native byte order");
    else if (!has_shape(array, ndim, shape))
        PyErr_SetString(PyExc_ValueError, "out has another shape than what is read into it");
    else
        return Py_INCREF(out), array;
    return NULL;
}
