#include "net/lifecycle.h"

#include "check.h"

static enum e5_wait last_wait;

static enum e5_stage after(struct e5_lifecycle *life, enum e5_event event) {
    last_wait = e5_lifecycle_advance(life, event);
    return life->stage;
}

TEST(the_straight_way) {
    static const struct {
        enum e5_event event;
        enum e5_stage next;
    } way[] = {{E5_EVENT_FRESH, E5_STAGE_INTEND},   {E5_EVENT_SAVED, E5_STAGE_SUBMIT},
               {E5_EVENT_CREATED, E5_STAGE_RECORD}, {E5_EVENT_SAVED, E5_STAGE_POLL},
               {E5_EVENT_WORKING, E5_STAGE_POLL},   {E5_EVENT_ENDED, E5_STAGE_LOCATE},
               {E5_EVENT_LOCATED, E5_STAGE_OPEN},   {E5_EVENT_READY, E5_STAGE_LOAD},
               {E5_EVENT_WHOLE, E5_STAGE_CHECK},    {E5_EVENT_SOUND, E5_STAGE_DONE}};
    struct e5_lifecycle life = {.stage = E5_STAGE_CLAIM};
    for (size_t i = 0; i < sizeof way / sizeof way[0]; i++) CHECK(after(&life, way[i].event) == way[i].next);
}

TEST(a_lost_submission_is_looked_for_three_times) {
    struct e5_lifecycle life = {.stage = E5_STAGE_SUBMIT};
    for (int round = 0; round < 2; round++) {
        CHECK(after(&life, E5_EVENT_LOST) == E5_STAGE_LOOK);
        CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_LOOK && last_wait == E5_WAIT_LOOK);
        CHECK(after(&life, E5_EVENT_TEMPORARY) == E5_STAGE_LOOK && last_wait == E5_WAIT_RETRY);
        CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_LOOK);
        CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_INTEND);
        CHECK(after(&life, E5_EVENT_SAVED) == E5_STAGE_SUBMIT);
    }
}

TEST(temporary_faults_have_no_budget_here) {
    struct e5_lifecycle life = {.stage = E5_STAGE_POLL};
    for (int i = 0; i < 1000; i++) CHECK(after(&life, E5_EVENT_TEMPORARY) == E5_STAGE_POLL);
}

/* From `stage`, `event` may happen `allowed` times, each time leading to `next`; then the way ends. */
static void check_budget(enum e5_stage stage, enum e5_event event, enum e5_stage next, int allowed) {
    struct e5_lifecycle life = {.stage = stage};
    for (int i = 0; i < allowed; i++) {
        CHECK(after(&life, event) == next);
        life.stage = stage;
    }
    CHECK(after(&life, event) == E5_STAGE_FAILED);
}

TEST(budgets_end) {
    check_budget(E5_STAGE_POLL, E5_EVENT_EXPIRED, E5_STAGE_INTEND, 1);
    check_budget(E5_STAGE_POLL, E5_EVENT_MISSING, E5_STAGE_INTEND, 1);
    check_budget(E5_STAGE_POLL, E5_EVENT_SHAKY, E5_STAGE_INTEND, 2);
    check_budget(E5_STAGE_POLL, E5_EVENT_UNREADABLE, E5_STAGE_POLL, 3);
    check_budget(E5_STAGE_LOAD, E5_EVENT_CORRUPT, E5_STAGE_OPEN, 1);
    check_budget(E5_STAGE_CHECK, E5_EVENT_CORRUPT, E5_STAGE_OPEN, 1);
    check_budget(E5_STAGE_POLL, E5_EVENT_BROKEN, E5_STAGE_FAILED, 0);
    check_budget(E5_STAGE_POLL, E5_EVENT_DISMISSED, E5_STAGE_FAILED, 0);
}

TEST(a_change_of_stage_forgives_small_faults) {
    struct e5_lifecycle life = {.stage = E5_STAGE_POLL};
    for (int i = 0; i < 3; i++) after(&life, E5_EVENT_UNREADABLE);
    CHECK(after(&life, E5_EVENT_ENDED) == E5_STAGE_LOCATE);
    for (int i = 0; i < 3; i++) CHECK(after(&life, E5_EVENT_UNREADABLE) == E5_STAGE_LOCATE);
}

