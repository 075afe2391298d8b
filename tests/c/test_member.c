#include "check.h"
#include "make_nc.h"

#include "base/alloc.h"
#include "drive/source.h"
#include "io/fit.h"
#include "io/member.h"
#include "pool/pool.h"

/* A file with any dimensions in any order, each with a coordinate 0, 1, 2, … (or `from`, …); the value of the only
 * data variable `t` counts its coordinates in digits: time is the first, longitude the last. */
struct dim {
    const char *name;
    size_t length;
    double from;
    const char *units;
};

enum { DIMS = 6 };

static double digit_of(const char *name) {
    static const char *const digits[] = {"time", "number", "level", "latitude", "longitude"};
    double digit = 1e4;
    for (size_t i = 0; i < 5; i++, digit /= 10)
        if (strcmp(name, digits[i]) == 0) return digit;
    return strcmp(name, "pressure_level") == 0 || strcmp(name, "hybrid") == 0 ? 100 : 0;
}

/* A version is there where the other indices sum up to its own. */
static bool is_there(const struct dim *dim, int ndim, const size_t *at) {
    size_t sum = 0, version = 0, versions = 1;
    for (int d = 0; d < ndim; d++) {
        bool expver = strcmp(dim[d].name, "expver") == 0;
        if (expver) version = at[d], versions = dim[d].length;
        sum += expver ? 0 : at[d];
    }
    return sum % versions == version;
}

static void put_values(int id, int var, const struct dim *dim, int ndim) {
    size_t at[DIMS] = {0}, total = 1;
    for (int d = 0; d < ndim; d++) total *= dim[d].length;
    for (size_t i = 0; i < total; i++) {
        size_t rest = i;
        double value = 0;
        for (int d = ndim - 1; d >= 0; rest /= dim[d--].length) {
            at[d] = rest % dim[d].length;
            value += ((double)at[d] + dim[d].from) * digit_of(dim[d].name);
        }
        if (!is_there(dim, ndim, at)) value = NAN;
        NC(nc_put_var1_double(id, var, at, &value));
    }
}

static const char *make_file(const char *name, const struct dim *dim, int ndim) {
    const char *path = make_path(name);
    int id, var, axis[DIMS], dims[DIMS];
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    for (int d = 0; d < ndim; d++) {
        NC(nc_def_dim(id, dim[d].name, dim[d].length, &dims[d]));
        NC(nc_def_var(id, dim[d].name, NC_DOUBLE, 1, &dims[d], &axis[d]));
        if (dim[d].units != NULL) NC(nc_put_att_text(id, axis[d], "units", strlen(dim[d].units), dim[d].units));
    }
    NC(nc_def_var(id, "t", NC_FLOAT, ndim, dims, &var));
    NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_enddef(id));
    for (int d = 0; d < ndim; d++)
        for (size_t i = 0; i < dim[d].length; i++) {
            double value = dim[d].from + (double)i;
            NC(nc_put_var1_double(id, axis[d], &i, &value));
        }
    put_values(id, var, dim, ndim);
    NC(nc_close(id));
    return path;
}

#define HOURS "hours since 1970-01-01"
static const struct dim usual[] = {{"time", 3, 0, HOURS}, {"latitude", 2, 0, NULL}, {"longitude", 4, 0, NULL}};

static struct e5_member open_member(const char *path) {
    struct e5_member m = {0};
    CHECK_OK(e5_member_open(path, "t", true, NULL, &m, err));
    return m;
}

/* --- picks --- */

static const int64_t steps[] = {2, 0}, numbers[] = {1, 1, 0}, levels[] = {2, 0}, rows[] = {1, 0},
                     columns[] = {3, 0, 2};

