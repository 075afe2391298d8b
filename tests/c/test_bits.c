/* Rows as bits against one comparison at a time, for every set of instructions, length and alignment. */
#include "base/isa.h"
#include "check.h"
#include "events/bits.h"

#include <stdlib.h>

enum { MOST = 200, WORDS = 4 };

static uint32_t seed = 5;

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Numbers around 1 that lie between floats, ties, both zeroes, the ends of the scale and NaN. */
static double any_number(void) {
    static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1e39, -1e39, 1e-50, -1e-50, 3.4e38, 1.0};
    if (random_below(3) == 0) return special[random_below(sizeof special / sizeof *special)];
    double near = 1 + (random_below(5) - 2.0) * 3e-8 + (random_below(3) - 1.0) * 1e-12;
    return random_below(2) ? near : -near;
}

struct sample {
    float narrow[MOST];
    double wide[MOST], threshold[MOST];
    uint8_t mask[MOST];
};

static void fill(struct sample *s) {
    for (size_t i = 0; i < MOST; i++) {
        s->wide[i] = any_number();
        s->narrow[i] = (float)any_number();
        s->threshold[i] = any_number();
        s->mask[i] = random_below(2) ? (uint8_t)random_below(256) : 0;
    }
}

static bool beyond(double value, double threshold, bool below) {
    return below ? value < threshold : value > threshold;
}

/* What column c must be; `kind` counts the functions of the header. */
static bool expected(const struct sample *s, size_t at, int kind, bool below) {
    switch (kind) {
    case 0: return beyond((double)s->narrow[at], s->threshold[0], below);
    case 1: return beyond(s->wide[at], s->threshold[0], below);
    case 2:
    case 4: return beyond((double)s->narrow[at], s->threshold[at], below);
    case 3: return beyond(s->wide[at], s->threshold[at], below);
    default: return s->mask[at] != 0;
    }
}

static void call(const struct sample *s, size_t at, size_t n, int kind, bool below, uint64_t *bits) {
    float rounded[MOST];
    switch (kind) {
    case 0: e5_bits_f32(s->narrow + at, n, s->threshold[0], below, bits); break;
    case 1: e5_bits_f64(s->wide + at, n, s->threshold[0], below, bits); break;
    case 2: e5_bits_f32_each(s->narrow + at, s->threshold + at, n, below, bits); break;
    case 3: e5_bits_f64_each(s->wide + at, s->threshold + at, n, below, bits); break;
    case 4:
        e5_bits_round(s->threshold + at, n, below, rounded);
        e5_bits_f32_rounded(s->narrow + at, rounded, n, below, bits);
        break;
    default: e5_bits_u8(s->mask + at, n, bits);
    }
}

static void check_all(void) {
    static struct sample s;
    size_t wrong = 0;
    for (int round = 0; round < 600; round++) {
        fill(&s);
        uint64_t bits[WORDS + 1];
        memset(bits, 0xff, sizeof bits);
        size_t at = random_below(17), n = random_below(MOST - 17), words = e5_bits_words(n);
        int kind = round % 6;
        bool below = random_below(2);
        call(&s, at, n, kind, below, bits);
        for (size_t c = 0; c < words * E5_WORD_BITS; c++)
            wrong += (bits[c / 64] >> c % 64 & 1) != (c < n && expected(&s, at + c, kind, below));
        wrong += bits[words] != UINT64_MAX; /* nothing behind the last word is touched */
    }
    CHECK(wrong == 0);
}

TEST(equals_one_comparison_at_a_time) {
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        check_all();
    }
    e5_isa_limit(E5_ISA_AVX512);
}

TEST(rounded_thresholds_are_the_next_floats) {
    double threshold[] = {0.1, -0.1, 0.5, 1e39, -1e39, 1e-60, -1e-60, 0.0};
    float down[8], up[8];
    e5_bits_round(threshold, 8, false, down);
    e5_bits_round(threshold, 8, true, up);
    for (size_t i = 0; i < 8; i++) {
        CHECK((double)down[i] <= threshold[i] && (double)up[i] >= threshold[i]);
        CHECK(up[i] == ((double)down[i] == threshold[i] ? down[i] : nextafterf(down[i], INFINITY)));
    }
}

TEST(words_of_columns) {
    CHECK(e5_bits_words(0) == 0 && e5_bits_words(1) == 1 && e5_bits_words(64) == 1 && e5_bits_words(65) == 2);
}

int main(void) {
    RUN(equals_one_comparison_at_a_time);
    RUN(rounded_thresholds_are_the_next_floats);
    RUN(words_of_columns);
    return check_summary();
}
