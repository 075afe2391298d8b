/* kernel: what a diagnostic is.
 *
 * A diagnostic is one file in this folder and one row in kernels.def.  The row gives name, kind, operands, parameters
 * and documentation; Python's function, signature, docstring and stub are made from it.  The file gives the set of
 * operations of its kind.  The driver (drive/) owns everything else: dtypes, units, tiles, scratch, threads, cancel,
 * progress, missing data of periods, output.  Operations get their scratch, never allocate outside `plan`, never
 * block; a bad cell yields NaN and is no error.  They may run in many threads at once on different cells. */
#ifndef E5_KERNELS_KERNEL_H
#define E5_KERNELS_KERNEL_H

#include "base/parallel.h"
#include "events/rule.h"
#include "model/missing.h"
#include "model/time_axis.h"
#include "model/view.h"

enum e5_kernel_kind { E5_SCAN, E5_SERIES, E5_FIELD, E5_POINTWISE };
enum e5_param_type {
    E5_INTEGER,
    E5_NUMBER,
    E5_CHOICE,
    E5_CHOICES, /* several of them, or none */
    E5_FLAG,
    E5_PERIOD,
    E5_FREQUENCY, /* this one and the next: of groupings only, no kernel sees them */
    E5_MONTHS
};

struct e5_param_spec {
    const char *name;
    enum e5_param_type type;
    const char *standard;   /* default as Python source text ("5", "'wrap'", "None"); NULL: must be given */
    double low, high;       /* inclusive range of numbers */
    const char *choices;    /* E5_CHOICE, E5_CHOICES: blank-separated, in the order of an enum; at most 63.  Of an
                             * E5_NUMBER: texts that may stand in its place ("missing" of periods) */
    const char *doc;        /* one sentence */
    /* E5_NUMBER: of the default and of numbers that a user gives; the kernel gets them in those of the first operand.
     * "delta degC" is a difference.  NULL: a pure number. */
    const char *units;
};

struct e5_operand_spec {
    const char *name;
    const char *dims; /* the first tells what it is: "time …" a series, "dayofyear …" one map per slot, else a map */
    const char *doc;
    /* What values are converted to, like "degC", or "x", those of the first operand; NULL: any, unchanged.  Where
     * comparisons with fixed thresholds must be exact the first operand stays as it is (keep_units): its units are
     * checked only, and parameters and the operands in "x" are converted instead.  "mm" here is the depth of a day,
     * which a rate has as well. */
    const char *units;
    bool keep_units;
    bool optional; /* None is allowed; the kernel then sees no rows */
    /* Where `units` are NULL: units of what it may be, like "mm, m3 s-1".  Values whose units say that they measure
     * something else are refused; those that say nothing are taken as they are.  NULL: anything. */
    const char *measures;
};

/* What a diagnostic gives; a row without outputs gives one, {"x", "x", its summary, "x"}. */
struct e5_output_spec {
    const char *name; /* "x": that of the first operand */
    /* "d", "1", "%", …; "x": those of the first operand; "x d": those times a day; "delta x": a difference of two; or
     * the name of another series, of which they are: where it is not given, of the first. */
    const char *units;
    const char *doc; /* long_name, also a line of the docstring; {parameter} stands for its value */
    /* Of the CF table; "x": that of the first operand, "x_anomaly" where the table has one of its anomaly.  NULL: the
     * table has none that means this. */
    const char *standard_name;
};

struct e5_period { /* E5_PERIOD: days since 1970-01-01 of the series' calendar, both inclusive */
    int64_t first_day, last_day;
    bool given; /* false: the whole series */
};

union e5_param {
    int64_t integer; /* E5_INTEGER, E5_CHOICE (index), E5_CHOICES (a bit for each), E5_FLAG */
    double number;
    struct e5_period period;
};

#define E5_MAX_PARAMS 48
#define E5_MAX_OPERANDS 9
#define E5_MAX_OUTPUTS 40

struct e5_params { /* values in the order of the row's params */
    union e5_param value[E5_MAX_PARAMS];
};

/* SCAN: sees steps of one period across many cells; one state per cell.  begin → steps … steps → end, once per
 * period; a state that lasts over periods is kept by leaving it alone in `begin` when `first` is false.  How many
 * steps come at once differs from run to run and must not change a bit of the result, nor whether a state is copied
 * from one run to the next in between. */
struct e5_rows {
    enum e5_dtype dtype; /* E5_F32 or E5_F64, native and aligned */
    const void *values; /* of the first step and cell */
    size_t steps, cells;
    size_t stride; /* values from one step to the next */
};
struct e5_scan_ops {
    /* Bytes for one cell, a multiple of 8. */
    size_t (*state_size)(const struct e5_params *params, enum e5_dtype dtype);
    void (*begin)(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params);
    void (*steps)(void *state, const struct e5_rows *rows, const struct e5_params *params);
    void (*end)(void *state, double *out, size_t cells, int32_t expected, enum e5_dtype dtype,
                const struct e5_params *params);
    /* A state lasts over periods: without that, periods can be computed apart.  No row of the table sets it so far;
     * tests/c/test_scan.c has a kernel that does, for those who add one. */
    bool lasting;
};

