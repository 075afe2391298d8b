#include "check.h"
#include "diag/geodesy.h"
#include "model/grid.h"

static bool near(double a, double b) { return fabs(a - b) < 1e-9 * fmax(1, fabs(b)); }

TEST(distances_on_great_circles) {
    double quarter = M_PI / 2 * E5_EARTH_RADIUS_KM;
    CHECK(e5_geodesy_distance(12, 34, 12, 34) == 0);
    CHECK(near(e5_geodesy_distance(0, 0, 0, 90), quarter));
    CHECK(near(e5_geodesy_distance(90, 17, 0, -120), quarter));
    CHECK(near(e5_geodesy_distance(30, 10, -30, -170), 2 * quarter)); /* antipodes */
    CHECK(near(e5_geodesy_distance(0, 179, 0, -179), quarter / 45));
    CHECK(near(e5_geodesy_distance(0, 359, 0, 1), quarter / 45));
    CHECK(e5_geodesy_distance(90, 0, 90, 123) < 1e-9);
    CHECK(near(e5_geodesy_distance(0, 0, 1e-7, 0), quarter / 90 * 1e-7)); /* a centimetre */
    CHECK(fabs(e5_geodesy_distance(52.52, 13.405, 48.8566, 2.3522) - 877.5) < 1); /* Berlin to Paris */
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
    RUN(centroids_are_directions);
    RUN(what_cancels_has_no_centre);
    return check_summary();
}
