/* Dilation is enough: erosion is the dilation of what is not there, because a disc that is cut at the edge of the
 * domain is cut for both.  A row of the frame is dilated once for all rows that it reaches: half widths come in
 * increasing order, and a row that is dilated by a and then by b is dilated by a + b.  A
 * pass over the words of a row doubles what a bit covers on either side. */
#include "events/morphology.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "events/bits.h"

#define ON_THE_CIRCLE 1e-9 /* of the radius: centres at distance r are in the disc, however that is rounded */

/* The table. */

struct ball { /* of the points around another one: the squared sine of half their angle is at most this */
    double most;
};

static double squared_sine(double degrees) {
    double sine = sin(degrees * (M_PI / 360));
    return sine * sine;
}

static struct ball ball_of(double radius_km) {
    double half_angle = radius_km * (1 + ON_THE_CIRCLE) / (2 * E5_EARTH_RADIUS_KM);
    if (half_angle >= M_PI / 2) return (struct ball){2};
    return (struct ball){sin(half_angle) * sin(half_angle)};
}

/* Haversines: cells of two rows, `columns` columns apart. */
static bool holds(const struct e5_grid *grid, struct ball ball, size_t row, size_t other, size_t columns) {
    double phi = grid->latitude[row], psi = grid->latitude[other], east = fmin((double)columns * grid->step, 180);
    double across = cos(phi * (M_PI / 180)) * cos(psi * (M_PI / 180)) * squared_sine(east);
    return squared_sine(phi - psi) + across <= ball.most;
}

static bool on_pole(const struct e5_grid *grid, size_t row) {
    return (grid->pole_first && row == 0) || (grid->pole_last && row + 1 == grid->rows);
}

/* The widest that the disc is in the other row; all its columns where it closes the circle, or on a pole. */
static int32_t half_width(const struct e5_grid *grid, struct ball ball, size_t row, size_t other) {
    size_t least = 0, most = grid->periodic ? grid->columns / 2 : grid->columns - 1;
    if (on_pole(grid, row) || on_pole(grid, other)) return (int32_t)grid->columns;
    while (least < most) {
        size_t middle = least + (most - least + 1) / 2;
        if (holds(grid, ball, row, other, middle))
            least = middle;
        else
            most = middle - 1;
    }
    bool whole = least + 1 == grid->columns || (grid->periodic && 2 * least + 1 >= grid->columns);
    return (int32_t)(whole ? grid->columns : least);
}

