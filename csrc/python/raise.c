#include "python/raise.h"

static PyObject *maker(PyObject *module) {
    struct e5py_state *state = e5py_state(module);
    if (state->make_error == NULL) {
        PyObject *errors = PyImport_ImportModule("era5fast.errors");
        if (errors == NULL) return NULL;
        state->make_error = PyObject_GetAttrString(errors, "from_core");
        Py_DECREF(errors);
    }
    return state->make_error;
}

PyObject *e5py_exception(PyObject *module, const struct e5_error *err) {
    PyObject *make = maker(module);
    if (make == NULL) return NULL;
    PyObject *target = PyUnicode_DecodeFSDefault(err->target); /* file names are bytes, not text */
    return PyObject_CallFunction(make, "sssNsiiIdd", e5_status_code(err->status), err->what, err->hint, target,
                                 err->job_id, err->sys_errno, err->http_status, err->attempts, err->elapsed,
                                 err->retry_after);
}

PyObject *e5py_raise(PyObject *module, const struct e5_error *err) {
    PyObject *exception = e5py_exception(module, err);
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}
