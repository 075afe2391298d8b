/* source: a field (time × cells) that a driver can read block by block, wherever it lives.
 *
 * Two makers: memory (a view of dims time, then any cell dims) and files (an io dataset).  The driver that opened a
 * source closes it; what lies behind it stays with its owner.  Blocks come as `dtype` E5_F32 or E5_F64, steps ×
 * cells. A source is read by one driver at a time; reading uses the pool given. */
#ifndef E5_DRIVE_SOURCE_H
#define E5_DRIVE_SOURCE_H

#include "io/dataset.h"
#include "model/view.h"
#include "pool/pool.h"

struct e5_source {
    size_t steps, cells;
    enum e5_dtype dtype;
    double scale, offset; /* of what comes in blocks: value × scale + offset is meant; scale 0: the value itself */
    const struct e5_view *view; /* an array in memory; else NULL */
    const void *direct; /* the whole field as a block, when it lies in memory like that; else NULL */
    void *self;
    size_t (*block)(const void *self, size_t first, size_t ceiling); /* for e5_source_block() */
    enum e5_status (*read)(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                           struct e5_watch *watch, struct e5_error *err);
    /* Where it is better to read a grid box by box, each with all its steps, from several threads: how long a row of
     * the grid is, and the rows and columns of a box; else 0. */
    size_t width, box_rows, box_columns;
    enum e5_status (*read_box)(void *self, size_t first, size_t steps, const struct e5_dataset_box *box, void *out,
                               struct e5_watch *watch, struct e5_error *err);
};

struct e5_source e5_source_memory(const struct e5_view *view); /* borrows the view */
/* How many steps a block of some `ceiling` bytes from `first` on has, at least 1; E5_INTERNAL where the source gives
 * none, or more than there are. */
E5_MUST_USE enum e5_status e5_source_block(const struct e5_source *source, size_t first, size_t ceiling,
                                           size_t *steps, struct e5_error *err);
/* Block after block of a source, for a driver that needs one at a time.  A field that lies in memory as it is needed
 * is used in place; else blocks are read into memory that is used again.  Begins as {0}; the driver owns it (_fini).
 */
struct e5_source_cursor {
    size_t first, steps; /* of the block at hand; steps 0: before the first and after the last */
    const void *values;  /* valid until the next call */
    void *own;
    size_t room; /* bytes of `own` */
};
/* The next block, as e5_source_block() has it; blocks while `par` reads. */
E5_MUST_USE enum e5_status e5_source_next(struct e5_source *source, size_t ceiling, const struct e5_parallel *par,
                                          struct e5_watch *watch, struct e5_source_cursor *cursor,
                                          struct e5_error *err);
void e5_source_cursor_fini(struct e5_source_cursor *cursor);
/* Borrows the dataset; E5_INPUT when it has more than one number or level. */
E5_MUST_USE enum e5_status e5_source_files(struct e5_dataset *dataset, struct e5_source *out, struct e5_error *err);

#endif
