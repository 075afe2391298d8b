/* The table of diagnostics: kernels.def turned into an array, and what can be asked of any row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diag/humidity.h"
#include "kernels/kernel.h"

/* First reading of the rows: each names its operations, with the type of its kind. */
#define SCAN_KERNEL(name_, ...) extern const struct e5_scan_ops e5_##name_##_ops;
#define SERIES_KERNEL(name_, ...) extern const struct e5_series_ops e5_##name_##_ops;
#define FIELD_KERNEL(name_, ...) extern const struct e5_field_ops e5_##name_##_ops;
#define POINTWISE_KERNEL(name_, ...) extern const struct e5_pointwise_ops e5_##name_##_ops[];
#include "kernels/kernels.def"
#undef SCAN_KERNEL
#undef SERIES_KERNEL
#undef FIELD_KERNEL
#undef POINTWISE_KERNEL

/* Second reading: the rows themselves. */
#define SCAN_KERNEL(name_, ...) {.name = #name_, .kind = E5_SCAN, .ops.scan = &e5_##name_##_ops, __VA_ARGS__},
#define SERIES_KERNEL(name_, ...) {.name = #name_, .kind = E5_SERIES, .ops.series = &e5_##name_##_ops, __VA_ARGS__},
#define FIELD_KERNEL(name_, ...) {.name = #name_, .kind = E5_FIELD, .ops.field = &e5_##name_##_ops, __VA_ARGS__},
#define POINTWISE_KERNEL(name_, ...) \
    {.name = #name_, .kind = E5_POINTWISE, .ops.pointwise = e5_##name_##_ops, __VA_ARGS__},
const struct e5_kernel e5_kernels[] = {
#include "kernels/kernels.def"
};
const size_t e5_kernel_count = sizeof e5_kernels / sizeof *e5_kernels;

static const struct e5_param_spec by_day[] = {
    {"hours", E5_CHOICE, "'auto'", .choices = "auto instant hour_ending since_midnight",
     .doc = "Which stamps make a day; 'auto' knows it from the name of the variable, and takes 'instant' where it "
            "does not. On a grid of 0.1°, that of ERA5-Land, sums of an hour are taken for sums since midnight, of "
            "which a day has its sum only."},
    {"utc_offset", E5_NUMBER, "0", -14, 14, .choices = "solar",
     .doc =
         "Hours east of Greenwich of the zone whose days are meant; 'solar': each longitude's own, "
         "round(longitude / 15), with days labelled by their local date. A list of hours is one more dimension, of "
         "labelled data; days that a zone does not have are NaN."},
    {NULL},
};
#define FREQUENCY                                                                                                  \
    {"freq", E5_FREQUENCY, "'YS'",                                                                                 \
     .doc = "Period of each value: 'YS' years, 'YS-JUL' years that begin in July, 'QS-DEC' seasons, 'MS' months, " \
            "'all' the whole series."},                                                                            \
        {"months", E5_MONTHS, "None", .doc = "Months, 1 to 12, of which each period consists; None: all of them."}
static const struct e5_param_spec by_frequency[] = {FREQUENCY, {NULL}};
static const struct e5_param_spec by_frequency_judged[] = {
    FREQUENCY,
    {"missing", E5_NUMBER, "'any'", 0, 1, .choices = "any etccdi wmo none",
     .doc =
         "Which periods are missing: those with 'any' missing day, by the rules of the 'etccdi' (more than 3 days "
         "of a month, 6 of a season, 15 of a year) or the 'wmo' (11 days of a month, or 5 in a row), or 'none'; or a "
         "number: those of which more than this share is missing. "
         "Days before the series begins and after it ends are missing days."},
    {NULL},
};
static const struct e5_param_spec of_threshold[] = {
    {"percentile", E5_NUMBER, "None", 0, 100,
     .doc =
         "Take this percentile of each calendar day for the threshold: events lie above it, or below it where it is "
         "smaller than 50."},
    {"base_period", E5_PERIOD, "None", .doc = "First and last year (or date) of the percentile; None: all of `x`."},
    {"window", E5_INTEGER, "5", 1, 61, .doc = "Width of the percentile's moving window in days; odd."},
    {NULL},
};
static const struct e5_param_spec none[] = {{NULL}};

const struct e5_param_spec *e5_grouping_params(const struct e5_kernel *kernel) {
    if (kernel->kind == E5_FIELD) return of_threshold;
    switch (kernel->grouping) {
    case E5_GROUP_BY_DAY: return by_day;
    case E5_GROUP_BY_FREQUENCY: return kernel->kind == E5_SERIES ? by_frequency_judged : by_frequency;
    case E5_UNGROUPED: break;
    }
    return none;
}

const struct e5_kernel *e5_kernel_find(const char *name) {
    for (size_t i = 0; i < e5_kernel_count; i++)
        if (strcmp(e5_kernels[i].name, name) == 0) return &e5_kernels[i];
    return NULL;
}

static size_t choice_count(const char *choices) { /* at most 63 of E5_CHOICES */
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
    case E5_CHOICES:
        if ((uint64_t)value->integer >> choice_count(spec->choices) == 0) return E5_OK;
        return e5_fail(err, E5_INPUT, "%s: %s must be some of: %s", kernel->name, spec->name, spec->choices);
    case E5_FLAG:
    case E5_FREQUENCY:
    case E5_MONTHS: return E5_OK;
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
