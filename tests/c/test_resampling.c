#include <stdlib.h>

#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "diag/normal.h"
#include "diag/resampling.h"

enum { LANES = E5_RESAMPLE_LANES };

TEST(draws_are_steps_of_the_sample_and_then_all_but_one) {
    enum { N = 7, COUNT = 5 };
    struct e5_resamples drawn;
    CHECK_OK(e5_resamples_draw(N, COUNT, 42, &drawn, err));
    CHECK(drawn.count == COUNT + N);
    for (size_t i = 0; i < drawn.start[COUNT]; i++) CHECK(drawn.step[i] < N);
    for (size_t r = 0; r < COUNT; r++) CHECK(drawn.start[r + 1] - drawn.start[r] == N);
    for (size_t left_out = 0; left_out < N; left_out++) {
        const uint16_t *list = drawn.step + drawn.start[COUNT + left_out];
        CHECK(drawn.start[COUNT + left_out + 1] - drawn.start[COUNT + left_out] == N - 1);
        for (size_t i = 0; i < N - 1; i++) CHECK(list[i] == i + (i >= left_out));
    }
    e5_resamples_free(&drawn);
}

TEST(a_key_gives_the_same_draws_and_another_gives_others) {
    struct e5_resamples first, same, longer, other;
    CHECK_OK(e5_resamples_draw(50, 20, 1, &first, err));
    CHECK_OK(e5_resamples_draw(50, 20, 1, &same, err));
    CHECK_OK(e5_resamples_draw(50, 90, 1, &longer, err));
    CHECK_OK(e5_resamples_draw(50, 20, 2, &other, err));
    size_t bytes = 50 * 20 * sizeof *first.step;
    CHECK(memcmp(first.step, same.step, bytes) == 0);
    CHECK(memcmp(first.step, longer.step, bytes) == 0); /* more of them leave the first ones as they are */
    CHECK(memcmp(first.step, other.step, bytes) != 0);
    e5_resamples_free(&first);
    e5_resamples_free(&same);
    e5_resamples_free(&longer);
    e5_resamples_free(&other);
}

TEST(all_choices_come_once) {
    enum { N = 6, PART = 3, COUNT = 20 };
    struct e5_resamples chosen;
    bool seen[1 << N] = {false};
    CHECK_OK(e5_resamples_choose(N, PART, COUNT, true, 0, &chosen, err));
    for (size_t r = 0; r < COUNT; r++) {
        unsigned set = 0;
        for (size_t i = chosen.start[r]; i < chosen.start[r + 1]; i++) set |= 1u << chosen.step[i];
        CHECK(__builtin_popcount(set) == PART && !seen[set]);
        seen[set] = true;
    }
    e5_resamples_free(&chosen);
    CHECK_OK(e5_resamples_toss(N, 1 << N, true, 0, &chosen, err));
    memset(seen, 0, sizeof seen);
    for (size_t r = 0; r < 1 << N; r++) {
        unsigned set = 0;
        for (size_t i = chosen.start[r]; i < chosen.start[r + 1]; i++) set |= 1u << chosen.step[i];
        CHECK(!seen[set]);
        seen[set] = true;
    }
    e5_resamples_free(&chosen);
}

TEST(random_choices_hold_no_step_twice) {
    struct e5_resamples chosen;
    CHECK_OK(e5_resamples_choose(300, 200, 30, false, 9, &chosen, err));
    for (size_t r = 0; r < 30; r++) {
        bool seen[300] = {false};
        for (size_t i = chosen.start[r]; i < chosen.start[r + 1]; i++) {
            CHECK(!seen[chosen.step[i]]);
            seen[chosen.step[i]] = true;
        }
    }
    e5_resamples_free(&chosen);
}

TEST(every_set_of_instructions_gives_the_same_bits) {
    enum { N = 23, COUNT = 300 };
    struct e5_resamples drawn;
    CHECK_OK(e5_resamples_draw(N, COUNT, 3, &drawn, err));
    struct e5_bootstrap what = {.resamples = &drawn, .n = N, .confidence = 0.9, .interval = E5_INTERVAL_BCA};
    void *scratch = aligned_alloc(64, (e5_bootstrap_scratch(&what) + 63) / 64 * 64);
    double tile[N * LANES], first[E5_BOOTSTRAP_RESULTS * LANES], other[E5_BOOTSTRAP_RESULTS * LANES];
    for (int statistic = E5_SAMPLE_MEAN; statistic <= E5_SAMPLE_MEDIAN; statistic++)
        for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
            e5_isa_limit((enum e5_isa)isa);
            what.statistic = (enum e5_statistic_of_sample)statistic;
            for (int i = 0; i < N * LANES; i++) tile[i] = 280 + fmod(i * 7.77, 13);
            e5_bootstrap_tile(&what, tile, isa == 0 ? first : other, scratch);
            CHECK(isa == 0 || memcmp(first, other, sizeof first) == 0);
            CHECK(first[E5_BOOTSTRAP_LOW * LANES] < first[0] && first[0] < first[E5_BOOTSTRAP_HIGH * LANES]);
        }
    e5_isa_limit(E5_ISA_AVX512);
    free(scratch);
    e5_resamples_free(&drawn);
}

