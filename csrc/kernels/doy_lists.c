#include "kernels/doy_lists.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/isa.h"

#define BLOCK 64     /* columns sorted or merged at a time, so that the rows stay in the L1 cache */
#define LANES 8      /* doubles in a cache line */
#define GAP SIZE_MAX /* "no sample" */

/* Days of the year side by side whose samples also lie side by side: one row of the table, or a part of it. */
struct e5_doy_run {
    size_t row, slot, sample, length; /* sample GAP: these days have fewer samples than `row` */
};

struct e5_doy_comparator {
    size_t upper, lower; /* rows; the larger value goes to `upper` */
};

/* --- how the table is filled and sorted --- */

static size_t sample_at(const struct e5_window *window, size_t row, size_t slot) {
    return row < window->first[slot + 1] - window->first[slot] ? window->sample[window->first[slot] + row] : GAP;
}

static bool continues(const struct e5_doy_run *run, size_t sample) {
    return run->sample == GAP ? sample == GAP : sample == run->sample + run->length;
}

/* Called twice: without runs they are counted. */
static size_t cut_runs(const struct e5_doy_lists *lists, const struct e5_window *window, struct e5_doy_run *runs) {
    size_t n = 0;
    for (size_t row = 0; row < lists->rows; row++) {
        struct e5_doy_run run = {0};
        for (size_t slot = 0; slot < lists->slots; slot++, run.length++) {
            size_t sample = sample_at(window, row, slot);
            if (run.length > 0 && continues(&run, sample)) continue;
            if (run.length > 0 && runs != NULL) runs[n] = run;
            n += run.length > 0;
            run = (struct e5_doy_run){row, slot, sample, 0};
        }
        if (runs != NULL) runs[n] = run;
        n++;
    }
    return n;
}

static size_t power_of_two(size_t least) {
    size_t power = 1;
    while (power < least) power *= 2;
    return power;
}

/* Batcher's merge exchange for any number of rows (Knuth, The Art of Computer Programming, vol. 3, 5.2.2, algorithm
 * M).  Called twice: without comparators they are counted. */
static size_t cut_comparators(size_t rows, struct e5_doy_comparator *out) {
    size_t n = 0, top = power_of_two(rows) / 2;
    for (size_t p = top; p > 0; p /= 2) {
        size_t distance = p, remainder = 0;
        for (size_t q = top;; q /= 2, remainder = p) {
            for (size_t i = 0; i + distance < rows; i++) {
                if ((i & p) != remainder) continue;
                if (out != NULL) out[n] = (struct e5_doy_comparator){i, i + distance};
                n++;
            }
            if (q == p) break;
            distance = q - p;
        }
    }
    return n;
}

/* --- life --- */

static size_t most_samples(const struct e5_window *window) {
    size_t most = 0;
    for (size_t slot = 0; slot < window->slots; slot++) {
        size_t samples = window->first[slot + 1] - window->first[slot];
        if (samples > most) most = samples;
    }
    return most;
}

enum e5_status e5_doy_lists_init(struct e5_doy_lists *lists, const struct e5_window *window, size_t depth,
                                 bool smallest, struct e5_error *err) {
    *lists = (struct e5_doy_lists){
        .slots = window->slots,
        .half = (size_t)window->width / 2,
        .depth = power_of_two(depth),
        .smallest = smallest,
        .rows = most_samples(window),
    };
    lists->stride = (lists->slots + 2 * lists->half + LANES - 1) / LANES * LANES;
    lists->nruns = cut_runs(lists, window, NULL);
    lists->ncomparators = cut_comparators(lists->rows, NULL);
    enum e5_status status = e5_alloc(lists->nruns, sizeof *lists->runs, &lists->runs, err);
    if (status == E5_OK) status = e5_alloc(lists->ncomparators, sizeof *lists->comparators, &lists->comparators, err);
    if (status != E5_OK) {
        e5_doy_lists_fini(lists);
        return status;
    }
    cut_runs(lists, window, lists->runs);
    cut_comparators(lists->rows, lists->comparators);
    return E5_OK;
}

