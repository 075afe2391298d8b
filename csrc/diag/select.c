#include "diag/select.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/simd.h"

#define FEW 8     /* values that are sorted in the end; also of the sample that says where to begin */
#define MARGIN 2  /* of them on either side, about */
#define SLOW 3    /* passes in which interpolation may fail to halve what is left, before bisection steps in */
#define GROUP 16  /* values that are looked at together */

/* --- passes over the values --- */

E5_SIMD_BODY void count_keys_body(const float *keys, size_t n, float pivot, int32_t *out) {
    int32_t found = 0;
    for (size_t i = 0; i < n; i++) found += keys[i] <= pivot;
    *out = found;
}
E5_SIMD_VARIANTS(count_keys, (const float *keys, size_t n, float pivot, int32_t *out), (keys, n, pivot, out))

E5_SIMD_BODY void count_values_body(const double *values, size_t n, double pivot, int64_t *out) {
    int64_t found = 0;
    for (size_t i = 0; i < n; i++) found += values[i] <= pivot;
    *out = found;
}
E5_SIMD_VARIANTS(count_values, (const double *values, size_t n, double pivot, int64_t *out), (values, n, pivot, out))

/* Values whose keys lie in (low, high]; groups without any are passed over as a whole.  `out` has room for a group
 * more than there are. */
E5_SIMD_BODY void gather_body(const struct e5_select_list *list, float low, float high, double *out) {
    const float *keys = list->keys;
    size_t found = 0;
    for (size_t i = 0; i < list->n; i += GROUP) {
        size_t length = list->n - i < GROUP ? list->n - i : GROUP;
        int32_t inside = 0;
        for (size_t k = 0; k < length; k++) inside += (keys[i + k] > low) & (keys[i + k] <= high);
        if (inside == 0) continue;
        for (size_t k = 0; k < length; k++) {
            out[found] = list->values[i + k];
            found += (size_t)((keys[i + k] > low) & (keys[i + k] <= high));
        }
    }
}
E5_SIMD_VARIANTS(gather, (const struct e5_select_list *list, float low, float high, double *out),
                 (list, low, high, out))

/* --- closing in, by keys or by values --- */

struct bracket { /* the value lies in (low, high]; `below` values are up to low, `upto` up to high */
    double low, high;
    int64_t below, upto;
    bool keyed; /* the pivots are keys */
};

/* Eight values: 19 exchanges without branches (Knuth, The Art of Computer Programming, vol. 3, 5.3.4). */
static void sort(double v[FEW]) {
    static const uint8_t pair[][2] = {{0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {0, 1}, {2, 3},
                                      {4, 5}, {6, 7}, {2, 4}, {3, 5}, {1, 4}, {3, 6}, {1, 2}, {3, 4}, {5, 6}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        double a = v[pair[i][0]], b = v[pair[i][1]];
        v[pair[i][0]] = a < b ? a : b;
        v[pair[i][1]] = a < b ? b : a;
    }
}

static int64_t count(const struct e5_select_list *list, double pivot, bool keyed) {
    int64_t found = 0;
    int32_t found_keys = 0;
    if (!keyed) {
        count_values(list->values, list->n, pivot, &found);
        return found;
    }
    count_keys(list->keys, list->n, (float)pivot, &found_keys);
    return found_keys;
}

static void split(const struct e5_select_list *list, int64_t rank, double pivot, struct bracket *b) {
    int64_t found = count(list, pivot, b->keyed);
    if (found > rank) {
        b->high = pivot;
        b->upto = found;
    } else {
        b->low = pivot;
        b->below = found;
    }
}

/* Between the keys that stand left and right of the rank in a sample. */
static struct bracket begin(const struct e5_select_list *list, int64_t rank) {
    struct bracket b = {-FLT_MAX, FLT_MAX, 0, (int64_t)list->n, true};
    double sample[FEW];
    size_t guess = (size_t)rank * FEW / list->n;
    for (size_t i = 0; i < FEW; i++) sample[i] = list->keys[i * list->n / FEW];
    sort(sample);
    for (size_t i = guess; i > 0 && b.low == -FLT_MAX; i--) split(list, rank, sample[i - 1], &b);
    for (size_t i = guess; i < FEW && b.high == FLT_MAX; i++) split(list, rank, sample[i], &b);
    return b;
}

static double next_number(double x, double towards, bool keyed) {
    return keyed ? (double)nextafterf((float)x, (float)towards) : nextafter(x, towards);
}

/* Somewhat beside the rank, on the side where more is left: near it, a pivot would part the value from its successor.
 */
static double pivot_of(const struct bracket *b, int64_t rank, bool bisect) {
    bool cut_low = rank - b->below > b->upto - rank;
    double aim = cut_low ? (double)(rank - MARGIN) : (double)(rank + 1 + MARGIN);
    double share = bisect ? 0.5 : (aim - (double)b->below) / (double)(b->upto - b->below);
    double pivot = b->low * (1 - share) + b->high * share; /* without overflow of the difference */
    return b->keyed ? (double)(float)pivot : pivot;
}

/* Until few values are left between the pivots, or only one number is. */
static void narrow(const struct e5_select_list *list, int64_t rank, struct bracket *b) {
    for (int slow = 0; b->upto - b->below > FEW;) {
        int64_t left = b->upto - b->below;
        double pivot = pivot_of(b, rank, slow >= SLOW);
        if (!(pivot > b->low && pivot < b->high)) {
            pivot = next_number(b->low, INFINITY, b->keyed);
            if (!(pivot < b->high)) return;
        }
        split(list, rank, pivot, b);
        slow = b->upto - b->below > left / 2 ? slow + 1 : 0;
    }
}

/* The value after number `rank`, for ties and for what lies outside the bracket. */
static double next_of(const struct e5_select_list *list, size_t rank, double value) {
    if (rank + 1 >= list->n || count(list, value, false) > (int64_t)rank + 1) return value;
    double next = INFINITY;
    for (size_t i = 0; i < list->n; i++)
        if (list->values[i] > value && list->values[i] < next) next = list->values[i];
    return next;
}

/* Many values have the key of the one that is wanted: among those, by value. */
static double among_equals(const struct e5_select_list *list, size_t rank, struct bracket b) {
    b.keyed = false;
    b.low = -DBL_MAX;
    b.high = next_number(b.high, INFINITY, true); /* of the values that round to that key, none is larger */
    b.below = 0;
    b.upto = count(list, b.high, false);
    for (double middle; nextafter(b.low, INFINITY) < b.high;) {
        middle = b.low / 2 + b.high / 2;
        split(list, (int64_t)rank, middle > b.low && middle < b.high ? middle : nextafter(b.low, INFINITY), &b);
    }
    return b.high;
}

void e5_select(const struct e5_select_list *list, size_t rank, double out[2]) {
    double few[FEW + GROUP];
    struct bracket b = begin(list, (int64_t)rank);
    narrow(list, (int64_t)rank, &b);
    size_t left = (size_t)(b.upto - b.below);
    if (left > FEW) {
        out[0] = among_equals(list, rank, b);
        out[1] = next_of(list, rank, out[0]);
        return;
    }
    gather(list, (float)b.low, (float)b.high, few);
    for (size_t i = left; i < FEW; i++) few[i] = INFINITY;
    sort(few);
    out[0] = few[rank - (size_t)b.below];
    out[1] = (int64_t)rank + 1 < b.upto ? few[rank + 1 - (size_t)b.below] : next_of(list, rank, out[0]);
}
