#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/slab.h"

enum { T = 5, Y = 6, X = 40, ALL = T * Y * X };

/* --- a slow and simple twin --- */

struct selection { /* index[d][i]: which index of the variable goes to position i */
    int64_t index[3][64];
    size_t count[3];
};

static struct selection everything(void) {
    static const size_t shape[3] = {T, Y, X};
    struct selection s = {0};
    for (int d = 0; d < 3; d++)
        for (s.count[d] = 0; s.count[d] < shape[d]; s.count[d]++) s.index[d][s.count[d]] = (int64_t)s.count[d];
    return s;
}

static bool holds(const struct e5_box *box, int d, int64_t i) {
    return i >= (int64_t)box->start[d] && i < (int64_t)(box->start[d] + box->count[d]);
}

/* Value of the element at (t, y, x): what is stored is that number. */
static int value_at(int64_t t, int64_t y, int64_t x) { return (int)((t * Y + y) * X + x) % 30000; }

static void expect(const struct selection *s, const struct e5_box *box, int missing, double *out) {
    size_t i = 0;
    for (size_t t = 0; t < s->count[0]; t++)
        for (size_t y = 0; y < s->count[1]; y++)
            for (size_t x = 0; x < s->count[2]; x++, i++) {
                int64_t a = s->index[0][t], b = s->index[1][y], c = s->index[2][x];
                int value = value_at(a, b, c);
                if (holds(box, 0, a) && holds(box, 1, b) && holds(box, 2, c)) out[i] = value == missing ? NAN : value;
            }
}

/* --- the piece, in every form --- */

struct form {
    enum e5_dtype from, as;
    bool swapped, shuffled;
    size_t step; /* extra bytes behind each index of the first dimension */
};

static void turn(uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t keep = bytes[i];
        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = keep;
    }
}

static void store(const struct form *form, int value, uint8_t *to) {
    int16_t narrow = (int16_t)value;
    int32_t whole = value;
    float real = (float)value;
    double wide = value;
    size_t size = e5_dtype_size(form->from);
    if (form->from == E5_I16) memcpy(to, &narrow, size);
    if (form->from == E5_I32) memcpy(to, &whole, size);
    if (form->from == E5_F32) memcpy(to, &real, size);
    if (form->from == E5_F64) memcpy(to, &wide, size);
    if (form->swapped) turn(to, size);
}

static void fill_piece(const struct form *form, struct e5_piece *piece, uint8_t *bytes) {
    const struct e5_box *box = &piece->box;
    size_t size = e5_dtype_size(form->from), rows = box->count[1] * box->count[2], n = box->count[0] * rows;
    piece->bytes = bytes;
    piece->step = form->step > 0 ? rows * size + form->step : 0;
    piece->plane = form->shuffled ? n + 1 : 0; /* as behind a checksum that was shuffled along */
    for (size_t i = 0; i < n; i++) {
        uint8_t element[8];
        size_t t = box->start[0] + i / rows, y = box->start[1] + i / box->count[2] % box->count[1];
        store(form, value_at((int64_t)t, (int64_t)y, (int64_t)(box->start[2] + i % box->count[2])), element);
        for (size_t k = 0; k < size; k++)
            bytes[form->shuffled ? k * (n + 1) + i : i * size + i / rows * form->step + k] = element[k];
    }
}

static double got_at(enum e5_dtype as, const char *out, size_t i) {
    float real;
    double wide;
    int64_t whole;
    int16_t narrow;
    if (as == E5_F32) return memcpy(&real, out + i * 4, 4), (double)real;
    if (as == E5_F64) return memcpy(&wide, out + i * 8, 8), wide;
    if (as == E5_I64) return memcpy(&whole, out + i * 8, 8), (double)whole;
    return memcpy(&narrow, out + i * 2, 2), (double)narrow;
}

