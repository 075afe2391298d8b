/* Diagnostics that make a value from values: published numbers, missing values, both precisions, in place. */
#include <stdlib.h>

#include "base/isa.h"
#include "check.h"
#include "kernels/kernel.h"

enum { N = 37, OPERANDS = 6 };

static size_t choices_of(const struct e5_kernel *kernel) {
    size_t n = 1;
    if (kernel->params[0].name == NULL) return 1;
    for (const char *at = kernel->params[0].choices; *at != '\0'; at++) n += *at == ' ';
    return n;
}

static size_t operands_of(const struct e5_kernel *kernel) {
    size_t n = 0;
    while (kernel->operands[n].name != NULL) n++;
    return n;
}

/* The i-th choice of the first parameter, by name. */
static const struct e5_pointwise_ops *ops_of(const char *name, const char *choice) {
    const struct e5_kernel *kernel = e5_kernel_find(name);
    if (choice == NULL) return &kernel->ops.pointwise[0];
    size_t length = strlen(choice), index = 0;
    for (const char *at = kernel->params[0].choices;; at += strcspn(at, " ") + 1, index++)
        if (strncmp(at, choice, length) == 0 && strcspn(at, " ") == length) return &kernel->ops.pointwise[index];
}

static double value(const char *name, const char *choice, double a, double b, double c, double d) {
    double given[4] = {a, b, c, d}, out;
    const double *in[] = {&given[0], &given[1], &given[2], &given[3]};
    ops_of(name, choice)->f64(in, &out, 1);
    return out;
}

static bool near(double found, double wanted, double tolerance) {
    bool good = fabs(found - wanted) <= tolerance;
    if (!good) printf("%.6g, not %.6g\n", found, wanted);
    return good;
}

static double kelvin(double celsius) { return celsius + 273.15; }
static double fahrenheit(double kelvins) { return (kelvins - 273.15) * 1.8 + 32; }

/* Tables of the services that define them, to their last digit. */
TEST(published_values) {
    static const double warm[][3] = {{90, 70, 105}, {100, 55, 124}, {80, 40, 80}, {86, 90, 105}}; /* °F, %, °F */
    for (int i = 0; i < 4; i++) {
        double t = (warm[i][0] - 32) / 1.8 + 273.15;
        CHECK(near(fahrenheit(value("heat_index", "nws", t, warm[i][1], 0, 0)), warm[i][2], 1.2));
    }
    static const double cold[][3] = {{-10, 30, -20}, {0, 10, -3}, {-25, 60, -43}, {-40, 20, -56}}; /* °C, km/h, °C */
    for (int i = 0; i < 4; i++)
        CHECK(near(value("wind_chill", "canada", kelvin(cold[i][0]), cold[i][1] / 3.6, 0, 0) - 273.15, cold[i][2],
                   0.5));
    CHECK(near(value("humidex", "masterton", kelvin(30), kelvin(15), 0, 0) - 273.15, 34, 0.5));
    CHECK(near(value("wet_bulb", NULL, kelvin(20), 50, 0, 0) - 273.15, 13.7, 0.05)); /* Stull 2011, his example */
    CHECK(near(value("dewpoint", NULL, kelvin(20), 50, 0, 0) - 273.15, 9.27, 0.02));
    CHECK(value("wind_speed", NULL, 3, -4, 0, 0) == 5);
    CHECK(near(value("utci", "broede", kelvin(25), kelvin(25), 1, 1580) - 273.15, 25,
               0.6)); /* the reference: felt as it is */
}

TEST(every_saturation_formula_near_the_steam_tables) {
    static const double table[][2] = {{0.01, 611.657}, {20, 2339.3}, {40, 7384.9}}; /* IAPWS, °C and Pa */
    const struct e5_kernel *kernel = e5_kernel_find("saturation_vapour_pressure");
    for (size_t i = 0; i < choices_of(kernel); i++)
        for (int row = 0; row < 3; row++) {
            double t = kelvin(table[row][0]), found;
            const double *in[] = {&t};
            kernel->ops.pointwise[i].f64(in, &found, 1);
            CHECK(near(found / table[row][1], 1, 0.006));
        }
}

TEST(winds_come_from_where_they_should) {
    static const double from[][3] = {{0, -1, 360}, {-1, 0, 90}, {0, 1, 180}, {1, 0, 270}, {-1, -1, 45}};
    for (int i = 0; i < 5; i++) {
        double found = value("wind_direction", "wmo", from[i][0], from[i][1], 0, 0);
        CHECK(near(found, from[i][2], 1e-9));
    }
    CHECK(value("wind_direction", "wmo", 0, 0, 0, 0) == 0); /* calm */
}