/* SERIES: sees whole series, of one cell or of a tile of E5_LANES neighbouring cells side by side.  All operands of a
 * call have the same cells, and those that are series the same times.  A row gives `cell`, or one or both of the
 * tiles; without tile_f32 values of float32 precision come as doubles. */
#define E5_LANES 16
struct e5_tile { /* starts on 64 bytes; NaN in lanes without a cell */
    size_t rows; /* steps, slots, 1 for a map, 0 when an optional operand is not given */
    const void *values; /* of lane c in row r: [r * E5_LANES + c] */
};
struct e5_series_input {
    const struct e5_time_axis *axis;
    const struct e5_periods *periods; /* of the row's grouping; NULL when it has none; sample −1: in no period */
    const struct e5_missing *missing; /* of its periods; NULL when none is taken away */
    size_t rows[E5_MAX_OPERANDS]; /* as in the tiles */
};
struct e5_series_plan {
    void *plan; /* read-only from now on */
    size_t out_rows; /* results per cell: those of the first output, then those of the second, … */
    size_t scratch_bytes; /* of `scratch`, which starts on 64 bytes */
};
struct e5_series_ops {
    enum e5_status (*plan)(const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_series_plan *out, struct e5_error *err);
    /* One series per operand; NULL: not given.  The results are contiguous. */
    void (*cell)(const void *plan, const double *const *series, double *out, void *scratch);
    /* Result r of lane c: out[r * E5_LANES + c].  In tile_f32 series come as float (when all of them have float32
     * precision), all others (thresholds, maps) as double; in tile_f64 and `cell` everything is double. */
    void (*tile_f32)(const void *plan, const struct e5_tile *operands, double *out, void *scratch);
    void (*tile_f64)(const void *plan, const struct e5_tile *operands, double *out, void *scratch);
    void (*plan_free)(void *plan);
};

/* POINTWISE: a value from values; becomes a NumPy ufunc.  NaN in gives NaN out; `out` may be one of the inputs.  A
 * row has an array of these: one for each choice of its first parameter, or a single one (kernels/pointwise.h). */
struct e5_pointwise_ops {
    void (*f32)(const float *const *in, float *out, size_t n);
    void (*f64)(const double *const *in, double *out, size_t n);
};

/* FIELD: sees the whole field with its neighbours, and makes events.  The work is the driver's (drive/find); a row
 * says by which rule.  Its operands are those of events.def. */
struct e5_field_ops {
    void (*rule)(const struct e5_params *params, struct e5_event_rule *out);
};

/* How the output of a SCAN is grouped in time; each way brings its own parameters (e5_grouping_params).
 * Missing data of the periods are the driver's in a SERIES; a SCAN has `expected`, and a parameter of its own. */
enum e5_grouping { E5_UNGROUPED, E5_GROUP_BY_DAY, E5_GROUP_BY_FREQUENCY };

struct e5_kernel {
    const char *name;
    enum e5_kernel_kind kind;
    enum e5_grouping grouping;
    const char *summary; /* first line of the docstring, also the long_name */
    struct e5_operand_spec operands[E5_MAX_OPERANDS + 1]; /* ends with a NULL name */
    struct e5_param_spec params[E5_MAX_PARAMS + 1]; /* ends with a NULL name */
    const char *result; /* one sentence: shape and units */
    const char *result_dims; /* the first tells its length: "time …" the periods of the grouping, or without one the
                                steps; "dayofyear …" slots; none of them: a map.  "event" for FIELD */
    struct e5_output_spec outputs[E5_MAX_OUTPUTS + 1]; /* ends with a NULL name; none: see e5_output_spec */
    bool as_input; /* results have the precision of the first operand, else they are float64 */
    bool judges; /* takes missing periods away itself: its outputs need different operands */
    const char *cell_methods; /* CF, may hold {statistic}; "x": those of the first operand; "": none */
    const char *notes, *references; /* numpydoc sections */
    union {
        const struct e5_scan_ops *scan;
        const struct e5_series_ops *series;
        const struct e5_field_ops *field;
        const struct e5_pointwise_ops *pointwise;
    } ops;
};

/* Parameters that come with a grouping, or with the thresholds of a FIELD, ending with a NULL name; the driver reads
 * them, no kernel sees them. */
const struct e5_param_spec *e5_grouping_params(const struct e5_kernel *kernel);

extern const struct e5_kernel e5_kernels[];
extern const size_t e5_kernel_count;
const struct e5_kernel *e5_kernel_find(const char *name); /* NULL when unknown */
/* Range and choice of every parameter; E5_INPUT says which one is wrong and what is allowed. */
E5_MUST_USE enum e5_status e5_kernel_check(const struct e5_kernel *kernel, const struct e5_params *params,
                                           struct e5_error *err);

#endif
