/* event_rows: one event as rows: itself, its time steps, its cells, its family tree.
 *
 * Statements are prepared once for a batch (_init); the holder ends it with _fini in any case.  The caller gives out
 * the ids of events; those of the other tables go on where the file ends.  Runs inside the caller's transaction. */
#ifndef E5_DB_EVENT_ROWS_H
#define E5_DB_EVENT_ROWS_H

#include "db/geometry.h"
#include "db/moment.h"
#include "db/provenance.h"

struct e5_event_rows {
    struct e5_database *db;
    const struct e5_events *events; /* their tables are sound (e5_events_check) */
    const struct e5_store_batch *batch;
    const struct e5_provenance *from;
    struct e5_row event, state, cells, blob, link, renewal, old_states;
    struct e5_moment *moment; /* of each step, filled in when it is first asked for */
    struct e5_buffer bytes;
    int64_t states, blobs, links; /* largest ids in the file */
    bool rated;                   /* some event or state has a severity */
    int64_t trees;                /* events whose family tree was written */
};

E5_MUST_USE enum e5_status e5_event_rows_init(struct e5_event_rows *rows, struct e5_database *db,
                                              const struct e5_events *events, const struct e5_store_batch *batch,
                                              const struct e5_provenance *from, struct e5_error *err);
void e5_event_rows_fini(struct e5_event_rows *rows);
/* `box`: bounds of the outline, empty where there is none. */
E5_MUST_USE enum e5_status e5_event_rows_put(struct e5_event_rows *rows, size_t index, const struct e5_key *key,
                                             const struct e5_box *box, int64_t id, struct e5_error *err);
/* All that belongs to an event that has been put. */
E5_MUST_USE enum e5_status e5_event_rows_complete(struct e5_event_rows *rows, size_t index, int64_t id,
                                                  struct e5_error *err);

/* The same for a known event that came from a file of version 1: what that did not tell, its key, and its time
 * steps and family tree anew.  *out: it was one of these. */
E5_MUST_USE enum e5_status e5_event_rows_renew(struct e5_event_rows *rows, size_t index, const struct e5_key *key,
                                               int64_t id, bool *out, struct e5_error *err);

/* All rows that were put are in the file: to be called when all events are put, before anything asks for them. */
E5_MUST_USE enum e5_status e5_event_rows_flush(struct e5_event_rows *rows, struct e5_error *err);

#endif
