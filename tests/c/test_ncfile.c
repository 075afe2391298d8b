#include "check.h"
#include "make_nc.h"

#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "io/chunk_cache.h"
#include "io/chunks.h"
#include "io/filter.h"
#include "io/library.h"
#include "io/ncfile.h"
#include "pool/pool.h"

enum { T = 7, Y = 10, X = 13, ALL = T * Y * X };

static struct e5_ncfile *open_file(const char *path) {
    struct e5_ncfile *file = NULL;
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    return file;
}

static int value_at(size_t i) { return (int)(i * 37 % 101); }

/* --- how data may be stored --- */

struct storage {
    const char *what;
    nc_type type;
    int chunk[3]; /* 0: contiguous */
    int shuffle, deflate, fletcher, endian;
    const char *explained; /* beginning of the explanation */
};

static const struct storage storages[] = {
    {"contiguous", NC_FLOAT, {0}, 0, 0, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"contiguous big-endian", NC_DOUBLE, {0}, 0, 0, 0, NC_ENDIAN_BIG, "Read directly"},
    {"chunks, no filter", NC_SHORT, {3, 4, 5}, 0, 0, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"deflate", NC_FLOAT, {3, 4, 5}, 0, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"shuffle only", NC_FLOAT, {3, 4, 5}, 1, 0, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"shuffle, deflate", NC_FLOAT, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"one chunk", NC_FLOAT, {T, Y, X}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"one step a chunk", NC_FLOAT, {1, Y, X}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"one cell a chunk", NC_INT, {T, 1, 1}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"fletcher32", NC_FLOAT, {3, 4, 5}, 0, 0, 1, NC_ENDIAN_NATIVE, "Read directly"},
    {"fletcher32, shuffle, deflate", NC_FLOAT, {3, 4, 5}, 1, 1, 1, NC_ENDIAN_NATIVE, "Read directly"},
    {"the same for doubles", NC_DOUBLE, {3, 4, 5}, 1, 1, 1, NC_ENDIAN_NATIVE, "Read directly"},
    {"the same for shorts", NC_SHORT, {3, 5, 7}, 1, 1, 1, NC_ENDIAN_NATIVE, "Read directly"},
    {"big-endian shorts", NC_SHORT, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_BIG, "Read directly"},
    {"big-endian doubles", NC_DOUBLE, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_BIG, "Read directly"},
    {"bytes", NC_BYTE, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"unsigned bytes", NC_UBYTE, {3, 4, 5}, 0, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"unsigned shorts", NC_USHORT, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
    {"unsigned ints", NC_UINT, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_BIG, "Read directly"},
    {"64-bit ints", NC_INT64, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_BIG, "Read directly"},
    {"unsigned 64-bit ints", NC_UINT64, {3, 4, 5}, 1, 1, 0, NC_ENDIAN_NATIVE, "Read directly"},
};

static const char *make_storage(const struct storage *s, const char *name) {
    const char *path = make_path(name);
    int id, var, dims[3], values[ALL];
    size_t chunk[3];
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "t", T, &dims[0]));
    NC(nc_def_dim(id, "y", Y, &dims[1]));
    NC(nc_def_dim(id, "x", X, &dims[2]));
    NC(nc_def_var(id, "v", s->type, 3, dims, &var));
    for (int d = 0; d < 3; d++) chunk[d] = (size_t)s->chunk[d];
    NC(nc_def_var_chunking(id, var, s->chunk[0] > 0 ? NC_CHUNKED : NC_CONTIGUOUS, chunk));
    if (s->shuffle || s->deflate) NC(nc_def_var_deflate(id, var, s->shuffle, s->deflate, 4));
    if (s->fletcher) NC(nc_def_var_fletcher32(id, var, NC_FLETCHER32));
    NC(nc_def_var_endian(id, var, s->endian));
    for (size_t i = 0; i < ALL; i++) values[i] = value_at(i);
    NC(nc_put_var_int(id, var, values));
    NC(nc_close(id));
    return path;
}

static void check_slab(struct e5_ncfile *file, const size_t *start, const size_t *count,
                       const struct e5_parallel *par) {
    double wide[ALL];
    float narrow[ALL];
    size_t i = 0;
    CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F64, wide, par, NULL, err));
    CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F32, narrow, par, NULL, err));
    for (size_t t = start[0]; t < start[0] + count[0]; t++)
        for (size_t y = start[1]; y < start[1] + count[1]; y++)
            for (size_t x = start[2]; x < start[2] + count[2]; x++, i++) {
                int expected = value_at((t * Y + y) * X + x);
                CHECK(wide[i] == expected && narrow[i] == (float)expected);
            }
}

