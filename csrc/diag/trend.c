#include "diag/trend.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "diag/select.h"

#define LEAST 3 /* values: below, no pair of pairs can disagree */
#define GROUP E5_SELECT_GROUP

static size_t pairs_of(size_t n) { return n > 0 ? n * (n - 1) / 2 : 0; }

static size_t whole_groups(size_t n) { return (n + GROUP - 1) / GROUP * GROUP; }

/* --- what is the same for all series --- */

enum e5_status e5_trend_axis_init(struct e5_trend_axis *axis, size_t n, struct e5_error *err) {
    *axis = (struct e5_trend_axis){.n = n};
    enum e5_status status = e5_alloc(n, sizeof *axis->time, &axis->time, err);
    if (status == E5_OK) status = e5_alloc(pairs_of(n) + GROUP, sizeof *axis->inverse, &axis->inverse, err);
    if (status == E5_OK) status = e5_alloc(pairs_of(n) + 1, sizeof *axis->early, &axis->early, err);
    if (status != E5_OK) e5_trend_axis_fini(axis);
    return status;
}

void e5_trend_axis_finish(struct e5_trend_axis *axis) {
    size_t pair = 0;
    for (size_t i = 0; i + 1 < axis->n; i++)
        for (size_t j = i + 1; j < axis->n; j++, pair++) {
            axis->inverse[pair] = 1 / (axis->time[j] - axis->time[i]);
            axis->early[pair] = (uint16_t)i;
        }
}

void e5_trend_axis_fini(struct e5_trend_axis *axis) {
    free(axis->time);
    free(axis->inverse);
    free(axis->early);
    *axis = (struct e5_trend_axis){0};
}

/* --- all pairs of a series, earlier with later --- */

struct pairs {
    int64_t rise, fall;
};

/* Slopes, nearly: multiplying is quick, and what is selected is divided later.  `values` are followed by a group of
 * NaN, and each row of pairs is written on to the end of its group; the next row stands over that. */
E5_SIMD_BODY void compare_body(const double *restrict values, const double *restrict inverse, size_t n,
                               float *restrict key, struct pairs *out) {
    int64_t rises[GROUP] = {0}, falls[GROUP] = {0};
    for (size_t i = 0; i + 1 < n; i++) {
        const double *later = values + i + 1;
        for (size_t j = 0; j < n - 1 - i; j += GROUP) E5_EACH_LANE(c) {
                double rise = later[j + c] - values[i], slope = rise * inverse[j + c];
                rises[c] += rise > 0;
                falls[c] += rise < 0;
                float near = (float)slope;
                near = near > FLT_MAX ? FLT_MAX : near;
                key[j + c] = near < -FLT_MAX ? -FLT_MAX : near;
            }
        inverse += n - 1 - i;
        key += n - 1 - i;
    }
    for (size_t c = 0; c < GROUP; c++) out->rise += rises[c], out->fall += falls[c];
}
E5_SIMD_VARIANTS(compare,
                 (const double *restrict values, const double *restrict inverse, size_t n, float *restrict key,
                  struct pairs *out),
                 (values, inverse, n, key, out))

struct series {
    const struct e5_trend_axis *axis;
    const double *values;
};

static double slope_of(const void *opaque, size_t pair) {
    const struct series *series = opaque;
    const struct e5_trend_axis *axis = series->axis;
    size_t i = axis->early[pair], before = i * (2 * axis->n - i - 1) / 2, j = i + 1 + pair - before;
    return (series->values[j] - series->values[i]) / (axis->time[j] - axis->time[i]);
}

