/* lifecycle: the way of one request, as a table of stage × event → next stage.
 *
 * No I/O and no clock here: whoever drives a request (drive/fetch) does what a stage asks for, reports what happened
 * as an event, and learns the next stage and how to wait before it.  Events that may happen only so often have a
 * budget; when it is spent the row's other stage is taken, or the event means another one.  The holder owns the
 * struct; one thread at a time; nothing blocks. */
#ifndef E5_NET_LIFECYCLE_H
#define E5_NET_LIFECYCLE_H

#include <stdbool.h>

enum e5_stage {
    E5_STAGE_CLAIM,   /* look at the target, take its lock, read what an earlier call left */
    E5_STAGE_INTEND,  /* get a slot, write down that a job is about to be made */
    E5_STAGE_SUBMIT,  /* POST */
    E5_STAGE_LOOK,    /* did the POST make a job? */
    E5_STAGE_RECORD,  /* write down the job's id */
    E5_STAGE_POLL,    /* the job waits or runs at the service */
    E5_STAGE_LOCATE,  /* ask for the results of an ended job */
    E5_STAGE_OPEN,    /* open the part file, read again what it holds */
    E5_STAGE_LOAD,    /* bytes arrive */
    E5_STAGE_CHECK,   /* verify, sync, rename */
    E5_STAGE_DONE,
    E5_STAGE_FAILED,
    E5_STAGE_COUNT
};

enum e5_event {
    E5_EVENT_FRESH,      /* CLAIM: nothing was left */
    E5_EVENT_ATTACH,     /* CLAIM: a job is known */
    E5_EVENT_KNOWN,      /* CLAIM: the result is known */
    E5_EVENT_PENDING,    /* a submission was begun earlier, its outcome is unknown */
    E5_EVENT_BUSY,       /* CLAIM: somebody else writes this target */
    E5_EVENT_KEPT,       /* the file there is the right one */
    E5_EVENT_SAVED,      /* it is written down */
    E5_EVENT_CREATED,    /* a job exists */
    E5_EVENT_LOST,       /* the request may or may not have arrived */
    E5_EVENT_ABSENT,     /* LOOK: no such job in the list */
    E5_EVENT_WORKING,    /* accepted, running, or a word we do not know */
    E5_EVENT_ENDED,      /* successful, failed or rejected; the results tell the rest */
    E5_EVENT_LOCATED,    /* the asset is known */
    E5_EVENT_EARLY,      /* results not ready: the replica lags */
    E5_EVENT_EXPIRED,    /* results removed */
    E5_EVENT_BROKEN,     /* the job failed for good */
    E5_EVENT_SHAKY,      /* the job failed by a passing fault of the service */
    E5_EVENT_CROWDED,    /* rejected: too many requests queued */
    E5_EVENT_YOUNG,      /* unknown job, made a moment ago */
    E5_EVENT_MISSING,    /* unknown job */
    E5_EVENT_DISMISSED,  /* deleted by somebody */
    E5_EVENT_READY,      /* OPEN: the part file is open */
    E5_EVENT_SHORT,      /* LOAD: the reply was whole but shorter than declared */
    E5_EVENT_GONE,       /* LOAD: the address does not work (any more) */
    E5_EVENT_WHOLE,      /* LOAD: all bytes are here */
    E5_EVENT_CORRUPT,    /* wrong bytes */
    E5_EVENT_SOUND,      /* CHECK: the file has its final name */
    E5_EVENT_UNREADABLE, /* a reply that makes no sense */
    E5_EVENT_TEMPORARY,  /* a fault that may pass */
    E5_EVENT_PERMANENT,  /* a fault that will not */
    E5_EVENT_COUNT
};

enum e5_wait {
    E5_WAIT_NONE,
    E5_WAIT_RETRY, /* net/retry.h */
    E5_WAIT_POLL,  /* the growing interval between polls */
    E5_WAIT_LAG,   /* a replica catches up */
    E5_WAIT_LOOK,  /* between looks for a lost job */
    E5_WAIT_CROWD, /* a queue empties: growing */
    E5_WAIT_LOCK   /* somebody else works */
};

enum e5_budget {
    E5_BUDGET_NONE,
    /* begun anew at every change of stage */
    E5_BUDGET_LOOKS,
    E5_BUDGET_EARLY,
    E5_BUDGET_UNREADABLE,
    /* for the whole way */
    E5_BUDGET_EXPIRED,
    E5_BUDGET_MISSING,
    E5_BUDGET_SHAKY,
    E5_BUDGET_SHORT,
    E5_BUDGET_GONE,
    E5_BUDGET_CORRUPT,
    E5_BUDGET_COUNT
};

#define E5_LOOKS 3 /* for a lost job, where nothing else is said */

struct e5_lifecycle {
    enum e5_stage stage;
    enum e5_stage goal;  /* entering it is success: POLL where a job is enough, OPEN where its result is; 0: DONE */
    unsigned char looks; /* for a lost job; 0: E5_LOOKS */
    unsigned char spent[E5_BUDGET_COUNT];
};

/* Take one step; returns how to wait before the new stage is acted on.  An event that the table does not know in this
 * stage leads to E5_STAGE_FAILED. */
enum e5_wait e5_lifecycle_advance(struct e5_lifecycle *life, enum e5_event event);
/* What the event means after all that has happened: repeated too often it may be another one. */
enum e5_event e5_lifecycle_meaning(const struct e5_lifecycle *life, enum e5_event event);

#endif
