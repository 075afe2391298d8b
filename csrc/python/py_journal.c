/* py_journal: the journal as a Python object. */
#include "python/py_journal.h"

#include <pthread.h>
#include <stdbool.h>

#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"

/* Others hold the file for milliseconds: who waits longer than this waits for a process that was stopped. */
#define BUSY_SECONDS 2.0

/* --- who uses it --- */

/* What a Journal object owns.  Calls under way keep the journal open; the last one closes it where that was asked. */
struct holding {
    pthread_mutex_t mutex; /* held for moments only */
    struct e5_journal *journal;
    unsigned users; /* 1 for the object itself while it is open */
    bool closed;
};

static struct holding *holding_of(PyObject *self) { return ((struct e5py_object *)self)->owned; }

/* The journal, or NULL with an exception set. */
static struct e5_journal *take(PyObject *self) {
    struct holding *holding = holding_of(self);
    pthread_mutex_lock(&holding->mutex);
    struct e5_journal *journal = holding->closed ? NULL : holding->journal;
    if (journal != NULL) holding->users++;
    pthread_mutex_unlock(&holding->mutex);
    if (journal == NULL) PyErr_SetString(PyExc_ValueError, "the journal is closed");
    return journal;
}

static void give_back(struct holding *holding) {
    struct e5_journal *journal = NULL;
    pthread_mutex_lock(&holding->mutex);
    if (--holding->users == 0) {
        journal = holding->journal;
        holding->journal = NULL;
    }
    pthread_mutex_unlock(&holding->mutex);
    Py_BEGIN_ALLOW_THREADS
    e5_journal_close(journal);
    Py_END_ALLOW_THREADS
}

static void close_once(struct holding *holding) {
    pthread_mutex_lock(&holding->mutex);
    bool first = !holding->closed;
    holding->closed = true;
    pthread_mutex_unlock(&holding->mutex);
    if (first) give_back(holding);
}

static void journal_dealloc(PyObject *self) {
    struct holding *holding = holding_of(self);
    close_once(holding);
    pthread_mutex_destroy(&holding->mutex);
    PyMem_Free(holding);
    e5py_object_free(self);
}

int e5py_journal_borrow(PyObject *object, struct e5_journal **out) {
    *out = NULL;
    if (object == Py_None) return 0;
    if (Py_TYPE(object)->tp_dealloc != journal_dealloc) /* the one type; nobody can inherit from it */
        return PyErr_SetString(PyExc_TypeError, "a Journal or None is needed"), -1;
    *out = take(object);
    return *out != NULL ? 0 : -1;
}

void e5py_journal_return(PyObject *object) {
    if (object != Py_None) give_back(holding_of(object));
}

/* --- making one --- */

/* New object that takes the journal over. */
static PyObject *wrap(PyTypeObject *type, struct e5_journal *journal) {
    struct holding *holding = PyMem_Calloc(1, sizeof *holding);
    PyObject *self = holding != NULL ? e5py_object_new(PyType_GetModule(type), type, holding) : PyErr_NoMemory();
    if (self == NULL) {
        PyMem_Free(holding);
        e5_journal_close(journal);
        return NULL;
    }
    pthread_mutex_init(&holding->mutex, NULL);
    holding->journal = journal;
    holding->users = 1;
    return self;
}

static PyObject *journal_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"path", "service", "owner", NULL};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal *journal;
    PyObject *path = NULL, *given;
    const char *service, *owner;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "Oss", names, &given, &service, &owner)) return NULL;
    if (given != Py_None && !PyUnicode_FSConverter(given, &path)) return NULL;
    const char *name = path != NULL ? PyBytes_AS_STRING(path) : NULL;
    enum e5_status status;
    Py_BEGIN_ALLOW_THREADS
    status = e5_journal_open(name, service, owner, BUSY_SECONDS, &journal, &err);
    Py_END_ALLOW_THREADS
    Py_XDECREF(path);
    return status == E5_OK ? wrap(type, journal) : e5py_raise(PyType_GetModule(type), &err);
}

/* --- methods --- */

static PyObject *cell(const struct e5_journal_table *table, size_t row, size_t column) {
    const struct e5_journal_cell *from = &table->cells[row * table->columns + column];
    switch (from->kind) {
    case E5_JOURNAL_INTEGER: return PyLong_FromLongLong(from->integer);
    case E5_JOURNAL_REAL: return PyFloat_FromDouble(from->real);
    case E5_JOURNAL_TEXT: break;
    case E5_JOURNAL_NOTHING: Py_RETURN_NONE;
    }
    const char *text = table->text.bytes + from->integer;
    bool is_path = strcmp(table->names[column], "path") == 0; /* file names are bytes, not text */
    return is_path ? PyUnicode_DecodeFSDefault(text) : e5py_text(text);
}

static PyObject *row_dict(const struct e5_journal_table *table, size_t row) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < table->columns; i++)
        if (e5py_put(dict, table->names[i], cell(table, row, i)) < 0) Py_CLEAR(dict);
    return dict;
}

