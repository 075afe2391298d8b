/* ids: names made from content, so that the same thing added twice is one thing.
 *
 * Each key is the SHA-256, in lower-case hex, of a tag and of the parts listed below in this order: a text as its
 * length (64-bit) and its bytes, a number as a 64-bit integer, all little endian.  Coordinates enter in units of
 * 1e-4 degrees, longitudes folded into −180 … 180, so that float32 and float64 axes and both conventions give the
 * same key.  The keys are part of the file format: a change needs a new tag and a migration. Pure functions: any
 * thread; nothing blocks. */
#ifndef E5_DB_IDS_H
#define E5_DB_IDS_H

#include "base/digest.h"
#include "db/store.h"

struct e5_key {
    char hex[E5_DIGEST_HEX];
};

/* "diagnostic 1", kind, variable, definition */
E5_MUST_USE enum e5_status e5_diagnostic_key(const struct e5_store_batch *batch, struct e5_key *out,
                                             struct e5_error *err);
/* "dataset 1", size, then the checksum, or, when there is none, the path and the request */
E5_MUST_USE enum e5_status e5_dataset_key(const struct e5_store_source *source, struct e5_key *out,
                                          struct e5_error *err);
/* "run 1", diagnostic key, program, then the dataset keys in the order given */
E5_MUST_USE enum e5_status e5_run_key(const struct e5_key *diagnostic, const char *program,
                                      const struct e5_key *datasets, size_t n, struct e5_key *out,
                                      struct e5_error *err);
/* "event 1", diagnostic key, calendar, start and end in seconds, then for each run: seconds of its step, latitude,
 * longitude of the first cell, of the last cell, number of cells */
E5_MUST_USE enum e5_status e5_event_key(const struct e5_key *diagnostic, const struct e5_events *events, size_t index,
                                        struct e5_key *out, struct e5_error *err);

#endif
