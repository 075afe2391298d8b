/* A run is credited at the step where it is complete: its last one, or its first where the walk goes backwards. */
#include <string.h>

#include "base/simd.h"
#include "diag/spells.h"

#define LANES E5_LANES
#define BITS 32

struct stop { /* of a walk */
    uint32_t shift, next_shift; /* bits of this step, and of the one that comes next in the walk */
    uint32_t goes_on;           /* 0: every run ends here */
    int32_t place;
};

/* `yes` where all bits of `which` are set, `no` where none is. */
#define CHOOSE(which, yes, no) (((yes) & (which)) | ((no) & ~(which)))

/* One step of all lanes; `length` is that of the runs at hand; `near` the end of a run where it is credited. */
E5_SIMD_BODY void walk(const uint32_t *restrict word, const uint32_t *restrict next, struct stop at, int32_t sign,
                       int32_t *restrict length, struct e5_spell_counts *restrict to, int32_t *restrict near_end,
                       int32_t *restrict far_end) {
    __asm__ volatile(""); /* else GCC makes one of two steps of the walk, and no vectors of lanes */
    E5_EACH_LANE(c) {
        int32_t here = (int32_t)(word[c] >> at.shift & 1), ahead = (int32_t)(next[c] >> at.next_shift & at.goes_on);
        int32_t run = (length[c] + 1) & -here, complete = -(here & ~ahead), ended = run & complete;
        int32_t fresh = to->count[c] == 0 ? complete : 0;
        far_end[c] = CHOOSE(fresh, at.place + sign * (run - 1), far_end[c]);
        near_end[c] = CHOOSE(complete, at.place, near_end[c]);
        to->count[c] -= complete;
        to->total[c] += ended;
        to->longest[c] = ended > to->longest[c] ? ended : to->longest[c];
        length[c] = run - ended;
    }
}

static struct e5_spell_counts *counts_of(const struct e5_spell_span *span, size_t periods,
                                         struct e5_spell_counts *counts) {
    return &counts[span->period >= 0 ? (size_t)span->period : periods];
}

E5_SIMD_BODY void forwards_body(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                                struct e5_spell_counts *counts) {
    int32_t length[LANES] = {0};
    for (size_t s = 0; s < axis->spans_count; s++) {
        const struct e5_spell_span *span = &axis->spans[s];
        struct e5_spell_counts sum = *counts_of(span, periods, counts);
        for (size_t t = span->first; t < span->end; t++) {
            size_t bit = axis->bit[t], next = bit + 1;
            bool last = axis->border == E5_SPELL_OWN && t + 1 == span->end;
            walk(flags + bit / BITS * LANES, flags + next / BITS * LANES,
                 (struct stop){bit % BITS, next % BITS, !last, axis->place[t]}, -1, length, &sum, sum.last,
                 sum.first);
        }
        *counts_of(span, periods, counts) = sum;
    }
}
E5_SIMD_VARIANTS(forwards,
                 (const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                  struct e5_spell_counts *counts),
                 (axis, periods, flags, counts))

E5_SIMD_BODY void backwards_body(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                                 struct e5_spell_counts *counts) {
    int32_t length[LANES] = {0};
    for (size_t s = axis->spans_count; s-- > 0;) {
        const struct e5_spell_span *span = &axis->spans[s];
        struct e5_spell_counts sum = *counts_of(span, periods, counts);
        for (size_t t = span->end; t-- > span->first;) {
            size_t bit = axis->bit[t], next = bit - (bit > 0);
            walk(flags + bit / BITS * LANES, flags + next / BITS * LANES,
                 (struct stop){bit % BITS, next % BITS, bit > 0, axis->place[t]}, 1, length, &sum, sum.first,
                 sum.last);
        }
        *counts_of(span, periods, counts) = sum;
    }
}
E5_SIMD_VARIANTS(backwards,
                 (const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                  struct e5_spell_counts *counts),
                 (axis, periods, flags, counts))

void e5_spell_count(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags,
                    struct e5_spell_counts *counts) {
    memset(counts, 0, (periods + 1) * sizeof *counts);
    if (axis->border == E5_SPELL_FIRST)
        backwards(axis, periods, flags, counts);
    else
        forwards(axis, periods, flags, counts);
}

/* --- one by one --- */

/* First bit of a lane from `from` on that is set, or with `flip` not set; `bits` when there is none. */
static size_t find_bit(const struct e5_spell_axis *axis, const uint32_t *flags, size_t lane, size_t from,
                       uint32_t flip) {
    for (size_t i = from / BITS; i < axis->words; i++) {
        uint32_t word = flags[i * LANES + lane] ^ flip;
        if (i == from / BITS) word &= ~UINT32_C(0) << from % BITS;
        if (word != 0) return i * BITS + (size_t)__builtin_ctz(word);
    }
    return axis->bits;
}

bool e5_spell_next(const struct e5_spell_axis *axis, const uint32_t *flags, size_t lane, size_t from,
                   struct e5_spell *out) {
    if (from >= axis->steps) return false;
    size_t first = find_bit(axis, flags, lane, axis->bit[from], 0);
    if (first >= axis->bits) return false;
    size_t end = find_bit(axis, flags, lane, first, ~UINT32_C(0));
    *out = (struct e5_spell){axis->step[first], axis->step[end - 1]};
    return true;
}
