/* The part of doy.h that looks at values: every step is a loop over the lanes of a tile. */
#include <math.h>
#include <string.h>

#include "diag/doy.h"
#include "diag/tile_lists.h"

#define AHEAD 2 /* days of the year to look ahead */
#define LINE 64 /* bytes */

/* --- from pools to results --- */

static void smooth(const double *slots, size_t n, size_t width, double *out) {
    for (size_t i = 0; i < n; i++) {
        double sum[E5_LANES] = {0};
        for (size_t k = 0; k < width; k++) {
            const double *slot = slots + (i + n + k - width / 2) % n * E5_LANES;
            E5_EACH_LANE(c) sum[c] += slot[c];
        }
        E5_EACH_LANE(c) out[i * E5_LANES + c] = sum[c] / (double)width;
    }
}

/* `slots` has room for one slot more, and is overwritten. */
static void finish(const struct e5_doy *doy, double *slots, double *out) {
    for (size_t i = 0; i < doy->results; i++) {
        struct e5_doy_place place = e5_doy_place(doy, i);
        const double *left = slots + place.left * E5_LANES, *right = slots + place.right * E5_LANES;
        E5_EACH_LANE(c) out[i * E5_LANES + c] = e5_doy_along(left[c], right[c], place.fraction);
    }
    if (doy->options.smoothing <= 1) return;
    memcpy(slots, out, doy->results * E5_LANES * sizeof *out);
    smooth(slots, doy->results, (size_t)doy->options.smoothing, out);
}

/* --- values --- */

#define VARIANTS(...) E5_SIMD_VARIANTS(__VA_ARGS__) /* its arguments are expanded first */

#define VALUE float
#define OF(name) name##_f32
#define BODY(name) name##_f32_body
#include "diag/doy_tile.def"
#undef VALUE
#undef OF
#undef BODY

#define VALUE double
#define OF(name) name##_f64
#define BODY(name) name##_f64_body
#include "diag/doy_tile.def"
#undef VALUE
#undef OF
#undef BODY
