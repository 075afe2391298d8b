#include "python/convert.h"

#include <string.h>

#include "base/text.h"
#include "python/raise.h"

static const int typenums[E5_DTYPE_COUNT] = {
    [E5_F32] = NPY_FLOAT32, [E5_F64] = NPY_FLOAT64, [E5_I8] = NPY_INT8,   [E5_U8] = NPY_UINT8,
    [E5_I16] = NPY_INT16,   [E5_U16] = NPY_UINT16,  [E5_I32] = NPY_INT32, [E5_U32] = NPY_UINT32,
    [E5_I64] = NPY_INT64,   [E5_U64] = NPY_UINT64,
};

int e5py_typenum(enum e5_dtype dtype) { return typenums[dtype]; }

static int find_dtype(PyArrayObject *array, enum e5_dtype *out) {
    for (int i = 0; i < E5_DTYPE_COUNT; i++)
        if (PyArray_EquivTypenums(PyArray_TYPE(array), typenums[i])) return *out = (enum e5_dtype)i, 0;
    return -1;
}

int e5py_view(PyObject *module, PyArrayObject *array, struct e5_view *out) {
    struct e5_error err = E5_ERROR_NONE;
    int ndim = PyArray_NDIM(array);
    *out = (struct e5_view){.data = PyArray_DATA(array), .ndim = ndim, .packing = E5_PACKING_NONE};
    if (find_dtype(array, &out->dtype) < 0)
        (void)!e5_fail(&err, E5_INPUT, "cannot compute with an array of kind '%c'", PyArray_DESCR(array)->kind);
    else if (ndim < 1 || ndim > E5_MAX_DIMS)
        (void)!e5_fail(&err, E5_INPUT, "an array of %d dimensions where 1 to %d are possible", ndim, E5_MAX_DIMS);
    if (err.status != E5_OK) return e5py_raise(module, &err), -1;
    out->swapped = PyArray_ISBYTESWAPPED(array);
    for (int i = 0; i < ndim; i++) {
        out->shape[i] = (size_t)PyArray_DIM(array, i);
        out->strides[i] = PyArray_STRIDE(array, i);
    }
    return 0;
}

PyArrayObject *e5py_contiguous(PyObject *object, int typenum, int ndim) {
    return (PyArrayObject *)PyArray_FROMANY(object, typenum, ndim, ndim, NPY_ARRAY_IN_ARRAY | NPY_ARRAY_ENSUREARRAY);
}

PyObject *e5py_array(int typenum, const void *data, size_t n) {
    npy_intp length = (npy_intp)n;
    PyObject *array = PyArray_SimpleNew(1, &length, typenum);
    if (array != NULL && n > 0)
        memcpy(PyArray_DATA((PyArrayObject *)array), data, (size_t)PyArray_NBYTES((PyArrayObject *)array));
    return array;
}

PyObject *e5py_text(const char *text) { return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace"); }

int e5py_put(PyObject *dict, const char *key, PyObject *value) {
    PyObject *name = dict != NULL && value != NULL ? e5py_text(key) : NULL;
    int result = name != NULL ? PyDict_SetItem(dict, name, value) : -1;
    Py_XDECREF(name);
    Py_XDECREF(value);
    return result;
}

/* --- parameters --- */

static int bad_param(PyObject *module, const struct e5_kernel *kernel, const struct e5_param_spec *spec,
                     const char *wanted) {
    struct e5_error err = E5_ERROR_NONE;
    (void)!e5_fail(&err, E5_INPUT, "%s: %s must be %s", kernel->name, spec->name, wanted);
    return e5py_raise(module, &err), -1;
}

/* Index of the blank-separated word in `choices`, or −1. */
static int64_t choice_index(const char *choices, const char *word) {
    size_t length = strlen(word);
    int64_t index = 0;
    for (const char *p = choices; *p != '\0'; index++) {
        size_t n = strcspn(p, " ");
        if (n == length && memcmp(p, word, n) == 0) return index;
        p += n + (p[n] == ' ');
    }
    return -1;
}

static int read_choice(PyObject *value, const char *choices, int64_t *out) {
    PyObject *text = PyObject_Str(value);
    const char *word = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    if (word != NULL) *out = choice_index(choices, word);
    Py_XDECREF(text);
    return word != NULL && *out >= 0 ? 0 : -1;
}

/* One word, or a sequence of words: a bit for each. */
static int read_choices(PyObject *value, const char *choices, int64_t *out) {
    PyObject *words = PyUnicode_Check(value) ? PyTuple_Pack(1, value) : PySequence_Fast(value, "");
    int result = words != NULL ? 0 : -1;
    *out = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PySequence_Fast_GET_SIZE(words); i++) {
        int64_t index = -1;
        result = read_choice(PySequence_Fast_GET_ITEM(words, i), choices, &index);
        if (result == 0) *out |= (int64_t)1 << index;
    }
    Py_XDECREF(words);
    return result;
}

/* "1981", "1981-06" or a date: its first day, or its last day. */
static int read_day(PyObject *value, enum e5_calendar calendar, bool last, int64_t *out) {
    PyObject *text = PyObject_Str(value);
    const char *date_text = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    struct e5_date date = {0};
    bool good = date_text != NULL && e5_date_parse(date_text, &date, NULL) == E5_OK;
    if (good) {
        size_t fields = 1;
        for (const char *p = date_text + 1; *p != '\0'; p++) fields += *p == '-'; /* a leading '-' is a year's sign */
        if (last && fields < 2) date.month = 12;
        if (last && fields < 3) date.day = e5_calendar_month_days(calendar, date.year, date.month);
        good = e5_date_valid(calendar, date);
        *out = e5_date_to_days(calendar, date);
    }
    Py_XDECREF(text);
    return good ? 0 : -1;
}

