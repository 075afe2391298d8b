/* store: the event database, a GeoPackage 1.3 in one SQLite file.
 *
 * Tables: `event` (features, EPSG:4326 multipolygons, R*Tree) and `track` (multilinestrings) and, as attributes, what
 * belongs to them: `event_state` (an event at a time step), `event_cells`, `event_patch`, `event_link`,
 * `track_point`; `diagnostic` (what made them: kind, kernel, all parameters as JSON), `dataset` (files with size and
 * checksum), `download`, `grid`, `run` (program, span of the data and when) and the links between them.  Keys of all
 * of these come from content (ids.h): adding the same events again adds nothing; a changed definition stands beside
 * the old one.  The schema's own version is a row in `era5fast_schema`; migrations.def has one row per step; a newer
 * file is refused.
 *
 * Each batch is one transaction under a writers' lock (flock on <file>.lock); waiting for locks ends after
 * `busy_seconds`, or when the watch is cancelled.  What does not depend on the file, keys above all, is computed
 * before the lock is taken, by all threads.  Rollback journal (DELETE) at rest, synchronous EXTRA: what was reported
 * as added survives a power cut.  Readers wait for the commit only, unless a batch changes more than 256 MiB of the
 * file.  The opener owns the store (_close).  One thread at a time per store; everything blocks on disk and locks.
 * After fork() the child gets E5_FORKED. */
#ifndef E5_DB_STORE_H
#define E5_DB_STORE_H

#include "base/parallel.h"
#include "model/event.h"
#include "model/track.h"

struct e5_store;

struct e5_store_download { /* what is known of the download of a file; texts may be "" */
    const char *service, *job, *collection;
    const char *request; /* JSON */
    int64_t size;        /* bytes; −1: not known */
    const char *checksum, *checksum_kind;
    bool verified;   /* the service's own checksum proved the file */
    double finished; /* seconds since 1970; NaN: not known */
};

struct e5_store_source { /* where the events come from */
    const char *path;      /* as the user gave it */
    int64_t size;          /* bytes; −1: not known */
    const char *checksum;  /* hex, or "" */
    const char *request;   /* JSON of the CDS request, or "" */
    const struct e5_store_download *download; /* or NULL */
};

struct e5_store_batch {
    const char *kind;        /* "heatwave" */
    const char *variable;    /* "t2m" */
    const char *units;       /* of the exceedance: "K" */
    const char *definition;  /* canonical JSON: kernel, every parameter, base period, version of the definition */
    const char *program;     /* "era5fast 0.1.0" */
    const char *libraries;   /* JSON: versions of what took part, or "" */
    const struct e5_store_source *sources;
    size_t nsources;
    bool cells; /* keep the cells of each event, not only its outline */
};

struct e5_store_added {
    int64_t added, known; /* events or tracks that are new, and those that were there already */
    int64_t diagnostic;   /* row id */
};

/* Makes the file when there is none. */
E5_MUST_USE enum e5_status e5_store_open(const char *path, double busy_seconds, struct e5_watch *watch,
                                         struct e5_store **out, struct e5_error *err);
void e5_store_close(struct e5_store *store);
/* `par` may be NULL.  The tables of the events need not be trusted (e5_events_check). */
E5_MUST_USE enum e5_status e5_store_add(struct e5_store *store, const struct e5_events *events,
                                        const struct e5_store_batch *batch, const struct e5_parallel *par,
                                        struct e5_watch *watch, struct e5_store_added *out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_store_add_tracks(struct e5_store *store, const struct e5_tracks *tracks,
                                               const struct e5_store_batch *batch, struct e5_watch *watch,
                                               struct e5_store_added *out, struct e5_error *err);

#endif
