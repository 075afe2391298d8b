/* fetch_engine: the loop behind drive/fetch: entries, due times, slots, holds, disk tasks.
 *
 * What a stage of net/lifecycle does stands in fetch_service.c (at the service) and fetch_file.c (bytes and disk);
 * the engine calls them through a table and knows only when.  Everything belongs to the engine's thread, except that
 * a disk task runs in a thread of its own: while entry->job is set, the fields named below are the task's. */
#ifndef E5_DRIVE_FETCH_ENGINE_H
#define E5_DRIVE_FETCH_ENGINE_H

#include "base/log.h"
#include "drive/fetch.h"
#include "net/cds.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/statefile.h"
#include "net/transfer.h"
#include "pool/job.h"
#include "pool/queue.h"

#define E5_FETCH_CLAIMS 128  /* targets worked on at once: each holds up to three descriptors */
#define E5_FETCH_CANDIDATES 5 /* newest jobs compared with a lost submission */

struct e5_engine;
struct e5_entry;

typedef void (*e5_stage_fn)(struct e5_engine *engine, struct e5_entry *entry);
typedef void (*e5_reply_fn)(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange);
typedef enum e5_status (*e5_disk_fn)(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err);
typedef void (*e5_disk_over_fn)(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err);

/* All requests for one dataset: how many jobs it may have at the service, and whether it may have any. */
struct e5_lane {
    const char *dataset;
    struct e5_entry *waiting; /* not begun yet, in the order given */
    unsigned slots, open;     /* jobs allowed and taken */
    struct e5_entry *submitter; /* one submission at a time, so that a refusal is met once */
    double hold;              /* no submission before this */
    unsigned crowded;         /* refusals in a row for a full queue */
    unsigned successes;       /* since slots changed last */
    struct e5_error dead;     /* no further calls: why */
};

struct e5_call { /* an exchange and who is told of its end */
    struct e5_exchange *exchange;
    e5_reply_fn reply;
    struct e5_entry *entry; /* NULL: the list of jobs, which serves many */
};

struct e5_entry {
    const struct e5_fetch_item *item;
    struct e5_fetch_result *result;
    struct e5_engine *engine;
    struct e5_lane *lane;
    struct e5_entry *next; /* in lane->waiting */
    struct e5_lifecycle life;
    struct e5_retry retry;
    double due;            /* infinity: something else will happen first */
    bool claimed, has_slot, is_loading, is_checking, is_blocked, is_deferred, is_ended, was_busy;
    double busy_since, crowded_since;
    ino_t busy_target;     /* the file that was there when waiting began, 0: none */
    struct e5_error error; /* of the last event */

    json_t *inputs;
    char fingerprint[E5_DIGEST_HEX];
    struct e5_call call;
    char job_status[32];
    double job_since, poll_wait, told_at;
    bool off_list;         /* the list of jobs does not show it: ask for it alone */
    bool own_job;          /* do not share the job of an equal request */
    char candidates[E5_FETCH_CANDIDATES][E5_CDS_ID_SIZE];
    unsigned candidate_count, candidate;

    /* From here to `restart`: the disk task's while it runs, but for what e5_part_append() needs. */
    struct e5_place place;
    struct e5_state state, mark;
    struct e5_cds_asset *asset;
    struct e5_part part;
    struct e5_transfer transfer;
    struct e5_checksum_result checksum;
    enum e5_checksum_verdict verdict;
    bool kept, unsaved;    /* unsaved: the state on disk lacks the job */
    bool restart;          /* what the part holds is worthless */
    double marked_at;
    int64_t expected;      /* bytes counted in the watch's total */

    struct e5_job *job;    /* the disk task */
    e5_disk_fn task;
    e5_disk_over_fn over;
    atomic_bool task_over;
};

struct e5_hold {
    char host[256];
    double until;
};

struct e5_engine {
    const struct e5_fetch_options *options;
    const e5_stage_fn *stages; /* E5_STAGE_COUNT of them */
    e5_stage_fn tend;          /* for every claimed entry, every round */
    char *service;             /* the address without a slash at its end */
    struct e5_http *http;
    struct e5_retry_policy policy;
    struct e5_retry random;
    struct e5_queue queue;
    struct e5_entry *entries, **claimed;
    struct e5_lane *lanes;
    struct e5_hold *holds;
    struct e5_call list;
    struct e5_watch *watch;
    size_t count, ended, claimed_count, lane_count, hold_count;
    unsigned loading, checking, most_checks;
    int64_t expected;
    double told_at;            /* last line about waiting */
    bool is_stopping;
    struct e5_error error;     /* the engine itself cannot go on */
};

E5_MUST_USE enum e5_status e5_engine_run(struct e5_engine *engine, struct e5_error *err);

/* What happened; decides the next stage and when it is acted on.  `why` is needed with events that are failures. */
void e5_engine_event(struct e5_engine *engine, struct e5_entry *entry, enum e5_event event,
                     const struct e5_error *why);
void e5_engine_schedule(struct e5_engine *engine, struct e5_entry *entry, double due);
/* The stage cannot be acted on now; it is tried again when something is given back. */
void e5_engine_block(struct e5_entry *entry);
void e5_engine_unblock_all(struct e5_engine *engine);
void e5_engine_take_slot(struct e5_entry *entry);
void e5_engine_drop_slot(struct e5_entry *entry);
/* Start a call; one that cannot be started is an event.  Calls to a host that asked to be left alone are put off. */
void e5_engine_call(struct e5_engine *engine, struct e5_entry *entry, const struct e5_http_call *call,
                    e5_reply_fn reply);
/* The list of jobs, which answers for many entries; false: put off or under way already. */
bool e5_engine_call_list(struct e5_engine *engine, const char *url, e5_reply_fn reply);
void e5_engine_hold(struct e5_engine *engine, const char *url, double seconds);
double e5_engine_held_until(struct e5_engine *engine, const char *url); /* the past: not held */
void e5_engine_disk(struct e5_engine *engine, struct e5_entry *entry, e5_disk_fn task, e5_disk_over_fn over);
/* Wait for the running disk task and tell its `over`. */
void e5_engine_finish_disk(struct e5_engine *engine, struct e5_entry *entry);
/* The entry has ended with entry->error; gives back all it had. */
void e5_engine_end(struct e5_engine *engine, struct e5_entry *entry);
/* A line for the user, with the token masked. */
void e5_engine_tell(const struct e5_engine *engine, enum e5_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void e5_engine_mask(const struct e5_engine *engine, char *text);

#endif
