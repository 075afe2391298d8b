#include "check.h"
#include "make_nc.h"

#include <pthread.h>

#include "base/alloc.h"
#include "io/join.h"
#include "io/ncfile.h"

enum { T = 7, Y = 10, X = 13, ALL = T * Y * X };

/* What a member is like; zero is the usual one: hourly, a regular grid, deflated chunks of part of the field. */
struct form {
    const char *variable, *step;
    int shift;            /* of the times */
    int fewer;            /* columns */
    int prelim;           /* from this step on, expver is 0005 */
    bool scalar_expver, no_expver, classic_model, contiguous, unlimited, fletcher, big_endian, whole, sparse, group;
    const char *units;    /* of the time */
    nc_type type;
};

static float value_at(const char *name, size_t i) {
    return i % 11 == 3 ? NAN : (float)(i * 37 % 101) + (float)name[0] / 7;
}

static void put_text(int id, int var, const char *name, const char *text) {
    NC(nc_put_att_text(id, var, name, strlen(text), text));
}

static void make_time(int id, int dim, const struct form *form) {
    int var;
    long long seconds[T];
    for (int t = 0; t < T; t++) seconds[t] = 3600LL * (t + form->shift);
    NC(nc_def_var(id, "valid_time", NC_INT64, 1, &dim, &var));
    put_text(id, var, "units", form->units != NULL ? form->units : "seconds since 1970-01-01");
    size_t start = 0, count = T;
    NC(nc_put_vara(id, var, &start, &count, seconds));
}

static void make_axis(int id, const char *name, int dim, int count) {
    int var;
    double values[X], fill = NAN;
    for (int i = 0; i < count; i++) values[i] = 50 - i * 0.25;
    NC(nc_def_var(id, name, NC_DOUBLE, 1, &dim, &var));
    NC(nc_put_att_double(id, var, "_FillValue", NC_DOUBLE, 1, &fill));
    NC(nc_put_var_double(id, var, values));
}

static void make_expver(int id, int dim, const struct form *form) {
    int var;
    const char *texts[T];
    for (int t = 0; t < T; t++) texts[t] = form->prelim > 0 && t >= form->prelim ? "0005" : "0001";
    NC(nc_def_var(id, "expver", NC_STRING, form->scalar_expver ? 0 : 1, &dim, &var));
    size_t start = 0, count = T;
    NC(nc_put_vara_string(id, var, &start, &count, texts));
}

static void make_data(int id, const int *dims, const struct form *form) {
    int var, columns = X - form->fewer;
    float values[ALL], fill = NAN;
    size_t chunk[3] = {3, 4, 5}, whole[3] = {T, Y, (size_t)columns}, start[3] = {0},
           count[3] = {T, Y, (size_t)columns};
    NC(nc_def_var(id, form->variable, form->type != 0 ? form->type : NC_FLOAT, 3, dims, &var));
    if (!form->contiguous) NC(nc_def_var_chunking(id, var, NC_CHUNKED, form->whole ? whole : chunk));
    if (!form->contiguous) NC(nc_def_var_deflate(id, var, 1, 1, 1));
    if (form->fletcher) NC(nc_def_var_fletcher32(id, var, NC_FLETCHER32));
    if (form->big_endian) NC(nc_def_var_endian(id, var, NC_ENDIAN_BIG));
    if (form->type == 0) NC(nc_put_att_float(id, var, "_FillValue", NC_FLOAT, 1, &fill));
    if (form->step != NULL) put_text(id, var, "GRIB_stepType", form->step);
    put_text(id, var, "coordinates", "number valid_time expver  latitude");
    for (size_t i = 0; i < ALL; i++) values[i] = value_at(form->variable, i);
    if (form->type != 0)
        for (size_t i = 0; i < ALL; i++) values[i] = values[i] == values[i] ? values[i] : 0;
    if (form->sparse) count[0] = 2; /* later chunks are never written */
    NC(nc_put_vara_float(id, var, start, count, values));
}