static void make_picks(const struct e5_member *m, struct e5_pick *pick) {
    static const int64_t *const list[E5_AXES] = {steps, numbers, levels, rows, columns};
    static const size_t count[E5_AXES] = {2, 3, 2, 2, 3};
    for (int role = 0; role < E5_AXES; role++) {
        pick[role] = e5_pick_range(0, 1);
        if (m->axes.axis[role].dim >= 0)
            CHECK_OK(e5_pick_list(list[role], count[role], m->count[role], &pick[role], err));
    }
}

/* The value at a place of the output of make_picks(), from the index lists alone. */
static double value_at(const struct e5_member *m, const size_t *at) {
    static const int64_t *const list[E5_AXES] = {steps, numbers, levels, rows, columns};
    static const double digit[E5_AXES] = {1e4, 1e3, 100, 10, 1};
    double value = 0;
    for (int role = 0; role < E5_AXES; role++)
        if (m->axes.axis[role].dim >= 0) value += (double)list[role][at[role]] * digit[role];
    return value;
}

static void check_values(const struct e5_member *m, const struct e5_pick *pick, const float *f32, const double *f64) {
    size_t at[E5_AXES], i = 0;
    for (at[0] = 0; at[0] < pick[0].count; at[0]++)
        for (at[1] = 0; at[1] < pick[1].count; at[1]++)
            for (at[2] = 0; at[2] < pick[2].count; at[2]++)
                for (at[3] = 0; at[3] < pick[3].count; at[3]++)
                    for (at[4] = 0; at[4] < pick[4].count; at[4]++, i++)
                        CHECK(f32[i] == (float)value_at(m, at) && f64[i] == value_at(m, at));
}

static void check_selection(const struct dim *dim, int ndim, bool copies) {
    struct e5_member m = open_member(make_file("any.nc", dim, ndim));
    struct e5_pick pick[E5_AXES];
    float f32[72];
    double f64[72];
    make_picks(&m, pick);
    CHECK(e5_member_copies(&m, pick) == copies);
    CHECK_OK(e5_member_select(&m, pick, E5_F32, f32, NULL, NULL, err));
    CHECK_OK(e5_member_select(&m, pick, E5_F64, f64, NULL, NULL, err));
    check_values(&m, pick, f32, f64);
    for (int role = 0; role < E5_AXES; role++) e5_pick_fini(&pick[role]);
    e5_member_close(&m);
}

TEST(any_order_of_dimensions) {
    const struct dim time = {"time", 3, 0, HOURS}, number = {"number", 2, 0, NULL}, level = {"level", 3, 0, "1"},
                     row = {"latitude", 2, 0, NULL}, column = {"longitude", 4, 0, NULL};
    check_selection(usual, 3, false);
    check_selection((struct dim[]){time, level, row, column}, 4, false);
    check_selection((struct dim[]){time, number, level, row, column}, 5, false);
    check_selection((struct dim[]){number, time, level, row, column}, 5, true);
    check_selection((struct dim[]){column, row, level, number, time}, 5, true);
    check_selection((struct dim[]){level, column, time, row}, 4, true);
}

TEST(versions_are_merged_wherever_they_lie) {
    const struct dim time = {"time", 3, 0, HOURS}, version = {"expver", 2, 1, NULL}, level = {"level", 3, 0, "1"},
                     row = {"latitude", 2, 0, NULL}, column = {"longitude", 4, 0, NULL};
    check_selection((struct dim[]){time, version, row, column}, 4, true);
    check_selection((struct dim[]){time, version, level, row, column}, 5, true);
    check_selection((struct dim[]){version, time, level, row, column}, 5, true);
    check_selection((struct dim[]){column, level, row, time, version}, 5, true);
}

