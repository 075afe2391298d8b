/* virtual_queue: a data store with a queue, in virtual time, and two users of it: one goes by net/admission and
 * net/pacer, the other knows the limit and sees every change at once.
 *
 * A run is a struct of choices and a seed; the same run gives the same numbers. */
#ifndef VIRTUAL_QUEUE_H
#define VIRTUAL_QUEUE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/admission.h"
#include "net/pacer.h"

#define MOST_JOBS 512
#define NEVER 1e18

struct scenario {
    const char *name;
    unsigned jobs;
    unsigned running;            /* jobs that run at once */
    double run_from, run_to;     /* seconds that jobs run, evenly spread */
    double queue_from, queue_to; /* seconds that a job waits for those of other users, before it may run */
    double verdict_from, verdict_to; /* seconds until a rejection shows */
    bool together; /* the service judges every two seconds all new jobs at once, by the number of all that are queued
                    */
    unsigned limits[8]; /* of the queue, one after the other, up to a 0 */
    double change; /* seconds after which the limit changes */
    unsigned ceiling;
};

enum vstate { V_WAITING, V_QUEUED, V_RUNNING, V_DONE, V_REJECTED };

struct vjob {
    enum vstate state, seen; /* at the service; as the user knows it */
    double run, queue; /* seconds */
    double submitted, may_run, started, ended, verdict, noticed;
    double due; /* may be submitted from then */
    unsigned others, times;
    bool doomed, judged, survived;
};

struct world {
    const struct scenario *scenario;
    double now, tick;
    uint64_t random;
    struct vjob jobs[MOST_JOBS];
    unsigned submissions, rejections, looks, most_queued;
    double idle; /* seconds of running places without a job while some were to be run */
};

struct outcome {
    double makespan; /* until the last job's end was noticed */
    double rejected; /* part of the submissions */
    double looks;
    double wait_median, wait_99; /* from a job's end to the look that shows it */
};