static void check_storage(const struct storage *s, const struct e5_parallel *par) {
    static const size_t slabs[][2][3] = {
        {{0, 0, 0}, {T, Y, X}},  {{2, 3, 4}, {1, 1, 1}}, {{1, 2, 3}, {4, 5, 9}}, {{0, 9, 0}, {T, 1, X}},
        {{6, 0, 12}, {1, Y, 1}}, {{3, 0, 0}, {2, Y, X}}, {{0, 0, 5}, {T, Y, 5}},
    };
    int before = check_failures;
    char text[200];
    struct e5_ncfile *file = open_file(make_storage(s, "storage.nc"));
    if (file == NULL) return;
    e5_ncfile_explain(file, &file->var[0], text, sizeof text);
    CHECK(strncmp(text, s->explained, strlen(s->explained)) == 0);
    for (size_t i = 0; i < sizeof slabs / sizeof *slabs; i++) check_slab(file, slabs[i][0], slabs[i][1], par);
    CHECK(e5_ncfile_natural_steps(file, &file->var[0]) == (s->chunk[0] > 0 ? (size_t)s->chunk[0] : T));
    if (check_failures > before) printf("  storage: %s (%s)\n", s->what, text);
    e5_ncfile_close(file);
}

TEST(every_storage_gives_the_same_values) {
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++) check_storage(&storages[i], NULL);
}

TEST(threads_give_the_same_values) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(4, &pool, err));
    struct e5_parallel par = e5_pool_parallel(pool);
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++) check_storage(&storages[i], &par);
    e5_pool_free(pool);
}

static enum e5_status read_shared(void *context, size_t index, unsigned slot, struct e5_error *err) {
    struct e5_ncfile *file = context;
    size_t start[3] = {0}, count[3] = {T, Y, X};
    double out[ALL];
    (void)slot, (void)index;
    enum e5_status status = e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err);
    for (size_t i = 0; i < ALL && status == E5_OK; i++)
        if (out[i] != value_at(i)) status = e5_fail(err, E5_INTERNAL, "wrong value at %zu", i);
    return status;
}

TEST(threads_may_share_a_file) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(4, &pool, err));
    for (int i = 0; i < 8; i++) {
        struct e5_ncfile *file = open_file(make_storage(&storages[i], "shared.nc"));
        CHECK_OK(e5_pool_for(pool, NULL, 8, read_shared, file, err));
        e5_ncfile_close(file);
    }
    e5_pool_free(pool);
}

/* --- what else may be in a file --- */

