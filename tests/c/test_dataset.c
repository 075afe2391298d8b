#include "check.h"
#include "make_nc.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/dataset.h"
#include "pool/pool.h"

enum { ROWS = 3, COLUMNS = 4, CELLS = ROWS * COLUMNS };

struct recipe { /* one file; what is not given is as in a new file of the service */
    const char *name;
    int steps;
    const int64_t *hours;   /* since 1970-01-01 */
    int chunk;              /* steps of a chunk; 0: contiguous */
    const char *time_name, *time_units, *latitude_name, *longitude_name, *variable, *units, *extra;
    int extra_length;       /* a dimension `extra` between time and latitude */
    bool ascending;         /* latitude from south to north */
    double shift;           /* of latitude */
    double longitude;       /* of the first column */
    bool squeeze;           /* no latitude and longitude dimensions but scalars */
    bool silent;            /* does not say its unit */
    nc_type type;
    int format;
};

static const char *or_else(const char *text, const char *standard) { return text != NULL ? text : standard; }

/* The value of a cell at an hour: the same in whatever file it is written. */
static double value_at(int64_t hour, int row, int column) { return (double)hour * 10 + row * 4 + column; }

static int put_axis(int id, const char *name, nc_type type, int dim, const char *units) {
    int var;
    NC(nc_def_var(id, name, type, dim >= 0, &dim, &var));
    if (units != NULL) NC(nc_put_att_text(id, var, "units", strlen(units), units));
    return var;
}

static int64_t stored_time(const struct recipe *r, int i) {
    static const int64_t dates[] = {20240131, 20240201, 20240229, 20240301};
    if (r->time_name != NULL && strcmp(r->time_name, "date") == 0) return dates[i];
    const char *units = or_else(r->time_units, "seconds");
    return strncmp(units, "hours", 5) == 0 ? r->hours[i] + 613608 : r->hours[i] * 3600; /* hours since 1900 */
}

static void put_values(const struct recipe *r, int id, int var) {
    int versions = r->extra_length > 0 ? r->extra_length : 1;
    for (int t = 0; t < r->steps; t++)
        for (int v = 0; v < versions; v++) {
            double field[CELLS];
            for (int i = 0; i < CELLS; i++) {
                int row = r->ascending ? ROWS - 1 - i / COLUMNS : i / COLUMNS;
                bool other_version = versions > 1 && (t + i) % versions != v;
                field[i] = other_version ? -32767 : value_at(r->hours != NULL ? r->hours[t] : t, row, i % COLUMNS);
            }
            size_t start[4] = {(size_t)t, 0, 0, 0}, count[4] = {1, ROWS, COLUMNS, 0};
            if (r->extra_length > 0) {
                size_t with_extra[4] = {1, 1, ROWS, COLUMNS};
                start[1] = (size_t)v;
                memcpy(count, with_extra, sizeof count);
            }
            NC(nc_put_vara_double(id, var, start, count, field));
        }
}

static void put_axes(const struct recipe *r, int id, int time, int latitude, int longitude) {
    double rows[ROWS], columns[COLUMNS];
    for (int i = 0; i < ROWS; i++) rows[i] = r->shift + (r->ascending ? 48 + i : 48 + ROWS - 1 - i);
    for (int i = 0; i < COLUMNS; i++) columns[i] = r->longitude + i;
    for (size_t i = 0; i < (size_t)r->steps; i++) {
        long long stored = stored_time(r, (int)i);
        NC(nc_put_var1_longlong(id, time, &i, &stored));
    }
    NC(nc_put_var_double(id, latitude, rows));
    NC(nc_put_var_double(id, longitude, columns));
}