TEST(a_full_queue_is_never_an_end) {
    struct e5_lifecycle life = {.stage = E5_STAGE_POLL};
    for (int i = 0; i < 100; i++) {
        CHECK(after(&life, E5_EVENT_CROWDED) == E5_STAGE_INTEND && last_wait == E5_WAIT_CROWD);
        life.stage = E5_STAGE_POLL;
    }
}

TEST(a_goal_on_the_way_is_the_end) {
    struct e5_lifecycle job = {.goal = E5_STAGE_POLL}, result = {.goal = E5_STAGE_OPEN};
    CHECK(after(&job, E5_EVENT_FRESH) == E5_STAGE_INTEND && after(&job, E5_EVENT_SAVED) == E5_STAGE_SUBMIT);
    CHECK(after(&job, E5_EVENT_CREATED) == E5_STAGE_RECORD);
    CHECK(after(&job, E5_EVENT_SAVED) == E5_STAGE_DONE && last_wait == E5_WAIT_NONE);
    CHECK(after(&result, E5_EVENT_ATTACH) == E5_STAGE_POLL && after(&result, E5_EVENT_WORKING) == E5_STAGE_POLL);
    CHECK(after(&result, E5_EVENT_LOCATED) == E5_STAGE_DONE);
    result = (struct e5_lifecycle){.goal = E5_STAGE_OPEN};
    CHECK(after(&result, E5_EVENT_KNOWN) == E5_STAGE_DONE);
    struct e5_lifecycle file = {.stage = E5_STAGE_CLAIM};
    CHECK(after(&file, E5_EVENT_KNOWN) == E5_STAGE_OPEN);
}

TEST(looks_are_a_setting) {
    struct e5_lifecycle life = {.stage = E5_STAGE_LOOK, .looks = 1};
    CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_INTEND);
    CHECK(after(&life, E5_EVENT_PENDING) == E5_STAGE_LOOK); /* an earlier process was about to submit it */
    life.looks = 5;
    for (int i = 0; i < 4; i++) CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_LOOK);
    CHECK(after(&life, E5_EVENT_ABSENT) == E5_STAGE_INTEND);
}

TEST(unknown_events_fail) {
    struct e5_lifecycle life = {.stage = E5_STAGE_DONE};
    CHECK(after(&life, E5_EVENT_SAVED) == E5_STAGE_FAILED);
}

TEST(repeated_too_often_an_event_means_another) {
    struct e5_lifecycle life = {.stage = E5_STAGE_LOAD};
    CHECK(e5_lifecycle_meaning(&life, E5_EVENT_SHORT) == E5_EVENT_SHORT);
    CHECK(after(&life, E5_EVENT_SHORT) == E5_STAGE_LOAD);
    CHECK(e5_lifecycle_meaning(&life, E5_EVENT_SHORT) == E5_EVENT_CORRUPT);
    CHECK(after(&life, E5_EVENT_SHORT) == E5_STAGE_OPEN); /* from the beginning, as after damage */
    life.stage = E5_STAGE_LOAD;
    CHECK(after(&life, E5_EVENT_SHORT) == E5_STAGE_FAILED);
    life = (struct e5_lifecycle){.stage = E5_STAGE_LOAD};
    CHECK(after(&life, E5_EVENT_GONE) == E5_STAGE_LOCATE);
    life.stage = E5_STAGE_LOAD;
    CHECK(e5_lifecycle_meaning(&life, E5_EVENT_GONE) == E5_EVENT_EXPIRED);
    CHECK(after(&life, E5_EVENT_GONE) == E5_STAGE_INTEND);
}

TEST(after_vain_looks_a_submission_waits) {
    struct e5_lifecycle life = {.stage = E5_STAGE_LOOK, .looks = 2};
    CHECK(e5_lifecycle_advance(&life, E5_EVENT_ABSENT) == E5_WAIT_LOOK);
    CHECK(e5_lifecycle_advance(&life, E5_EVENT_ABSENT) == E5_WAIT_RETRY && life.stage == E5_STAGE_INTEND);
}

int main(void) {
    RUN(the_straight_way);
    RUN(a_lost_submission_is_looked_for_three_times);
    RUN(temporary_faults_have_no_budget_here);
    RUN(budgets_end);
    RUN(a_change_of_stage_forgives_small_faults);
    RUN(a_full_queue_is_never_an_end);
    RUN(a_goal_on_the_way_is_the_end);
    RUN(looks_are_a_setting);
    RUN(unknown_events_fail);
    RUN(repeated_too_often_an_event_means_another);
    RUN(after_vain_looks_a_submission_waits);
    return check_summary();
}