static void check_put(const struct form *form, const struct selection *s, const struct e5_box *box) {
    static uint8_t bytes[ALL * 8 + 8 + T * 64];
    static double wanted[16 * ALL];
    static char out[16 * ALL * 8];
    bool real = form->as == E5_F32 || form->as == E5_F64;
    int missing = real ? 77 : -1;
    struct e5_pick pick[3];
    struct e5_slab slab = {.ndim = 3, .pick = pick, .out = out};
    struct e5_piece piece = {.box = *box};
    size_t n = s->count[0] * s->count[1] * s->count[2];
    for (int d = 0; d < 3; d++) CHECK_OK(e5_pick_list(s->index[d], s->count[d], 100, &pick[d], err));
    slab.how = (struct e5_unpack){form->from, form->as, form->swapped, E5_PACKING_NONE};
    if (real) slab.how.packing.fill = missing;
    fill_piece(form, &piece, bytes);
    memset(out, 0x11, sizeof out);
    for (size_t i = 0; i < n; i++) wanted[i] = got_at(form->as, out, i);
    expect(s, box, missing, wanted);
    e5_slab_put(&slab, &piece, 1);
    for (size_t i = 0; i < n; i++) {
        double got = got_at(form->as, out, i);
        CHECK(got == wanted[i] || (isnan(got) && isnan(wanted[i])));
    }
    for (int d = 0; d < 3; d++) e5_pick_fini(&pick[d]);
}

/* --- tests --- */

static const struct e5_box boxes[] = {
    {{0, 0, 0}, {T, Y, X}}, {{1, 2, 3}, {2, 3, 30}}, {{0, 3, 35}, {4, 4, 10}}, {{4, 0, 0}, {3, Y, X}},
    {{2, 1, 0}, {1, 1, X}}, {{0, 0, 17}, {T, Y, 1}}, {{0, 0, 0}, {T, 2, X}},
};
static const struct form forms[] = {
    {E5_F32, E5_F32, false, false, 0}, {E5_F32, E5_F32, true, false, 0},  {E5_F32, E5_F64, false, true, 0},
    {E5_I16, E5_F32, true, true, 0},   {E5_I16, E5_I16, true, true, 0},   {E5_I16, E5_I16, true, false, 12},
    {E5_I32, E5_I64, false, true, 0},  {E5_F64, E5_F64, true, false, 20}, {E5_F32, E5_F32, false, true, 0},
};

static void check_everywhere(const struct selection *s) {
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
            int before = check_failures;
            check_put(&forms[f], s, &boxes[b]);
            if (check_failures > before) printf("  form %zu, box %zu\n", f, b);
        }
}

TEST(everything) {
    struct selection s = everything();
    check_everywhere(&s);
}

TEST(a_box) {
    struct selection s = {.index = {{1, 2, 3}, {2, 3}, {4, 5, 6, 7, 8, 9, 10, 11, 12}}, .count = {3, 2, 9}};
    check_everywhere(&s);
}

TEST(a_region_across_the_meridian) {
    struct selection s = everything();
    for (size_t x = 0; x < X; x++) s.index[2][x] = (int64_t)((x + 25) % X);
    check_everywhere(&s);
    s.count[2] = 20;
    check_everywhere(&s);
}

TEST(every_fourth_cell) {
    struct selection s = everything();
    s.count[1] = (Y + 1) / 2;
    s.count[2] = X / 4;
    for (size_t y = 0; y < s.count[1]; y++) s.index[1][y] = (int64_t)(2 * y);
    for (size_t x = 0; x < s.count[2]; x++) s.index[2][x] = (int64_t)(4 * x + 1);
    check_everywhere(&s);
}

TEST(everything_backwards) {
    struct selection s = everything();
    for (size_t t = 0; t < T; t++) s.index[0][t] = (int64_t)(T - 1 - t);
    for (size_t y = 0; y < Y; y++) s.index[1][y] = (int64_t)(Y - 1 - y);
    check_everywhere(&s);
    for (size_t x = 0; x < X; x++) s.index[2][x] = (int64_t)(X - 1 - x);
    check_everywhere(&s);
}

TEST(stations_in_any_order_and_more_than_once) {
    struct selection s = {.index = {{3, 0, 3, 4}, {5, 1, 1, 0, 5}, {39, 2, 17, 2, 3, 4, 5, 38, 17, 0}},
                          .count = {4, 5, 10}};
    check_everywhere(&s);
    s.count[0] = s.count[1] = s.count[2] = 1;
    check_everywhere(&s);
}

