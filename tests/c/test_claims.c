/* Files that are sound as files, and claim what no honest one does, or hold what no reader can use: each is refused
 * in words that say so, before memory or time are spent on it. */
#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>

#include "check.h"
#include "io/dataset.h"
#include "io/dataset_parts.h"
#include "io/h5.h"
#include "io/h5_walk.h"
#include "io/library.h"
#include "io/ncfile.h"
#include "io/texts.h"
#include "make_nc.h"

static void check_told(enum e5_status status, enum e5_status expected, const struct e5_error *said,
                       const char *what) {
    bool told = status == expected && said->status == expected && strstr(said->what, what) != NULL;
    if (!told) printf("  %s, not '%s': %s\n", e5_status_name(status), what, said->what);
    CHECK(told);
}

/* --- netCDF-3: a header by hand, with one attribute of so many characters, in a file that is mostly a hole --- */

static const char *make_header(const char *name, uint32_t characters, off_t size) {
    unsigned char head[36] = "CDF\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\14\0\0\0\1\0\0\0\1a\0\0\0\0\0\0\2";
    unsigned char length[4] = {(unsigned char)(characters >> 24), (unsigned char)(characters >> 16),
                               (unsigned char)(characters >> 8), (unsigned char)characters};
    const char *path = make_bytes(name, head, sizeof head);
    int file = open(path, O_WRONLY | O_APPEND);
    if (write(file, length, 4) != 4 || ftruncate(file, size) != 0 || close(file) != 0) exit(2);
    return path;
}

static void check_file(const char *path, enum e5_status expected, const char *what) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_ncfile *file = NULL;
    check_told(e5_ncfile_open_direct(path, NULL, &file, &said), expected, &said, what);
    CHECK(file == NULL && said.target[0] != '\0');
}

TEST(headers_larger_than_any_real_one) {
    check_file(make_header("header.nc", 140000000, 150000000), E5_UNSAFE, "a header of more than 128 MiB");
    check_file(make_header("text.nc", 5000000, 6000000), E5_UNSAFE, "attributes of more than 64 MiB");
    const char *path = make_path("dims.nc");
    int id, dim;
    NC(nc_create(path, NC_CLOBBER, &id));
    for (int i = 0; i < 1025; i++) {
        char name[20];
        snprintf(name, sizeof name, "d%d", i);
        NC(nc_def_dim(id, name, 1, &dim));
    }
    NC(nc_close(id));
    check_file(path, E5_UNSAFE, "header claims more than 1024 dimensions");
}

