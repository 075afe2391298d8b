/* provenance: where events come from: the diagnostic, the datasets with their downloads, the run with its grid and
 * span, and the links between them.
 *
 * Each row has a key made from its content (ids.h): what is there already is found, not added again.  Runs inside the
 * caller's transaction. */
#ifndef E5_DB_PROVENANCE_H
#define E5_DB_PROVENANCE_H

#include "db/ids.h"
#include "db/sql.h"

struct e5_provenance {
    struct e5_key diagnostic_key;
    int64_t diagnostic, run; /* row ids */
    int64_t grid;            /* 0 for tracks of points, which need none */
};

/* `diagnostic_key` of *out is given.  `events` NULL: tracks of points; `count` of them were found. */
E5_MUST_USE enum e5_status e5_provenance_write(struct e5_database *db, const struct e5_store_batch *batch,
                                               const struct e5_events *events, int64_t count,
                                               struct e5_provenance *out, struct e5_error *err);

#endif
