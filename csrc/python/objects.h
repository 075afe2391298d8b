/* objects: the C things behind Python objects, for the rooms of the binding that need each other's.
 *
 * Borrowed pointers live as long as the caller holds the Python object.  Needs the GIL, but for e5py_pool_try and
 * _release. */
#ifndef E5PY_OBJECTS_H
#define E5PY_OBJECTS_H

#include "io/dataset.h"
#include "model/event.h"
#include "pool/pool.h"
#include "python/state.h"

/* The process's pool, made on first use and made anew after fork(); every acquire needs one release. */
struct e5_pool *e5py_pool_acquire(PyObject *module); /* NULL with an exception set */
struct e5_pool *e5py_pool_try(void); /* the same without the GIL; NULL and no exception when there is none */
void e5py_pool_release(void);

struct e5_dataset *e5py_dataset(PyObject *module, PyObject *object); /* NULL when it is none; no exception */
struct e5_events *e5py_events(PyObject *module, PyObject *object);   /* NULL with an exception set */
/* New Events object that takes `events` over (also when it fails). */
PyObject *e5py_events_take(PyObject *module, struct e5_events *events);

/* Instance layout of all our types: one owned pointer, and the module for state and errors. */
struct e5py_object {
    PyObject_HEAD void *owned;
    PyObject *module;
};
/* Make a heap type whose instances own one pointer, add it to the module, keep it in *slot. */
int e5py_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot);
PyObject *e5py_object_new(PyObject *module, PyTypeObject *type, void *owned);
/* For tp_dealloc: drops the module and frees the instance. */
void e5py_object_free(PyObject *self);

#endif
