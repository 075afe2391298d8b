/* source: what drivers read, from an array or a Dataset.
 *
 * Needs the GIL and sets an exception when it fails.  The source borrows the view and the object. */
#ifndef E5PY_SOURCE_H
#define E5PY_SOURCE_H

#include "drive/source.h"
#include "python/convert.h"

/* `view` also tells the shape of the cells: its dimensions but the first. */
int e5py_source(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out);

#endif