/* A netCDF-4 or netCDF-3 file with text, scalar, packed, unsigned and half-written variables. */
static const char *make_mixed(const char *name, int format) {
    const char *path = make_path(name), *units = "K";
    int id, dims[2], packed, scalar, text, sign, part, bytes;
    double scale = 0.5, offset = 100, limits[2] = {-300, 300};
    short missing = -32767, values[12];
    float fill = -5, one = 42;
    size_t start[2] = {1, 2}, count[2] = {1, 1};
    signed char raw[4] = {-1, -128, 127, 0}, none = -1;
    NC(nc_create(path, format | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", 3, &dims[0]));
    NC(nc_def_dim(id, "x", 4, &dims[1]));
    NC(nc_def_var(id, "packed", NC_SHORT, 2, dims, &packed));
    NC(nc_put_att_double(id, packed, "scale_factor", NC_DOUBLE, 1, &scale));
    NC(nc_put_att_double(id, packed, "add_offset", NC_DOUBLE, 1, &offset));
    NC(nc_put_att_short(id, packed, "_FillValue", NC_SHORT, 1, &missing));
    NC(nc_put_att_double(id, packed, "valid_range", NC_SHORT, 2, limits));
    NC(nc_put_att_text(id, packed, "units", 1, units));
    NC(nc_def_var(id, "scalar", NC_FLOAT, 0, NULL, &scalar));
    NC(nc_def_var(id, "text", NC_CHAR, 1, &dims[1], &text));
    NC(nc_def_var(id, "sign", NC_BYTE, 1, &dims[1], &sign));
    NC(nc_put_att_text(id, sign, "_Unsigned", 4, "true"));
    NC(nc_put_att_schar(id, sign, "missing_value", NC_BYTE, 1, &none));
    NC(nc_def_var(id, "part", NC_FLOAT, 2, dims, &part));
    NC(nc_put_att_float(id, part, "_FillValue", NC_FLOAT, 1, &fill));
    if (format == NC_NETCDF4) NC(nc_def_var_chunking(id, part, NC_CHUNKED, count));
    NC(nc_def_var(id, "bytes", NC_BYTE, 1, &dims[1], &bytes));
    NC(nc_put_att_text(id, NC_GLOBAL, "history", 5, "by me"));
    NC(nc_enddef(id));
    for (int i = 0; i < 12; i++) values[i] = (short)(i == 5 ? missing : i == 6 ? 301 : i == 7 ? 300 : -i);
    NC(nc_put_var_short(id, packed, values));
    NC(nc_put_var_float(id, scalar, &one));
    NC(nc_put_var_text(id, text, "abcd"));
    NC(nc_put_var_schar(id, sign, raw));
    NC(nc_put_var_schar(id, bytes, raw));
    NC(nc_put_vara_float(id, part, start, count, &one));
    NC(nc_close(id));
    return path;
}

static void read_all(struct e5_ncfile *file, const char *name, enum e5_dtype as, void *out) {
    const struct e5_ncvar *var = e5_ncfile_find(file, name);
    size_t start[E5_MAX_DIMS] = {0}, count[E5_MAX_DIMS] = {0};
    CHECK(var != NULL);
    for (int d = 0; var != NULL && d < var->ndim; d++) count[d] = file->dim[var->dim[d]].length;
    if (var != NULL) CHECK_OK(e5_ncfile_read(file, var, start, count, as, out, NULL, NULL, err));
}

static void check_mixed_values(struct e5_ncfile *file) {
    float packed[12], scalar = 0, part[12];
    double sign[4];
    int64_t stored[12];
    read_all(file, "packed", E5_F32, packed);
    read_all(file, "packed", E5_I64, stored);
    read_all(file, "scalar", E5_F32, &scalar);
    read_all(file, "part", E5_F32, part);
    read_all(file, "sign", E5_F64, sign);
    for (int i = 0; i < 12; i++) {
        bool missing = i == 5 || i == 6;
        CHECK(missing ? isnan(packed[i]) : packed[i] == (i == 7 ? 250 : 100 - 0.5f * (float)i));
        CHECK(i == 6 ? part[i] == 42 : isnan(part[i]));
    }
    CHECK(stored[5] == -32767 && stored[7] == 300 && stored[11] == -11);
    CHECK(scalar == 42);
    CHECK(isnan(sign[0]) && sign[1] == 128 && sign[2] == 127 && sign[3] == 0);
}

static void check_mixed_tables(struct e5_ncfile *file) {
    const struct e5_ncvar *packed = e5_ncfile_find(file, "packed"), *text = e5_ncfile_find(file, "text");
    CHECK(file->ndim == 2 && file->nvar == 6 && file->nattr == 1);
    CHECK(strcmp(file->attr[0].text, "by me") == 0);
    CHECK(strcmp(e5_ncattr_find(packed, "units")->text, "K") == 0);
    CHECK(e5_ncattr_find(packed, "scale_factor")->number[0] == 0.5);
    CHECK(!e5_ncattr_find(packed, "scale_factor")->integer && e5_ncattr_find(packed, "valid_range")->integer);
    CHECK(e5_ncattr_find(packed, "nothing") == NULL && e5_ncfile_find(file, "nothing") == NULL);
    CHECK(text->is_text && !packed->is_text && packed->dtype == E5_I16);
    CHECK(e5_ncfile_find(file, "sign")->dtype == E5_U8 && e5_ncfile_find(file, "bytes")->dtype == E5_I8);
}

TEST(packing_scalars_text_and_unwritten_chunks) {
    int formats[] = {NC_NETCDF4, NC_CLASSIC_MODEL, NC_64BIT_OFFSET, NC_64BIT_DATA};
    for (size_t i = 0; i < 4; i++) {
        struct e5_ncfile *file = open_file(make_mixed("mixed.nc", formats[i] == NC_CLASSIC_MODEL ? 0 : formats[i]));
        if (file == NULL) continue;
        check_mixed_tables(file);
        check_mixed_values(file);
        e5_ncfile_close(file);
    }
}

TEST(what_does_not_fit_is_refused) {
    struct e5_ncfile *file = open_file(make_mixed("refuse.nc", NC_NETCDF4));
    size_t start[2] = {0, 0}, count[2] = {3, 5}, far[2] = {4, 0}, none[2] = {0, 0};
    double out[20] = {7};
    const struct e5_ncvar *packed = e5_ncfile_find(file, "packed"), *part = e5_ncfile_find(file, "part");
    const struct e5_ncvar *text = e5_ncfile_find(file, "text");
    CHECK_STATUS(E5_INPUT, e5_ncfile_read(file, packed, start, count, E5_F64, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_ncfile_read(file, packed, far, none, E5_F64, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_ncfile_read(file, part, start, none, E5_I64, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_ncfile_read(file, packed, start, none, E5_I16, out, NULL, NULL, err));
    CHECK_STATUS(E5_INPUT, e5_ncfile_read(file, text, start, none, E5_F64, out, NULL, NULL, err));
    CHECK_OK(e5_ncfile_read(file, packed, start, none, E5_F64, out, NULL, NULL, err));
    CHECK(out[0] == 7);
    e5_ncfile_close(file);
}

/* netCDF calls a variable longer than HDF5 stores it when another one made their common dimension grow. */
TEST(a_variable_shorter_than_its_dimension_ends_in_fill) {
    const char *path = make_path("short.nc");
    int id, dim, a, b;
    size_t start = 0, two = 2, five = 5;
    float values[5] = {1, 2, 3, 4, 5}, fill = -1, got[5];
    NC(nc_create(path, NC_NETCDF4, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &dim));
    NC(nc_def_var(id, "a", NC_FLOAT, 1, &dim, &a));
    NC(nc_put_att_float(id, a, "_FillValue", NC_FLOAT, 1, &fill));
    NC(nc_def_var(id, "b", NC_FLOAT, 1, &dim, &b));
    NC(nc_put_vara_float(id, a, &start, &two, values));
    NC(nc_put_vara_float(id, b, &start, &five, values));
    NC(nc_close(id));
    struct e5_ncfile *file = open_file(path);
    read_all(file, "a", E5_F32, got);
    CHECK(got[0] == 1 && got[1] == 2 && isnan(got[2]) && isnan(got[4]));
    read_all(file, "b", E5_F32, got);
    CHECK(got[0] == 1 && got[4] == 5);
    e5_ncfile_close(file);
}

/* More than one block of the way through the library; the file is mostly a hole. */
TEST(large_netcdf3_variables_are_read_in_blocks) {
    enum { LT = 9, LY = 1000, LX = 1000 };
    const char *path = make_path("large.nc");
    int id, dims[3], var, old;
    size_t at[3] = {LT - 1, LY - 1, LX - 1}, start[3] = {0, 1, 0}, count[3] = {LT, LY - 1, LX};
    double value = 3.5;
    NC(nc_create(path, NC_64BIT_OFFSET, &id));
    NC(nc_set_fill(id, NC_NOFILL, &old));
    NC(nc_def_dim(id, "t", LT, &dims[0]));
    NC(nc_def_dim(id, "y", LY, &dims[1]));
    NC(nc_def_dim(id, "x", LX, &dims[2]));
    NC(nc_def_var(id, "v", NC_DOUBLE, 3, dims, &var));
    NC(nc_enddef(id));
    for (at[0] = 0; at[0] < LT; at[0]++) {
        double marked = value + (double)at[0];
        NC(nc_put_var1_double(id, var, at, &marked));
    }
    NC(nc_close(id));
    float *out = malloc((size_t)LT * (LY - 1) * LX * sizeof *out);
    struct e5_ncfile *file = open_file(path);
    CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F32, out, NULL, NULL, err));
    for (size_t t = 0; t < LT; t++) {
        CHECK(out[(t + 1) * (LY - 1) * LX - 1] == 3.5f + (float)t);
        CHECK(out[t * (LY - 1) * LX] == 0);
    }
    e5_ncfile_close(file);
    free(out);
}

/* --- foreign, damaged, changing and hostile files --- */

static void check_refused(const char *path, enum e5_status expected, const char *word) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_ncfile *file = NULL;
    enum e5_status status = e5_ncfile_open(path, NULL, &file, &err);
    CHECK(status == expected && file == NULL);
    if (strstr(err.what, word) == NULL) printf("  said: %s\n", err.what);
    CHECK(strstr(err.what, word) != NULL);
    CHECK(err.target[0] != '\0');
    if (status == E5_OK) e5_ncfile_close(file);
}

TEST(foreign_files_are_named) {
    check_refused(make_bytes("empty.nc", "", 0), E5_CORRUPT, "empty");
    check_refused(make_bytes("page.nc", "\r\n<!DOCTYPE html><p>Log in", 26), E5_CORRUPT, "HTML: '<!DOCTYPE html>");
    check_refused(make_bytes("error.nc", "{\"detail\": \"no\"}", 16), E5_CORRUPT, "JSON");
    check_refused(make_bytes("words.nc", "no such job", 11), E5_CORRUPT, "text: 'no such job'");
    check_refused(make_bytes("pack.nc", "PK\3\4\0\0\0\0", 8), E5_CORRUPT, "zip");
    check_refused(make_bytes("a.grib", "GRIB\0\0\0\1", 8), E5_CORRUPT, "GRIB");
    check_refused(make_bytes("a.nc.gz", "\x1f\x8b\x08\0\0", 5), E5_CORRUPT, "gzip");
    check_refused(make_bytes("noise.nc", "\x01\x02\x03\x04\x05", 5), E5_CORRUPT, "01 02 03 04");
    check_refused(make_bytes("magic.nc", "\x89HDF\r\n\x1a\n", 8), E5_CORRUPT, "cut short");
    check_refused(make_bytes("cdf.nc", "CDF\1", 4), E5_CORRUPT, "cut short");
    check_refused(make_path("nowhere.nc"), E5_STORAGE, "No such file");
    check_refused(make_folder, E5_STORAGE, "directory");
    check_refused("/dev/null", E5_CORRUPT, "pipe or device");
}

static void check_truncated(const char *whole, const char *name) {
    size_t size;
    unsigned char *bytes = make_slurp(whole, &size);
    for (size_t cut = 1; cut < size; cut += 1 + cut / 7) {
        struct e5_ncfile *file = NULL;
        CHECK_STATUS(E5_CORRUPT, e5_ncfile_open(make_bytes(name, bytes, cut), NULL, &file, err));
    }
    free(bytes);
}

TEST(truncated_files_are_corrupt) {
    check_truncated(make_storage(&storages[5], "whole4.nc"), "cut4.nc");
    check_truncated(make_mixed("whole3.nc", 0), "cut3.nc");
    check_truncated(make_mixed("whole5.nc", NC_64BIT_DATA), "cut5.nc");
}

/* The values of a damaged file: none, or (where a bit of the compressed stream means nothing) the right ones. */
static bool never_wrong(const char *path) {
    size_t start[3] = {0}, count[3] = {T, Y, X};
    double out[ALL];
    struct e5_ncfile *file = NULL;
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    enum e5_status status = e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, NULL);
    bool right = status == E5_OK;
    for (size_t i = 0; i < ALL && right; i++) right = out[i] == value_at(i);
    e5_ncfile_close(file);
    return right || status == E5_CORRUPT;
}

TEST(flipped_bits_in_chunks_are_found) {
    size_t size;
    struct e5_ncfile *file = open_file(make_storage(&storages[5], "sound.nc"));
    const struct e5_map *map = NULL;
    CHECK_OK(e5_layout_prepare(file, &file->var[0], &map, err));
    unsigned char *bytes = make_slurp(file->path, &size);
    for (size_t i = 0; i < map->chunks; i++) {
        size_t at = (size_t)map->chunk_list[i].address + i * 5 % map->chunk_list[i].size;
        unsigned char bit = (unsigned char)(1u << i % 8);
        bytes[at] ^= bit;
        CHECK(never_wrong(make_bytes("flipped.nc", bytes, size)));
        bytes[at] ^= bit;
    }
    e5_ncfile_close(file);
    free(bytes);
}

static void read_whatever_opens(const char *path) {
    struct e5_ncfile *file = NULL;
    struct e5_error err = E5_ERROR_NONE;
    if (e5_ncfile_open(path, NULL, &file, &err) != E5_OK) return;
    for (size_t i = 0; i < file->nvar; i++) {
        size_t start[E5_MAX_DIMS] = {0}, count[E5_MAX_DIMS];
        double out[ALL];
        bool small = true;
        for (int d = 0; d < file->var[i].ndim; d++) {
            count[d] = file->dim[file->var[i].dim[d]].length;
            small = small && count[d] <= X;
        }
        if (!small || file->var[i].ndim > 3) continue;
        enum e5_status status = e5_ncfile_read(file, &file->var[i], start, count, E5_F64, out, NULL, NULL, NULL);
        CHECK(status != E5_INTERNAL);
    }
    e5_ncfile_close(file);
}

static void flip_and_read(const char *whole) {
    size_t size;
    unsigned char *bytes = make_slurp(whole, &size);
    uint64_t state = 12345;
    for (int i = 0; i < 100; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t at = (size_t)(state >> 33) % size;
        unsigned char kept = bytes[at];
        bytes[at] ^= (unsigned char)(1u << (state >> 30 & 7));
        read_whatever_opens(make_bytes("harm.nc", bytes, size));
        bytes[at] = kept;
    }
    free(bytes);
}

/* In a process of its own: HDF5 leaks some memory over damaged files, and a crash is to be counted, not suffered. */
TEST(damaged_files_do_no_harm) {
    const char *whole[] = {make_storage(&storages[10], "harm4.nc"), make_mixed("harm3.nc", 0)};
    for (int k = 0; k < 2; k++) {
        int before = check_failures, how = -1;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            flip_and_read(whole[k]);
            fflush(stdout);
            _exit(check_failures > before);
        }
        CHECK(child > 0 && waitpid(child, &how, 0) == child);
        CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
}

TEST(a_file_that_changes_is_corrupt) {
    size_t start[3] = {0}, count[3] = {T, Y, X}, size;
    double out[ALL];
    for (int how = 0; how < 5; how++) {
        const char *path = make_storage(&storages[how % 2 ? 5 : 0], "moving.nc");
        struct e5_ncfile *file = open_file(path);
        unsigned char *bytes = make_slurp(path, &size);
        if (how == 0) CHECK(truncate(path, (off_t)size / 2) == 0);
        if (how == 1) make_bytes("moving.nc", bytes, size + 1);
        if (how == 2) CHECK(rename(make_bytes("other.nc", bytes, size), path) == 0);
        if (how == 3) CHECK(unlink(path) == 0);
        if (how == 4) { /* as rsync and cp -p do */
            struct stat before;
            CHECK(stat(path, &before) == 0);
            usleep(20000); /* the system's stamps are that coarse */
            make_bytes("moving.nc", bytes, size);
            CHECK(utimensat(AT_FDCWD, path, (struct timespec[]){before.st_atim, before.st_mtim}, 0) == 0);
        }
        CHECK_STATUS(E5_CORRUPT, e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err));
        e5_ncfile_close(file);
        free(bytes);
    }
}

