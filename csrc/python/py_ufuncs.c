/* py_ufuncs: the POINTWISE rows as NumPy ufuncs.
 *
 * NumPy broadcasts, casts, allocates and drops the GIL; the loops here cut long arrays into tasks for the pool and
 * gather operands that do not lie one value after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/convert.h"
#include "python/objects.h"
#include "python/raise.h"

#include <numpy/ufuncobject.h>

#define TASK ((npy_intp)1 << 15)  /* values of a task: many times what waking a thread costs */
#define LONGEST_NAME 64
#define BLOCK 512 /* values gathered at once: of all operands together they fit into the first cache */

struct loop { /* what NumPy hands to the loops of one ufunc */
    const struct e5_pointwise_ops *ops;
    int inputs;
};

struct call { /* of NumPy, cut into tasks */
    const struct loop *loop;
    char **args; /* the inputs, then the output */
    const npy_intp *steps;
    npy_intp n;
    bool single;  /* values are float, else double */
    bool aligned; /* every operand lies one value after the other */
};

static size_t size_of_value(const struct call *call) { return call->single ? sizeof(float) : sizeof(double); }

static void compute(const struct call *call, const void *const *in, void *out, size_t n) {
    if (call->single)
        call->loop->ops->f32((const float *const *)in, out, n);
    else
        call->loop->ops->f64((const double *const *)in, out, n);
}

static void copy_values(char *to, npy_intp to_step, const char *from, npy_intp from_step, size_t n, size_t size) {
    for (size_t i = 0; i < n; i++, to += to_step, from += from_step) memcpy(to, from, size);
}

/* At most BLOCK values from `first` on, through buffers. */
static void compute_block(const struct call *call, npy_intp first, size_t n) {
    double buffers[E5_MAX_OPERANDS + 1][BLOCK];
    const void *in[E5_MAX_OPERANDS];
    size_t size = size_of_value(call);
    int inputs = call->loop->inputs;
    for (int k = 0; k < inputs; k++) {
        const char *values = call->args[k] + first * call->steps[k];
        in[k] = buffers[k];
        copy_values((char *)buffers[k], (npy_intp)size, values, call->steps[k], n, size);
    }
    compute(call, in, buffers[inputs], n);
    copy_values(call->args[inputs] + first * call->steps[inputs], call->steps[inputs], (char *)buffers[inputs],
                (npy_intp)size, n, size);
}

static enum e5_status task(void *context, size_t index, unsigned Py_UNUSED(slot), struct e5_error *Py_UNUSED(err)) {
    const struct call *call = context;
    npy_intp first = (npy_intp)index * TASK, end = call->n - first < TASK ? call->n : first + TASK;
    const void *in[E5_MAX_OPERANDS];
    int inputs = call->loop->inputs;
    if (call->aligned) {
        for (int k = 0; k < inputs; k++) in[k] = call->args[k] + first * call->steps[k];
        compute(call, in, call->args[inputs] + first * call->steps[inputs], (size_t)(end - first));
        return E5_OK;
    }
    for (; first < end; first += BLOCK)
        compute_block(call, first, (size_t)(end - first < BLOCK ? end - first : BLOCK));
    return E5_OK;
}

static void run(struct call *call) {
    struct e5_error err = E5_ERROR_NONE;
    size_t size = size_of_value(call), tasks = (size_t)((call->n + TASK - 1) / TASK);
    call->aligned = true;
    for (int k = 0; k <= call->loop->inputs; k++)
        if ((size_t)call->steps[k] != size || (uintptr_t)call->args[k] % size != 0) call->aligned = false;
    struct e5_pool *pool = tasks > 1 ? e5py_pool_try() : NULL;
    bool done = pool != NULL && e5_pool_for(pool, NULL, tasks, task, call, &err) == E5_OK;
    if (pool != NULL) e5py_pool_release();
    for (size_t i = 0; !done && i < tasks; i++) (void)!task(call, i, 0, &err);
    PyUFunc_clearfperr(); /* formulas are computed on both sides of their conditions: the flags mean nothing */
}

static void loop_f32(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data) {
    run(&(struct call){.loop = data, .args = args, .steps = steps, .n = dimensions[0], .single = true});
}

static void loop_f64(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data) {
    run(&(struct call){.loop = data, .args = args, .steps = steps, .n = dimensions[0], .single = false});
}

/* --- making them --- */

struct definition { /* of a ufunc; NumPy borrows it as long as the ufunc lives */
    struct loop loop;
    PyUFuncGenericFunction loops[2];
    void *data[2];
    char types[2 * (E5_MAX_OPERANDS + 1)];
    char called[LONGEST_NAME];
};

static void free_definition(PyObject *capsule) { PyMem_Free(PyCapsule_GetPointer(capsule, NULL)); }

static struct definition *define(const struct e5_kernel *kernel, size_t choice) {
    struct definition *made = PyMem_Calloc(1, sizeof *made);
    if (made == NULL) return PyErr_NoMemory(), NULL;
    while (kernel->operands[made->loop.inputs].name != NULL) made->loop.inputs++;
    made->loop.ops = &kernel->ops.pointwise[choice];
    size_t operands = (size_t)made->loop.inputs + 1;
    memset(made->types, NPY_FLOAT32, operands);
    memset(made->types + operands, NPY_FLOAT64, operands);
    made->loops[0] = loop_f32, made->loops[1] = loop_f64;
    made->data[0] = made->data[1] = &made->loop;
    return made;
}

PyDoc_STRVAR(ufunc_doc, "ufunc(name, choice, called, /)\n--\n\nNew ufunc of a POINTWISE row, by the place of a "
                        "choice of its first\n"
                        "parameter (0 where it has none); `called` is its __name__, by which pickle finds it.");
static PyObject *ufunc(PyObject *module, PyObject *args) {
    const char *name, *called;
    int choice;
    if (!PyArg_ParseTuple(args, "sis", &name, &choice, &called)) return NULL;
    const struct e5_kernel *kernel = e5py_kernel(module, name, E5_POINTWISE);
    struct e5_error err = E5_ERROR_NONE;
    struct e5_params params = {.value = {{.integer = choice}}};
    if (kernel == NULL) return NULL;
    if (e5_kernel_check(kernel, &params, &err) != E5_OK) return e5py_raise(module, &err);
    struct definition *made = define(kernel, kernel->params[0].name != NULL ? (size_t)choice : 0);
    PyObject *owner = made != NULL ? PyCapsule_New(made, NULL, free_definition) : NULL;
    if (owner == NULL) return PyMem_Free(made), NULL;
    snprintf(made->called, sizeof made->called, "%s", called);
    PyObject *result = PyUFunc_FromFuncAndData(made->loops, made->data, made->types, 2, made->loop.inputs, 1,
                                               PyUFunc_None, made->called, kernel->summary, 0);
    if (result == NULL) return Py_DECREF(owner), NULL;
    ((PyUFuncObject *)result)->obj = owner; /* freed with the ufunc */
    return result;
}

static PyMethodDef functions[] = {{"ufunc", ufunc, METH_VARARGS, ufunc_doc}, {NULL}};

int e5py_add_ufuncs(PyObject *module) {
    if (_import_umath() < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