TEST(places_that_nothing_leads_to_stay) {
    struct e5_member m = open_member(make_file("stay.nc", usual, 3));
    struct e5_pick pick[E5_AXES];
    float out[3 * 2 * 5];
    for (size_t i = 0; i < 30; i++) out[i] = -1;
    for (int role = 0; role < E5_AXES; role++) pick[role] = e5_pick_range(0, m.count[role]);
    pick[E5_AXIS_LONGITUDE] = (struct e5_pick){5, 1, NULL, {0, 1, 3}};
    CHECK_OK(e5_member_select(&m, pick, E5_F32, out, NULL, NULL, err));
    for (size_t i = 0; i < 30; i++) {
        bool there = i % 5 >= 1 && i % 5 <= 3;
        CHECK(out[i] == (there ? (float)(i / 10 * 10000 + i / 5 % 2 * 10 + i % 5 - 1) : -1.0F));
    }
    e5_member_close(&m);
}

TEST(threads_merge_the_same) {
    const struct dim dims[] = {
        {"longitude", 4, 0, NULL}, {"expver", 2, 1, NULL}, {"latitude", 2, 0, NULL}, {"time", 3, 0, HOURS}};
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(3, &pool, err));
    struct e5_parallel par = e5_pool_parallel(pool);
    struct e5_member m = open_member(make_file("threads.nc", dims, 4));
    struct e5_pick pick[E5_AXES];
    float one[24], three[24];
    for (int role = 0; role < E5_AXES; role++) pick[role] = e5_pick_range(0, m.count[role]);
    CHECK_OK(e5_member_select(&m, pick, E5_F32, one, NULL, NULL, err));
    CHECK_OK(e5_member_select(&m, pick, E5_F32, three, &par, NULL, err));
    CHECK(memcmp(one, three, sizeof one) == 0 && one[23] == 20013);
    e5_member_close(&m);
    e5_pool_free(pool);
}

/* --- axes --- */

static const char *level_name(const char *name, const char *units) {
    const struct dim dims[] = {usual[0], {name, 2, 0, units}, usual[1], usual[2]};
    static char found[40];
    struct e5_member m = open_member(make_file("level.nc", dims, 4));
    snprintf(found, sizeof found, "%s", e5_axes_level_name(m.axes.axis[E5_AXIS_LEVEL].var));
    e5_member_close(&m);
    return found;
}

TEST(levels_have_one_name) {
    CHECK(strcmp(level_name("pressure_level", "hPa"), "pressure_level") == 0);
    CHECK(strcmp(level_name("level", "millibars"), "pressure_level") == 0);
    CHECK(strcmp(level_name("isobaricInhPa", "hPa"), "pressure_level") == 0);
    CHECK(strcmp(level_name("hybrid", "1"), "model_level") == 0);
    CHECK(strcmp(level_name("level", "1"), "level") == 0);
    CHECK(strcmp(level_name("level", NULL), "level") == 0);
    CHECK(strcmp(level_name("depth", "m"), "depth") == 0);
}

static void check_refused(const struct dim *dim, int ndim, const char *said) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_member m;
    CHECK(e5_member_open(make_file("bad.nc", dim, ndim), "t", true, NULL, &m, &err) == E5_INPUT && m.file == NULL);
    if (strstr(err.what, said) == NULL) printf("  said: %s\n", err.what);
    CHECK(strstr(err.what, said) != NULL);
}

TEST(what_is_no_map_over_time_is_refused) {
    const struct dim step = {"step", 2, 0, "hours"}, depth = {"depth", 2, 0, "m"}, band = {"band", 2, 0, NULL};
    check_refused((struct dim[]){usual[0], step, usual[1], usual[2]}, 4, "a forecast along step");
    check_refused((struct dim[]){step, usual[1], usual[2]}, 3, "a forecast along step");
    check_refused((struct dim[]){usual[0], depth, band, usual[1], usual[2]}, 5, "2 values of band");
    check_refused((struct dim[]){usual[0], usual[1]}, 2, "no longitude axis");
    check_refused((struct dim[]){usual[0], {"latitude", 0, 0, NULL}, usual[2]}, 3, "t holds nothing");
}

TEST(an_unknown_dimension_of_length_one_is_passed_over) {
    const struct dim dims[] = {usual[0], {"height", 1, 2, "m"}, usual[1], usual[2]};
    struct e5_member m = open_member(make_file("height.nc", dims, 4));
    CHECK(m.axes.axis[E5_AXIS_LEVEL].var == NULL && m.count[E5_AXIS_LEVEL] == 1);
    e5_member_close(&m);
}

