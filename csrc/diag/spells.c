/* Lanes are the innermost index everywhere, so that every loop over them is one vector operation or two. */
#include "diag/spells.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"

#define LANES E5_LANES
#define BITS 32

size_t e5_spell_axis_size(const struct e5_spell_axis *axis) { return axis->words * LANES; }

/* --- the axis --- */

static int32_t period_of(const struct e5_periods *periods, size_t step) {
    return periods != NULL ? periods->of_sample[step] : 0;
}

static void lay_bits(struct e5_spell_axis *axis, const struct e5_time_axis *time, const struct e5_periods *periods,
                     int64_t usual) {
    uint32_t bit = 0;
    for (size_t t = 0; t < axis->steps; t++, bit++) {
        bool follows = t > 0 && time->seconds[t] - time->seconds[t - 1] <= usual + usual / 2;
        bool border = t > 0 && axis->border == E5_SPELL_CUT && period_of(periods, t) != period_of(periods, t - 1);
        bit += t > 0 && (!follows || border);
        axis->bit[t] = bit;
        axis->step[bit] = (uint32_t)t;
    }
    axis->bits = bit;
}

static void lay_places(struct e5_spell_axis *axis, const struct e5_time_axis *time, const struct e5_periods *periods,
                       int64_t usual) {
    struct e5_spell_span *span = axis->spans;
    for (size_t t = 0; t < axis->steps; t++) {
        int32_t period = period_of(periods, t);
        int64_t start = periods != NULL && period >= 0 ? periods->start[period] : time->seconds[0];
        axis->place[t] = (int32_t)((time->seconds[t] - start) / usual + 1);
        if (axis->spans_count == 0 || span->period != period) {
            span = &axis->spans[axis->spans_count++];
            *span = (struct e5_spell_span){.first = t, .period = period};
        }
        span->end = t + 1;
    }
}

enum e5_status e5_spell_axis_init(struct e5_spell_axis *axis, const struct e5_time_axis *time,
                                  const struct e5_periods *periods, enum e5_spell_border border,
                                  const struct e5_spell_rule *rule, struct e5_error *err) {
    int64_t usual;
    *axis = (struct e5_spell_axis){.steps = time->n, .border = border};
    if (time->n > INT32_MAX / 2 || rule->gap > INT32_MAX / 2)
        return e5_fail(err, E5_UNSAFE, "spells: a series of %zu steps is too long", time->n);
    enum e5_status status = e5_time_axis_step(time, &usual, err);
    if (status == E5_OK) status = e5_alloc(time->n, sizeof *axis->bit, &axis->bit, err);
    if (status == E5_OK) status = e5_alloc(2 * time->n, sizeof *axis->step, &axis->step, err);
    if (status == E5_OK) status = e5_alloc(time->n, sizeof *axis->place, &axis->place, err);
    if (status == E5_OK) status = e5_alloc(time->n, sizeof *axis->spans, &axis->spans, err);
    if (status != E5_OK) {
        e5_spell_axis_fini(axis);
        return status;
    }
    lay_bits(axis, time, periods, usual);
    lay_places(axis, time, periods, usual);
    axis->words = (axis->bits + rule->gap) / BITS + 2;
    return E5_OK;
}

void e5_spell_axis_fini(struct e5_spell_axis *axis) {
    free(axis->bit);
    free(axis->step);
    free(axis->place);
    free(axis->spans);
    *axis = (struct e5_spell_axis){0};
}

enum e5_status e5_spell_slots(const struct e5_time_axis *time, size_t slots, bool raw, int32_t *out,
                              struct e5_error *err) {
    bool dropped = slots == e5_window_result_slots(time->calendar, E5_LEAP_DROP);
    if (slots != 1 && !dropped && slots != e5_window_result_slots(time->calendar, E5_LEAP_STRETCH))
        return e5_fail(err, E5_INPUT, "%zu maps are not one for each day of a year of the calendar %s", slots,
                       e5_calendar_name(time->calendar));
    enum e5_leap_rule leap = dropped ? E5_LEAP_DROP : raw ? E5_LEAP_STRETCH : E5_LEAP_OWN;
    for (size_t t = 0; t < time->n; t++) {
        int64_t day = e5_day_of(time->seconds[t]);
        out[t] = slots == 1 ? 0 : (int32_t)e5_window_slot_of_day(time->calendar, leap, day);
    }
    return E5_OK;
}

/* --- flags --- */

