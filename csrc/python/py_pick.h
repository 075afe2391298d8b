/* py_pick: what a Python caller wants of an array, and the array that it goes to.
 *
 * Needs the GIL; sets an exception on failure. */
#ifndef E5PY_PY_PICK_H
#define E5PY_PY_PICK_H

#include "io/pick.h"
#include "python/convert.h"

/* One pick per dimension from a sequence of (start, count) tuples and 1-D arrays of indices; None picks everything.
 * IndexError when an index is not below the dimension's length.  What is made is freed by e5py_picks_fini(), also
 * after a failure; `out` is zeroed before. */
int e5py_picks(PyObject *module, PyObject *picks, int ndim, const size_t *length, struct e5_pick *out);
void e5py_picks_fini(int ndim, struct e5_pick *pick);
/* The array that the picked values fill: a new one when `out` is None, else `out` itself (new reference), which must
 * be a writeable C-contiguous array of that shape and type. */
PyArrayObject *e5py_picked_array(PyObject *out, int ndim, const struct e5_pick *pick, enum e5_dtype dtype);

#endif
