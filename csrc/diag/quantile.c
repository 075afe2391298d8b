#include "diag/quantile.h"

#include <float.h>
#include <math.h>

static const struct {
    double alpha, beta;
} constants[] = {
    /* types 1 to 9 */
    {0, 1}, {0, 1}, {-0.5, 1.5}, {0, 1}, {0.5, 0.5}, {0, 0}, {1, 1}, {1. / 3, 1. / 3}, {3. / 8, 3. / 8},
};

enum e5_status e5_quantile_check(double probability, int type, struct e5_error *err) {
    if (!(probability >= 0 && probability <= 1)) /* also NaN */
        return e5_fail(err, E5_INPUT, "probability is %g, must be 0 to 1", probability);
    if (type < 1 || type > 9) return e5_fail(err, E5_INPUT, "quantile type is %d, must be 1 to 9", type);
    return E5_OK;
}

/* Numbered from 0, and rounded as NumPy does it. */
static double position_of(double probability, int type, double n) {
    double alpha = constants[type - 1].alpha, beta = constants[type - 1].beta;
    if (type == 7) return (n - 1) * probability;
    return n * probability + (alpha + probability * (1 - alpha - beta)) - 1;
}

/* How far types 1 to 3 go from order statistic `whole`, numbered from 0, to the next. */
static double step_of(int type, double whole, double fraction) {
    if (fraction > 0) return 1;
    if (type == 2) return 0.5;
    return type == 3 && fmod(whole, 2) == 0 ? 1 : 0; /* to the one of even number, counted from 1 */
}

struct e5_quantile_rank e5_quantile_rank(double probability, int type, size_t n) {
    const double fuzz = 4 * DBL_EPSILON;
    double position = position_of(probability, type, (double)n);
    double whole = floor(position + fuzz), fraction = position - whole;
    if (fraction < fuzz) fraction = 0; /* a little below 0 where the fuzz has lifted the position */
    if (whole < 0) return (struct e5_quantile_rank){0, 0, 0};
    if (whole + 1 >= (double)n) return (struct e5_quantile_rank){n - 1, n - 1, 0};
    if (type <= 3) fraction = step_of(type, whole, fraction);
    if (fraction == 1) return (struct e5_quantile_rank){(size_t)whole + 1, (size_t)whole + 1, 0};
    return (struct e5_quantile_rank){(size_t)whole, (size_t)whole + 1, fraction};
}

static void swap(double *a, double *b) {
    double keep = *a;
    *a = *b;
    *b = keep;
}

/* The middle one of first, middle and last: sorted and constant input then split evenly. */
static double choose_pivot(const double *values, size_t low, size_t high) {
    double a = values[low], b = values[low + (high - low) / 2], c = values[high];
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* Put order statistic `rank` in its place, smaller ones before it and larger ones behind (Hoare's selection).  Equal
 * values stop both scans, so that ties are split evenly too. */
static void select_rank(double *values, size_t n, size_t rank) {
    size_t low = 0, high = n - 1;
    while (low < high) {
        double pivot = choose_pivot(values, low, high);
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i >= j) break;
            swap(&values[i++], &values[j--]);
        }
        if (rank <= j) /* up to j nothing is above the pivot, behind it nothing below */
            high = j;
        else
            low = j + 1;
    }
}

static double smallest(const double *values, size_t n) {
    double least = values[0];
    for (size_t i = 1; i < n; i++) least = values[i] < least ? values[i] : least;
    return least;
}

double e5_quantile(double *values, size_t n, double probability, int type) {
    if (n == 0) return NAN;
    struct e5_quantile_rank rank = e5_quantile_rank(probability, type, n);
    select_rank(values, n, rank.lower);
    double lower = values[rank.lower];
    if (rank.upper == rank.lower) return lower;
    return e5_quantile_between(lower, smallest(values + rank.upper, n - rank.upper), rank.fraction);
}
