/* samples: what tests of numbers make up: values, and fields of rows of them. */
#ifndef E5_TESTS_SAMPLES_H
#define E5_TESTS_SAMPLES_H

#include "model/view.h"

static unsigned long long random_state = 42; /* not 0 */

/* 0 to 1, the same numbers in every run: xorshift64. */
static inline double uniform(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

/* Rows one behind the other. */
static inline struct e5_view view_of_rows(const void *data, enum e5_dtype dtype, size_t rows, size_t columns) {
    ptrdiff_t size = (ptrdiff_t)e5_dtype_size(dtype);
    return (struct e5_view){.data = data,
                            .dtype = dtype,
                            .ndim = 2,
                            .shape = {rows, columns},
                            .strides = {(ptrdiff_t)columns * size, size},
                            .packing = E5_PACKING_NONE};
}

#endif
