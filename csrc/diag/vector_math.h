/* vector_math: elementary functions of doubles as straight lines of arithmetic, for loops that are vectorised.
 *
 * No branch, no table, no call: a compiler turns a loop around them into vector instructions of any set, and every
 * set gives the same bits, as nothing is contracted or reordered (base/simd.h).  Errors in units in the last place,
 * seen against long double: e5_exp, e5_exp10, e5_log, e5_sin, e5_cos < 1; e5_atan < 1.1; e5_pow < 1.5 for exponents
 * up to 20, and 20 for exponents of 1000; e5_asin, e5_acos, e5_atan2 < 2.5. NaN in gives NaN out.  Pure functions:
 * any thread, no errno, nothing blocks; floating-point flags are left in any state.  The coefficients interpolate the
 * functions at Chebyshev nodes, with an error below 2^-56 of the result. */
#ifndef E5_DIAG_VECTOR_MATH_H
#define E5_DIAG_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

/* --- bits --- */

E5_SIMD_BODY uint64_t e5_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

E5_SIMD_BODY double e5_of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Its first 26 significant bits: products of two such are exact. */
E5_SIMD_BODY double e5_upper_half(double x) { return e5_of_bits(e5_bits(x) & ~(uint64_t)0x7ffffff); }

/* `yes ? a : b` where both have been computed already.  For use where a compiler makes two ways through the loop out
 * of the usual form, which keeps it from being vectorised. */
E5_SIMD_BODY double e5_choose(int yes, double a, double b) {
    uint64_t mask = -(uint64_t)yes;
    return e5_of_bits((mask & e5_bits(a)) | (~mask & e5_bits(b)));
}

#define E5_ROUND                                                                                         \
    0x1.8p52 /* x + this − this: x rounded to an integer, which then stands in the low bits of the sum \
              */
#define E5_LN2_UPPER 0x1.62e42fee00000p-1 /* 32 bits: a multiple below 2^20 is exact */
#define E5_LN2_LOWER 0x1.a39ef35793c76p-33

/* --- exponential --- */

/* x · 2^k for integers k as they stand in the low bits of k + E5_ROUND; in two steps, for subnormal results. */
E5_SIMD_BODY double e5_scale(double x, uint64_t rounded) {
    uint64_t k = rounded - 0x4338000000000000 + 2048, half = k >> 1;
    return x * e5_of_bits((half - 1) << 52) * e5_of_bits((k - half - 1) << 52);
}

/* e^(x + tail), where tail is a correction of the size of x's last bits. */
E5_SIMD_BODY double e5_exp_of_sum(double x, double tail) {
    x = x > 710 ? 710 : x; /* beyond: infinite or 0 anyway */
    x = x < -746 ? -746 : x;
    double sum = x * 0x1.71547652b82fep+0 + E5_ROUND, k = sum - E5_ROUND;
    double upper = x - k * E5_LN2_UPPER, lower = k * E5_LN2_LOWER - tail, r = upper - lower;
    double q = 0x1.1f72f3ffcea18p-29;
    q = q * r + 0x1.af4e554377204p-26;
    q = q * r + 0x1.27e4db79ae428p-22;
    q = q * r + 0x1.71de01fdbf9cap-19;
    q = q * r + 0x1.a01a01a6c9648p-16;
    q = q * r + 0x1.a01a01abf85abp-13;
    q = q * r + 0x1.6c16c16c16315p-10;
    q = q * r + 0x1.11111111100bep-7;
    q = q * r + 0x1.5555555555556p-5;
    q = q * r + 0x1.5555555555557p-3;
    q = q * r + 0x1p-1;
    return e5_scale(1 + (upper - (lower - r * r * q)), e5_bits(sum));
}

E5_SIMD_BODY double e5_exp(double x) { return e5_exp_of_sum(x, 0); }

/* --- logarithm and power --- */

/* x = mantissa · 2^*k with a mantissa between √½ and √2, for positive finite x. */
E5_SIMD_BODY double e5_mantissa(double x, double *k) {
    const uint64_t least = 0x3fe6a09e00000000, bias = (uint64_t)1023 << 52;
    double small = x < 0x1p-1022 ? 54 : 0; /* subnormal */
    uint64_t bits = e5_bits(small > 0 ? x * 0x1p54 : x), exponent = (bits - least + bias) >> 52;
    *k = e5_of_bits(exponent | 0x4330000000000000) - (0x1p52 + 1023) - small;
    return e5_of_bits(bits - ((exponent << 52) - bias));
}

