#include "drive/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"

#define AHEAD 8  /* rows to look ahead */
#define LINE 64  /* bytes */
#define PIECE 64 /* steps of a cell decoded at a time: the part of the tile they go to stays in the L1 cache */

union strip { /* one row of all cells of a strip */
    float single[E5_GATHER_TILES * E5_LANES];
    double twice[E5_GATHER_TILES * E5_LANES];
};

static void fill_up(union strip *strip, enum e5_dtype as, size_t n, size_t lanes) {
    for (size_t i = n; i < lanes; i++)
        if (as == E5_F32)
            strip->single[i] = NAN;
        else
            strip->twice[i] = NAN;
}

/* As they are in memory: `from` is the row of step 0. */
static void share_out(const struct e5_cells *cells, const char *from, size_t count, size_t line, char *tiles) {
    for (size_t row = 0; row < cells->steps; row++, from += cells->step_stride) {
        if (row + AHEAD < cells->steps)
            for (size_t at = 0; at < count * line; at += LINE)
                __builtin_prefetch(from + AHEAD * cells->step_stride + (ptrdiff_t)at);
        for (size_t tile = 0; tile < count; tile++) {
            char *to = tiles + (tile * cells->steps + row) * line;
            for (size_t at = 0; at < line; at += LINE) memcpy(to + at, from + tile * line + at, LINE);
        }
    }
}

/* Time-major: rows are decoded one by one and shared out to the tiles. */
static void gather_rows(const struct e5_cells *cells, size_t first, size_t n, enum e5_dtype as, char *tiles) {
    size_t count = (n + E5_LANES - 1) / E5_LANES, line = E5_LANES * e5_dtype_size(as);
    union strip strip;
    const char *plain = as == cells->dtype && n % E5_LANES == 0 ? e5_cells_side_by_side(cells, first, n) : NULL;
    if (plain != NULL) {
        share_out(cells, plain, count, line, tiles);
        return;
    }
    fill_up(&strip, as, n, count * E5_LANES);
    for (size_t row = 0; row < cells->steps; row++) {
        if (row + AHEAD < cells->steps) e5_cells_prefetch(cells, row + AHEAD, first, n);
        if (as == cells->dtype)
            e5_cells_row_as_stored(cells, row, first, n, &strip);
        else
            e5_cells_row(cells, row, first, n, strip.twice);
        for (size_t tile = 0; tile < count; tile++)
            memcpy(tiles + (tile * cells->steps + row) * line, (const char *)&strip + tile * line, line);
    }
}

static void put_single(const double *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) to[i * E5_LANES] = (float)from[i]; /* exact: it has that precision */
}

static void put_double(const double *from, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) to[i * E5_LANES] = from[i];
}

/* Time innermost: each lane reads a piece of its series. */
static void gather_lanes(const struct e5_cells *cells, size_t first, size_t n, enum e5_dtype as, void *tile) {
    double piece[PIECE];
    for (size_t row = 0; row < cells->steps; row += PIECE) {
        size_t left = cells->steps - row, length = left < PIECE ? left : PIECE;
        for (size_t lane = 0; lane < E5_LANES; lane++) {
            if (lane < n)
                e5_cells_series(cells, first + lane, row, length, piece);
            else
                for (size_t i = 0; i < length; i++) piece[i] = NAN;
            if (as == E5_F32)
                put_single(piece, length, (float *)tile + row * E5_LANES + lane);
            else
                put_double(piece, length, (double *)tile + row * E5_LANES + lane);
        }
    }
}

static bool time_is_innermost(const struct e5_cells *cells) {
    ptrdiff_t along = cells->strides[cells->ndim - 1];
    return cells->steps > 1 && along != 0 && llabs(cells->step_stride) < llabs(along);
}

void e5_gather(const struct e5_cells *cells, size_t first, size_t n, enum e5_dtype as, void *tiles) {
    size_t bytes = cells->steps * E5_LANES * e5_dtype_size(as);
    if (!time_is_innermost(cells)) {
        gather_rows(cells, first, n, as, tiles);
        return;
    }
    for (size_t done = 0; done < n; done += E5_LANES)
        gather_lanes(cells, first + done, n - done, as, (char *)tiles + done / E5_LANES * bytes);
}
