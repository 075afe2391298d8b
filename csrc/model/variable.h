/* variable: what is known about ERA5 variables, one row per variable in variables.def.
 *
 * Static data: any thread; nothing blocks. */
#ifndef E5_MODEL_VARIABLE_H
#define E5_MODEL_VARIABLE_H

#include "model/time_axis.h"

enum e5_variable_kind { E5_INSTANT, E5_ACCUMULATION, E5_MEAN_RATE, E5_MAXIMUM, E5_MINIMUM, E5_INVARIANT };

/* Analyses exist at every hour; forecasts begin at 06 and 18 UTC; the wave model has a grid and files of its own. */
enum e5_variable_source { E5_FROM_ANALYSIS, E5_FROM_FORECAST, E5_FROM_WAVE };

struct e5_variable {
    const char *request;    /* name in a CDS request: "2m_temperature" */
    const char *netcdf;     /* name in a file: "t2m" */
    const char *short_name; /* GRIB short name: "2t" */
    int param_id;           /* GRIB parameter id: 167 */
    const char *units;      /* as written in files: "m s**-1" */
    enum e5_variable_kind kind;
    enum e5_variable_source source;
    const char *level;      /* "sfc", "pl", "ml" or several, blank-separated */
    const char *reanalyses; /* "era5", "land" or both, blank-separated */
    const char *old_netcdf; /* name in files made before the renaming of October 2024, or "" */
};

size_t e5_variable_count(void);
const struct e5_variable *e5_variable_at(size_t index);
/* By any of its names, old ones included, or its parameter id in digits ("167"); NULL when unknown.  Where rows share
 * a name, the first row in variables.def: "z" is the surface geopotential, "snow_depth" and "sd" are ERA5's. */
const struct e5_variable *e5_variable_find(const char *name);
const char *e5_variable_kind_name(enum e5_variable_kind kind);
const char *e5_variable_source_name(enum e5_variable_source source);
/* Which stamps make a day of this kind of variable in ERA5.  ERA5-Land's accumulations (E5_DAY_SINCE_MIDNIGHT) look
 * the same in this table: only the dataset tells them apart. */
enum e5_day_rule e5_variable_day_rule(enum e5_variable_kind kind);

#endif
