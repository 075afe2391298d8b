/* The filter against the two rules taken literally, cell by cell over the whole record. */
#include "base/alloc.h"
#include "base/isa.h"
#include "check.h"
#include "events/spell_filter.h"

enum { STEPS = 90, WORDS = 19, CELLS = 64 * WORDS, ROOM = 3 * STEPS };

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

struct record {
    uint64_t in[STEPS][WORDS], out[ROOM][WORDS];
    bool linked[STEPS], cell[STEPS];
};

static bool bit(uint64_t (*frame)[WORDS], size_t t, size_t c) { return frame[t][c / 64] >> c % 64 & 1; }

/* Bits with runs and gaps of every length up to about twice as long as the rules ask for. */
static void fill(struct record *r, size_t min_days, size_t max_gap) {
    memset(r->in, 0, sizeof r->in);
    for (size_t c = 0; c < CELLS; c++) {
        bool set = random_below(2);
        size_t rest = 0;
        for (size_t t = 0; t < STEPS; t++, rest--) {
            if (rest == 0) set = !set, rest = 1 + random_below((uint32_t)(set ? 2 * min_days : 2 * max_gap + 2));
            r->in[t][c / 64] |= (uint64_t)set << c % 64;
        }
    }
    for (size_t t = 0; t < STEPS; t++) r->linked[t] = random_below(25) > 0;
}

static size_t run_end(const struct record *r, size_t t, bool value) {
    size_t end = t + 1;
    while (end < STEPS && r->cell[end] == value && r->linked[end]) end++;
    return end;
}

/* r->cell: the series of a cell, in place. */
static void filter_cell(struct record *r, size_t min_days, size_t max_gap) {
    for (size_t t = 0, end; t < STEPS; t = end) {
        end = run_end(r, t, r->cell[t]);
        if (r->cell[t] && end - t < min_days) memset(r->cell + t, 0, end - t);
    }
    for (size_t t = 0, end; t < STEPS; t = end) {
        end = run_end(r, t, r->cell[t]);
        bool between = t > 0 && r->linked[t] && end < STEPS && r->linked[end];
        if (r->cell[t] || !between || end - t > max_gap) continue;
        for (size_t i = t; i < end; i++)
            r->cell[i] = true; /* the run that follows is longer now, which does not matter */
    }
}

static size_t wrong_bits(struct record *r, size_t min_days, size_t max_gap) {
    size_t wrong = 0;
    for (size_t c = 0; c < CELLS; c++) {
        for (size_t t = 0; t < STEPS; t++) r->cell[t] = bit(r->in, t, c);
        filter_cell(r, min_days, max_gap);
        for (size_t t = 0; t < STEPS; t++) wrong += r->cell[t] != bit(r->out, t, c);
    }
    return wrong;
}

/* All steps in blocks of random length, each in segments; how many frames came out. */
static size_t push_all(struct e5_spell_filter *f, struct record *r) {
    size_t came = 0, cut = 8 * random_below(3);
    for (size_t t = 0, steps; t < STEPS; t += steps) {
        steps = 1 + random_below(STEPS / 3);
        if (steps > STEPS - t) steps = STEPS - t;
        size_t expected = e5_spell_filter_count(f, steps, r->linked + t), got = expected;
        if (cut > 0) got = e5_spell_filter_push(f, r->in[t], steps, r->linked + t, 0, cut, r->out[came]);
        CHECK(got == expected);
        got = e5_spell_filter_push(f, r->in[t], steps, r->linked + t, cut, WORDS - cut, r->out[came]);
        CHECK(got == expected);
        came += got;
    }
    if (cut > 0) CHECK(e5_spell_filter_end(f, 0, cut, r->out[came]) <= f->delay);
    return came + e5_spell_filter_end(f, cut, WORDS - cut, r->out[came]);
}

TEST(equals_the_rules_taken_literally) {
    static struct record r;
    static const size_t rules[][2] = {{1, 0}, {2, 0}, {3, 0},   {5, 2},  {1, 1},  {1, 7},  {4, 3},
                                      {8, 1}, {7, 8}, {16, 15}, {6, 30}, {40, 2}, {89, 0}, {300, 4}};
    seed = 11;
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            struct e5_spell_filter f;
            CHECK_OK(e5_spell_filter_init(&f, rules[i][0], rules[i][1], WORDS, err));
            CHECK(f.delay == rules[i][0] - 1 + rules[i][1]);
            for (int again = 0; again < 2; again++) { /* a filter that has ended is as new */
                fill(&r, rules[i][0] > 40 ? 40 : rules[i][0], rules[i][1]);
                CHECK(push_all(&f, &r) == STEPS);
                CHECK(wrong_bits(&r, rules[i][0], rules[i][1]) == 0);
            }
            e5_spell_filter_fini(&f);
        }
    }
    e5_isa_limit(E5_ISA_AVX512);
}

TEST(ten_years_in_a_row) {
    struct e5_spell_filter f;
    uint64_t in = 1, out[3660];
    size_t came = 0;
    CHECK_OK(e5_spell_filter_init(&f, 3660, 0, 1, err));
    for (size_t t = 0; t < 3659; t++) came += e5_spell_filter_push(&f, &in, 1, NULL, 0, 1, out);
    CHECK(came == 0);
    CHECK(e5_spell_filter_push(&f, &in, 1, NULL, 0, 1, out) == 1 && out[0] == 1);
    CHECK(e5_spell_filter_end(&f, 0, 1, out) == 3659 && out[0] == 1 && out[3658] == 1);
    for (size_t t = 0; t < 3659; t++) came += e5_spell_filter_push(&f, &in, 1, NULL, 0, 1, out);
    CHECK(e5_spell_filter_end(&f, 0, 1, out) == 3659 && out[0] == 0 && out[3658] == 0); /* a day too short */
    e5_spell_filter_fini(&f);
}

TEST(bad_rules_and_failures_leave_nothing) {
    struct e5_spell_filter f;
    CHECK_STATUS(E5_INPUT, e5_spell_filter_init(&f, 0, 0, 4, err));
    CHECK_STATUS(E5_INPUT, e5_spell_filter_init(&f, E5_SPELL_LONGEST + 1, 0, 4, err));
    CHECK_STATUS(E5_INPUT, e5_spell_filter_init(&f, 1, E5_SPELL_LONGEST + 1, 4, err));
    for (long n = 1; n <= 2; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_spell_filter_init(&f, 5, 2, 4, err));
        CHECK(f.state == NULL && f.waiting == NULL);
    }
    e5_alloc_fail_after(0);
}

int main(void) {
    RUN(equals_the_rules_taken_literally);
    RUN(ten_years_in_a_row);
    RUN(bad_rules_and_failures_leave_nothing);
    return check_summary();
}
