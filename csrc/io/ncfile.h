/* ncfile: one netCDF file: its header as plain tables, and blocks of its variables.
 *
 * Opening reads the whole header and keeps nothing open; afterwards the tables are read-only and need no lock.
 * Headers and data come by the direct path (h5.h, classic.h, chunks.h) where it knows them and through netcdf-c under
 * the gate otherwise, with the same values.  The opener owns the file (_close).  Any thread; _open and the readers
 * block on disk and gate. Faults: unreadable, foreign or changing file E5_CORRUPT (with what was found instead: HTML,
 * zip, GRIB, empty), no such file E5_STORAGE, an HDF5 file that is locked for writing E5_TARGET_BUSY, a filter that
 * is not installed or a slab outside the variable E5_INPUT, oversized header claims and pointers to other files
 * E5_UNSAFE; a cancel by the watch (which may be NULL) is seen while structures are read.
 */
#ifndef E5_IO_NCFILE_H
#define E5_IO_NCFILE_H

#include "base/parallel.h"
#include "io/header.h"
#include "io/pick.h"

E5_MUST_USE enum e5_status e5_ncfile_open(const char *path, struct e5_watch *watch, struct e5_ncfile **out,
                                          struct e5_error *err);
/* The same without netcdf-c: `*out` is NULL on success where the header needs it. */
E5_MUST_USE enum e5_status e5_ncfile_open_direct(const char *path, struct e5_watch *watch, struct e5_ncfile **out,
                                                 struct e5_error *err);
/* The same as one or the other, and the file stays open until _let_go (or _close): for reading several small things
 * at once.  Until then one thread at a time. */
E5_MUST_USE enum e5_status e5_ncfile_open_kept(const char *path, bool library, struct e5_watch *watch,
                                               struct e5_ncfile **out, struct e5_error *err);
void e5_ncfile_let_go(struct e5_ncfile *file);
/* Does reading the variable enter netcdf-c? */
E5_MUST_USE enum e5_status e5_ncfile_by_library(const struct e5_ncfile *file, const struct e5_ncvar *var, bool *out,
                                                struct e5_error *err);
/* The same without looking into the file; false where only that would tell. */
bool e5_ncfile_knows_way(const struct e5_ncfile *file, const struct e5_ncvar *var, bool *by_library);
void e5_ncfile_close(struct e5_ncfile *file);
/* Decode what is picked (one pick per dimension) to `as` (E5_F32 or E5_F64), C order, missing → NaN; or to E5_I64 for
 * integer variables as stored.  A variable without packing keeps its exact values. */
E5_MUST_USE enum e5_status e5_ncfile_select(struct e5_ncfile *file, const struct e5_ncvar *var,
                                            const struct e5_pick *pick, enum e5_dtype as, void *out,
                                            const struct e5_parallel *par, struct e5_watch *watch,
                                            struct e5_error *err);
/* The same as var->stored: values as stored, in native byte order, nothing scaled, nothing missing. */
E5_MUST_USE enum e5_status e5_ncfile_select_stored(struct e5_ncfile *file, const struct e5_ncvar *var,
                                                   const struct e5_pick *pick, void *out,
                                                   const struct e5_parallel *par, struct e5_watch *watch,
                                                   struct e5_error *err);
/* The same as e5_ncfile_select() for the hyperslab start/count (one entry per dimension). */
E5_MUST_USE enum e5_status e5_ncfile_read(struct e5_ncfile *file, const struct e5_ncvar *var, const size_t *start,
                                          const size_t *count, enum e5_dtype as, void *out,
                                          const struct e5_parallel *par, struct e5_watch *watch,
                                          struct e5_error *err);
/* How many steps of the first dimension belong to one row of chunks: the natural block for streaming. */
size_t e5_ncfile_natural_steps(const struct e5_ncfile *file, const struct e5_ncvar *var);
/* One sentence: by which way the variable is read, and why. */
void e5_ncfile_explain(const struct e5_ncfile *file, const struct e5_ncvar *var, char *out, size_t size);

#endif
