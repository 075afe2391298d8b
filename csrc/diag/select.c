#include "diag/select.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

#define GROUP E5_SELECT_GROUP
#define RANKS E5_SELECT_RANKS
#define PIVOTS (2 * RANKS) /* one on either side of each rank */
#define SAMPLE 64          /* keys that say where to begin … */
#define BESIDE 5           /* … and how many of them lie between a rank and its first pivots */
#define FEW 24             /* keys that need not be narrowed further */
#define FEWER 32           /* values that are ordered by counting */
#define QUICK 6            /* passes after which interpolation gives way to bisection */
#define SLACK 2            /* floats by which the keys of equal values may differ, and one more */
#define BLOCK 32           /* groups: bits of a word */

/* --- passes over the keys; n is a multiple of GROUP --- */

E5_SIMD_BODY void find_range_body(const float *keys, size_t n, float range[2]) {
    float low[GROUP], high[GROUP];
    for (size_t c = 0; c < GROUP; c++) low[c] = FLT_MAX, high[c] = -FLT_MAX;
    for (size_t i = 0; i < n; i += GROUP) E5_EACH_LANE(c) {
            float key = keys[i + c];
            low[c] = key < low[c] ? key : low[c];
            high[c] = key > high[c] ? key : high[c];
        }
    range[0] = low[0], range[1] = high[0];
    for (size_t c = 1; c < GROUP; c++) {
        range[0] = low[c] < range[0] ? low[c] : range[0];
        range[1] = high[c] > range[1] ? high[c] : range[1];
    }
}
E5_SIMD_VARIANTS(find_range, (const float *keys, size_t n, float range[2]), (keys, n, range))

/* How many keys are up to each pivot. */
E5_SIMD_BODY void count_body(const float *keys, size_t n, const float pivot[PIVOTS], int32_t upto[PIVOTS]) {
    float a = pivot[0], b = pivot[1], c = pivot[2], d = pivot[3], e = pivot[4], f = pivot[5];
    int32_t of_a = 0, of_b = 0, of_c = 0, of_d = 0, of_e = 0, of_f = 0;
    for (size_t i = 0; i < n; i++) {
        of_a += keys[i] <= a;
        of_b += keys[i] <= b;
        of_c += keys[i] <= c;
        of_d += keys[i] <= d;
        of_e += keys[i] <= e;
        of_f += keys[i] <= f;
    }
    upto[0] = of_a, upto[1] = of_b, upto[2] = of_c, upto[3] = of_d, upto[4] = of_e, upto[5] = of_f;
}
E5_SIMD_VARIANTS(count, (const float *keys, size_t n, const float pivot[PIVOTS], int32_t upto[PIVOTS]),
                 (keys, n, pivot, upto))

/* Of each of some values how many are smaller. */
E5_SIMD_BODY void smaller_keys_body(const float *restrict values, int32_t *restrict smaller) {
    for (size_t i = 0; i < SAMPLE; i++) smaller[i] = 0;
    for (size_t k = 0; k < SAMPLE; k++)
        for (size_t i = 0; i < SAMPLE; i++) smaller[i] += values[k] < values[i];
}
E5_SIMD_VARIANTS(smaller_keys, (const float *values, int32_t *smaller), (values, smaller))

E5_SIMD_BODY void smaller_values_body(const double *restrict values, size_t n, int64_t *restrict smaller) {
    for (size_t i = 0; i < FEWER; i++) smaller[i] = 0;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < FEWER; i++) smaller[i] += values[k] < values[i];
}
E5_SIMD_VARIANTS(smaller_values, (const double *values, size_t n, int64_t *smaller), (values, n, smaller))

struct interval { /* (low, high] */
    float low, high;
};

/* Of up to 32 groups, which keys lie in each interval: bit g of word c for key c of group g.  Adds how many are up to
 * its upper end. */
E5_SIMD_BODY void find_inside_body(const float *restrict keys, size_t groups, const struct interval *intervals,
                                   size_t ranks, uint32_t (*restrict inside)[GROUP], int32_t *restrict upto) {
    for (size_t r = 0; r < ranks; r++) {
        float low = intervals[r].low, high = intervals[r].high;
        uint32_t words[GROUP] = {0};
        int32_t found[GROUP] = {0};
        for (size_t g = 0; g < groups; g++) E5_EACH_LANE(c) {
                float key = keys[g * GROUP + c];
                uint32_t above = key > low, below = key <= high;
                words[c] |= (above & below) << g;
                found[c] += (int32_t)below;
            }
        for (size_t c = 0; c < GROUP; c++) inside[r][c] = words[c], upto[r] += found[c];
    }
}
E5_SIMD_VARIANTS(find_inside,
                 (const float *keys, size_t groups, const struct interval *intervals, size_t ranks,
                  uint32_t (*inside)[GROUP], int32_t *upto),
                 (keys, groups, intervals, ranks, inside, upto))

