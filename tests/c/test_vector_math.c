/* Elementary functions of diag/vector_math.h: against long double, the same bits from every set of instructions. */
#include "diag/vector_math.h"

#include <stdlib.h>

#include "check.h"

#define N 100000

typedef void (*loop_fn)(const double *x, const double *y, double *out, size_t n);

#define LOOP(name, value)                                                                    \
    E5_SIMD_BODY void name##_body(const double *x, const double *y, double *out, size_t n) { \
        (void)y;                                                                             \
        for (size_t i = 0; i < n; i++) out[i] = (value);                                     \
    }                                                                                        \
    E5_SIMD_VARIANTS(name, (const double *x, const double *y, double *out, size_t n), (x, y, out, n))

LOOP(exp_loop, e5_exp(x[i]))
LOOP(exp10_loop, e5_exp10(x[i]))
LOOP(log_loop, e5_log(x[i]))
LOOP(pow_loop, e5_pow(x[i], y[i]))
LOOP(sin_loop, e5_sin(x[i]))
LOOP(cos_loop, e5_cos(x[i]))
LOOP(atan_loop, e5_atan(x[i]))
LOOP(asin_loop, e5_asin(x[i]))
LOOP(acos_loop, e5_acos(x[i]))
LOOP(atan2_loop, e5_atan2(x[i], y[i]))

static long double true_exp(double x, double y) { return (void)y, expl(x); }
static long double true_exp10(double x, double y) { return (void)y, powl(10, x); }
static long double true_log(double x, double y) { return (void)y, logl(x); }
static long double true_pow(double x, double y) { return powl(x, y); }
static long double true_sin(double x, double y) { return (void)y, sinl(x); }
static long double true_cos(double x, double y) { return (void)y, cosl(x); }
static long double true_atan(double x, double y) { return (void)y, atanl(x); }
static long double true_asin(double x, double y) { return (void)y, asinl(x); }
static long double true_acos(double x, double y) { return (void)y, acosl(x); }
static long double true_atan2(double x, double y) { return atan2l(x, y); }

static double ulps(double got, long double expected) {
    double nearest = (double)expected, above = nextafter(fabs(nearest), INFINITY);
    if (isinf(nearest) || isinf(above)) return got == nearest || isinf(got) ? 0 : 1e9;
    return (double)(fabsl((long double)got - expected) / (long double)(above - fabs(nearest)));
}

static double uniform(double low, double high) { return low + (high - low) * (rand() / (RAND_MAX + 1.0)); }

/* Largest error over random points; 0 ulp between the sets of instructions. */
static double worst(loop_fn loop, long double (*truth)(double, double), double low, double high, double y_low,
                    double y_high) {
    static double x[N], y[N], out[N], again[N];
    for (size_t i = 0; i < N; i++) x[i] = uniform(low, high), y[i] = uniform(y_low, y_high);
    double most = 0;
    e5_isa_limit(E5_ISA_AVX512);
    loop(x, y, out, N);
    for (size_t i = 0; i < N; i++) most = fmax(most, ulps(out[i], truth(x[i], y[i])));
    for (enum e5_isa isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX2; isa++) {
        e5_isa_limit(isa);
        loop(x, y, again, N);
        CHECK(memcmp(out, again, sizeof out) == 0);
    }
    e5_isa_limit(E5_ISA_AVX512);
    printf("    %g to %g: %.3f\n", low, high, most);
    return most;
}

TEST(exponentials) {
    CHECK(worst(exp_loop, true_exp, -1, 1, 0, 0) < 1);
    CHECK(worst(exp_loop, true_exp, -745, 710, 0, 0) < 1);
    CHECK(worst(exp10_loop, true_exp10, -5, 5, 0, 0) < 1);
    CHECK(worst(exp10_loop, true_exp10, -307, 308, 0, 0) < 1);
}

TEST(logarithm) {
    CHECK(worst(log_loop, true_log, 0.5, 2, 0, 0) < 1);
    CHECK(worst(log_loop, true_log, 0, 1e300, 0, 0) < 1);
    CHECK(worst(log_loop, true_log, 0, 1e-310, 0, 0) < 1);
}

TEST(power) {
    CHECK(worst(pow_loop, true_pow, 0, 200, 0.1, 6) < 1.5);
    CHECK(worst(pow_loop, true_pow, 0.5, 2, 0.1, 20) < 1.5);
    CHECK(worst(pow_loop, true_pow, 0, 1e10, 0.1, 20) < 1.5);
}

TEST(circular_functions) {
    CHECK(worst(sin_loop, true_sin, -10, 10, 0, 0) < 1);
    CHECK(worst(cos_loop, true_cos, -10, 10, 0, 0) < 1);
    CHECK(worst(sin_loop, true_sin, -1e5, 1e5, 0, 0) < 1);
    CHECK(worst(atan_loop, true_atan, -3, 3, 0, 0) < 1.1);
    CHECK(worst(atan_loop, true_atan, -1e6, 1e6, 0, 0) < 1.1);
    CHECK(worst(asin_loop, true_asin, -1, 1, 0, 0) < 2.5);
    CHECK(worst(acos_loop, true_acos, -1, 1, 0, 0) < 2.5);
    CHECK(worst(atan2_loop, true_atan2, -3, 3, -3, 3) < 2.5);
}

TEST(ends_of_the_range) {
    CHECK(e5_exp(0) == 1 && e5_exp(-1e9) == 0 && isinf(e5_exp(1e9)) && isnan(e5_exp(NAN)));
    CHECK(e5_exp(INFINITY) == INFINITY && e5_exp(-INFINITY) == 0);
    CHECK(e5_log(1) == 0 && e5_log(0) == -INFINITY && isnan(e5_log(-1)) && isnan(e5_log(NAN)));
    CHECK(e5_log(INFINITY) == INFINITY);
    CHECK(e5_pow(0, 0.5) == 0 && isnan(e5_pow(-1, 2)) && isnan(e5_pow(NAN, 2)) && isnan(e5_pow(2, NAN)));
    CHECK(e5_pow(1, 1e300) == 1 && e5_pow(INFINITY, 2) == INFINITY && e5_pow(10, 2) == 100 && e5_exp10(3) == 1000);
    CHECK(e5_atan(INFINITY) == atan(INFINITY) && e5_atan(-INFINITY) == -atan(INFINITY) && isnan(e5_atan(NAN)));
    CHECK(e5_atan(0) == 0 && signbit(e5_atan(-0.0)) && isnan(e5_asin(1.5)) && e5_asin(1) == asin(1));
    CHECK(e5_atan2(0, 0) == 0 && e5_atan2(1, 0) == asin(1) && e5_atan2(-1, 0) == -asin(1) && e5_atan2(0, 2) == 0);
    CHECK(e5_atan2(0, -2) == acos(-1) && isnan(e5_atan2(NAN, 1)) && isnan(e5_atan2(0, NAN)));
    CHECK(e5_acos(1) == 0 && e5_acos(-1) == acos(-1) && isnan(e5_acos(1.5)) && isnan(e5_cos(NAN)));
}

int main(void) {
    RUN(exponentials);
    RUN(logarithm);
    RUN(power);
    RUN(circular_functions);
    RUN(ends_of_the_range);
    return check_summary();
}
