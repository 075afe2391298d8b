/* features: the events of one batch: which are new, their rows, and the link to the run that found them.
 *
 * _prepare does what needs no file: it checks the tables, makes the keys and finds the bounds of the outlines, with
 * all threads of `par`.  _write runs inside the caller's transaction, looks at the watch between events and counts
 * them there.  Where many events come to few, indexes are made anew behind the rows instead of being kept row by row.
 * The holder ends it with _fini in any case. */
#ifndef E5_DB_FEATURES_H
#define E5_DB_FEATURES_H

#include "db/geometry.h"
#include "db/provenance.h"

struct e5_feature {
    struct e5_key key;
    struct e5_box box; /* of the outline */
    int64_t id;        /* row id; 0: not known yet */
    bool known;        /* it was there already */
};

struct e5_features {
    const struct e5_events *events;
    const struct e5_key *diagnostic;
    struct e5_feature *feature; /* one per event */
};

E5_MUST_USE enum e5_status e5_features_prepare(struct e5_features *features, const struct e5_events *events,
                                               const struct e5_key *diagnostic, const struct e5_parallel *par,
                                               struct e5_watch *watch, struct e5_error *err);
void e5_features_fini(struct e5_features *features);
E5_MUST_USE enum e5_status e5_features_write(struct e5_features *features, struct e5_database *db,
                                             const struct e5_store_batch *batch, const struct e5_provenance *from,
                                             struct e5_watch *watch, struct e5_store_added *out,
                                             struct e5_error *err);

#endif