/* No conditional store: what is read next would have to wait for it. */
#define PASS_IF(comparison) E5_EACH_LANE(c) word[c] |= (uint32_t)(comparison) * one
#define PASSES(type, name)                                                                                 \
    E5_SIMD_BODY void name(const type *restrict value, const type *restrict than, enum e5_spell_test test, \
                           uint32_t one, uint32_t *restrict word) {                                        \
        switch (test) {                                                                                    \
        case E5_SPELL_ABOVE: PASS_IF(value[c] > than[c]); break;                                           \
        case E5_SPELL_AT_LEAST: PASS_IF(value[c] >= than[c]); break;                                       \
        case E5_SPELL_BELOW: PASS_IF(value[c] < than[c]); break;                                           \
        case E5_SPELL_AT_MOST: PASS_IF(value[c] <= than[c]); break;                                        \
        }                                                                                                  \
    }
PASSES(float, passes_f32)
PASSES(double, passes_f64)

E5_SIMD_BODY void flags_of(const struct e5_spell_axis *axis, struct e5_spell_series x, const void *limits,
                           const int32_t *slot, bool wide, enum e5_spell_test test, uint32_t *flags) {
    for (size_t t = 0; t < axis->steps; t++) {
        size_t at = slot != NULL ? (size_t)slot[t] * LANES : 0;
        uint32_t *word = flags + axis->bit[t] / BITS * LANES, one = UINT32_C(1) << axis->bit[t] % BITS;
        if (wide)
            passes_f64((const double *)x.values + t * LANES, (const double *)limits + at, test, one, word);
        else
            passes_f32((const float *)x.values + t * LANES, (const float *)limits + at, test, one, word);
    }
}

#define FLAGS_OF(wide, test) flags_of(axis, x, limits, slot, wide, test, flags)
E5_SIMD_BODY void set_flags_body(const struct e5_spell_axis *axis, struct e5_spell_series x, const void *limits,
                                 const int32_t *slot, enum e5_spell_test test, uint32_t *flags) {
    switch (test) { /* constants, so that each has its own loop */
    case E5_SPELL_ABOVE: x.wide ? FLAGS_OF(true, E5_SPELL_ABOVE) : FLAGS_OF(false, E5_SPELL_ABOVE); break;
    case E5_SPELL_AT_LEAST: x.wide ? FLAGS_OF(true, E5_SPELL_AT_LEAST) : FLAGS_OF(false, E5_SPELL_AT_LEAST); break;
    case E5_SPELL_BELOW: x.wide ? FLAGS_OF(true, E5_SPELL_BELOW) : FLAGS_OF(false, E5_SPELL_BELOW); break;
    case E5_SPELL_AT_MOST: x.wide ? FLAGS_OF(true, E5_SPELL_AT_MOST) : FLAGS_OF(false, E5_SPELL_AT_MOST); break;
    }
}
E5_SIMD_VARIANTS(set_flags,
                 (const struct e5_spell_axis *axis, struct e5_spell_series x, const void *limits, const int32_t *slot,
                  enum e5_spell_test test, uint32_t *flags),
                 (axis, x, limits, slot, test, flags))

/* The float that lies between the same floats as the limit does: to compare with it is to compare in double. */
static float float_limit(double limit, enum e5_spell_test test) {
    float nearest = (float)limit;
    bool down = test == E5_SPELL_ABOVE || test == E5_SPELL_AT_MOST;
    if (down && (double)nearest > limit) return nextafterf(nearest, -INFINITY);
    if (!down && (double)nearest < limit) return nextafterf(nearest, INFINITY);
    return nearest;
}

void e5_spell_flags(const struct e5_spell_axis *axis, struct e5_spell_series x, struct e5_spell_limit limit,
                    enum e5_spell_test test, uint32_t *flags) {
    _Alignas(64) float narrow[E5_SPELL_SLOTS * LANES];
    memset(flags, 0, e5_spell_axis_size(axis) * sizeof *flags);
    for (size_t i = 0; !x.wide && i < limit.slots * LANES; i++) narrow[i] = float_limit(limit.values[i], test);
    set_flags(axis, x, x.wide ? (const void *)limit.values : narrow, limit.slot_of_step, test, flags);
}

void e5_spell_known(const struct e5_spell_axis *axis, struct e5_spell_series x, uint32_t *flags) {
    _Alignas(64) double lowest[LANES];
    E5_EACH_LANE(c) lowest[c] = -INFINITY;
    e5_spell_flags(axis, x, (struct e5_spell_limit){lowest, 1, NULL}, E5_SPELL_AT_LEAST, flags);
}

void e5_spell_both(const struct e5_spell_axis *axis, uint32_t *flags, const uint32_t *others) {
    for (size_t i = 0; i < e5_spell_axis_size(axis); i++) flags[i] &= others[i];
}

void e5_spell_linger(const struct e5_spell_axis *axis, uint32_t *start, const uint32_t *stay) {
    uint32_t before[LANES] = {0}; /* the lowest bit: what the step before was */
    for (size_t b = 0; b < axis->bits; b++) {
        uint32_t *to = start + b / BITS * LANES, shift = b % BITS;
        const uint32_t *from = stay + b / BITS * LANES;
        E5_EACH_LANE(c) {
            before[c] = (to[c] >> shift | (before[c] & from[c] >> shift)) & 1;
            to[c] |= before[c] << shift;
        }
    }
}

