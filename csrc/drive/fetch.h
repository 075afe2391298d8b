/* fetch: CDS requests → verified files.
 *
 * One engine thread (the caller) owns all network handles and a queue of entries with due times; what waits for the
 * disk (resuming, marks, checking, syncing) runs in short-lived threads beside it, as many at once as there are
 * transfers, and for finished files as many more as `pool` (may be NULL) has threads.  Slots for submitted jobs, the
 * poller and transfers are three separate resources.  Nothing here waits for the service in a sleeping worker.
 * State files beside the targets let a later call go on: attach to the job, continue the file at its byte.  Blocks
 * until every item has ended or `watch` cancels; then E5_CANCELLED within 0.2 s, part and state files left for the
 * next call, jobs left alive.
 *
 * The result of the call is E5_OK when the engine itself worked; each item has its own status.  `results` are filled
 * in in any case. */
#ifndef E5_DRIVE_FETCH_H
#define E5_DRIVE_FETCH_H

#include "base/watch.h"
#include "pool/pool.h"

enum e5_overwrite { E5_OVERWRITE_NEVER, E5_OVERWRITE_VERIFY, E5_OVERWRITE_ALWAYS };

struct e5_fetch_options {
    const char *url;         /* "https://cds.climate.copernicus.eu/api" */
    const char *key;         /* sent as PRIVATE-TOKEN to the origin of `url` only */
    const char *user_agent;  /* "era5fast/0.1.0" */
    const char *ca_file;     /* certificates, or NULL: libcurl's own default */
    unsigned max_jobs;       /* submitted and not yet finished, per dataset */
    unsigned max_transfers;  /* files on the wire at once */
    double patience;         /* seconds without progress before a temporary fault becomes an error */
    double poll_first, poll_cap; /* seconds between polls: first, and at most */
    enum e5_overwrite overwrite;
    double pace;             /* factor on all waits but those the service asks for; 0 means 1; tests use less */
};

struct e5_fetch_item {
    const char *dataset; /* "reanalysis-era5-single-levels" */
    const char *request; /* JSON object of the inputs */
    const char *target;  /* final file name; its directory must exist */
};

enum e5_verified { E5_UNVERIFIED, E5_VERIFIED_SIZE, E5_VERIFIED_CHECKSUM };

struct e5_fetch_result {
    struct e5_error error;   /* .status E5_OK when the file is there */
    char job_id[64];
    int64_t size;
    char md5[33];            /* of the content */
    enum e5_verified verified;
    bool kept;               /* the target was there already and matched */
};

E5_MUST_USE enum e5_status e5_fetch(const struct e5_fetch_options *options, const struct e5_fetch_item *items,
                                    size_t n, struct e5_pool *pool, struct e5_fetch_result *results,
                                    struct e5_watch *watch, struct e5_error *err);

#endif
