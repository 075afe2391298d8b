/* spells: runs of days that pass a test, of E5_LANES cells side by side.
 *
 * Each step of a series is a bit per cell: bit b of lane c is bit b % 32 of word [b / 32 × E5_LANES + c]. Steps
 * that follow each other have neighbouring bits; where they do not (a day is absent, or runs shall end there) a bit
 * that is never set lies between, so nothing below knows of breaks.  Finding, filtering and joining runs are shifts
 * of whole words.
 *
 * All memory of lanes starts on 64 bytes.  The holder of an axis owns its arrays (_fini); all else works on the
 * caller's memory.  Any thread; nothing blocks.
 */
#ifndef E5_DIAG_SPELLS_H
#define E5_DIAG_SPELLS_H

#include "base/simd.h"
#include "diag/window.h"

/* To which period a run that crosses a border belongs: */
enum e5_spell_border {
    E5_SPELL_CUT,   /* it is cut there before anything else: two runs */
    E5_SPELL_FIRST, /* as a whole to the period of its first day */
    E5_SPELL_LAST,  /* as a whole to the period of its last day */
    E5_SPELL_OWN    /* each day to its own period, but length is judged on the whole run */
};
enum e5_spell_order { E5_SPELL_FILTER_JOIN, E5_SPELL_FILL_FILTER };
enum e5_spell_test { E5_SPELL_ABOVE, E5_SPELL_AT_LEAST, E5_SPELL_BELOW, E5_SPELL_AT_MOST }; /* > ≥ < ≤ */

struct e5_spell_rule {
    size_t minimum; /* steps of the shortest run that counts, at least 1 */
    size_t gap;     /* steps of the longest gap that is bridged; a gap with a missing step never is */
    enum e5_spell_order order; /* drop short runs and then join the others, or bridge gaps first */
};

struct e5_spell_span { /* steps of one period that follow each other in the axis */
    size_t first, end;
    int32_t period; /* −1: none */
};

struct e5_spell_axis {
    size_t steps, bits, words; /* words: of one lane, with room for gaps behind the last bit */
    uint32_t *bit;  /* steps: its bit */
    uint32_t *step; /* bits: its step, for bits that belong to one */
    int32_t *place; /* steps: 1 for the first step of its period, counted in the usual step */
    struct e5_spell_span *spans; /* spans_count */
    size_t spans_count;
    enum e5_spell_border border;
};

/* `periods` NULL: the whole series is one. */
E5_MUST_USE enum e5_status e5_spell_axis_init(struct e5_spell_axis *axis, const struct e5_time_axis *time,
                                              const struct e5_periods *periods, enum e5_spell_border border,
                                              const struct e5_spell_rule *rule, struct e5_error *err);
void e5_spell_axis_fini(struct e5_spell_axis *axis);
size_t e5_spell_axis_size(const struct e5_spell_axis *axis); /* 32-bit words of all lanes' bits */

/* Values of all lanes, that of lane c in step t at [t × E5_LANES + c]. */
struct e5_spell_series {
    const void *values;
    bool wide; /* double, else float */
};
/* Limits per lane and slot, [slot × E5_LANES + c]; slot_of_step NULL: slot 0 always. */
#define E5_SPELL_SLOTS 366
struct e5_spell_limit {
    const double *values;
    size_t slots; /* at most E5_SPELL_SLOTS */
    const int32_t *slot_of_step;
};

/* Which of `slots` limits each step is compared with: one for all, or days of the year.  Of 366 in calendars with
 * leap years, number 60 is 29 February in leap years (`raw`: day numbers), or always (so that 1 March is 61 every
 * year). E5_INPUT when the calendar's year has another length. */
E5_MUST_USE enum e5_status e5_spell_slots(const struct e5_time_axis *time, size_t slots, bool raw, int32_t *out,
                                          struct e5_error *err);
/* Which steps pass; NaN never does.  Comparison in double. */
void e5_spell_flags(const struct e5_spell_axis *axis, struct e5_spell_series x, struct e5_spell_limit limit,
                    enum e5_spell_test test, uint32_t *flags);
/* Which steps hold a value. */
void e5_spell_known(const struct e5_spell_axis *axis, struct e5_spell_series x, uint32_t *flags);
void e5_spell_both(const struct e5_spell_axis *axis, uint32_t *flags, const uint32_t *others);
/* Steps that pass `start`, and those after them as long as they pass `stay`; result in `start`. */
void e5_spell_linger(const struct e5_spell_axis *axis, uint32_t *start, const uint32_t *stay);
/* Apply minimum length and gap.  Only where the gap is not 0, `known` and `scratch` (twice as large) are used. */
void e5_spell_select(const struct e5_spell_axis *axis, const struct e5_spell_rule *rule, uint32_t *flags,
                     const uint32_t *known, uint32_t *scratch);

struct e5_spell_counts { /* of one period */
    int32_t count[E5_LANES];   /* runs */
    int32_t total[E5_LANES];   /* steps of all of them */
    int32_t longest[E5_LANES]; /* steps of the longest */
    int32_t first[E5_LANES], last[E5_LANES]; /* places of the first step of the first run and the last of
                                                            the last; outside the period where a whole run reaches */
};
/* counts: one per period, and one more for runs that belong to no period; all are written. */
void e5_spell_count(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                    struct e5_spell_counts *counts);

struct e5_spell {
    size_t first, last; /* steps */
};
/* First run of a lane from step `from` on; false when there is none.  A run ends at a break. */
bool e5_spell_next(const struct e5_spell_axis *axis, const uint32_t *flags, size_t lane, size_t from,
                   struct e5_spell *out);

#endif
