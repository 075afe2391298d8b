#include "net/admission.h"

#include "check.h"
#include "virtual_queue.h"

static const struct e5_admission_policy usual = {.ceiling = 20, .rejection_wait = 60, .confirm = 15};

static unsigned limit_of(const struct e5_admission *admission, double now) {
    return e5_admission_limit(admission, &usual, now, 100);
}

/* Submits until the limit is reached; every one survives `seconds` later. */
static double fill(struct e5_admission *admission, double now, double seconds) {
    unsigned n = 0;
    while (n < limit_of(admission, now)) e5_admission_submitted(admission, &usual, now, n++);
    for (unsigned i = 0; i < n; i++) e5_admission_survived(admission, &usual, now + seconds, now, i);
    return now + seconds;
}

static struct e5_admission grown_to(unsigned limit, double *now) {
    struct e5_admission admission;
    e5_admission_init(&admission, 1);
    *now = 0;
    while (admission.limit < limit) *now = fill(&admission, *now, 16);
    return admission;
}

TEST(begins_with_two_and_risks_few_at_a_time) {
    struct e5_admission admission;
    e5_admission_init(&admission, 1);
    CHECK(limit_of(&admission, 0) == 2);
    double now = 0;
    for (unsigned before = 2; now < 1000; before = limit_of(&admission, now)) {
        now = fill(&admission, now, 16);
        CHECK(limit_of(&admission, now) <= before + 2);
    }
    CHECK(limit_of(&admission, now) == 20); /* the ceiling */
}

TEST(while_a_trial_is_open_there_is_no_second_one) {
    struct e5_admission admission;
    e5_admission_init(&admission, 1);
    e5_admission_submitted(&admission, &usual, 0, 0);
    e5_admission_submitted(&admission, &usual, 0, 1);
    CHECK(limit_of(&admission, 1) == 1);
}

TEST(a_failed_trial_leaves_the_limit) {
    double now;
    struct e5_admission admission = grown_to(8, &now);
    e5_admission_submitted(&admission, &usual, now, 8);
    e5_admission_rejected(&admission, &usual, now + 6, now, 8);
    CHECK(admission.limit == 8 && admission.rejected == 1 && admission.hold_until < now);
    CHECK(limit_of(&admission, now + 80) == 8);
}

TEST(of_a_trial_of_two_one_may_survive) {
    double now;
    struct e5_admission admission = grown_to(6, &now);
    now += 100;
    CHECK(admission.limit == 6 && limit_of(&admission, now) == 8);
    e5_admission_submitted(&admission, &usual, now, 6);
    CHECK(limit_of(&admission, now) == 8);
    e5_admission_submitted(&admission, &usual, now, 7);
    CHECK(limit_of(&admission, now) == 6);
    e5_admission_rejected(&admission, &usual, now + 6, now, 7);
    e5_admission_survived(&admission, &usual, now + 16, now, 6);
    CHECK(admission.limit == 7 && admission.rejected == 1);
}

TEST(a_rejection_below_the_limit_shows_a_fall) {
    double now;
    struct e5_admission admission = grown_to(12, &now);
    e5_admission_submitted(&admission, &usual, now, 10);
    e5_admission_rejected(&admission, &usual, now + 6, now, 10);
    CHECK(admission.limit == 3);
    now += 20;
    e5_admission_submitted(&admission, &usual, now, 0);
    e5_admission_rejected(&admission, &usual, now + 6, now, 0);
    CHECK(admission.limit == 1);
}

TEST(a_burst_counts_once) {
    double now;
    struct e5_admission admission = grown_to(12, &now);
    for (unsigned i = 6; i < 12; i++) e5_admission_rejected(&admission, &usual, now + 6 + i, now, i);
    CHECK(admission.rejected == 1 && admission.limit == 2);
    e5_admission_rejected(&admission, &usual, now + 40, now + 30, 1);
    CHECK(admission.rejected == 2);
}

