#include "net/flow.h"

#include "check.h"

static struct e5_flow flow;

TEST(enough_is_enough) {
    e5_flow_begin(&flow, 10, 100);
    for (int i = 0; i < 1000; i++) CHECK(!e5_flow_too_slow(&flow, i, 101 * (int64_t)i));
}

TEST(too_little_is_noticed_after_one_window) {
    e5_flow_begin(&flow, 10, 100);
    for (int i = 0; i <= 10; i++) CHECK(!e5_flow_too_slow(&flow, 5 + i, 99 * (int64_t)i));
    CHECK(e5_flow_too_slow(&flow, 15.1, 99 * 10));
}

TEST(silence_is_noticed_one_window_after_the_last_quota) {
    e5_flow_begin(&flow, 0.5, 1000);
    CHECK(!e5_flow_too_slow(&flow, 100, 0));
    CHECK(!e5_flow_too_slow(&flow, 100.25, 500)); /* the quota: a new window */
    CHECK(!e5_flow_too_slow(&flow, 100.75, 999));
    CHECK(e5_flow_too_slow(&flow, 100.76, 999));
}

TEST(without_a_limit_one_byte_will_do) {
    e5_flow_begin(&flow, 1, 0);
    for (int i = 0; i < 10; i++) CHECK(!e5_flow_too_slow(&flow, i, i));
    CHECK(e5_flow_too_slow(&flow, 10.5, 9));
}

TEST(another_speed_does_not_begin_anew) {
    e5_flow_begin(&flow, 1, 1000);
    CHECK(!e5_flow_too_slow(&flow, 0, 0));
    e5_flow_ask(&flow, 10);
    CHECK(!e5_flow_too_slow(&flow, 0.9, 10));
    e5_flow_ask(&flow, 1000);
    CHECK(!e5_flow_too_slow(&flow, 1.8, 900));
    CHECK(e5_flow_too_slow(&flow, 2, 900));
}

int main(void) {
    RUN(enough_is_enough);
    RUN(too_little_is_noticed_after_one_window);
    RUN(silence_is_noticed_one_window_after_the_last_quota);
    RUN(without_a_limit_one_byte_will_do);
    RUN(another_speed_does_not_begin_anew);
    return check_summary();
}
