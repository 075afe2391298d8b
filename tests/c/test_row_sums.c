#include "base/isa.h"
#include "check.h"
#include "diag/row_sums.h"
#include "samples.h"

enum { ROWS = 3, COLUMNS = 4100, N = ROWS * COLUMNS };

TEST(missing_values_are_left_out_with_any_instructions) {
    static float single[N];
    static double sum[2][ROWS], count[ROWS];
    for (int i = 0; i < N; i++) single[i] = i % 5 == 0 ? -9999 : i % 7 == 0 ? NAN : (float)i / 3;
    struct e5_view view = view_of_rows(single, E5_F32, ROWS, COLUMNS);
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        double *to = sum[isa > E5_ISA_BASELINE];
        CHECK_OK(e5_row_sums(&view, -9999, to, count, NULL, NULL, err));
        CHECK(memcmp(to, sum[0], sizeof sum[0]) == 0);
    }
    for (int row = 0; row < ROWS; row++) {
        double expected = 0, there = 0;
        for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++)
            if (i % 5 != 0 && i % 7 != 0) expected += single[i], there += 1;
        CHECK(count[row] == there);
        CHECK(fabs(sum[0][row] - expected) <= 1e-9 * expected);
    }
}

TEST(any_type_and_stride) {
    static int16_t from[N];
    static double sum[ROWS], count[ROWS];
    for (int i = 0; i < N; i++) from[i] = (int16_t)(i % 100);
    struct e5_view view = view_of_rows(&from[N - 1], E5_I16, ROWS, COLUMNS); /* backwards through both dimensions */
    view.strides[0] *= -1;
    view.strides[1] *= -1;
    CHECK_OK(e5_row_sums(&view, 99, sum, count, NULL, NULL, err));
    for (int row = 0; row < ROWS; row++) CHECK(sum[row] == COLUMNS / 100 * 4851 && count[row] == COLUMNS * 0.99);
}

TEST(nothing_sums_to_nothing) {
    double sum[ROWS], count[ROWS];
    struct e5_view view = view_of_rows(NULL, E5_F64, ROWS, COLUMNS);
    view.shape[1] = 0;
    CHECK_OK(e5_row_sums(&view, (double)NAN, sum, count, NULL, NULL, err));
    for (int row = 0; row < ROWS; row++) CHECK(sum[row] == 0 && count[row] == 0);
}

int main(void) {
    RUN(missing_values_are_left_out_with_any_instructions);
    RUN(any_type_and_stride);
    RUN(nothing_sums_to_nothing);
    return check_summary();
}
