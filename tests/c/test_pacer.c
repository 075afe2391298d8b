#include "net/pacer.h"

#include <stdlib.h>

#include "check.h"
#include "virtual_queue.h"

static const struct e5_pacer_policy usual = {.interval = 5, .shortest = 0.25, .longest = 10};

TEST(gaps_keep_their_bounds) {
    struct e5_pacer pacer;
    e5_pacer_init(&pacer, 0);
    double now = 0;
    for (int i = 0; i < 2000; i++) {
        struct e5_pacer_view view = {
            .queued = i % 3, .left = i % 2, .waiting = i % 4, .newest = now - i % 50, .chance = (i % 5) * 0.2};
        double next = e5_pacer_next(&pacer, &usual, &view);
        CHECK(next >= now + usual.shortest && next <= now + usual.longest + 1e-9);
        now = next;
        e5_pacer_looked(&pacer, &usual, now, &view);
        if (i % 7 == 0) e5_pacer_ran(&pacer, i % 90);
    }
}

TEST(a_single_job_is_looked_at_soon_and_then_ever_more_rarely) {
    struct e5_pacer pacer;
    struct e5_pacer_view view = {.queued = 1, .newest = 100};
    e5_pacer_init(&pacer, 0);
    double now = e5_pacer_next(&pacer, &usual, &view), gap = 0;
    CHECK(now > 100 && now <= 101);
    for (int i = 0; i < 30; i++) {
        e5_pacer_looked(&pacer, &usual, now, &view);
        double next = e5_pacer_next(&pacer, &usual, &view);
        CHECK(next - now >= gap - 1e-9);
        gap = next - now;
        now = next;
    }
    CHECK(gap == 10);
}

TEST(looks_come_close_when_a_job_is_as_old_as_others_were) {
    struct e5_pacer pacer;
    e5_pacer_init(&pacer, 0);
    for (int i = 0; i < 20; i++) e5_pacer_ran(&pacer, 55 + i % 10);
    double young = e5_pacer_chance(&pacer, &usual, 10), ripe = e5_pacer_chance(&pacer, &usual, 54);
    CHECK(ripe > 10 * young);
    struct e5_pacer_view view = {.chance = young};
    double rarely = e5_pacer_next(&pacer, &usual, &view);
    view.chance = ripe;
    CHECK(e5_pacer_next(&pacer, &usual, &view) < 0.6 * rarely);
}

TEST(without_budget_looks_are_paid_by_time_alone) {
    struct e5_pacer pacer;
    struct e5_pacer_view view = {.chance = 5};
    double now = 0;
    unsigned looks = 0;
    e5_pacer_init(&pacer, 0);
    for (; now < 1000; looks++) {
        now = e5_pacer_next(&pacer, &usual, &view);
        e5_pacer_looked(&pacer, &usual, now, &view);
    }
    CHECK(looks <= 1000 / 5 + 13); /* the first dozen come besides */
}

TEST(chances_are_finite_for_whatever_was_seen) {
    struct e5_pacer pacer;
    e5_pacer_init(&pacer, 0);
    static const double runs[] = {0, -1, 1e-9, 0.5, 1e6, 0};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        e5_pacer_ran(&pacer, runs[i]);
        for (double age = 0; age < 1e7; age = 2 * age + 0.1) {
            double chance = e5_pacer_chance(&pacer, &usual, age);
            CHECK(chance > 0 && chance <= 2.1);
        }
    }
}

/* A job that queues half of its time and runs the other half, alone: seconds from its end to the look that sees it.
 */
