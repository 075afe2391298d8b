#include "base/isa.h"
#include "check.h"
#include "diag/linear.h"
#include "samples.h"

enum { ROWS = 3, COLUMNS = 700, N = ROWS * COLUMNS };

static void convert(const struct e5_view *view, double nodata, void *out, enum e5_dtype dtype) {
    struct e5_linear map = {1.8, 32, nodata};
    CHECK_OK(e5_linear(view, &map, out, dtype, NULL, NULL, err));
}

TEST(values_are_mapped_and_nodata_stays) {
    static float from[N], to[N];
    for (int i = 0; i < N; i++) from[i] = i % 5 == 0 ? -9999 : (float)i / 7;
    struct e5_view view = view_of_rows(from, E5_F32, ROWS, COLUMNS);
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        memset(to, 0, sizeof to);
        convert(&view, -9999, to, E5_F32);
        for (int i = 0; i < N; i++) CHECK(to[i] == (i % 5 == 0 ? -9999 : (float)((double)from[i] * 1.8 + 32)));
    }
    convert(&view, (double)NAN, to, E5_F32);
    CHECK(to[0] == (float)(-9999 * 1.8 + 32));
}

TEST(any_type_and_stride) {
    static int16_t from[N];
    static double to[N];
    for (int i = 0; i < N; i++) from[i] = (int16_t)(i * 37);
    struct e5_view view = view_of_rows(from, E5_I16, ROWS, COLUMNS);
    view.data = &from[N - 1]; /* backwards through both dimensions */
    view.strides[0] *= -1;
    view.strides[1] *= -1;
    convert(&view, (double)NAN, to, E5_F64);
    for (int i = 0; i < N; i++) CHECK(to[i] == from[N - 1 - i] * 1.8 + 32);
}

TEST(nothing_is_no_work) {
    struct e5_view view = view_of_rows(NULL, E5_F64, ROWS, COLUMNS);
    view.shape[1] = 0;
    convert(&view, 0, NULL, E5_F64);
}

int main(void) {
    RUN(values_are_mapped_and_nodata_stays);
    RUN(any_type_and_stride);
    RUN(nothing_is_no_work);
    return check_summary();
}