/* --- without netcdf-c --- */

TEST(a_file_that_needs_the_library_says_so) {
    const char *path = make_file("library.nc", usual, 3);
    struct e5_member m;
    CHECK_OK(e5_member_open(path, "t", false, NULL, &m, err));
    CHECK(m.file != NULL && !m.by_library);
    e5_member_close(&m);
    int id, type, var, dim = 0;
    NC(nc_open(path, NC_WRITE, &id));
    NC(nc_def_opaque(id, 4, "four bytes", &type));
    NC(nc_def_var(id, "opaque", type, 1, &dim, &var));
    NC(nc_close(id));
    CHECK_OK(e5_member_open(path, "t", false, NULL, &m, err));
    CHECK(m.file == NULL);
    CHECK_OK(e5_member_open(path, "t", true, NULL, &m, err));
    CHECK(m.file != NULL);
    e5_member_close(&m);
}

/* --- final or preliminary --- */

static void put_versions(const char *path, nc_type type, const void *versions, bool over_time) {
    int id, var, dim = 0;
    NC(nc_open(path, NC_WRITE, &id));
    NC(nc_def_var(id, "expver", type, over_time ? 1 : 0, &dim, &var));
    NC(nc_put_var(id, var, versions));
    NC(nc_close(id));
}

static void check_finality(const char *path, enum e5_finality first, enum e5_finality last) {
    struct e5_member m = open_member(path);
    enum e5_finality found;
    bool needs = false;
    CHECK_OK(e5_member_finality(&m, 0, true, &needs, &found, err));
    CHECK(found == first);
    CHECK_OK(e5_member_finality(&m, 2, true, &needs, &found, err));
    CHECK(found == last && !needs);
    e5_member_close(&m);
}

TEST(versions_are_known_by_text_and_by_number) {
    const char *texts[] = {"0001", "0005", "0005"}, *one = "0005", *other = "0078";
    const int numbers_of[] = {1, 1, 5};
    const char *path = make_file("version.nc", usual, 3);
    check_finality(path, E5_FINALITY_UNKNOWN, E5_FINALITY_UNKNOWN);
    put_versions(path, NC_STRING, texts, true);
    check_finality(path, E5_FINAL, E5_PRELIMINARY);
    path = make_file("version1.nc", usual, 3);
    put_versions(path, NC_STRING, &one, false);
    check_finality(path, E5_PRELIMINARY, E5_PRELIMINARY);
    path = make_file("version2.nc", usual, 3);
    put_versions(path, NC_STRING, &other, false);
    check_finality(path, E5_FINALITY_UNKNOWN, E5_FINALITY_UNKNOWN);
    path = make_file("version3.nc", usual, 3);
    put_versions(path, NC_INT, numbers_of, true);
    check_finality(path, E5_FINAL, E5_PRELIMINARY);
}

/* --- values in another order --- */

TEST(equal_values_are_found_in_any_order) {
    const double east[] = {0, 90, 180, 270, 359.99999}, west[] = {-180, -90, -0.00001, 0, 90},
                 other[] = {0, 90, 180, 270, 300};
    size_t *map = NULL;
    bool found;
    CHECK_OK(e5_fit_values(east, west, 5, 360, &found, &map, err));
    CHECK(found && map[1] == 4 && map[2] == 0 && map[3] == 1 && map[0] + map[4] == 5);
    free(map);
    CHECK_OK(e5_fit_values(east, other, 5, 360, &found, &map, err));
    CHECK(!found);
    free(map);
    CHECK_OK(e5_fit_values(east, east, 5, 0, &found, &map, err));
    CHECK(found && map == NULL);
}

/* --- as a source of a driver --- */

