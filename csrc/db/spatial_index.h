/* spatial_index: the R*Tree of the events, filled at once.
 *
 * SQLite puts one box after the other into an R*Tree, which takes ten times as long as the rows themselves.  Where
 * many events come to few, the tree is made anew instead: the trigger that would fill it is dropped, and all boxes,
 * sorted along a Hilbert curve, are packed into full nodes (Kamel & Faloutsos 1994), which are written to the tables
 * in which SQLite keeps the tree.  The result is what SQLite itself reads, changes and checks.
 *
 * Everything runs inside the caller's transaction; between _begin and _end nobody else may write to `event` on this
 * connection. */
#ifndef E5_DB_SPATIAL_INDEX_H
#define E5_DB_SPATIAL_INDEX_H

#include "db/geometry.h"
#include "db/sql.h"

struct e5_spatial_entry {
    int64_t id;
    float min_x, max_x, min_y, max_y; /* rounded outwards */
};

struct e5_spatial_entry e5_spatial_entry(int64_t id, const struct e5_box *box);
/* *out: there is an index as we make it, and with `fresh` events on top of `known` it is quicker made anew. */
E5_MUST_USE enum e5_status e5_spatial_worth_it(struct e5_database *db, int64_t fresh, int64_t known, bool *out,
                                               struct e5_error *err);
E5_MUST_USE enum e5_status e5_spatial_begin(struct e5_database *db, struct e5_error *err);
/* Fill the index with what it held and `n` new entries, whose ids it does not know. */
E5_MUST_USE enum e5_status e5_spatial_end(struct e5_database *db, const struct e5_spatial_entry *fresh, size_t n,
                                          struct e5_error *err);

#endif
