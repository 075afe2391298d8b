/* py_statefile: what an unfinished download has noted beside its target. */
#include "net/statefile.h"

#include "python/state.h"

static bool load(const char *path, struct e5_state *found) {
    struct e5_place place = E5_PLACE_NONE;
    bool good = e5_place_open(&place, path, NULL) == E5_OK && e5_state_load(found, &place);
    e5_place_close(&place);
    return good;
}

PyDoc_STRVAR(read_state_doc,
             "read_state(target, /)\n--\n\n{job_id, size, received} of an unfinished download; None if there is no "
             "state file that can be used. Received are the bytes that the next call need not fetch again.");
static PyObject *read_state(PyObject *Py_UNUSED(module), PyObject *target) {
    struct e5_state state;
    PyObject *path;
    bool good;
    if (!PyUnicode_FSConverter(target, &path)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    good = load(PyBytes_AS_STRING(path), &state);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (!good) Py_RETURN_NONE;
    return Py_BuildValue("{ss sL sL}", "job_id", state.job_id, "size", (long long)state.size, "received",
                         (long long)e5_pieces_here(&state.pieces));
}

static PyMethodDef functions[] = {
    {"read_state", read_state, METH_O, read_state_doc},
    {NULL},
};

int e5py_add_statefile(PyObject *module) { return PyModule_AddFunctions(module, functions); }
