/* py_archive: the members of a zip archive as files. */
#include <fcntl.h>
#include <unistd.h>

#include "io/archive_files.h"
#include "python/convert.h"
#include "python/raise.h"
#include "python/state.h"
#include "python/wait.h"

struct unpack_call {
    const char *path;
    struct e5_archive_files files;
};

static enum e5_status unpack_body(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct unpack_call *call = context;
    return e5_archive_files_unpack(&call->files, call->path, watch, err);
}

static PyObject *names_of(const struct e5_archive_files *files) {
    PyObject *list = PyList_New((Py_ssize_t)files->count);
    for (size_t i = 0; list != NULL && i < files->count; i++) {
        PyObject *name = PyUnicode_DecodeFSDefault(files->file[i].path);
        if (name == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, name);
    }
    return list;
}

PyDoc_STRVAR(unpack_doc,
             "unpack(path, directory, progress, /)\n--\n\nUnpack a zip archive into a directory; the names of "
             "the files, in the archive's order.");
static PyObject *unpack(PyObject *module, PyObject *args) {
    struct e5_error err = E5_ERROR_NONE;
    PyObject *path, *directory, *progress, *list = NULL;
    if (!PyArg_ParseTuple(args, "O&O&O", PyUnicode_FSConverter, &path, PyUnicode_FSConverter, &directory, &progress))
        return NULL;
    const char *folder = PyBytes_AS_STRING(directory);
    struct unpack_call call = {.path = PyBytes_AS_STRING(path)};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        e5_archive_files_init(&call.files, fd, call.path);
        if (e5py_run(module, unpack_body, &call, progress) == 0) list = names_of(&call.files);
        e5_archive_files_fini(&call.files);
        close(fd);
    } else {
        (void)!e5_fail_errno(&err, errno, folder, "cannot use the folder to unpack");
        e5py_raise(module, &err);
    }
    Py_DECREF(path);
    Py_DECREF(directory);
    return list;
}

static PyMethodDef functions[] = {
    {"unpack", unpack, METH_VARARGS, unpack_doc},
    {NULL},
};

int e5py_add_archive(PyObject *module) { return PyModule_AddFunctions(module, functions); }
