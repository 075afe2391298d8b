#include "net/retry.h"

#include "check.h"

static const struct e5_retry_policy day = {.patience = 86400, .pace = 1, .first = 1, .longest = 120};

TEST(waits_lie_between_half_a_second_and_a_growing_bound) {
    struct e5_retry retry;
    double longest = 0, wait;
    e5_retry_init(&retry, 1);
    for (int n = 0; n < 40; n++) {
        double bound = n < 7 ? ldexp(1, n) : 120;
        CHECK(e5_retry_again(&retry, &day, n, 0, &wait));
        CHECK(wait >= 0.5 && wait <= fmax(bound, 0.5) && wait <= 120);
        longest = fmax(longest, wait);
    }
    CHECK(longest > 60);
    CHECK(retry.tries == 40);
}

TEST(seeds_part_and_repeat) {
    struct e5_retry a, b, c;
    e5_retry_init(&a, 1);
    e5_retry_init(&b, 1);
    e5_retry_init(&c, 2);
    double first = e5_retry_random(&a);
    CHECK(first == e5_retry_random(&b) && first != e5_retry_random(&c));
    for (int i = 0; i < 1000; i++) {
        double x = e5_retry_random(&a);
        CHECK(x >= 0 && x < 1);
    }
}

TEST(patience_counts_from_the_last_progress) {
    struct e5_retry_policy policy = {.patience = 10, .pace = 1, .first = 1, .longest = 120};
    struct e5_retry retry;
    double wait;
    e5_retry_init(&retry, 3);
    CHECK(e5_retry_again(&retry, &policy, 100, 0, &wait));
    CHECK(e5_retry_again(&retry, &policy, 109, 0, &wait) && wait <= 1);
    e5_retry_progress(&retry);
    CHECK(e5_retry_again(&retry, &policy, 115, 0, &wait));
    CHECK(!e5_retry_again(&retry, &policy, 125, 0, &wait));
    CHECK(retry.tries == 4);
}

TEST(service_may_name_the_wait) {
    struct e5_retry_policy policy = {.patience = 100, .pace = 0.01, .first = 1, .longest = 120};
    struct e5_retry retry;
    double wait;
    e5_retry_init(&retry, 3);
    CHECK(e5_retry_again(&retry, &policy, 0, 17, &wait) && wait == 17);
    CHECK(!e5_retry_again(&retry, &policy, 1, 101, &wait)); /* longer than anybody would wait */
}

TEST(retry_after_is_read_with_care) {
    double noon = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    CHECK(e5_retry_after("17", noon) == 17);
    CHECK(e5_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", noon) == 60);
    CHECK(e5_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", noon) == 0);
    CHECK(e5_retry_after("99999999999999", noon) == 6 * 3600);
    static const char *const useless[] = {"", "0", "-5", "1.5", "soon", "12 s"};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) CHECK(e5_retry_after(useless[i], noon) == 0);
}

TEST(first_and_longest_wait_are_settings) {
    struct e5_retry_policy policy = {.patience = 1e6, .pace = 1, .first = 0.01, .longest = 0.1};
    struct e5_retry retry;
    double wait, longest = 0;
    e5_retry_init(&retry, 7);
    CHECK(e5_retry_again(&retry, &policy, 0, 0, &wait) && wait >= 0.005 && wait <= 0.01);
    for (int i = 0; i < 50; i++) {
        CHECK(e5_retry_again(&retry, &policy, i, 0, &wait) && wait >= 0.005 && wait <= 0.1);
        longest = fmax(longest, wait);
    }
    CHECK(longest > 0.05);
}

int main(void) {
    RUN(first_and_longest_wait_are_settings);
    RUN(waits_lie_between_half_a_second_and_a_growing_bound);
    RUN(seeds_part_and_repeat);
    RUN(patience_counts_from_the_last_progress);
    RUN(service_may_name_the_wait);
    RUN(retry_after_is_read_with_care);
    return check_summary();
}