static const char *make_file(const struct recipe *r) {
    const char *path = make_path(r->name), *units = or_else(r->units, "K");
    const char *time_name = or_else(r->time_name, "valid_time");
    int id, dims[4], ndim = 0, t, y, x, var;
    NC(nc_create(path, NC_CLOBBER | (r->format == 0 ? NC_NETCDF4 : r->format == 3 ? 0 : r->format), &id));
    NC(nc_def_dim(id, time_name, (size_t)r->steps, &dims[ndim++]));
    t = put_axis(id, time_name, r->format == 3 ? NC_INT : NC_INT64, dims[0],
                 or_else(r->time_units, "seconds since 1970-01-01"));
    if (r->extra != NULL) NC(nc_def_dim(id, r->extra, (size_t)r->extra_length, &dims[ndim++]));
    if (!r->squeeze) NC(nc_def_dim(id, or_else(r->latitude_name, "latitude"), ROWS, &dims[ndim++]));
    if (!r->squeeze) NC(nc_def_dim(id, or_else(r->longitude_name, "longitude"), COLUMNS, &dims[ndim++]));
    y = put_axis(id, or_else(r->latitude_name, "latitude"), NC_DOUBLE, r->squeeze ? -1 : dims[ndim - 2], NULL);
    x = put_axis(id, or_else(r->longitude_name, "longitude"), NC_DOUBLE, r->squeeze ? -1 : dims[ndim - 1], NULL);
    NC(nc_def_var(id, or_else(r->variable, "t2m"), r->type != 0 ? r->type : NC_FLOAT, ndim, dims, &var));
    if (!r->silent) NC(nc_put_att_text(id, var, "units", strlen(units), units));
    double missing = -32767;
    NC(nc_put_att_double(id, var, "missing_value", NC_DOUBLE, 1, &missing));
    size_t chunk[4] = {(size_t)r->chunk, r->extra != NULL ? 1 : 2, 2, 3};
    if (r->chunk > 0) NC(nc_def_var_chunking(id, var, NC_CHUNKED, chunk));
    if (r->chunk > 0) NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_enddef(id));
    if (r->squeeze) {
        for (size_t i = 0; i < (size_t)r->steps; i++) {
            double value = value_at(r->hours[i], 0, 0);
            long long stored = stored_time(r, (int)i);
            NC(nc_put_var1_double(id, var, &i, &value));
            NC(nc_put_var1_longlong(id, t, &i, &stored));
        }
    } else {
        put_axes(r, id, t, y, x);
        put_values(r, id, var);
    }
    NC(nc_close(id));
    return path;
}

static const int64_t day[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};

static struct e5_dataset *open_all(const char *const *paths, size_t n, const char *variable) {
    struct e5_dataset *ds = NULL;
    CHECK_OK(e5_dataset_open(paths, n, variable, true, NULL, NULL, &ds, err));
    return ds;
}

/* Every hour from 0 to n − 1 with its values, read at once, step by step and in the blocks that _block() proposes. */
static void check_hours(struct e5_dataset *ds, size_t n, const struct e5_parallel *par) {
    struct e5_time_axis axis = e5_dataset_time(ds);
    float out[24 * CELLS];
    CHECK(axis.n == n);
    for (size_t ceiling = 1; ceiling < 5000; ceiling *= 8) {
        size_t done = 0, steps;
        memset(out, 0, sizeof out);
        for (; (steps = e5_dataset_block(ds, done, ceiling)) > 0; done += steps)
            CHECK_OK(e5_dataset_read(ds, done, steps, out + done * CELLS, par, NULL, err));
        CHECK(done == n);
        for (size_t t = 0; t < n; t++)
            for (int i = 0; i < CELLS; i++) {
                double expected = value_at(axis.seconds[t] / 3600, i / COLUMNS, i % COLUMNS);
                CHECK(out[t * CELLS + (size_t)i] == (float)expected);
            }
    }
    for (size_t t = 0; t < n; t++) {
        CHECK(axis.seconds[t] == (int64_t)t * 3600);
        CHECK_OK(e5_dataset_read(ds, t, 1, out, par, NULL, err));
        CHECK(out[5] == (float)value_at((int64_t)t, 1, 1));
    }
}

static void check_day(const char *const *paths, size_t n, const char *variable) {
    struct e5_dataset *ds = open_all(paths, n, variable);
    if (ds != NULL) check_hours(ds, 24, NULL);
    e5_dataset_close(ds);
}

static size_t lines;
static char last_line[E5_LOG_LINE_SIZE];

static void take_line(void *context, enum e5_log_level level, const char *line) {
    (void)context, (void)level;
    lines++;
    snprintf(last_line, sizeof last_line, "%s", line);
}

