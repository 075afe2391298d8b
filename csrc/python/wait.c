#include "python/wait.h"

#include <stdio.h>

#include "base/log.h"
#include "python/raise.h"

#define STEP 0.05 /* seconds: short enough for ctrl-C, long enough to leave the GIL alone */

struct log_sink {
    PyObject *module;
    bool failed;
};

static PyObject *logger(PyObject *module) {
    struct e5py_state *state = e5py_state(module);
    if (state->logger == NULL) {
        PyObject *logging = PyImport_ImportModule("logging");
        if (logging == NULL) return NULL;
        state->logger = PyObject_CallMethod(logging, "getLogger", "s", "era5fast");
        Py_DECREF(logging);
    }
    return state->logger;
}

static void pass_on(void *context, enum e5_log_level level, const char *line) {
    static const char *const method[] = {"debug", "info", "warning"};
    struct log_sink *sink = context;
    PyObject *log = sink->failed ? NULL : logger(sink->module);
    PyObject *result = log != NULL ? PyObject_CallMethod(log, method[level], "ss", "%s", line) : NULL;
    if (result == NULL) sink->failed = true;
    Py_XDECREF(result);
}

static int drain_log(PyObject *module) {
    struct log_sink sink = {module, false};
    char line[E5_LOG_LINE_SIZE];
    size_t lost = e5_log_drain(pass_on, &sink);
    snprintf(line, sizeof line, "%zu older log lines were lost", lost);
    if (lost > 0) pass_on(&sink, E5_LOG_WARNING, line);
    return sink.failed ? -1 : 0;
}

static PyObject *count_dict(struct e5_watch *watch) {
    static const char *const names[E5_WATCH_COUNTS] = {
        [E5_WATCH_QUEUED] = "queued",     [E5_WATCH_RUNNING] = "running", [E5_WATCH_DOWNLOADING] = "downloading",
        [E5_WATCH_CHECKING] = "checking", [E5_WATCH_DONE] = "done",       [E5_WATCH_FAILED] = "failed",
        [E5_WATCH_FILES] = "files"};
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < E5_WATCH_COUNTS; i++) {
        PyObject *value = PyLong_FromUnsignedLong(atomic_load(&watch->counts[i]));
        if (value == NULL || PyDict_SetItemString(dict, names[i], value) < 0) Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static int report(PyObject *progress, struct e5_watch *watch, bool counted) {
    if (progress == Py_None) return 0;
    const char *stage = atomic_load(&watch->stage);
    long long done = (long long)atomic_load(&watch->done), total = (long long)atomic_load(&watch->total);
    PyObject *counts = counted ? count_dict(watch) : NULL;
    if (counted && counts == NULL) return -1;
    PyObject *result = counted ? PyObject_CallFunction(progress, "LLzO", done, total, stage, counts)
                               : PyObject_CallFunction(progress, "LLz", done, total, stage);
    Py_XDECREF(counts);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static bool wait_step(struct e5_job *job) {
    bool done;
    Py_BEGIN_ALLOW_THREADS
    done = e5_job_wait(job, STEP);
    Py_END_ALLOW_THREADS
    return done;
}

/* What was done because of an exception is told before it goes on its way. */
static void tell_last_words(PyObject *module) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (drain_log(module) < 0) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

static int run(PyObject *module, e5_job_fn body, void *context, PyObject *progress, bool counted) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_job *job;
    if (e5_job_start(body, context, &job, &err) != E5_OK) return e5py_raise(module, &err), -1;
    struct e5_watch *watch = e5_job_watch(job);
    bool raised = false, done = false;
    while (!done) {
        done = wait_step(job);
        if (raised) continue; /* cancelled: only wait for the workers to notice */
        raised = PyErr_CheckSignals() < 0 || report(progress, watch, counted) < 0 || drain_log(module) < 0;
        if (raised) e5_watch_cancel(watch);
    }
    enum e5_status status = e5_job_finish(job, &err);
    if (raised) return tell_last_words(module), -1;
    if (drain_log(module) < 0) return -1;
    return status == E5_OK ? 0 : (e5py_raise(module, &err), -1);
}

int e5py_run(PyObject *module, e5_job_fn body, void *context, PyObject *progress) {
    return run(module, body, context, progress, false);
}

int e5py_run_counted(PyObject *module, e5_job_fn body, void *context, PyObject *progress) {
    return run(module, body, context, progress, true);
}
