/* The table of kernels/etccdi.def, for the functions that are made of it. */
#include "kernels/etccdi.h"
#include "python/convert.h"

static PyObject *row_of(const struct e5_etccdi_index *index) {
    static const char *const operands[] = {"tx", "tn", "tg", "pr"}, *const monthly[] = {"no", "any", "year"};
    PyObject *needs = PyList_New(0);
    for (int i = 0; needs != NULL && i < E5_ETCCDI_SERIES; i++) {
        if ((index->operands >> i & 1) == 0) continue;
        PyObject *name = PyUnicode_FromString(operands[i]);
        if (name == NULL || PyList_Append(needs, name) < 0) Py_CLEAR(needs);
        Py_XDECREF(name);
    }
    if (needs == NULL) return NULL;
    return Py_BuildValue("{s:s,s:s,s:z,s:s,s:s,s:s,s:N,s:s}", "name", index->name, "title", index->title,
                         "standard_name", index->standard_name, "units", index->units, "cell_methods",
                         index->cell_methods, "monthly", monthly[index->monthly], "operands", needs, "params",
                         index->parameters);
}

PyDoc_STRVAR(indices_doc, "indices()\n--\n\nThe rows of the table of indices, one dict each.");
static PyObject *indices(PyObject *module, PyObject *args) {
    (void)module, (void)args;
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < e5_etccdi_index_count; i++) {
        PyObject *row = row_of(&e5_etccdi_indices[i]);
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static PyMethodDef methods[] = {
    {"indices", indices, METH_NOARGS, indices_doc},
    {NULL},
};

int e5py_add_indices(PyObject *module) { return PyModule_AddFunctions(module, methods); }
