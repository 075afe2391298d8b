/* percentile_doy: quantiles of the pools of a moving window over the days of the year.
 *
 * A quantile needs two neighbouring order statistics, and for the usual percentiles these lie near one end of the
 * pool: 15th and 16th from the top for the 90th percentile of 150 values.  So each day of the year keeps a sorted list
 * of its `depth` largest (or smallest) values over all years, and the lists of a window's days are merged.  Lists of
 * 2, 4, 8 … days come from merging lists half as long, which neighbouring windows share; a window is put together
 * from those.  Everything is done by sorting networks, whose steps are the same for all days: rows of a table are ranks,
 * columns are days, and every step is one branchless loop along two rows.  The result is exactly that of sorting
 * each pool.
 *
 * Pools that are not made of whole days of the year (at the ends of a base period with real neighbours), and quantiles
 * so far from either end that lists would be long, are gathered and selected from one by one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/quantile.h"
#include "diag/window.h"
#include "kernels/kernel.h"

enum { PERCENTILE, WINDOW, BASE_PERIOD, TYPE, NEIGHBOURS, LEAP_DAY }; /* params, in the order of kernels.def */

#define DEPTH_MAX 256  /* values: with longer lists selection is faster */
#define BLOCK 64       /* columns sorted or merged at a time, so that the rows stay in the L1 cache */
#define LANES 8        /* doubles in a cache line */
#define GAP SIZE_MAX   /* "no sample" */

/* Days of the year side by side whose samples also lie side by side: one row of the table, or a part of it. */
struct run {
    size_t row, slot, sample, length; /* sample GAP: these days have fewer samples than `row` */
};

struct comparator {
    size_t upper, lower; /* rows; the larger value goes to `upper` */
};

struct plan {
    struct e5_window window;
    double probability;
    int type;
    bool smallest;  /* lists keep the smallest values, negated, instead of the largest */
    size_t half;    /* days before and after */
    size_t rows;    /* most samples that a day of the year has */
    size_t depth;   /* values per list, a power of two; 0: no lists */
    size_t stride;  /* columns of a table: half, slots, half, and padding */
    size_t longest; /* pool */
    size_t results; /* slots, or one more when they are stretched */
    struct e5_quantile_rank *rank; /* by number of valid values, to `longest` */
    size_t nruns, ncomparators, nsingle;
    struct run *runs;
    struct comparator *comparators;
    size_t *single; /* slots that are gathered one by one */
};

/* ---- plan: what to gather ---- */

static size_t length_of(const size_t *first, size_t slot) { return first[slot + 1] - first[slot]; }

static int64_t day_of(const struct e5_time_axis *axis, size_t sample) {
    return axis->seconds[sample] / E5_DAY - (axis->seconds[sample] % E5_DAY < 0);
}