TEST(one_file_of_each_layout) {
    const struct recipe recipes[] = {
        {.name = "new.nc", .chunk = 5},
        {.name = "flat.nc"},
        {.name = "old.nc",
         .format = 3,
         .time_name = "time",
         .time_units = "hours since 1900-01-01 00:00:00.0",
         .type = NC_INT},
        {.name = "short.nc", .latitude_name = "lat", .longitude_name = "lon", .time_name = "time", .chunk = 24},
        {.name = "number.nc", .extra = "number", .extra_length = 1, .chunk = 3},
        {.name = "versions.nc", .extra = "expver", .extra_length = 2, .chunk = 7},
        {.name = "packed.nc", .type = NC_SHORT, .chunk = 4},
    };
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        struct recipe r = recipes[i];
        r.steps = 24, r.hours = day;
        const char *path = make_file(&r);
        check_day(&path, 1, NULL);
        check_day(&path, 1, "2m_temperature");
    }
}

TEST(what_a_dataset_says_of_itself) {
    const char *path = make_file(&(struct recipe){.name = "self.nc", .steps = 2, .hours = day});
    struct e5_dataset *ds = open_all(&path, 1, "2t");
    struct e5_dataset_dim dim[E5_AXES];
    CHECK(e5_dataset_dims(ds, dim) == 3 && dim[0].role == E5_AXIS_TIME && strcmp(dim[0].name, "time") == 0);
    CHECK(dim[1].length == ROWS && dim[1].values[0] == 50 && dim[1].values[2] == 48);
    CHECK(dim[2].length == COLUMNS && dim[2].values[3] == 3 && strcmp(dim[2].name, "longitude") == 0);
    CHECK(strcmp(e5_dataset_variable(ds)->name, "t2m") == 0 && e5_dataset_dtype(ds) == E5_F32);
    CHECK(e5_dataset_time(ds).calendar == E5_STANDARD && e5_dataset_block(ds, 2, 100) == 0);
    e5_dataset_close(ds);
}

TEST(doubles_stay_doubles) {
    const char *path = make_file(&(struct recipe){
        .name = "double.nc", .steps = 2, .hours = day, .type = NC_DOUBLE, .extra = "expver", .extra_length = 2});
    double out[2 * CELLS];
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    CHECK(e5_dataset_dtype(ds) == E5_F64);
    CHECK_OK(e5_dataset_read(ds, 0, 2, out, NULL, NULL, err));
    for (int i = 0; i < 2 * CELLS; i++) CHECK(out[i] == value_at(i / CELLS, i % CELLS / COLUMNS, i % COLUMNS));
    e5_dataset_close(ds);
}

TEST(files_in_any_order) {
    const char *paths[] = {
        make_file(&(struct recipe){.name = "c.nc", .steps = 9, .hours = day + 15, .chunk = 4}),
        make_file(&(struct recipe){.name = "a.nc", .steps = 7, .hours = day, .chunk = 7}),
        make_file(&(struct recipe){.name = "b.nc",
                                   .steps = 8,
                                   .hours = day + 7,
                                   .format = 3,
                                   .time_name = "time",
                                   .time_units = "hours since 1900-01-01 00:00:00.0"}),
    };
    check_day(paths, 3, NULL);
}

TEST(interleaved_steps_and_other_row_order) {
    int64_t even[12], odd[12];
    for (int i = 0; i < 12; i++) even[i] = 2 * i, odd[i] = 2 * i + 1;
    const char *paths[] = {
        make_file(&(struct recipe){.name = "even.nc", .steps = 12, .hours = even, .chunk = 5}),
        make_file(&(struct recipe){
            .name = "odd.nc", .steps = 12, .hours = odd, .chunk = 3, .ascending = true, .longitude = 360}),
    };
    check_day(paths, 2, NULL);
}

TEST(unsorted_times) {
    int64_t mixed[24];
    for (int i = 0; i < 24; i++) mixed[i] = i * 7 % 24;
    const char *path = make_file(&(struct recipe){.name = "mixed.nc", .steps = 24, .hours = mixed, .chunk = 5});
    check_day(&path, 1, NULL);
}

TEST(duplicates_are_dropped_and_reported) {
    const char *paths[] = {
        make_file(&(struct recipe){.name = "late.nc", .steps = 16, .hours = day + 8, .chunk = 3}),
        make_file(&(struct recipe){.name = "early.nc", .steps = 12, .hours = day, .chunk = 5}),
    };
    e5_log_drain(take_line, NULL);
    lines = 0;
    check_day(paths, 2, NULL);
    e5_log_drain(take_line, NULL);
    CHECK(lines == 1);
    CHECK(strstr(last_line, "4 time steps") != NULL && strstr(last_line, "1970-01-01") != NULL);
}

