/* humidity: pressure of water vapour over water, by the formulas in use.
 *
 * Temperatures are in K, pressures in Pa.  Lines of arithmetic for vectorised loops, as in diag/vector_math.h. */
#ifndef E5_DIAG_HUMIDITY_H
#define E5_DIAG_HUMIDITY_H

#include "diag/vector_math.h"

#define E5_ZERO_CELSIUS 273.15

/* Saturation formulas, in the order of the choices: e5_<name>(t), and e5_<name>_ratio(t1, t2) of two pressures. */
#define E5_SATURATION_FORMULAS(X) \
    X(bolton80)                   \
    X(murray67) X(steadman84) X(tetens30) X(wmo08) X(buck81) X(aerk96) X(sonntag90) X(its90) X(goffgratch46)
#define E5_SATURATION_CHOICES "bolton80 murray67 steadman84 tetens30 wmo08 buck81 aerk96 sonntag90 its90 goffgratch46"

/* Curves of Magnus type, exp(b (t − t0) / (t + c)), have a ratio that needs one exponential instead of two. */
E5_SIMD_BODY double e5_magnus_exponent(double t, double t0, double c) { return (t - t0) / (t + c); }
E5_SIMD_BODY double e5_magnus_exponent_difference(double t1, double t2, double t0, double c) {
    return (t0 + c) * (t1 - t2) / ((t1 + c) * (t2 + c));
}
#define E5_MAGNUS(formula, exponential, a, b, t0, c)                                                             \
    E5_SIMD_BODY double e5_##formula(double t) { return (a) * exponential((b) * e5_magnus_exponent(t, t0, c)); } \
    E5_SIMD_BODY double e5_##formula##_ratio(double t1, double t2) {                                             \
        return exponential((b) * e5_magnus_exponent_difference(t1, t2, t0, c));                                  \
    }

E5_MAGNUS(bolton80, e5_exp, 611.2, 17.67, E5_ZERO_CELSIUS, 243.5 - E5_ZERO_CELSIUS)
E5_MAGNUS(murray67, e5_exp10, 611, 7.5, E5_ZERO_CELSIUS, 237.3 - E5_ZERO_CELSIUS)
E5_MAGNUS(steadman84, e5_exp, 610.5, 17.27, E5_ZERO_CELSIUS, 237.7 - E5_ZERO_CELSIUS)
E5_MAGNUS(tetens30, e5_exp, 610.78, 17.269388, 273.16, -35.86)
E5_MAGNUS(wmo08, e5_exp, 611.2, 17.62, 273.16, -30.04)
E5_MAGNUS(buck81, e5_exp, 611.21, 17.502, 273.16, -32.19)
E5_MAGNUS(aerk96, e5_exp, 610.94, 17.625, 273.16, -30.12)

E5_SIMD_BODY double e5_sonntag90(double t) {
    double logarithm = -6096.9385 / t + 16.635794 + t * (-2.711193e-2 + t * 1.673952e-5) + 2.433502 * e5_log(t);
    return 100 * e5_exp(logarithm);
}

E5_SIMD_BODY double e5_its90(double t) {
    double polynomial = -1.8680009e-13;
    polynomial = polynomial * t + 7.0229056e-10;
    polynomial = polynomial * t + 1.6261698e-5;
    polynomial = polynomial * t - 2.737830188e-2;
    polynomial = polynomial * t + 19.54263612;
    return e5_exp(polynomial + (-6028.076559 - 2836.5744 / t) / t + 2.7150305 * e5_log(t));
}

E5_SIMD_BODY double e5_goffgratch46(double t) {
    double ratio = 373.16 / t, logarithm = e5_log(ratio) * 0.43429448190325182765;
    double first = e5_exp10(11.344 * (1 - t / 373.16)) - 1, second = e5_exp10(-3.49149 * (ratio - 1)) - 1;
    return 101325 * e5_exp10(-7.90298 * (ratio - 1) + 5.02808 * logarithm - 1.3817e-7 * first + 8.1328e-3 * second);
}

E5_SIMD_BODY double e5_sonntag90_ratio(double t1, double t2) { return e5_sonntag90(t1) / e5_sonntag90(t2); }
E5_SIMD_BODY double e5_its90_ratio(double t1, double t2) { return e5_its90(t1) / e5_its90(t2); }
E5_SIMD_BODY double e5_goffgratch46_ratio(double t1, double t2) { return e5_goffgratch46(t1) / e5_goffgratch46(t2); }

#endif
