/* py_rows: the table of diagnostics as Python data. */
#include "python/py_rows.h"

#include "kernels/kernel.h"

/* Append a new reference to a list, or clear the list. */
static void append(PyObject **rows, PyObject *row) {
    if (row == NULL || PyList_Append(*rows, row) < 0) Py_CLEAR(*rows);
    Py_XDECREF(row);
}

static PyObject *param_row(const struct e5_param_spec *spec) {
    static const char *const types[] = {"integer", "number", "choice",    "choices",
                                        "flag",    "period", "frequency", "months"};
    return Py_BuildValue("{ss ss sz sd sd sz ss sz}", "name", spec->name, "type", types[spec->type], "default",
                         spec->standard, "low", spec->low, "high", spec->high, "choices", spec->choices, "doc",
                         spec->doc, "units", spec->units);
}

static PyObject *param_rows(const struct e5_param_spec *spec) {
    PyObject *rows = PyList_New(0);
    for (; rows != NULL && spec->name != NULL; spec++) append(&rows, param_row(spec));
    return rows;
}

static PyObject *operand_rows(const struct e5_operand_spec *spec) {
    PyObject *rows = PyList_New(0);
    for (; rows != NULL && spec->name != NULL; spec++)
        append(&rows,
               Py_BuildValue("{ss ss ss sz sO sO sz}", "name", spec->name, "dims", spec->dims, "doc", spec->doc,
                             "units", spec->units, "keep_units", spec->keep_units ? Py_True : Py_False, "optional",
                             spec->optional ? Py_True : Py_False, "measures", spec->measures));
    return rows;
}

static PyObject *output_rows(const struct e5_output_spec *spec) {
    PyObject *rows = PyList_New(0);
    for (; rows != NULL && spec->name != NULL; spec++)
        append(&rows, Py_BuildValue("{ss sz ss sz}", "name", spec->name, "units", spec->units, "doc", spec->doc,
                                    "standard_name", spec->standard_name));
    return rows;
}

static PyObject *kernel_row(const struct e5_kernel *kernel) {
    static const char *const kinds[] = {"scan", "series", "field", "pointwise"};
    static const char *const groupings[] = {"", "day", "frequency"};
    return Py_BuildValue("{ss ss ss ss sN sN sN sN ss ss sO sO ss ss ss}", "name", kernel->name, "kind",
                         kinds[kernel->kind], "grouping", groupings[kernel->grouping], "summary", kernel->summary,
                         "operands", operand_rows(kernel->operands), "params", param_rows(kernel->params),
                         "grouping_params", param_rows(e5_grouping_params(kernel)), "outputs",
                         output_rows(kernel->outputs), "result", kernel->result, "result_dims",
                         kernel->result_dims != NULL ? kernel->result_dims : "", "as_input",
                         kernel->as_input ? Py_True : Py_False, "lasting",
                         kernel->kind == E5_SCAN && kernel->ops.scan->lasting ? Py_True : Py_False, "cell_methods",
                         kernel->cell_methods != NULL ? kernel->cell_methods : "", "notes", kernel->notes,
                         "references", kernel->references);
}

PyObject *e5py_kernel_rows(void) {
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < e5_kernel_count; i++) append(&rows, kernel_row(&e5_kernels[i]));
    return rows;
}
