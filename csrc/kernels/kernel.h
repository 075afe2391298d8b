/* kernel: what a diagnostic is.
 *
 * A diagnostic is one file in this folder and one row in kernels.def.  The row gives name, kind, operands, parameters
 * and documentation; Python's function, signature, docstring and stub are made from it.  The file gives one of the
 * three sets of operations below.  The driver (drive/) owns everything else: dtypes, tiles, scratch, threads, cancel,
 * progress, output.  Operations get their scratch, never allocate outside `plan`, never block, and see plain doubles;
 * a bad cell yields NaN and is no error.  They may run in many threads at once on different cells. */
#ifndef E5_KERNELS_KERNEL_H
#define E5_KERNELS_KERNEL_H

#include "base/parallel.h"
#include "model/event.h"
#include "model/time_axis.h"
#include "model/view.h"

enum e5_kernel_kind { E5_SCAN, E5_SERIES, E5_FIELD };
enum e5_param_type { E5_INTEGER, E5_NUMBER, E5_CHOICE, E5_FLAG, E5_PERIOD };

struct e5_param_spec {
    const char *name;
    enum e5_param_type type;
    const char *standard;   /* default as Python source text ("5", "'wrap'", "None"); NULL: must be given */
    double low, high;       /* inclusive range of numbers */
    const char *choices;    /* E5_CHOICE: blank-separated, in the order of an enum */
    const char *doc;        /* one sentence */
};

struct e5_operand_spec {
    const char *name;
    const char *dims;  /* "time latitude longitude", "slot latitude longitude", … */
    const char *doc;
};

struct e5_period { /* E5_PERIOD: days since 1970-01-01 of the series' calendar, both inclusive */
    int64_t first_day, last_day;
    bool given; /* false: the whole series */
};

union e5_param {
    int64_t integer; /* E5_INTEGER, E5_CHOICE (index), E5_FLAG */
    double number;
    struct e5_period period;
};

#define E5_MAX_PARAMS 12
#define E5_MAX_OPERANDS 4

struct e5_params { /* values in the order of the row's params */
    union e5_param value[E5_MAX_PARAMS];
};

/* SCAN: sees one time step across many cells; one state per cell.  begin → step … step → end, once per period; a
 * state that lasts over periods is kept by leaving it alone in `begin` when `first` is false. */
struct e5_scan_ops {
    size_t (*state_size)(const struct e5_params
                             *params); /* bytes for one cell; the state of n cells is n times that */
    void (*begin)(void *state, size_t cells, bool first, const struct e5_params *params);
    void (*step)(void *state, const double *row, size_t cells, const struct e5_params *params);
    void (*end)(void *state, double *out, size_t cells, int32_t expected, const struct e5_params *params);
};

/* SERIES: sees one cell's whole series, contiguous. */
struct e5_series_ops {
    enum e5_status (*plan)(const struct e5_params *params, const struct e5_time_axis *axis, void **plan,
                           size_t *out_length, size_t *scratch_bytes, struct e5_error *err);
    void (*cell)(const void *plan, const double *series, double *out, void *scratch);
    void (*plan_free)(void *plan);
};

/* FIELD: sees the whole field with its neighbours, and makes events. */
struct e5_field {
    size_t steps;
    const struct e5_grid *grid;
    struct e5_time_axis axis;
    const void *value;         /* steps × rows × columns; NaN is missing and never part of an event */
    enum e5_dtype dtype;       /* of the values: E5_F32 or E5_F64 */
    const double *threshold;   /* slots × rows × columns */
    const int32_t *slot;       /* steps: slot of the threshold that each step is compared with */
};
struct e5_field_ops {
    enum e5_status (*run)(const struct e5_field *field, const struct e5_params *params, const struct e5_parallel *par,
                          struct e5_watch *watch, struct e5_events **out, struct e5_error *err);
};

/* How the output of a SCAN is grouped in time; each way brings its own parameters (e5_grouping_params). */
enum e5_grouping { E5_UNGROUPED, E5_GROUP_BY_DAY, E5_GROUP_BY_FREQUENCY };

struct e5_kernel {
    const char *name;
    enum e5_kernel_kind kind;
    enum e5_grouping grouping;
    const char *summary;                             /* first line of the docstring, also the long_name */
    struct e5_operand_spec operands[E5_MAX_OPERANDS + 1]; /* ends with a NULL name */
    struct e5_param_spec params[E5_MAX_PARAMS + 1];       /* ends with a NULL name */
    const char *result;                              /* one sentence: shape and units */
    const char *result_dims; /* "day latitude longitude", "slot latitude longitude", "event" */
    const char *cell_methods; /* CF, may hold {statistic}; "" when there is none */
    const char *notes, *references; /* numpydoc sections */
    union {
        const struct e5_scan_ops *scan;
        const struct e5_series_ops *series;
        const struct e5_field_ops *field;
    } ops;
};

/* Parameters that come with a grouping, ending with a NULL name; the driver reads them, no kernel sees them. */
const struct e5_param_spec *e5_grouping_params(enum e5_grouping grouping);

extern const struct e5_kernel e5_kernels[];
extern const size_t e5_kernel_count;
const struct e5_kernel *e5_kernel_find(const char *name); /* NULL when unknown */
/* Range and choice of every parameter; E5_INPUT says which one is wrong and what is allowed. */
E5_MUST_USE enum e5_status e5_kernel_check(const struct e5_kernel *kernel, const struct e5_params *params,
                                           struct e5_error *err);

#endif