/* Values that every operand may have, by its units. */
static double any_value(const struct e5_operand_spec *spec, size_t i) {
    double part = (double)((i * 7 + (size_t)spec->name[0]) % N) / N;
    if (strcmp(spec->units, "K") == 0) return 255 + 60 * part;
    if (strcmp(spec->units, "%") == 0) return 5 + 90 * part;
    if (strcmp(spec->units, "Pa") == 0) return 200 + 3000 * part;
    if (strcmp(spec->units, "m s-1") == 0) return 0.5 + 15 * part;
    if (strcmp(spec->units, "1") == 0) return 0.1 + 0.8 * part;
    return strcmp(spec->name, "ssrd") == 0 ? 700 + 100 * part : 100 + 300 * part; /* W m-2 */
}

static double operand[OPERANDS][N];
static float single[OPERANDS][N];

static void fill(const struct e5_kernel *kernel) {
    for (size_t k = 0; k < operands_of(kernel); k++)
        for (size_t i = 0; i < N; i++) operand[k][i] = single[k][i] = (float)any_value(&kernel->operands[k], i);
}

static void run(const struct e5_pointwise_ops *ops, double *out, float *out32) {
    const double *in[OPERANDS];
    const float *in32[OPERANDS];
    for (size_t k = 0; k < OPERANDS; k++) in[k] = operand[k], in32[k] = single[k];
    ops->f64(in, out, N);
    ops->f32(in32, out32, N);
}

/* Below 21 °C and the like, definitions have no value; the two precisions must agree on where. */
TEST(both_precisions_agree_and_missing_values_stay_missing) {
    size_t seen = 0;
    for (size_t k = 0; k < e5_kernel_count; k++) {
        const struct e5_kernel *kernel = &e5_kernels[k];
        if (kernel->kind != E5_POINTWISE) continue;
        for (size_t choice = 0; choice < choices_of(kernel); choice++) {
            double out[N], worst = 0;
            float out32[N];
            size_t numbers = 0, disagreeing = 0;
            fill(kernel);
            run(&kernel->ops.pointwise[choice], out, out32);
            for (size_t i = 0; i < N; i++) {
                numbers += !isnan(out[i]);
                disagreeing += isnan(out[i]) != isnan(out32[i]);
                double error = fabs(out[i] - (double)out32[i]) / (1 + fabs(out[i]));
                if (error > worst) worst = error;
            }
            CHECK(numbers >= N / 4 && disagreeing == 0 && worst < 1e-5);
            for (size_t o = 0; o < operands_of(kernel); o++) {
                fill(kernel);
                operand[o][o] = NAN, single[o][o] = NAN;
                run(&kernel->ops.pointwise[choice], out, out32);
                if (!isnan(out[o]) || !isnan(out32[o]))
                    printf("%s, %zu: %s is not missed\n", kernel->name, choice, kernel->operands[o].name);
                CHECK(isnan(out[o]) && isnan(out32[o]));
            }
            seen++;
        }
    }
    CHECK(seen > 30);
}

TEST(results_may_take_the_place_of_any_operand) {
    for (size_t k = 0; k < e5_kernel_count; k++) {
        const struct e5_kernel *kernel = &e5_kernels[k];
        if (kernel->kind != E5_POINTWISE) continue;
        double out[N];
        float out32[N];
        fill(kernel);
        run(&kernel->ops.pointwise[0], out, out32);
        for (size_t o = 0; o < operands_of(kernel); o++) {
            fill(kernel);
            run(&kernel->ops.pointwise[0], operand[o], single[o]);
            CHECK(memcmp(operand[o], out, sizeof out) == 0);
            CHECK(memcmp(single[o], out32, sizeof out32) == 0);
        }
    }
}

TEST(every_set_of_instructions_gives_the_same_bits) {
    for (size_t k = 0; k < e5_kernel_count; k++) {
        const struct e5_kernel *kernel = &e5_kernels[k];
        if (kernel->kind != E5_POINTWISE) continue;
        for (size_t choice = 0; choice < choices_of(kernel); choice++)
            for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
                static double first[N], out[N];
                static float first32[N], out32[N];
                e5_isa_limit((enum e5_isa)isa);
                fill(kernel);
                run(&kernel->ops.pointwise[choice], isa == 0 ? first : out, isa == 0 ? first32 : out32);
                CHECK(isa == 0 || memcmp(first, out, sizeof out) == 0);
                CHECK(isa == 0 || memcmp(first32, out32, sizeof out32) == 0);
            }
    }
    e5_isa_limit(E5_ISA_AVX512);
}

int main(void) {
    RUN(published_values);
    RUN(every_saturation_formula_near_the_steam_tables);
    RUN(winds_come_from_where_they_should);
    RUN(both_precisions_agree_and_missing_values_stay_missing);
    RUN(every_set_of_instructions_gives_the_same_bits);
    RUN(results_may_take_the_place_of_any_operand);
    return check_summary();
}
