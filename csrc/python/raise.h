/* raise: the one place where a core error becomes a Python exception.
 *
 * Needs the GIL. */
#ifndef E5PY_RAISE_H
#define E5PY_RAISE_H

#include "base/error.h"
#include "python/state.h"

/* The exception object for a reported error: new reference, or NULL with another exception set. */
PyObject *e5py_exception(PyObject *module, const struct e5_error *err);
/* Set it; always returns NULL. */
PyObject *e5py_raise(PyObject *module, const struct e5_error *err);

#endif
