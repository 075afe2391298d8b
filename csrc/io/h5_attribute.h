/* h5_attribute: attributes of an HDF5 object, as netCDF-4 understands them.
 *
 * Borrowed structures, no state.  Any thread; texts of variable length are read from disk. */
#ifndef E5_IO_H5_ATTRIBUTE_H
#define E5_IO_H5_ATTRIBUTE_H

#include "io/h5.h"
#include "io/tables.h"

const struct e5_h5_attr *e5_h5_attribute(const struct e5_h5_object *object, const char *name); /* NULL: none */
/* True for a text of fixed length that begins with `text`. */
bool e5_h5_attribute_begins(const struct e5_h5_attr *attr, const char *text);
/* Number i of an attribute of integers. */
int64_t e5_h5_attribute_integer(const struct e5_h5_attr *attr, size_t i);
/* Which of ours a type is; false for texts and what is unusual. */
bool e5_h5_number_type(const struct e5_h5_type *type, enum e5_dtype *out);
/* The visible attributes of an object into the tables; `*why` is set when netcdf-c is needed for one of them. */
E5_MUST_USE enum e5_status e5_h5_attributes(struct e5_tables *t, struct e5_h5 *h5, const struct e5_h5_object *object,
                                            struct e5_ncattr **out, size_t *out_count, const char **why);

#endif
