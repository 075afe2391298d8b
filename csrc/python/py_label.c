/* py_label: connected components of a mask. */
#include "base/alloc.h"
#include "events/label.h"
#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"
#include "python/wait.h"

static struct e5_labels *labels_of(PyObject *self) { return ((struct e5py_object *)self)->owned; }

/* --- what is done without the GIL --- */

struct label_call {
    struct e5_label_input input;
    struct e5_labels *labels;
    struct e5_label_runs runs;
    int32_t *dense;
    struct e5_pool *pool;
};

static enum e5_status label_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct label_call *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_label(&call->input, &par, watch, call->labels, err);
}

static enum e5_status runs_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct label_call *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_labels_runs(call->labels, &par, watch, &call->runs, err);
}

static enum e5_status dense_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct label_call *call = context;
    struct e5_parallel par = e5_pool_parallel(call->pool);
    return e5_labels_paint(call->labels, &par, watch, call->dense, err);
}

static int run(PyObject *module, e5_job_fn body, struct label_call *call) {
    call->pool = e5py_pool_acquire(module);
    if (call->pool == NULL) return -1;
    int result = e5py_run(module, body, call, Py_None);
    e5py_pool_release();
    return result;
}

/* --- the object --- */

static void labels_dealloc(PyObject *self) {
    if (labels_of(self) != NULL) e5_labels_fini(labels_of(self));
    free(labels_of(self));
    e5py_object_free(self);
}

static Py_ssize_t labels_length(PyObject *self) { return (Py_ssize_t)labels_of(self)->components; }

static PyObject *labels_dense(PyObject *self, PyObject *Py_UNUSED(none)) {
    struct label_call call = {.labels = labels_of(self)};
    const struct e5_topology *topology = &call.labels->topology;
    npy_intp shape[3] = {(npy_intp)call.labels->steps, (npy_intp)topology->rows, (npy_intp)topology->columns};
    PyObject *array = PyArray_SimpleNew(3, shape, NPY_INT32);
    if (array == NULL) return NULL;
    call.dense = PyArray_DATA((PyArrayObject *)array);
    if (run(((struct e5py_object *)self)->module, dense_body, &call) < 0) Py_CLEAR(array);
    return array;
}

enum { TIME, ROW, FIRST, COUNT, COMPONENT, COLUMNS };

static PyObject *runs_table(const struct e5_label_runs *runs) {
    static const char *const names[COLUMNS] = {"time", "row", "first", "count", "component"};
    npy_intp n = (npy_intp)runs->count;
    int32_t *column[COLUMNS];
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < COLUMNS; i++) {
        PyObject *array = PyArray_SimpleNew(1, &n, NPY_INT32);
        column[i] = array != NULL ? PyArray_DATA((PyArrayObject *)array) : NULL;
        if (e5py_put(dict, names[i], array) < 0) Py_CLEAR(dict);
    }
    for (npy_intp i = 0; dict != NULL && i < n; i++) {
        const struct e5_run *r = &runs->run[i];
        column[TIME][i] = r->time, column[ROW][i] = r->row, column[FIRST][i] = r->first, column[COUNT][i] = r->count;
        column[COMPONENT][i] = runs->component[i] + 1;
    }
    return dict;
}

static PyObject *labels_runs(PyObject *self, PyObject *Py_UNUSED(none)) {
    struct label_call call = {.labels = labels_of(self)};
    if (run(((struct e5py_object *)self)->module, runs_body, &call) < 0) return NULL;
    PyObject *table = runs_table(&call.runs);
    e5_label_runs_fini(&call.runs);
    return table;
}

static PyMethodDef labels_methods[] = {
    {"dense", labels_dense, METH_NOARGS,
     "dense($self, /)\n--\n\nint32 labels: 0 is background, 1 … len(self) components."},
    {"runs", labels_runs, METH_NOARGS, "runs($self, /)\n--\n\nColumns of the table of runs, components from 1."},
    {NULL},
};

static PyType_Slot labels_slots[] = {
    {Py_tp_dealloc, labels_dealloc},
    {Py_tp_methods, labels_methods},
    {Py_sq_length, labels_length},
    {Py_tp_doc, "Connected components of a mask; made by label()."},
    {0, NULL},
};

