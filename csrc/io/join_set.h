/* join_set: what a set of files to be joined consists of: the files, and one row per variable of the result.
 *
 * For join.c, which fills it, and join_write.c, which copies row by row; nobody else looks inside. */
#ifndef E5_IO_JOIN_SET_H
#define E5_IO_JOIN_SET_H

#include "io/join.h"
#include "io/ncfile.h"

#define E5_EXPVER "expver"

struct e5_join_file {
    struct e5_ncfile *file;
    char *expver; /* what its `expver` is called in the result; NULL: just that */
};

struct e5_join_row {
    size_t file;
    const struct e5_ncvar *var;
    char *name; /* in the result */
};

struct e5_join {
    struct e5_join_file *files;
    size_t count, file_capacity;
    struct e5_join_row *rows;
    size_t row_count, row_capacity;
};

/* The bytes of a block of a variable: at most some 4 MiB, but at least one chunk, of which it holds whole ones. */
struct e5_block {
    int ndim;
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS], limit[E5_MAX_DIMS], dim[E5_MAX_DIMS];
    size_t most; /* elements of the largest block */
};

/* `chunk` NULL: not chunked.  No dimension may be empty, no `element` 0. */
void e5_block_first(struct e5_block *block, int ndim, const size_t *dim, const size_t *chunk, size_t element);
/* E5_UNSAFE for what no file of its size can hold. */
E5_MUST_USE enum e5_status e5_block_check(const struct e5_block *block, size_t element, const struct e5_ncfile *file,
                                          const struct e5_ncvar *var, struct e5_error *err);
bool e5_block_next(struct e5_block *block);
size_t e5_block_elements(const struct e5_block *block);

#endif