static const char *make_member(const char *name, struct form form) {
    const char *path = make_path(name);
    int id, dims[3], number, group, flags = NC_NETCDF4 | (form.classic_model ? NC_CLASSIC_MODEL : 0);
    long long zero = 0;
    unlink(path);
    NC(nc_create(path, flags, &id));
    NC(nc_def_dim(id, "valid_time", form.unlimited ? NC_UNLIMITED : T, &dims[0]));
    NC(nc_def_dim(id, "latitude", Y, &dims[1]));
    NC(nc_def_dim(id, "longitude", (size_t)(X - form.fewer), &dims[2]));
    put_text(id, NC_GLOBAL, "history", name);
    NC(nc_put_att_longlong(id, NC_GLOBAL, "GRIB_subCentre", form.classic_model ? NC_INT : NC_INT64, 1, &zero));
    if (form.classic_model) {
        NC(nc_close(id));
        return path;
    }
    NC(nc_def_var(id, "number", NC_INT64, 0, NULL, &number));
    NC(nc_put_var_longlong(id, number, &zero));
    make_time(id, dims[0], &form);
    make_axis(id, "latitude", dims[1], Y);
    make_axis(id, "longitude", dims[2], X - form.fewer);
    if (!form.no_expver) make_expver(id, dims[0], &form);
    if (form.group) NC(nc_def_grp(id, "more", &group));
    make_data(id, dims, &form);
    NC(nc_close(id));
    return path;
}

static bool add(struct e5_join *join, const char *path) {
    bool fits = false;
    CHECK_OK(e5_join_add(join, path, &fits, NULL, err));
    return fits;
}

static struct e5_join *set_of(const char *first) {
    struct e5_join *join = NULL;
    CHECK_OK(e5_join_new(&join, err));
    CHECK(add(join, first));
    return join;
}

static bool two_fit(struct form a, struct form b) {
    struct e5_join *join = set_of(make_member("first.nc", a));
    bool fits = add(join, make_member("second.nc", b));
    CHECK(e5_join_count(join) == (fits ? 2u : 1u));
    e5_join_free(join);
    return fits;
}

/* Every value of a variable is bit for bit that of another file, as netcdf-c reads it. */
static void check_values(const char *joined, const char *member, const char *name) {
    static float a[ALL], b[ALL];
    int id[2], var;
    const char *paths[2] = {joined, member};
    for (int i = 0; i < 2; i++) {
        memset(i == 0 ? a : b, 7, sizeof a);
        NC(nc_open(paths[i], NC_NOWRITE, &id[i]));
        NC(nc_inq_varid(id[i], name, &var));
        NC(nc_get_var_float(id[i], var, i == 0 ? a : b));
        NC(nc_close(id[i]));
    }
    CHECK(memcmp(a, b, sizeof a) == 0);
}

static void text_of(const char *path, const char *variable, const char *attribute, char *out) {
    int id, var = NC_GLOBAL;
    size_t length = 0;
    NC(nc_open(path, NC_NOWRITE, &id));
    if (variable != NULL) NC(nc_inq_varid(id, variable, &var));
    NC(nc_inq_attlen(id, var, attribute, &length));
    NC(nc_get_att_text(id, var, attribute, out));
    out[length] = '\0';
    NC(nc_close(id));
}

static bool has(const char *path, const char *variable) {
    struct e5_ncfile *file = NULL;
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    bool found = file != NULL && e5_ncfile_find(file, variable) != NULL;
    e5_ncfile_close(file);
    return found;
}

static const char *write_set(struct e5_join *join) {
    static char path[128];
    snprintf(path, sizeof path, "%s", make_path("joined.nc"));
    unlink(path);
    CHECK_OK(e5_join_write(join, path, NULL, err));
    return path;
}

/* --- what fits --- */

TEST(members_of_one_grid_and_time_fit) {
    CHECK(two_fit((struct form){.variable = "t2m"}, (struct form){.variable = "tp"}));
    CHECK(two_fit((struct form){.variable = "t2m", .contiguous = true}, (struct form){.variable = "tp"}));
    CHECK(two_fit((struct form){.variable = "t2m", .no_expver = true}, (struct form){.variable = "tp"}));
    CHECK(two_fit((struct form){.variable = "t2m"}, (struct form){.variable = "tp", .prelim = 4}));
}