static double lateness_of_lone_job(double ends) {
    struct e5_pacer pacer;
    struct e5_pacer_view view = {.queued = 1};
    double runs_since = -1;
    e5_pacer_init(&pacer, 0);
    for (;;) {
        double now = e5_pacer_next(&pacer, &usual, &view);
        if (now >= ends) return now - ends;
        bool runs = now >= ends / 2;
        view = (struct e5_pacer_view){.queued = !runs, .left = runs && runs_since < 0};
        if (view.left > 0) runs_since = now;
        if (runs) view.chance = e5_pacer_chance(&pacer, &usual, now - runs_since);
        e5_pacer_looked(&pacer, &usual, now, &view);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

TEST(a_lone_job_is_noticed_within_seconds) {
    enum { COUNT = 160 };
    double late[COUNT];
    for (int i = 0; i < COUNT; i++) late[i] = lateness_of_lone_job(0.5 + 0.37 * i);
    qsort(late, COUNT, sizeof late[0], ascending);
    printf("a lone job of up to a minute: median %.2f s, 99 %% %.2f s\n", late[COUNT / 2], late[COUNT * 99 / 100]);
    CHECK(late[COUNT / 2] <= 2);
    CHECK(late[COUNT * 99 / 100] <= 7);
}

/* Whole runs. */

#define SEEDS 24

struct bound {
    struct scenario run;
    double median, last, rate; /* seconds from a job's end to its look, 99 % of them; looks per second */
};

/* Where jobs end one by one and by chance, looks five seconds apart cannot do better than a median of 2.5 s; the
 * medians of so few jobs scatter by some tenths. */
static const struct bound bounds[] = {
    {{"1 job, queued 1 to 5 minutes", 1, 50, 5, 120, 60, 300, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.215},
    {{"10 jobs, queued 1 to 10 minutes", 10, 50, 5, 120, 60, 600, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.215},
    {{"20 jobs, queued 1 to 10 minutes", 20, 50, 5, 120, 60, 600, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.215},
    {{"30 jobs, queued 1 to 5 minutes, 4 run", 30, 4, 5, 120, 60, 300, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.215},
    {{"100 jobs, 5 to 120 s, 4 run", 100, 4, 5, 120, 0, 0, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.215},
    {{"100 jobs, 20 to 60 s, 4 run", 100, 4, 20, 60, 0, 0, 2, 10, false, {200}, 1e9, 20}, 2.9, 10, 0.22},
    {{"50 jobs, 20 to 60 s, 2 run", 50, 2, 20, 60, 0, 0, 2, 10, false, {200}, 1e9, 20}, 2.3, 10, 0.215},
    {{"40 jobs, 28 to 32 s, 1 runs", 40, 1, 28, 32, 0, 0, 2, 10, false, {200}, 1e9, 20}, 2, 10, 0.215},
    {{"5 jobs queued 5 to 10 hours", 5, 5, 30, 120, 18000, 36000, 2, 10, false, {200}, 1e9, 20}, 2, 10, 0.11},
    {{"200 jobs of 0.5 s, 4 run", 200, 4, 0.5, 0.5, 0, 0, 2, 10, false, {20}, 1e9, 20}, 0.5, 1, 3.6},
};

static void run_bound(const struct bound *bound) {
    struct outcome mean = {0};
    double rate = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct outcome found = run_user(&bound->run, seed);
        mean.wait_median += found.wait_median / SEEDS;
        mean.wait_99 += found.wait_99 / SEEDS;
        mean.looks += found.looks / SEEDS;
        mean.makespan += found.makespan / SEEDS;
        rate += found.looks / found.makespan / SEEDS;
    }
    printf("%-40s %8.2f %7.2f %9.3f %9.2f\n", bound->run.name, mean.wait_median, mean.wait_99, rate,
           mean.looks / bound->run.jobs);
    CHECK(mean.wait_median <= bound->median);
    CHECK(mean.wait_99 <= bound->last);
    CHECK(rate <= bound->rate);
}

TEST(ends_are_noticed_soon_for_few_looks) {
    printf("%-40s %8s %7s %9s %9s\n", "from a job's end to its look, s", "median", "99 %", "looks/s", "looks/job");
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) run_bound(&bounds[i]);
}

TEST(short_jobs_keep_the_service_busy) {
    const struct bound *quick = &bounds[sizeof bounds / sizeof bounds[0] - 1];
    struct outcome found = run_user(&quick->run, 1);
    CHECK(found.looks <= 0.45 * quick->run.jobs);
    CHECK(25 / found.makespan >= 0.95);
}

int main(void) {
    RUN(gaps_keep_their_bounds);
    RUN(a_single_job_is_looked_at_soon_and_then_ever_more_rarely);
    RUN(looks_come_close_when_a_job_is_as_old_as_others_were);
    RUN(without_budget_looks_are_paid_by_time_alone);
    RUN(chances_are_finite_for_whatever_was_seen);
    RUN(a_lone_job_is_noticed_within_seconds);
    RUN(ends_are_noticed_soon_for_few_looks);
    RUN(short_jobs_keep_the_service_busy);
    return check_summary();
}
