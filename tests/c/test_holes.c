#include "check.h"
#include "model/holes.h"

enum { HOUR = 3600, MANY = 100 };

static int64_t stamps[MANY];

/* Hours 0, 1, 2, … but for those from `from` on, which come `later`. */
static void make(size_t from, int64_t later) {
    for (size_t i = 0; i < MANY; i++) stamps[i] = (int64_t)i * HOUR + (i >= from ? later : 0);
}

TEST(regular_steps_have_none) {
    make(MANY, 0);
    CHECK(e5_holes_find(stamps, MANY, HOUR).count == 0);
    CHECK(e5_holes_find(stamps, 1, HOUR).count == 0);
    CHECK(e5_holes_find(stamps, MANY, 0).count == 0);
}

TEST(a_lone_hole_of_any_length) {
    make(30, 1000 * HOUR);
    struct e5_holes found = e5_holes_find(stamps, MANY, HOUR);
    CHECK(found.count == 1 && found.missing == 1000 && found.after == 30);
    CHECK(e5_holes_find(stamps + 25, 10, HOUR).count == 0); /* one in nine: that is how it was asked for */
}

TEST(steps_that_fit_no_grid_have_none) {
    make(30, HOUR / 2);
    CHECK(e5_holes_find(stamps, MANY, HOUR).count == 0);
}

TEST(several_holes_miss_a_third_at_most) {
    make(30, 5 * HOUR);
    for (size_t i = 60; i < MANY; i++) stamps[i] += 5 * HOUR;
    struct e5_holes found = e5_holes_find(stamps, MANY, HOUR);
    CHECK(found.count == 2 && found.missing == 10 && found.after == 30);
    for (size_t i = 60; i < MANY; i++) stamps[i] += 50 * HOUR;
    CHECK(e5_holes_find(stamps, MANY, HOUR).count == 0);
}

int main(void) {
    RUN(regular_steps_have_none);
    RUN(a_lone_hole_of_any_length);
    RUN(steps_that_fit_no_grid_have_none);
    RUN(several_holes_miss_a_third_at_most);
    return check_summary();
}