static int compare_reach(const void *one, const void *other) {
    const struct e5_reach *a = one, *b = other;
    if (a->half != b->half) return a->half < b->half ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static void fill_row(struct e5_disc *disc, const struct e5_grid *grid, struct ball ball, size_t row, size_t first) {
    struct e5_reach *reach = disc->reach + disc->first[row];
    size_t count = disc->first[row + 1] - disc->first[row];
    for (size_t i = 0; i < count; i++)
        reach[i] = (struct e5_reach){(int32_t)(first + i), half_width(grid, ball, row, first + i)};
    qsort(reach, count, sizeof *reach, compare_reach);
}

/* Rows are in order of latitude: those within reach are neighbours, and both ends only move on. */
static enum e5_status fill_table(struct e5_disc *disc, const struct e5_grid *grid, struct ball ball,
                                 struct e5_error *err) {
    size_t *from, first = 0, end = 0;
    enum e5_status status = e5_alloc(grid->rows, sizeof *from, &from, err);
    if (status != E5_OK) return status;
    for (size_t row = 0; row < grid->rows; row++) {
        while (!holds(grid, ball, row, first, 0)) first++;
        while (end < grid->rows && holds(grid, ball, row, end, 0)) end++;
        from[row] = first;
        disc->first[row + 1] = disc->first[row] + (end - first);
    }
    status = e5_alloc(disc->first[grid->rows], sizeof *disc->reach, &disc->reach, err);
    for (size_t row = 0; status == E5_OK && row < grid->rows; row++) fill_row(disc, grid, ball, row, from[row]);
    free(from);
    return status;
}

enum e5_status e5_disc_init(struct e5_disc *disc, const struct e5_grid *grid, double radius_km,
                            struct e5_error *err) {
    *disc = (struct e5_disc){grid->rows, grid->columns, e5_bits_words(grid->columns), grid->periodic};
    if (!(radius_km >= 0) || !isfinite(radius_km))
        return e5_fail(err, E5_INPUT, "a disc with a radius of %g km", radius_km);
    if (grid->rows > INT32_MAX || grid->columns > INT32_MAX)
        return e5_fail(err, E5_UNSAFE, "%zu × %zu cells are too many", grid->rows, grid->columns);
    enum e5_status status = e5_alloc(grid->rows + 1, sizeof *disc->first, &disc->first, err);
    if (status == E5_OK) status = fill_table(disc, grid, ball_of(radius_km), err);
    if (status != E5_OK) e5_disc_fini(disc);
    return status;
}

void e5_disc_fini(struct e5_disc *disc) {
    free(disc->first);
    free(disc->reach);
    *disc = (struct e5_disc){0};
}

/* A line is a row with room on either side for what comes round the seam, and a word of zeros at either end. */

static size_t line_words(const struct e5_disc *disc) { return 3 * disc->words + 4; }

size_t e5_disc_scratch(const struct e5_disc *disc) { return disc->rows * disc->words + 2 * line_words(disc); }

static uint64_t low_bits(size_t n) { return n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0; }

static void copy_bits(const uint64_t *from, size_t first, size_t count, uint64_t *to, size_t place) {
    while (count > 0) {
        size_t skip = first % 64 > place % 64 ? first % 64 : place % 64;
        size_t take = count < 64 - skip ? count : 64 - skip;
        to[place / 64] |= (from[first / 64] >> first % 64 & low_bits(take)) << place % 64;
        first += take, place += take, count -= take;
    }
}

struct line {
    uint64_t *now, *next;
    size_t words, margin; /* the row begins at word `margin` */
    int32_t half;         /* dilated so far */
};

static struct line lay_out(const struct e5_disc *disc, const uint64_t *row, size_t widest, uint64_t *room) {
    size_t around = disc->periodic ? widest : 0, margin = (around + 63) / 64;
    struct line line = {room + 1, room + line_words(disc) + 1, disc->words + 2 * margin, margin, 0};
    memset(room, 0, 2 * line_words(disc) * sizeof *room);
    memcpy(line.now + margin, row, disc->words * sizeof *row);
    copy_bits(row, disc->columns - around, around, line.now, 64 * margin - around);
    copy_bits(row, 0, around, line.now, 64 * margin + disc->columns);
    return line;
}

E5_SIMD_BODY void spread(const uint64_t *restrict in, uint64_t *restrict out, size_t words, int shift) {
    for (size_t i = 0; i < words; i++) {
        uint64_t west = in[i] << shift | in[i - 1] >> (64 - shift), east = in[i] >> shift | in[i + 1] << (64 - shift);
        out[i] = in[i] | west | east;
    }
}

/* What is dilated by h and moved by h + 1 leaves no gap. */
E5_SIMD_BODY void widen(struct line *line, int32_t half) {
    while (line->half < half) {
        int32_t shift = line->half + 1;
        if (shift > half - line->half) shift = half - line->half;
        if (shift > 63) shift = 63;
        spread(line->now, line->next, line->words, shift);
        uint64_t *was = line->now;
        line->now = line->next, line->next = was;
        line->half += shift;
    }
}

E5_SIMD_BODY void add(uint64_t *restrict to, const uint64_t *restrict from, size_t words) {
    for (size_t i = 0; i < words; i++) to[i] |= from[i];
}

static bool is_empty(const uint64_t *row, size_t words) {
    uint64_t any = 0;
    for (size_t i = 0; i < words; i++) any |= row[i];
    return any == 0;
}

E5_SIMD_BODY void dilate_row(const struct e5_disc *disc, const uint64_t *row, const struct e5_reach *reach,
                             const struct e5_reach *end, uint64_t *out, uint64_t *room) {
    const struct e5_reach *whole = end;
    while (whole > reach && (size_t)whole[-1].half >= disc->columns) whole--;
    for (const struct e5_reach *all = whole; all < end; all++)
        memset(out + (size_t)all->row * disc->words, -1, disc->words * sizeof *out);
    if (whole == reach) return;
    struct line line = lay_out(disc, row, (size_t)whole[-1].half, room);
    for (; reach < whole; reach++) {
        widen(&line, reach->half);
        add(out + (size_t)reach->row * disc->words, line.now + line.margin, disc->words);
    }
}

/* Beyond the last column of a row all bits are zero, before and after. */
E5_SIMD_BODY void dilate_body(const struct e5_disc *disc, const uint64_t *frame, uint64_t *out, uint64_t *room) {
    size_t words = disc->words;
    uint64_t last = low_bits((disc->columns - 1) % 64 + 1);
    memset(out, 0, disc->rows * words * sizeof *out);
    for (size_t r = 0; r < disc->rows; r++)
        if (!is_empty(frame + r * words, words))
            dilate_row(disc, frame + r * words, disc->reach + disc->first[r], disc->reach + disc->first[r + 1], out,
                       room);
    for (size_t r = 1; r <= disc->rows; r++) out[r * words - 1] &= last;
}
E5_SIMD_VARIANTS(dilate, (const struct e5_disc *disc, const uint64_t *frame, uint64_t *out, uint64_t *room),
                 (disc, frame, out, room))

static void invert(const struct e5_disc *disc, uint64_t *frame) {
    size_t cells = disc->rows * disc->words;
    uint64_t last = low_bits((disc->columns - 1) % 64 + 1);
    for (size_t i = 0; i < cells; i++) frame[i] = ~frame[i];
    for (size_t r = 1; r <= disc->rows; r++) frame[r * disc->words - 1] &= last;
}

void e5_disc_close(const struct e5_disc *disc, const uint64_t *valid, uint64_t *frame, uint64_t *scratch) {
    size_t cells = disc->rows * disc->words;
    uint64_t *room = scratch + cells;
    dilate(disc, frame, scratch, room);
    invert(disc, scratch);
    dilate(disc, scratch, frame, room);
    invert(disc, frame);
    for (size_t i = 0; valid != NULL && i < cells; i++) frame[i] &= valid[i];
}

void e5_disc_open(const struct e5_disc *disc, uint64_t *frame, uint64_t *scratch) {
    uint64_t *room = scratch + disc->rows * disc->words;
    invert(disc, frame);
    dilate(disc, frame, scratch, room);
    invert(disc, scratch);
    dilate(disc, scratch, frame, room);
}
