/* fetch_item: what is asked of a fetch, and what comes of it: options, items, results.
 *
 * Options and items stay as they are while a call runs; all texts are borrowed but those of a result. */
#ifndef E5_DRIVE_FETCH_ITEM_H
#define E5_DRIVE_FETCH_ITEM_H

#include "db/journal.h"
#include "drive/fetch_settings.h"
#include "net/asset.h"
#include "net/checksum.h"

enum e5_overwrite { E5_OVERWRITE_NEVER, E5_OVERWRITE_VERIFY, E5_OVERWRITE_ALWAYS };

struct e5_fetch_options {
    struct e5_http_options http;
    struct e5_fetch_settings settings;
    enum e5_overwrite overwrite;
    bool dismiss;               /* when cancelled: tell the service to forget the jobs that have not ended */
    struct e5_journal *journal; /* borrowed; NULL: nothing is remembered but beside the targets */
};

/* How far an item goes. */
enum e5_goal {
    E5_GOAL_JOB,    /* a job exists */
    E5_GOAL_RESULT, /* it has ended well and its result can be fetched */
    E5_GOAL_FILE    /* the file is there */
};

struct e5_fetch_item {
    const char *dataset;               /* "reanalysis-era5-single-levels"; NULL with job_id or asset alone */
    const char *request;               /* JSON object of the inputs; NULL with job_id or asset alone */
    const char *job_id;                /* an existing job to go on with, or NULL */
    const struct e5_cds_asset *asset;  /* a result that is known already, or NULL */
    const char *target;                /* final file name; its directory must exist; NULL where no file is wanted */
    enum e5_goal goal;
    bool fresh;                        /* a new job even where an equal request has one */
    bool unpack;                       /* the target is to be netCDF: an archive is opened */
};

enum e5_verified { E5_UNVERIFIED, E5_VERIFIED_SIZE, E5_VERIFIED_CHECKSUM };

struct e5_fetch_result {
    struct e5_error error;       /* .status E5_OK when the goal was reached */
    char job_id[E5_CDS_ID_SIZE];
    char status[32];             /* of the job, in the service's word */
    int64_t size;                /* of the target */
    struct e5_checksum_result checksum; /* of what was received; texts that were not computed are "" */
    enum e5_verified verified;
    bool kept;                   /* the target was there already and matched */
    struct e5_cds_asset *asset;  /* with E5_GOAL_RESULT and E5_GOAL_FILE, where known; owned */
    char **files;                /* what was made where it is more than the target: NULL-terminated, owned */
};

void e5_fetch_results_fini(struct e5_fetch_result *results, size_t n);

#endif
