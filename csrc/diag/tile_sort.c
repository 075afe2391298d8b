#include "diag/tile_sort.h"

#include <math.h>

#define VALUE double
#define OF(name) name##_f64
#include "diag/tile_lists.def"
#undef VALUE
#undef OF

E5_SIMD_BODY void sort_body(double *list, size_t n, size_t rows) {
    pad_f64(list, n, rows);
    sort_f64(list, rows);
}
E5_SIMD_VARIANTS(sort, (double *list, size_t n, size_t rows), (list, n, rows))

void e5_tile_sort(double *list, size_t n) { sort(list, n, e5_list_rows(n)); }

struct sums {
    double count[E5_LANES], b0[E5_LANES], b1[E5_LANES], b2[E5_LANES];
};

/* From the smallest value on, whose rank is 0. */
E5_SIMD_BODY void add_body(const double *list, size_t n, struct sums *out) {
    struct sums s = {0};
    for (size_t i = n; i-- > 0;)
        for (size_t c = 0; c < E5_LANES; c++) {
            double value = list[i * E5_LANES + c], rank = s.count[c];
            double there = value > -INFINITY ? 1.0 : 0.0, x = value > -INFINITY ? value : 0.0;
            s.b0[c] += x;
            s.b1[c] += rank * x;
            s.b2[c] += rank * (rank - 1) * x;
            s.count[c] += there;
        }
    *out = s;
}
E5_SIMD_VARIANTS(add, (const double *list, size_t n, struct sums *out), (list, n, out))

void e5_tile_l_moments(const double *list, size_t n, double out[3][E5_LANES], double count[E5_LANES]) {
    struct sums s;
    add(list, n, &s);
    for (size_t c = 0; c < E5_LANES; c++) {
        double m = s.count[c], b0 = s.b0[c] / m, b1 = s.b1[c] / (m * (m - 1)), b2 = s.b2[c] / (m * (m - 1) * (m - 2));
        count[c] = m;
        out[0][c] = b0;
        out[1][c] = 2 * b1 - b0;
        out[2][c] = (6 * b2 - 6 * b1 + b0) / out[1][c];
    }
}
