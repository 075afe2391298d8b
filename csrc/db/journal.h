/* journal: what this user's processes have asked of a service, and what has become of it.
 *
 * One SQLite file shared by all processes of a user: jobs by the fingerprint of their request, finished files by
 * their path, and the submission slots of each dataset, which are counted here so that two processes together keep
 * to one limit.  It is written before and after each step at the service.  No secret is in it: `owner` is a digest of
 * address and token.  A damaged, foreign or newer file is E5_DATABASE and left alone; the caller may go on without a
 * journal.  After a power cut the last entries may be missing, on file systems of this computer; nothing else is.
 *
 * The opener owns the handle (_close).  Any thread may call, the journal locks itself; every function blocks on the
 * disk and on other processes for at most `busy_seconds`, then E5_DATABASE_BUSY, with nothing changed.  After fork()
 * the child gets E5_FORKED; a handle of its own, opened after the fork, is safe. */
#ifndef E5_DB_JOURNAL_H
#define E5_DB_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/watch.h"

struct e5_journal;

#define E5_JOURNAL_DIGEST 65           /* 64 hex digits with NUL */
#define E5_JOURNAL_QUEUED 86400.0      /* seconds for which an "accepted" job counts that nobody has seen since */
#define E5_JOURNAL_KEPT (30 * 86400.0) /* seconds after which an ended job is forgotten */

enum e5_journal_state {
    E5_JOURNAL_NONE,     /* nothing known of this request */
    E5_JOURNAL_INTENDED, /* a submission was begun and nobody cares for it any more: look for the job */
    E5_JOURNAL_BUSY,     /* a living process is submitting it just now: wait */
    E5_JOURNAL_ALIVE,    /* a job exists and has not ended, as far as known */
    E5_JOURNAL_ENDED     /* its job has ended well, `age` seconds ago */
};

struct e5_journal_job {
    enum e5_journal_state state;
    char job_id[64];
    char status[32]; /* the service's word, or "" before there is a job */
    double age;      /* seconds since the status was first seen */
    double begun;    /* wall clock when the (first) submission was begun: a lost job is not older */
};

/* What is known of the limit of a dataset's queue; meaning in net/admission.h. */
struct e5_journal_lane {
    double limit, hold_until; /* wall clock, seconds since 1970 */
    unsigned rejected;        /* rejections in a row */
};

struct e5_journal_file {
    char fingerprint[E5_JOURNAL_DIGEST]; /* of dataset and request */
    char job_id[64];
    int64_t size, mtime_ns, inode; /* of the file when it was finished: it is ours only while these hold */
    char checksum[33];             /* hex: MD5 of the content, or the store's composite; or "" */
    char checksum_kind[16];        /* "md5", "composite" or "" */
    int verified;                  /* enum e5_verified */
    double finished;               /* wall clock; filled in by _save */
};

/* `path` NULL: in memory, for this handle alone.  Its directory must exist.  `service` is the address, `owner` tells
 * accounts apart: all but files is seen by the same service and owner only, files by the same service. */
E5_MUST_USE enum e5_status e5_journal_open(const char *path, const char *service, const char *owner,
                                           double busy_seconds, struct e5_journal **out, struct e5_error *err);
/* What the handle intended and never settled becomes E5_JOURNAL_INTENDED at once.  NULL is allowed. */
void e5_journal_close(struct e5_journal *journal);

/* Once `watch` is cancelled, this thread's calls wait for others no longer than E5_JOURNAL_HURRY seconds.  NULL: as
 * long as ever.  Who sets it takes it back before the watch ends: threads go on to other jobs. */
void e5_journal_heed(const struct e5_watch *watch);
#define E5_JOURNAL_HURRY 0.2

E5_MUST_USE enum e5_status e5_journal_find(struct e5_journal *journal, const char *fingerprint,
                                           struct e5_journal_job *out, struct e5_error *err);
/* Before a submission, in one transaction: `*granted` only if with this one at most `limit` requests for the dataset
 * are intended or queued by living processes, and nobody else has this request in hand.  `out` tells what was known
 * of the request before.  Granted with E5_JOURNAL_INTENDED: the request was taken over, look for the lost job before
 * submitting.  Not granted with E5_JOURNAL_NONE or _INTENDED: no slot is free.  Otherwise the request itself stands
 * in the way.  `fresh` wants a new job whatever became of earlier ones (which go on counting as queued): only
 * E5_JOURNAL_BUSY stands in its way.  Every grant ends with _created, _withdraw or _abandon. */
E5_MUST_USE enum e5_status e5_journal_intend(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                                             const char *request, double limit, bool fresh, bool *granted,
                                             struct e5_journal_job *out, struct e5_error *err);
