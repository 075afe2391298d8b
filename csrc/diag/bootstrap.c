#include <math.h>
#include <string.h>

#include "diag/normal.h"
#include "diag/quantile.h"
#include "diag/resampling.h"

#define LANES E5_RESAMPLE_LANES
#define BLOCK ((size_t)128) /* resamples whose sums stay in the first cache */

struct scratch {
    double *squares; /* n × lanes */
    double *sum, *sum2; /* BLOCK × lanes */
    double *value;      /* lanes × resamples */
    double *tail; /* resamples */
    uint16_t *order, *drawn; /* n × lanes, n */
};

static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t lay_out(const struct e5_bootstrap *what, char *at, struct scratch *s) {
    size_t tile = what->n * LANES * sizeof(double), block = BLOCK * LANES * sizeof(double);
    size_t values = whole_lines(what->resamples->count * (LANES + 1) * sizeof(double));
    s->squares = (double *)(void *)at;
    s->sum = (double *)(void *)(at + tile);
    s->sum2 = (double *)(void *)(at + tile + block);
    s->value = (double *)(void *)(at + tile + 2 * block);
    s->tail = s->value + what->resamples->count * LANES;
    s->order = (uint16_t *)(void *)(at + tile + 2 * block + values);
    s->drawn = s->order + what->n * LANES;
    return tile + 2 * block + values + whole_lines((LANES + 1) * what->n * sizeof(uint16_t));
}

size_t e5_bootstrap_scratch(const struct e5_bootstrap *what) {
    struct scratch none;
    return lay_out(what, NULL, &none);
}

/* --- what all samples are counted from --- */

/* Subtract from every lane the value that is nearest to its mean, so that sums of squares lose nothing and equal
 * values give exactly 0.  A lane that is not finite becomes 0, its centre NaN. */
static void centre_lanes(double *tile, size_t n, double *centre) {
    for (int c = 0; c < LANES; c++) {
        double sum = 0;
        for (size_t t = 0; t < n; t++) sum += tile[t * LANES + c];
        double mean = sum / (double)n;
        centre[c] = isfinite(mean) ? tile[c] : NAN;
        for (size_t t = 1; t < n; t++)
            if (fabs(tile[t * LANES + c] - mean) < fabs(centre[c] - mean)) centre[c] = tile[t * LANES + c];
        for (size_t t = 0; t < n; t++) tile[t * LANES + c] = isnan(centre[c]) ? 0 : tile[t * LANES + c] - centre[c];
    }
}

/* --- statistics of one resample from its sums --- */

/* Divisors as factors, since divisions take longer than all the rest. */
struct divisors {
    double mean, variance; /* 1 / n, 1 / (n − ddof) */
};

static struct divisors divisors_of(const struct e5_bootstrap *what, size_t n) {
    return (struct divisors){1 / (double)n, 1 / ((double)n - what->ddof)};
}

E5_SIMD_BODY double statistic_of(enum e5_statistic_of_sample statistic, struct divisors by, double sum, double sum2) {
    if (statistic == E5_SAMPLE_MEAN) return sum * by.mean;
    double squares = sum2 - sum * sum * by.mean, variance = (squares > 0 ? squares : 0) * by.variance;
    return statistic == E5_SAMPLE_VAR ? variance : sqrt(variance);
}

/* Sums of n values each → statistics, in their place. */
E5_SIMD_BODY void statistics_body(enum e5_statistic_of_sample statistic, struct divisors by, double *restrict sum,
                                  const double *restrict sum2, size_t n) {
    if (statistic == E5_SAMPLE_MEAN)
        for (size_t i = 0; i < n; i++) sum[i] = statistic_of(E5_SAMPLE_MEAN, by, sum[i], 0);
    else if (statistic == E5_SAMPLE_VAR)
        for (size_t i = 0; i < n; i++) sum[i] = statistic_of(E5_SAMPLE_VAR, by, sum[i], sum2[i]);
    else
        for (size_t i = 0; i < n; i++) sum[i] = statistic_of(E5_SAMPLE_STD, by, sum[i], sum2[i]);
}
E5_SIMD_VARIANTS(statistics,
                 (enum e5_statistic_of_sample statistic, struct divisors by, double *sum, const double *sum2,
                  size_t n),
                 (statistic, by, sum, sum2, n))