TEST(other_members_do_not) {
    struct form first = {.variable = "t2m"};
    CHECK(!two_fit(first, (struct form){.variable = "t2m"}));
    CHECK(!two_fit(first, (struct form){.variable = "swh", .fewer = 6}));
    CHECK(!two_fit(first, (struct form){.variable = "tp", .shift = 1}));
    CHECK(!two_fit(first, (struct form){.variable = "tp", .units = "hours since 1970-01-01"}));
    CHECK(!two_fit(first, (struct form){.variable = "tp", .classic_model = true}));
    CHECK(!two_fit((struct form){.variable = "tp", .classic_model = true}, first));
    CHECK(!two_fit(first, (struct form){.variable = "tp", .group = true}));
    CHECK(!two_fit((struct form){.variable = "tp", .group = true}, first));
}

TEST(what_does_not_fit_leaves_the_set_as_it_was) {
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    CHECK(!add(join, make_member("b.nc", (struct form){.variable = "tp", .shift = 1})));
    CHECK_STATUS(E5_CORRUPT, e5_join_add(join, make_bytes("c.nc", "no", 2), &(bool){true}, NULL, err));
    CHECK(add(join, make_member("d.nc", (struct form){.variable = "sp"})));
    const char *path = write_set(join);
    CHECK(has(path, "t2m") && has(path, "sp") && !has(path, "tp"));
    e5_join_free(join);
}

/* --- what comes out --- */

TEST(all_values_and_attributes_are_there) {
    static const struct form forms[] = {
        {.variable = "chunked"},
        {.variable = "whole", .whole = true},
        {.variable = "contiguous", .contiguous = true},
        {.variable = "fletcher", .fletcher = true},
        {.variable = "big", .big_endian = true},
        {.variable = "integers", .type = NC_SHORT},
        {.variable = "doubles", .type = NC_DOUBLE},
        {.variable = "sparse", .sparse = true},
    };
    enum { COUNT = sizeof forms / sizeof forms[0] };
    char text[200];
    struct e5_join *join = NULL;
    CHECK_OK(e5_join_new(&join, err));
    for (int i = 0; i < COUNT; i++) CHECK(add(join, make_member(forms[i].variable, forms[i])));
    const char *path = write_set(join);
    for (int i = 0; i < COUNT; i++) {
        check_values(path, make_path(forms[i].variable), forms[i].variable);
        text_of(path, forms[i].variable, "coordinates", text);
        CHECK(strcmp(text, "number valid_time expver  latitude") == 0);
    }
    text_of(path, NULL, "history", text);
    CHECK(strcmp(text, "chunked") == 0);
    e5_join_free(join);
}

TEST(storage_stays_as_it_was) {
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    CHECK(add(join, make_member("b.nc", (struct form){.variable = "tp", .big_endian = true, .fletcher = true})));
    const char *path = write_set(join);
    int id, var, storage, shuffle, deflate, level, endian, fletcher, no_fill;
    size_t chunk[3];
    float fill = 0;
    NC(nc_open(path, NC_NOWRITE, &id));
    NC(nc_inq_varid(id, "tp", &var));
    NC(nc_inq_var_chunking(id, var, &storage, chunk));
    NC(nc_inq_var_deflate(id, var, &shuffle, &deflate, &level));
    NC(nc_inq_var_endian(id, var, &endian));
    NC(nc_inq_var_fletcher32(id, var, &fletcher));
    NC(nc_inq_var_fill(id, var, &no_fill, &fill));
    CHECK(storage == NC_CHUNKED && chunk[0] == 3 && chunk[1] == 4 && chunk[2] == 5);
    CHECK(shuffle == 1 && deflate == 1 && level == 1 && endian == NC_ENDIAN_BIG && fletcher == NC_FLETCHER32);
    CHECK(no_fill == 0 && isnan(fill));
    NC(nc_close(id));
    e5_join_free(join);
}