TEST(a_source_takes_one_level_only) {
    const struct dim one[] = {usual[0], {"level", 1, 0, "1"}, usual[1], usual[2]};
    const struct dim two[] = {usual[0], {"level", 2, 0, "1"}, usual[1], usual[2]};
    struct e5_dataset *ds = NULL;
    struct e5_source source;
    const char *path = make_file("one.nc", one, 4);
    CHECK_OK(e5_dataset_open(&path, 1, NULL, false, NULL, NULL, &ds, err));
    CHECK_OK(e5_source_files(ds, &source, err));
    CHECK(source.steps == 3 && source.cells == 8);
    e5_dataset_close(ds);
    path = make_file("two.nc", two, 4);
    CHECK_OK(e5_dataset_open(&path, 1, NULL, false, NULL, NULL, &ds, err));
    CHECK_STATUS(E5_INPUT, e5_source_files(ds, &source, err));
    e5_dataset_close(ds);
}

/* --- files that share out levels --- */

static enum e5_status read_shared(const char *const *paths, float *out, struct e5_error *err) {
    struct e5_dataset *ds = NULL;
    const int64_t reversed[] = {2, 1, 0};
    struct e5_pick pick[4] = {e5_pick_range(0, 3), {0}, e5_pick_range(0, 2), e5_pick_range(0, 4)};
    enum e5_status status = e5_dataset_open(paths, 3, NULL, true, NULL, NULL, &ds, err);
    if (status == E5_OK) status = e5_pick_list(reversed, 3, 3, &pick[1], err);
    if (status == E5_OK) status = e5_dataset_select(ds, pick, E5_F32, out, NULL, NULL, err);
    e5_pick_fini(&pick[1]);
    e5_dataset_close(ds);
    return status;
}

static void make_shared(char (*paths)[128]) {
    const struct dim first[] = {{"pressure_level", 2, 1, "hPa"}, usual[0], usual[1], usual[2]};
    const struct dim second[] = {usual[0], {"pressure_level", 1, 0, "hPa"}, usual[1], usual[2]};
    snprintf(paths[0], sizeof paths[0], "%s", make_file("share0.nc", first, 4));
    snprintf(paths[1], sizeof paths[1], "%s", make_file("share1.nc", second, 4));
    snprintf(paths[2], sizeof paths[2], "%s", make_file("share2.nc", second, 4)); /* all of it twice */
}

static void check_shared(const float *out) {
    for (int i = 0; i < 72; i++)
        CHECK(out[i] == (float)(i / 24 * 10000 + (2 - i / 8 % 3) * 100 + i / 4 % 2 * 10 + i % 4));
}

TEST(levels_come_from_several_files) {
    char paths[3][128];
    float out[72];
    make_shared(paths);
    CHECK_OK(read_shared((const char *[]){paths[0], paths[1], paths[2]}, out, err));
    check_shared(out);
}

TEST(every_allocation_may_fail) {
    char paths[3][128];
    float out[72];
    make_shared(paths);
    enum e5_status status = E5_MEMORY;
    for (long n = 1; status != E5_OK && n < 5000; n++) {
        struct e5_error err = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        status = read_shared((const char *[]){paths[0], paths[1], paths[2]}, out, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
    }
    CHECK(status == E5_OK);
    check_shared(out);
}

int main(void) {
    RUN(any_order_of_dimensions);
    RUN(versions_are_merged_wherever_they_lie);
    RUN(places_that_nothing_leads_to_stay);
    RUN(threads_merge_the_same);
    RUN(levels_have_one_name);
    RUN(what_is_no_map_over_time_is_refused);
    RUN(an_unknown_dimension_of_length_one_is_passed_over);
    RUN(a_file_that_needs_the_library_says_so);
    RUN(versions_are_known_by_text_and_by_number);
    RUN(equal_values_are_found_in_any_order);
    RUN(a_source_takes_one_level_only);
    RUN(levels_come_from_several_files);
    RUN(every_allocation_may_fail);
    return check_summary();
}