TEST(a_rejection_of_all_there_is_holds_everything_back_for_longer_and_longer) {
    struct e5_admission admission;
    double now = 0, last = 0;
    e5_admission_init(&admission, 1);
    for (int i = 0; i < 12; i++) {
        e5_admission_submitted(&admission, &usual, now, 0);
        e5_admission_rejected(&admission, &usual, now + 5, now, 0);
        double wait = admission.hold_until - (now + 5);
        CHECK(wait >= 60 && wait <= 16 * 60 * 1.25 && (i == 0 || wait > last || wait >= 16 * 60));
        CHECK(limit_of(&admission, admission.hold_until - 1) == 0);
        CHECK(limit_of(&admission, admission.hold_until) >= 1);
        last = wait;
        now = admission.hold_until;
    }
    CHECK(last >= 16 * 60);
}

TEST(what_was_submitted_before_a_rejection_proves_nothing_after_it) {
    double now;
    struct e5_admission admission = grown_to(8, &now);
    e5_admission_rejected(&admission, &usual, now + 6, now, 6);
    CHECK(admission.limit == 2);
    e5_admission_survived(&admission, &usual, now + 7, now, 7);
    CHECK(admission.limit == 2);
}

TEST(a_queue_is_filled_with_care_when_nobody_knows_what_it_holds_by_now) {
    double now;
    struct e5_admission admission = grown_to(12, &now);
    e5_admission_rejected(&admission, &usual, now + 6, now, 12);
    now += 600;
    e5_admission_submitted(&admission, &usual, now, 7);
    CHECK(limit_of(&admission, now + 1) == 6);
    e5_admission_survived(&admission, &usual, now + 2, now, 7);
    CHECK(limit_of(&admission, now + 2) >= 12);
}

TEST(waits_of_a_request_grow_and_spread) {
    struct e5_admission a, b;
    e5_admission_init(&a, 1);
    e5_admission_init(&b, 2);
    CHECK(e5_admission_wait(&a, &usual, 1) != e5_admission_wait(&b, &usual, 1));
    for (unsigned times = 1; times < 50; times++) {
        double wait = e5_admission_wait(&a, &usual, times);
        CHECK(wait >= fmin(60 * pow(1.5, times - 1), 960) && wait <= 960 * 1.25);
    }
}

/* Whole runs against a service whose limit changes. */

#define SEEDS 24
#define CHANGING {8, 3, 12, 1, 6}

struct bound {
    struct scenario run;
    double ratio, rejected; /* means that are not exceeded */
};

/* The last four are told for what they show: limits that change within the wait of one rejection; a queue that moves
 * at a pace of its own, so that every place in it counts, where what a limit lost by caution is lost. */
