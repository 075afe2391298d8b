/* fetch_engine: what all stages of a request share: entries, due times, calls, holds, disk tasks.
 *
 * The state, and small steps on it that call nobody above; what an event leads to is drive/fetch_event.h, when things
 * are done drive/fetch_loop.h.  Everything belongs to the engine's thread, except that a disk task runs in a thread
 * of its own: while entry->job is set, entry->recall and the fields named in fetch_load.h are the task's. */
#ifndef E5_DRIVE_FETCH_ENGINE_H
#define E5_DRIVE_FETCH_ENGINE_H

#include "base/log.h"
#include "base/watch.h"
#include "drive/fetch_item.h"
#include "drive/waiting.h"
#include "net/admission.h"
#include "net/cds.h"
#include "net/http.h"
#include "net/pacer.h"
#include "net/retry.h"
#include "pool/job.h"
#include "pool/queue.h"

#define E5_FETCH_CLAIMS 128 /* targets worked on at once: each holds up to three descriptors */

struct e5_engine;
struct e5_entry;
struct e5_load;
struct e5_recall;
struct e5_candidates;
struct e5_hash_crew;

typedef void (*e5_stage_fn)(struct e5_engine *engine, struct e5_entry *entry);
typedef void (*e5_reply_fn)(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange);
typedef enum e5_status (*e5_disk_fn)(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err);
typedef void (*e5_disk_over_fn)(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err);

/* All requests for one dataset: how many of its jobs may be queued at the service, and whether there may be any. */
struct e5_lane {
    const char *dataset;        /* "": jobs and results whose dataset is not known */
    struct e5_entry *waiting;   /* not begun yet, in the order given */
    struct e5_entry *submitter; /* one submission at a time, so that a refusal is met once */
    unsigned unclaimed;         /* entries in `waiting` */
    unsigned queued;            /* jobs of ours that are being submitted or queued */
    unsigned foreign;           /* jobs of others that the newest list shows as queued */
    bool is_full;               /* somebody waits because of jobs that no open entry of ours asks about */
    struct e5_admission admission;
    struct e5_error dead;       /* no further calls: why */
};

struct e5_call { /* an exchange and who is told of its end; zeroed while idle */
    struct e5_exchange *exchange;
    e5_reply_fn reply;
    struct e5_entry *entry;          /* NULL: a call that serves many */
    struct e5_call *next, *previous; /* those under way */
};

/* One item.  There may be tens of thousands: what is needed only while one is worked on is allocated then. */
struct e5_entry {
    const struct e5_fetch_item *item;
    struct e5_fetch_result *result; /* its error is that of the last failure */
    struct e5_engine *engine;
    struct e5_lane *lane;
    struct e5_entry *next; /* in lane->waiting */
    struct e5_entry *twin; /* ring of those with the same fingerprint */
    struct e5_lifecycle life;
    struct e5_retry retry;
    double due;            /* infinity: something else will happen first */
    double deadline;
    bool is_claimed, is_loading, is_large, is_checking, is_blocked, is_deferred, is_ended;

    char fingerprint[E5_DIGEST_HEX]; /* of the request, or of what stands in its place */
    char job_id[E5_CDS_ID_SIZE];     /* "": none known */
    char lost_id[E5_CDS_ID_SIZE];    /* a job that is of no use any more */
    char job_status[32];
    double submitted, running_since, told_at; /* 0: not */
    double poll_wait;      /* where it is asked for alone */
    double crowded_since;
    double busy_since;     /* somebody else writes the target or submits the same request; 0: nobody does */
    double asked;          /* when the first submission for the job that is wanted began; 0: not */
    unsigned others;       /* queued when it was submitted */
    unsigned rejections;
    bool is_queued;        /* counted in lane->queued */
    bool is_proven;        /* its survival has been told */
    bool is_pending;       /* a submission was begun; there may be a job although no id is known */
    bool is_granted;       /* the journal has granted the submission */
    bool has_looked;       /* for a job of an earlier process, in vain */
    bool is_new;           /* its job is not written down yet */
    bool is_sharer;        /* its job is that of a twin, who counts it */
    bool wants_new;        /* whatever job an equal request has */
    bool is_off_list;      /* the list of jobs does not show it: ask for it alone */
    bool is_asked;         /* the list under way was asked for after its job was known */
    struct e5_call call;   /* at the service */
    struct e5_candidates *candidates;
    struct e5_recall *recall;
    struct e5_cds_asset *asset;
    struct e5_load *load;  /* NULL unless a file is being made */

