#include "python/objects.h"

int e5py_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot) {
    *slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *slot != NULL ? PyModule_AddType(module, *slot) : -1;
}

PyObject *e5py_object_new(PyObject *module, PyTypeObject *type, void *owned) {
    struct e5py_object *self = (struct e5py_object *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->owned = owned;
    self->module = Py_NewRef(module);
    return (PyObject *)self;
}

void e5py_object_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(((struct e5py_object *)self)->module);
    type->tp_free(self);
    Py_DECREF(type);
}
