/* blob_samples: random bits of grids, and what cells of them touch, cell by cell. */
#ifndef BLOB_SAMPLES_H
#define BLOB_SAMPLES_H

#include <stdlib.h>
#include <string.h>

#include "events/frame.h"

enum { MOST_CELLS = 2048 };

static uint32_t sample_seed = 7;

static uint32_t random_below(uint32_t n) {
    sample_seed = sample_seed * 1664525u + 1013904223u;
    return (sample_seed >> 8) % n;
}

static const int neighbourhoods[] = {6, 10, 18, 26};

static struct e5_topology random_topology(void) {
    static const size_t shapes[][2] = {{1, 1}, {1, 9}, {5, 1}, {4, 2}, {6, 9}, {7, 64}, {3, 130}, {8, 65}, {9, 20}};
    const size_t *shape = shapes[random_below(sizeof shapes / sizeof *shapes)];
    return (struct e5_topology){.rows = shape[0],
                                .columns = shape[1],
                                .periodic = random_below(2),
                                .pole_first = random_below(3) == 0,
                                .pole_last = random_below(3) == 0,
                                .neighbours = neighbourhoods[random_below(4)]};
}

static bool bit_of(const struct e5_topology *t, const uint64_t *bits, size_t cell) {
    size_t column = cell % t->columns;
    return bits[cell / t->columns * e5_bits_words(t->columns) + column / 64] >> column % 64 & 1;
}

static void random_bits(const struct e5_topology *t, uint32_t percent, uint64_t *bits) {
    memset(bits, 0, e5_topology_words(t) * sizeof *bits);
    for (size_t cell = 0; cell < t->rows * t->columns; cell++) {
        size_t column = cell % t->columns, word = cell / t->columns * e5_bits_words(t->columns) + column / 64;
        bits[word] |= (uint64_t)(random_below(100) < percent) << column % 64;
    }
}

/* The definition: may these two cells touch, `dt` steps apart (0 or 1)? */
static bool may_touch(const struct e5_topology *t, size_t a, size_t b, long dt) {
    size_t row = a / t->columns;
    long dr = labs((long)row - (long)(b / t->columns)), dc = labs((long)(a % t->columns) - (long)(b % t->columns));
    if (t->periodic && dc == (long)t->columns - 1) dc = dc > 0;
    if (dr == 0 && e5_topology_on_pole(t, row)) return true;
    if (dr > 1 || dc > 1) return false;
    switch (t->neighbours) {
    case 6: return dt + dr + dc <= 1;
    case 10: return dt == 0 || dr + dc == 0;
    case 18: return dt + dr + dc <= 2;
    default: return true;
    }
}

/* Number of the blob of every cell, from 0 by first cell; −1 where no bit is set.  Returns how many blobs. */
static size_t flood(const struct e5_topology *t, const uint64_t *bits, int32_t *blob) {
    static size_t queue[MOST_CELLS];
    size_t cells = t->rows * t->columns, blobs = 0;
    for (size_t i = 0; i < cells; i++) blob[i] = -1;
    for (size_t i = 0; i < cells; i++) {
        if (!bit_of(t, bits, i) || blob[i] >= 0) continue;
        size_t tail = 0;
        blob[queue[tail++] = i] = (int32_t)blobs++;
        for (size_t head = 0; head < tail; head++)
            for (size_t k = 0; k < cells; k++)
                if (bit_of(t, bits, k) && blob[k] < 0 && may_touch(t, queue[head], k, 0))
                    blob[queue[tail++] = k] = blob[i];
    }
    return blobs;
}

#endif