/* Many names for one object with as many attributes as an object can have. */
TEST(attributes_of_many_objects_add_up) {
    static double values[8000];
    const char *path = make_path("attributes.h5");
    hsize_t length = 8000;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    hid_t set = H5Dcreate2(file, "set", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t list = H5Screate_simple(1, &length, NULL);
    for (int i = 0; i < 100; i++) {
        char name[20];
        snprintf(name, sizeof name, "n%d", i);
        hid_t attr = H5Acreate2(set, name, H5T_IEEE_F64LE, list, H5P_DEFAULT, H5P_DEFAULT);
        CHECK(attr >= 0 && H5Awrite(attr, H5T_NATIVE_DOUBLE, values) >= 0 && H5Aclose(attr) >= 0);
    }
    for (int i = 0; i < 12; i++) {
        char name[20];
        snprintf(name, sizeof name, "set%d", i);
        CHECK(H5Lcreate_hard(file, "set", file, name, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    }
    H5Dclose(set), H5Sclose(space), H5Sclose(list), H5Fclose(file);
    check_file(path, E5_UNSAFE, "attributes of more than 64 MiB");
}

/* --- numbers in the header of an old HDF5 file --- */

/* A variable of COUNT numbers; the file's every COUNT is then made a million times as large. */
enum { COUNT = 4321 };

static const char *make_stretched(const char *name, H5D_layout_t layout) {
    static float numbers[COUNT];
    const char *path = make_path(name);
    hsize_t dim = COUNT;
    size_t size;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(1, &dim, NULL),
          how = H5Pcreate(H5P_DATASET_CREATE);
    CHECK(H5Pset_layout(how, layout) >= 0);
    hid_t set = H5Dcreate2(file, "v", H5T_IEEE_F32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    CHECK(set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    H5Dclose(set), H5Pclose(how), H5Sclose(space), H5Fclose(file);
    unsigned char *bytes = make_slurp(path, &size);
    const uint64_t old = COUNT, new = (uint64_t)COUNT << 20;
    for (unsigned char *at = bytes; (at = memmem(at, (size_t)(bytes + size - at), &old, sizeof old)) != NULL; at++)
        memcpy(at, &new, sizeof new);
    path = make_bytes(name, bytes, size);
    free(bytes);
    return path;
}

TEST(variables_longer_than_their_data) {
    check_file(make_stretched("compact.h5", H5D_COMPACT), E5_CORRUPT, "fewer data than its shape says");
    check_file(make_stretched("contiguous.h5", H5D_CONTIGUOUS), E5_CORRUPT, "fewer data than its shape says");
}

/* --- texts --- */

static void check_texts(const char *path, const char *what) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_ncfile *file = NULL;
    struct e5_texts texts;
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    check_told(e5_texts_read(file, e5_ncfile_find(file, "words"), &texts, &said), E5_UNSAFE, &said, what);
    CHECK(texts.bytes == NULL && texts.count == 0);
    e5_ncfile_close(file);
}

/* Nothing of it is written: a few kilobytes on the disk. */
TEST(more_texts_than_can_be_meant) {
    const char *path = make_path("texts.nc");
    int id, dim, var;
    size_t chunk = 1 << 20;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", E5_TEXTS_MAX + 1, &dim));
    NC(nc_def_var(id, "words", NC_STRING, 1, &dim, &var));
    NC(nc_def_var_chunking(id, var, NC_CHUNKED, &chunk));
    NC(nc_close(id));
    check_texts(path, "variable 'words' claims 16777217 texts");

    path = make_path("wide.h5");
    hsize_t length = 1 << 20, chunks = 1 << 10;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1),
          space = H5Screate_simple(1, &length, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    CHECK(H5Tset_size(type, 1000) >= 0 && H5Pset_chunk(how, 1, &chunks) >= 0);
    hid_t set = H5Dcreate2(file, "words", type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    CHECK(set >= 0);
    H5Dclose(set), H5Pclose(how), H5Sclose(space), H5Tclose(type), H5Fclose(file);
    check_texts(path, "claims 1048576000 bytes");
}

/* --- what netcdf-c must not be led to --- */

static void check_admitted(const char *path, enum e5_status expected, const char *what) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_ncfile *file = NULL;
    CHECK_OK(e5_ncfile_open_direct(path, NULL, &file, err));
    CHECK(file != NULL);
    if (file != NULL) check_told(e5_library_admit(file, &said), expected, &said, what);
    e5_ncfile_close(file);
}

/* A file with a group; both are open. */
static const char *begin_file(const char *name, hid_t *file, hid_t *group) {
    const char *path = make_path(name);
    *file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    *group = H5Gcreate2(*file, "below", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CHECK(*file >= 0 && *group >= 0);
    return path;
}

TEST(links_below_the_root_are_looked_at_before_netcdf_c_follows_them) {
    hid_t file, group;
    const char *path = begin_file("links.nc", &file, &group);
    CHECK(H5Lcreate_external("/etc/hostname", "/", group, "x", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_UNSAFE, "links to other files");
}

TEST(links_within_a_file_are_taken) {
    hid_t file, group;
    const char *path = begin_file("honest.nc", &file, &group);
    H5Gclose(H5Gcreate2(file, "beside", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    CHECK(H5Lcreate_soft("/nothing", group, "leads nowhere", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    CHECK(H5Lcreate_hard(file, "beside", group, "one", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    CHECK(H5Lcreate_soft("/beside", group, "two", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_OK, "");
}

/* netcdf-c would go round until its stack ends. */
TEST(groups_that_contain_themselves_are_refused) {
    hid_t file, group;
    const char *path = begin_file("hard.nc", &file, &group);
    CHECK(H5Lcreate_hard(file, "below", group, "again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_UNSAFE, "or in themselves");
    path = begin_file("soft.nc", &file, &group);
    CHECK(H5Lcreate_soft("/below", group, "again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_UNSAFE, "or in themselves");
}

static const char *make_deep(const char *name, int depth) {
    hid_t file, group;
    const char *path = begin_file(name, &file, &group);
    for (int i = 2; i < depth; i++) {
        hid_t inner = H5Gcreate2(group, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(group);
        group = inner;
    }
    H5Gclose(group), H5Fclose(file);
    return path;
}

TEST(groups_too_deep_within_each_other_are_refused) {
    check_admitted(make_deep("deepest.nc", E5_H5_GROUPS_MAX), E5_OK, "");
    check_admitted(make_deep("deeper.nc", E5_H5_GROUPS_MAX + 1), E5_UNSAFE, "groups too deep");
    check_admitted(make_deep("deep.nc", 20000), E5_UNSAFE, "groups too deep");
}

/* The node of the second group's tree gets itself as its only child: HDF5 would go down for ever. */
static void bend_tree(const char *path) {
    static unsigned char bytes[1 << 20];
    FILE *file = fopen(path, "r+b");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    unsigned char *first = memmem(bytes, size, "TREE", 4);
    unsigned char *second = first != NULL ? memmem(first + 4, size - (size_t)(first + 4 - bytes), "TREE", 4) : NULL;
    CHECK(second != NULL);
    if (second != NULL) {
        uint64_t own = (uint64_t)(second - bytes);
        second[5] = second[6] = 1; /* level, entries */
        memcpy(second + 32, &own, 8);
    }
    rewind(file);
    CHECK(fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

TEST(trees_of_groups_that_contain_themselves_are_refused) {
    hid_t file, group;
    const char *path = begin_file("tree.nc", &file, &group);
    H5Gclose(H5Gcreate2(group, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(group), H5Fclose(file);
    bend_tree(path);
    check_admitted(path, E5_CORRUPT, "");
}

TEST(numbers_that_netcdf_c_takes_for_texts_are_refused) {
    hid_t file, group;
    hsize_t length = 3;
    const char *path = begin_file("wide.nc", &file, &group);
    hid_t space = H5Screate_simple(1, &length, NULL), type = H5Tcopy(H5T_IEEE_F64LE);
    CHECK(H5Tset_size(type, 16) >= 0);
    hid_t set = H5Dcreate2(group, "v", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CHECK(set >= 0);
    H5Dclose(set), H5Tclose(type), H5Sclose(space), H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_UNSAFE, "numbers of more than 8 bytes");
}

/* netcdf-c opens the other file as soon as it opens this one, whichever variable is wanted. */
TEST(data_in_other_files_are_not_looked_for) {
    hid_t file, group;
    hsize_t length = 4;
    const char *path = begin_file("virtual.nc", &file, &group);
    hid_t how = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &length, NULL);
    CHECK(H5Pset_virtual(how, space, "other.nc", "x", space) >= 0);
    hid_t set = H5Dcreate2(group, "v", H5T_NATIVE_INT, space, H5P_DEFAULT, how, H5P_DEFAULT);
    CHECK(set >= 0);
    H5Dclose(set), H5Sclose(space), H5Pclose(how), H5Gclose(group), H5Fclose(file);
    check_admitted(path, E5_UNSAFE, "data lie in other files");
}

/* --- packing --- */

TEST(a_scale_that_is_no_number) {
    const char *path = make_path("scale.nc");
    struct e5_error said = E5_ERROR_NONE;
    struct e5_ncfile *file = NULL;
    int id, dim, var;
    size_t start = 0, count = 3;
    double nan = NAN, out[3];
    NC(nc_create(path, NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", 3, &dim));
    NC(nc_def_var(id, "v", NC_SHORT, 1, &dim, &var));
    NC(nc_put_att_double(id, var, "scale_factor", NC_DOUBLE, 1, &nan));
    NC(nc_close(id));
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    check_told(e5_ncfile_read(file, &file->var[0], &start, &count, E5_F64, out, NULL, NULL, &said), E5_CORRUPT, &said,
               "variable v: scale_factor or add_offset is no number");
    CHECK(said.hint[0] != '\0');
    e5_ncfile_close(file);
}

/* --- data sets: a field over these dimensions, each with a coordinate from, from + 1, …, of which none is written
 * where there are very many --- */

enum { WRITTEN = 2000 };

struct dim {
    const char *name;
    size_t length;
    double from;
    const char *units, *on; /* `on`: runs along that dimension, which is another's */
};

#define HOURS "hours since 1970-01-01"

static int find_dim(int id, const struct dim *dim) {
    int found;
    if (dim->on != NULL) {
        NC(nc_inq_dimid(id, dim->on, &found));
    } else {
        NC(nc_def_dim(id, dim->name, dim->length, &found));
    }
    return found;
}

static const char *make_field(const char *name, const struct dim *dim, int ndim) {
    const char *path = make_path(name);
    int id, var, axis[6], dims[6], n = 0;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    for (int d = 0; d < ndim; d++) {
        int along = find_dim(id, &dim[d]);
        NC(nc_def_var(id, dim[d].name, NC_DOUBLE, 1, &along, &axis[d]));
        if (dim[d].length > WRITTEN) NC(nc_def_var_chunking(id, axis[d], NC_CHUNKED, &(size_t){1 << 20}));
        if (dim[d].units != NULL) NC(nc_put_att_text(id, axis[d], "units", strlen(dim[d].units), dim[d].units));
        if (dim[d].on == NULL) dims[n++] = along;
    }
    NC(nc_def_var(id, "t", NC_FLOAT, n, dims, &var));
    size_t chunk[6] = {1, 1, 1, 1, 1, 1};
    NC(nc_def_var_chunking(id, var, NC_CHUNKED, chunk));
    NC(nc_enddef(id));
    for (int d = 0; d < ndim; d++)
        for (size_t i = 0; i < dim[d].length && dim[d].length <= WRITTEN; i++)
            NC(nc_put_var1_double(id, axis[d], &i, &(double){dim[d].from + (double)i}));
    NC(nc_close(id));
    return path;
}

static void check_dataset(const char *const *paths, size_t n, enum e5_status expected, const char *what) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_dataset *dataset = NULL;
    check_told(e5_dataset_open(paths, n, "t", true, NULL, NULL, &dataset, &said), expected, &said, what);
    CHECK(dataset == NULL);
}

static void check_field(const struct dim *dim, int ndim, enum e5_status expected, const char *what) {
    const char *path = make_field("field.nc", dim, ndim);
    check_dataset(&path, 1, expected, what);
}

static const struct dim usual[] = {
    {"time", 3, 0, HOURS, NULL}, {"latitude", 2, 0, NULL, NULL}, {"longitude", 4, 0, NULL, NULL}};

TEST(axes_that_are_none) {
    const struct dim silent = {"time", 3, 0, NULL, NULL}, holed = {"latitude", 2, NAN, NULL, NULL};
    const struct dim many = {"expver", 17, 0, NULL, NULL}, never = {"time", 0, 0, HOURS, NULL};
    const struct dim stations = {"station", 5, 0, NULL, NULL}, wide = {"longitude", 100000000, 0, NULL, NULL};
    const struct dim north = {"latitude", 5, 0, NULL, "station"}, east = {"longitude", 5, 0, NULL, "station"};
    check_field((struct dim[]){silent, usual[1], usual[2]}, 3, E5_INPUT, "time has no units");
    check_field((struct dim[]){usual[0], holed, usual[2]}, 3, E5_CORRUPT, "latitude has a missing value");
    check_field((struct dim[]){usual[0], usual[2]}, 2, E5_INPUT, "no latitude axis");
    check_field((struct dim[]){usual[0], stations, north, east}, 4, E5_INPUT,
                "t is on no grid: its latitude and longitude run along station");
    check_field((struct dim[]){usual[0], many, usual[1], usual[2]}, 4, E5_UNSAFE, "t claims 17 versions");
    check_field((struct dim[]){usual[0], usual[1], wide}, 3, E5_UNSAFE, "longitude claims 100000000 values");
    check_field((struct dim[]){never, usual[1], usual[2]}, 3, E5_INPUT, "no time steps");
}

TEST(more_levels_and_numbers_than_can_be_shared_out) {
    const char *paths[2];
    for (int i = 0; i < 2; i++) {
        const struct dim dims[] = {
            usual[0], {"number", 1001, 0, NULL, NULL}, {"level", 500, 500 * i, "1", NULL}, usual[1], usual[2]};
        paths[i] = make_field(i == 0 ? "low.nc" : "high.nc", dims, 5);
    }
    check_dataset(paths, 2, E5_UNSAFE, "1001 numbers of 1000 levels in several files are too many");
}

/* Their times alone would take gigabytes: the files are made up. */
TEST(more_time_steps_than_can_be_counted) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_part parts[3] = {{.layer = 0}};
    struct e5_layer layer = {.entry = NULL};
    struct e5_dataset dataset = {.parts = 3, .layers = 1, .part = parts, .layer = &layer};
    for (int i = 0; i < 3; i++) parts[i].member.count[E5_AXIS_TIME] = (size_t)1 << 30;
    check_told(e5_dataset_make_steps(&dataset, &said), E5_INPUT, &said, "more than 2³¹ time steps");
}

/* --- files that somebody is at work on --- */

TEST(a_file_that_is_being_written_is_left_alone) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_probe probe;
    const char *path = make_field("locked.nc", usual, 3);
    int writer = open(path, O_RDWR);
    unsetenv("HDF5_USE_FILE_LOCKING");
    CHECK(flock(writer, LOCK_EX) == 0);
    check_told(e5_probe_file(path, &probe, &said), E5_TARGET_BUSY, &said, "another program has it open for writing");
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    CHECK_OK(e5_probe_file(path, &probe, err));
    unsetenv("HDF5_USE_FILE_LOCKING");
    close(writer);
    CHECK_OK(e5_probe_file(path, &probe, err));
}

TEST(a_file_that_ends_too_early) {
    struct e5_error said = E5_ERROR_NONE;
    char bytes[8];
    const char *path = make_bytes("short.bin", "1234567", 7);
    int file = open(path, O_RDONLY);
    CHECK_OK(e5_probe_read(path, file, 3, bytes, 4, err));
    check_told(e5_probe_read(path, file, 3, bytes, 5, &said), E5_CORRUPT, &said, "ends where data should be");
    close(file);
}

/* The signature of HDF5 is looked for once, and must be there when the file is opened. */
TEST(an_hdf5_file_that_does_not_begin_where_it_did) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_probe probe;
    struct e5_h5 *h5 = NULL;
    const char *path = make_field("moved.nc", usual, 3);
    CHECK_OK(e5_probe_file(path, &probe, err));
    probe.start = 8;
    check_told(e5_h5_open(path, &probe, &h5, &said), E5_CORRUPT, &said, "no HDF5 signature where one was");
    e5_h5_close(h5);
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    RUN(headers_larger_than_any_real_one);
    RUN(attributes_of_many_objects_add_up);
    RUN(variables_longer_than_their_data);
    RUN(more_texts_than_can_be_meant);
    RUN(links_below_the_root_are_looked_at_before_netcdf_c_follows_them);
    RUN(links_within_a_file_are_taken);
    RUN(groups_that_contain_themselves_are_refused);
    RUN(groups_too_deep_within_each_other_are_refused);
    RUN(trees_of_groups_that_contain_themselves_are_refused);
    RUN(numbers_that_netcdf_c_takes_for_texts_are_refused);
    RUN(data_in_other_files_are_not_looked_for);
    RUN(a_scale_that_is_no_number);
    RUN(axes_that_are_none);
    RUN(more_levels_and_numbers_than_can_be_shared_out);
    RUN(more_time_steps_than_can_be_counted);
    RUN(a_file_that_is_being_written_is_left_alone);
    RUN(a_file_that_ends_too_early);
    RUN(an_hdf5_file_that_does_not_begin_where_it_did);
    return check_summary();
}
