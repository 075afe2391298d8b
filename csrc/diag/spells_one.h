/* spells_one: a single number of each period's spells, where all those of e5_spell_count() are not wanted.
 *
 * Flags and axis are those of diag/spells.h; results of period p and lane c are written to [p × E5_LANES + c].
 * Any thread; nothing blocks. */
#ifndef E5_DIAG_SPELLS_ONE_H
#define E5_DIAG_SPELLS_ONE_H

#include "diag/spells.h"

/* Steps that are set, each in its own period: the total of E5_SPELL_CUT and E5_SPELL_OWN. */
void e5_spell_days(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags, double *out);
/* Steps of the longest run, for all borders but E5_SPELL_FIRST. */
void e5_spell_longest(const struct e5_spell_axis *axis, size_t periods, const uint32_t *flags, double *out);

#endif
