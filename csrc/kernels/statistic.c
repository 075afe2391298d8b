/* The state is two arrays side by side for all cells of a segment: extremes in the precision of the data or sums in
 * double, and how many samples are valid.  Up to eight steps go into a state at a time, so that it is loaded and
 * stored once for all of them; loops have no branches and one statistic each, and become vector code. */
#include "kernels/statistic.h"

#include <math.h>

#include "kernels/look_ahead.h"

enum statistic { MAX, MIN, MEAN, SUM }; /* the order of the choices in kernels.def */

enum { STATISTIC, MIN_SAMPLES }; /* params, in the order of kernels.def */

static enum statistic statistic(const struct e5_params *params) {
    return (enum statistic)params->value[STATISTIC].integer;
}

/* Whether values are kept as float: of extremes nothing is lost. */
static bool is_single(enum e5_dtype dtype, const struct e5_params *params) {
    return dtype == E5_F32 && statistic(params) <= MIN;
}

size_t e5_statistic_state_size(const struct e5_params *params, enum e5_dtype dtype) {
    return is_single(dtype, params) ? sizeof(float) + sizeof(int32_t) : 2 * sizeof(double);
}

static int32_t *valid_of(void *state, size_t cells, enum e5_dtype dtype, const struct e5_params *params) {
    return (int32_t *)((char *)state + cells * (is_single(dtype, params) ? sizeof(float) : sizeof(double)));
}

void e5_statistic_begin(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params) {
    double start = statistic(params) == MAX ? -INFINITY : statistic(params) == MIN ? INFINITY : 0;
    float *restrict single = state;
    double *restrict twice = state;
    int32_t *restrict valid = valid_of(state, cells, dtype, params);
    bool is_float = is_single(dtype, params);
    (void)first;
    for (size_t i = 0; is_float && i < cells; i++) single[i] = (float)start;
    for (size_t i = 0; !is_float && i < cells; i++) twice[i] = start;
    for (size_t i = 0; i < cells; i++) valid[i] = 0;
}

/* A comparison with NaN is false: missing samples change neither extreme nor count, and 0 is added for them to a sum
 * that begins with 0. */
#define HIGHER(value, x) ((x) > (value) ? (x) : (value))
#define LOWER(value, x) ((x) < (value) ? (x) : (value))
#define PLUS(value, x) ((value) + (double)((x) == (x) ? (x) : 0))

#define PARAMETERS(type, number) \
    (number * value, int32_t *valid, const type *rows, size_t stride, size_t cells, size_t steps)
#define PIECE 64 /* cells that are worked on between two looks ahead */

#define FUSED_STEPS(name, type, number, update, slow)                                                          \
    E5_SIMD_BODY void name##_cells(number *restrict value, int32_t *restrict valid, const type *restrict rows, \
                                   size_t stride, const size_t cells, const size_t steps) {                    \
        for (size_t i = 0; i < cells; i++) {                                                                   \
            number result = value[i];                                                                          \
            int32_t count = valid[i];                                                                          \
            for (size_t k = 0; k < steps; k++) {                                                               \
                type x = rows[k * stride + i];                                                                 \
                result = update(result, x);                                                                    \
                count += x == x;                                                                               \
            }                                                                                                  \
            value[i] = result;                                                                                 \
            valid[i] = count;                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    E5_SIMD_BODY void name##_fused(number *restrict value, int32_t *restrict valid, const type *restrict rows, \
                                   size_t stride, size_t cells, const size_t steps) {                          \
        struct e5_ahead ahead = e5_ahead_of(rows, sizeof(type), stride, cells, steps, slow);                   \
        size_t i = 0;                                                                                          \
        for (; i + PIECE <= cells; i += PIECE) {                                                               \
            e5_ahead_look(&ahead, steps * PIECE * sizeof(type), steps);                                        \
            name##_cells(value + i, valid + i, rows + i, stride, PIECE, steps);                                \
        }                                                                                                      \
        name##_cells(value + i, valid + i, rows + i, stride, cells - i, steps);                                \
    }                                                                                                          \
    E5_SIMD_BODY void name##_body PARAMETERS(type, number) {                                                   \
        for (; steps >= 8; steps -= 8, rows += 8 * stride) name##_fused(value, valid, rows, stride, cells, 8); \
        for (; steps >= 2; steps -= 2, rows += 2 * stride) name##_fused(value, valid, rows, stride, cells, 2); \
        if (steps > 0) name##_fused(value, valid, rows, stride, cells, 1);                                     \
    }                                                                                                          \
    E5_SIMD_VARIANTS(name, PARAMETERS(type, number), (value, valid, rows, stride, cells, steps))

FUSED_STEPS(max_f32, float, float, HIGHER, false)
FUSED_STEPS(min_f32, float, float, LOWER, false)
FUSED_STEPS(sum_f32, float, double, PLUS, true)
FUSED_STEPS(max_f64, double, double, HIGHER, false)
FUSED_STEPS(min_f64, double, double, LOWER, false)
FUSED_STEPS(sum_f64, double, double, PLUS, true)

void e5_statistic_steps(void *state, const struct e5_rows *rows, const struct e5_params *params) {
    int32_t *valid = valid_of(state, rows->cells, rows->dtype, params);
    size_t stride = rows->stride, cells = rows->cells, steps = rows->steps;
    bool single = rows->dtype == E5_F32;
    switch (statistic(params)) {
    case MAX:
        if (single)
            max_f32(state, valid, rows->values, stride, cells, steps);
        else
            max_f64(state, valid, rows->values, stride, cells, steps);
        break;
    case MIN:
        if (single)
            min_f32(state, valid, rows->values, stride, cells, steps);
        else
            min_f64(state, valid, rows->values, stride, cells, steps);
        break;
    case MEAN:
    case SUM:
        if (single)
            sum_f32(state, valid, rows->values, stride, cells, steps);
        else
            sum_f64(state, valid, rows->values, stride, cells, steps);
        break;
    }
}

#define RESULTS(name, number)                                                                                        \
    E5_SIMD_BODY void name##_body(const number *restrict value, const int32_t *restrict valid, double *restrict out, \
                                  size_t cells, int32_t enough, bool mean) {                                         \
        if (mean)                                                                                                    \
            for (size_t i = 0; i < cells; i++)                                                                       \
                out[i] = valid[i] >= enough ? (double)value[i] / (double)valid[i] : NAN;                             \
        else                                                                                                         \
            for (size_t i = 0; i < cells; i++) out[i] = valid[i] >= enough ? (double)value[i] : NAN;                 \
    }                                                                                                                \
    E5_SIMD_VARIANTS(name,                                                                                           \
                     (const number *value, const int32_t *valid, double *out, size_t cells, int32_t enough,          \
                      bool mean),                                                                                    \
                     (value, valid, out, cells, enough, mean))
RESULTS(results_f32, float)
RESULTS(results_f64, double)

void e5_statistic_end(void *state, double *out, size_t cells, int32_t expected, enum e5_dtype dtype,
                      const struct e5_params *params) {
    const int32_t *valid = valid_of(state, cells, dtype, params);
    int64_t wanted = params->value[MIN_SAMPLES].integer > 0 ? params->value[MIN_SAMPLES].integer : expected;
    int32_t enough = wanted < 1 ? 1 : wanted < INT32_MAX ? (int32_t)wanted : INT32_MAX;
    if (is_single(dtype, params))
        results_f32(state, valid, out, cells, enough, false);
    else
        results_f64(state, valid, out, cells, enough, statistic(params) == MEAN);
}
