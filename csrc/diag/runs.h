/* runs: spells, maximal sequences of true days.
 *
 * Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_DIAG_RUNS_H
#define E5_DIAG_RUNS_H

#include <stdint.h>

#include "base/error.h"

#define E5_RUNS_LONGEST 65535 /* largest `minimum` */

/* Clear every run of ones, along time, that is shorter than `minimum`.  The flags (0 or 1) of `cells` cells at step t
 * begin at flag + t × stride.  Where linked[t] is false, step t does not continue step t − 1 and a run ends (NULL:
 * all steps follow each other).  `length` is scratch, one per cell. */
void e5_runs_keep_long(uint8_t *flag, size_t steps, size_t cells, size_t stride, const bool *linked, size_t minimum,
                       uint16_t *length);

#endif
