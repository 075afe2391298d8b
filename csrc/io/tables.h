/* tables: the header of a netCDF file as plain tables, and how they are filled.
 *
 * Whoever reads a header (netcdf-c: header.c, HDF5's own structures: h5_netcdf.c, netCDF-3: classic.c) hands what it
 * finds to a struct e5_tables, which keeps the ceilings on numbers and sizes (E5_UNSAFE beyond them) and derives the
 * rest, so that the tables do not depend on who read them.  What was added before a failure is freed with the file
 * (e5_tables_fini).  Finished tables are read-only: any thread.  Nothing blocks. */
#ifndef E5_IO_TABLES_H
#define E5_IO_TABLES_H

#include "base/buffer.h"
#include "io/chunks.h"

struct e5_ncattr {
    char *name;
    char *text;      /* text attributes (several strings joined by newlines), else NULL */
    double *number;  /* numeric attributes, else NULL */
    size_t count;    /* numbers, strings, or characters */
    bool integer;    /* numbers were stored as integers */
    bool strings;    /* texts were stored as `count` strings, not as characters */
    char *list;      /* the strings one behind the other, each with its NUL; else NULL */
    enum e5_dtype dtype; /* of numbers, as stored */
    int64_t *whole;  /* numbers of 64-bit integer types exactly (unsigned ones bit by bit), else NULL */
};

struct e5_ncstorage { /* how the data of a variable are kept in an HDF5 file; netCDF-3 has nothing to say here */
    bool chunked;     /* else contiguous or compact */
    size_t chunk[E5_MAX_DIMS];
    bool shuffle, fletcher32;
    bool deflated;
    int deflate_level;
};

struct e5_ncvar {
    char *name;
    int id;                /* netcdf-c's number */
    bool is_text;          /* char or string: not readable as numbers */
    bool is_string;        /* is_text, and of strings, not of characters */
    enum e5_dtype dtype;   /* as stored, with a sign or without where _Unsigned says so */
    enum e5_dtype stored;  /* as stored, whatever _Unsigned says */
    bool big_endian;       /* stored that way */
    struct e5_ncstorage storage;
    int ndim;
    int dim[E5_MAX_DIMS];  /* indices into dims */
    struct e5_packing packing;
    size_t nattr;
    struct e5_ncattr *attr;
};

struct e5_ncdim {
    char *name;
    size_t length;
    bool unlimited;
};

/* Names as in the constants of netCDF. */
enum e5_ncformat { E5_CLASSIC, E5_64BIT_OFFSET, E5_64BIT_DATA, E5_NETCDF4, E5_NETCDF4_CLASSIC };

struct e5_ncfile {
    char *path;
    enum e5_ncformat format;
    const char *why; /* why netcdf-c read the header, a clause of a sentence; NULL: it was read directly */
    size_t ndim, nvar, nattr;
    struct e5_ncdim *dim;
    struct e5_ncvar *var;
    struct e5_ncattr *attr;
    void *layout; /* where the chunks are: chunks.c */
};

const struct e5_ncvar *e5_ncfile_find(const struct e5_ncfile *file, const char *name); /* NULL when unknown */
const struct e5_ncattr *e5_ncattr_find(const struct e5_ncvar *var, const char *name);  /* NULL when unknown */
const char *e5_ncformat_name(enum e5_ncformat format); /* "NETCDF4_CLASSIC" */

/* --- filling them --- */

struct e5_tables {
    struct e5_ncfile *file;
    struct e5_layout *layout; /* file->layout */
    size_t bytes;             /* of attributes so far */
    struct e5_error *err;
};

enum e5_status e5_tables_too_much(struct e5_tables *t, const char *what); /* E5_UNSAFE: "header claims …" */
E5_MUST_USE enum e5_status e5_tables_room_dims(struct e5_tables *t, size_t count);
E5_MUST_USE enum e5_status e5_tables_room_vars(struct e5_tables *t, size_t count); /* also for their maps */
E5_MUST_USE enum e5_status e5_tables_room_attrs(struct e5_tables *t, size_t count, struct e5_ncattr **out);
E5_MUST_USE enum e5_status e5_tables_add_dim(struct e5_tables *t, const char *name, size_t length, bool unlimited);
/* The next variable, when the tables can hold it; else `*out` is NULL and the log says that it was left out.
 * `known`: its type is one of ours. */
E5_MUST_USE enum e5_status e5_tables_add_var(struct e5_tables *t, const char *name, size_t ndim, bool known,
                                             struct e5_ncvar **out);
void e5_tables_set_type(struct e5_ncvar *var, enum e5_dtype stored, bool big_endian);
void e5_tables_set_text(struct e5_ncvar *var, bool strings);
/* When type, dimensions and attributes are known: packing, and the map's shape; returns the map. */
struct e5_map *e5_tables_finish_var(struct e5_tables *t, struct e5_ncvar *var);

/* One attribute: its name and number of values, then its values. */
E5_MUST_USE enum e5_status e5_tables_set_attr(struct e5_tables *t, struct e5_ncattr *attr, const char *name,
                                              size_t count);
E5_MUST_USE enum e5_status e5_tables_set_characters(struct e5_tables *t, struct e5_ncattr *attr, const void *bytes);
/* `list` holds the strings, each with its NUL; its bytes are moved to the attribute. */
E5_MUST_USE enum e5_status e5_tables_set_strings(struct e5_tables *t, struct e5_ncattr *attr, struct e5_buffer *list);
/* `bytes` hold attr->count numbers as stored. */
E5_MUST_USE enum e5_status e5_tables_set_numbers(struct e5_tables *t, struct e5_ncattr *attr, enum e5_dtype dtype,
                                                 const void *bytes, bool swapped);
struct e5_buffer e5_tables_string_list(void); /* empty, with the ceiling of text */

void e5_tables_free_attrs(struct e5_ncattr *attr, size_t count);
void e5_tables_fini(struct e5_ncfile *file); /* with the maps; path and layout stay */

#endif
