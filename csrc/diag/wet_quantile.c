/* Positive floating-point numbers are ordered as their bits are, read as whole numbers: those are halved, until few
 * values are left between the halves; they are sorted. */
#include "diag/wet_quantile.h"

#include <math.h>
#include <string.h>

#define FEW 16   /* values of a lane */
#define BLOCK 16 /* steps that are looked at together */

static uint64_t key_of(double value, bool wide) {
    float narrow = (float)value;
    uint64_t key = 0;
    memcpy(&key, wide ? (const void *)&value : (const void *)&narrow, wide ? sizeof value : sizeof narrow);
    return wide ? key : (uint32_t)key;
}

static double value_of(uint64_t key, bool wide) {
    uint32_t half = (uint32_t)key;
    float narrow;
    double value;
    memcpy(&narrow, &half, sizeof narrow);
    memcpy(&value, &key, sizeof value);
    return wide ? value : (double)narrow;
}

/* --- passes over the steps --- */

E5_SIMD_BODY void count_f32(const float *x, size_t first, size_t end, const double *than, int64_t *out) {
    int32_t count[E5_LANES] = {0};
    float limit[E5_LANES];
    for (int c = 0; c < E5_LANES; c++) limit[c] = (float)than[c];
    for (size_t t = first; t < end; t++)
        for (size_t c = 0; c < E5_LANES; c++) count[c] += x[t * E5_LANES + c] > limit[c];
    for (int c = 0; c < E5_LANES; c++) out[c] = count[c];
}

E5_SIMD_BODY void count_f64(const double *x, size_t first, size_t end, const double *than, int64_t *out) {
    int64_t count[E5_LANES] = {0};
    double limit[E5_LANES];
    for (int c = 0; c < E5_LANES; c++) limit[c] = than[c];
    for (size_t t = first; t < end; t++)
        for (size_t c = 0; c < E5_LANES; c++) count[c] += x[t * E5_LANES + c] > limit[c];
    for (int c = 0; c < E5_LANES; c++) out[c] = count[c];
}

/* Values greater than those of `than`, which have the precision of the series. */
E5_SIMD_BODY void count_above_body(struct e5_tally_series x, size_t first, size_t end, const double *than,
                                   int64_t *out) {
    if (x.wide)
        count_f64(x.values, first, end, than, out);
    else
        count_f32(x.values, first, end, than, out);
}
E5_SIMD_VARIANTS(count_above, (struct e5_tally_series x, size_t first, size_t end, const double *than, int64_t *out),
                 (x, first, end, than, out))

/* The smallest value greater than those of `than`, and the largest of all. */
E5_SIMD_BODY void find_next_body(struct e5_tally_series x, size_t first, size_t end, const double *than, double *next,
                                 double *largest) {
    double low[E5_LANES], high[E5_LANES];
    for (int c = 0; c < E5_LANES; c++) low[c] = INFINITY;
    for (int c = 0; c < E5_LANES; c++) high[c] = -INFINITY;
    for (size_t t = first; t < end; t++) E5_EACH_LANE(c) {
            size_t i = t * E5_LANES + c;
            double value = x.wide ? ((const double *)x.values)[i] : (double)((const float *)x.values)[i];
            low[c] = (value > than[c]) & (value < low[c]) ? value : low[c];
            high[c] = value > high[c] ? value : high[c];
        }
    for (int c = 0; c < E5_LANES; c++) next[c] = low[c];
    for (int c = 0; c < E5_LANES; c++) largest[c] = high[c];
}
E5_SIMD_VARIANTS(find_next,
                 (struct e5_tally_series x, size_t first, size_t end, const double *than, double *next,
                  double *largest),
                 (x, first, end, than, next, largest))

/* Blocks of steps in which a lane has a value greater than `low` and not greater than `high`; as many as there is
 * room for. */
E5_SIMD_BODY void find_blocks_body(struct e5_tally_series x, size_t first, size_t end, const double *low,
                                   const double *high, size_t *block, size_t *n) {
    *n = 0;
    for (size_t from = first; from < end && *n < (size_t)FEW * E5_LANES; from += BLOCK) {
        int64_t found[E5_LANES] = {0}, any = 0;
        for (size_t t = from; t < from + BLOCK && t < end; t++) E5_EACH_LANE(c) {
                size_t i = t * E5_LANES + c;
                double value = x.wide ? ((const double *)x.values)[i] : (double)((const float *)x.values)[i];
                found[c] |= (value > low[c]) & (value <= high[c]);
            }
        for (size_t c = 0; c < E5_LANES; c++) any |= found[c];
        block[*n] = from;
        *n += any != 0;
    }
}
E5_SIMD_VARIANTS(find_blocks,
                 (struct e5_tally_series x, size_t first, size_t end, const double *low, const double *high,
                  size_t *block, size_t *n),
                 (x, first, end, low, high, block, n))

/* --- halving --- */

