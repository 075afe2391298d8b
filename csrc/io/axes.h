/* axes: which variable of a file is meant, and which of its dimensions are which.
 *
 * Knows the names of both CDS layouts and of cfgrib; the order of dimensions in the file is free.  The level
 * dimension is the one of a known name, else the only other dimension longer than 1.  A dimension of length 1 with an
 * unknown name is passed over.  An axis that was squeezed to a scalar has no dimension but keeps its variable.
 * Forecasts that count their time by two dimensions are E5_INPUT.  Results are borrowed from the file.  Any thread;
 * nothing blocks.
 */
#ifndef E5_IO_AXES_H
#define E5_IO_AXES_H

#include "io/ncfile.h"

enum e5_role {
    E5_AXIS_TIME,
    E5_AXIS_NUMBER,
    E5_AXIS_LEVEL,
    E5_AXIS_LATITUDE,
    E5_AXIS_LONGITUDE,
    E5_AXES
}; /* in the tidy order */

struct e5_axis {
    const struct e5_ncvar *var; /* its values; NULL: there is none (number and level only) */
    int dim; /* position among the dimensions of the data variable, or −1: squeezed or absent */
};

struct e5_axes {
    struct e5_axis axis[E5_AXES];
    int expver; /* position of the expver dimension, or −1 */
};

/* The variable of that name or of another name of the same quantity (model/variable.h); NULL: the only one that has
 * all axes.  E5_INPUT names those there are. */
E5_MUST_USE enum e5_status e5_axes_choose(const struct e5_ncfile *file, const char *name, const struct e5_ncvar **out,
                                          struct e5_error *err);
/* E5_INPUT when time, latitude or longitude is missing, or two other dimensions are longer than 1. */
E5_MUST_USE enum e5_status e5_axes_find(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *out,
                                        struct e5_error *err);
/* What the tidy dimension of a level axis is called: "pressure_level" (hPa, whatever the file called it),
 * "model_level", or the file's own name. */
const char *e5_axes_level_name(const struct e5_ncvar *level);

#endif
