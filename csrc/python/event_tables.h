/* event_tables: the tables of model/event.h as dictionaries of arrays, both ways.
 *
 * One column of a table is one array.  Arrays of existing events are read-only views on the rows of the core, without
 * a copy; they keep the Python object alive that owns the events.  Needs the GIL; every function sets an exception
 * when it fails. */
#ifndef E5PY_EVENT_TABLES_H
#define E5PY_EVENT_TABLES_H

#include "model/event.h"
#include "python/convert.h"

enum e5py_event_table {
    E5PY_EVENT_ROWS,
    E5PY_EVENT_RUNS,
    E5PY_EVENT_STATES,
    E5PY_EVENT_BLOBS,
    E5PY_EVENT_LINKS,
    E5PY_EVENT_TABLES
};

/* New dict, name of a column → view on it; `owner` is the object that owns `events`. */
PyObject *e5py_event_columns(PyObject *owner, const struct e5_events *events, enum e5py_event_table table);
/* Allocate and fill a table from a dict that has all of its columns, in any order; −1 on failure. */
int e5py_event_fill(PyObject *module, PyObject *columns, enum e5py_event_table table, struct e5_events *events);

#endif
