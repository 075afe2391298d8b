/* py_rows: the table of diagnostics as Python data.
 *
 * One dictionary per row.  Needs the GIL; NULL with an exception set on failure. */
#ifndef E5PY_PY_ROWS_H
#define E5PY_PY_ROWS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *e5py_kernel_rows(void);

#endif
