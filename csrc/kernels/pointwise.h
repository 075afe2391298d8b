/* pointwise: loops of a value from values, made of its formula.
 *
 * A file writes the formula of one value as an E5_SIMD_BODY function of doubles and turns it into operations:
 *
 *     E5_SIMD_BODY double humidex(double temperature, double dewpoint) { … }
 *     E5_POINTWISE(humidex, 2)
 *     const struct e5_pointwise_ops e5_humidex_ops[] = {E5_POINTWISE_OPS(humidex)};
 *
 * Values of float are computed in double and rounded once.  A row whose first parameter is a choice gives one pair of
 * loops per choice, in their order.  Outputs may be one of the inputs. */
#ifndef E5_KERNELS_POINTWISE_H
#define E5_KERNELS_POINTWISE_H

#include "base/simd.h"
#include "kernels/kernel.h"

#if defined(__clang__)
#define E5_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define E5_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define E5_INPUTS_1(in, i) (double)(in)[0][i]
#define E5_INPUTS_2(in, i) E5_INPUTS_1(in, i), (double)(in)[1][i]
#define E5_INPUTS_3(in, i) E5_INPUTS_2(in, i), (double)(in)[2][i]
#define E5_INPUTS_4(in, i) E5_INPUTS_3(in, i), (double)(in)[3][i]
#define E5_INPUTS_5(in, i) E5_INPUTS_4(in, i), (double)(in)[4][i]
#define E5_INPUTS_6(in, i) E5_INPUTS_5(in, i), (double)(in)[5][i]

#define E5_POINTWISE_LOOP(loop, type, value)                                    \
    E5_SIMD_BODY void loop##_body(const type *const *in, type *out, size_t n) { \
        E5_INDEPENDENT for (size_t i = 0; i < n; i++) out[i] = (type)(value);   \
    }                                                                           \
    E5_SIMD_VARIANTS(loop, (const type *const *in, type *out, size_t n), (in, out, n))

#define E5_POINTWISE(formula, inputs)                                           \
    E5_POINTWISE_LOOP(formula##_f32, float, formula(E5_INPUTS_##inputs(in, i))) \
    E5_POINTWISE_LOOP(formula##_f64, double, formula(E5_INPUTS_##inputs(in, i)))

#define E5_POINTWISE_OPS(formula) {formula##_f32, formula##_f64}

#endif
