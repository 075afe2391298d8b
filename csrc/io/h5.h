/* h5: an HDF5 file's own structures, read without a library.
 *
 * What netCDF-4 files consist of: superblock, groups, object headers, attributes (also those in fractal heaps),
 * global heaps, chunk indexes.  All reading goes through bounded reads of the file; every address, size and count is
 * checked against the file before it is used, checksums are compared.  No call reads more than a few times the
 * file, 1 GiB at most; all calls that read objects together no more than 64 times the file (and 64 MiB), 4 GiB at
 * most, and all that read heaps 64 times the file (and 64 MiB): circles and crowds of links come to an end.
 * A file that is damaged is E5_CORRUPT, one that claims what no honest file has E5_UNSAFE.  A structure that is
 * merely not known here gives E5_INPUT and sets `unknown` to a clause of a sentence ("it uses …"): the caller then
 * lets netcdf-c read the file.
 * Addresses of object headers and chunk indexes are as the file gives them (counted from its base); addresses of data
 * and of chunks are positions in the file, ready for pread.
 * A struct e5_h5 belongs to one thread at a time; nothing is shared between two of them, so that any number of
 * threads may each read a file.  It keeps the file's descriptor and some pages of it until it is closed.  Blocks on
 * disk. */
#ifndef E5_IO_H5_H
#define E5_IO_H5_H

#include "io/chunks.h"
#include "io/probe.h"

struct e5_h5; /* an open file */

/* *out is set on failure too (NULL only without memory), so that e5_h5_unknown() can be asked; close it. */
E5_MUST_USE enum e5_status e5_h5_open(const char *path, const struct e5_probe *probe, struct e5_h5 **out,
                                      struct e5_error *err);
void e5_h5_close(struct e5_h5 *h5); /* NULL is allowed */
const char *e5_h5_unknown(const struct e5_h5 *h5); /* NULL: nothing unknown was met */
uint64_t e5_h5_root(const struct e5_h5 *h5);       /* address of the root group's object header */

/* --- numbers and texts as stored --- */

enum e5_h5_class {
    E5_H5_INTEGER,
    E5_H5_FLOAT,
    E5_H5_TEXT,          /* fixed length: size bytes each */
    E5_H5_VARIABLE_TEXT, /* each element: length (4), heap address, index (4) */
    E5_H5_REFERENCE,     /* object reference: the address of an object header */
    E5_H5_REFERENCE_LIST, /* variable-length lists of object references; elements as those of VARIABLE_TEXT */
    E5_H5_OTHER          /* known to exist, not readable here */
};

struct e5_h5_type {
    enum e5_h5_class class;
    size_t size;     /* bytes of one element */
    bool is_signed;  /* E5_H5_INTEGER */
    bool big_endian;
    bool standard;   /* the usual layout of its class: IEEE floats, integers without padding */
};

struct e5_h5_space {
    int ndim; /* 0: scalar (or null: then `null` is set); up to 32, but only E5_MAX_DIMS of them have a place below */
    bool null;
    uint64_t dim[E5_MAX_DIMS], most[E5_MAX_DIMS]; /* `most` UINT64_MAX: unlimited */
};

/* --- objects --- */

struct e5_h5_attr { /* belongs to its object */
    const char *name;
    uint64_t order; /* of creation, or as it stands in the file */
    struct e5_h5_type type;
    struct e5_h5_space space;
    size_t count; /* elements */
    const uint8_t *bytes; /* count × type.size, as stored */
};

enum e5_h5_layout { E5_H5_COMPACT, E5_H5_CONTIGUOUS, E5_H5_CHUNKED, E5_H5_VIRTUAL };
/* How the chunks of a dataset are found. */
enum e5_h5_index {
    E5_H5_BTREE1,
    E5_H5_SINGLE,
    E5_H5_IMPLICIT,
    E5_H5_FIXED_ARRAY,
    E5_H5_EXTENSIBLE_ARRAY,
    E5_H5_BTREE2
};