TEST(an_unlimited_dimension_stays_one) {
    struct form form = {.variable = "t2m", .unlimited = true, .whole = true};
    struct e5_join *join = set_of(make_member("a.nc", form));
    form.variable = "tp";
    CHECK(add(join, make_member("b.nc", form)));
    const char *path = write_set(join);
    int id, dim, count;
    NC(nc_open(path, NC_NOWRITE, &id));
    NC(nc_inq_unlimdims(id, &count, &dim));
    CHECK(count == 1);
    NC(nc_close(id));
    check_values(path, make_path("a.nc"), "t2m");
    check_values(path, make_path("b.nc"), "tp");
    e5_join_free(join);
}

/* --- expver --- */

static void check_expver(const char *path, const char *name, int prelim) {
    int id, var;
    char *texts[T];
    NC(nc_open(path, NC_NOWRITE, &id));
    NC(nc_inq_varid(id, name, &var));
    NC(nc_get_var_string(id, var, texts));
    for (int t = 0; t < T; t++) CHECK(strcmp(texts[t], prelim > 0 && t >= prelim ? "0005" : "0001") == 0);
    NC(nc_free_string(T, texts));
    NC(nc_close(id));
}

TEST(different_expver_are_kept_beside_one_another) {
    char text[200];
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m", .prelim = 2}));
    CHECK(add(join, make_member("b.nc", (struct form){.variable = "tp", .step = "accum", .prelim = 5})));
    CHECK(add(join, make_member("c.nc", (struct form){.variable = "mtpr", .step = "avg", .prelim = 5})));
    CHECK(add(join, make_member("d.nc", (struct form){.variable = "ssr", .step = "accum", .prelim = 5})));
    CHECK(add(join, make_member("e.nc", (struct form){.variable = "slhf", .step = "accum", .prelim = 6})));
    CHECK(add(join, make_member("f.nc", (struct form){.variable = "odd", .step = "../x", .prelim = 4})));
    CHECK(add(join, make_member("g.nc", (struct form){.variable = "sp", .step = "instant", .prelim = 2})));
    const char *path = write_set(join);
    check_expver(path, "expver", 2);
    check_expver(path, "expver_accum", 5);
    check_expver(path, "expver_avg", 5);
    check_expver(path, "expver_2", 6);
    check_expver(path, "expver_3", 4);
    text_of(path, "tp", "coordinates", text);
    CHECK(strcmp(text, "number valid_time expver_accum  latitude") == 0);
    text_of(path, "ssr", "coordinates", text);
    CHECK(strcmp(text, "number valid_time expver_accum  latitude") == 0);
    text_of(path, "slhf", "coordinates", text);
    CHECK(strcmp(text, "number valid_time expver_2  latitude") == 0);
    text_of(path, "sp", "coordinates", text);
    CHECK(strcmp(text, "number valid_time expver  latitude") == 0);
    e5_join_free(join);
}

/* --- faults --- */

TEST(a_target_that_is_there_is_left_alone) {
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    const char *path = make_bytes("joined.nc", "precious", 8);
    size_t size;
    CHECK_STATUS(E5_STORAGE, e5_join_write(join, path, NULL, err));
    unsigned char *bytes = make_slurp(path, &size);
    CHECK(size == 8 && memcmp(bytes, "precious", 8) == 0);
    free(bytes);
    e5_join_free(join);
}

TEST(a_folder_that_is_not_there_is_a_storage_fault) {
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    CHECK_STATUS(E5_STORAGE, e5_join_write(join, make_path("nowhere/joined.nc"), NULL, err));
    e5_join_free(join);
}

TEST(a_full_disk_is_a_storage_fault) {
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    CHECK(symlink("/dev/full", make_path("full.nc")) == 0);
    CHECK_STATUS(E5_STORAGE, e5_join_write(join, make_path("full.nc"), NULL, err));
    e5_join_free(join);
}

