/* holes: what is missing in steps that are otherwise regular.
 *
 * Pure function: any thread; nothing blocks. */
#ifndef E5_MODEL_HOLES_H
#define E5_MODEL_HOLES_H

#include <stddef.h>
#include <stdint.h>

struct e5_holes {
    size_t count;   /* 0: nothing to report */
    size_t missing; /* steps */
    size_t after;   /* index of the first step behind the first hole */
};

/* A few holes: every difference is a multiple of `step`, the most frequent one; at most one in twenty is longer; and
 * of several holes at most a third of all steps is missing.  What was asked for with gaps in mind (months, seasons,
 * some hours of the day) is not like that; a lone hole is reported however long it is.  `seconds` ascend. */
struct e5_holes e5_holes_find(const int64_t *seconds, size_t n, int64_t step);

#endif