/* (ln((1 + s) / (1 − s)) − 2s) / s³ of s² ≤ 0.0295. */
E5_SIMD_BODY double e5_log_series(double square) {
    double p = 0x1.2b6688a387e03p-3;
    p = p * square + 0x1.39fd392179a95p-3;
    p = p * square + 0x1.7462bd8f7796ep-3;
    p = p * square + 0x1.c71c62c639fdep-3;
    p = p * square + 0x1.2492492e09d4dp-2;
    p = p * square + 0x1.9999999995204p-2;
    return p * square + 0x1.5555555555558p-1;
}

E5_SIMD_BODY double e5_log(double x) {
    double k, f = e5_mantissa(x, &k) - 1, s = f / (2 + f), half = 0.5 * f * f;
    double series = s * (half + s * s * e5_log_series(s * s)); /* ln(1 + f) = f − f²/2 + this */
    double result = k * E5_LN2_UPPER - ((half - (series + k * E5_LN2_LOWER)) - f);
    result = e5_choose(x > 0, result, x == 0 ? -(double)INFINITY : (double)NAN);
    return e5_choose(x > 0x1.fffffffffffffp1023, (double)INFINITY, result);
}

/* ln x with twice the bits, as the sum of the result and *lower. */
E5_SIMD_BODY double e5_log_as_sum(double x, double *lower) {
    double k, m = e5_mantissa(x, &k), f = m - 1, d = m + 1, d_rest = m - (d - 1), s = f / d;
    double s1 = e5_upper_half(s), d1 = e5_upper_half(d);
    double s2 = ((f - s1 * d1) - s1 * ((d - d1) + d_rest)) / d;
    double square = s * s, whole = k * E5_LN2_UPPER, sum = whole + 2 * s1;
    double rest = 2 * s1 - (sum - whole);
    rest += 2 * s2 + (s * square * e5_log_series(square) + k * E5_LN2_LOWER);
    double upper = sum + rest;
    *lower = rest - (upper - sum);
    return upper;
}

/* x^y for x ≥ 0 and finite y > 0; NaN for negative x. */
E5_SIMD_BODY double e5_pow(double x, double y) {
    double log2, log1 = e5_log_as_sum(x, &log2), upper = e5_upper_half(log1), y1 = e5_upper_half(y);
    double product = y1 * upper, rest = y * ((log1 - upper) + log2) + (y - y1) * upper, sum = product + rest;
    double result = e5_exp_of_sum(sum, rest - (sum - product));
    result = e5_choose(x > 0, result, x == 0 ? 0 : (double)NAN);
    return e5_choose(x > 0x1.fffffffffffffp1023, (double)INFINITY, result);
}

/* 10^x */
E5_SIMD_BODY double e5_exp10(double x) {
    const double upper = 0x1.26bb1b8000000p+1, lower = 0x1.daaa8ac16ea57p-26; /* ln 10 */
    double x1 = e5_upper_half(x), product = x1 * upper, rest = (x - x1) * upper + x * lower, sum = product + rest;
    return e5_exp_of_sum(sum, rest - (sum - product));
}

/* --- circular functions --- */

#define E5_HALF_PI 0x1.921fb54442d18p+0
#define E5_HALF_PI_REST 0x1.1a62633145c07p-54

/* Arc tangent of top / bottom, which must not be negative, nor 0 or infinite both; in 0 … π/2. */
E5_SIMD_BODY double e5_atan_of_ratio(double top, double bottom) {
    double steep = top > 2.414213562373095 * bottom ? 1 : 0, middle = top > 0.41421356237309503 * bottom ? 1 : 0;
    double n = steep > 0 ? -bottom : middle > 0 ? top - bottom : top;
    double d = steep > 0 ? top : middle > 0 ? top + bottom : bottom;
    double eighths = steep + middle, t = n / d, square = t * t; /* the angle is eighths · π/4 + arctan t */
    double p = -0x1.39f38ad451ea6p-6;
    p = p * square + 0x1.41495cefb6c73p-5;
    p = p * square - 0x1.a090d1950d2b4p-5;
    p = p * square + 0x1.dfe49b2919c4ep-5;
    p = p * square - 0x1.10fa5ee9ab25cp-4;
    p = p * square + 0x1.3b126143b5cbcp-4;
    p = p * square - 0x1.745d0b153ffadp-4;
    p = p * square + 0x1.c71c7184c32bfp-4;
    p = p * square - 0x1.24924924355d5p-3;
    p = p * square + 0x1.999999999933dp-3;
    p = p * square - 0x1.5555555555555p-2;
    return eighths * (E5_HALF_PI / 2) + (t + (t * square * p + eighths * (E5_HALF_PI_REST / 2)));
}

