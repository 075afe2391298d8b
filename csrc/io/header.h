/* header: what netcdf-c says about a file, as plain tables.
 *
 * Opens the file through netcdf-c under the gate, reads everything but data, and closes it again.  Numbers of things
 * and sizes are capped: a header that claims more is E5_UNSAFE.  Variables that the tables cannot hold (more than
 * E5_MAX_DIMS dimensions, user-defined types) are left out with a line in the log; groups below the root are not
 * read. */
#ifndef E5_IO_HEADER_H
#define E5_IO_HEADER_H

#include "model/view.h"

struct e5_ncattr {
    char *name;
    char *text;      /* text attributes (several strings joined by newlines), else NULL */
    double *number;  /* numeric attributes, else NULL */
    size_t count;
    bool integer;    /* numbers were stored as integers */
};

struct e5_ncvar {
    char *name;
    int id;
    bool is_text;          /* char or string: not readable as numbers */
    enum e5_dtype dtype;   /* as stored */
    int ndim;
    int dim[E5_MAX_DIMS];  /* indices into dims */
    struct e5_packing packing;
    size_t nattr;
    struct e5_ncattr *attr;
};

struct e5_ncdim {
    char *name;
    size_t length;
};

struct e5_ncfile {
    char *path;
    size_t ndim, nvar, nattr;
    struct e5_ncdim *dim;
    struct e5_ncvar *var;
    struct e5_ncattr *attr;
    void *layout; /* where the chunks are: chunks.c */
};

const struct e5_ncvar *e5_ncfile_find(const struct e5_ncfile *file, const char *name); /* NULL when unknown */
const struct e5_ncattr *e5_ncattr_find(const struct e5_ncvar *var, const char *name);  /* NULL when unknown */
/* Fills dim, var, attr and the maps' shapes; `file` has its path and layout.  What was read before a failure is freed
 * with the file. */
E5_MUST_USE enum e5_status e5_header_read(struct e5_ncfile *file, struct e5_error *err);
/* A code of netcdf-c as a status, with the file and what was being done. */
E5_MUST_USE enum e5_status e5_header_fail(struct e5_error *err, int code, const char *path, const char *doing);

#endif
