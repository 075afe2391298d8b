/* state: what the module `_core` keeps: its types, and nothing that Python code could not make again.
 *
 * One struct per module object; visited and cleared from the list below.  Needs the GIL. */
#ifndef E5PY_STATE_H
#define E5PY_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

struct e5py_state {
    PyObject *make_error; /* era5fast.errors.from_core, looked up at the first failure */
    PyObject *logger;     /* logging.getLogger("era5fast"), looked up at the first line */
    PyTypeObject *file_type, *dataset_type, *events_type, *journal_type, *labels_type;
};

#define E5PY_STATE_MEMBERS(X) \
    X(make_error) X(logger) X(file_type) X(dataset_type) X(events_type) X(journal_type) X(labels_type)

static inline struct e5py_state *e5py_state(PyObject *module) { return PyModule_GetState(module); }

/* Every py_<room>.c adds its functions and types to the module in one call; −1 with an exception set on failure. */
int e5py_add_pool(PyObject *module);
int e5py_add_cache(PyObject *module);
int e5py_add_model(PyObject *module);
int e5py_add_archive(PyObject *module);
int e5py_add_files(PyObject *module);
int e5py_add_dataset(PyObject *module);
int e5py_add_kernels(PyObject *module);
int e5py_add_field(PyObject *module);
int e5py_add_events(PyObject *module);
int e5py_add_journal(PyObject *module);
int e5py_add_fetch(PyObject *module);
int e5py_add_http(PyObject *module);
int e5py_add_ask(PyObject *module);
int e5py_add_statefile(PyObject *module);
int e5py_add_ufuncs(PyObject *module);
int e5py_add_indices(PyObject *module);
int e5py_add_points(PyObject *module);
int e5py_add_resampling(PyObject *module);
int e5py_add_regional(PyObject *module);
int e5py_add_runs(PyObject *module);
int e5py_add_tracks(PyObject *module);
int e5py_add_label(PyObject *module);
int e5py_add_store(PyObject *module);
int e5py_add_csv(PyObject *module);
int e5py_add_system(PyObject *module);
int e5py_add_parts(PyObject *module);
int e5py_add_new_array(PyObject *module);

#endif