static const struct bound bounds[] = {
    {{"2 run, 20 s each", 100, 2, 20, 20, 0, 0, 2, 10, false, CHANGING, 200, 20}, 1.1, 0.05},
    {{"3 run, 5 to 120 s", 100, 3, 5, 120, 0, 0, 2, 10, false, CHANGING, 420, 20}, 1.1, 0.05},
    {{"4 run, 5 to 120 s", 100, 4, 5, 120, 0, 0, 2, 10, false, CHANGING, 310, 20}, 1.1, 0.05},
    {{"4 run, 20 to 60 s", 100, 4, 20, 60, 0, 0, 2, 10, false, CHANGING, 200, 20}, 1.1, 0.05},
    {{"5 run, 5 to 120 s", 100, 5, 5, 120, 0, 0, 2, 10, false, CHANGING, 250, 20}, 1.1, 0.05},
    {{"6 run, 5 to 120 s", 100, 6, 5, 120, 0, 0, 2, 10, false, CHANGING, 210, 20}, 1.1, 0.05},
    {{"4 run, all new ones judged together", 100, 4, 5, 120, 0, 0, 2, 10, true, CHANGING, 310, 20}, 1.1, 0.055},
    {{"4 run, limit 1", 100, 4, 5, 120, 0, 0, 2, 10, false, {1}, 1e6, 20}, 1.1, 0.05},
    {{"4 run, limit 4", 100, 4, 5, 120, 0, 0, 2, 10, false, {4}, 1e6, 20}, 1.1, 0.05},
    {{"4 run, limit 32", 100, 4, 5, 120, 0, 0, 2, 10, false, {32}, 1e6, 20}, 1.1, 0},
    {{"200 of 0.5 s, 4 run, limit 6", 200, 4, 0.5, 0.5, 0, 0, 2, 10, false, {6}, 1e6, 20}, 1.05, 0.01},
    {{"200 of 0.5 s, 4 run, limit 20", 200, 4, 0.5, 0.5, 0, 0, 2, 10, false, {20}, 1e6, 20}, 1.05, 0},
    {{"queue of 10 to 30 minutes, limit 8", 100, 50, 5, 60, 600, 1800, 2, 10, false, {8}, 1e6, 20}, 1.1, 0.05},
    {{"6 run, 10 s each, fast changes", 100, 6, 10, 10, 0, 0, 2, 10, false, CHANGING, 34, 20}, 1.4, 0.07},
    {{"queue of 1 to 2 minutes, limit 8", 100, 50, 5, 60, 30, 120, 2, 10, false, {8}, 1e6, 20}, 1.25, 0.05},
    {{"the same, limit changes", 100, 50, 5, 60, 30, 120, 2, 10, false, CHANGING, 300, 20}, 3, 0.06},
};

static void run_bound(const struct bound *bound) {
    double ratio = 0, worst = 0, rejected = 0, most = 0, ideal = 0, looks = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        double knowing = makespan_knowing(&bound->run, seed);
        struct outcome found = run_user(&bound->run, seed);
        ideal += knowing / SEEDS;
        ratio += found.makespan / knowing / SEEDS;
        worst = fmax(worst, found.makespan / knowing);
        rejected += found.rejected / SEEDS;
        most = fmax(most, found.rejected);
        looks += found.looks / found.makespan / SEEDS;
    }
    printf("%-36s %8.0f %6.3f %6.3f %8.1f %% %5.1f %% %6.2f\n", bound->run.name, ideal, ratio, worst, 100 * rejected,
           100 * most, looks);
    CHECK(ratio <= bound->ratio);
    CHECK(rejected <= bound->rejected);
}

TEST(runs_are_near_to_those_of_a_scheduler_that_knows_the_limit) {
    printf("%-36s %8s %6s %6s %10s %7s %6s\n", "make-span", "knowing", "ratio", "worst", "rejected", "worst",
           "looks/s");
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) run_bound(&bounds[i]);
}

TEST(runs_repeat) {
    struct outcome a = run_user(&bounds[2].run, 7), b = run_user(&bounds[2].run, 7);
    CHECK(a.makespan == b.makespan && a.looks == b.looks && a.rejected == b.rejected);
}

int main(void) {
    RUN(begins_with_two_and_risks_few_at_a_time);
    RUN(while_a_trial_is_open_there_is_no_second_one);
    RUN(a_failed_trial_leaves_the_limit);
    RUN(of_a_trial_of_two_one_may_survive);
    RUN(a_rejection_below_the_limit_shows_a_fall);
    RUN(a_burst_counts_once);
    RUN(a_rejection_of_all_there_is_holds_everything_back_for_longer_and_longer);
    RUN(what_was_submitted_before_a_rejection_proves_nothing_after_it);
    RUN(a_queue_is_filled_with_care_when_nobody_knows_what_it_holds_by_now);
    RUN(waits_of_a_request_grow_and_spread);
    RUN(runs_are_near_to_those_of_a_scheduler_that_knows_the_limit);
    RUN(runs_repeat);
    return check_summary();
}