/* --- length and gaps --- */

static const uint32_t NO_BITS[LANES];

/* Bit b becomes b AND (b + by). */
E5_SIMD_BODY void and_later_body(uint32_t *flags, size_t words, size_t by) {
    size_t whole = by / BITS, rest = by % BITS;
    for (size_t i = 0; i < words; i++) {
        uint32_t *to = flags + i * LANES;
        const uint32_t *low = i + whole < words ? to + whole * LANES : NO_BITS;
        const uint32_t *high = rest > 0 && i + whole + 1 < words ? to + (whole + 1) * LANES : NO_BITS;
        uint32_t later[LANES];
        E5_EACH_LANE(c) later[c] = low[c] >> rest | high[c] << (BITS - rest) % BITS;
        E5_EACH_LANE(c) to[c] &= later[c];
    }
}
E5_SIMD_VARIANTS(and_later, (uint32_t *flags, size_t words, size_t by), (flags, words, by))

/* Bit b becomes b OR (b − by). */
E5_SIMD_BODY void or_earlier_body(uint32_t *flags, size_t words, size_t by) {
    size_t whole = by / BITS, rest = by % BITS;
    for (size_t i = words; i-- > whole;) {
        uint32_t *to = flags + i * LANES;
        const uint32_t *high = to - whole * LANES, *low = rest > 0 && i > whole ? high - LANES : NO_BITS;
        uint32_t earlier[LANES];
        E5_EACH_LANE(c) earlier[c] = high[c] << rest | low[c] >> (BITS - rest) % BITS;
        E5_EACH_LANE(c) to[c] |= earlier[c];
    }
}
E5_SIMD_VARIANTS(or_earlier, (uint32_t *flags, size_t words, size_t by), (flags, words, by))

/* Keep the steps that begin `length` steps of a run: shifts double what is known to follow. */
static void shrink(uint32_t *flags, size_t words, size_t length) {
    for (size_t known = 1, by; known < length; known += by) {
        by = known < length - known ? known : length - known;
        and_later(flags, words, by);
    }
}

static void grow(uint32_t *flags, size_t words, size_t length) {
    for (size_t known = 1, by; known < length; known += by) {
        by = known < length - known ? known : length - known;
        or_earlier(flags, words, by);
    }
}

static void drop_short(const struct e5_spell_axis *axis, size_t minimum, uint32_t *flags) {
    if (minimum > axis->bits) {
        memset(flags, 0, e5_spell_axis_size(axis) * sizeof *flags);
        return;
    }
    shrink(flags, axis->words, minimum);
    grow(flags, axis->words, minimum);
}

/* Bits of `some` spread to the whole runs of `all` that they are in, of at most `length` steps. */
static void spread(const struct e5_spell_axis *axis, uint32_t *some, const uint32_t *all, size_t length) {
    size_t size = e5_spell_axis_size(axis) - LANES; /* nothing is in the last word */
    for (size_t k = 1; k < length; k++) {
        or_earlier(some, axis->words, 1);
        e5_spell_both(axis, some, all);
    }
    for (size_t k = 1; k < length; k++)
        for (size_t i = 0; i < size; i++) some[i] |= (some[i] >> 1 | some[i + LANES] << (BITS - 1)) & all[i];
}

/* `added` is scratch of two sizes of flags: what was bridged, and what of it must not be. */
static void bridge(const struct e5_spell_axis *axis, size_t gap, uint32_t *flags, const uint32_t *known,
                   uint32_t *added) {
    size_t size = e5_spell_axis_size(axis);
    uint32_t *wrong = added + size, any = 0;
    memcpy(added, flags, size * sizeof *flags);
    grow(added, axis->words, gap + 1);
    shrink(added, axis->words, gap + 1);
    for (size_t i = 0; i < size; i++) {
        added[i] &= ~flags[i];
        wrong[i] = added[i] & ~known[i];
        any |= wrong[i];
    }
    if (any != 0) spread(axis, wrong, added, gap);
    for (size_t i = 0; i < size; i++) flags[i] |= added[i] & ~wrong[i];
}

void e5_spell_select(const struct e5_spell_axis *axis, const struct e5_spell_rule *rule, uint32_t *flags,
                     const uint32_t *known, uint32_t *scratch) {
    if (rule->order == E5_SPELL_FILTER_JOIN) drop_short(axis, rule->minimum, flags);
    if (rule->gap > 0) bridge(axis, rule->gap, flags, known, scratch);
    if (rule->order == E5_SPELL_FILL_FILTER) drop_short(axis, rule->minimum, flags);
}
