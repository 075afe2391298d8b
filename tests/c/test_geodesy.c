#include "base/isa.h"
#include "check.h"
#include "diag/geodesy.h"
#include "model/grid.h"

static bool near(double a, double b) { return fabs(a - b) < 1e-9 * fmax(1, fabs(b)); }

/* By both ways, which must agree. */
static double distance(double lat1, double lon1, double lat2, double lon2) {
    double pair, row, memory[2 * E5_GEODESY_AXES];
    struct e5_geodesy_points from = {.count = 1}, to = {.count = 1};
    for (int k = 0; k < E5_GEODESY_AXES; k++) {
        from.axis[k] = memory + 2 * k;
        to.axis[k] = memory + 2 * k + 1;
    }
    e5_geodesy_pairs(&lat1, &lon1, &lat2, &lon2, &pair, 1);
    e5_geodesy_points(&lat1, &lon1, &from);
    e5_geodesy_points(&lat2, &lon2, &to);
    e5_geodesy_row(&from, 0, &to, 0, 1, &row);
    CHECK(fabs(pair - row) <= 1e-11 + 4e-16 * pair);
    return pair;
}

TEST(distances_on_great_circles) {
    double quarter = M_PI / 2 * E5_EARTH_RADIUS_KM;
    CHECK(distance(12, 34, 12, 34) == 0);
    CHECK(near(distance(0, 0, 0, 90), quarter));
    CHECK(near(distance(90, 17, 0, -120), quarter));
    CHECK(near(distance(30, 10, -30, -170), 2 * quarter)); /* antipodes */
    CHECK(near(distance(0, 179, 0, -179), quarter / 45));
    CHECK(near(distance(0, 359, 0, 1), quarter / 45));
    CHECK(distance(90, 0, 90, 123) < 1e-9);
    CHECK(near(distance(0, 0, 1e-7, 0), quarter / 90 * 1e-7)); /* a centimetre */
    CHECK(fabs(distance(52.52, 13.405, 48.8566, 2.3522) - 877.5) < 1); /* Berlin to Paris */
}

/* Relative errors at either end, against long double: a metre is right to a nanometre, and so is what antipodes lack.
 */
TEST(neighbours_and_antipodes_are_exact) {
    for (int i = 1; i < 60; i++) {
        double step = ldexp(1, -i), expected = step * (M_PI / 180) * E5_EARTH_RADIUS_KM;
        CHECK(fabs(distance(0, 0, 0, step) - expected) < 1e-15 * expected + 1e-30);
        CHECK(fabs(distance(45, 10, 45 + step, 10) - expected) < 1e-15 * expected + 1e-12); /* of the input */
        CHECK(fabs(M_PI * E5_EARTH_RADIUS_KM - expected - distance(0, 10, 0, -170 + step)) < 4e-12);
    }
}

TEST(every_set_of_instructions_gives_the_same_bits) {
    enum { N = 37 };
    double coordinate[4][N], first[N], other[N];
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 4; k++) coordinate[k][i] = fmod(17.31 * i * (k + 1), k % 2 ? 360 : 90);
    }
    for (int isa = E5_ISA_BASELINE; isa <= E5_ISA_AVX512; isa++) {
        e5_isa_limit((enum e5_isa)isa);
        e5_geodesy_pairs(coordinate[0], coordinate[1], coordinate[2], coordinate[3], isa == 0 ? first : other, N);
        CHECK(isa == 0 || memcmp(first, other, sizeof first) == 0);
    }
}

TEST(unknown_coordinates_give_nan) {
    double lat = NAN, lon = 3, out = 0;
    e5_geodesy_pairs(&lat, &lon, &lon, &lon, &out, 1);
    CHECK(isnan(out));
    e5_geodesy_pairs(&lon, &lat, &lon, &lon, &out, 1);
    CHECK(isnan(out));
}

static void centre_is(const struct e5_centroid *sum, double latitude, double longitude) {
    double phi, lambda;
    e5_centroid_get(sum, &phi, &lambda);
    CHECK(fabs(phi - latitude) < 1e-9 && fabs(e5_grid_fold(lambda - longitude)) < 1e-9);
    CHECK(lambda >= -180 && lambda <= 180);
}

TEST(centroids_are_directions) {
    struct e5_centroid sum = {0};
    e5_centroid_add(&sum, 40, 350, 2);
    centre_is(&sum, 40, -10);
    e5_centroid_add(&sum, 40, 10, 2);
    struct e5_centroid seam = {0};
    e5_centroid_add(&seam, 0, 179, 1);
    e5_centroid_add(&seam, 0, -179, 1);
    centre_is(&seam, 0, 180);
    struct e5_centroid heavy = {0};
    e5_centroid_add(&heavy, 0, 0, 1);
    e5_centroid_add(&heavy, 0, 90, sqrt(3));
    centre_is(&heavy, 0, 60);
    double latitude, longitude;
    e5_centroid_get(&sum, &latitude, &longitude);
    CHECK(latitude > 40 && near(longitude + 1, 1)); /* the great circle bulges towards the pole */
}

TEST(what_cancels_has_no_centre) {
    struct e5_centroid sum = {0};
    double latitude = 0, longitude = 0;
    e5_centroid_get(&sum, &latitude, &longitude);
    CHECK(isnan(latitude) && isnan(longitude));
    for (int i = 0; i < 360; i++) e5_centroid_add(&sum, 0, i, 123.4);
    e5_centroid_get(&sum, &latitude, &longitude);
    CHECK(isnan(latitude) && isnan(longitude));
    sum = (struct e5_centroid){0};
    e5_centroid_add(&sum, 33, 44, 1e6);
    e5_centroid_add(&sum, -33, 44 - 180, 1e6);
    e5_centroid_get(&sum, &latitude, &longitude);
    CHECK(isnan(latitude) && isnan(longitude));
    e5_centroid_add(&sum, 10, 20, 1); /* a small rest is no rounding */
    centre_is(&sum, 10, 20);
}

int main(void) {
    RUN(distances_on_great_circles);
    RUN(neighbours_and_antipodes_are_exact);
    RUN(every_set_of_instructions_gives_the_same_bits);
    RUN(unknown_coordinates_give_nan);
    RUN(centroids_are_directions);
    RUN(what_cancels_has_no_centre);
    return check_summary();
}
