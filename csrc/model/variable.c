#include "model/variable.h"

#include <stdlib.h>
#include <string.h>

static const struct e5_variable rows[] = {
#define E5_VARIABLE(request_, netcdf_, short_, id_, units_, KIND, SOURCE, level_, reanalyses_, old_netcdf_) \
    {.request = request_,                                                                                   \
     .netcdf = netcdf_,                                                                                     \
     .short_name = short_,                                                                                  \
     .param_id = id_,                                                                                       \
     .units = units_,                                                                                       \
     .kind = E5_##KIND,                                                                                     \
     .source = E5_FROM_##SOURCE,                                                                            \
     .level = level_,                                                                                       \
     .reanalyses = reanalyses_,                                                                             \
     .old_netcdf = old_netcdf_},
#include "model/variables.def"
#undef E5_VARIABLE
};

size_t e5_variable_count(void) { return sizeof rows / sizeof *rows; }

const struct e5_variable *e5_variable_at(size_t index) { return index < e5_variable_count() ? &rows[index] : NULL; }

/* A parameter id in digits, or −1. */
static long param_id_in(const char *name) {
    if (*name == '\0' || name[strspn(name, "0123456789")] != '\0') return -1;
    return strtol(name, NULL, 10);
}

static bool has_name(const struct e5_variable *variable, const char *name, long param_id) {
    return strcmp(variable->request, name) == 0 || strcmp(variable->netcdf, name) == 0 ||
           strcmp(variable->short_name, name) == 0 || strcmp(variable->old_netcdf, name) == 0 ||
           variable->param_id == param_id;
}

const struct e5_variable *e5_variable_find(const char *name) {
    long param_id = param_id_in(name);
    for (size_t i = 0; i < e5_variable_count() && *name != '\0'; i++)
        if (has_name(&rows[i], name, param_id)) return &rows[i];
    return NULL;
}

const char *e5_variable_kind_name(enum e5_variable_kind kind) {
    switch (kind) {
    case E5_INSTANT: return "instant";
    case E5_ACCUMULATION: return "accumulation";
    case E5_MEAN_RATE: return "mean rate";
    case E5_MAXIMUM: return "maximum";
    case E5_MINIMUM: return "minimum";
    case E5_INVARIANT: return "invariant";
    }
    return "unknown";
}

const char *e5_variable_source_name(enum e5_variable_source source) {
    switch (source) {
    case E5_FROM_ANALYSIS: return "analysis";
    case E5_FROM_FORECAST: return "forecast";
    case E5_FROM_WAVE: return "wave model";
    }
    return "unknown";
}

enum e5_day_rule e5_variable_day_rule(enum e5_variable_kind kind) {
    return kind == E5_INSTANT || kind == E5_INVARIANT ? E5_DAY_INSTANT : E5_DAY_HOUR_ENDING;
}
