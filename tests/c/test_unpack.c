#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "io/slab.h"
#include "io/unpack.h"

#define N 1100 /* over two blocks */

static struct e5_unpack make(enum e5_dtype from, enum e5_dtype as) {
    return (struct e5_unpack){.from = from, .as = as, .packing = E5_PACKING_NONE};
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

TEST(packed_int16_is_scaled_in_double_and_rounded_once) {
    int16_t stored[N];
    float got[N];
    struct e5_unpack how = make(E5_I16, E5_F32);
    how.packing.scale = 0.0015259021896696422;
    how.packing.offset = 273.2;
    how.packing.fill = -32767;
    for (int i = 0; i < N; i++) stored[i] = (int16_t)(i * 59 - 32767);
    e5_unpack(&how, stored, N, got);
    CHECK(isnan(got[0]));
    for (int i = 1; i < N; i++) {
        float expected = (float)(stored[i] * how.packing.scale + how.packing.offset);
        CHECK(got[i] == expected);
    }
}

TEST(fill_is_tested_before_scaling) {
    int16_t stored[3] = {-999, 0, 5};
    double got[3];
    struct e5_unpack how = make(E5_I16, E5_F64);
    how.packing = (struct e5_packing){
        .scale = 2, .offset = -10, .fill = -999, .missing = 5, .valid_min = -INFINITY, .valid_max = INFINITY};
    e5_unpack(&how, stored, 3, got);
    CHECK(isnan(got[0]) && got[1] == -10 && isnan(got[2])); /* and not the one whose *unpacked* value is −999 */
}

TEST(values_outside_the_valid_range_are_missing) {
    uint8_t stored[4] = {1, 2, 9, 10};
    double got[4];
    struct e5_unpack how = make(E5_U8, E5_F64);
    how.packing.valid_min = 2;
    how.packing.valid_max = 9;
    e5_unpack(&how, stored, 4, got);
    CHECK(isnan(got[0]) && got[1] == 2 && got[2] == 9 && isnan(got[3]));
}

TEST(float32_without_packing_keeps_its_bits) {
    uint32_t stored[5] = {0x7FC01234, 0x80000000, 0x3F800001, 0x00000001, 0xFF800000}, got[5];
    struct e5_unpack how = make(E5_F32, E5_F32);
    e5_unpack(&how, stored, 5, got);
    CHECK(memcmp(stored, got, sizeof got) == 0);
    how.packing.fill = (double)NAN;
    e5_unpack(&how, stored, 5, got);
    CHECK(memcmp(stored, got, sizeof got) == 0);
}

TEST(minus_zero_stays_minus_zero) {
    float stored[2] = {-0.0f, 7};
    double got[2];
    struct e5_unpack how = make(E5_F32, E5_F64);
    how.packing.fill = 7;
    e5_unpack(&how, stored, 2, got);
    CHECK(got[0] == 0 && signbit(got[0]) && isnan(got[1]));
}

TEST(float32_fill_is_missing) {
    float stored[3] = {1.5f, 9.96921e36f, -2}, got[3];
    struct e5_unpack how = make(E5_F32, E5_F32);
    how.packing.fill = (double)9.96921e36f;
    e5_unpack(&how, stored, 3, got);
    CHECK(got[0] == 1.5f && isnan(got[1]) && got[2] == -2);
}

/* Each stored type, both byte orders, both float types: against one plain line of C per element. */
#define CHECK_TYPE(enumerator, type)                                                      \
    do {                                                                                  \
        type stored[N], turned[N];                                                        \
        double wide[N];                                                                   \
        float narrow[N];                                                                  \
        for (int i = 0; i < N; i++) {                                                     \
            stored[i] = (type)(i * 7 - 100);                                              \
            const unsigned char *from = (const unsigned char *)&stored[i];                \
            unsigned char *to = (unsigned char *)&turned[i];                              \
            for (size_t k = 0; k < sizeof(type); k++) to[k] = from[sizeof(type) - 1 - k]; \
        }                                                                                 \
        for (int swapped = 0; swapped < 2; swapped++) {                                   \
            struct e5_unpack how = make(enumerator, E5_F64);                              \
            how.swapped = swapped;                                                        \
            e5_unpack(&how, swapped ? turned : stored, N, wide);                          \
            how.as = E5_F32;                                                              \
            e5_unpack(&how, swapped ? turned : stored, N, narrow);                        \
            for (int i = 0; i < N; i++) {                                                 \
                CHECK(same(wide[i], (double)stored[i]));                                  \
                CHECK(same((double)narrow[i], (double)(float)stored[i]));                 \
            }                                                                             \
        }                                                                                 \
    } while (0)

TEST(every_type_and_byte_order) {
    CHECK_TYPE(E5_F32, float);
    CHECK_TYPE(E5_F64, double);
    CHECK_TYPE(E5_I8, int8_t);
    CHECK_TYPE(E5_U8, uint8_t);
    CHECK_TYPE(E5_I16, int16_t);
    CHECK_TYPE(E5_U16, uint16_t);
    CHECK_TYPE(E5_I32, int32_t);
    CHECK_TYPE(E5_U32, uint32_t);
    CHECK_TYPE(E5_I64, int64_t);
    CHECK_TYPE(E5_U64, uint64_t);
}

TEST(integers_stay_integers) {
    int64_t wide[2] = {INT64_MIN + 1, (INT64_C(1) << 53) + 1}, got[2];
    int16_t narrow[2] = {-32767, 12};
    struct e5_unpack how = make(E5_I64, E5_I64);
    how.packing.fill = -32767;
    e5_unpack(&how, wide, 2, got);
    CHECK(got[0] == wide[0] && got[1] == wide[1]);
    how.from = E5_I16;
    e5_unpack(&how, narrow, 2, got);
    CHECK(got[0] == -32767 && got[1] == 12);
}

TEST(unaligned_input) {
    char raw[1 + 3 * sizeof(double)];
    double values[3] = {1, -2, 3e300}, got[3];
    struct e5_unpack how = make(E5_F64, E5_F64);
    memcpy(raw + 1, values, sizeof values);
    e5_unpack(&how, raw + 1, 3, got);
    CHECK(memcmp(got, values, sizeof got) == 0);
}

TEST(unshuffle_restores_the_order) {
    for (size_t element = 1; element <= 8; element *= 2)
        for (size_t first = 0; first < 40; first += 13) {
            enum { COUNT = 75, EXTRA = 3 };
            uint8_t plain[COUNT * 8], planes[(COUNT + EXTRA) * 8], got[COUNT * 8];
            for (size_t i = 0; i < COUNT * element; i++) plain[i] = (uint8_t)(i * 31 + 7);
            for (size_t i = 0; i < COUNT; i++)
                for (size_t k = 0; k < element; k++) planes[k * (COUNT + EXTRA) + i] = plain[i * element + k];
            e5_unshuffle(planes, COUNT + EXTRA, element, first, COUNT - first, got);
            CHECK(memcmp(got, plain + first * element, (COUNT - first) * element) == 0);
        }
}

/* A piece that reaches over the edges of the slab on all sides. */
TEST(a_piece_lands_in_the_common_part) {
    int32_t stored[4 * 5 * 6];
    float out[3 * 3 * 3];
    for (int i = 0; i < 4 * 5 * 6; i++) stored[i] = i;
    for (int i = 0; i < 27; i++) out[i] = -1;
    struct e5_slab slab = {.ndim = 3, .box = {{1, 2, 3}, {3, 3, 3}}, .how = make(E5_I32, E5_F32), .out = (char *)out};
    struct e5_piece piece = {.box = {{0, 3, 4}, {4, 5, 6}}, .bytes = (const uint8_t *)stored};
    e5_slab_put(&slab, &piece);
    for (int t = 0; t < 3; t++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++) {
                int py = y + 2 - 3, px = x + 3 - 4, expected = ((t + 1) * 5 + py) * 6 + px;
                CHECK(out[(t * 3 + y) * 3 + x] == (float)(py < 0 || px < 0 ? -1 : expected));
            }
}

/* With nothing to convert, a shuffled piece goes to its place at once; else by way of e5_unpack(). */
TEST(a_shuffled_piece_lands_both_ways) {
    enum { ROWS = 5, COLUMNS = 37, ALL = ROWS * COLUMNS };
    float values[ALL], got[ALL];
    uint8_t planes[ALL * 4];
    for (int i = 0; i < ALL; i++) values[i] = i % 7 == 3 ? -999 : (float)i * 1.25F;
    for (int i = 0; i < ALL; i++)
        for (int k = 0; k < 4; k++) planes[k * ALL + i] = ((const uint8_t *)values)[i * 4 + k];
    struct e5_slab slab = {
        .ndim = 2, .box = {{0, 0}, {ROWS, COLUMNS}}, .how = make(E5_F32, E5_F32), .out = (char *)got};
    struct e5_piece piece = {.box = slab.box, .bytes = planes, .plane = ALL};
    CHECK(e5_unpack_keeps_bytes(&slab.how));
    e5_slab_put(&slab, &piece);
    CHECK(memcmp(got, values, sizeof got) == 0);
    slab.how.packing.fill = -999;
    CHECK(!e5_unpack_keeps_bytes(&slab.how));
    e5_slab_put(&slab, &piece);
    for (int i = 0; i < ALL; i++) CHECK(i % 7 == 3 ? isnan(got[i]) : got[i] == values[i]);
}

TEST(pieces_apart_leave_the_slab_alone) {
    float out[2] = {5, 6};
    uint8_t stored[4] = {0};
    struct e5_slab slab = {.ndim = 1, .box = {{0}, {2}}, .how = make(E5_F32, E5_F32), .out = (char *)out};
    struct e5_piece piece = {.box = {{2}, {1}}, .bytes = stored};
    e5_slab_put(&slab, &piece);
    CHECK(out[0] == 5 && out[1] == 6);
}

int main(void) {
    RUN(packed_int16_is_scaled_in_double_and_rounded_once);
    RUN(fill_is_tested_before_scaling);
    RUN(values_outside_the_valid_range_are_missing);
    RUN(float32_without_packing_keeps_its_bits);
    RUN(minus_zero_stays_minus_zero);
    RUN(float32_fill_is_missing);
    RUN(every_type_and_byte_order);
    RUN(integers_stay_integers);
    RUN(unaligned_input);
    RUN(unshuffle_restores_the_order);
    RUN(a_piece_lands_in_the_common_part);
    RUN(a_shuffled_piece_lands_both_ways);
    RUN(pieces_apart_leave_the_slab_alone);
    return check_summary();
}
