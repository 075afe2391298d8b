/* member: one file of a dataset, seen as (time, number, level, latitude, longitude).
 *
 * Finds the variable and its axes in both CDS layouts (axes.h), decodes time, and reads any picks of it in the tidy
 * order whatever the order in the file, with the versions of an expver dimension merged (of each value the first one
 * that is not missing).  An axis without a dimension counts as one of length 1.  The opener owns the member (_close).
 * Any thread, but _finality by one at a time; _open, _select and _finality block. */
#ifndef E5_IO_MEMBER_H
#define E5_IO_MEMBER_H

#include "io/axes.h"
#include "io/pick.h"
#include "model/calendar.h"

enum e5_finality { E5_FINALITY_UNKNOWN, E5_FINAL, E5_PRELIMINARY };

struct e5_member {
    struct e5_ncfile *file;
    const struct e5_ncvar *var;
    struct e5_axes axes;
    size_t count[E5_AXES];
    size_t versions; /* length of the expver dimension, or 1 */
    size_t unit;     /* steps that are decoded together: a row of chunks; 1 where nothing is compressed */
    enum e5_calendar calendar;
    int64_t *seconds;         /* steps, in the order of the file */
    double *values[E5_AXES]; /* of the axes but time; NULL: there are none, or they were given up (_forget) */
    bool by_library;          /* netcdf-c reads the data */
    bool says_units;
    char *finality;           /* per step, once asked for */
};

/* `variable` NULL: the only variable with all axes.  With `library` false, a file that netcdf-c must help with leaves
 * out->file NULL. */
E5_MUST_USE enum e5_status e5_member_open(const char *path, const char *variable, bool library,
                                          struct e5_watch *watch, struct e5_member *out, struct e5_error *err);
void e5_member_close(struct e5_member *member);
void e5_member_forget(struct e5_member *member, enum e5_role role); /* its values are not needed any more … */
void e5_member_forget_attrs(struct e5_member *member);              /* … or the attributes of its file */
/* `pick`: one per role, in indices of the file → pick[0].count × … × pick[4].count of `as` (E5_F32 or E5_F64).  What
 * no stretch leads to stays as it is. */
E5_MUST_USE enum e5_status e5_member_select(const struct e5_member *member, const struct e5_pick *pick,
                                            enum e5_dtype as, void *out, const struct e5_parallel *par,
                                            struct e5_watch *watch, struct e5_error *err);
/* Whether _select needs memory for a copy of what it reads: all but `out` of the values. */
bool e5_member_copies(const struct e5_member *member, const struct e5_pick *pick);
/* Whether a step is final (expver 1) or preliminary (expver 5), where an expver variable over time or of a single
 * value says so.  With `library` false, a variable that only netcdf-c can read says nothing and sets *needs. */
E5_MUST_USE enum e5_status e5_member_finality(struct e5_member *member, size_t step, bool library, bool *needs,
                                              enum e5_finality *out, struct e5_error *err);

#endif