static void print_day(enum e5_calendar calendar, int64_t day, char out[32]) {
    struct e5_date date = e5_date_from_days(calendar, day);
    snprintf(out, 32, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
}

static enum e5_status check_base(const struct e5_time_axis *axis, struct e5_period base, struct e5_error *err) {
    char first[32], last[32];
    if (axis->n == 0) return e5_fail(err, E5_INPUT, "percentile_doy: the series is empty");
    int64_t first_day = day_of(axis, 0), last_day = day_of(axis, axis->n - 1);
    if (!base.given || (base.first_day <= last_day && base.last_day >= first_day)) return E5_OK;
    print_day(axis->calendar, first_day, first);
    print_day(axis->calendar, last_day, last);
    return e5_fail(err, E5_INPUT, "percentile_doy: no day of the base period is in the series (%s to %s)", first,
                   last);
}

static enum e5_status make_window(struct plan *plan, const struct e5_params *params, const struct e5_time_axis *axis,
                                  struct e5_error *err) {
    struct e5_period base = params->value[BASE_PERIOD].period;
    enum e5_leap_rule leap = (enum e5_leap_rule)params->value[LEAP_DAY].integer;
    enum e5_status status = check_base(axis, base, err);
    if (status != E5_OK) return status;
    plan->results = e5_window_result_slots(axis->calendar, leap);
    return e5_window_init(&plan->window, axis, base.given ? base.first_day : INT64_MIN,
                          base.given ? base.last_day : INT64_MAX, (int)params->value[WINDOW].integer,
                          (enum e5_neighbours)params->value[NEIGHBOURS].integer, leap, err);
}

/* ---- plan: how long lists must be ---- */

static size_t power_of_two(size_t least) {
    size_t power = 1;
    while (power < least) power *= 2;
    return power;
}

static enum e5_status make_ranks(struct plan *plan, struct e5_error *err) {
    size_t from_top = 1, from_bottom = 1;
    for (size_t slot = 0; slot < plan->window.slots; slot++) {
        size_t length = length_of(plan->window.pool_first, slot), rows = length_of(plan->window.first, slot);
        if (length > plan->longest) plan->longest = length;
        if (rows > plan->rows) plan->rows = rows;
    }
    enum e5_status status = e5_alloc(plan->longest + 1, sizeof *plan->rank, &plan->rank, err);
    for (size_t n = 1; status == E5_OK && n <= plan->longest; n++) { /* any of them may be missing */
        plan->rank[n] = e5_quantile_rank(plan->probability, plan->type, n);
        if (n - plan->rank[n].lower > from_top) from_top = n - plan->rank[n].lower;
        if (plan->rank[n].upper + 1 > from_bottom) from_bottom = plan->rank[n].upper + 1;
    }
    plan->smallest = from_bottom < from_top;
    plan->depth = power_of_two(plan->smallest ? from_bottom : from_top);
    if (plan->depth > DEPTH_MAX) plan->depth = 0;
    return status;
}

/* ---- plan: which pools are unions of whole days of the year ---- */

static bool is_union(const struct plan *plan, size_t slot, const size_t *slot_of_sample) {
    const struct e5_window *window = &plan->window;
    size_t expected = 0, found = length_of(window->pool_first, slot);
    for (size_t k = 0; k <= 2 * plan->half; k++)
        expected += length_of(window->first, (slot + window->slots - plan->half + k) % window->slots);
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        size_t owner = slot_of_sample[window->pool[i]];
        if (owner == GAP || (owner + plan->half + window->slots - slot) % window->slots > 2 * plan->half) return false;
    }
    return found == expected;
}

static enum e5_status make_singles(struct plan *plan, size_t samples, struct e5_error *err) {
    const struct e5_window *window = &plan->window;
    size_t *slot_of_sample;
    enum e5_status status = e5_alloc(window->slots, sizeof *plan->single, &plan->single, err);
    if (status != E5_OK) return status;
    status = e5_alloc(samples, sizeof *slot_of_sample, &slot_of_sample, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < samples; i++) slot_of_sample[i] = GAP;
    for (size_t slot = 0; slot < window->slots; slot++)
        for (size_t i = window->first[slot]; i < window->first[slot + 1]; i++) slot_of_sample[window->sample[i]] = slot;
    for (size_t slot = 0; slot < window->slots; slot++)
        if (plan->depth == 0 || !is_union(plan, slot, slot_of_sample)) plan->single[plan->nsingle++] = slot;
    free(slot_of_sample);
    return E5_OK;
}

/* ---- plan: how the table is filled and sorted ---- */

static size_t sample_at(const struct e5_window *window, size_t row, size_t slot) {
    return row < length_of(window->first, slot) ? window->sample[window->first[slot] + row] : GAP;
}

static bool continues(const struct run *run, size_t sample) {
    return run->sample == GAP ? sample == GAP : sample == run->sample + run->length;
}

/* Called twice: without runs they are counted. */
static size_t cut_runs(const struct plan *plan, struct run *runs) {
    size_t n = 0;
    for (size_t row = 0; row < plan->rows; row++) {
        struct run run = {0};
        for (size_t slot = 0; slot < plan->window.slots; slot++, run.length++) {
            size_t sample = sample_at(&plan->window, row, slot);
            if (run.length > 0 && continues(&run, sample)) continue;
            if (run.length > 0 && runs != NULL) runs[n] = run;
            n += run.length > 0;
            run = (struct run){row, slot, sample, 0};
        }
        if (runs != NULL) runs[n] = run;
        n++;
    }
    return n;
}

