/* py_model: CF time, variables and thresholds' slots. */
#include "diag/window.h"
#include "model/holes.h"
#include "model/time_axis.h"
#include "model/variable.h"
#include "python/convert.h"
#include "python/raise.h"

PyDoc_STRVAR(decode_time_doc,
             "decode_time(values, units, calendar, /)\n--\n\nStored numbers → seconds since 1970-01-01 "
             "of the calendar.");
static PyObject *decode_time(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_time_units decoder;
    PyObject *object;
    const char *units, *calendar;
    if (!PyArg_ParseTuple(args, "Osz", &object, &units, &calendar)) return NULL;
    PyArrayObject *stored = e5py_contiguous(object, NPY_FLOAT64, 1);
    if (stored == NULL) return NULL;
    npy_intp n = PyArray_DIM(stored, 0);
    PyArrayObject *seconds = (PyArrayObject *)PyArray_SimpleNew(1, &n, NPY_INT64);
    enum e5_status status = e5_time_units_parse(units, calendar, &decoder, &err);
    const double *from = PyArray_DATA(stored);
    for (npy_intp i = 0; seconds != NULL && status == E5_OK && i < n; i++)
        status = e5_time_decode(&decoder, from[i], (int64_t *)PyArray_DATA(seconds) + i, &err);
    Py_DECREF(stored);
    if (seconds != NULL && status != E5_OK) {
        Py_DECREF(seconds);
        return e5py_raise(module, &err);
    }
    return (PyObject *)seconds;
}

PyDoc_STRVAR(dates_doc, "dates(days, calendar, /)\n--\n\nDays since 1970-01-01 → (n, 4) array of year, month, day, "
                        "day of year.");
static PyObject *dates(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    enum e5_calendar calendar;
    PyObject *object;
    const char *name;
    if (!PyArg_ParseTuple(args, "Oz", &object, &name)) return NULL;
    if (e5_calendar_parse(name, &calendar, &err) != E5_OK) return e5py_raise(module, &err);
    PyArrayObject *days = e5py_contiguous(object, NPY_INT64, 1);
    if (days == NULL) return NULL;
    npy_intp shape[2] = {PyArray_DIM(days, 0), 4};
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT64);
    for (npy_intp i = 0; out != NULL && i < shape[0]; i++) {
        struct e5_date date = e5_date_from_days(calendar, ((int64_t *)PyArray_DATA(days))[i]);
        int64_t *row = (int64_t *)PyArray_DATA(out) + 4 * i;
        row[0] = date.year;
        row[1] = date.month;
        row[2] = date.day;
        row[3] = e5_date_yearday(calendar, date);
    }
    Py_DECREF(days);
    return (PyObject *)out;
}

PyDoc_STRVAR(slots_doc, "slots(days, calendar, count, /)\n--\n\nIndex of the threshold, out of `count` per year, "
                        "that each day is "
                        "compared with.");
static PyObject *slots(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    enum e5_calendar calendar;
    PyObject *object;
    const char *name;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "Ozn", &object, &name, &count)) return NULL;
    if (e5_calendar_parse(name, &calendar, &err) != E5_OK) return e5py_raise(module, &err);
    bool dropped = (size_t)count == e5_window_result_slots(calendar, E5_LEAP_DROP);
    if (!dropped && (size_t)count != e5_window_result_slots(calendar, E5_LEAP_STRETCH)) {
        (void)!e5_fail(&err, E5_INPUT, "a threshold of %zd days does not fit the calendar '%s'", count,
                       e5_calendar_name(calendar));
        return e5py_raise(module, &err);
    }
    PyArrayObject *days = e5py_contiguous(object, NPY_INT64, 1);
    if (days == NULL) return NULL;
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(1, PyArray_DIMS(days), NPY_INT32);
    for (npy_intp i = 0; out != NULL && i < PyArray_DIM(days, 0); i++)
        ((int32_t *)PyArray_DATA(out))[i] =
            (int32_t)e5_window_slot_of_day(calendar, dropped ? E5_LEAP_DROP : E5_LEAP_STRETCH,
                                           ((int64_t *)PyArray_DATA(days))[i]);
    Py_DECREF(days);
    return (PyObject *)out;
}

static PyObject *variable_row(const struct e5_variable *row) {
    const char *const hours[] = {"instant", "hour_ending", "since_midnight"};
    return Py_BuildValue("{ss ss ss si ss ss ss ss ss ss ss}", "request", row->request, "netcdf", row->netcdf,
                         "short_name", row->short_name, "param_id", row->param_id, "units", row->units, "kind",
                         e5_variable_kind_name(row->kind), "source", e5_variable_source_name(row->source), "level",
                         row->level, "reanalyses", row->reanalyses, "old_netcdf", row->old_netcdf, "hours",
                         hours[e5_variable_day_rule(row->kind)]);
}

PyDoc_STRVAR(holes_doc,
             "holes(seconds, /)\n--\n\nHoles in otherwise regular, ascending steps: how many, how many steps "
             "are missing, and the index behind the first one; (0, 0, 0): nothing to report.");
static PyObject *holes(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *object;
    int64_t step;
    if (!PyArg_ParseTuple(args, "O", &object)) return NULL;
    PyArrayObject *seconds = e5py_contiguous(object, NPY_INT64, 1);
    if (seconds == NULL) return NULL;
    size_t n = (size_t)PyArray_DIM(seconds, 0);
    struct e5_time_axis axis = {E5_PROLEPTIC, n, PyArray_DATA(seconds)};
    enum e5_status status = e5_time_axis_step(&axis, &step, &err);
    struct e5_holes found = {0};
    if (status == E5_OK) found = e5_holes_find(axis.seconds, n, step);
    Py_DECREF(seconds);
    if (status != E5_OK) return e5py_raise(module, &err);
    return Py_BuildValue("(nnn)", (Py_ssize_t)found.count, (Py_ssize_t)found.missing, (Py_ssize_t)found.after);
}

PyDoc_STRVAR(variable_doc, "variable(name, /)\n--\n\nWhat is known about an ERA5 variable, or None.");
static PyObject *variable(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    const struct e5_variable *row = e5_variable_find(name);
    if (row == NULL) Py_RETURN_NONE;
    return variable_row(row);
}

PyDoc_STRVAR(variables_doc, "variables()\n--\n\nAll rows of the variable table.");
static PyObject *variables(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < e5_variable_count(); i++) {
        PyObject *row = variable_row(e5_variable_at(i));
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static PyMethodDef functions[] = {
    {"decode_time", decode_time, METH_VARARGS, decode_time_doc},
    {"dates", dates, METH_VARARGS, dates_doc},
    {"slots", slots, METH_VARARGS, slots_doc},
    {"holes", holes, METH_VARARGS, holes_doc},
    {"variable", variable, METH_VARARGS, variable_doc},
    {"variables", variables, METH_NOARGS, variables_doc},
    {NULL},
};

int e5py_add_model(PyObject *module) { return PyModule_AddFunctions(module, functions); }
