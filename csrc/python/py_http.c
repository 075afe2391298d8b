/* py_http: how to reach the service, and with how much patience, out of Python dictionaries. */
#include "python/py_http.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "python/raise.h"

#define DEBUG 10 /* of Python's logging */

struct setting {
    const char *name, *unit, *meaning;
    size_t offset;
    double preset, lowest, highest;
};

static const struct setting settings[] = {
#define E5_FETCH_SETTING(name, preset, lowest, highest, unit, meaning) \
    {#name, unit, meaning, offsetof(struct e5_fetch_settings, name), preset, lowest, highest},
#include "drive/fetch_settings.def"
#undef E5_FETCH_SETTING
};

#define SETTINGS (sizeof settings / sizeof *settings)

static int refuse(PyObject *module, const char *format, const char *name) {
    struct e5_error err = E5_ERROR_NONE;
    err.status = e5_fail(&err, E5_INPUT, format, name); /* every format has one %s */
    e5py_raise(module, &err);
    return -1;
}

/* A text without NUL, or NULL for None. */
static int take_text(PyObject *module, PyObject *value, const char *name, const char **out) {
    Py_ssize_t size;
    *out = NULL;
    if (value == Py_None) return 0;
    if (!PyUnicode_Check(value)) return refuse(module, "%s must be a text or None", name);
    *out = PyUnicode_AsUTF8AndSize(value, &size);
    if (*out != NULL && strlen(*out) == (size_t)size) return 0;
    PyErr_Clear();
    return refuse(module, "%s holds characters that cannot be sent", name);
}

static int take_version(PyObject *module, PyObject *value, int *out) {
    long version = PyLong_Check(value) ? PyLong_AsLong(value) : -1;
    if (version != 0 && version != 4 && version != 6) {
        PyErr_Clear();
        return refuse(module, "%s must be 0, 4 or 6", "ip_version");
    }
    *out = (int)version;
    return 0;
}

static int take_option(PyObject *module, const char *name, PyObject *value, struct e5_http_options *out) {
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"url", &out->url},         {"key", &out->key},     {"user_agent", &out->user_agent},
                 {"ca_file", &out->ca_file}, {"proxy", &out->proxy}, {"no_proxy", &out->no_proxy}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, name) == 0) return take_text(module, value, name, texts[i].to);
    if (strcmp(name, "ip_version") == 0) return take_version(module, value, &out->ip_version);
    if (strcmp(name, "insecure") != 0) return refuse(module, "there is no option '%s' of a connection", name);
    if (!PyBool_Check(value)) return refuse(module, "%s must be True or False", name);
    out->insecure = value == Py_True;
    return 0;
}

/* Whether debug lines are wanted is for Python's logger to say. */
static int follow_logger(void) {
    PyObject *logging = PyImport_ImportModule("logging");
    PyObject *logger = logging != NULL ? PyObject_CallMethod(logging, "getLogger", "s", "era5fast") : NULL;
    PyObject *wanted = logger != NULL ? PyObject_CallMethod(logger, "isEnabledFor", "i", DEBUG) : NULL;
    if (wanted != NULL) e5_log_from(wanted == Py_True ? E5_LOG_DEBUG : E5_LOG_INFO);
    Py_XDECREF(wanted);
    Py_XDECREF(logger);
    Py_XDECREF(logging);
    return wanted != NULL ? 0 : -1;
}

int e5py_http_options(PyObject *module, PyObject *dict, struct e5_http_options *out) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    *out = (struct e5_http_options){.url = NULL};
    while (PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        if (name == NULL || take_option(module, name, value, out) < 0) return -1;
    }
    if (out->url == NULL || out->user_agent == NULL)
        return refuse(module, "%s must be given", out->url == NULL ? "url" : "user_agent");
    return follow_logger();
}

static int take_setting(PyObject *module, const struct setting *row, PyObject *value, struct e5_fetch_settings *out) {
    struct e5_error err = E5_ERROR_NONE;
    double number = PyBool_Check(value) ? -1 : PyFloat_AsDouble(value);
    if (PyBool_Check(value) || (number == -1 && PyErr_Occurred())) {
        PyErr_Clear();
        return refuse(module, "%s must be a number", row->name);
    }
    if (number >= row->lowest && number <= row->highest) {
        memcpy((char *)out + row->offset, &number, sizeof number);
        return 0;
    }
    err.status = e5_fail(&err, E5_INPUT, "%s must lie between %g and %g, not %g", row->name, row->lowest,
                         row->highest, number);
    e5py_raise(module, &err);
    return -1;
}

int e5py_settings(PyObject *module, PyObject *dict, struct e5_fetch_settings *out) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    e5_fetch_settings_init(out);
    while (PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        size_t i = 0;
        if (name == NULL) return -1;
        while (i < SETTINGS && strcmp(settings[i].name, name) != 0) i++;
        if (i == SETTINGS) return refuse(module, "there is no setting '%s'", name);
        if (take_setting(module, &settings[i], value, out) < 0) return -1;
    }
    return 0;
}

PyDoc_STRVAR(fetch_settings_doc,
             "fetch_settings()\n--\n\nRows {name, default, lowest, highest, unit, meaning} of all settings.");
static PyObject *fetch_settings(PyObject *module, PyObject *Py_UNUSED(unused)) {
    PyObject *rows = PyList_New(0);
    (void)module;
    for (size_t i = 0; rows != NULL && i < SETTINGS; i++) {
        const struct setting *row = &settings[i];
        PyObject *dict =
            Py_BuildValue("{ss sd sd sd ss ss}", "name", row->name, "default", row->preset, "lowest", row->lowest,
                          "highest", row->highest, "unit", row->unit, "meaning", row->meaning);
        if (dict == NULL || PyList_Append(rows, dict) < 0) Py_CLEAR(rows);
        Py_XDECREF(dict);
    }
    return rows;
}

static PyMethodDef functions[] = {
    {"fetch_settings", fetch_settings, METH_NOARGS, fetch_settings_doc},
    {NULL},
};

int e5py_add_http(PyObject *module) { return PyModule_AddFunctions(module, functions); }