TEST(a_variable_larger_than_its_file_can_be_is_refused) {
    int id, dims[2], var;
    const char *path = make_path("claim.nc");
    NC(nc_create(path, NC_NETCDF4, &id));
    NC(nc_def_dim(id, "y", 1000000, &dims[0]));
    NC(nc_def_dim(id, "x", 1000000, &dims[1]));
    NC(nc_def_var(id, "nothing", NC_DOUBLE, 2, dims, &var)); /* contiguous, and never written */
    NC(nc_def_var_fill(id, var, NC_NOFILL, NULL));
    NC(nc_close(id));
    struct e5_join *join = set_of(path);
    CHECK_STATUS(E5_UNSAFE, e5_join_write(join, make_path("claimed.nc"), NULL, err));
    e5_join_free(join);
}

TEST(cancelling_and_lack_of_memory_are_passed_on) {
    struct e5_watch watch = {0};
    struct e5_join *join = set_of(make_member("a.nc", (struct form){.variable = "t2m"}));
    make_member("b.nc", (struct form){.variable = "tp"});
    int failed = 0;
    for (long n = 1; n < 400; n += 1 + n / 20) {
        struct e5_error err = E5_ERROR_NONE;
        struct e5_join *set = NULL;
        bool fits;
        unlink(make_path("joined.nc"));
        e5_alloc_fail_after(n);
        enum e5_status status = e5_join_new(&set, &err);
        if (status == E5_OK) status = e5_join_add(set, make_path("a.nc"), &fits, NULL, &err);
        if (status == E5_OK) status = e5_join_add(set, make_path("b.nc"), &fits, NULL, &err);
        if (status == E5_OK) status = e5_join_write(set, make_path("joined.nc"), NULL, &err);
        e5_alloc_fail_after(0);
        e5_join_free(set);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failed += status == E5_MEMORY;
    }
    CHECK(failed > 20);
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_join_write(join, make_path("cancelled.nc"), &watch, err));
    e5_join_free(join);
}

/* --- beside other readers --- */

static void *read_on(void *context) {
    const atomic_bool *stop = context;
    while (!atomic_load(stop)) {
        struct e5_ncfile *file = NULL;
        CHECK_OK(e5_ncfile_open(make_path("read.nc"), NULL, &file, err));
        e5_ncfile_close(file);
    }
    return NULL;
}

TEST(others_read_meanwhile) {
    atomic_bool stop = false;
    pthread_t reader;
    make_member("read.nc", (struct form){.variable = "t2m"});
    make_member("a.nc", (struct form){.variable = "t2m"});
    make_member("b.nc", (struct form){.variable = "tp"});
    CHECK(pthread_create(&reader, NULL, read_on, &stop) == 0);
    for (int i = 0; i < 20; i++) {
        char name[32], path[128];
        struct e5_join *join = set_of(make_path("a.nc"));
        CHECK(add(join, make_path("b.nc")));
        snprintf(name, sizeof name, "joined%d.nc", i);
        snprintf(path, sizeof path, "%s/%s", make_folder, name);
        CHECK_OK(e5_join_write(join, path, NULL, err));
        e5_join_free(join);
    }
    atomic_store(&stop, true);
    pthread_join(reader, NULL);
}

int main(void) {
    RUN(members_of_one_grid_and_time_fit);
    RUN(other_members_do_not);
    RUN(what_does_not_fit_leaves_the_set_as_it_was);
    RUN(all_values_and_attributes_are_there);
    RUN(storage_stays_as_it_was);
    RUN(an_unlimited_dimension_stays_one);
    RUN(different_expver_are_kept_beside_one_another);
    RUN(a_target_that_is_there_is_left_alone);
    RUN(a_folder_that_is_not_there_is_a_storage_fault);
    RUN(a_full_disk_is_a_storage_fault);
    RUN(a_variable_larger_than_its_file_can_be_is_refused);
    RUN(cancelling_and_lack_of_memory_are_passed_on);
    RUN(others_read_meanwhile);
    return check_summary();
}