static PyObject *table_list(const struct e5_journal_table *table) {
    PyObject *list = PyList_New((Py_ssize_t)table->rows);
    for (size_t i = 0; list != NULL && i < table->rows; i++) {
        PyObject *row = row_dict(table, i);
        if (row != NULL)
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* List of what a reading call has filled in, or its error. */
static PyObject *finish(PyObject *self, enum e5_status status, struct e5_journal_table *table,
                        const struct e5_error *err) {
    give_back(holding_of(self));
    PyObject *list = status == E5_OK ? table_list(table) : e5py_raise(((struct e5py_object *)self)->module, err);
    e5_journal_table_fini(table);
    return list;
}

PyDoc_STRVAR(jobs_doc, "jobs($self, /, unfinished=False)\n--\n\nOne dictionary per job of this service and owner, "
                       "oldest first.");
static PyObject *journal_jobs(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"unfinished", NULL};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal_table table;
    enum e5_status status;
    int unfinished = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|p", names, &unfinished)) return NULL;
    struct e5_journal *journal = take(self);
    if (journal == NULL) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = e5_journal_jobs(journal, unfinished != 0, &table, &err);
    Py_END_ALLOW_THREADS
    return finish(self, status, &table, &err);
}

PyDoc_STRVAR(files_doc, "files($self, /, directory=None)\n--\n\nOne dictionary per finished file, or per file below "
                        "a directory.");
static PyObject *journal_files(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"directory", NULL};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal_table table;
    PyObject *given = Py_None, *directory = NULL;
    enum e5_status status;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O", names, &given)) return NULL;
    if (given != Py_None && !PyUnicode_FSConverter(given, &directory)) return NULL;
    const char *below = directory != NULL ? PyBytes_AS_STRING(directory) : NULL;
    struct e5_journal *journal = take(self);
    if (journal == NULL) return Py_XDECREF(directory), NULL;
    Py_BEGIN_ALLOW_THREADS
    status = e5_journal_files(journal, below, &table, &err);
    Py_END_ALLOW_THREADS
    Py_XDECREF(directory);
    return finish(self, status, &table, &err);
}

PyDoc_STRVAR(forget_doc, "forget($self, job_id, /)\n--\n\nRemove a job: an equal request makes a new one.");
static PyObject *journal_forget(PyObject *self, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    const char *job_id;
    enum e5_status status;
    if (!PyArg_ParseTuple(args, "s", &job_id)) return NULL;
    struct e5_journal *journal = take(self);
    if (journal == NULL) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = e5_journal_status(journal, job_id, "gone", &err);
    Py_END_ALLOW_THREADS
    give_back(holding_of(self));
    if (status != E5_OK) return e5py_raise(((struct e5py_object *)self)->module, &err);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(counted_doc, "counted($self, path, finished, missing, asked=0.0, /)\n--\n\n"
                          "Note what a file lacks of its request, and when that was last asked for in vain.");
static PyObject *journal_counted(PyObject *self, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *path = NULL;
    const char *missing;
    double finished, asked = 0;
    enum e5_status status;
    if (!PyArg_ParseTuple(args, "O&ds|d", PyUnicode_FSConverter, &path, &finished, &missing, &asked)) return NULL;
    struct e5_journal *journal = take(self);
    if (journal == NULL) return Py_DECREF(path), NULL;
    Py_BEGIN_ALLOW_THREADS
    status = e5_journal_file_counted(journal, PyBytes_AS_STRING(path), finished, missing, asked, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    give_back(holding_of(self));
    if (status != E5_OK) return e5py_raise(((struct e5py_object *)self)->module, &err);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(close_doc,
             "close($self, /)\n--\n\nGive the file back, after the calls under way; a second time does nothing.");
static PyObject *journal_close(PyObject *self, PyObject *Py_UNUSED(none)) {
    close_once(holding_of(self));
    Py_RETURN_NONE;
}

static PyObject *journal_enter(PyObject *self, PyObject *Py_UNUSED(none)) { return Py_NewRef(self); }

static PyObject *journal_exit(PyObject *self, PyObject *Py_UNUSED(args)) { return journal_close(self, NULL); }

static PyMethodDef methods[] = {
    {"jobs", (PyCFunction)(void (*)(void))journal_jobs, METH_VARARGS | METH_KEYWORDS, jobs_doc},
    {"files", (PyCFunction)(void (*)(void))journal_files, METH_VARARGS | METH_KEYWORDS, files_doc},
    {"forget", journal_forget, METH_VARARGS, forget_doc},
    {"counted", journal_counted, METH_VARARGS, counted_doc},
    {"close", journal_close, METH_NOARGS, close_doc},
    {"__enter__", journal_enter, METH_NOARGS, NULL},
    {"__exit__", journal_exit, METH_VARARGS, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, journal_new},
    {Py_tp_dealloc, journal_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Journal(path, service, owner)\n--\n\nWhat has been asked of a service; in memory without a path."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "era5fast._core.Journal",
    .basicsize = sizeof(struct e5py_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

int e5py_add_journal(PyObject *module) { return e5py_add_type(module, &spec, &e5py_state(module)->journal_type); }
