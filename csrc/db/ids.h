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
/* "download 1", service, job, request, size, checksum */
E5_MUST_USE enum e5_status e5_download_key(const struct e5_store_download *download, struct e5_key *out,
                                           struct e5_error *err);
/* "grid 1", number of rows, latitudes, number of columns, longitudes */
E5_MUST_USE enum e5_status e5_grid_key(const struct e5_grid *grid, struct e5_key *out, struct e5_error *err);
/* "run 1", diagnostic key, program, then the dataset keys in the order given: of tracks, and of version 1 */
E5_MUST_USE enum e5_status e5_run_key(const struct e5_key *diagnostic, const char *program,
                                      const struct e5_key *datasets, size_t n, struct e5_key *out,
                                      struct e5_error *err);
/* "run 2", key of "run 1", grid key, calendar, number of steps, then first and last step in seconds */
E5_MUST_USE enum e5_status e5_span_key(const struct e5_key *run, const struct e5_key *grid,
                                       const struct e5_events *events, struct e5_key *out, struct e5_error *err);

struct e5_arc { /* neighbouring cells of one latitude, in ten-thousandths of a degree */
    int64_t latitude, west, east, count;
};

/* Many keys of events or tracks: begin with the diagnostic (_init), then one after the other; always end with _fini.
 * One thread at a time per hasher. */
struct e5_hasher {
    struct e5_digest digest;
    const struct e5_key *diagnostic;
    size_t filled;
    unsigned char bytes[4096]; /* on their way to the digest */
    struct e5_arc *arc;        /* of one step */
    size_t arcs;
};

E5_MUST_USE enum e5_status e5_hasher_init(struct e5_hasher *hasher, const struct e5_key *diagnostic,
                                          struct e5_error *err);
void e5_hasher_fini(struct e5_hasher *hasher);
/* "event 2", diagnostic key, calendar, start and end in seconds, then for each arc: seconds of its step, latitude,
 * longitude of its westernmost cell, of its easternmost cell, number of cells.  An arc is what neighbours of one row
 * at one step make, also over the seam of a periodic grid; a circle begins at its smallest longitude.  They come step
 * by step, from south to north, then by the longitude of their first cell: the order and the seam of the file's axes
 * make no difference. */
E5_MUST_USE enum e5_status e5_event_key(struct e5_hasher *hasher, const struct e5_events *events, size_t index,
                                        struct e5_key *out, struct e5_error *err);
/* The key that version 1 gave: "event 1", then the same with the runs of the file, in its order, for arcs */
E5_MUST_USE enum e5_status e5_event_key_1(struct e5_hasher *hasher, const struct e5_events *events, size_t index,
                                          struct e5_key *out, struct e5_error *err);
/* "track 1", diagnostic key, calendar, number of points, then for each point: seconds, latitude, longitude, bits of
 * the value (of all NaNs the same) */
E5_MUST_USE enum e5_status e5_track_key(struct e5_hasher *hasher, const struct e5_tracks *tracks, size_t index,
                                        struct e5_key *out, struct e5_error *err);

#endif