/* More elements of a row than are picked up at a time. */
TEST(a_long_row_one_by_one) {
    enum { N = 5000 };
    static int64_t index[N];
    static float stored[N], got[N];
    struct e5_pick pick;
    for (int i = 0; i < N; i++) index[i] = (i * 7LL) % N, stored[i] = (float)i;
    CHECK_OK(e5_pick_list(index, N, N, &pick, err));
    struct e5_slab slab = {.ndim = 1, .pick = &pick, .how = {E5_F32, E5_F32, false, E5_PACKING_NONE}};
    slab.out = (char *)got;
    struct e5_piece piece = {.box = {{0}, {N}}, .bytes = (const uint8_t *)stored};
    e5_slab_put(&slab, &piece, 1);
    for (int i = 0; i < N; i++) CHECK(got[i] == stored[index[i]]);
    e5_pick_fini(&pick);
}

/* A time axis among netCDF-3 records: elements of the only dimension are far apart. */
TEST(elements_with_gaps) {
    uint8_t stored[4 * 24] = {0};
    const int64_t index[] = {3, 0, 1};
    double got[3];
    struct e5_pick pick;
    for (size_t i = 0; i < 4; i++) memcpy(stored + i * 24, &(double){(double)i * 1.5}, 8);
    CHECK_OK(e5_pick_list(index, 3, 4, &pick, err));
    struct e5_slab slab = {.ndim = 1, .pick = &pick, .how = {E5_F64, E5_F64, false, E5_PACKING_NONE}};
    slab.out = (char *)got;
    struct e5_piece piece = {.box = {{0}, {4}}, .bytes = stored, .step = 24};
    e5_slab_put(&slab, &piece, 1);
    CHECK(got[0] == 4.5 && got[1] == 0 && got[2] == 1.5);
    e5_pick_fini(&pick);
}

/* Neighbours along the last dimension, put together, give what each alone gives; one of them is fill. */
TEST(neighbours_together_and_alone) {
    enum { WIDE = 5, N = 4 };
    const int64_t rows[] = {3, 0, 0, 2}, columns[] = {19, 18, 17, 0, 4, 5, 9, 10, 14, 14};
    float stored[N][T * Y * WIDE], got[2][T * Y * N * WIDE], fill = -5;
    struct e5_piece piece[N];
    for (int k = 0; k < N; k++) {
        piece[k] = (struct e5_piece){.box = {{0, 0, (size_t)k * WIDE}, {T, Y, WIDE}}};
        piece[k].bytes = (const uint8_t *)stored[k];
        for (int i = 0; i < T * Y * WIDE; i++) stored[k][i] = (float)(1000 * k + i);
    }
    for (int form = 0; form < 3; form++) {
        struct e5_pick pick[3] = {e5_pick_range(0, T), e5_pick_range(0, Y), e5_pick_range(0, N * WIDE)};
        struct e5_slab slab = {.ndim = 3, .pick = pick, .how = {E5_F32, E5_F32, false, E5_PACKING_NONE}};
        if (form > 0) CHECK_OK(e5_pick_list(rows, 4, Y, &pick[1], err));
        if (form > 1) CHECK_OK(e5_pick_list(columns, 10, N * WIDE, &pick[2], err));
        piece[2].constant = form == 1;
        piece[2].bytes = form == 1 ? (const uint8_t *)&fill : (const uint8_t *)stored[2];
        memset(got, 0, sizeof got);
        slab.out = (char *)got[0];
        e5_slab_put(&slab, piece, N);
        slab.out = (char *)got[1];
        for (int k = 0; k < N; k++) e5_slab_put(&slab, &piece[k], 1);
        CHECK(memcmp(got[0], got[1], sizeof got[0]) == 0);
        for (size_t i = 0; form == 0 && i < T * Y * N * WIDE; i++) {
            size_t x = i % (N * WIDE), row = i / (N * WIDE);
            CHECK(got[0][i] == stored[x / WIDE][row * WIDE + x % WIDE]);
        }
        for (int d = 0; d < 3; d++) e5_pick_fini(&pick[d]);
    }
}