struct lane {
    uint64_t low, high; /* keys: too small, and large enough */
    struct e5_quantile_rank rank;
    int64_t behind; /* values that may be greater than the one at the lower rank */
    int64_t above_low, above_high; /* values that are greater than these */
};

/* Whether the value is one of few, or known. */
static bool is_close(const struct lane *lane) {
    return lane->high - lane->low <= 1 || lane->above_low - lane->above_high <= FEW;
}

static void move(struct lane *lane, uint64_t key, int64_t above) {
    if (lane->high - lane->low <= 1) return;
    if (above <= lane->behind) {
        lane->high = key;
        lane->above_high = above;
    } else {
        lane->low = key;
        lane->above_low = above;
    }
}

static bool halve(const struct e5_wet_quantile *rule, struct e5_tally_series x, struct lane lane[E5_LANES]) {
    double middle[E5_LANES];
    int64_t above[E5_LANES];
    bool again = false;
    for (int c = 0; c < E5_LANES; c++) middle[c] = value_of(lane[c].low + (lane[c].high - lane[c].low) / 2, x.wide);
    count_above(x, rule->first, rule->end, middle, above);
    for (int c = 0; c < E5_LANES; c++) {
        move(&lane[c], lane[c].low + (lane[c].high - lane[c].low) / 2, above[c]);
        again = again || !is_close(&lane[c]);
    }
    return again;
}

/* --- the last few --- */

struct few {
    double value[FEW]; /* the largest first */
    size_t n;
};

static void insert(struct few *few, double value) {
    size_t i = few->n++;
    for (; i > 0 && few->value[i - 1] < value; i--) few->value[i] = few->value[i - 1];
    few->value[i] = value;
}

static void collect(const struct e5_wet_quantile *rule, struct e5_tally_series x, const double *low,
                    const double *high, struct few few[E5_LANES]) {
    size_t block[FEW * E5_LANES], n = 0;
    find_blocks(x, rule->first, rule->end, low, high, block, &n);
    for (size_t b = 0; b < n; b++)
        for (size_t i = block[b] * E5_LANES; i < (block[b] + BLOCK) * E5_LANES && i < rule->end * E5_LANES; i++) {
            double value = x.wide ? ((const double *)x.values)[i] : (double)((const float *)x.values)[i];
            if (value > low[i % E5_LANES] && value <= high[i % E5_LANES]) insert(&few[i % E5_LANES], value);
        }
}

/* The values at the lower ranks. */
static void find_lower(const struct e5_wet_quantile *rule, struct e5_tally_series x, const struct lane lane[E5_LANES],
                       double *lower) {
    struct few few[E5_LANES];
    double low[E5_LANES];
    for (int c = 0; c < E5_LANES; c++) {
        bool known = lane[c].high - lane[c].low <= 1;
        few[c].n = 0;
        lower[c] = value_of(lane[c].high, x.wide);
        low[c] = known ? lower[c] : value_of(lane[c].low, x.wide);
    }
    collect(rule, x, low, lower, few);
    for (int c = 0; c < E5_LANES; c++)
        if (few[c].n > 0) lower[c] = few[c].value[lane[c].behind - lane[c].above_high];
}

void e5_wet_quantile(const struct e5_wet_quantile *rule, struct e5_tally_series x, double *out) {
    struct lane lane[E5_LANES];
    double below[E5_LANES], lower[E5_LANES], next[E5_LANES], largest[E5_LANES];
    int64_t wet[E5_LANES], above[E5_LANES];
    uint64_t key = key_of(rule->at_least, x.wide); /* of the largest number that is not enough */
    key -= value_of(key, x.wide) >= rule->at_least;
    for (int c = 0; c < E5_LANES; c++) below[c] = value_of(key, x.wide);
    count_above(x, rule->first, rule->end, below, wet);
    find_next(x, rule->first, rule->end, below, next, largest);
    for (int c = 0; c < E5_LANES; c++) {
        lane[c] = (struct lane){.low = key, .high = key + 1};
        if (wet[c] == 0) continue;
        lane[c].high = key_of(largest[c], x.wide);
        lane[c].above_low = wet[c];
        lane[c].rank = e5_quantile_rank(rule->probability, rule->type, (size_t)wet[c]);
        lane[c].behind = wet[c] - 1 - (int64_t)lane[c].rank.lower;
    }
    while (halve(rule, x, lane)) continue;
    find_lower(rule, x, lane, lower);
    count_above(x, rule->first, rule->end, lower, above);
    find_next(x, rule->first, rule->end, lower, next, largest);
    for (int c = 0; c < E5_LANES; c++) {
        bool same = lane[c].rank.upper == lane[c].rank.lower || above[c] < lane[c].behind;
        out[c] = wet[c] == 0 ? NAN : e5_quantile_between(lower[c], same ? lower[c] : next[c], lane[c].rank.fraction);
    }
}
