/* dataset_parts: what a dataset consists of, for the files that build and read it.
 *
 * A part is one file.  Parts with the same numbers and levels make a layer, in which they follow each other in time;
 * layers have the same steps and share out the numbers × levels.  Everything belongs to the dataset and is read-only
 * once it is open. */
#ifndef E5_IO_DATASET_PARTS_H
#define E5_IO_DATASET_PARTS_H

#include "io/dataset.h"
#include "io/member.h"

#define E5_NOT_HERE SIZE_MAX

struct e5_part {
    struct e5_member member;
    size_t layer;
    /* For each index of an axis of the dataset that of the file, or E5_NOT_HERE (number and level only); NULL: they
     * are the same.  Time has its entries instead. */
    size_t *map[E5_AXES];
};

struct e5_entry { /* one step of the merged axis */
    int64_t seconds;
    uint32_t part, step;
};

struct e5_layer {
    size_t teller[E5_AXES]; /* the parts that tell its numbers and its levels; else its first */
    struct e5_entry *entry;  /* one per step of the dataset */
};

struct e5_dataset {
    bool library; /* netcdf-c may be used for opening … */
    bool needs;   /* … and would be needed, but may not */
    size_t parts, layers;
    struct e5_part *part; /* in the order given */
    struct e5_layer *layer;
    bool has[E5_AXES];   /* dimensions of the dataset; the others have length 1 */
    size_t count[E5_AXES];
    double *values[E5_AXES]; /* of the axes but time; NULL: nothing says (then it has no such dimension) */
    int64_t *seconds;
    bool *border;      /* steps + 1: no row of chunks has steps on both sides */
    size_t step_bytes; /* with all versions, which are read together */
    enum e5_dtype dtype;
};

/* Sets layer, layers, the numbers and levels, and their maps.  E5_INPUT when the files do not share them out. */
E5_MUST_USE enum e5_status e5_dataset_make_layers(struct e5_dataset *ds, const struct e5_watch *watch,
                                                  struct e5_error *err);
/* Sets the entries, seconds and borders; reports what occurs twice and what is missing. */
E5_MUST_USE enum e5_status e5_dataset_make_steps(struct e5_dataset *ds, struct e5_error *err);

#endif