TEST(gaps_stay_gaps) {
    int64_t hours[] = {0, 1, 50, 51};
    const char *path = make_file(&(struct recipe){.name = "gap.nc", .steps = 4, .hours = hours});
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    CHECK(e5_dataset_time(ds).n == 4 && e5_dataset_time(ds).seconds[2] == 50 * 3600);
    e5_dataset_close(ds);
}

TEST(holes_between_files_are_reported) {
    const char *paths[] = {
        make_file(&(struct recipe){.name = "until.nc", .steps = 11, .hours = day}),
        make_file(&(struct recipe){.name = "after.nc", .steps = 11, .hours = day + 13}),
    };
    e5_log_drain(take_line, NULL);
    lines = 0;
    struct e5_dataset *ds = open_all(paths, 2, NULL);
    e5_log_drain(take_line, NULL);
    CHECK(e5_dataset_time(ds).n == 22 && lines == 1);
    CHECK(strstr(last_line, "2 time steps are missing in 1 hole,") != NULL);
    CHECK(strstr(last_line, "1970-01-01 10:00") != NULL && strstr(last_line, "until.nc") != NULL);
    e5_dataset_close(ds);
}

TEST(files_that_do_not_say_their_unit_are_reported) {
    const char *paths[] = {
        make_file(&(struct recipe){.name = "says.nc", .steps = 12, .hours = day}),
        make_file(&(struct recipe){.name = "silent.nc", .steps = 12, .hours = day + 12, .silent = true}),
    };
    e5_log_drain(take_line, NULL);
    lines = 0;
    check_day(paths, 2, NULL);
    e5_log_drain(take_line, NULL);
    CHECK(lines == 1 && strstr(last_line, "1 of 2 files") != NULL && strstr(last_line, "silent.nc") != NULL);
}

TEST(dates_as_numbers) {
    const struct recipe recipe = {.name = "date.nc", .steps = 4, .time_name = "date", .time_units = "1"};
    const char *path = make_file(&recipe);
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    const int64_t *seconds = e5_dataset_time(ds).seconds;
    CHECK(seconds[0] == INT64_C(19753) * 86400); /* 2024-01-31 */
    CHECK(seconds[1] - seconds[0] == 86400 && seconds[3] - seconds[2] == 86400);
    e5_dataset_close(ds);
}

TEST(one_point_without_its_dimensions) {
    const char *path = make_file(&(struct recipe){.name = "point.nc", .steps = 5, .hours = day, .squeeze = true});
    float out[5];
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    CHECK(e5_dataset_length(ds, E5_AXIS_LATITUDE) == 1 && e5_dataset_length(ds, E5_AXIS_LONGITUDE) == 1);
    CHECK_OK(e5_dataset_read(ds, 0, 5, out, NULL, NULL, err));
    CHECK(out[0] == 0 && out[4] == 40);
    e5_dataset_close(ds);
}

TEST(threads_give_the_same_values) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(4, &pool, err));
    struct e5_parallel par = e5_pool_parallel(pool);
    const char *path = make_file(&(struct recipe){
        .name = "par.nc", .steps = 24, .hours = day, .chunk = 5, .extra = "expver", .extra_length = 2});
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    check_hours(ds, 24, &par);
    e5_dataset_close(ds);
    e5_pool_free(pool);
}

TEST(small_files_side_by_side_give_the_same_values) {
    enum { FILES = 8, STEPS = 24 / FILES };
    struct e5_pool *pool = NULL;
    const char *paths[FILES];
    char names[FILES][20];
    CHECK_OK(e5_pool_new(3, &pool, err));
    struct e5_parallel par = e5_pool_parallel(pool);
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "side%d.nc", i);
        paths[i] =
            make_file(&(struct recipe){.name = names[i], .steps = STEPS, .hours = day + i * STEPS, .chunk = 2});
    }
    struct e5_dataset *ds = open_all(paths, FILES, NULL);
    check_hours(ds, 24, &par);
    e5_dataset_close(ds);
    e5_pool_free(pool);
}