/* Nobody finds the file by its name any more: whoever reads it has not opened it anew. */
TEST(a_kept_file_is_opened_once) {
    char home[128], moved[128];
    snprintf(home, sizeof home, "%s", make_path("home"));
    snprintf(moved, sizeof moved, "%s", make_path("moved"));
    for (int classic = 0; classic < 2; classic++) {
        size_t start[3] = {0}, count[3] = {T, Y, X};
        double out[ALL];
        struct e5_ncfile *file = NULL;
        int before = dup(0);
        close(before);
        CHECK(mkdir(home, 0700) == 0);
        const char *path = classic ? make_mixed("home/kept", 0) : make_storage(&storages[10], "home/kept");
        CHECK_OK(e5_ncfile_open_kept(path, false, NULL, &file, err));
        for (int d = 0; d < file->var[0].ndim; d++) count[d] = file->dim[file->var[0].dim[d]].length;
        CHECK(rename(home, moved) == 0);
        CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err));
        e5_ncfile_let_go(file);
        CHECK_STATUS(E5_CORRUPT, e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err));
        e5_ncfile_close(file);
        CHECK(unlink(make_path("moved/kept")) == 0 && rmdir(moved) == 0);
        int after = dup(0);
        close(after);
        CHECK(before == after);
    }
}

