/* look_ahead: has memory bring what comes next while a kernel works on several rows side by side.
 *
 * Several streams at once are more than a machine follows by itself, and memory is slower where it is asked for lines
 * of all of them in turn.  So each look asks for a longer piece of a single row.  Short rows end before that pays: of
 * them the next group is asked for, in the order in which it lies in memory.  A look beyond the end of the data does
 * no harm.  Any thread; nothing blocks. */
#ifndef E5_KERNELS_LOOK_AHEAD_H
#define E5_KERNELS_LOOK_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

#define E5_AHEAD_LINE 64           /* bytes that memory gives at a time */
#define E5_AHEAD_BYTES 1024        /* how far in a row */
#define E5_AHEAD_GROUP (256 << 10) /* bytes from one group of rows to the next: more does not stay in the cache */

struct e5_ahead {
    const char *first, *at; /* where this round of looks began, and what is next */
    size_t next;            /* bytes to the next row */
    size_t length;          /* bytes of a round: of a row, or from one group of rows to the next */
    bool short_rows, looks;
};

/* `rows` of so many values of `size` bytes, `stride` values apart, begin at `values` and are worked on.  `slow`: at a
 * pace at which the machine does not look far enough into long rows by itself. */
E5_SIMD_BODY struct e5_ahead e5_ahead_of(const void *values, size_t size, size_t stride, size_t cells, size_t rows,
                                         const bool slow) {
    size_t next = stride * size, group = rows * next;
    bool short_rows = group <= E5_AHEAD_GROUP;
    const char *at = (const char *)values + (short_rows ? group : E5_AHEAD_BYTES);
    return (struct e5_ahead){at, at, next, short_rows ? cells * size : group, short_rows, short_rows || slow};
}

/* Ask for so many bytes, a multiple of lines, after as many were worked on, those of all rows together. */
E5_SIMD_BODY void e5_ahead_look(struct e5_ahead *ahead, const size_t bytes, const size_t rows) {
    if (!ahead->looks) return;
    for (size_t i = 0; i < bytes; i += E5_AHEAD_LINE) __builtin_prefetch(ahead->at + i);
    ahead->at += ahead->short_rows ? bytes : ahead->next + bytes / rows;
    if ((size_t)(ahead->at - ahead->first) < ahead->length) return;
    ahead->first += ahead->short_rows ? ahead->next : bytes;
    ahead->at = ahead->first;
}

#endif
