/* dataset: one variable over many files, tidy: time, number, level, latitude, longitude in this order.
 *
 * Knows both CDS layouts (axes.h).  Time, latitude and longitude are always there.  Number and level are dimensions
 * where a file has them as dimensions, of length 1 too, or where files of different ones are put together; a scalar
 * coordinate is none.  Pressure levels in hPa are called pressure_level whatever the files call them.  An expver
 * dimension is merged (at each time the version that is not missing).  The variable may be given by any of its names
 * (model/variable.h).
 *
 * Files follow each other in time and may share out numbers and levels, as long as each number × level is in one
 * set of files and these have the same times.  The first file sets the order of rows, columns and levels; others may
 * have them in another order.  Levels of several files are in ascending order.  Different grids, units, calendars or
 * kinds of level are E5_INPUT naming the files.
 * Steps are put in order of time.  One that occurs more than once is taken from the first file given, unless the
 * expver variables of the files say that this one is preliminary and another one final; an expver dimension does not
 * count as saying so, since only the data would tell.  Such steps, and a few holes in otherwise regular steps, are
 * reported through log.h.
 *
 * The opener owns the dataset (_close); no file is kept open.  Read-only after opening: any thread; _open, _select
 * and _read block. */
#ifndef E5_IO_DATASET_H
#define E5_IO_DATASET_H

#include "io/axes.h"
#include "io/pick.h"
#include "model/time_axis.h"

struct e5_dataset;

struct e5_dataset_dim { /* borrowed */
    enum e5_role role;
    const char *name;
    size_t length;
    const double *values;       /* NULL for time: _time */
    const struct e5_ncvar *var; /* where its attributes are, in the first file */
};

/* Files are opened side by side.  With `library` false, *out is NULL when one of them needs netcdf-c. */
E5_MUST_USE enum e5_status e5_dataset_open(const char *const *paths, size_t npaths, const char *variable,
                                           bool library, const struct e5_parallel *par, struct e5_watch *watch,
                                           struct e5_dataset **out, struct e5_error *err);
void e5_dataset_close(struct e5_dataset *dataset);
bool e5_dataset_by_library(const struct e5_dataset *dataset); /* reading needs netcdf-c */

int e5_dataset_dims(const struct e5_dataset *dataset, struct e5_dataset_dim out[E5_AXES]); /* how many */
size_t e5_dataset_length(const struct e5_dataset *dataset, enum e5_role role); /* 1 where there is no dimension */
/* How the first file cuts that dimension into chunks; its whole length there where nothing is cut. */
size_t e5_dataset_chunk(const struct e5_dataset *dataset, enum e5_role role);
struct e5_time_axis e5_dataset_time(const struct e5_dataset *dataset); /* borrowed */
/* Header of the variable in the first file: name, attributes. */
const struct e5_ncvar *e5_dataset_variable(const struct e5_dataset *dataset);
enum e5_dtype e5_dataset_dtype(const struct e5_dataset *dataset); /* E5_F32, or E5_F64 for stored doubles */
/* What is picked (one pick per dimension of _dims) as `as`, E5_F32 or E5_F64, in C order.  The watch counts steps. */
E5_MUST_USE enum e5_status e5_dataset_select(struct e5_dataset *dataset, const struct e5_pick *pick, enum e5_dtype as,
                                             void *out, const struct e5_parallel *par, struct e5_watch *watch,
                                             struct e5_error *err);
/* Steps [first, first + steps) of the merged axis with all that belongs to them, of e5_dataset_dtype().  Counting is
 * left to the driver. */
E5_MUST_USE enum e5_status e5_dataset_read(struct e5_dataset *dataset, size_t first, size_t steps, void *out,
                                           const struct e5_parallel *par, struct e5_watch *watch,
                                           struct e5_error *err);
/* Boxes of the grid that all files have in chunks of their own: each can be read alone for its share of the work.
 * Only where a row of chunks is so large that this is better than all of it; else false. */
struct e5_dataset_box {
    size_t row, rows, column, columns;
};
bool e5_dataset_boxes(const struct e5_dataset *dataset, size_t *rows, size_t *columns);
/* As _read, of the cells of a box only; in the calling thread. */
E5_MUST_USE enum e5_status e5_dataset_read_box(struct e5_dataset *dataset, size_t first, size_t steps,
                                               const struct e5_dataset_box *box, void *out, struct e5_watch *watch,
                                               struct e5_error *err);
/* A good number of steps for one block of a stream that begins at `first`; 0 at the end.  At most `ceiling` bytes and
 * ends where no row of chunks is cut.  Where a single row is larger than the ceiling the block is that row (up to
 * 1 GiB), since a smaller one would inflate its chunks again and again: the caller sizes its buffer by the answer. */
size_t e5_dataset_block(const struct e5_dataset *dataset, size_t first, size_t ceiling);

#endif