E5_SIMD_BODY double e5_atan(double x) { return copysign(e5_atan_of_ratio(fabs(x), 1), x); }
E5_SIMD_BODY double e5_asin(double x) {
    return copysign(e5_atan_of_ratio(fabs(x), sqrt((1 - x) * (1 + x))), x); /* NaN outside −1 … 1 */
}

/* Angle of the point (x, y) from the x axis, in −π … π; 0 at the origin, NaN when both are infinite. */
E5_SIMD_BODY double e5_atan2(double y, double x) {
    double angle = e5_atan_of_ratio(fabs(y), fabs(x));
    angle = x < 0 ? 2 * E5_HALF_PI - (angle - 2 * E5_HALF_PI_REST) : angle;
    angle = x == 0 ? E5_HALF_PI : angle;
    angle = y == 0 ? (x < 0 ? 2 * E5_HALF_PI : 0) : angle;
    angle = x == x && y == y ? angle : (double)NAN;
    return copysign(angle, y);
}

E5_SIMD_BODY double e5_acos(double x) { return e5_atan2(sqrt((1 - x) * (1 + x)), x); }

/* x less the nearest multiple of π/2, for |x| < 10^5; *quarter counts these in its two lowest bits. */
E5_SIMD_BODY double e5_reduce(double x, uint64_t *quarter, double *rest) {
    double sum = x * 0x1.45f306dc9c883p-1 + E5_ROUND, k = sum - E5_ROUND;
    *quarter = e5_bits(sum);
    double near = x - k * 0x1.921fb54400000p+0, more = k * 0x1.0b4611a600000p-34;
    double r = near - more, lost = (near - r) - more;
    double last = k * 0x1.3198a2e037073p-69 - lost, result = r - last;
    *rest = (r - result) - last;
    return result;
}

E5_SIMD_BODY double e5_sine_near_zero(double x, double rest) {
    double square = x * x, p = 0x1.5e0a4fc16be59p-33;
    p = p * square - 0x1.ae6008d114485p-26;
    p = p * square + 0x1.71de37946ed6dp-19;
    p = p * square - 0x1.a01a019e820aep-13;
    p = p * square + 0x1.1111111110babp-7;
    p = p * square - 0x1.5555555555555p-3;
    return x + (x * square * p + rest * (1 - 0.5 * square));
}

E5_SIMD_BODY double e5_cosine_near_zero(double x, double rest) {
    double square = x * x, p = -0x1.907cd8ff5ede7p-37;
    p = p * square + 0x1.1eeb67d026ec6p-29;
    p = p * square - 0x1.27e4fa16cc2d1p-22;
    p = p * square + 0x1.a01a019f4ddfdp-16;
    p = p * square - 0x1.6c16c16c16963p-10;
    p = p * square + 0x1.5555555555555p-5;
    double half = 0.5 * square, upper = 1 - half;
    return upper + (((1 - upper) - half) + (square * square * p - x * rest));
}

/* Sine of x + quarters · π/2; |x| < 10^5 */
E5_SIMD_BODY double e5_sine_from(double x, uint64_t quarters) {
    uint64_t quarter;
    double rest, r = e5_reduce(x, &quarter, &rest);
    quarter += quarters;
    double odd = e5_of_bits((quarter & 1) << 62), sine = e5_sine_near_zero(r, rest);
    double value = odd > 0 ? e5_cosine_near_zero(r, rest) : sine;
    return e5_of_bits(e5_bits(value) ^ ((quarter & 2) << 62));
}

E5_SIMD_BODY double e5_sin(double x) { return e5_sine_from(x, 0); }
E5_SIMD_BODY double e5_cos(double x) { return e5_sine_from(x, 1); }

#endif
