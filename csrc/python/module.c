/* module: `era5fast._core`, the translator between Python and the core.
 *
 * Each call has four acts: convert and pin with the GIL, run in a job without it (wait.c), raise at most one
 * exception (raise.c), wrap the results. */
#include "python/state.h"

#define E5PY_IMPORT_ARRAY
#include "python/convert.h"

static int execute(PyObject *module) {
    if (PyArray_ImportNumPyAPI() < 0) return -1;
    int (*const rooms[])(PyObject *) = {e5py_add_pool,    e5py_add_cache,      e5py_add_model,    e5py_add_files,
                                        e5py_add_dataset, e5py_add_kernels,    e5py_add_field,    e5py_add_events,
                                        e5py_add_journal, e5py_add_fetch,      e5py_add_http,     e5py_add_ask,
                                        e5py_add_archive, e5py_add_statefile,  e5py_add_regional, e5py_add_runs,
                                        e5py_add_points,  e5py_add_resampling, e5py_add_ufuncs,   e5py_add_indices,
                                        e5py_add_tracks,  e5py_add_label,      e5py_add_store,    e5py_add_csv,
                                        e5py_add_system,  e5py_add_parts,      e5py_add_new_array};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        if (rooms[i](module) < 0) return -1;
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    struct e5py_state *state = e5py_state(module);
#define E5PY_VISIT(member) Py_VISIT(state->member);
    E5PY_STATE_MEMBERS(E5PY_VISIT)
    return 0;
}

static int clear(PyObject *module) {
    struct e5py_state *state = e5py_state(module);
#define E5PY_CLEAR(member) Py_CLEAR(state->member);
    E5PY_STATE_MEMBERS(E5PY_CLEAR)
    return 0;
}

static void release(void *module) { clear(module); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* NumPy does not either */
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "era5fast._core",
    .m_doc = "The native core of era5fast; use it through the package.",
    .m_size = sizeof(struct e5py_state),
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
