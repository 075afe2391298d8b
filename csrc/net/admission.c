#include "net/admission.h"

#include <math.h>

/* What a rejection costs is known, what a higher limit brings is not: so few are risked.  The numbers were found by
 * simulation, tests/c/test_admission.c. */
#define CREDIT_FIRST 1.5
#define CREDIT_MOST 3.0
#define CREDIT_LEAST (-1.5)
#define CREDIT_EARNED 0.02 /* by a surviving job */
#define KEPT (1.0 / 3)     /* of the limit when the service's has fallen */
#define BEYOND 0.4         /* of the limit: jobs beyond half of it that are submitted in the time of `confirm` */
#define STEP 2.0           /* jobs of a trial at first */
#define TRIAL_WAITS 6.0    /* times `confirm`, from a rejection to the next trial */
#define DRY_WAITS 2.0      /* the same where the queue has run dry since */
#define CALM_WAITS 40.0    /* the same without credit, times the limit: one more means little to a long queue */
#define TAIL 1.5           /* times `rejection_wait`: with less work left no trial is made */
#define FIRST_TAIL 0.5     /* the same while nothing was rejected */
#define WAITS_GROW 1.5
#define WAITS_MOST 16.0 /* times the first wait */

void e5_admission_init(struct e5_admission *admission, uint64_t seed) {
    *admission = (struct e5_admission){
        .limit = 1,
        .hold_until = -INFINITY,
        .try_at = -INFINITY,
        .fill_at = -INFINITY,
        .filled_at = -INFINITY,
        .proven_at = -INFINITY,
        .dry_at = -INFINITY,
        .judged_at = -INFINITY,
        .credit = CREDIT_FIRST,
    };
    e5_retry_init(&admission->dice, seed);
}

static double grown(double first, unsigned times) {
    return first * fmin(WAITS_MOST, pow(WAITS_GROW, fmin(times, 20) - 1));
}

static double spread(struct e5_admission *admission, double seconds) {
    return seconds * (1 + 0.25 * e5_retry_random(&admission->dice));
}

/* A trial that fails costs the wait of one request: too much where all others are done before. */
static bool is_tail(const struct e5_admission *admission, const struct e5_admission_policy *policy,
                    unsigned waiting) {
    double waits = admission->rejected > 0 ? TAIL : FIRST_TAIL;
    if (admission->every > 0) return waiting * admission->every < waits * policy->rejection_wait;
    return admission->rejected > 0 && waiting <= 2 * admission->limit;
}

static bool may_try(const struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                    unsigned waiting) {
    bool dry = now - admission->dry_at <= policy->confirm;
    double calm_wait = grown(CALM_WAITS * policy->confirm, admission->rejected) * admission->limit;
    bool calm = now - admission->judged_at > calm_wait;
    if (admission->limit + 1 > policy->ceiling || now < admission->try_at) return false;
    if (admission->rejected == 0) return dry || !is_tail(admission, policy, waiting);
    return (calm || admission->credit >= (dry ? 0 : 1)) && !is_tail(admission, policy, waiting);
}

/* Jobs of one trial: two while nothing was ever rejected and the queue moves slowly, since most limits are far from
 * where we begin. */
static double step(const struct e5_admission *admission, const struct e5_admission_policy *policy, double now) {
    bool is_new = admission->rejected == 0 && isinf(admission->judged_at);
    bool is_slow = now - admission->dry_at > policy->confirm;
    return is_new && is_slow ? fmin(STEP, admission->limit) : 1;
}

unsigned e5_admission_limit(const struct e5_admission *admission, const struct e5_admission_policy *policy,
                            double now, unsigned waiting) {
    if (now < admission->hold_until) return 0;
    double limit = fmin(admission->limit, policy->ceiling);
    if (now < admission->fill_at) return (unsigned)ceil(limit / 2);
    if (!may_try(admission, policy, now, waiting)) return (unsigned)limit;
    return (unsigned)fmin(limit + step(admission, policy, now), policy->ceiling);
}

/* A queue that has run dry is too short: the next trial comes sooner. */
static void note_dry(struct e5_admission *admission, const struct e5_admission_policy *policy, double now) {
    double wait = grown(DRY_WAITS * policy->confirm, admission->rejected);
    admission->try_at = fmin(admission->try_at, admission->rejected > 0 ? admission->judged_at + wait : now);
    admission->dry_at = now;
}

/* The limit may have fallen since it was last reached.  So unless that was only just, or the queue was empty, or it
 * never refused anything, the queue is filled beyond half of it one by one, each waiting for the last to be judged: a
 * fall costs one rejection then and not one for each free slot. */
static void note_fill(struct e5_admission *admission, const struct e5_admission_policy *policy, double now) {
    bool is_fresh = now - fmax(admission->proven_at, admission->dry_at) <= policy->confirm;
    if (is_fresh || isinf(admission->judged_at)) return;
    admission->filled_at = now;
    admission->fill_at = now + policy->confirm / fmax(1, BEYOND * admission->limit);
}

void e5_admission_submitted(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                            unsigned others) {
    if (others >= admission->limit + step(admission, policy, now) - 1)
        admission->try_at = now + 2 * policy->confirm; /* no second trial meanwhile */
    if (others >= ceil(admission->limit / 2)) note_fill(admission, policy, now);
    if (others == 0) note_dry(admission, policy, now);
}

/* What is queued for long tells nothing of how fast the service works. */
static void count_survivor(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                           double submitted) {
    double gap = now - fmax(admission->survived_at, submitted);
    if (now - submitted <= policy->confirm) admission->every += 0.1 * (gap - admission->every);
    admission->survived_at = now;
    admission->credit = fmin(CREDIT_MOST, admission->credit + CREDIT_EARNED);
}

void e5_admission_survived(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                           double submitted, unsigned others) {
    if (submitted <= admission->judged_at) { /* tells no more than that the others of its trial were too many */
        admission->limit = fmax(admission->limit, fmin(others + 1, admission->refused));
        return;
    }
    count_survivor(admission, policy, now, submitted);
    if (submitted >= admission->filled_at) admission->fill_at = now;
    if (others >= ceil(admission->limit / 2)) admission->proven_at = submitted;
    if (others + 1 <= admission->limit) return;
    admission->limit = fmin(others + 1, policy->ceiling);
    admission->rejected = 0;
    admission->try_at = submitted + policy->confirm;
}

void e5_admission_rejected(struct e5_admission *admission, const struct e5_admission_policy *policy, double now,
                           double submitted, unsigned others) {
    bool trial = others >= admission->limit, burst = submitted <= admission->judged_at;
    admission->credit = fmax(CREDIT_LEAST, admission->credit - 1);
    if (!trial) admission->limit = fmax(1, burst ? fmin(admission->limit, others) : floor(KEPT * others));
    /* of a trial the jobs before this one may still survive */
    admission->refused = trial ? fmin(others, burst ? admission->refused : INFINITY) : 0;
    if (burst) return;
    admission->rejected++;
    admission->judged_at = now;
    admission->try_at = now + spread(admission, grown(TRIAL_WAITS * policy->confirm, admission->rejected));
    if (others == 0) admission->hold_until = now + e5_admission_wait(admission, policy, admission->rejected);
}

double e5_admission_wait(struct e5_admission *admission, const struct e5_admission_policy *policy, unsigned times) {
    return spread(admission, grown(policy->rejection_wait, times));
}