    struct e5_job *job;    /* the disk task */
    e5_disk_fn task;
    e5_disk_over_fn over;
    atomic_bool task_over;
};

struct e5_hold {
    char host[256];
    double until;
};

/* The one who looks at the jobs for all. */
struct e5_poller {
    struct e5_call call;
    struct e5_pacer pacer;
    struct e5_pacer_policy policy;
    struct e5_pacer_view view;
    struct e5_retry retry;
    double not_before;
    unsigned unreadable, pages; /* in a row; of the list under way */
    size_t limit;               /* jobs asked for */
    double newest;              /* when the youngest job was submitted */
    bool is_urgent;             /* a job of an earlier call is there that was not looked at yet */
    bool told_word;             /* a word for a state that nobody knows has been reported */
};

struct e5_engine {
    const struct e5_fetch_options *options;
    const e5_stage_fn *stages; /* E5_STAGE_COUNT of them */
    e5_stage_fn tend;          /* for every claimed entry, every round */
    char *service;             /* the address without a slash at its end */
    struct e5_http *http;
    struct e5_retry_policy policy;
    struct e5_admission_policy admission;
    struct e5_retry random;
    struct e5_queue queue;
    struct e5_entry *entries, **claimed;
    struct e5_lane *lanes;
    struct e5_hold *holds;
    struct e5_call *calls;     /* all that are under way */
    struct e5_poller poller;
    struct e5_notes *notes;    /* for the journal; NULL: there is none */
    struct e5_watch *watch;
    size_t count, ended, claimed_count, lane_count, hold_count;
    size_t next_lane;          /* whose turn it is to claim */
    unsigned places;           /* claimed entries that hold descriptors */
    struct e5_hash_crew *crew; /* who hashes small files side by side */
    unsigned loading, large, checking; /* large: of those loading */
    unsigned heavy, most_heavy; /* checks that take long: now, and at most */
    unsigned done, failed;
    int64_t expected;
    struct e5_waiting waiting;
    struct e5_error error;     /* the engine itself cannot go on */
};

void e5_engine_schedule(struct e5_engine *engine, struct e5_entry *entry, double due);
/* The stage cannot be acted on now; it is tried again when something is given back. */
void e5_engine_block(struct e5_entry *entry);
void e5_engine_unblock_all(struct e5_engine *engine);
/* Start a call; `entry` (NULL: it serves many) is told of its end.  An entry may have several under way. */
E5_MUST_USE enum e5_status e5_engine_begin_call(struct e5_engine *engine, struct e5_call *call,
                                                struct e5_entry *entry, const struct e5_http_call *what,
                                                e5_reply_fn reply, struct e5_error *err);
/* A call that serves many.  False: it could not be started, or the host is to be left alone. */
bool e5_engine_start_common(struct e5_engine *engine, struct e5_call *call, const struct e5_http_call *what,
                            e5_reply_fn reply);
/* Take a call that has ended from those under way; the caller drops what is returned (NULL: it was idle). */
struct e5_exchange *e5_engine_end_call(struct e5_engine *engine, struct e5_call *call);
/* End a call at once, without telling; an idle one is allowed. */
void e5_engine_drop_call(struct e5_engine *engine, struct e5_call *call);
/* Tell those whose calls have ended. */
void e5_engine_take_replies(struct e5_engine *engine);
void e5_engine_hold(struct e5_engine *engine, const char *url, double seconds);
double e5_engine_held_until(struct e5_engine *engine, const char *url); /* the past: not held */
void e5_engine_disk(struct e5_engine *engine, struct e5_entry *entry, e5_disk_fn task, e5_disk_over_fn over);
/* Wait for the running disk task and tell its `over`. */
void e5_engine_finish_disk(struct e5_engine *engine, struct e5_entry *entry);
/* What people call the entry: the last part of the target, else dataset or job. */
const char *e5_entry_name(const struct e5_entry *entry);
/* A line for the user, with the token masked. */
void e5_engine_tell(const struct e5_engine *engine, enum e5_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