/* Batcher's merge exchange for any number of rows (Knuth, The Art of Computer Programming, vol. 3, 5.2.2, algorithm
 * M).  Called twice: without comparators they are counted. */
static size_t cut_comparators(size_t rows, struct comparator *out) {
    size_t n = 0, top = power_of_two(rows) / 2;
    for (size_t p = top; p > 0; p /= 2) {
        size_t distance = p, remainder = 0;
        for (size_t q = top;; q /= 2, remainder = p) {
            for (size_t i = 0; i + distance < rows; i++) {
                if ((i & p) != remainder) continue;
                if (out != NULL) out[n] = (struct comparator){i, i + distance};
                n++;
            }
            if (q == p) break;
            distance = q - p;
        }
    }
    return n;
}

static enum e5_status make_table(struct plan *plan, struct e5_error *err) {
    size_t columns = plan->window.slots + 2 * plan->half;
    plan->stride = (columns + LANES - 1) / LANES * LANES;
    plan->nruns = cut_runs(plan, NULL);
    plan->ncomparators = cut_comparators(plan->rows, NULL);
    enum e5_status status = e5_alloc(plan->nruns, sizeof *plan->runs, &plan->runs, err);
    if (status == E5_OK) status = e5_alloc(plan->ncomparators, sizeof *plan->comparators, &plan->comparators, err);
    if (status != E5_OK) return status;
    cut_runs(plan, plan->runs);
    cut_comparators(plan->rows, plan->comparators);
    return E5_OK;
}

/* ---- scratch ---- */

#define TABLES 5 /* days, and two each for lists of 2, 4, … days and for windows */

struct scratch {
    double *days;      /* max(rows, depth) × stride: values, then lists of single days */
    double *spans[2];  /* depth × stride: lists of 2, 4, 8 … days */
    double *windows[2];
    double *valid;     /* stride: valid values per day */
    double *pool;      /* longest */
    double *slots;     /* window.slots */
};

static size_t days_size(const struct plan *plan) {
    return (plan->rows > plan->depth ? plan->rows : plan->depth) * plan->stride;
}

static size_t scratch_size(const struct plan *plan) {
    size_t tables = plan->depth > 0 ? days_size(plan) + (TABLES - 1) * plan->depth * plan->stride + plan->stride : 0;
    return (tables + plan->longest + plan->window.slots) * sizeof(double);
}

static struct scratch scratch_at(const struct plan *plan, void *memory) {
    struct scratch at = {.slots = memory};
    size_t table = plan->depth * plan->stride;
    at.pool = at.slots + plan->window.slots;
    at.days = at.pool + plan->longest;
    at.spans[0] = at.days + days_size(plan);
    at.spans[1] = at.spans[0] + table;
    at.windows[0] = at.spans[1] + table;
    at.windows[1] = at.windows[0] + table;
    at.valid = at.windows[1] + table;
    return at;
}

/* ---- networks ---- */

/* Inlined as a whole into one function per width of vectors; see make_lists(). */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void fill(double *row, double value, size_t n) {
    for (size_t i = 0; i < n; i++) row[i] = value;
}

/* Values in the order of the lists: negated for the smallest; NaN last, as −∞; −0 as +0, since which of the two a sort
 * puts first is chance. */
ALWAYS_INLINE void load_run(const double *restrict from, double sign, size_t n, double *restrict to, double *restrict valid) {
    for (size_t i = 0; i < n; i++) {
        double value = sign * (from[i] + 0.0);
        to[i] = from[i] == from[i] ? value : -INFINITY;
        valid[i] += from[i] == from[i] ? 1.0 : 0.0;
    }
}

ALWAYS_INLINE void exchange(double *restrict upper, double *restrict lower, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double a = upper[i], b = lower[i];
        upper[i] = a > b ? a : b; /* equal values are equal bits here: no NaN, no −0 */
        lower[i] = a < b ? a : b;
    }
}

ALWAYS_INLINE void larger(double *restrict out, const double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] > b[i] ? a[i] : b[i];
}

