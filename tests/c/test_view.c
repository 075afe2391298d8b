#include "check.h"
#include "model/view.h"

static const double numbers[] = {0, 1, -1, 100, -128, 127, 3, 7};
#define COUNT (sizeof numbers / sizeof *numbers)

/* Store a number as any dtype, in native or swapped order. */
static void put(char *to, enum e5_dtype dtype, bool swapped, double number) {
    union {
        float f32;
        double f64;
        int64_t integer;
        char bytes[8];
    } raw = {.integer = 0};
    size_t size = e5_dtype_size(dtype);
    if (dtype == E5_F32)
        raw.f32 = (float)number;
    else if (dtype == E5_F64)
        raw.f64 = number;
    else
        raw.integer = (int64_t)number; /* little endian: the low bytes are the narrower integer */
    for (size_t i = 0; i < size; i++) to[i] = raw.bytes[swapped ? size - 1 - i : i];
}

static bool is_unsigned(enum e5_dtype dtype) {
    return dtype == E5_U8 || dtype == E5_U16 || dtype == E5_U32 || dtype == E5_U64;
}

static void decodes(enum e5_dtype dtype, bool swapped, ptrdiff_t stride) {
    char memory[COUNT * 24 + 1];
    double out[COUNT];
    struct e5_view view = {.dtype = dtype, .swapped = swapped, .packing = E5_PACKING_NONE};
    char *first = stride < 0 ? memory + 1 + (ptrdiff_t)(COUNT - 1) * -stride : memory + 1; /* + 1: misaligned */
    for (size_t i = 0; i < COUNT; i++)
        put(first + (ptrdiff_t)i * stride, dtype, swapped, is_unsigned(dtype) ? fabs(numbers[i]) : numbers[i]);
    e5_view_decode(&view, first, stride, COUNT, out);
    for (size_t i = 0; i < COUNT; i++) CHECK(out[i] == (is_unsigned(dtype) ? fabs(numbers[i]) : numbers[i]));
}

TEST(every_dtype_in_both_orders_at_any_stride) {
    for (enum e5_dtype dtype = 0; dtype < E5_DTYPE_COUNT; dtype++)
        for (int swapped = 0; swapped < 2; swapped++) {
            decodes(dtype, swapped, (ptrdiff_t)e5_dtype_size(dtype));
            decodes(dtype, swapped, 24);
            decodes(dtype, swapped, 11);
            decodes(dtype, swapped, -8);
        }
}

TEST(sizes_and_names) {
    static const struct {
        const char *name;
        size_t size;
    } expected[E5_DTYPE_COUNT] = {{"float32", 4}, {"float64", 8}, {"int8", 1},   {"uint8", 1}, {"int16", 2},
                                  {"uint16", 2},  {"int32", 4},   {"uint32", 4}, {"int64", 8}, {"uint64", 8}};
    for (enum e5_dtype dtype = 0; dtype < E5_DTYPE_COUNT; dtype++) {
        CHECK(strcmp(e5_dtype_name(dtype), expected[dtype].name) == 0);
        CHECK(e5_dtype_size(dtype) == expected[dtype].size);
    }
}

TEST(extremes_of_integers) {
    uint64_t largest = UINT64_MAX;
    int64_t smallest = INT64_MIN;
    uint32_t u32 = UINT32_MAX;
    double out;
    struct e5_view view = {.dtype = E5_U64, .packing = E5_PACKING_NONE};
    e5_view_decode(&view, (const char *)&largest, 8, 1, &out);
    CHECK(out == 0x1p64);
    view.dtype = E5_I64;
    e5_view_decode(&view, (const char *)&smallest, 8, 1, &out);
    CHECK(out == -0x1p63);
    view.dtype = E5_U32;
    e5_view_decode(&view, (const char *)&u32, 4, 1, &out);
    CHECK(out == 4294967295.);
}

TEST(packed_values_unpack_and_fill_is_missing) {
    static const int16_t stored[] = {-32767, 0, 100, -100, 32767, -32768, 9, 5000};
    double out[8];
    struct e5_view view = {.dtype = E5_I16, .packing = E5_PACKING_NONE};
    view.packing.scale = 0.25;
    view.packing.offset = 280;
    view.packing.fill = -32767;
    view.packing.missing = 9;
    view.packing.valid_max = 4999;
    e5_view_decode(&view, (const char *)stored, 2, 8, out);
    CHECK(isnan(out[0]) && out[1] == 280 && out[2] == 305 && out[3] == 255);
    CHECK(isnan(out[4])); /* above the range */
    CHECK(out[5] == 280 - 8192 && isnan(out[6]) && isnan(out[7]));
    view.packing.valid_min = -50;
    e5_view_decode(&view, (const char *)stored, 2, 8, out);
    CHECK(isnan(out[3]) && isnan(out[5]) && out[1] == 280);
}

TEST(each_part_of_the_packing_works_alone) {
    static const float stored[] = {1e20f, 1, NAN, 3};
    double out[4];
    struct e5_view view = {.dtype = E5_F32, .packing = E5_PACKING_NONE};
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(out[0] == (double)1e20f && isnan(out[2]));
    view.packing.fill = (double)1e20f;
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(isnan(out[0]) && out[1] == 1 && isnan(out[2]) && out[3] == 3);
    view.packing = E5_PACKING_NONE;
    view.packing.scale = 2;
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(out[1] == 2 && isnan(out[2]));
    view.packing = E5_PACKING_NONE;
    view.packing.offset = -273.15;
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(out[3] == 3 - 273.15);
    view.packing = E5_PACKING_NONE;
    view.packing.valid_min = 2;
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(isnan(out[1]) && out[3] == 3);
    view.packing = E5_PACKING_NONE;
    view.packing.others = 1;
    view.packing.other[0] = 3;
    e5_view_decode(&view, (const char *)stored, 4, 4, out);
    CHECK(out[1] == 1 && isnan(out[3]));
}

TEST(long_rows_cross_blocks) {
    enum { LONG = 5000 };
    static int32_t stored[LONG];
    static double out[LONG];
    struct e5_view view = {.dtype = E5_I32, .packing = E5_PACKING_NONE};
    view.packing.scale = 0.5;
    view.packing.fill = 4097;
    for (int i = 0; i < LONG; i++) stored[i] = i;
    e5_view_decode(&view, (const char *)stored, 4, LONG, out);
    for (int i = 0; i < LONG; i++) CHECK(i == 4097 ? isnan(out[i]) : out[i] == i * 0.5);
    e5_view_decode(&view, (const char *)(stored + LONG - 1), -4, LONG, out);
    CHECK(out[0] == (LONG - 1) * 0.5 && out[LONG - 1] == 0 && isnan(out[LONG - 1 - 4097]));
    e5_view_decode(&view, (const char *)(stored + 8), 0, 3, out);
    CHECK(out[0] == 4 && out[2] == 4);
    e5_view_decode(&view, NULL, 4, 0, out);
}

int main(void) {
    RUN(every_dtype_in_both_orders_at_any_stride);
    RUN(sizes_and_names);
    RUN(extremes_of_integers);
    RUN(packed_values_unpack_and_fill_is_missing);
    RUN(each_part_of_the_packing_works_alone);
    RUN(long_rows_cross_blocks);
    return check_summary();
}
