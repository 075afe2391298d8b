/* pacer: when to look at the jobs next.
 *
 * One look serves all jobs, so the question is how soon a finished job is noticed for how many calls.  Looks are paid
 * from a budget: a dozen to begin with, then one per `interval` seconds, saved up to some.  Where the queue has run
 * dry and requests wait for room in it, each job that has left it earns a part of a look besides.  Looks come the
 * closer the more jobs are expected to end soon, as far as run times of the past tell: the gap is proportional to the
 * square root of the time from one end to the next, which makes the waits of all jobs together shortest for a number
 * of looks.  Pure: the caller gives the time and owns the struct; one thread at a time; nothing blocks. */
#ifndef E5_NET_PACER_H
#define E5_NET_PACER_H

#include <stdbool.h>

#define E5_PACER_RUNS 32 /* run times that are remembered */

struct e5_pacer_policy {
    double interval, shortest, longest; /* seconds between looks: on average, and bounds */
};

struct e5_pacer {
    double budget;              /* looks saved */
    double looked_at;           /* last look, and when the budget was last reckoned */
    double runs[E5_PACER_RUNS]; /* the last run times in seconds */
    unsigned ran;               /* jobs seen to end */
    bool is_dry;                /* the last look found room in the queue, and none of ours in it */
};

/* What the last look, and what was done since, tell.  The caller counts anew at each look. */
struct e5_pacer_view {
    unsigned queued;          /* jobs */
    unsigned left;            /* jobs that have left the queue since the last look, to run or to their end */
    unsigned waiting;         /* requests that wait for room in the queue */
    double newest;            /* when the youngest job was submitted */
    double chance;            /* sum of e5_pacer_chance() over the running jobs */
};

void e5_pacer_init(struct e5_pacer *pacer, double now);
void e5_pacer_ran(struct e5_pacer *pacer, double seconds); /* a job has ended after running so long */
/* How many such jobs end in a second, of those that have run for `age` seconds. */
double e5_pacer_chance(const struct e5_pacer *pacer, const struct e5_pacer_policy *policy, double age);
/* A look was made. */
void e5_pacer_looked(struct e5_pacer *pacer, const struct e5_pacer_policy *policy, double now,
                     const struct e5_pacer_view *view);
/* When to look next. */
double e5_pacer_next(const struct e5_pacer *pacer, const struct e5_pacer_policy *policy,
                     const struct e5_pacer_view *view);

#endif
