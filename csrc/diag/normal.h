/* normal: the standard normal distribution.
 *
 * The quantile is a straight line of arithmetic, for loops that are vectorised: Wichura's PPND16 (algorithm AS 241,
 * 1988, Appl. Stat. 37, 477), of relative error 1e-15.  Pure functions: any thread; nothing blocks. */
#ifndef E5_DIAG_NORMAL_H
#define E5_DIAG_NORMAL_H

#include "diag/vector_math.h"

static inline double e5_normal_below(double z) { return 0.5 * erfc(-z / M_SQRT2); }

/* Coefficients of the two polynomials whose ratio approximates, in the middle, near the tails and far out. */
struct e5_normal_part {
    double above[8], below[8];
};

/* a[0] + a[1] x + … + a[7] x⁷ */
E5_SIMD_BODY double e5_normal_series(const double a[8], double x) {
    double sum = a[7];
    for (int i = 6; i >= 0; i--) sum = sum * x + a[i];
    return sum;
}

/* z with a probability of p below it; −∞ and ∞ for 0 and 1, NaN outside.  All three parts are computed and one is
 * taken: there is nothing to branch on.  Without `far`, which a compiler must know, p is in E5_NORMAL_FAR … 1 −
 * E5_NORMAL_FAR. */
#define E5_NORMAL_FAR 1.4e-11
E5_SIMD_BODY double e5_normal_quantile_of(double p, const int far_too) {
    static const struct e5_normal_part middle = {
        {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
         4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
        {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
         3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}};
    static const struct e5_normal_part near = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
         1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
         1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
    static const struct e5_normal_part far = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
         2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
         2.04426310338993978564e-15}};
    double q = p - 0.5, square = 0.180625 - q * q, smaller = p < 0.5 ? p : 1 - p;
    double tail = sqrt(-e5_log(smaller > 0 ? smaller : 1e-300)), sign = q < 0 ? -1.0 : 1.0;
    double m = q * (e5_normal_series(middle.above, square) / e5_normal_series(middle.below, square));
    double n = sign * (e5_normal_series(near.above, tail - 1.6) / e5_normal_series(near.below, tail - 1.6));
    double f = far_too ? sign * (e5_normal_series(far.above, tail - 5) / e5_normal_series(far.below, tail - 5)) : n;
    double outer = tail <= 5 ? n : f, result = square >= 0 ? m : outer;
    double end = smaller == 0 ? sign * (double)INFINITY : (double)NAN;
    return smaller > 0 ? result : end;
}

E5_SIMD_BODY double e5_normal_quantile(double p) { return e5_normal_quantile_of(p, 1); }

#endif
