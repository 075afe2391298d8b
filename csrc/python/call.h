/* call: what the entries for kernels read from Python: kernel, sets of parameters, times, grouping, sources.
 *
 * A struct e5py_call owns its parameters, periods and its reference to the times (_fini); views and sources borrow
 * from objects that the caller holds.  Everything needs the GIL and sets an exception when it fails. */
#ifndef E5PY_CALL_H
#define E5PY_CALL_H

#include "drive/source.h"
#include "model/missing.h"
#include "python/convert.h"

struct e5py_call {
    PyObject *module;
    const struct e5_kernel *kernel;
    PyArrayObject *seconds;
    struct e5_time_axis axis;
    struct e5_params *params; /* one set per combination of parameters */
    size_t sets;
    bool grouped;
    struct e5_periods periods;
    enum e5_missing_rule *rule; /* of each set; NULL: no period is taken away */
    bool has_share;
    double share; /* of E5_MISSING_SHARE, one for all sets that have it */
    struct e5_missing missing[E5_MISSING_RULES]; /* by rule: those that sets have */
};

/* All but `module`; without `sets` no parameters; of a SERIES also what is missing of its periods. */
int e5py_call_read(struct e5py_call *call, const char *name, enum e5_kernel_kind kind, PyObject *sets,
                   PyObject *times, const char *calendar, PyObject *grouping);
/* One set of parameters per member of the sequence, for a call whose kernel is known. */
int e5py_call_sets(struct e5py_call *call, PyObject *sets, enum e5_calendar calendar);
void e5py_call_fini(struct e5py_call *call);

/* What is missing of the periods by the rule of a set; NULL: they are not judged. */
const struct e5_missing *e5py_call_missing(const struct e5py_call *call, size_t set);
/* First second of each period, or None. */
PyObject *e5py_call_starts(const struct e5py_call *call);
/* New array (sets, rows, *cell dimensions of `like`). */
PyObject *e5py_call_result(size_t sets, size_t rows, const struct e5_view *like, enum e5_dtype dtype);
/* Values of one set of parameters in the result. */
char *e5py_call_values(PyObject *result, size_t set);
/* The source behind an array or a Dataset, or behind (one of them, scale, offset), and the view that tells the shape
 * of its cells. */
int e5py_call_source(PyObject *module, PyObject *object, struct e5_view *view, struct e5_source *out);
int e5py_call_check_steps(size_t steps, size_t times);

#endif