/* The submission is still going on: those on other computers, who cannot ask, are to know that from time to time. */
E5_MUST_USE enum e5_status e5_journal_confirm(struct e5_journal *journal, const char *fingerprint,
                                              struct e5_error *err);
/* The submission certainly came to nothing: its slot is free and nothing is known of the request. */
E5_MUST_USE enum e5_status e5_journal_withdraw(struct e5_journal *journal, const char *fingerprint,
                                               struct e5_error *err);
/* Nobody knows whether the submission arrived, and this call ends: the slot is free, the next one looks for the job.
 * `fingerprint` NULL: all that the handle intends. */
E5_MUST_USE enum e5_status e5_journal_abandon(struct e5_journal *journal, const char *fingerprint,
                                              struct e5_error *err);
/* A job exists, from now on "accepted"; an earlier job of the request answers for it no more.  `dataset` and
 * `request` may be NULL where they are there already or not known, `fingerprint` for a job whose request is not
 * known. */
E5_MUST_USE enum e5_status e5_journal_created(struct e5_journal *journal, const char *fingerprint,
                                              const char *dataset, const char *request, const char *job_id,
                                              struct e5_error *err);
/* The service's own word for a job's state, to be told of every job that is seen, also those of others: unknown jobs
 * are ignored, and nothing is written while nothing changes.  "accepted" counts as queued, "successful" as ended
 * well; "failed", "rejected", "dismissed", "deleted" and our own "gone" remove the job: a later call makes a new one.
 */
E5_MUST_USE enum e5_status e5_journal_status(struct e5_journal *journal, const char *job_id, const char *status,
                                             struct e5_error *err);
E5_MUST_USE enum e5_status e5_journal_lane_load(struct e5_journal *journal, const char *dataset, bool *found,
                                                struct e5_journal_lane *out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_journal_lane_save(struct e5_journal *journal, const char *dataset,
                                                const struct e5_journal_lane *lane, struct e5_error *err);
/* `path` is absolute, without links; its bytes need not be UTF-8.  A file that lies beside a target, with what did
 * not fit into it, has the target's job and the fingerprint "". */
E5_MUST_USE enum e5_status e5_journal_file_find(struct e5_journal *journal, const char *path, bool *found,
                                                struct e5_journal_file *out, struct e5_error *err);
/* `dataset` and `request` NULL: those of the fingerprint's job, if one is known. */
E5_MUST_USE enum e5_status e5_journal_file_save(struct e5_journal *journal, const char *path,
                                                const struct e5_journal_file *file, const char *dataset,
                                                const char *request, struct e5_error *err);
E5_MUST_USE enum e5_status e5_journal_file_forget(struct e5_journal *journal, const char *path, struct e5_error *err);

/* Somebody has counted the fields of a file: `missing` is what it lacks of its request, in the caller's words;
 * `asked` when the service was last asked for that in vain, 0 for never since.  Nothing happens to a file that was
 * finished at another time than `finished`: it is no more the one that was counted. */
E5_MUST_USE enum e5_status e5_journal_file_counted(struct e5_journal *journal, const char *path, double finished,
                                                   const char *missing, double asked, struct e5_error *err);

/* All that is known, as tables for people and for the planner. */
enum e5_journal_kind { E5_JOURNAL_NOTHING, E5_JOURNAL_INTEGER, E5_JOURNAL_REAL, E5_JOURNAL_TEXT };

struct e5_journal_cell {
    enum e5_journal_kind kind;
    int64_t integer; /* or where in `text` a text begins */
    double real;
};

struct e5_journal_table {
    const char *const *names; /* of the columns: static */
    size_t columns, rows;
    struct e5_journal_cell *cells; /* row by row */
    struct e5_buffer text;         /* all texts, each with NUL */
};

/* The caller frees the table in any case (_fini). */
/* `unfinished`: only jobs that exist and have not ended, as far as known. */
E5_MUST_USE enum e5_status e5_journal_jobs(struct e5_journal *journal, bool unfinished, struct e5_journal_table *out,
                                           struct e5_error *err);
/* `directory`: only files below it; NULL or "" for all.  A journal that was opened for the service "" gives those of
 * all services. */
E5_MUST_USE enum e5_status e5_journal_files(struct e5_journal *journal, const char *directory,
                                            struct e5_journal_table *out, struct e5_error *err);
/* What lies beside targets of this job, wherever those are: path, size, mtime_ns and inode. */
E5_MUST_USE enum e5_status e5_journal_files_beside(struct e5_journal *journal, const char *job_id,
                                                   struct e5_journal_table *out, struct e5_error *err);
void e5_journal_table_fini(struct e5_journal_table *table);

#endif
