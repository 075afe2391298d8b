/* spell_filter: keeps long spells of set bits along time, and closes short gaps between them, as a stream.
 *
 * In every cell, first only runs of at least `min_days` set steps are kept; then gaps of at most `max_gap` steps
 * between two kept runs are set (Hobday et al. 2016: first the duration, then joining).  A step that does not follow
 * its predecessor in time (`linked` false) ends runs and gaps, and so do the first and the last step of the record.
 *
 * Steps go in as frames of `words` words (events/bits.h), block after block, and come out, in order, `delay` =
 * min_days − 1 + max_gap steps later; where time breaks off, all that wait come out at once.  No step is kept in
 * between: every cell has two counters for either rule, laid out as bit planes, so that 64 cells are counted with
 * few instructions; the state is 2 ⌈log₂(min_days + 1)⌉ + 2 ⌈log₂(max_gap + 2)⌉ frames, whatever the delay.
 *
 * The caller owns the filter (_init/_fini).  Words do not depend on each other: disjoint segments may be pushed by
 * different threads at the same time; each of them must see the same steps.  A segment begins at a multiple of
 * E5_SPELL_SEGMENT words and ends at one, or with the frame.  Nothing blocks. */
#ifndef E5_EVENTS_SPELL_FILTER_H
#define E5_EVENTS_SPELL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define E5_SPELL_LONGEST 65535 /* largest min_days and max_gap */
#define E5_SPELL_SEGMENT 4     /* words: a vector */

struct e5_spell_filter {
    size_t min_days, max_gap; /* at least 1, at least 0 */
    size_t words;             /* of a frame */
    size_t delay;             /* steps */
    uint64_t *state;          /* segment after segment: plane after plane of E5_SPELL_SEGMENT words */
    size_t *waiting;          /* of each segment: steps that went in and have not come out yet, at most `delay` */
};

/* E5_INPUT when min_days is 0 or a number is larger than E5_SPELL_LONGEST. */
E5_MUST_USE enum e5_status e5_spell_filter_init(struct e5_spell_filter *filter, size_t min_days, size_t max_gap,
                                                size_t words, struct e5_error *err);
void e5_spell_filter_fini(struct e5_spell_filter *filter);

/* Push the words [first, first + words) of `steps` frames; returns how many frames came out, the same number for all
 * segments.  `in` and `out` are whole frames, step after step; `out` has room for those that come out, of which
 * e5_spell_filter_count() tells before, and must not overlap `in`.  `linked` has one flag per step (NULL: all follow
 * each other); the first step of all needs none. */
size_t e5_spell_filter_push(struct e5_spell_filter *filter, const uint64_t *in, size_t steps, const bool *linked,
                            size_t first, size_t words, uint64_t *out);
/* The record is over: what still waits comes out (at most `delay` frames), and the filter is as new. */
size_t e5_spell_filter_end(struct e5_spell_filter *filter, size_t first, size_t words, uint64_t *out);
/* How many frames a push of these steps gives, without doing it. */
size_t e5_spell_filter_count(const struct e5_spell_filter *filter, size_t steps, const bool *linked);

#endif