TEST(selecting_counts_steps_and_reading_does_not) {
    const char *path = make_file(&(struct recipe){.name = "count.nc", .steps = 24, .hours = day, .chunk = 10});
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    struct e5_pick pick[3] = {e5_pick_range(5, 13), e5_pick_range(0, ROWS), e5_pick_range(0, COLUMNS)};
    struct e5_watch watch = {0};
    float out[13 * CELLS];
    CHECK_OK(e5_dataset_select(ds, pick, E5_F32, out, NULL, &watch, err));
    CHECK(watch.done == 13 && watch.total == 13);
    CHECK_OK(e5_dataset_read(ds, 0, 13, out, NULL, &watch, err));
    CHECK(watch.done == 13 && watch.total == 13);
    pick[1] = e5_pick_range(1, ROWS);
    CHECK_STATUS(E5_INPUT, e5_dataset_select(ds, pick, E5_F32, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_dataset_select(ds, pick, E5_I64, out, NULL, NULL, err));
    e5_dataset_close(ds);
}

TEST(a_cancelled_opening_ends) {
    const char *path = make_file(&(struct recipe){.name = "cancel.nc", .steps = 2, .hours = day});
    const char *paths[] = {path, path, path};
    struct e5_watch watch = {0};
    struct e5_dataset *ds = NULL;
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_dataset_open(paths, 3, NULL, true, NULL, &watch, &ds, err));
    CHECK(ds == NULL);
}

/* --- blocks --- */

TEST(blocks_end_on_rows_of_chunks) {
    const char *chunked = make_file(&(struct recipe){.name = "rows.nc", .steps = 24, .hours = day, .chunk = 10});
    const char *flat = make_file(&(struct recipe){.name = "norows.nc", .steps = 24, .hours = day});
    size_t step = CELLS * sizeof(float);
    struct e5_dataset *ds = open_all(&chunked, 1, NULL);
    CHECK(e5_dataset_block(ds, 0, 1) == 10);         /* the row is more than the ceiling: whole all the same */
    CHECK(e5_dataset_block(ds, 0, 19 * step) == 10);
    CHECK(e5_dataset_block(ds, 0, 20 * step) == 20);
    CHECK(e5_dataset_block(ds, 7, 5 * step) == 3);
    CHECK(e5_dataset_block(ds, 20, 1000 * step) == 4);
    CHECK(e5_dataset_chunk(ds, E5_AXIS_TIME) == 10 && e5_dataset_chunk(ds, E5_AXIS_LATITUDE) == 2);
    CHECK(e5_dataset_chunk(ds, E5_AXIS_LONGITUDE) == 2 && !e5_dataset_by_library(ds));
    e5_dataset_close(ds);
    ds = open_all(&flat, 1, NULL);
    CHECK(e5_dataset_chunk(ds, E5_AXIS_TIME) == 24 && e5_dataset_chunk(ds, E5_AXIS_LONGITUDE) == COLUMNS);
    CHECK(e5_dataset_block(ds, 0, 1) == 1 && e5_dataset_block(ds, 3, 7 * step) == 7);
    e5_dataset_close(ds);
}

/* --- refusals --- */

static void check_refused(const char *const *paths, size_t n, const char *variable, const char *first,
                          const char *second) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_dataset *ds = NULL;
    CHECK(e5_dataset_open(paths, n, variable, true, NULL, NULL, &ds, &err) == E5_INPUT && ds == NULL);
    bool said = strstr(err.what, first) != NULL && strstr(err.what, second) != NULL;
    if (!said) printf("  said: %s\n", err.what);
    CHECK(said);
}

TEST(what_does_not_fit_is_refused) {
    const char *base = make_file(&(struct recipe){.name = "base.nc", .steps = 2, .hours = day});
    const char *moved = make_file(&(struct recipe){.name = "moved.nc", .steps = 2, .hours = day, .shift = 0.25});
    const char *celsius = make_file(&(struct recipe){.name = "units.nc", .steps = 2, .hours = day, .units = "degC"});
    const char *levels = make_file(&(struct recipe){
        .name = "levels.nc", .steps = 2, .hours = day, .extra = "pressure_level", .extra_length = 3});
    const char *leap = make_file(&(struct recipe){
        .name = "noleap.nc", .steps = 2, .hours = day, .time_units = "furlongs since 1970-01-01"});
    check_refused(&base, 1, "tp", "no variable tp", "there are: t2m");
    check_refused((const char *[]){base, moved}, 2, NULL, "moved.nc: its grid", "base.nc");
    check_refused((const char *[]){base, celsius}, 2, NULL, "units.nc", "unit differs");
    check_refused(&levels, 1, NULL, "3 values of pressure_level", "t2m");
    check_refused(&leap, 1, NULL, "furlongs", "");
    check_refused(NULL, 0, NULL, "no files", "");
}