static PyType_Spec labels_spec = {
    .name = "era5fast._core.Labels",
    .basicsize = sizeof(struct e5py_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = labels_slots,
};

/* --- labelling --- */

/* Periodic and poles, of the grid where there is one. */
static int read_topology(PyObject *module, PyObject *latitude, PyObject *longitude, int periodic,
                         struct e5_topology *topology) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_grid grid;
    if (latitude != Py_None) {
        PyArrayObject *rows = e5py_contiguous(latitude, NPY_FLOAT64, 1);
        PyArrayObject *columns = rows != NULL ? e5py_contiguous(longitude, NPY_FLOAT64, 1) : NULL;
        bool good = columns != NULL;
        if (good &&
            ((size_t)PyArray_SIZE(rows) != topology->rows || (size_t)PyArray_SIZE(columns) != topology->columns))
            good = (PyErr_SetString(PyExc_ValueError, "grid and mask have different shapes"), false);
        if (good && e5_grid_init(&grid, PyArray_DATA(rows), topology->rows, PyArray_DATA(columns), topology->columns,
                                 &err) != E5_OK)
            good = (e5py_raise(module, &err), false);
        Py_XDECREF(rows);
        Py_XDECREF(columns);
        if (!good) return -1;
        topology->periodic = grid.periodic;
        topology->pole_first = grid.pole_first, topology->pole_last = grid.pole_last;
        e5_grid_fini(&grid);
    }
    if (periodic >= 0) topology->periodic = periodic;
    return 0;
}

static PyObject *label_mask(PyObject *module, struct label_call *call) {
    struct e5_error err = E5_ERROR_NONE;
    if (e5_alloc(1, sizeof *call->labels, &call->labels, &err) != E5_OK) return e5py_raise(module, &err);
    PyObject *self = e5py_object_new(module, e5py_state(module)->labels_type, call->labels);
    if (self == NULL)
        free(call->labels);
    else if (run(module, label_body, call) < 0)
        Py_CLEAR(self);
    return self;
}

PyDoc_STRVAR(label_doc,
             "label(mask, linked, connectivity, latitude, longitude, periodic, /)\n--\n\nConnected components of a "
             "mask "
             "of three dimensions and one byte each, in any layout.  `linked` is None or says for\neach step whether "
             "it follows its predecessor; `periodic` is 0, 1, or −1 for what the grid says.");
static PyObject *label(PyObject *module, PyObject *args) {
    PyArrayObject *mask, *linked = NULL;
    PyObject *links, *latitude, *longitude, *result = NULL;
    struct label_call call = {.labels = NULL};
    struct e5_label_input *in = &call.input;
    int periodic;
    if (!PyArg_ParseTuple(args, "O!OiOOi", &PyArray_Type, &mask, &links, &in->topology.neighbours, &latitude,
                          &longitude, &periodic))
        return NULL;
    if (PyArray_NDIM(mask) != 3 || PyArray_ITEMSIZE(mask) != 1)
        return PyErr_SetString(PyExc_ValueError, "a mask has three dimensions and bytes"), NULL;
    in->mask = PyArray_DATA(mask);
    for (int i = 0; i < 3; i++) in->stride[i] = PyArray_STRIDE(mask, i);
    in->steps = (size_t)PyArray_DIM(mask, 0);
    in->topology.rows = (size_t)PyArray_DIM(mask, 1);
    in->topology.columns = (size_t)PyArray_DIM(mask, 2);
    if (read_topology(module, latitude, longitude, periodic, &in->topology) < 0) return NULL;
    if (links != Py_None) {
        linked = e5py_contiguous(links, NPY_BOOL, 1);
        if (linked == NULL) return NULL;
        in->linked = PyArray_DATA(linked);
    }
    if (linked == NULL || (size_t)PyArray_SIZE(linked) == in->steps)
        result = label_mask(module, &call);
    else
        PyErr_SetString(PyExc_ValueError, "one flag per step is needed");
    Py_XDECREF(linked);
    return result;
}

static PyMethodDef functions[] = {
    {"label", label, METH_VARARGS, label_doc},
    {NULL},
};

int e5py_add_label(PyObject *module) {
    if (e5py_add_type(module, &labels_spec, &e5py_state(module)->labels_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
