#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/isa.h"
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

/* A list of missing values, with the number types and ranges that each takes another path. */
TEST(further_values_are_missing) {
    int16_t packed[6] = {1, 3, 5, 7, 9, 2};
    float single[6] = {1, 3, 5, 7, 9, 2}, narrow[6];
    double wide[6], stored[6] = {1, 3, 5, 7, 9, 2};
    for (int range = 0; range < 2; range++) {
        struct e5_packing p = E5_PACKING_NONE;
        p.fill = 1, p.missing = 3, p.others = 2, p.other[0] = 5, p.other[1] = 7;
        if (range == 1) p.valid_max = 8;
        struct e5_unpack how = make(E5_I16, E5_F64);
        how.packing = p;
        how.packing.scale = 0.5;
        e5_unpack(&how, packed, 6, wide);
        CHECK(isnan(wide[0]) && isnan(wide[1]) && isnan(wide[2]) && isnan(wide[3]) && wide[5] == 1);
        CHECK(range == 1 ? isnan(wide[4]) : wide[4] == 4.5);
        how = make(E5_F32, E5_F32);
        how.packing = p;
        e5_unpack(&how, single, 6, narrow);
        CHECK(isnan(narrow[0]) && isnan(narrow[1]) && isnan(narrow[2]) && isnan(narrow[3]) && narrow[5] == 2);
        CHECK(!e5_unpack_keeps_bytes(&how));
        how = make(E5_F64, E5_F64);
        how.packing.others = 1, how.packing.other[0] = 9; /* and nothing else */
        CHECK(!e5_unpack_keeps_bytes(&how));
        e5_unpack(&how, stored, 6, wide);
        CHECK(wide[0] == 1 && wide[3] == 7 && isnan(wide[4]));
    }
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

/* Missing values and scale against one plain line of C an element, and the same bits from every variant. */
static void check_packing(enum e5_dtype as, bool swapped, struct e5_packing packing) {
    int16_t stored[N], turned[N];
    double wide[2][N];
    for (int i = 0; i < N; i++) {
        stored[i] = (int16_t)(i * 59 - 32767);
        turned[i] = (int16_t)((uint16_t)stored[i] << 8 | (uint16_t)stored[i] >> 8);
    }
    struct e5_unpack how = {E5_I16, as, swapped, packing};
    for (int variant = 0; variant < 2; variant++) {
        e5_isa_limit(variant == 0 ? E5_ISA_BASELINE : E5_ISA_AVX512);
        e5_unpack(&how, swapped ? turned : stored, N, wide[variant]);
    }
    CHECK(memcmp(wide[0], wide[1], N * e5_dtype_size(as)) == 0);
    for (int i = 0; i < N; i++) {
        double x = stored[i], expected = x * packing.scale + packing.offset;
        bool missing = x == packing.fill || x == packing.missing || x < packing.valid_min || x > packing.valid_max;
        double got = as == E5_F64 ? wide[0][i] : (double)((float *)(void *)wide[0])[i];
        CHECK(same(got, missing ? NAN : as == E5_F64 ? expected : (double)(float)expected));
    }
}

TEST(every_packing_in_every_variant) {
    double none = NAN, inf = INFINITY;
    const struct e5_packing packings[] = {
        {0.002, 270, none, none, -inf, inf}, {0.002, 270, -32767, none, -inf, inf},
        {0.002, 270, none, 55, -inf, inf},   {0.002, 270, -32767, -32767, -inf, inf},
        {0.002, 270, -32767, 55, -inf, inf}, {1, 0, -32767, none, -inf, inf},
        {1, 0, none, none, -500, inf},       {-3, 1e300, 55, none, -500, 600},
    };
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            check_packing(E5_F32, swapped, packings[i]);
            check_packing(E5_F64, swapped, packings[i]);
        }
}

/* A mark that no float32 equals hides nothing; one that is a float32 does. */
TEST(float32_marks) {
    float stored[4] = {0.1F, 9.96921e36F, NAN, -0.0F}, got[4];
    const double marks[] = {0.1, (double)0.1F, (double)9.96921e36F, 9.96921e36, 0, 1e300};
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        struct e5_unpack how = make(E5_F32, E5_F32);
        how.packing.fill = marks[m];
        e5_unpack(&how, stored, 4, got);
        for (int i = 0; i < 4; i++)
            CHECK(same((double)got[i], (double)stored[i] == marks[m] ? NAN : (double)stored[i]));
    }
}

TEST(any_type_as_stored) {
    uint16_t stored[3] = {0x0102, 0xFFFE, 7}, got[3];
    struct e5_unpack how = make(E5_U16, E5_U16);
    CHECK(e5_unpack_keeps_bytes(&how));
    how.swapped = true;
    CHECK(!e5_unpack_keeps_bytes(&how));
    e5_unpack(&how, stored, 3, got);
    CHECK(got[0] == 0x0201 && got[1] == 0xFEFF && got[2] == 0x0700);
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

int main(void) {
    RUN(packed_int16_is_scaled_in_double_and_rounded_once);
    RUN(fill_is_tested_before_scaling);
    RUN(further_values_are_missing);
    RUN(values_outside_the_valid_range_are_missing);
    RUN(float32_without_packing_keeps_its_bits);
    RUN(minus_zero_stays_minus_zero);
    RUN(float32_fill_is_missing);
    RUN(every_type_and_byte_order);
    RUN(every_packing_in_every_variant);
    RUN(float32_marks);
    RUN(any_type_as_stored);
    RUN(integers_stay_integers);
    RUN(unaligned_input);
    return check_summary();
}
