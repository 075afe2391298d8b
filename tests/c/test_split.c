#include "net/split.h"

#include "check.h"

#define MIB ((int64_t)1 << 20)

static const struct e5_split_policy usual = {.window = 1, .gain = 0.15};

/* A wire on which one connection brings `alone` bytes a second and all together at most `most`. */
struct wire {
    double alone, most;
    unsigned others;      /* connections of other files */
    unsigned idle;        /* connections that may be added */
    int64_t size;         /* of the file, cut into equal pieces */
    double late;          /* seconds that a new connection stands still */
    unsigned connections; /* of the file, at the end */
    unsigned answers[3];
    double over_at;       /* when it was first said that no more help; 0: never */
};

static double smaller(double a, double b) { return a < b ? a : b; }

static void run(struct wire *wire, double seconds) {
    struct e5_split split;
    double received = 0, begun = 0;
    e5_split_init(&split, 0, 0, 1 + wire->others);
    wire->connections = 1;
    for (double now = 0; now < seconds; now += 0.1) {
        unsigned flowing = wire->connections - (begun > 0 && now < begun + wire->late);
        received += 0.1 * smaller(wire->most, wire->alone * (flowing + wire->others));
        double share = received * wire->connections / (wire->connections + wire->others);
        int64_t left = (int64_t)(((double)wire->size - share) / wire->connections);
        unsigned idle = wire->idle + 1 - wire->connections;
        enum e5_split_advice advice =
            e5_split_advise(&split, &usual, now, (int64_t)received, wire->connections + wire->others, idle, left);
        wire->answers[advice]++;
        if (advice == E5_SPLIT_ADD) wire->connections++, begun = now;
        if (advice == E5_SPLIT_NO_MORE && wire->over_at == 0) wire->over_at = now;
    }
}

TEST(connections_that_are_slow_for_themselves_are_added) {
    struct wire wire = {.alone = 5.0 * MIB, .most = 1000.0 * MIB, .idle = 3, .size = 2048 * MIB};
    run(&wire, 20);
    CHECK(wire.connections == 4 && wire.answers[E5_SPLIT_ADD] == 3);
}

TEST(a_full_wire_is_tried_once) {
    struct wire wire = {.alone = 50.0 * MIB, .most = 50.0 * MIB, .idle = 7, .size = 4096 * MIB};
    run(&wire, 20);
    CHECK(wire.connections == 2 && wire.over_at > 2 && wire.over_at < 4);
}

TEST(splitting_ends_where_the_gain_ends) {
    struct wire wire = {.alone = 10.0 * MIB, .most = 31.0 * MIB, .idle = 7, .size = 4096 * MIB};
    run(&wire, 30);
    CHECK(wire.connections == 4 && wire.over_at > 0); /* the fourth brings 1 of 31 */
}

TEST(a_connection_may_need_time_to_get_going) {
    struct wire wire = {.alone = 5.0 * MIB, .most = 100.0 * MIB, .idle = 2, .size = 2048 * MIB, .late = 0.4};
    run(&wire, 20);
    CHECK(wire.connections == 3);
}

TEST(what_is_soon_here_is_not_split) {
    struct wire fast = {.alone = 900.0 * MIB, .most = 9000.0 * MIB, .idle = 3, .size = 2048 * MIB};
    run(&fast, 2);
    CHECK(fast.connections == 1);
    struct wire small = {.alone = 1.0 * MIB, .most = 100.0 * MIB, .idle = 3, .size = 31 * MIB};
    run(&small, 20);
    CHECK(small.connections == 1 && small.over_at > 0);
}

TEST(pieces_are_never_too_small) {
    struct wire wire = {.alone = 0.5 * MIB, .most = 100.0 * MIB, .idle = 15, .size = 112 * MIB};
    run(&wire, 60);
    CHECK(wire.connections == 4); /* of 25 MiB at most: half of one would be below 16 */
}

TEST(without_idle_connections_nothing_is_added) {
    struct wire wire = {.alone = 5.0 * MIB, .most = 1000.0 * MIB, .idle = 0, .size = 2048 * MIB, .others = 7};
    run(&wire, 20);
    CHECK(wire.connections == 1 && wire.over_at == 0);
}

TEST(one_file_at_the_cost_of_others_is_no_gain) {
    struct wire wire = {.alone = 20.0 * MIB, .most = 40.0 * MIB, .idle = 5, .size = 2048 * MIB, .others = 2};
    run(&wire, 20);
    CHECK(wire.connections == 2 && wire.over_at > 0);
}

TEST(connections_of_others_begin_the_measure_anew) {
    struct e5_split split;
    int64_t bytes = 0;
    e5_split_init(&split, 0, 0, 4);
    for (int i = 1; i <= 100; i++) { /* one comes or goes every 0.8 s */
        bytes += 5 * MIB;
        unsigned connections = 3 + (unsigned)(i / 8 % 2);
        CHECK(e5_split_advise(&split, &usual, 0.1 * i, bytes, connections, 4, 1000 * MIB) == E5_SPLIT_KEEP);
    }
}

TEST(a_connection_that_was_not_added_is_not_judged) {
    struct e5_split split;
    unsigned asked = 0;
    e5_split_init(&split, 0, 0, 1);
    for (int i = 1; i <= 100; i++) /* nobody heeds it */
        asked += e5_split_advise(&split, &usual, 0.1 * i, 5 * MIB * i, 1, 1, 1000 * MIB) == E5_SPLIT_ADD;
    CHECK(asked >= 3 && !split.over);
}

TEST(a_stalled_wire_is_left_alone) {
    struct e5_split split;
    e5_split_init(&split, 0, 100, 1);
    for (int i = 1; i <= 100; i++) /* bytes that are begun again count backwards */
        CHECK(e5_split_advise(&split, &usual, 0.1 * i, i < 50 ? 100 : 0, 1, 3, 1000 * MIB) == E5_SPLIT_KEEP);
}

int main(void) {
    RUN(connections_that_are_slow_for_themselves_are_added);
    RUN(a_full_wire_is_tried_once);
    RUN(splitting_ends_where_the_gain_ends);
    RUN(a_connection_may_need_time_to_get_going);
    RUN(what_is_soon_here_is_not_split);
    RUN(pieces_are_never_too_small);
    RUN(without_idle_connections_nothing_is_added);
    RUN(one_file_at_the_cost_of_others_is_no_gain);
    RUN(connections_of_others_begin_the_measure_anew);
    RUN(a_connection_that_was_not_added_is_not_judged);
    RUN(a_stalled_wire_is_left_alone);
    return check_summary();
}