/* --- closing in --- */

/* Floats as whole numbers in the same order, and back. */
static int32_t order_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? -(bits & INT32_MAX) : bits;
}

static float float_of(int32_t order) {
    uint32_t bits = order < 0 ? (uint32_t)-order | (uint32_t)1 << 31 : (uint32_t)order;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static bool are_neighbours(float low, float high) { return order_of(high) - (int64_t)order_of(low) <= 1; }

struct bracket {
    float low, high;     /* the ranks `from` and `to` are above low and not above high … */
    float left, right;   /* … `from` is not above left, `to` is above right */
    int64_t below, upto; /* keys up to low, up to high */
    int64_t from, to;
};

static bool is_narrow(const struct bracket *b) {
    return b->upto - b->below <= FEW || (are_neighbours(b->low, b->left) && are_neighbours(b->right, b->high));
}

static void cut(struct bracket *b, float pivot, int64_t upto) {
    if (upto > b->from) {
        b->left = pivot < b->left ? pivot : b->left;
    } else if (pivot > b->low) {
        b->low = pivot;
        b->below = upto;
    }
    if (upto <= b->to) {
        b->right = pivot > b->right ? pivot : b->right;
    } else if (pivot < b->high) {
        b->high = pivot;
        b->upto = upto;
    }
}

/* Keys from all parts of the list in ascending order, −∞ in the place of all but the first of equal ones; their
 * number. */
static int64_t take_sample(const struct e5_select_list *list, float sorted[SAMPLE]) {
    float sample[SAMPLE];
    int32_t smaller[SAMPLE];
    int64_t taken = 0;
    for (size_t i = 0; i < SAMPLE; i++) {
        float key = list->keys[i * list->n / SAMPLE];
        sample[i] = isnan(key) ? INFINITY : key;
        sorted[i] = -INFINITY;
        taken += sample[i] < INFINITY;
    }
    smaller_keys(sample, smaller);
    for (size_t i = 0; i < SAMPLE; i++) sorted[smaller[i]] = sample[i];
    return taken;
}

static float number_of_sample(const float sorted[SAMPLE], int64_t number) {
    while (sorted[number] == -INFINITY) number--;
    return sorted[number];
}

static void first_pivots(const struct e5_select_list *list, const struct bracket *brackets, float *pivot) {
    float sorted[SAMPLE];
    int64_t taken = take_sample(list, sorted);
    for (size_t r = 0; r < RANKS; r++) {
        int64_t at = brackets[r].from * taken / (int64_t)list->valid;
        pivot[2 * r] = at < BESIDE ? brackets[r].low : number_of_sample(sorted, at - BESIDE);
        pivot[2 * r + 1] = at + BESIDE >= taken ? brackets[r].high : number_of_sample(sorted, at + BESIDE);
    }
}

static float halfway(float low, float high) {
    return float_of((int32_t)(((int64_t)order_of(low) + order_of(high)) >> 1));
}

/* As far beside the ranks as keys between low and high are wont to lie off a straight line. */
static void next_pivots(const struct bracket *b, bool bisect, float *pivot) {
    double left = (double)(b->upto - b->below), margin = 1 + sqrt(left) / 2, width = (double)b->high - b->low;
    double from = ((double)(b->from - b->below) - margin) / left,
           to = ((double)(b->to + 1 - b->below) + margin) / left;
    pivot[0] = from > 0 ? (float)(b->low + width * from) : b->low;
    pivot[1] = to < 1 ? (float)(b->low + width * to) : b->high;
    if (bisect) pivot[0] = halfway(b->low, b->left);
    if (bisect) pivot[1] = halfway(b->right, b->high);
}

static void narrow(const struct e5_select_list *list, size_t n, struct bracket brackets[RANKS]) {
    float pivot[PIVOTS];
    int32_t upto[PIVOTS];
    first_pivots(list, brackets, pivot);
    for (int pass = 1;; pass++) {
        bool narrow_enough = true;
        count(list->keys, n, pivot, upto);
        for (size_t r = 0; r < RANKS; r++) {
            cut(&brackets[r], pivot[2 * r], upto[2 * r]);
            cut(&brackets[r], pivot[2 * r + 1], upto[2 * r + 1]);
            narrow_enough = narrow_enough && is_narrow(&brackets[r]);
            next_pivots(&brackets[r], pass > QUICK, &pivot[2 * r]);
        }
        if (narrow_enough) return;
    }
}

/* --- what is left --- */

static int64_t order_of_value(double x) {
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? -(bits & INT64_MAX) : bits;
}

static double value_of(int64_t order) {
    uint64_t bits = order < 0 ? (uint64_t)-order | (uint64_t)1 << 63 : (uint64_t)order;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static size_t count_values(const double *values, size_t n, double pivot) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += values[i] <= pivot;
    return found;
}

/* Many values, most of them equal: the whole numbers that stand for them are halved. */
static void among_many(const double *values, size_t n, size_t rank, double out[2]) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        int64_t order = order_of_value(values[i]);
        low = order < low ? order : low;
        high = order > high ? order : high;
    }
    while (low < high) {
        int64_t middle = (low >> 1) + (high >> 1) + (low & high & 1);
        if (count_values(values, n, value_of(middle)) > rank)
            high = middle;
        else
            low = middle + 1;
    }
    out[0] = out[1] = value_of(low);
    if (rank + 1 == n || count_values(values, n, out[0]) > rank + 1) return;
    out[1] = INFINITY;
    for (size_t i = 0; i < n; i++) out[1] = values[i] > out[0] && values[i] < out[1] ? values[i] : out[1];
}