ALWAYS_INLINE void sort_days(const struct plan *plan, double *days) {
    for (size_t at = 0; at < plan->stride; at += BLOCK) {
        size_t n = plan->stride - at < BLOCK ? plan->stride - at : BLOCK;
        for (size_t i = 0; i < plan->ncomparators; i++)
            exchange(days + plan->comparators[i].upper * plan->stride + at,
                     days + plan->comparators[i].lower * plan->stride + at, n);
    }
}

/* The `depth` largest of two sorted lists: the larger of a's i-th and b's i-th from the end, over all i, are those
 * values; their order is bitonic and is put straight by a bitonic merge. */
ALWAYS_INLINE void merge(const struct plan *plan, const double *a, const double *b, double *restrict out, size_t columns) {
    size_t depth = plan->depth, stride = plan->stride;
    for (size_t at = 0; at < columns; at += BLOCK) {
        size_t n = columns - at < BLOCK ? columns - at : BLOCK;
        for (size_t i = 0; i < depth; i++)
            larger(out + i * stride + at, a + i * stride + at, b + (depth - 1 - i) * stride + at, n);
        for (size_t distance = depth / 2; distance > 0; distance /= 2)
            for (size_t i = 0; i < depth; i++)
                if ((i & distance) == 0)
                    exchange(out + i * stride + at, out + (i + distance) * stride + at, n);
    }
}

/* ---- one cell ---- */

/* Sorted lists of single days; the first and last `half` columns repeat the other end of the year. */
ALWAYS_INLINE void make_days(const struct plan *plan, const double *series, const struct scratch *scratch) {
    size_t slots = plan->window.slots, half = plan->half, stride = plan->stride;
    fill(scratch->valid, 0, stride);
    for (size_t i = 0; i < plan->nruns; i++) {
        const struct run *run = &plan->runs[i];
        double *to = scratch->days + run->row * stride + half + run->slot;
        if (run->sample == GAP) fill(to, -INFINITY, run->length);
        else load_run(series + run->sample, plan->smallest ? -1 : 1, run->length, to, scratch->valid + half + run->slot);
    }
    sort_days(plan, scratch->days);
    for (size_t row = plan->rows; row < plan->depth; row++) fill(scratch->days + row * stride, -INFINITY, stride);
    for (size_t row = 0; row <= plan->depth; row++) {
        double *columns = row < plan->depth ? scratch->days + row * stride : scratch->valid;
        memcpy(columns, columns + slots, half * sizeof *columns);
        memcpy(columns + half + slots, columns + half, half * sizeof *columns);
    }
}

/* Lists of whole windows, put together from lists of 1, 2, 4, … days: one for each bit of the width. */
ALWAYS_INLINE const double *make_windows(const struct plan *plan, const struct scratch *scratch) {
    size_t width = 2 * plan->half + 1, columns = plan->window.slots + width, side = 0;
    const double *span = scratch->days, *windows = scratch->days; /* the width is odd: it has bit 0 */
    for (size_t days = 1, offset = 1; 2 * days <= width; days *= 2, side = !side) {
        merge(plan, span, span + days, scratch->spans[side], columns - 2 * days);
        span = scratch->spans[side];
        if ((width & (2 * days)) == 0) continue;
        double *longer = windows == scratch->windows[0] ? scratch->windows[1] : scratch->windows[0];
        merge(plan, windows, span + offset, longer, plan->window.slots);
        windows = longer;
        offset += 2 * days;
    }
    return windows;
}

ALWAYS_INLINE const double *make_lists(const struct plan *plan, const double *series, const struct scratch *scratch) {
    make_days(plan, series, scratch);
    return make_windows(plan, scratch);
}

/* The same loops for the vectors that the processor has; comparing and moving give the same bits in all of them. */
static const double *lists_of_any(const struct plan *plan, const double *series, const struct scratch *scratch) {
    return make_lists(plan, series, scratch);
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2"))) static const double *lists_of_256(const struct plan *plan, const double *series,
                                                                  const struct scratch *scratch) {
    return make_lists(plan, series, scratch);
}

__attribute__((target("avx512f"))) static const double *lists_of_512(const struct plan *plan, const double *series,
                                                                     const struct scratch *scratch) {
    return make_lists(plan, series, scratch);
}

