#include "diag/spells_one.h"

#include <string.h>

#define BITS 32

E5_SIMD_BODY void days_of_body(const struct e5_spell_axis *axis, const uint32_t *flags, double *out) {
    for (size_t s = 0; s < axis->spans_count; s++) {
        const struct e5_spell_span *span = &axis->spans[s];
        int32_t days[E5_LANES] = {0};
        if (span->period < 0) continue;
        for (size_t t = span->first; t < span->end; t++) {
            const uint32_t *word = flags + axis->bit[t] / BITS * E5_LANES;
            uint32_t shift = axis->bit[t] % BITS;
            for (size_t c = 0; c < E5_LANES; c++) days[c] += (int32_t)(word[c] >> shift & 1);
        }
        for (size_t c = 0; c < E5_LANES; c++) out[(size_t)span->period * E5_LANES + c] += days[c];
    }
}
E5_SIMD_VARIANTS(days_of, (const struct e5_spell_axis *axis, const uint32_t *flags, double *out), (axis, flags, out))

void e5_spell_days(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags, double *out) {
    memset(out, 0, periods * E5_LANES * sizeof *out);
    days_of(axis, flags, out);
}

/* One step: the run grows or ends.  A run is credited as it grows, or (`whole`) when it is complete. */
E5_SIMD_BODY void grow(const uint32_t *restrict word, uint32_t shift, const uint32_t *restrict next,
                       uint32_t next_shift, bool whole, int32_t *restrict run, int32_t *restrict longest) {
    E5_EACH_LANE(c) {
        int32_t here = (int32_t)(word[c] >> shift & 1), ahead = (int32_t)(next[c] >> next_shift & 1);
        int32_t length = (run[c] + 1) & -here, credit = whole ? length & (ahead - 1) : length;
        run[c] = length;
        longest[c] = credit > longest[c] ? credit : longest[c];
    }
}

E5_SIMD_BODY void longest_of(const struct e5_spell_axis *axis, const uint32_t *flags, bool whole, double *out) {
    int32_t run[E5_LANES] = {0}, none[E5_LANES];
    uint32_t before = 0;
    for (size_t s = 0; s < axis->spans_count; s++) {
        const struct e5_spell_span *span = &axis->spans[s];
        int32_t longest[E5_LANES] = {0}, *to = span->period < 0 ? none : longest;
        if (axis->border == E5_SPELL_OWN) memset(run, 0, sizeof run);
        for (size_t t = span->first; t < span->end; t++) {
            uint32_t bit = axis->bit[t];
            if (bit != before + 1) memset(run, 0, sizeof run); /* the bit between is not set */
            before = bit;
            grow(flags + bit / BITS * E5_LANES, bit % BITS, flags + (bit + 1) / BITS * E5_LANES, (bit + 1) % BITS,
                 whole, run, to);
        }
        for (size_t c = 0; span->period >= 0 && c < E5_LANES; c++) {
            double *best = out + (size_t)span->period * E5_LANES + c;
            *best = longest[c] > *best ? longest[c] : *best;
        }
    }
}

E5_SIMD_BODY void find_longest_body(const struct e5_spell_axis *axis, const uint32_t *flags, double *out) {
    if (axis->border == E5_SPELL_LAST)
        longest_of(axis, flags, true, out);
    else
        longest_of(axis, flags, false, out);
}
E5_SIMD_VARIANTS(find_longest, (const struct e5_spell_axis *axis, const uint32_t *flags, double *out),
                 (axis, flags, out))

void e5_spell_longest(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags, double *out) {
    memset(out, 0, periods * E5_LANES * sizeof *out);
    find_longest(axis, flags, out);
}
