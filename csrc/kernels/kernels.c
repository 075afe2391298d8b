/* The table of diagnostics: kernels.def turned into an array, and what can be asked of any row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernel.h"

/* First reading of the rows: each names its operations, with the type of its kind. */
#define SCAN_KERNEL(name_, ...) extern const struct e5_scan_ops e5_##name_##_ops;
#define SERIES_KERNEL(name_, ...) extern const struct e5_series_ops e5_##name_##_ops;
#define FIELD_KERNEL(name_, ...) extern const struct e5_field_ops e5_##name_##_ops;
#include "kernels/kernels.def"
#undef SCAN_KERNEL
#undef SERIES_KERNEL
#undef FIELD_KERNEL

/* Second reading: the rows themselves. */
#define SCAN_KERNEL(name_, ...) {.name = #name_, .kind = E5_SCAN, .ops.scan = &e5_##name_##_ops, __VA_ARGS__},
#define SERIES_KERNEL(name_, ...) {.name = #name_, .kind = E5_SERIES, .ops.series = &e5_##name_##_ops, __VA_ARGS__},
#define FIELD_KERNEL(name_, ...) {.name = #name_, .kind = E5_FIELD, .ops.field = &e5_##name_##_ops, __VA_ARGS__},
const struct e5_kernel e5_kernels[] = {
#include "kernels/kernels.def"
};
const size_t e5_kernel_count = sizeof e5_kernels / sizeof *e5_kernels;

static const struct e5_param_spec by_day[] = {
    {"hours", E5_CHOICE, "'auto'", .choices = "auto instant hour_ending since_midnight",
     .doc = "Which stamps make a day; 'auto' knows it from the name of the variable, and takes 'instant' where it "
            "does not."},
    {"utc_offset", E5_NUMBER, "0", -14, 14, .doc = "Hours east of Greenwich of the zone whose days are meant."},
    {NULL},
};
static const struct e5_param_spec by_frequency[] = {
    {"freq", E5_CHOICE, "'YS'", .choices = "YS MS all",
     .doc = "Period of each value: year, month, or the whole series."},
    {NULL},
};
static const struct e5_param_spec none[] = {{NULL}};

const struct e5_param_spec *e5_grouping_params(enum e5_grouping grouping) {
    return grouping == E5_GROUP_BY_DAY ? by_day : grouping == E5_GROUP_BY_FREQUENCY ? by_frequency : none;
}

const struct e5_kernel *e5_kernel_find(const char *name) {
    for (size_t i = 0; i < e5_kernel_count; i++)
        if (strcmp(e5_kernels[i].name, name) == 0) return &e5_kernels[i];
    return NULL;
}

static size_t choice_count(const char *choices) {
    size_t count = 1;
    for (; *choices != '\0'; choices++) count += *choices == ' ';
    return count;
}

static bool in_range(const struct e5_param_spec *spec, double value) {
    return value >= spec->low && value <= spec->high; /* false for NaN */
}

static enum e5_status check_one(const struct e5_kernel *kernel, const struct e5_param_spec *spec,
                                const union e5_param *value, struct e5_error *err) {
    bool good = true;
    double number = 0;
    switch (spec->type) {
    case E5_INTEGER: good = in_range(spec, number = (double)value->integer); break;
    case E5_NUMBER: good = in_range(spec, number = value->number); break;
    case E5_CHOICE:
        if ((uint64_t)value->integer < choice_count(spec->choices)) return E5_OK;
        return e5_fail(err, E5_INPUT, "%s: %s must be one of: %s", kernel->name, spec->name, spec->choices);
    case E5_FLAG: return E5_OK;
    case E5_PERIOD:
        if (!value->period.given || value->period.first_day <= value->period.last_day) return E5_OK;
        return e5_fail(err, E5_INPUT, "%s: %s ends before it begins", kernel->name, spec->name);
    }
    if (good) return E5_OK;
    return e5_fail(err, E5_INPUT, "%s: %s is %g, must be %g to %g", kernel->name, spec->name, number, spec->low,
                   spec->high);
}

enum e5_status e5_kernel_check(const struct e5_kernel *kernel, const struct e5_params *params, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && kernel->params[i].name != NULL; i++)
        status = check_one(kernel, &kernel->params[i], &params->value[i], err);
    return status;
}