static double uniform(uint64_t *state, double from, double to) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return from + (to - from) * (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void world_begin(struct world *world, const struct scenario *scenario, uint64_t seed) {
    memset(world, 0, sizeof *world);
    world->scenario = scenario;
    world->random = seed;
    world->tick = uniform(&world->random, 0, 2);
    for (unsigned i = 0; i < scenario->jobs; i++) {
        world->jobs[i].run = uniform(&world->random, scenario->run_from, scenario->run_to);
        world->jobs[i].queue = uniform(&world->random, scenario->queue_from, scenario->queue_to);
    }
}

static unsigned limit_at(const struct scenario *scenario, double now) {
    unsigned last = 0, n = (unsigned)(now / scenario->change);
    while (last < 7 && scenario->limits[last + 1] != 0 && last < n) last++;
    return scenario->limits[last];
}

static unsigned count(const struct world *world, enum vstate state) {
    unsigned n = 0;
    for (unsigned i = 0; i < world->scenario->jobs; i++) n += world->jobs[i].state == state;
    return n;
}

static void submit(struct world *world, struct vjob *job) {
    const struct scenario *scenario = world->scenario;
    unsigned queued = count(world, V_QUEUED);
    job->doomed = !scenario->together && queued >= limit_at(scenario, world->now);
    job->judged = !scenario->together;
    job->survived = false;
    job->state = job->seen = V_QUEUED;
    job->submitted = world->now;
    job->may_run = world->now + job->queue;
    job->verdict = world->now + uniform(&world->random, scenario->verdict_from, scenario->verdict_to);
    world->submissions++;
    if (queued + 1 > world->most_queued) world->most_queued = queued + 1;
}

/* What happens next at the service by itself, and when: a job ends, is rejected, or begins to run. */
static double next_change(const struct world *world, unsigned *which) {
    double soonest = NEVER, running = count(world, V_RUNNING);
    for (unsigned i = 0; i < world->scenario->jobs; i++) {
        const struct vjob *job = &world->jobs[i];
        double when = NEVER;
        if (job->state == V_RUNNING) when = job->started + job->run;
        if (job->state == V_QUEUED && job->doomed) when = job->verdict;
        if (job->state == V_QUEUED && !job->doomed && job->judged && running < world->scenario->running)
            when = fmax(world->now, job->may_run);
        bool older = when == soonest && soonest < NEVER && job->submitted < world->jobs[*which].submitted;
        if (when < soonest || older) soonest = when, *which = i;
    }
    return soonest;
}

static void judge_together(struct world *world) {
    unsigned queued = count(world, V_QUEUED), limit = limit_at(world->scenario, world->tick);
    for (unsigned i = 0; i < world->scenario->jobs; i++) {
        struct vjob *job = &world->jobs[i];
        if (job->state != V_QUEUED || job->judged || job->submitted > world->tick) continue;
        job->judged = true;
        job->doomed = queued > limit;
    }
    world->tick += 2;
}

static void change(struct world *world, struct vjob *job) {
    if (job->state == V_RUNNING) {
        job->state = V_DONE;
        job->ended = world->now;
    } else if (job->doomed) {
        job->state = V_REJECTED;
    } else {
        job->state = V_RUNNING;
        job->started = world->now;
    }
}

static void advance(struct world *world, double until) {
    for (;;) {
        unsigned which = 0;
        double when = next_change(world, &which);
        bool judging = world->scenario->together && world->tick < when;
        double at = fmin(until, judging ? world->tick : when);
        unsigned left = count(world, V_WAITING) + count(world, V_QUEUED);
        unsigned free_places = world->scenario->running - count(world, V_RUNNING);
        world->idle += (at - world->now) * (left < free_places ? left : free_places);
        world->now = at;
        if (at >= until) return;
        if (judging) {
            judge_together(world);
        } else {
            change(world, &world->jobs[which]);
        }
    }
}

/* Knows all: as many queued as the limit allows, every place filled as soon as it is free. */
static inline double makespan_knowing(const struct scenario *scenario, uint64_t seed) {
    static struct world world;
    world_begin(&world, scenario, seed);
    for (unsigned next = 0;;) {
        unsigned which;
        while (next < scenario->jobs && count(&world, V_QUEUED) < limit_at(scenario, world.now)) {
            submit(&world, &world.jobs[next]);
            world.jobs[next].judged = true;
            world.jobs[next++].doomed = false;
        }
        if (count(&world, V_DONE) == scenario->jobs) return world.now;
        double other_limit = (floor(world.now / scenario->change) + 1) * scenario->change;
        double when = fmin(next_change(&world, &which), other_limit);
        advance(&world, nextafter(when, NEVER));
    }
}

struct user {
    struct world world;
    struct e5_admission admission;
    struct e5_admission_policy admitting;
    struct e5_pacer pacer;
    struct e5_pacer_policy pacing;
    struct e5_pacer_view view;
};

static unsigned known(const struct user *user, enum vstate state) {
    unsigned n = 0;
    for (unsigned i = 0; i < user->world.scenario->jobs; i++) n += user->world.jobs[i].seen == state;
    return n;
}

static unsigned ready(const struct user *user) {
    unsigned n = 0;
    for (unsigned i = 0; i < user->world.scenario->jobs; i++)
        n += user->world.jobs[i].seen == V_WAITING && user->world.jobs[i].due <= user->world.now;
    return n;
}

static void submit_what_may(struct user *user) {
    struct world *world = &user->world;
    unsigned others = known(user, V_QUEUED), waiting = ready(user);
    for (unsigned i = 0; i < world->scenario->jobs && waiting > 0; i++) {
        struct vjob *job = &world->jobs[i];
        if (job->seen != V_WAITING || job->due > world->now) continue;
        if (others >= e5_admission_limit(&user->admission, &user->admitting, world->now, waiting)) return;
        e5_admission_submitted(&user->admission, &user->admitting, world->now, others);
        job->others = others++;
        submit(world, job);
        user->view.newest = world->now;
        user->view.queued++;
        waiting--;
    }
}

static void notice(struct user *user, struct vjob *job) {
    double now = user->world.now;
    user->view.left += job->seen == V_QUEUED && (job->state == V_RUNNING || job->state == V_DONE);
    bool old = job->state == V_QUEUED && now - job->submitted > user->admitting.confirm;
    if (!job->survived && (old || job->state == V_RUNNING || job->state == V_DONE)) {
        job->survived = true;
        e5_admission_survived(&user->admission, &user->admitting, now, job->submitted, job->others);
    }
    if (job->state == V_REJECTED) {
        user->world.rejections++;
        e5_admission_rejected(&user->admission, &user->admitting, now, job->submitted, job->others);
        job->due = now + e5_admission_wait(&user->admission, &user->admitting, ++job->times);
        job->state = V_WAITING;
    }
    if (job->state == V_DONE && job->seen != V_DONE) {
        job->noticed = now;
        e5_pacer_ran(&user->pacer, job->ended - job->started);
    }
    job->seen = job->state;
}

static void look(struct user *user) {
    struct world *world = &user->world;
    user->view.left = 0;
    user->view.chance = 0;
    for (unsigned i = 0; i < world->scenario->jobs; i++) {
        struct vjob *job = &world->jobs[i];
        if (job->seen == V_QUEUED || job->seen == V_RUNNING) notice(user, job);
        if (job->seen == V_RUNNING)
            user->view.chance += e5_pacer_chance(&user->pacer, &user->pacing, world->now - job->started);
    }
    user->view.queued = known(user, V_QUEUED);
    user->view.waiting = ready(user);
    e5_pacer_looked(&user->pacer, &user->pacing, world->now, &user->view);
    world->looks++;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct outcome outcome_of(const struct user *user) {
    const struct world *world = &user->world;
    static double waits[MOST_JOBS];
    unsigned n = world->scenario->jobs;
    for (unsigned i = 0; i < n; i++) waits[i] = world->jobs[i].noticed - world->jobs[i].ended;
    qsort(waits, n, sizeof waits[0], compare);
    return (struct outcome){
        .makespan = world->now,
        .rejected = (double)world->rejections / world->submissions,
        .looks = world->looks,
        .wait_median = waits[n / 2],
        .wait_99 = waits[(n * 99 + 99) / 100 - 1],
    };
}

/* Wakes up for looks, and every now and then to see whether more may be submitted. */
static struct outcome run_user(const struct scenario *scenario, uint64_t seed) {
    static struct user user;
    memset(&user, 0, sizeof user);
    world_begin(&user.world, scenario, seed);
    user.admitting = (struct e5_admission_policy){.ceiling = scenario->ceiling, .rejection_wait = 60, .confirm = 15};
    user.pacing = (struct e5_pacer_policy){.interval = 5, .shortest = 0.25, .longest = 10};
    e5_admission_init(&user.admission, seed);
    e5_pacer_init(&user.pacer, 0);
    submit_what_may(&user);
    while (known(&user, V_DONE) < scenario->jobs) {
        unsigned alive = known(&user, V_QUEUED) + known(&user, V_RUNNING);
        double next = alive > 0 ? e5_pacer_next(&user.pacer, &user.pacing, &user.view) : user.world.now + 1;
        advance(&user.world, fmax(next, user.world.now));
        if (alive > 0) look(&user);
        submit_what_may(&user);
    }
    return outcome_of(&user);
}

#endif