/* Σ t (t − 1) (2t + 5) over the groups of t equal values. */
static double tie_term(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t before = 0, group = 0;
        for (size_t j = 0; j < n; j++) {
            group += values[j] == values[i];
            before += j < i && values[j] == values[i];
        }
        double t = (double)group;
        if (before == 0) sum += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

static double variance(const double *values, size_t n, bool ties) {
    double count = (double)n, whole = count * (count - 1) * (2 * count + 5);
    return (whole - (ties ? tie_term(values, n) : 0)) / 18;
}

/* --- the slope and its limits --- */

struct place { /* of a quantile between its two neighbours */
    size_t rank;
    double fraction;
};

/* A position from 1; ends are clamped. */
static struct place place_of(double position, size_t n) {
    double last = (double)n, clamped = position < 1 ? 1 : position > last ? last : position, whole = floor(clamped);
    return (struct place){(size_t)whole - 1, clamped - whole};
}

static double between(const double neighbour[2], double fraction) {
    return fraction == 0 ? neighbour[0] : neighbour[0] + fraction * (neighbour[1] - neighbour[0]);
}

/* Sen's slope in the middle of all, limits `half` as many pairs apart from each other. */
static void find_slopes(const struct e5_select_list *slopes, double half, struct e5_trend *out) {
    double number = (double)slopes->valid, found[E5_SELECT_RANKS][2];
    struct place place[] = {place_of((number - half) / 2, slopes->valid), place_of((number + 1) / 2, slopes->valid),
                            place_of((number + half) / 2 + 1, slopes->valid)};
    size_t rank[] = {place[0].rank, place[1].rank, place[2].rank};
    e5_select(slopes, rank, E5_SELECT_RANKS, found);
    out->lower = between(found[0], place[0].fraction);
    out->slope = between(found[1], place[1].fraction);
    out->upper = between(found[2], place[2].fraction);
}

static double median(const double *values, size_t n, double *room) {
    float *keys = (float *)(void *)(room + n);
    struct e5_select_list list = {keys, n, n, e5_select_number, values, room};
    size_t rank = (n - 1) / 2;
    double found[2];
    for (size_t i = 0; i < whole_groups(n); i++) keys[i] = i < n ? e5_select_key(values[i]) : NAN;
    e5_select(&list, &rank, 1, &found);
    return (found[0] + found[n % 2 == 0 ? 1 : 0]) / 2;
}

/* Finite values, with others as NaN in `all`; how many there are. */
static size_t keep_finite(const struct e5_trend_axis *axis, const double *values, double *all, double *times,
                          double *kept) {
    size_t count = 0;
    for (size_t i = 0; i < axis->n; i++) {
        bool is = isfinite(values[i]);
        all[i] = is ? values[i] : NAN;
        times[count] = axis->time[i];
        kept[count] = values[i];
        count += is ? 1 : 0;
    }
    for (size_t i = axis->n; i < axis->n + GROUP; i++) all[i] = NAN;
    return count;
}

/* For the slopes of all pairs, and later for all values with their keys. */
static size_t room_of(size_t n) { return E5_SELECT_RANKS * pairs_of(n) + 2 * n + GROUP; }

size_t e5_trend_scratch(size_t n) { return 3 * (n + GROUP) + room_of(n) + (pairs_of(n) + GROUP + 1) / 2; }

struct e5_trend e5_trend(const struct e5_trend_axis *axis, const double *values, double quantile, double *scratch) {
    size_t n = axis->n;
    double *all = scratch, *times = all + n + GROUP, *kept = times + n + GROUP, *room = kept + n + GROUP;
    float *key = (float *)(void *)(room + room_of(n));
    size_t count = keep_finite(axis, values, all, times, kept);
    struct series series = {axis, all};
    struct pairs found = {0, 0};
    if (count < LEAST) return (struct e5_trend){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    compare(all, axis->inverse, n, key, &found);
    int64_t s = found.rise - found.fall, number = (int64_t)pairs_of(count);
    double spread = sqrt(variance(kept, count, found.rise + found.fall < number)), sign = (s > 0) - (s < 0);
    struct e5_trend out = {.s = (double)s, .tau = (double)s / (double)number};
    out.z = s == 0 ? 0 : (out.s - sign) / spread;
    out.p = erfc(fabs(out.z) / M_SQRT2);
    struct e5_select_list slopes = {key, pairs_of(n), (size_t)number, slope_of, &series, room};
    find_slopes(&slopes, quantile * spread, &out);
    out.intercept = median(kept, count, room) - out.slope * (times[(count - 1) / 2] + times[count / 2]) / 2;
    return out;
}