static void square(const double *tile, size_t n, double *squares) {
    for (size_t i = 0; i < n * LANES; i++) squares[i] = tile[i] * tile[i];
}

/* Resamples first … first + count − 1, of equal length. */
static void block_by_sums(const struct e5_bootstrap *what, const double *tile, const struct scratch *s, size_t first,
                          size_t count) {
    const struct e5_resamples *resamples = what->resamples;
    e5_resamples_sums(resamples, first, count, tile, s->sum);
    if (what->statistic != E5_SAMPLE_MEAN) e5_resamples_sums(resamples, first, count, s->squares, s->sum2);
    struct divisors by = divisors_of(what, resamples->start[first + 1] - resamples->start[first]);
    statistics(what->statistic, by, s->sum, s->sum2, count * LANES);
    for (int c = 0; c < LANES; c++) {
        double *value = s->value + (size_t)c * resamples->count + first;
        for (size_t r = 0; r < count; r++) value[r] = s->sum[r * LANES + c];
    }
}

static void statistics_by_sums(const struct e5_bootstrap *what, const double *tile, const struct scratch *s) {
    size_t drawn = what->resamples->count - what->n;
    if (what->statistic != E5_SAMPLE_MEAN) square(tile, what->n, s->squares);
    for (size_t first = 0, left; first < what->resamples->count; first += left < BLOCK ? left : BLOCK) {
        left = (first < drawn ? drawn : what->resamples->count) - first;
        block_by_sums(what, tile, s, first, left < BLOCK ? left : BLOCK);
    }
}

/* --- the median, from the order of the values and how often each was drawn --- */

static void sort_steps(const double *tile, size_t n, int lane, uint16_t *order) {
    for (size_t i = 0; i < n; i++) { /* insertion: samples are short, and sorted once for all resamples */
        size_t at = i;
        for (; at > 0 && tile[order[at - 1] * LANES + lane] > tile[i * LANES + lane]; at--) order[at] = order[at - 1];
        order[at] = (uint16_t)i;
    }
}

static double median_of(const double *tile, int lane, const uint16_t *order, const uint16_t *drawn, size_t n) {
    size_t lower = (n - 1) / 2, upper = n / 2, seen = 0, i = 0;
    while ((seen += drawn[order[i]]) <= lower) i++;
    double low = tile[order[i] * LANES + lane];
    while (seen <= upper) seen += drawn[order[++i]];
    return (low + tile[order[i] * LANES + lane]) / 2;
}

static void medians(const struct e5_bootstrap *what, const double *tile, const struct scratch *s) {
    const struct e5_resamples *resamples = what->resamples;
    for (int c = 0; c < LANES; c++) sort_steps(tile, what->n, c, s->order + (size_t)c * what->n);
    for (size_t r = 0; r < resamples->count; r++) {
        size_t n = resamples->start[r + 1] - resamples->start[r];
        memset(s->drawn, 0, what->n * sizeof *s->drawn);
        for (size_t i = 0; i < n; i++) s->drawn[resamples->step[resamples->start[r] + i]]++;
        for (int c = 0; c < LANES; c++)
            s->value[(size_t)c * resamples->count + r] =
                median_of(tile, c, s->order + (size_t)c * what->n, s->drawn, n);
    }
}

/* Of the sample itself. */
static double sample_statistic(const struct e5_bootstrap *what, const double *tile, int lane,
                               const struct scratch *s) {
    if (what->statistic == E5_SAMPLE_MEDIAN) {
        for (size_t i = 0; i < what->n; i++) s->drawn[i] = 1;
        return median_of(tile, lane, s->order + (size_t)lane * what->n, s->drawn, what->n);
    }
    double sum = 0, sum2 = 0;
    for (size_t t = 0; t < what->n; t++) {
        double value = tile[t * LANES + lane];
        sum += value;
        sum2 += value * value;
    }
    return statistic_of(what->statistic, divisors_of(what, what->n), sum, sum2);
}

/* --- intervals --- */

/* The two probabilities whose quantiles bound the interval: corrected for bias, and for an error that changes with
 * the value, by the samples that leave out one step. */
