/* member: one file of a dataset, seen as (time, latitude, longitude).
 *
 * Finds the variable and its axes in both CDS layouts, decodes time, checks that nothing else but an expver
 * dimension is longer than 1, and reads steps with versions merged.  A time, latitude or longitude that was squeezed
 * to a scalar counts as an axis of length 1.  The opener owns the member (_close).  Any thread; _open and _read
 * block. */
#ifndef E5_IO_MEMBER_H
#define E5_IO_MEMBER_H

#include "io/ncfile.h"
#include "model/calendar.h"

struct e5_member {
    struct e5_ncfile *file;
    const struct e5_ncvar *var;
    int time_dim, latitude_dim, longitude_dim, expver_dim; /* positions in var->dim, −1: squeezed or absent */
    size_t steps, rows, columns;
    size_t versions; /* length of the expver dimension, or 1 */
    size_t unit;     /* steps that are decoded together: a row of chunks; 1 where nothing is compressed */
    enum e5_calendar calendar;
    int64_t *seconds; /* steps, in the order of the file */
    double *latitude, *longitude;
    bool flipped;     /* set by the dataset: rows go the other way than in the first file */
};

/* `variable` NULL: the only variable with all axes. */
E5_MUST_USE enum e5_status e5_member_open(const char *path, const char *variable, struct e5_member *out,
                                          struct e5_error *err);
void e5_member_close(struct e5_member *member);
/* Steps [first, first + steps) of the file → steps × rows × columns of `as` (E5_F32 or E5_F64). */
E5_MUST_USE enum e5_status e5_member_read(const struct e5_member *member, size_t first, size_t steps,
                                          enum e5_dtype as, void *out, const struct e5_parallel *par,
                                          struct e5_watch *watch, struct e5_error *err);

#endif
