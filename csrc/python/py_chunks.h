/* py_chunks: where the bytes of a variable lie in its file, as a dictionary.
 *
 * {"why": None or why they cannot be pointed at, "swapped", "shape", "chunks", "filters", "fill"} and, where `why` is
 * None, either arrays "number" (in the grid of chunks, C order), "address", "size" and "mask" (filters left out), or
 * of contiguous data "start" (None: never written), "stride" (between records; 0: none) and "held" (None, or the data
 * themselves).  Needs the GIL, dropped while chunks are looked up; NULL with an exception set on failure. */
#ifndef E5PY_PY_CHUNKS_H
#define E5PY_PY_CHUNKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *e5py_file_chunks(PyObject *self, PyObject *args); /* method of File */

#endif