static void corrected(const struct e5_bootstrap *what, double value, const double *resampled, double tail,
                      double probability[2]) {
    size_t n = what->n, count = what->resamples->count - n;
    int64_t below = 0;
    double mean = 0, squares = 0, cubes = 0;
    for (size_t r = 0; r < count; r++) below += (resampled[r] < value) + (resampled[r] <= value);
    const double *left_out = resampled + count;
    for (size_t i = 0; i < n; i++) mean += left_out[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double gap = mean - left_out[i];
        squares += gap * gap;
        cubes += gap * gap * gap;
    }
    double bias = e5_normal_quantile((double)below / (2 * (double)count)),
           acceleration = cubes / (6 * pow(squares, 1.5));
    for (int end = 0; end < 2; end++) {
        double z = bias + e5_normal_quantile(end == 0 ? tail : 1 - tail);
        probability[end] = e5_normal_below(bias + z / (1 - acceleration * z));
    }
}

struct moments {
    double mean, deviation;
};

#define SUMS E5_LANES /* so many at a time that no addition waits for the one before */

E5_SIMD_BODY void power_sums_body(const double *restrict values, size_t n, double origin, double *restrict sum,
                                  double *restrict squares) {
    double first[SUMS] = {0}, second[SUMS] = {0};
    size_t i = 0;
    for (; i + SUMS <= n; i += SUMS) E5_EACH_LANE(k) {
            double value = values[i + k] - origin;
            first[k] += value;
            second[k] += value * value;
        }
    for (size_t k = 0; k < SUMS; k++) sum[k] = first[k], squares[k] = second[k];
    for (; i < n; i++) {
        double value = values[i] - origin;
        sum[i % SUMS] += value;
        squares[i % SUMS] += value * value;
    }
}
E5_SIMD_VARIANTS(power_sums, (const double *values, size_t n, double origin, double *sum, double *squares),
                 (values, n, origin, sum, squares))

static struct moments moments_of(const double *values, size_t n) {
    double sum[SUMS] = {0}, squares[SUMS] = {0}, origin = values[0];
    power_sums(values, n, origin, sum, squares);
    for (size_t k = 1; k < SUMS; k++) {
        sum[0] += sum[k];
        squares[0] += squares[k];
    }
    double mean = sum[0] / (double)n, rest = fmax(squares[0] - sum[0] * mean, 0);
    return (struct moments){origin + mean, sqrt(rest / (double)(n - 1))};
}

/* Values up to the cut (or from it on); kept or written over, so that there is no branch to guess. */
static size_t cut_tail(const double *values, size_t n, double cut, bool upper, double *out) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        out[found] = values[i];
        found += upper ? values[i] >= cut : values[i] <= cut;
    }
    return found;
}

/* Quantile of type 7. Its neighbours are looked for in the tail that a normal distribution with these moments has a
 * little farther in; where the tail turns out too short, among all values. */
static double quantile_of(const double *values, size_t n, double probability, struct moments moments, double *tail) {
    if (isnan(probability)) return NAN;
    bool upper = probability > 0.5;
    double outer = upper ? 1 - probability : probability, reach = e5_normal_quantile(fmin(0.02 + 1.5 * outer, 0.5));
    double cut = moments.mean + (upper ? -reach : reach) * moments.deviation;
    double position = (double)(n - 1) * probability;
    size_t found = cut_tail(values, n, cut, upper, tail), missing = n - found;
    if (upper ? position < (double)missing : position + 1 > (double)found - 1) {
        memcpy(tail, values, n * sizeof *values);
        return e5_quantile(tail, n, probability, 7);
    }
    if (upper) position -= (double)missing;
    return e5_quantile(tail, found, found > 1 ? position / (double)(found - 1) : 0, 7);
}

/* value, low, high, error of one lane, of values counted from its centre. */
static void results_of(const struct e5_bootstrap *what, double value, const double *resampled, double *tail,
                       double *out) {
    size_t count = what->resamples->count - what->n;
    double probability[2] = {(1 - what->confidence) / 2, 1 - (1 - what->confidence) / 2}, bound[2];
    struct moments moments = moments_of(resampled, count);
    if (what->interval == E5_INTERVAL_BCA) corrected(what, value, resampled, probability[0], probability);
    for (int end = 0; end < 2; end++) bound[end] = quantile_of(resampled, count, probability[end], moments, tail);
    bool basic = what->interval == E5_INTERVAL_BASIC;
    out[E5_BOOTSTRAP_VALUE] = value;
    out[E5_BOOTSTRAP_LOW] = basic ? 2 * value - bound[1] : bound[0];
    out[E5_BOOTSTRAP_HIGH] = basic ? 2 * value - bound[0] : bound[1];
    out[E5_BOOTSTRAP_ERROR] = moments.deviation;
}

