/* convert: Python objects → plain C, and back.
 *
 * Everything here needs the GIL and sets an exception when it fails.  Arrays stay pinned for as long as the caller
 * holds its reference to them. */
#ifndef E5PY_CONVERT_H
#define E5PY_CONVERT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL e5py_array_api
#ifndef E5PY_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "io/header.h"
#include "kernels/kernel.h"
#include "model/view.h"

/* A view on any numeric array, without a copy. */
int e5py_view(PyObject *module, PyArrayObject *array, struct e5_view *out);
/* NumPy's type number for one of ours. */
int e5py_typenum(enum e5_dtype dtype);
/* A C-contiguous native array of `typenum` (a copy only where needed) with `ndim` dimensions; new reference. */
PyArrayObject *e5py_contiguous(PyObject *object, int typenum, int ndim);
/* New 1-D array holding a copy of n elements. */
PyObject *e5py_array(int typenum, const void *data, size_t n);
/* Parameter values in row order, from a sequence of the same order. */
int e5py_params(PyObject *module, const struct e5_kernel *kernel, PyObject *values, enum e5_calendar calendar,
                struct e5_params *out);
/* Time axis from an int64 array (kept by the caller) and a calendar name. */
int e5py_time_axis(PyObject *module, PyArrayObject *seconds, const char *calendar, struct e5_time_axis *out);
/* Kernel by name and kind. */
const struct e5_kernel *e5py_kernel(PyObject *module, const char *name, enum e5_kernel_kind kind);
/* New str from text of a file, which need not be UTF-8: what is broken becomes U+FFFD. */
PyObject *e5py_text(const char *text);
/* dict[key] = value, stealing value; −1 when either is NULL or cannot be stored. */
int e5py_put(PyObject *dict, const char *key, PyObject *value);
/* New dict of a netCDF file's or variable's attributes. */
PyObject *e5py_attributes(const struct e5_ncattr *attr, size_t n);

#endif