/* Each goes to the place of its rank, where equal values leave the next places empty. */
static void among_few(const double *values, size_t n, size_t rank, double out[2]) {
    double all[FEWER], sorted[FEWER];
    int64_t smaller[FEWER];
    for (size_t i = 0; i < FEWER; i++) all[i] = i < n ? values[i] : INFINITY;
    for (size_t i = 0; i < FEWER; i++) sorted[i] = NAN;
    smaller_values(all, n, smaller);
    for (size_t i = 0; i < n; i++) sorted[smaller[i]] = all[i];
    for (size_t k = 0; k < 2; k++) {
        size_t place = rank + k < n ? rank + k : n - 1;
        while (isnan(sorted[place])) place--;
        out[k] = sorted[place];
    }
}

static float some_floats_on(float x, int floats) {
    int32_t order = order_of(x) + floats, most = order_of(INFINITY);
    return float_of(order > most ? most : order < -most ? -most : order);
}

/* Values of the keys of some groups from `first` on that find_inside() has marked → to; their number. */
static size_t fetch(const struct e5_select_list *list, size_t first, const uint32_t inside[GROUP], double *to) {
    size_t found = 0;
    for (size_t c = 0; c < GROUP; c++)
        for (uint32_t bits = inside[c]; bits != 0; bits &= bits - 1)
            to[found++] = list->value(list->of, (first + (size_t)__builtin_ctz(bits)) * GROUP + c);
    return found;
}

/* Values whose keys lie in a bracket, or so near to it that their order is not that of the keys. */
static void finish(const struct e5_select_list *list, size_t n, const struct bracket *brackets, size_t ranks,
                   double (*out)[2]) {
    size_t groups = n / GROUP, found[RANKS] = {0};
    uint32_t inside[RANKS][GROUP];
    int32_t upto[RANKS] = {0};
    struct interval near[RANKS];
    for (size_t r = 0; r < ranks; r++)
        near[r] = (struct interval){some_floats_on(brackets[r].low, -SLACK), some_floats_on(brackets[r].high, SLACK)};
    for (size_t first = 0; first < groups; first += BLOCK) {
        find_inside(list->keys + first * GROUP, groups - first < BLOCK ? groups - first : BLOCK, near, ranks, inside,
                    upto);
        for (size_t r = 0; r < ranks; r++)
            found[r] += fetch(list, first, inside[r], list->room + r * list->n + found[r]);
    }
    for (size_t r = 0; r < ranks; r++) {
        size_t rank = (size_t)(brackets[r].from - upto[r]) + found[r];
        if (found[r] <= FEWER)
            among_few(list->room + r * list->n, found[r], rank, out[r]);
        else
            among_many(list->room + r * list->n, found[r], rank, out[r]);
    }
}

void e5_select(const struct e5_select_list *list, const size_t *rank, size_t ranks, double (*out)[2]) {
    size_t n = (list->n + GROUP - 1) / GROUP * GROUP;
    struct bracket brackets[RANKS];
    float range[2] = {0};
    find_range(list->keys, n, range);
    for (size_t r = 0; r < RANKS; r++) {
        int64_t from = (int64_t)rank[r < ranks ? r : 0], all = (int64_t)list->valid;
        float low = some_floats_on(range[0], -1), high = range[1];
        brackets[r] = (struct bracket){low, high, high, low, 0, all, from, from + 1 < all ? from + 1 : from};
    }
    narrow(list, n, brackets);
    finish(list, n, brackets, ranks, out);
}

double e5_select_number(const void *of, size_t index) { return ((const double *)of)[index]; }
