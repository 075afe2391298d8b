/* Spells kept by length, against counting by hand. */
#include "check.h"
#include "diag/runs.h"

static void keep(uint8_t *flag, size_t steps, const bool *linked, size_t minimum) {
    uint16_t length;
    e5_runs_keep_long(flag, steps, 1, 1, linked, minimum, &length);
}

#define KEEPS(minimum, linked, before, after)            \
    do {                                                 \
        uint8_t flag[] = before, expected[] = after;     \
        keep(flag, sizeof flag, linked, minimum);        \
        CHECK(memcmp(flag, expected, sizeof flag) == 0); \
    } while (0)
#define DAYS(...) {__VA_ARGS__}

TEST(short_runs_go) {
    KEEPS(1, NULL, DAYS(1, 0, 1, 1), DAYS(1, 0, 1, 1));
    KEEPS(2, NULL, DAYS(1, 0, 1, 1), DAYS(0, 0, 1, 1));
    KEEPS(3, NULL, DAYS(1, 1, 1, 0, 1, 1), DAYS(1, 1, 1, 0, 0, 0));
    KEEPS(3, NULL, DAYS(0, 1, 1, 0, 1, 1, 1, 1), DAYS(0, 0, 0, 0, 1, 1, 1, 1));
    KEEPS(4, NULL, DAYS(1, 1, 1), DAYS(0, 0, 0));
    KEEPS(E5_RUNS_LONGEST, NULL, DAYS(1, 1, 1), DAYS(0, 0, 0));
}

TEST(gaps_in_time_end_runs) {
    bool gap[] = {true, true, false, true, true};
    KEEPS(3, gap, DAYS(1, 1, 1, 1, 1), DAYS(0, 0, 1, 1, 1));
    KEEPS(2, gap, DAYS(1, 1, 1, 0, 0), DAYS(1, 1, 0, 0, 0));
    KEEPS(4, gap, DAYS(1, 1, 1, 1, 1), DAYS(0, 0, 0, 0, 0));
}

TEST(no_steps_no_work) {
    uint16_t length;
    e5_runs_keep_long(NULL, 0, 1, 1, NULL, 3, &length);
}

/* Many cells side by side, with room between the steps that must stay untouched. */
TEST(cells_do_not_disturb_each_other) {
    enum { STEPS = 50, CELLS = 37, STRIDE = 40, LEAST = 3 };
    static uint8_t flag[STEPS * STRIDE], before[STEPS * STRIDE];
    uint16_t length[CELLS];
    uint32_t seed = 3;
    for (size_t i = 0; i < sizeof flag; i++) {
        seed = seed * 1664525u + 1013904223u;
        before[i] = flag[i] = seed >> 24 > 90;
    }
    e5_runs_keep_long(flag, STEPS, CELLS, STRIDE, NULL, LEAST, length);
    for (size_t c = 0; c < STRIDE; c++)
        for (size_t t = 0; t < STEPS; t++) {
            size_t from = t, to = t;
            while (from > 0 && before[(from - 1) * STRIDE + c]) from--;
            while (to < STEPS && before[to * STRIDE + c]) to++;
            bool stays = before[t * STRIDE + c] && (c >= CELLS || to - from >= LEAST);
            CHECK(flag[t * STRIDE + c] == stays);
        }
}

int main(void) {
    RUN(short_runs_go);
    RUN(gaps_in_time_end_runs);
    RUN(no_steps_no_work);
    RUN(cells_do_not_disturb_each_other);
    return check_summary();
}
