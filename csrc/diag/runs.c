/* Two passes over whole rows of cells, so that memory is read in order and the loops vectorise: forwards every flag
 * learns whether its run is long enough already, backwards that knowledge spreads to the beginning of the run. */
#include "diag/runs.h"

#include <string.h>

enum { OUTSIDE, SHORT_SO_FAR, LONG_ENOUGH };

static void forwards(uint8_t *restrict flag, uint16_t *restrict length, size_t cells, uint16_t minimum) {
    for (size_t c = 0; c < cells; c++) {
        uint16_t longer = (uint16_t)(length[c] + (length[c] < minimum));
        length[c] = flag[c] != OUTSIDE ? longer : 0;
        flag[c] = (uint8_t)(flag[c] + (length[c] >= minimum));
    }
}

static void backwards(uint8_t *restrict flag, const uint8_t *restrict next, size_t cells) {
    for (size_t c = 0; c < cells; c++) flag[c] = (uint8_t)(flag[c] >> 1 | (flag[c] & next[c]));
}

static void backwards_from_end(uint8_t *flag, size_t cells) {
    for (size_t c = 0; c < cells; c++) flag[c] = flag[c] == LONG_ENOUGH;
}

void e5_runs_keep_long(uint8_t *flag, size_t steps, size_t cells, size_t stride, const bool *linked, size_t minimum,
                       uint16_t *length) {
    if (minimum <= 1) return;
    for (size_t t = 0; t < steps; t++) {
        bool fresh = t == 0 || (linked != NULL && !linked[t]);
        if (fresh) memset(length, 0, cells * sizeof *length);
        forwards(flag + t * stride, length, cells, (uint16_t)minimum);
    }
    for (size_t t = steps; t-- > 0;) {
        bool last = t + 1 == steps || (linked != NULL && !linked[t + 1]);
        if (last)
            backwards_from_end(flag + t * stride, cells);
        else
            backwards(flag + t * stride, flag + (t + 1) * stride, cells);
    }
}
