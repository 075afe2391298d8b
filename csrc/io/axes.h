/* axes: which variable of a file is meant, and which of its dimensions are time, latitude and longitude.
 *
 * Knows the names of both CDS layouts.  A time, latitude or longitude that was squeezed to a scalar counts as an axis
 * of length 1.  Results are borrowed from the file.  Any thread; nothing blocks. */
#ifndef E5_IO_AXES_H
#define E5_IO_AXES_H

#include "io/ncfile.h"

struct e5_axis {
    const struct e5_ncvar *var;
    int dim; /* position among the dimensions of the data variable, or −1: squeezed or absent */
};

struct e5_axes {
    struct e5_axis time, latitude, longitude;
    int expver; /* position of the expver dimension, or −1 */
};

/* The variable of that name or of another name of the same quantity (model/variable.h); NULL: the only one that has
 * all axes.  E5_INPUT names those there are. */
E5_MUST_USE enum e5_status e5_axes_choose(const struct e5_ncfile *file, const char *name, const struct e5_ncvar **out,
                                          struct e5_error *err);
/* E5_INPUT when an axis is missing or out of order, or another dimension but expver is longer than 1. */
E5_MUST_USE enum e5_status e5_axes_find(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_axes *out,
                                        struct e5_error *err);

#endif
