#include <float.h>
#include <stdint.h>

#include "check.h"
#include "diag/quantile.h"

static double of(size_t n, const double *values, double probability, int type) {
    double copy[64];
    memcpy(copy, values, n * sizeof *values);
    return e5_quantile(copy, n, probability, type);
}

static bool near(double a, double b) { return fabs(a - b) < 1e-12; }

TEST(published_values) {
    static const double nine[] = {3, 1, 9, 2, 8, 4, 7, 5, 6}, five[] = {15, 20, 35, 40, 50};
    static const double expected[] = {7, 7, 6, 6.3, 6.8, 7, 6.6, 6 + 13. / 15, 6.85};
    for (int type = 1; type <= 9; type++) CHECK(near(of(9, nine, 0.7, type), expected[type - 1]));
    CHECK(near(of(5, five, 0.4, 7), 29));
    CHECK(near(of(5, five, 0.4, 8), 27));
}

/* At a value type 1 takes it, type 2 the mean of it and the next, type 3 the one whose number is even. */
TEST(types_that_step) {
    static const double ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const double expected[][3] = {{1, 1.5, 1}, {3, 3.5, 3}, {4, 4, 4}, {3, 3, 2}, {4, 4, 4}, {10, 10, 10}};
    static const double probability[] = {0.1, 0.3, 0.36, 0.24, 0.35, 1};
    for (int type = 1; type <= 3; type++)
        for (int k = 0; k < 6; k++) CHECK(of(10, ten, probability[k], type) == expected[k][type - 1]);
    CHECK(of(10, ten, 0.25, 3) == 2 && of(10, ten, 0.45, 3) == 4); /* 2.5 and 4.5 values: even, not up */
}

TEST(few_values) {
    static const double values[] = {5, 3};
    for (int type = 1; type <= 9; type++) {
        CHECK(isnan(of(0, values, 0.5, type)));
        CHECK(of(1, values, 0.9, type) == 5 && of(1, values, 0, type) == 5 && of(1, values, 1, type) == 5);
        CHECK(of(2, values, 0, type) == 3 && of(2, values, 1, type) == 5);
    }
    CHECK(of(2, values, 0.5, 7) == 4 && of(2, values, 0.5, 4) == 3);
}

/* A product may come out a little below or above a whole number: within four roundings it is that number. */
TEST(whole_positions_hit_their_value) {
    double values[60];
    for (int i = 0; i < 60; i++) values[i] = i + 1;
    for (size_t n = 10; n <= 60; n += 10)
        for (int tenth = 1; tenth < 10; tenth++) CHECK(of(n, values, tenth / 10., 4) == (double)n * tenth / 10);
    struct e5_quantile_rank rank;
    static const double almost_three[] = {0.3 - 0x1p-54, 0.3 + 0x1p-54};
    for (int i = 0; i < 2; i++) {
        CHECK(10 * almost_three[i] != 3);
        rank = e5_quantile_rank(almost_three[i], 4, 10);
        CHECK(rank.lower == 2 && rank.upper == 3 && rank.fraction == 0);
    }
    CHECK(14 * (0.5 - 0x1p-54) < 7);
    rank = e5_quantile_rank(0.5 - 0x1p-54, 4, 14); /* just at the edge: never a fraction below 0 */
    CHECK(rank.lower == 6 && rank.upper == 7 && rank.fraction == 0);
    rank = e5_quantile_rank(0.7 - 1e-14, 4, 10);
    CHECK(rank.lower == 5 && rank.upper == 6 && rank.fraction > 0.99);
    rank = e5_quantile_rank(0.7 + 1e-14, 4, 10);
    CHECK(rank.lower == 6 && rank.fraction > 0);
}

TEST(ranks_stay_inside) {
    for (int type = 1; type <= 9; type++)
        for (size_t n = 1; n < 40; n++)
            for (int k = 0; k <= 100; k++) {
                struct e5_quantile_rank rank = e5_quantile_rank(k / 100., type, n);
                CHECK(rank.lower <= rank.upper && rank.upper < n && rank.upper - rank.lower <= 1);
                CHECK(rank.fraction >= 0 && rank.fraction < 1);
            }
}

TEST(infinite_neighbours_do_not_spoil_a_hit) {
    static const double values[] = {1, 2, INFINITY};
    CHECK(of(3, values, 0.5, 7) == 2);
    CHECK(of(3, values, 1, 7) == INFINITY);
    CHECK(e5_quantile_between(1, 3, 0.25) == 1.5 && e5_quantile_between(2, INFINITY, 0) == 2);
}

/* Insertion sort: obviously right, and obviously slow. */
static void sort(double *values, size_t n) {
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && values[j - 1] > values[j]; j--) {
            double keep = values[j];
            values[j] = values[j - 1];
            values[j - 1] = keep;
        }
}

static double sorted_quantile(const double *sorted, size_t n, double probability, int type) {
    struct e5_quantile_rank rank = e5_quantile_rank(probability, type, n);
    return e5_quantile_between(sorted[rank.lower], sorted[rank.upper], rank.fraction);
}

static void agrees_with_sorting(const double *values, size_t n) {
    static const double probabilities[] = {0, 0.1, 0.33, 0.5, 0.9, 0.99, 1};
    double sorted[64], work[64];
    memcpy(sorted, values, n * sizeof *values);
    sort(sorted, n);
    for (size_t k = 0; k < sizeof probabilities / sizeof *probabilities; k++) {
        memcpy(work, values, n * sizeof *values);
        CHECK(e5_quantile(work, n, probabilities[k], 8) == sorted_quantile(sorted, n, probabilities[k], 8));
        sort(work, n);
        CHECK(memcmp(work, sorted, n * sizeof *work) == 0); /* reordered, nothing lost */
    }
}

TEST(selection_equals_sorting) {
    uint32_t state = 1;
    double values[64];
    for (int round = 0; round < 600; round++) {
        size_t n = 1 + (size_t)round % 64;
        for (size_t i = 0; i < n; i++) {
            state = state * 1664525 + 1013904223;
            values[i] = round % 3 == 0 ? state >> 30 : state / 1e6; /* many ties, or none */
            if (round % 5 == 1) values[i] = (double)i;
            if (round % 5 == 2) values[i] = -(double)i;
            if (round % 5 == 3) values[i] = fabs((double)i - (double)n / 2);
        }
        agrees_with_sorting(values, n);
    }
}

TEST(arguments_are_checked) {
    CHECK_OK(e5_quantile_check(0, 1, err));
    CHECK_OK(e5_quantile_check(1, 9, err));
    CHECK_STATUS(E5_INPUT, e5_quantile_check(0.5, 0, err));
    CHECK_STATUS(E5_INPUT, e5_quantile_check(0.5, 10, err));
    CHECK_STATUS(E5_INPUT, e5_quantile_check(-DBL_MIN, 8, err));
    CHECK_STATUS(E5_INPUT, e5_quantile_check(90, 8, err));
    CHECK_STATUS(E5_INPUT, e5_quantile_check(NAN, 8, err));
}

int main(void) {
    RUN(published_values);
    RUN(types_that_step);
    RUN(few_values);
    RUN(whole_positions_hit_their_value);
    RUN(ranks_stay_inside);
    RUN(infinite_neighbours_do_not_spoil_a_hit);
    RUN(selection_equals_sorting);
    RUN(arguments_are_checked);
    return check_summary();
}
