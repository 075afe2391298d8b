/* py_journal: the journal behind a Python object, for the calls that use one.
 *
 * Between e5py_journal_borrow() and e5py_journal_return() the pointer is good, whatever other threads do with the
 * object: a close() meanwhile takes effect with the last return.  The caller holds a reference to the object for as
 * long.  Needs the GIL. */
#ifndef E5PY_PY_JOURNAL_H
#define E5PY_PY_JOURNAL_H

#include "db/journal.h"
#include "python/state.h"

/* None gives NULL; −1 with an exception set where the object is no open journal.  Every success needs one return. */
int e5py_journal_borrow(PyObject *object, struct e5_journal **out);
void e5py_journal_return(PyObject *object); /* None is allowed */

#endif