static const double *lists(const struct plan *plan, const double *series, const struct scratch *scratch) {
    if (__builtin_cpu_supports("avx512f")) return lists_of_512(plan, series, scratch);
    if (__builtin_cpu_supports("avx2")) return lists_of_256(plan, series, scratch);
    return lists_of_any(plan, series, scratch);
}
#else
static const double *lists(const struct plan *plan, const double *series, const struct scratch *scratch) {
    return lists_of_any(plan, series, scratch);
}
#endif

static double read_quantile(const struct plan *plan, const double *window, size_t valid) {
    if (valid == 0) return NAN;
    struct e5_quantile_rank rank = plan->rank[valid];
    size_t lower = plan->smallest ? rank.lower : valid - 1 - rank.lower;
    size_t upper = plan->smallest ? rank.upper : valid - 1 - rank.upper;
    double sign = plan->smallest ? -1 : 1;
    return e5_quantile_between(sign * window[lower * plan->stride], sign * window[upper * plan->stride], rank.fraction);
}

static void from_lists(const struct plan *plan, const double *series, const struct scratch *scratch, double *out) {
    const double *windows = lists(plan, series, scratch);
    double valid = 0;
    for (size_t k = 0; k < 2 * plan->half; k++) valid += scratch->valid[k];
    for (size_t slot = 0; slot < plan->window.slots; slot++) { /* whole numbers: the running sum is exact */
        valid += scratch->valid[slot + 2 * plan->half];
        out[slot] = read_quantile(plan, windows + slot, (size_t)valid);
        valid -= scratch->valid[slot];
    }
}

static double from_pool(const struct plan *plan, const double *series, size_t slot, double *pool) {
    const struct e5_window *window = &plan->window;
    size_t n = 0;
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        double value = series[window->pool[i]];
        pool[n] = value + 0.0; /* −0 becomes +0, as in the lists */
        n += value == value;
    }
    return e5_quantile(pool, n, plan->probability, plan->type);
}

/* Linear in the slot's number, as if the year had one day more; both ends keep their values. */
static void stretch(const double *slots, size_t n, double *out, size_t results) {
    for (size_t i = 0; i < results; i++) {
        double position = (double)(i * (n - 1)) / (double)(results - 1);
        size_t before = (size_t)position;
        double fraction = position - (double)before;
        out[i] = fraction == 0 ? slots[before] : slots[before] + fraction * (slots[before + 1] - slots[before]);
    }
}

static void cell(const void *opaque, const double *series, double *out, void *memory) {
    const struct plan *plan = opaque;
    struct scratch scratch = scratch_at(plan, memory);
    bool stretched = plan->results != plan->window.slots;
    double *slots = stretched ? scratch.slots : out;
    if (plan->depth > 0) from_lists(plan, series, &scratch, slots);
    for (size_t i = 0; i < plan->nsingle; i++)
        slots[plan->single[i]] = from_pool(plan, series, plan->single[i], scratch.pool);
    if (stretched) stretch(slots, plan->window.slots, out, plan->results);
}

/* ---- life of a plan ---- */

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_window_fini(&plan->window);
    free(plan->rank);
    free(plan->runs);
    free(plan->comparators);
    free(plan->single);
    free(plan);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_time_axis *axis, void **out,
                               size_t *out_length, size_t *scratch_bytes, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->probability = params->value[PERCENTILE].number / 100;
    plan->type = (int)params->value[TYPE].integer;
    plan->half = (size_t)params->value[WINDOW].integer / 2;
    status = e5_quantile_check(plan->probability, plan->type, err);
    if (status == E5_OK) status = make_window(plan, params, axis, err);
    if (status == E5_OK) status = make_ranks(plan, err);
    if (status == E5_OK) status = make_singles(plan, axis->n, err);
    if (status == E5_OK && plan->depth > 0) status = make_table(plan, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    *out = plan;
    *out_length = plan->results;
    *scratch_bytes = scratch_size(plan);
    return E5_OK;
}

const struct e5_series_ops e5_percentile_doy_ops = {plan_new, cell, plan_free};