TEST(several_variables_must_be_chosen_from) {
    const char *path = make_file(&(struct recipe){.name = "two.nc", .steps = 2, .hours = day});
    int id, dims[3] = {0, 1, 2}, var;
    NC(nc_open(path, NC_WRITE, &id));
    NC(nc_redef(id));
    NC(nc_def_var(id, "d2m", NC_FLOAT, 3, dims, &var));
    NC(nc_close(id));
    check_refused(&path, 1, NULL, "say which variable", "t2m, d2m");
    struct e5_dataset *ds = open_all(&path, 1, "2m_dewpoint_temperature");
    CHECK(ds != NULL && strcmp(e5_dataset_variable(ds)->name, "d2m") == 0);
    e5_dataset_close(ds);
}

TEST(a_file_without_axes_is_refused) {
    const char *path = make_path("axes.nc");
    int id, dim, var;
    NC(nc_create(path, NC_NETCDF4, &id));
    NC(nc_def_dim(id, "cell", 3, &dim));
    NC(nc_def_var(id, "t2m", NC_FLOAT, 1, &dim, &var));
    NC(nc_close(id));
    check_refused(&path, 1, NULL, "no time axis", "t2m");
}

TEST(reading_beyond_the_end_is_refused) {
    const char *path = make_file(&(struct recipe){.name = "end.nc", .steps = 2, .hours = day});
    float out[CELLS];
    struct e5_dataset *ds = open_all(&path, 1, NULL);
    CHECK_STATUS(E5_INPUT, e5_dataset_read(ds, 2, 1, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_dataset_read(ds, 3, 0, out, NULL, NULL, err));
    e5_dataset_close(ds);
}

static enum e5_status open_and_read(const char *const *paths, struct e5_error *err) {
    struct e5_dataset *ds = NULL;
    float out[24 * CELLS];
    enum e5_status status = e5_dataset_open(paths, 2, NULL, true, NULL, NULL, &ds, err);
    if (status == E5_OK) status = e5_dataset_read(ds, 0, e5_dataset_time(ds).n, out, NULL, NULL, err);
    e5_dataset_close(ds);
    return status;
}

TEST(every_allocation_may_fail) {
    int64_t even[] = {0, 2, 4}, odd[] = {1, 3, 5};
    const struct recipe first = {
        .name = "m0.nc", .steps = 3, .hours = even, .chunk = 2, .extra = "expver", .extra_length = 2};
    const struct recipe second = {.name = "m1.nc", .steps = 3, .hours = odd};
    char paths[2][128];
    snprintf(paths[0], sizeof paths[0], "%s", make_file(&first));
    snprintf(paths[1], sizeof paths[1], "%s", make_file(&second));
    enum e5_status status = E5_MEMORY;
    for (long n = 1; status != E5_OK && n < 1000; n++) {
        struct e5_error err = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        status = open_and_read((const char *[]){paths[0], paths[1]}, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
    }
    CHECK(status == E5_OK);
}

int main(void) {
    RUN(one_file_of_each_layout);
    RUN(what_a_dataset_says_of_itself);
    RUN(doubles_stay_doubles);
    RUN(files_in_any_order);
    RUN(interleaved_steps_and_other_row_order);
    RUN(unsorted_times);
    RUN(duplicates_are_dropped_and_reported);
    RUN(gaps_stay_gaps);
    RUN(holes_between_files_are_reported);
    RUN(files_that_do_not_say_their_unit_are_reported);
    RUN(dates_as_numbers);
    RUN(one_point_without_its_dimensions);
    RUN(threads_give_the_same_values);
    RUN(small_files_side_by_side_give_the_same_values);
    RUN(selecting_counts_steps_and_reading_does_not);
    RUN(a_cancelled_opening_ends);
    RUN(blocks_end_on_rows_of_chunks);
    RUN(what_does_not_fit_is_refused);
    RUN(several_variables_must_be_chosen_from);
    RUN(a_file_without_axes_is_refused);
    RUN(reading_beyond_the_end_is_refused);
    RUN(every_allocation_may_fail);
    return check_summary();
}