/* Rows of few cells, more of them than are unshuffled at a time. */
enum { STEPS = 700, ROWS = 3, CELLS = 9, HELD = STEPS * ROWS * CELLS, SIDE = 2 };

static void shuffle_all(const float *plain, uint8_t *planes) {
    for (size_t i = 0; i < HELD; i++)
        for (size_t k = 0; k < 4; k++) memcpy(planes + k * HELD + i, (const char *)(plain + i) + k, 1);
}

static void check_series(const struct e5_pick *pick, enum e5_dtype as, size_t n) {
    static float plain[SIDE][HELD];
    static uint8_t planes[SIDE][4 * HELD];
    static double got[3][SIDE * HELD];
    struct e5_slab slab = {.ndim = 3, .pick = pick, .how = {E5_F32, as, false, E5_PACKING_NONE}};
    struct e5_piece piece[2][SIDE];
    for (size_t k = 0; k < SIDE; k++) {
        piece[0][k] = (struct e5_piece){.box = {{0, 0, k * CELLS}, {STEPS, ROWS, CELLS}}};
        piece[1][k] = piece[0][k];
        for (size_t i = 0; i < HELD; i++) plain[k][i] = (float)(k * HELD + i) / 3;
        shuffle_all(plain[k], planes[k]);
        piece[0][k].bytes = (const uint8_t *)plain[k];
        piece[1][k].bytes = planes[k];
        piece[1][k].plane = HELD;
    }
    memset(got, 0, sizeof got);
    for (size_t form = 0; form < 2; form++) {
        slab.out = (char *)got[form];
        e5_slab_put(&slab, piece[form], n);
    }
    slab.out = (char *)got[2];
    for (size_t k = 0; k < n; k++) e5_slab_put(&slab, &piece[1][k], 1);
    CHECK(memcmp(got[0], got[1], sizeof got[0]) == 0 && memcmp(got[0], got[2], sizeof got[0]) == 0);
}

TEST(shuffled_series_of_few_cells) {
    int64_t backwards[STEPS], some[STEPS];
    struct e5_pick steps[4] = {e5_pick_range(0, STEPS), e5_pick_range(123, 400)};
    struct e5_pick columns[] = {e5_pick_range(0, 18), e5_pick_range(4, 9), e5_pick_range(7, 1), e5_pick_range(9, 3)};
    for (int i = 0; i < STEPS; i++) backwards[i] = STEPS - 1 - i, some[i] = i * 7 % STEPS;
    CHECK_OK(e5_pick_list(backwards, STEPS, STEPS, &steps[2], err));
    CHECK_OK(e5_pick_list(some, STEPS, STEPS, &steps[3], err));
    for (size_t t = 0; t < 4; t++)
        for (size_t c = 0; c < 4; c++)
            for (size_t form = 0; form < 4; form++) {
                struct e5_pick rows = form % 2 == 0 ? e5_pick_range(0, ROWS) : e5_pick_range(1, 1);
                struct e5_pick pick[] = {steps[t], rows, columns[c]};
                check_series(pick, form < 2 ? E5_F32 : E5_F64, SIDE);
            }
    for (size_t t = 0; t < 4; t++) e5_pick_fini(&steps[t]);
}

/* Positions that no stretch names stay as they are, so that two files can fill one array. */
TEST(two_pieces_share_an_output) {
    const struct e5_stretch even[] = {{0, 0, 1}, {1, 2, 1}}, odd[] = {{5, 1, 1}, {6, 3, 1}};
    struct e5_pick pick = {.count = 4, .stretches = 2, .stretch = even};
    float out[4] = {-1, -1, -1, -1}, stored[7] = {10, 11, 12, 13, 14, 15, 16};
    struct e5_slab slab = {.ndim = 1, .pick = &pick, .how = {E5_F32, E5_F32, false, E5_PACKING_NONE}};
    slab.out = (char *)out;
    struct e5_piece piece = {.box = {{0}, {7}}, .bytes = (const uint8_t *)stored};
    e5_slab_put(&slab, &piece, 1);
    CHECK(out[0] == 10 && out[1] == -1 && out[2] == 11 && out[3] == -1);
    pick.stretch = odd;
    e5_slab_put(&slab, &piece, 1);
    CHECK(out[0] == 10 && out[1] == 15 && out[2] == 11 && out[3] == 16);
}