void e5_doy_lists_fini(struct e5_doy_lists *lists) {
    free(lists->runs);
    free(lists->comparators);
    *lists = (struct e5_doy_lists){0};
}

/* --- scratch --- */

struct tables {
    double *days;      /* max(rows, depth) × stride: values, then lists of single days */
    double *spans[2];  /* depth × stride: lists of 2, 4, 8 … days */
    double *windows[2];
    double *valid;     /* stride: valid values per day, then per window */
};

static size_t days_size(const struct e5_doy_lists *lists) {
    return (lists->rows > lists->depth ? lists->rows : lists->depth) * lists->stride;
}

size_t e5_doy_lists_scratch(const struct e5_doy_lists *lists) {
    return (days_size(lists) + 4 * lists->depth * lists->stride + lists->stride) * sizeof(double);
}

static struct tables tables_at(const struct e5_doy_lists *lists, double *memory) {
    size_t table = lists->depth * lists->stride;
    struct tables at = {.days = memory};
    at.spans[0] = at.days + days_size(lists);
    at.spans[1] = at.spans[0] + table;
    at.windows[0] = at.spans[1] + table;
    at.windows[1] = at.windows[0] + table;
    at.valid = at.windows[1] + table;
    return at;
}

/* --- networks --- */

/* Inlined as a whole into one function per width of vectors; see find_with_any(). */
#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE void fill(double *row, double value, size_t n) {
    for (size_t i = 0; i < n; i++) row[i] = value;
}

/* Values in the order of the lists: negated for the smallest; NaN last, as −∞; −0 as +0, since which of the two a
 * sort puts first is chance. */
static ALWAYS_INLINE void load_run(const double *restrict from, double sign, size_t n, double *restrict to,
                                   double *restrict valid) {
    for (size_t i = 0; i < n; i++) {
        double value = sign * (from[i] + 0.0);
        to[i] = from[i] == from[i] ? value : -INFINITY;
        valid[i] += from[i] == from[i] ? 1.0 : 0.0;
    }
}

static ALWAYS_INLINE void exchange(double *restrict upper, double *restrict lower, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double a = upper[i], b = lower[i];
        upper[i] = a > b ? a : b; /* equal values are equal bits here: no NaN, no −0 */
        lower[i] = a < b ? a : b;
    }
}

static ALWAYS_INLINE void larger(double *restrict out, const double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] > b[i] ? a[i] : b[i];
}

static ALWAYS_INLINE void sort_days(const struct e5_doy_lists *lists, double *days) {
    for (size_t at = 0; at < lists->stride; at += BLOCK) {
        size_t n = lists->stride - at < BLOCK ? lists->stride - at : BLOCK;
        for (size_t i = 0; i < lists->ncomparators; i++)
            exchange(days + lists->comparators[i].upper * lists->stride + at,
                     days + lists->comparators[i].lower * lists->stride + at, n);
    }
}

/* The `depth` largest of two sorted lists: the larger of a's i-th and b's i-th from the end, over all i, are those
 * values; their order is bitonic and is put straight by a bitonic merge. */
static ALWAYS_INLINE void merge(const struct e5_doy_lists *lists, const double *a, const double *b,
                                double *restrict out, size_t columns) {
    size_t depth = lists->depth, stride = lists->stride;
    for (size_t at = 0; at < columns; at += BLOCK) {
        size_t n = columns - at < BLOCK ? columns - at : BLOCK;
        for (size_t i = 0; i < depth; i++)
            larger(out + i * stride + at, a + i * stride + at, b + (depth - 1 - i) * stride + at, n);
        for (size_t distance = depth / 2; distance > 0; distance /= 2)
            for (size_t i = 0; i < depth; i++)
                if ((i & distance) == 0) exchange(out + i * stride + at, out + (i + distance) * stride + at, n);
    }
}

/* --- one series --- */

