/* run_lengths: runs of steps beyond a fixed threshold, period by period, in one pass over rows of cells.
 *
 * The state of a segment is planes of counters, one value per cell each, so that a loop over cells is a loop over
 * vectors.  STEPS_AT_ONCE steps are taken together: the planes are then read and written once for all of them, and
 * the pass is as fast as memory is. */
#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "kernels/kernel.h"

enum { THRESHOLD, STATISTIC, OP, MIN_LENGTH, MIN_SAMPLES }; /* params, in the order of kernels.def */
enum { ABOVE, AT_LEAST, BELOW, AT_MOST };
enum group { TALLY, LONG, EARLY, LATE }; /* statistics that need the same counters */
enum { COUNT, TOTAL, LONGEST, MEAN, FIRST, LAST };

#define STEPS_AT_ONCE 8

struct planes { /* each of as many values as there are cells */
    int32_t *seen;   /* steps of the period; only the first value is used */
    int32_t *absent; /* of them without a value */
    int32_t *run;    /* length of the run at hand */
    /* TALLY: runs that became long enough, and steps on which they were; LONG: the longest run; EARLY: the first step
     * on which one became long enough, LATE: the last on which one was (steps from 1) */
    int32_t *a, *b;
    int32_t *unused;
};
#define PLANES 6

static struct planes planes_of(void *state, size_t cells) {
    int32_t *at = state;
    return (struct planes){at, at + cells, at + 2 * cells, at + 3 * cells, at + 4 * cells, at + 5 * cells};
}

static enum group group_of(const struct e5_params *params) {
    switch (params->value[STATISTIC].integer) {
    case LONGEST: return LONG;
    case FIRST: return EARLY;
    case LAST: return LATE;
    default: return TALLY;
    }
}

static size_t state_size(const struct e5_params *params, enum e5_dtype dtype) {
    (void)params;
    (void)dtype;
    return PLANES * sizeof(int32_t);
}

static void begin(void *state, size_t cells, bool first, enum e5_dtype dtype, const struct e5_params *params) {
    struct planes p = planes_of(state, cells);
    (void)first;
    memset(state, 0, cells * state_size(params, dtype));
    for (size_t i = 0; group_of(params) == EARLY && i < cells; i++) p.a[i] = INT32_MAX;
}

/* --- steps --- */

struct cell { /* one cell's values of the planes */
    int32_t absent, run, a, b;
};

/* Masks are −1 or 0. */
E5_SIMD_BODY void follow(struct cell *c, int32_t passes, int32_t absent, int32_t step, int32_t minimum,
                         enum group group) {
    int32_t run = (c->run + 1) & passes, reached = -(run == minimum), enough = -(run >= minimum);
    int32_t early = step | (~reached & INT32_MAX), late = step & enough; /* `early` is huge where not reached */
    c->run = run;
    c->absent -= absent;
    switch (group) {
    case TALLY:
        c->a -= reached;
        c->b -= enough;
        break;
    case LONG: c->a = run > c->a ? run : c->a; break;
    case EARLY: c->a = early < c->a ? early : c->a; break;
    case LATE: c->a = late > c->a ? late : c->a; break;
    }
}

/* Where these are called, `together`, `below` and `group` are constants. */
#define FOLLOW(x, ahead) \
    follow(&c, below ? -((x)[i] < than) : -((x)[i] > than), -((x)[i] != (x)[i]), step + (ahead), minimum, group)