#define E5_H5_FILTERS 8

struct e5_h5_filter {
    int id; /* HDF5's number */
    bool optional;
    uint32_t value; /* first parameter: level of deflate, bytes of an element for shuffle; 0: none */
};

/* The data of a dataset; `type` and `space` say what they are. */
struct e5_h5_data {
    struct e5_h5_type type;
    struct e5_h5_space space;
    enum e5_h5_layout layout;
    bool external; /* kept in other files */
    uint64_t address; /* contiguous: position of the data; chunked: of the index; E5_NOWHERE: never written */
    uint64_t size; /* stored bytes: compact and contiguous */
    uint8_t *compact; /* E5_H5_COMPACT: the bytes themselves */
    enum e5_h5_index index;
    uint64_t chunk[E5_MAX_DIMS];
    uint64_t single_size; /* E5_H5_SINGLE with filters: stored size of the chunk … */
    uint32_t single_mask; /* … and its filter mask */
    bool edges_plain; /* chunks that reach over the edge of the variable went through no filter */
    int size_bytes; /* bytes of a stored size in the index of filtered chunks */
    int filters;
    struct e5_h5_filter filter[E5_H5_FILTERS]; /* in the order in which they were applied */
    uint8_t fill[8]; /* one element as stored; zeros when none is defined or it is longer */
};

enum e5_h5_kind { E5_H5_GROUP, E5_H5_DATASET, E5_H5_NAMED_TYPE };

struct e5_h5_object {
    enum e5_h5_kind kind;
    struct e5_h5_data data; /* E5_H5_DATASET only */
    size_t attrs;
    struct e5_h5_attr *attr; /* in order of creation where the file tracks it, else as they stand in the file */
    struct e5_h5_store *store; /* what the attributes point into */
};

E5_MUST_USE enum e5_status e5_h5_object_read(struct e5_h5 *h5, uint64_t address, struct e5_h5_object *out,
                                             struct e5_error *err);
void e5_h5_object_fini(struct e5_h5_object *object);

/* --- groups --- */

struct e5_h5_link {
    char *name;
    uint64_t address; /* of the object header; E5_NOWHERE for a link that is no hard link */
    bool external; /* leads to another file */
};

/* What no honest file has, said where it is met. */
#define E5_H5_LINKS_MAX 100000
#define E5_H5_MANY_LINKS "more links than any real file has"
#define E5_H5_FOREIGN_LINKS "links to other files"
#define E5_H5_FOREIGN_DATA "a variable's data lie in other files"

/* Links of a group, in order of creation where the file tracks it, else by name; old symbol tables and new links. */
E5_MUST_USE enum e5_status e5_h5_links(struct e5_h5 *h5, uint64_t group, struct e5_h5_link **out, size_t *count,
                                       struct e5_error *err);
void e5_h5_links_free(struct e5_h5_link *link, size_t count);

/* --- heaps and chunks --- */

/* The global-heap object that an element of a variable-length type points to: `element` is as stored, type.size bytes
 * (16 with 8-byte addresses), and counts its members, each `width` bytes: 1 for characters, that of an address for
 * the references of an E5_H5_REFERENCE_LIST, which are given one after the other.  The bytes are borrowed and valid
 * until the next call; an empty one gives length 0. */
E5_MUST_USE enum e5_status e5_h5_heap_get(struct e5_h5 *h5, const uint8_t *element, size_t width,
                                          const uint8_t **bytes, size_t *length, struct e5_error *err);
/* All chunks that were written, sorted by their index in the grid of chunks (of the variable's present shape); no two
 * at one place, each inside the file.  The caller frees the list.  `data` may come from an earlier open of the same
 * file. */
E5_MUST_USE enum e5_status e5_h5_chunks(struct e5_h5 *h5, const struct e5_h5_data *data, struct e5_chunk **out,
                                        size_t *count, struct e5_error *err);

#endif
