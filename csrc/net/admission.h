/* admission: how many jobs of one dataset may be queued at the service, found by trial.
 *
 * The service has a limit that it does not tell and changes: beyond it a job is accepted and rejected some seconds
 * later.  Begins with 2 and grows by one or two whenever what was last added survives, so that no more is at risk at
 * a time.  A trial that is rejected leaves the limit where it was, and the next one waits longer; a rejection below
 * the limit shows that the service's has fallen, and ours falls to a third of what was queued, while that keeps the
 * service busy.  Trials are paid from a credit that surviving jobs earn, which bounds the part of submissions that is
 * rejected; a queue that has run dry is tried sooner, and where little is left to do nothing is tried.  Only queued
 * jobs count, running ones do not.  Pure: the caller gives the time (monotonic seconds) and owns the struct; one
 * thread at a time; nothing blocks.
 *
 * Of each job the caller keeps when it was submitted, and how many others of ours were queued or intended then, as
 * far as it knew: `submitted` and `others` below.  That is known best just after a look, which is the time to submit.
 */
#ifndef E5_NET_ADMISSION_H
#define E5_NET_ADMISSION_H

#include <stdint.h>

#include "net/retry.h"

struct e5_admission_policy {
    double ceiling;        /* never more than this */
    double rejection_wait; /* seconds before a rejected request goes again, the first time */
    double confirm;        /* seconds after which a queued job counts as having survived */
};

struct e5_admission {
    double limit;         /* jobs that may be queued for all that is known; one more is a trial */
    double hold_until;    /* nothing is submitted before */
    unsigned rejected;    /* rejections since the last trial that succeeded, bursts counted once */
    double try_at;        /* no trial before */
    double fill_at;       /* no more than half the limit before */
    double filled_at;     /* last submission beyond that half that had to wait for the one before it */
    double proven_at;     /* when the last job was submitted that survived beyond that half */
    double dry_at;        /* when a submission last found none of ours in the queue */
    double judged_at;     /* last rejection: what was submitted before belongs to the same burst */
    double refused;       /* jobs that were queued when the first of that burst was submitted; 0: a fall */
    double credit;        /* rejections that may be risked */
    double survived_at;   /* last survival; 0: none yet */
    double every;         /* seconds from one survival to the next, smoothed */
    struct e5_retry dice; /* for what spreads the waits */
};

void e5_admission_init(struct e5_admission *admission, uint64_t seed);
/* Jobs that may be queued or intended now; `waiting` requests are ready to be submitted.  0 while submissions are
 * held back. */
unsigned e5_admission_limit(const struct e5_admission *admission, const struct e5_admission_policy *policy,
                            double now, unsigned waiting);
/* A job is being submitted. */
void e5_admission_submitted(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                            unsigned others);
/* A job has survived: it runs, has ended, or has been queued for longer than `confirm`.  Once per job. */
void e5_admission_survived(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                           double submitted, unsigned others);
/* A job was rejected because of queue limits. */
void e5_admission_rejected(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                           double submitted, unsigned others);
/* Seconds before a request goes again that has been rejected `times` times (≥ 1): growing, with a random spread. */
double e5_admission_wait(struct e5_admission *admission, const struct e5_admission_policy *policy, unsigned times);

#endif