/* Differences of means of every way to share six values among two samples of three, or to turn pairs round. */
static double difference(const double *values, unsigned set, bool paired) {
    double inside = 0, outside = 0;
    for (int i = 0; i < 6; i++) *(set >> i & 1 ? &inside : &outside) += values[i];
    return paired ? (outside - inside) / 6 : inside / 3 - outside / 3;
}

TEST(permutations_count_what_is_no_greater_and_no_less) {
    enum { N = 6, PART = 3, OBSERVED_OF_TWO = 7, OBSERVED_OF_PAIRS = 0 };
    for (int paired = 0; paired < 2; paired++) {
        struct e5_resamples all;
        double tile[N * LANES], kept[LANES][N], out[E5_PERMUTATION_RESULTS * LANES];
        CHECK_OK(paired ? e5_resamples_toss(N, 1 << N, true, 0, &all, err)
                        : e5_resamples_choose(N, PART, 20, true, 0, &all, err));
        struct e5_permutation what = {.resamples = &all, .n = N, .part = PART, .paired = paired};
        void *scratch = aligned_alloc(64, (e5_permutation_scratch(&what) + 63) / 64 * 64);
        for (int c = 0; c < LANES; c++) /* from lane to lane more values are the same */
            for (int i = 0; i < N; i++) kept[c][i] = tile[i * LANES + c] = (i * 5 + c) % (8 - c % 7) - paired * 2.5;
        tile[3 * LANES + 1] = NAN;
        e5_permutation_tile(&what, tile, out, scratch);
        for (int c = 0; c < LANES; c++) {
            double observed = difference(kept[c], paired ? OBSERVED_OF_PAIRS : OBSERVED_OF_TWO, paired);
            int less = 0, greater = 0;
            for (unsigned set = 0; set < 1 << N; set++) {
                if (!paired && __builtin_popcount(set) != PART) continue;
                less += difference(kept[c], set, paired) <= observed + 1e-9;
                greater += difference(kept[c], set, paired) >= observed - 1e-9;
            }
            if (c == 1)
                CHECK(isnan(out[c]) && isnan(out[LANES + c]) && isnan(out[2 * LANES + c]));
            else
                CHECK(fabs(out[E5_PERMUTATION_DIFFERENCE * LANES + c] - observed) < 1e-12 &&
                      out[E5_PERMUTATION_LESS * LANES + c] == less &&
                      out[E5_PERMUTATION_GREATER * LANES + c] == greater);
        }
        free(scratch);
        e5_resamples_free(&all);
    }
}

TEST(lists_without_memory_are_an_error) {
    struct e5_resamples drawn;
    for (long n = 1; n <= 2; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_resamples_draw(5, 5, 1, &drawn, err));
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_resamples_choose(5, 2, 5, false, 1, &drawn, err));
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_resamples_toss(5, 5, false, 1, &drawn, err));
        e5_alloc_fail_after(0);
    }
}

TEST(normal_quantiles) {
    CHECK(e5_normal_quantile(0.5) == 0 || fabs(e5_normal_quantile(0.5)) < 1e-16);
    CHECK(fabs(e5_normal_quantile(0.975) - 1.959963984540054) < 1e-15);
    CHECK(fabs(e5_normal_quantile(1e-10) + 6.361340902404056) < 1e-14);
    CHECK(e5_normal_quantile(0) == -INFINITY && e5_normal_quantile(1) == INFINITY);
    CHECK(isnan(e5_normal_quantile(-0.1)) && isnan(e5_normal_quantile(1.1)) && isnan(e5_normal_quantile(NAN)));
    for (double z = -8; z < 5; z += 0.01) CHECK(fabs(e5_normal_quantile(e5_normal_below(z)) - z) < 1e-9);
}

int main(void) {
    RUN(draws_are_steps_of_the_sample_and_then_all_but_one);
    RUN(a_key_gives_the_same_draws_and_another_gives_others);
    RUN(all_choices_come_once);
    RUN(random_choices_hold_no_step_twice);
    RUN(every_set_of_instructions_gives_the_same_bits);
    RUN(permutations_count_what_is_no_greater_and_no_less);
    RUN(lists_without_memory_are_an_error);
    RUN(normal_quantiles);
    return check_summary();
}
