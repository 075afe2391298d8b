/* py_ask: one call of the service and its reply. */
#include "drive/ask.h"

#include "python/py_http.h"
#include "python/wait.h"

struct ask_call {
    struct e5_fetch_options options;
    struct e5_ask ask;
    struct e5_buffer reply;
    const char *url; /* of data, for a look at them */
    struct e5_http_head head;
};

static enum e5_status ask_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct ask_call *call = context;
    return e5_ask(&call->options, &call->ask, &call->reply, watch, err);
}

static enum e5_status head_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct ask_call *call = context;
    return e5_ask_data(&call->options, call->url, &call->head, watch, err);
}

static int read_options(PyObject *module, PyObject *http, PyObject *settings, struct e5_fetch_options *out) {
    if (e5py_http_options(module, http, &out->http) < 0) return -1;
    return e5py_settings(module, settings, &out->settings);
}

PyDoc_STRVAR(ask_doc,
             "ask(http, settings, method, path, body, progress, /)\n--\n\nOne repeatable call; its reply as text.");
static PyObject *ask(PyObject *module, PyObject *args) {
    struct ask_call call = {.url = NULL};
    PyObject *http, *settings, *progress, *reply = NULL;
    if (!PyArg_ParseTuple(args, "O!O!sszO", &PyDict_Type, &http, &PyDict_Type, &settings, &call.ask.method,
                          &call.ask.path, &call.ask.body, &progress))
        return NULL;
    if (read_options(module, http, settings, &call.options) < 0) return NULL;
    if (e5py_run(module, ask_body, &call, progress) == 0)
        reply =
            PyUnicode_DecodeUTF8(call.reply.size > 0 ? call.reply.bytes : "", (Py_ssize_t)call.reply.size, "replace");
    e5_buffer_fini(&call.reply);
    return reply;
}

PyDoc_STRVAR(head_doc, "head(http, settings, url, progress, /)\n--\n\nWhat the store says of data: {status, size, "
                       "type, etag}.");
static PyObject *head(PyObject *module, PyObject *args) {
    struct ask_call call = {.url = NULL};
    PyObject *http, *settings, *progress;
    if (!PyArg_ParseTuple(args, "O!O!sO", &PyDict_Type, &http, &PyDict_Type, &settings, &call.url, &progress))
        return NULL;
    if (read_options(module, http, settings, &call.options) < 0) return NULL;
    if (e5py_run(module, head_body, &call, progress) < 0) return NULL;
    return Py_BuildValue("{si sL ss ss}", "status", call.head.status, "size", (long long)call.head.length, "type",
                         call.head.type, "etag", call.head.etag);
}

static PyMethodDef functions[] = {
    {"ask", ask, METH_VARARGS, ask_doc},
    {"head", head, METH_VARARGS, head_doc},
    {NULL},
};

int e5py_add_ask(PyObject *module) { return PyModule_AddFunctions(module, functions); }
