#include "diag/regional.h"

#include <math.h>

struct gathered { /* of one region, so far */
    double all, valid, sum, hit, high, low;
};

enum e5_status e5_regions_check(const struct e5_regions *regions, size_t cells, struct e5_error *err) {
    bool good = regions->first[0] == 0;
    for (size_t r = 0; good && r < regions->count; r++) good = regions->first[r] <= regions->first[r + 1];
    for (int64_t i = 0; good && i < regions->first[regions->count]; i++)
        good = regions->cell[i] >= 0 && (uint64_t)regions->cell[i] < cells && regions->weight[i] > 0;
    return good ? E5_OK : e5_fail(err, E5_INTERNAL, "regions that do not fit a map of %zu cells", cells);
}

static void add(struct gathered *g, double value, double weight, double threshold, bool above) {
    g->all += weight;
    if (isnan(value)) return;
    g->valid += weight;
    g->sum += weight * value;
    g->hit += (above ? value > threshold : value < threshold) ? weight : 0;
    g->high = value > g->high ? value : g->high;
    g->low = value < g->low ? value : g->low;
}

static double result_of(const struct e5_regional *what, const struct gathered *g) {
    if (g->valid <= 0 || g->valid < what->min_share * g->all) return NAN;
    switch (what->statistic) {
    case E5_REGIONAL_MEAN: return g->sum / g->valid;
    case E5_REGIONAL_SUM: return g->sum;
    case E5_REGIONAL_MAX: return g->high;
    case E5_REGIONAL_MIN: return g->low;
    case E5_REGIONAL_ABOVE:
    case E5_REGIONAL_BELOW: return g->hit / g->valid;
    }
    return NAN;
}

void e5_regional_map(const struct e5_regional *what, const void *values, enum e5_dtype dtype, double *out) {
    const struct e5_regions *regions = &what->regions;
    const float *single = values;
    const double *full = values;
    double threshold = dtype == E5_F32 ? (double)(float)what->threshold : what->threshold;
    bool above = what->statistic != E5_REGIONAL_BELOW;
    for (size_t r = 0; r < regions->count; r++) {
        struct gathered g = {.all = regions->beyond[r], .high = -INFINITY, .low = INFINITY};
        for (int64_t i = regions->first[r]; i < regions->first[r + 1]; i++) {
            int64_t cell = regions->cell[i];
            add(&g, dtype == E5_F32 ? (double)single[cell] : full[cell], regions->weight[i], threshold, above);
        }
        out[r] = result_of(what, &g);
    }
}