TEST(a_fill_value_stands_for_all) {
    int16_t stored = 5;
    float out[6] = {0};
    struct e5_pick pick = e5_pick_range(2, 6);
    struct e5_slab slab = {.ndim = 1, .pick = &pick, .how = {E5_I16, E5_F32, false, E5_PACKING_NONE}};
    slab.out = (char *)out;
    slab.how.packing.scale = 2;
    struct e5_piece piece = {.box = {{4}, {3}}, .bytes = (const uint8_t *)&stored, .constant = true};
    e5_slab_put(&slab, &piece, 1);
    for (int i = 0; i < 6; i++) CHECK(out[i] == (i >= 2 && i < 5 ? 10.0F : 0.0F));
}

/* What no cache holds is written past them: 8,400 rows of 2,048 float32, in a file of one column more. */
TEST(large_outputs) {
    enum { LINES = 8400, COLUMNS = 2048, FIRST = 120, HEIGHT = 9, WIDTH = 700, SPARE = 16 };
    char *memory = NULL;
    uint8_t bytes[2][HEIGHT * WIDTH * 4];
    struct e5_pick pick[2] = {e5_pick_range(0, LINES), e5_pick_range(1, COLUMNS)};
    struct e5_slab slab = {.ndim = 2, .pick = pick, .how = {E5_F32, E5_F32, false, E5_PACKING_NONE}};
    struct e5_piece piece[2];
    CHECK_OK(e5_alloc((size_t)LINES * COLUMNS + SPARE, 4, &memory, err));
    for (size_t p = 0; p < 2; p++) {
        piece[p] = (struct e5_piece){
            .box = {{FIRST, 1 + 5 + p * WIDTH}, {HEIGHT, WIDTH}}, .bytes = bytes[p], .plane = (size_t)HEIGHT * WIDTH};
        for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++) {
            float value = (float)(p * HEIGHT * WIDTH + i + 1);
            for (size_t k = 0; k < 4; k++) bytes[p][k * HEIGHT * WIDTH + i] = ((uint8_t *)&value)[k];
        }
    }
    for (size_t shift = 0; shift < SPARE; shift += 5) { /* lines of the cache begin anywhere in a row */
        size_t wrong = 0;
        float *out = (float *)(void *)memory + shift, *row;
        slab.out = (char *)out;
        e5_slab_put(&slab, piece, 2);
        for (size_t y = FIRST - 1; y < FIRST + HEIGHT + 1; y++)
            for (size_t x = 0; x < COLUMNS; x++) {
                bool inside = y >= FIRST && y < FIRST + HEIGHT && x >= 5 && x < 5 + 2 * WIDTH;
                size_t p = inside ? (x - 5) / WIDTH : 0, i = inside ? (y - FIRST) * WIDTH + (x - 5) % WIDTH : 0;
                wrong += out[y * COLUMNS + x] != (inside ? (float)(p * HEIGHT * WIDTH + i + 1) : 0);
            }
        CHECK(wrong == 0);
        row = out + (size_t)FIRST * COLUMNS;
        memset(row, 0, sizeof *row * HEIGHT * COLUMNS);
    }
    free(memory);
}

int main(void) {
    RUN(everything);
    RUN(a_box);
    RUN(a_region_across_the_meridian);
    RUN(every_fourth_cell);
    RUN(everything_backwards);
    RUN(stations_in_any_order_and_more_than_once);
    RUN(a_long_row_one_by_one);
    RUN(elements_with_gaps);
    RUN(neighbours_together_and_alone);
    RUN(shuffled_series_of_few_cells);
    RUN(two_pieces_share_an_output);
    RUN(a_fill_value_stands_for_all);
    RUN(large_outputs);
    return check_summary();
}