/* Sorted lists of single days; the first and last `half` columns repeat the other end of the year. */
static ALWAYS_INLINE void make_days(const struct e5_doy_lists *lists, const double *series, const struct tables *at) {
    size_t slots = lists->slots, half = lists->half, stride = lists->stride;
    fill(at->valid, 0, stride);
    for (size_t i = 0; i < lists->nruns; i++) {
        const struct e5_doy_run *run = &lists->runs[i];
        double *to = at->days + run->row * stride + half + run->slot;
        if (run->sample == GAP)
            fill(to, -INFINITY, run->length);
        else
            load_run(series + run->sample, lists->smallest ? -1 : 1, run->length, to, at->valid + half + run->slot);
    }
    sort_days(lists, at->days);
    for (size_t row = lists->rows; row < lists->depth; row++) fill(at->days + row * stride, -INFINITY, stride);
    for (size_t row = 0; row <= lists->depth; row++) {
        double *columns = row < lists->depth ? at->days + row * stride : at->valid;
        memcpy(columns, columns + slots, half * sizeof *columns);
        memcpy(columns + half + slots, columns + half, half * sizeof *columns);
    }
}

/* Lists of whole windows, put together from lists of 1, 2, 4, … days: one for each bit of the width. */
static ALWAYS_INLINE const double *make_windows(const struct e5_doy_lists *lists, const struct tables *at) {
    size_t width = 2 * lists->half + 1, columns = lists->slots + width, side = 0;
    const double *span = at->days, *windows = at->days; /* the width is odd: it has bit 0 */
    for (size_t days = 1, offset = 1; 2 * days <= width; days *= 2, side = !side) {
        merge(lists, span, span + days, at->spans[side], columns - 2 * days);
        span = at->spans[side];
        if ((width & (2 * days)) == 0) continue;
        double *longer = windows == at->windows[0] ? at->windows[1] : at->windows[0];
        merge(lists, windows, span + offset, longer, lists->slots);
        windows = longer;
        offset += 2 * days;
    }
    return windows;
}

/* Counts of days → counts of windows, in place.  They are whole numbers: the running sum is exact. */
static ALWAYS_INLINE void count_windows(const struct e5_doy_lists *lists, double *valid) {
    double sum = 0;
    for (size_t k = 0; k < 2 * lists->half; k++) sum += valid[k];
    for (size_t slot = 0; slot < lists->slots; slot++) {
        double leaves = valid[slot];
        sum += valid[slot + 2 * lists->half];
        valid[slot] = sum;
        sum -= leaves;
    }
}

static ALWAYS_INLINE struct e5_doy_found find(const struct e5_doy_lists *lists, const double *series,
                                              double *memory) {
    struct tables at = tables_at(lists, memory);
    make_days(lists, series, &at);
    const double *windows = make_windows(lists, &at);
    count_windows(lists, at.valid);
    return (struct e5_doy_found){windows, at.valid};
}

/* The same loops for the vectors that the processor has; comparing and moving give the same bits in all of them. */
static struct e5_doy_found find_with_any(const struct e5_doy_lists *lists, const double *series, double *memory) {
    return find(lists, series, memory);
}

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET(name) __attribute__((target(name)))

TARGET("avx2")
static struct e5_doy_found find_with_avx2(const struct e5_doy_lists *lists, const double *series, double *memory) {
    return find(lists, series, memory);
}

TARGET("avx512f")
static struct e5_doy_found find_with_avx512(const struct e5_doy_lists *lists, const double *series, double *memory) {
    return find(lists, series, memory);
}

struct e5_doy_found e5_doy_lists_find(const struct e5_doy_lists *lists, const double *series, void *scratch) {
    switch (e5_isa()) {
    case E5_ISA_AVX512: return find_with_avx512(lists, series, scratch);
    case E5_ISA_AVX2: return find_with_avx2(lists, series, scratch);
    case E5_ISA_BASELINE: break;
    }
    return find_with_any(lists, series, scratch);
}
#else
struct e5_doy_found e5_doy_lists_find(const struct e5_doy_lists *lists, const double *series, void *scratch) {
    return find_with_any(lists, series, scratch);
}
#endif
