/* new_array: arrays for values that are read.
 *
 * Large ones begin with a page of the system and lie in large pages, so that filling them for the first time is cheap
 * and rows that are whole lines of the cache stay so; but not where the user has set a handler of NumPy's memory.
 * Needs the GIL; sets an exception on failure. */
#ifndef E5PY_NEW_ARRAY_H
#define E5PY_NEW_ARRAY_H

#include "python/convert.h"

/* C-contiguous, not filled; takes over the reference to `type`, also after a failure. */
PyArrayObject *e5py_new_array(int ndim, const npy_intp *shape, PyArray_Descr *type);

#endif