static size_t cached_after(struct e5_ncfile *file, const size_t *count) {
    size_t start[3] = {0}, limit;
    double out[ALL];
    CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err));
    return e5_chunk_cache_bytes(&limit);
}

/* A step of several in a chunk is followed by the next one; a region is seldom read twice. */
TEST(what_is_read_decides_what_is_kept) {
    size_t limit;
    e5_chunk_cache_bytes(&limit);
    e5_chunk_cache_limit(0);
    e5_chunk_cache_limit(limit);
    struct e5_ncfile *region = open_file(make_storage(&storages[10], "region.nc"));
    CHECK(cached_after(region, (size_t[]){T, Y, X}) == 0);
    CHECK(cached_after(region, (size_t[]){T, 2, 2}) == 0);
    CHECK(cached_after(region, (size_t[]){T, 2, 2}) > 0);
    e5_ncfile_close(region);
    e5_chunk_cache_limit(0);
    e5_chunk_cache_limit(limit);
    struct e5_ncfile *steps = open_file(make_storage(&storages[10], "steps.nc"));
    CHECK(cached_after(steps, (size_t[]){1, Y, X}) > 0);
    e5_ncfile_close(steps);
}

static hid_t make_hdf5(const char *path) { return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT); }

TEST(links_to_other_files_are_unsafe) {
    const char *path = make_path("links.nc");
    hid_t file = make_hdf5(path);
    CHECK(H5Lcreate_external("/etc/hostname", "/", file, "there", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    check_refused(path, E5_UNSAFE, "other files");
}

TEST(data_in_other_files_are_unsafe) {
    const char *path = make_path("outside.nc");
    hsize_t dim = 4;
    size_t start = 0, count = 4;
    double out[4];
    hid_t file = make_hdf5(path), space = H5Screate_simple(1, &dim, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    CHECK(H5Pset_external(how, "/etc/hostname", 0, 4) >= 0);
    hid_t set = H5Dcreate2(file, "v", H5T_STD_U8LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    CHECK(set >= 0);
    H5Dclose(set), H5Pclose(how), H5Sclose(space), H5Fclose(file);
    struct e5_ncfile *opened = open_file(path);
    CHECK_STATUS(E5_UNSAFE, e5_ncfile_read(opened, &opened->var[0], &start, &count, E5_F64, out, NULL, NULL, err));
    e5_ncfile_close(opened);
}

/* One byte in the size of an object in a global heap makes HDF5 1.10 copy terabytes; the direct way is not harmed. */
TEST(a_damaged_heap_is_found_first) {
    size_t size;
    unsigned char *bytes = make_slurp(make_storage(&storages[5], "heap.nc"), &size);
    unsigned char *heap = memmem(bytes, size, "GCOL\1\0\0", 8);
    CHECK(heap != NULL);
    if (heap != NULL) heap[16 + 8 + 5] = 0x40;
    struct e5_ncfile *file = open_file(make_bytes("heap2.nc", bytes, size));
    CHECK_STATUS(E5_CORRUPT, e5_library_admit(file, err));
    e5_ncfile_close(file);
    free(bytes);
}

/* netcdf-c would allocate for as many attributes as a netCDF-3 header claims. */
TEST(claims_of_netcdf3_headers_are_checked) {
    size_t size;
    unsigned char *bytes = make_slurp(make_mixed("claim.nc", 0), &size);
    bytes[12] = 0x70; /* number of dimensions */
    check_refused(make_bytes("claim2.nc", bytes, size), E5_UNSAFE, "claims");
    free(bytes);
}

TEST(a_chunk_cannot_hold_more_than_deflate_can) {
    struct e5_map map = {
        .ndim = 1, .dim = {1 << 22}, .chunk = {1 << 22}, .element = 4, .filters = 1, .filter = {E5_DEFLATE}};
    struct e5_chunk chunk = {.size = 16};
    struct e5_scratch scratch = {0};
    struct e5_decoded decoded;
    CHECK_OK(e5_room_need(&scratch.stored, 16, err));
    CHECK_STATUS(E5_UNSAFE, e5_filter_undo("x.nc", &map, &chunk, &scratch, &decoded, err));
    CHECK(scratch.first.bytes == NULL); /* refused before anything was allocated for it */
    e5_scratch_fini(&scratch);
}

/* Shuffle, deflate, checksum over the compressed bytes: the order in which h5py writes, which netcdf-c cannot. */
TEST(checksum_behind_the_compression) {
    uint8_t plain[64], shuffled[64], packed[256];
    struct e5_map map = {.ndim = 1,
                         .dim = {16},
                         .chunk = {16},
                         .element = 4,
                         .filters = 3,
                         .filter = {E5_SHUFFLE, E5_DEFLATE, E5_FLETCHER32}};
    struct e5_scratch scratch = {0};
    struct e5_decoded decoded;
    for (size_t i = 0; i < 64; i++) shuffled[i % 4 * 16 + i / 4] = plain[i] = (uint8_t)(i * i);
    struct libdeflate_compressor *press = libdeflate_alloc_compressor(6);
    size_t size = libdeflate_zlib_compress(press, shuffled, 64, packed, 200);
    libdeflate_free_compressor(press);
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < size; i += 2) {
        a = (a + ((uint32_t)packed[i] << 8) + (i + 1 < size ? packed[i + 1] : 0u)) % 65535;
        b = (b + a) % 65535;
    }
    for (int i = 0; i < 4; i++) packed[size + (size_t)i] = (uint8_t)((b << 16 | a) >> 8 * i);
    struct e5_chunk chunk = {.size = (uint32_t)size + 4};
    CHECK_OK(e5_room_need(&scratch.stored, chunk.size, err));
    memcpy(scratch.stored.bytes, packed, chunk.size);
    CHECK_OK(e5_filter_undo("x.nc", &map, &chunk, &scratch, &decoded, err));
    CHECK(decoded.plane == 16 && memcmp(decoded.bytes, shuffled, 64) == 0); /* left to whoever moves the elements */
    scratch.stored.bytes[size] ^= 1;
    CHECK_STATUS(E5_CORRUPT, e5_filter_undo("x.nc", &map, &chunk, &scratch, &decoded, err));
    e5_scratch_fini(&scratch);
}

TEST(cancel_is_seen) {
    size_t start[3] = {0}, count[3] = {T, Y, X};
    double out[ALL];
    struct e5_watch watch = {0};
    e5_watch_cancel(&watch);
    struct e5_ncfile *direct = open_file(make_storage(&storages[5], "stop.nc"));
    CHECK_STATUS(E5_CANCELLED, e5_ncfile_read(direct, &direct->var[0], start, count, E5_F64, out, NULL, &watch, err));
    e5_ncfile_close(direct);
    struct e5_ncfile *old = open_file(make_mixed("stop3.nc", 0));
    count[0] = 3, count[1] = 4;
    CHECK_STATUS(E5_CANCELLED, e5_ncfile_read(old, &old->var[0], start, count, E5_F64, out, NULL, &watch, err));
    e5_ncfile_close(old);
}

static enum e5_status open_and_read(const char *path, struct e5_error *err) {
    struct e5_ncfile *file = NULL;
    size_t start[3] = {0}, count[3] = {T, Y, X};
    double out[ALL];
    enum e5_status status = e5_ncfile_open(path, NULL, &file, err);
    if (status == E5_OK) status = e5_ncfile_read(file, &file->var[0], start, count, E5_F64, out, NULL, NULL, err);
    e5_ncfile_close(file);
    return status;
}

/* Says how many parts the work was given in, and does them. */
static enum e5_status count_parts(void *self, struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                                  struct e5_error *err) {
    *(size_t *)self = n;
    return e5_parallel_for(NULL, watch, n, task, context, err);
}

TEST(what_was_never_written_is_filled_in_parts) {
    enum { LENGTH = 10000, WIDTH = 500 };
    const char *path = make_path("never.nc");
    size_t parts = 0;
    struct e5_pick pick[2] = {e5_pick_range(0, LENGTH), e5_pick_range(0, WIDTH)};
    struct e5_parallel par = {.self = &parts, .slots = 2, .run = count_parts};
    struct e5_ncfile *file = NULL;
    float *out = malloc(sizeof *out * LENGTH * WIDTH), fill = 2.5F;
    int id, dims[2], var;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", LENGTH, &dims[0]));
    NC(nc_def_dim(id, "y", WIDTH, &dims[1]));
    NC(nc_def_var(id, "v", NC_FLOAT, 2, dims, &var));
    NC(nc_def_var_chunking(id, var, NC_CONTIGUOUS, NULL));
    NC(nc_put_att_float(id, var, "_FillValue", NC_FLOAT, 1, &fill));
    NC(nc_close(id));
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    CHECK_OK(e5_ncfile_select_stored(file, &file->var[0], pick, out, &par, NULL, err));
    CHECK(parts >= 10); /* a cancel is seen between them */
    size_t good = 0;
    for (size_t i = 0; i < (size_t)LENGTH * WIDTH; i++) good += out[i] == fill;
    CHECK(good == (size_t)LENGTH * WIDTH);
    e5_ncfile_close(file);
    free(out);
}

TEST(every_allocation_may_fail) {
    char path[128];
    snprintf(path, sizeof path, "%s", make_storage(&storages[10], "memory.nc"));
    enum e5_status status = E5_MEMORY;
    for (long n = 1; status != E5_OK && n < 1000; n++) {
        struct e5_error err = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        status = open_and_read(path, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
    }
    CHECK(status == E5_OK);
}

int main(void) {
    RUN(every_storage_gives_the_same_values);
    RUN(threads_give_the_same_values);
    RUN(threads_may_share_a_file);
    RUN(packing_scalars_text_and_unwritten_chunks);
    RUN(what_does_not_fit_is_refused);
    RUN(a_variable_shorter_than_its_dimension_ends_in_fill);
    RUN(large_netcdf3_variables_are_read_in_blocks);
    RUN(foreign_files_are_named);
    RUN(truncated_files_are_corrupt);
    RUN(flipped_bits_in_chunks_are_found);
    RUN(damaged_files_do_no_harm);
    RUN(a_file_that_changes_is_corrupt);
    RUN(a_kept_file_is_opened_once);
    RUN(what_is_read_decides_what_is_kept);
    RUN(links_to_other_files_are_unsafe);
    RUN(data_in_other_files_are_unsafe);
    RUN(a_damaged_heap_is_found_first);
    RUN(claims_of_netcdf3_headers_are_checked);
    RUN(a_chunk_cannot_hold_more_than_deflate_can);
    RUN(checksum_behind_the_compression);
    RUN(cancel_is_seen);
    RUN(what_was_never_written_is_filled_in_parts);
    RUN(every_allocation_may_fail);
    return check_summary();
}