void e5_bootstrap_tile(const struct e5_bootstrap *what, double *tile, double *out, void *scratch) {
    struct scratch s;
    double centre[LANES], result[E5_BOOTSTRAP_RESULTS];
    bool median = what->statistic == E5_SAMPLE_MEDIAN, moves = median || what->statistic == E5_SAMPLE_MEAN;
    lay_out(what, scratch, &s);
    centre_lanes(tile, what->n, centre);
    if (median)
        medians(what, tile, &s);
    else
        statistics_by_sums(what, tile, &s);
    for (int c = 0; c < LANES; c++) {
        double value = isnan(centre[c]) ? NAN : sample_statistic(what, tile, c, &s);
        double shift = moves ? centre[c] : 0;
        if (!isnan(value)) results_of(what, value, s.value + (size_t)c * what->resamples->count, s.tail, result);
        for (int k = 0; k < E5_BOOTSTRAP_RESULTS; k++)
            out[k * LANES + c] = isnan(value) ? NAN : result[k] + (k == E5_BOOTSTRAP_ERROR ? 0 : shift);
    }
}

/* --- permutations: on the same sums --- */

size_t e5_permutation_scratch(const struct e5_permutation *what) {
    (void)what;
    return BLOCK * LANES * sizeof(double);
}

/* What a sum over the chosen steps says: the difference of means is `scale` times it, less `offset`. */
struct reading {
    double scale, offset[LANES], observed[LANES], near[LANES];
};

static void read_tile(const struct e5_permutation *what, const double *tile, struct reading *out) {
    double n = (double)what->n, part = (double)what->part;
    out->scale = what->paired ? 2 / n : n / (part * (n - part));
    for (int c = 0; c < LANES; c++) {
        double all = 0, first = 0, size = 0;
        for (size_t t = 0; t < what->n; t++) {
            double value = tile[t * LANES + c];
            all += value;
            first += t < what->part ? value : 0;
            size += fabs(value);
        }
        out->offset[c] = what->paired ? all / n : all / (n - part);
        out->observed[c] = what->paired ? all / n : first * out->scale - out->offset[c];
        out->near[c] = 1e-12 * size / n;
    }
}

E5_SIMD_BODY void tally_body(const struct reading *reading, const double *restrict sum, size_t count,
                             double *restrict less, double *restrict greater) {
    for (size_t r = 0; r < count; r++)
        for (int c = 0; c < LANES; c++) {
            double gap = sum[r * LANES + c] * reading->scale - reading->offset[c] - reading->observed[c];
            less[c] += gap <= reading->near[c] ? 1 : 0;
            greater[c] += gap >= -reading->near[c] ? 1 : 0;
        }
}
E5_SIMD_VARIANTS(tally,
                 (const struct reading *reading, const double *sum, size_t count, double *less, double *greater),
                 (reading, sum, count, less, greater))

void e5_permutation_tile(const struct e5_permutation *what, double *tile, double *out, void *scratch) {
    struct reading reading;
    double centre[LANES] = {0}, *sum = scratch;
    double *less = out + E5_PERMUTATION_LESS * LANES, *greater = out + E5_PERMUTATION_GREATER * LANES;
    if (what->paired) /* differences have their zero already */
        for (int c = 0; c < LANES; c++)
            for (size_t t = 0; t < what->n; t++) centre[c] += tile[t * LANES + c];
    else
        centre_lanes(tile, what->n, centre);
    read_tile(what, tile, &reading);
    memset(out, 0, E5_PERMUTATION_RESULTS * LANES * sizeof *out);
    for (size_t first = 0; first < what->resamples->count; first += BLOCK) {
        size_t left = what->resamples->count - first, count = left < BLOCK ? left : BLOCK;
        e5_resamples_sums(what->resamples, first, count, tile, sum);
        tally(&reading, sum, count, less, greater);
    }
    for (int c = 0; c < LANES; c++) {
        out[E5_PERMUTATION_DIFFERENCE * LANES + c] = reading.observed[c];
        if (!isfinite(centre[c]))
            for (int k = 0; k < E5_PERMUTATION_RESULTS; k++) out[k * LANES + c] = NAN;
    }
}
