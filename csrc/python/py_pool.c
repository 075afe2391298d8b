/* py_pool: the process-wide pool, and what the core says about its outcomes. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool/thread.h"
#include "python/objects.h"
#include "python/raise.h"

#define MOST_THREADS 1024 /* a slip of the finger, not a machine */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct e5_pool *pool;
    pid_t pid;       /* process that made the pool: after fork() its threads are gone */
    unsigned users;  /* calls in progress */
    unsigned wanted; /* threads asked for; 0: as many as there are processors */
} shared;

static unsigned wanted_threads(void) {
    const char *asked = getenv("ERA5FAST_NUM_THREADS");
    unsigned long n = shared.wanted > 0 ? shared.wanted : asked != NULL ? strtoul(asked, NULL, 10) : 0;
    return n > 0 && n <= MOST_THREADS ? (unsigned)n : e5_thread_processors();
}

static enum e5_status refresh(struct e5_error *err) {
    if (shared.pid != getpid()) { /* first use, or a forked child: the parent's pool is not ours to free */
        shared.pool = NULL;
        shared.users = 0;
        shared.pid = getpid();
    }
    bool fits = shared.pool != NULL && (shared.users > 0 || e5_pool_size(shared.pool) == wanted_threads());
    if (fits) return E5_OK;
    e5_pool_free(shared.pool);
    shared.pool = NULL;
    return e5_pool_new(wanted_threads(), &shared.pool, err);
}

static struct e5_pool *acquire(struct e5_error *err) {
    pthread_mutex_lock(&lock);
    struct e5_pool *pool = refresh(err) == E5_OK ? shared.pool : NULL;
    if (pool != NULL) shared.users++;
    pthread_mutex_unlock(&lock);
    return pool;
}

struct e5_pool *e5py_pool_acquire(PyObject *module) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_pool *pool = acquire(&err);
    return pool != NULL ? pool : (e5py_raise(module, &err), NULL);
}

struct e5_pool *e5py_pool_try(void) {
    struct e5_error err = E5_ERROR_NONE;
    return acquire(&err);
}

void e5py_pool_release(void) {
    pthread_mutex_lock(&lock);
    shared.users--;
    pthread_mutex_unlock(&lock);
}

PyDoc_STRVAR(set_num_threads_doc,
             "set_num_threads(n, /)\n--\n\nThreads of the native pool; 0 for one per processor.");
static PyObject *set_num_threads(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    long n;
    if (!PyArg_ParseTuple(args, "l", &n)) return NULL;
    if (n < 0 || n > MOST_THREADS) {
        (void)!e5_fail(&err, E5_INPUT, "%ld threads, must be 0 to %d", n, MOST_THREADS);
        return e5py_raise(module, &err);
    }
    pthread_mutex_lock(&lock);
    shared.wanted = (unsigned)n;
    pthread_mutex_unlock(&lock);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_num_threads_doc, "get_num_threads()\n--\n\nThreads the next native call will use.");
static PyObject *get_num_threads(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    pthread_mutex_lock(&lock);
    unsigned n = wanted_threads();
    pthread_mutex_unlock(&lock);
    return PyLong_FromUnsignedLong(n);
}

PyDoc_STRVAR(statuses_doc, "statuses()\n--\n\nRows of the status table: (name, code, retryable, meaning).");
static PyObject *statuses(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none)) {
    PyObject *rows = PyList_New(0);
    for (int i = 0; rows != NULL && i < E5_STATUS_COUNT; i++) {
        enum e5_status status = (enum e5_status)i;
        PyObject *row = Py_BuildValue("ssOs", e5_status_name(status), e5_status_code(status),
                                      e5_status_retryable(status) ? Py_True : Py_False, e5_status_meaning(status));
        if (row == NULL || PyList_Append(rows, row) < 0) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static PyMethodDef functions[] = {
    {"set_num_threads", set_num_threads, METH_VARARGS, set_num_threads_doc},
    {"get_num_threads", get_num_threads, METH_NOARGS, get_num_threads_doc},
    {"statuses", statuses, METH_NOARGS, statuses_doc},
    {NULL},
};

/* The lock must not be left held by another thread in a forked child. */
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

int e5py_add_pool(PyObject *module) {
    static bool registered;
    if (!registered) pthread_atfork(before_fork, after_fork, after_fork);
    registered = true;
    return PyModule_AddFunctions(module, functions);
}