#define TAKE(type, name)                                                                                       \
    E5_SIMD_BODY void name(const type *x, size_t stride, size_t cells, type than, bool below, int32_t minimum, \
                           enum group group, struct planes p, bool together) {                                 \
        const type *x1 = x + stride, *x2 = x1 + stride, *x3 = x2 + stride, *x4 = x3 + stride;                  \
        const type *x5 = x4 + stride, *x6 = x5 + stride, *x7 = x6 + stride;                                    \
        int32_t step = *p.seen;                                                                                \
        _Pragma("GCC ivdep") for (size_t i = 0; i < cells; i++) {                                              \
            struct cell c = {p.absent[i], p.run[i], p.a[i], group == TALLY ? p.b[i] : 0};                      \
            FOLLOW(x, 1);                                                                                      \
            if (together) {                                                                                    \
                FOLLOW(x1, 2);                                                                                 \
                FOLLOW(x2, 3);                                                                                 \
                FOLLOW(x3, 4);                                                                                 \
                FOLLOW(x4, 5);                                                                                 \
                FOLLOW(x5, 6);                                                                                 \
                FOLLOW(x6, 7);                                                                                 \
                FOLLOW(x7, 8);                                                                                 \
            }                                                                                                  \
            p.absent[i] = c.absent, p.run[i] = c.run, p.a[i] = c.a;                                            \
            if (group == TALLY) p.b[i] = c.b;                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    E5_SIMD_BODY void name##_all(const struct e5_rows *rows, double threshold, bool below, int32_t minimum,    \
                                 enum group group, struct planes p) {                                          \
        const type *x = rows->values;                                                                          \
        size_t t = 0, stride = rows->stride, cells = rows->cells;                                              \
        for (; t + STEPS_AT_ONCE <= rows->steps; t += STEPS_AT_ONCE, *p.seen += STEPS_AT_ONCE)                 \
            name(x + t * stride, stride, cells, (type)threshold, below, minimum, group, p, true);              \
        for (; t < rows->steps; t++, *p.seen += 1)                                                             \
            name(x + t * stride, stride, cells, (type)threshold, below, minimum, group, p, false);             \
    }
TAKE(float, f32)
TAKE(double, f64)

#define ALL(name, group)                                         \
    below ? name##_all(rows, threshold, true, minimum, group, p) \
          : name##_all(rows, threshold, false, minimum, group, p)
#define GROUP(group) rows->dtype == E5_F32 ? (ALL(f32, group)) : (ALL(f64, group))
E5_SIMD_BODY void take_body(const struct e5_rows *rows, double threshold, bool below, int32_t minimum,
                            enum group group, struct planes p) {
    switch (group) {
    case TALLY: GROUP(TALLY); break;
    case LONG: GROUP(LONG); break;
    case EARLY: GROUP(EARLY); break;
    case LATE: GROUP(LATE); break;
    }
}
E5_SIMD_VARIANTS(take,
                 (const struct e5_rows *rows, double threshold, bool below, int32_t minimum, enum group group,
                  struct planes p),
                 (rows, threshold, below, minimum, group, p))

/* What values must strictly exceed (or fall below): ≥ t is > of the number before t, in the precision of the data. */
static double strict_limit(const struct e5_params *params, enum e5_dtype dtype) {
    double threshold = params->value[THRESHOLD].number;
    int64_t op = params->value[OP].integer;
    if (op == ABOVE || op == BELOW) return threshold;
    double towards = op == AT_LEAST ? -INFINITY : INFINITY;
    return dtype == E5_F32 ? (double)nextafterf((float)threshold, (float)towards) : nextafter(threshold, towards);
}

static void steps(void *state, const struct e5_rows *rows, const struct e5_params *params) {
    bool below = params->value[OP].integer == BELOW || params->value[OP].integer == AT_MOST;
    take(rows, strict_limit(params, rows->dtype), below, (int32_t)params->value[MIN_LENGTH].integer, group_of(params),
         planes_of(state, rows->cells));
}

static double result(const struct planes *p, size_t i, int64_t statistic, int32_t minimum) {
    int32_t a = p->a[i];
    double total = p->b[i] + (double)a * (minimum - 1);
    switch (statistic) {
    case COUNT: return a;
    case TOTAL: return total;
    case LONGEST: return a >= minimum ? a : 0;
    case MEAN: return a > 0 ? total / a : NAN;
    case FIRST: return a < INT32_MAX ? a - minimum + 1 : NAN;
    default: return a > 0 ? a : NAN;
    }
}

static void end(void *state, double *out, size_t cells, int32_t expected, enum e5_dtype dtype,
                const struct e5_params *params) {
    struct planes p = planes_of(state, cells);
    int64_t wanted = params->value[MIN_SAMPLES].integer > 0 ? params->value[MIN_SAMPLES].integer : expected;
    int64_t statistic = params->value[STATISTIC].integer;
    int32_t seen = *p.seen, minimum = (int32_t)params->value[MIN_LENGTH].integer;
    (void)dtype;
    for (size_t i = 0; i < cells; i++) out[i] = seen - p.absent[i] < wanted ? NAN : result(&p, i, statistic, minimum);
}

const struct e5_scan_ops e5_run_lengths_ops = {state_size, begin, steps, end};