static int read_period(PyObject *value, enum e5_calendar calendar, struct e5_period *out) {
    *out = (struct e5_period){.given = value != Py_None};
    if (!out->given) return 0;
    PyObject *pair = PyUnicode_Check(value) ? NULL : PySequence_Fast(value, "");
    int result = -1;
    if (pair != NULL && PySequence_Fast_GET_SIZE(pair) == 2)
        result = read_day(PySequence_Fast_GET_ITEM(pair, 0), calendar, false, &out->first_day) < 0 ||
                         read_day(PySequence_Fast_GET_ITEM(pair, 1), calendar, true, &out->last_day) < 0
                     ? -1
                     : 0;
    Py_XDECREF(pair);
    return result;
}

static int read_param(PyObject *module, const struct e5_kernel *kernel, const struct e5_param_spec *spec,
                      PyObject *value, enum e5_calendar calendar, union e5_param *out) {
    const char *wanted = "a number";
    char choices[700];
    switch (spec->type) {
    case E5_INTEGER:
        out->integer = PyLong_AsLongLong(value);
        wanted = "a whole number";
        break;
    case E5_FLAG: out->integer = PyObject_IsTrue(value); break;
    case E5_NUMBER: out->number = PyFloat_AsDouble(value); break;
    case E5_CHOICE:
        if (read_choice(value, spec->choices, &out->integer) == 0) return 0;
        snprintf(choices, sizeof choices, "one of: %s", spec->choices);
        PyErr_Clear();
        return bad_param(module, kernel, spec, choices);
    case E5_CHOICES:
        if (read_choices(value, spec->choices, &out->integer) == 0) return 0;
        snprintf(choices, sizeof choices, "some of: %s", spec->choices);
        PyErr_Clear();
        return bad_param(module, kernel, spec, choices);
    case E5_FREQUENCY:
    case E5_MONTHS: return 0; /* of groupings: read apart */
    case E5_PERIOD:
        if (read_period(value, calendar, &out->period) == 0) return 0;
        PyErr_Clear();
        return bad_param(module, kernel, spec, "a pair like (\"1991\", \"2020\"), or None");
    }
    if (!PyErr_Occurred()) return 0;
    PyErr_Clear();
    return bad_param(module, kernel, spec, wanted);
}

int e5py_params(PyObject *module, const struct e5_kernel *kernel, PyObject *values, enum e5_calendar calendar,
                struct e5_params *out) {
    struct e5_error err = E5_ERROR_NONE;
    *out = (struct e5_params){0};
    for (Py_ssize_t i = 0; kernel->params[i].name != NULL; i++) {
        PyObject *value = PySequence_GetItem(values, i);
        int result =
            value == NULL ? -1 : read_param(module, kernel, &kernel->params[i], value, calendar, &out->value[i]);
        Py_XDECREF(value);
        if (result < 0) return -1;
    }
    return e5_kernel_check(kernel, out, &err) == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

int e5py_time_axis(PyObject *module, PyArrayObject *seconds, const char *calendar, struct e5_time_axis *out) {
    struct e5_error err = E5_ERROR_NONE;
    *out = (struct e5_time_axis){.n = (size_t)PyArray_SIZE(seconds), .seconds = PyArray_DATA(seconds)};
    if (e5_calendar_parse(calendar, &out->calendar, &err) == E5_OK && e5_time_axis_check(out, &err) == E5_OK)
        return 0;
    return e5py_raise(module, &err), -1;
}

const struct e5_kernel *e5py_kernel(PyObject *module, const char *name, enum e5_kernel_kind kind) {
    struct e5_error err = E5_ERROR_NONE;
    const struct e5_kernel *kernel = e5_kernel_find(name);
    if (kernel != NULL && kernel->kind == kind) return kernel;
    (void)!e5_fail(&err, E5_INPUT, "no diagnostic of that kind is called '%s'", name);
    return e5py_raise(module, &err), NULL;
}

/* Several strings as a list, as netCDF4-python has it. */
static PyObject *text_attribute(const struct e5_ncattr *attr) {
    if (!attr->strings || attr->count < 2 || attr->list == NULL) return e5py_text(attr->text);
    PyObject *list = PyList_New((Py_ssize_t)attr->count);
    const char *at = attr->list;
    for (size_t i = 0; list != NULL && i < attr->count; i++, at += strlen(at) + 1) {
        PyObject *text = e5py_text(at);
        if (text == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, text);
    }
    return list;
}

/* Numbers in the type of the file: a scalar, or an array when there are several or none. */
static PyObject *number_attribute(const struct e5_ncattr *attr) {
    int typenum = attr->number != NULL ? e5py_typenum(attr->dtype) : NPY_FLOAT64;
    if (attr->count == 0) return e5py_array(typenum, NULL, 0);
    PyObject *exact = attr->whole != NULL ? e5py_array(typenum, attr->whole, attr->count)
                                          : e5py_array(NPY_FLOAT64, attr->number, attr->count);
    PyObject *array = exact != NULL ? PyArray_Cast((PyArrayObject *)exact, typenum) : NULL;
    Py_XDECREF(exact);
    if (array == NULL || attr->count != 1) return array;
    PyObject *scalar = PyArray_ToScalar(PyArray_DATA((PyArrayObject *)array), (PyArrayObject *)array);
    Py_DECREF(array);
    return scalar;
}

static PyObject *attribute(const struct e5_ncattr *attr) {
    return attr->text != NULL ? text_attribute(attr) : number_attribute(attr);
}

PyObject *e5py_attributes(const struct e5_ncattr *attr, size_t n) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < n; i++)
        if (e5py_put(dict, attr[i].name, attribute(&attr[i])) < 0) Py_CLEAR(dict);
    return dict;
}
