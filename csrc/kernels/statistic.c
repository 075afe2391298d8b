/* The state is two arrays, value and count of valid samples, side by side for all cells of a segment.  Loops have no
 * branches and one statistic each, so that they vectorise. */
#include "kernels/statistic.h"

#include <math.h>

enum statistic { MAX, MIN, MEAN, SUM }; /* the order of the choices in kernels.def */

enum { STATISTIC, MIN_SAMPLES }; /* params, in the order of kernels.def */

struct cell {
    double value; /* extreme or sum of the valid samples so far */
    double valid; /* how many; a double, so that one vector holds as many counts as values */
};

static enum statistic statistic(const struct e5_params *params) {
    return (enum statistic)params->value[STATISTIC].integer;
}

size_t e5_statistic_state_size(const struct e5_params *params) {
    (void)params;
    return sizeof(struct cell);
}

void e5_statistic_begin(void *state, size_t cells, bool first, const struct e5_params *params) {
    double *restrict value = state, *restrict valid = value + cells;
    double start = statistic(params) == MAX ? -INFINITY : statistic(params) == MIN ? INFINITY : 0;
    (void)first;
    for (size_t i = 0; i < cells; i++) value[i] = start;
    for (size_t i = 0; i < cells; i++) valid[i] = 0;
}

/* A comparison with NaN is false: missing samples change neither extreme nor count. */
static void step_max(double *restrict value, double *restrict valid, const double *restrict row, size_t cells) {
    for (size_t i = 0; i < cells; i++) {
        value[i] = row[i] > value[i] ? row[i] : value[i];
        valid[i] += row[i] == row[i] ? 1.0 : 0.0;
    }
}

static void step_min(double *restrict value, double *restrict valid, const double *restrict row, size_t cells) {
    for (size_t i = 0; i < cells; i++) {
        value[i] = row[i] < value[i] ? row[i] : value[i];
        valid[i] += row[i] == row[i] ? 1.0 : 0.0;
    }
}

static void step_sum(double *restrict value, double *restrict valid, const double *restrict row, size_t cells) {
    for (size_t i = 0; i < cells; i++) {
        value[i] += row[i] == row[i] ? row[i] : 0.0;
        valid[i] += row[i] == row[i] ? 1.0 : 0.0;
    }
}

void e5_statistic_step(void *state, const double *row, size_t cells, const struct e5_params *params) {
    double *value = state, *valid = value + cells;
    switch (statistic(params)) {
    case MAX: step_max(value, valid, row, cells); break;
    case MIN: step_min(value, valid, row, cells); break;
    case MEAN:
    case SUM: step_sum(value, valid, row, cells); break;
    }
}

void e5_statistic_end(void *state, double *out, size_t cells, int32_t expected, const struct e5_params *params) {
    const double *restrict value = state, *restrict valid = value + cells;
    int64_t wanted = params->value[MIN_SAMPLES].integer > 0 ? params->value[MIN_SAMPLES].integer : expected;
    double enough = wanted > 1 ? (double)wanted : 1;
    bool mean = statistic(params) == MEAN;
    for (size_t i = 0; i < cells; i++) {
        double result = mean ? value[i] / valid[i] : value[i];
        out[i] = valid[i] >= enough ? result : NAN;
    }
}
