/* dataset: one variable over many files, tidy: one time axis, one grid.
 *
 * Knows both CDS layouts: time is `valid_time`, `time` or `date` (YYYYMMDD); an `expver` dimension is merged (at each
 * time the one that is not missing); `number` and level dimensions of length 1 are dropped, longer ones are E5_INPUT
 * saying which; latitude/longitude may also be called lat/lon.  The variable may be given by any of its names
 * (model/variable.h).
 * Steps of all files are put in order of time; a step that occurs more than once is taken from the first file given
 * and reported through log.h; different grids, units or calendars are E5_INPUT.  Rows keep the order of the first
 * file.
 * The opener owns the dataset (_close).  Read-only after opening: any thread; _open and _read block. */
#ifndef E5_IO_DATASET_H
#define E5_IO_DATASET_H

#include "io/ncfile.h"
#include "model/time_axis.h"

struct e5_dataset;

E5_MUST_USE enum e5_status e5_dataset_open(const char *const *paths, size_t npaths, const char *variable,
                                           const struct e5_parallel *par, struct e5_dataset **out,
                                           struct e5_error *err);
void e5_dataset_close(struct e5_dataset *dataset);

struct e5_time_axis e5_dataset_time(const struct e5_dataset *dataset); /* borrowed */
const double *e5_dataset_latitude(const struct e5_dataset *dataset, size_t *n);
const double *e5_dataset_longitude(const struct e5_dataset *dataset, size_t *n);
/* Header of the variable in the first file: name, attributes. */
const struct e5_ncvar *e5_dataset_variable(const struct e5_dataset *dataset);
enum e5_dtype e5_dataset_dtype(const struct e5_dataset *dataset); /* E5_F32, or E5_F64 for stored doubles */
/* Steps [first, first + steps) of the merged axis → steps × rows × columns of e5_dataset_dtype(). */
E5_MUST_USE enum e5_status e5_dataset_read(struct e5_dataset *dataset, size_t first, size_t steps, void *out,
                                           const struct e5_parallel *par, struct e5_watch *watch,
                                           struct e5_error *err);
/* A good number of steps for one block of a stream that begins at `first`; 0 at the end.  At most `ceiling` bytes and
 * ends where no row of chunks is cut.  Where a single row is larger than the ceiling the block is that row (up to
 * 1 GiB), since a smaller one would inflate its chunks again and again: the caller sizes its buffer by the answer. */
size_t e5_dataset_block(const struct e5_dataset *dataset, size_t first, size_t ceiling);

#endif
