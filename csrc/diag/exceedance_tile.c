/* The part of exceedance.h that looks at values: every step is a loop over the lanes of a tile. */
#include <math.h>
#include <string.h>

#include "diag/exceedance.h"

#define NO_SLOT SIZE_MAX
#define SLOTS_KEPT 3 /* at a time: a result may lie between one slot and the next but one */

/* Rows of a list of one year's days; it is merged with those of the pool, too. */
static size_t block_rows_of(const struct e5_exceedance *exceedance) {
    size_t rows = e5_list_rows(exceedance->longest_block), depth = exceedance->doy->depth;
    return rows > depth ? rows : depth;
}

size_t e5_exceedance_scratch(const struct e5_exceedance *exceedance) {
    size_t percentiles = e5_doy_scratch(exceedance->doy), depth = exceedance->doy->depth, years = exceedance->years;
    size_t blocks = years * exceedance->most_patterns;
    size_t slot =
        (years * depth + blocks * block_rows_of(exceedance)) * sizeof(double) + (years + blocks) * sizeof(int32_t);
    size_t bootstrap = E5_LANES * ((years + 3) * depth * sizeof(double) + SLOTS_KEPT * slot);
    size_t thresholds = exceedance->doy->results * E5_LANES * sizeof(double);
    return thresholds + (percentiles > bootstrap ? percentiles : bootstrap);
}

#define VARIANTS(...) E5_SIMD_VARIANTS(__VA_ARGS__) /* its arguments are expanded first */

#define VALUE float
#define OF(name) name##_f32
#define BODY(name) name##_f32_body
#include "diag/exceedance_tile.def"
#undef VALUE
#undef OF
#undef BODY

#define VALUE double
#define OF(name) name##_f64
#define BODY(name) name##_f64_body
#include "diag/exceedance_tile.def"
#undef VALUE
#undef OF
#undef BODY
