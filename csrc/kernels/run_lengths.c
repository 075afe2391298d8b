/* run_lengths: runs of steps beyond a fixed threshold, period by period, in one pass over rows of cells.
 *
 * The state of a segment is planes of counters, one value per cell each, so that a loop over cells is a loop over
 * vectors.  Eight steps are taken together: the planes are then read and written once for all of them, and the pass
 * is as fast as memory is. */
#include <math.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/look_ahead.h"

enum { THRESHOLD, STATISTIC, OP, MIN_LENGTH, MIN_SAMPLES }; /* params, in the order of kernels.def */
enum { ABOVE, AT_LEAST, BELOW, AT_MOST };
enum group { TALLY, LONG, EARLY, LATE }; /* statistics that need the same counters */
enum { COUNT, TOTAL, LONGEST, MEAN, FIRST, LAST };

#define PIECE 64 /* cells that are worked on between two looks ahead */

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

E5_SIMD_BODY struct planes planes_from(struct planes p, size_t i) {
    return (struct planes){p.seen, p.absent + i, p.run + i, p.a + i, p.b + i, NULL};
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

/* Where these are called, `steps`, `below` and `group` are constants. */
#define FOLLOW(k)    \
    if (steps > (k)) \
    follow(&c, below ? -(x##k[i] < than) : -(x##k[i] > than), -(x##k[i] != x##k[i]), step + (k) + 1, minimum, group)
#define TAKE(type, name)                                                                                         \
    E5_SIMD_BODY void name##_cells(const type *x0, size_t stride, const size_t cells, type than, bool below,     \
                                   int32_t minimum, int32_t step, enum group group, struct planes p,             \
                                   const size_t steps) {                                                         \
        const type *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride, *x4 = x3 + stride;                   \
        const type *x5 = x4 + stride, *x6 = x5 + stride, *x7 = x6 + stride;                                      \
        _Pragma("GCC ivdep") for (size_t i = 0; i < cells; i++) {                                                \
            struct cell c = {p.absent[i], p.run[i], p.a[i], group == TALLY ? p.b[i] : 0};                        \
            FOLLOW(0);                                                                                           \
            FOLLOW(1);                                                                                           \
            FOLLOW(2);                                                                                           \
            FOLLOW(3);                                                                                           \
            FOLLOW(4);                                                                                           \
            FOLLOW(5);                                                                                           \
            FOLLOW(6);                                                                                           \
            FOLLOW(7);                                                                                           \
            p.absent[i] = c.absent, p.run[i] = c.run, p.a[i] = c.a;                                              \
            if (group == TALLY) p.b[i] = c.b;                                                                    \
        }                                                                                                        \
    }                                                                                                            \
    E5_SIMD_BODY void name(const type *x, size_t stride, size_t cells, type than, bool below, int32_t minimum,   \
                           enum group group, struct planes p, const size_t steps) {                              \
        struct e5_ahead ahead = e5_ahead_of(x, sizeof(type), stride, cells, steps, true);                        \
        int32_t step = *p.seen;                                                                                  \
        size_t i = 0;                                                                                            \
        for (; i + PIECE <= cells; i += PIECE) {                                                                 \
            e5_ahead_look(&ahead, steps * PIECE * sizeof(type), steps);                                          \
            name##_cells(x + i, stride, PIECE, than, below, minimum, step, group, planes_from(p, i), steps);     \
        }                                                                                                        \
        name##_cells(x + i, stride, cells - i, than, below, minimum, step, group, planes_from(p, i), steps);     \
        *p.seen += (int32_t)steps;                                                                               \
    }                                                                                                            \
    E5_SIMD_BODY void name##_all(const struct e5_rows *rows, double threshold, bool below, int32_t minimum,      \
                                 enum group group, struct planes p) {                                            \
        const type *x = rows->values, than = (type)threshold;                                                    \
        size_t stride = rows->stride, cells = rows->cells, left = rows->steps;                                   \
        for (; left >= 8; left -= 8, x += 8 * stride) name(x, stride, cells, than, below, minimum, group, p, 8); \
        if (left >= 4) name(x, stride, cells, than, below, minimum, group, p, 4), left -= 4, x += 4 * stride;    \
        for (; left > 0; left--, x += stride) name(x, stride, cells, than, below, minimum, group, p, 1);         \
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
