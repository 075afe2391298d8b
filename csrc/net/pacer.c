#include "net/pacer.h"

#include <math.h>

/* The numbers were found by simulation, tests/c/test_pacer.c. */
#define FIRST 12.0  /* looks saved at the beginning: a lone job that ends within a minute is noticed soon */
#define SAVED 40.0  /* looks at most */
#define USUAL 6.0   /* looks saved with which gaps are as wished; with fewer they are longer */
#define EARNED 0.36 /* looks, by a job that has left a queue that runs dry */
#define GAP 0.36    /* of √(interval × seconds from one end to the next) */
#define GROWTH 0.5  /* of the age of the youngest job: until the next look, where none runs */
#define AGAIN 0.1   /* of the interval: until the next look, where the last one found the queue dry */
#define NEAR 0.25   /* of a run time: so far ahead ends are counted */

void e5_pacer_init(struct e5_pacer *pacer, double now) {
    *pacer = (struct e5_pacer){.budget = FIRST, .looked_at = now};
}

void e5_pacer_ran(struct e5_pacer *pacer, double seconds) {
    pacer->runs[pacer->ran++ % E5_PACER_RUNS] = fmax(seconds, 0);
}

static double mean_run(const struct e5_pacer *pacer, unsigned n) {
    double sum = 0;
    for (unsigned i = 0; i < n; i++) sum += pacer->runs[i];
    return sum / n;
}

/* Of the jobs that ran longer than this one has, how many ended soon after?  Jobs not seen yet count as a fraction.
 */
double e5_pacer_chance(const struct e5_pacer *pacer, const struct e5_pacer_policy *policy, double age) {
    unsigned n = pacer->ran < E5_PACER_RUNS ? pacer->ran : E5_PACER_RUNS, longer = 0, soon = 0;
    double least = 2 * policy->shortest;
    if (n == 0) return 1 / fmax(age, least); /* as likely to end as not before it is twice as old */
    double near = fmax(NEAR * fmax(mean_run(pacer, n), age), least);
    for (unsigned i = 0; i < n; i++) {
        longer += pacer->runs[i] > age;
        soon += pacer->runs[i] > age && pacer->runs[i] <= age + near;
    }
    return (soon + 0.3) / (longer + 0.6) / near;
}

void e5_pacer_looked(struct e5_pacer *pacer, const struct e5_pacer_policy *policy, double now,
                     const struct e5_pacer_view *view) {
    double intervals = (now - pacer->looked_at) / policy->interval;
    bool runs_dry = view->waiting > 0 && view->queued * intervals <= view->left; /* before time has earned a look */
    double earned = runs_dry ? EARNED * view->left : 0;
    pacer->is_dry = view->waiting > 0 && view->left > 0 && view->queued == 0;
    if (pacer->is_dry) earned = fmax(earned, 1);
    pacer->budget = fmin(SAVED, pacer->budget + intervals + earned - 1);
    pacer->looked_at = now;
}

double e5_pacer_next(const struct e5_pacer *pacer, const struct e5_pacer_policy *policy,
                     const struct e5_pacer_view *view) {
    bool runs = view->chance > 0;
    double begin = runs ? pacer->looked_at : fmax(pacer->looked_at, view->newest);
    double gap = fmax(policy->shortest, GROWTH * (begin - view->newest));
    if (runs) gap = GAP * sqrt(policy->interval / view->chance * USUAL / fmax(pacer->budget, 0.1));
    if (pacer->is_dry) gap = fmin(gap, AGAIN * policy->interval);
    if (pacer->budget < 1) gap = fmax(gap, (1 - pacer->budget) * policy->interval);
    return begin + fmin(fmax(gap, policy->shortest), policy->longest);
}
