/* Headers and values by both ways, read directly and through netcdf-c: they must be the same, to the bit.
 *
 * With arguments, the program compares the files that they name instead of those that it makes. */
#include "check.h"
#include "make_nc.h"

#include <hdf5.h>
#include <math.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/h5_maps.h"
#include "io/h5_netcdf.h"
#include "io/header.h"
#include "io/library.h"
#include "io/ncfile.h"
#include "io/texts.h"
#include "pool/pool.h"

#define VALUES_MAX ((size_t)1 << 22) /* of a variable whose values are compared */

/* --- comparing --- */

/* The file as netcdf-c describes it; its maps say nothing, so that its values come by the library as well. */
static struct e5_ncfile *open_by_library(const char *path) {
    struct e5_ncfile *file = NULL;
    struct e5_layout *layout = NULL;
    CHECK_OK(e5_alloc(1, sizeof *file, &file, err));
    CHECK_OK(e5_alloc(1, sizeof *layout, &layout, err));
    file->layout = layout;
    file->path = realpath(path, NULL);
    CHECK_OK(e5_probe_file(file->path, &layout->probe, err));
    CHECK_OK(e5_library_admit(file, err));
    CHECK_OK(e5_header_read(file, err));
    return file;
}

static bool same_text(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

static bool same_bytes(const void *a, const void *b, size_t size) {
    return a == NULL || b == NULL ? a == b : size == 0 || memcmp(a, b, size) == 0;
}

static bool same_list(const struct e5_ncattr *a, const struct e5_ncattr *b) {
    const char *x = a->list, *y = b->list;
    for (size_t i = 0; x != NULL && y != NULL && i < a->count; i++) {
        if (strcmp(x, y) != 0) return false;
        x += strlen(x) + 1;
        y += strlen(y) + 1;
    }
    return (x == NULL) == (y == NULL);
}

static bool same_attr(const struct e5_ncattr *a, const struct e5_ncattr *b) {
    bool kind = a->count == b->count && a->integer == b->integer && a->strings == b->strings && a->dtype == b->dtype;
    return kind && strcmp(a->name, b->name) == 0 && same_text(a->text, b->text) && same_list(a, b) &&
           (a->strings || same_bytes(a->text, b->text, a->count)) &&
           same_bytes(a->number, b->number, a->count * sizeof *a->number) &&
           same_bytes(a->whole, b->whole, a->count * sizeof *a->whole);
}

static void compare_attrs(const char *of, const struct e5_ncattr *a, size_t n, const struct e5_ncattr *b, size_t m) {
    CHECK(n == m);
    for (size_t i = 0; i < n && i < m; i++) {
        CHECK(same_attr(&a[i], &b[i]));
        if (!same_attr(&a[i], &b[i])) printf("  attribute of %s: %s, %s\n", of, a[i].name, b[i].name);
    }
}

static bool same_storage(const struct e5_ncvar *a, const struct e5_ncvar *b) {
    const struct e5_ncstorage *s = &a->storage, *t = &b->storage;
    return s->chunked == t->chunked && memcmp(s->chunk, t->chunk, sizeof s->chunk) == 0 && s->shuffle == t->shuffle &&
           s->fletcher32 == t->fletcher32 && s->deflated == t->deflated && s->deflate_level == t->deflate_level;
}

static bool same_packing(const struct e5_packing *a, const struct e5_packing *b) {
    const double *x = &a->scale, *y = &b->scale;
    if (a->others != b->others) return false;
    for (size_t i = 0; i < offsetof(struct e5_packing, others) / sizeof *x; i++)
        if (x[i] != y[i] && !(isnan(x[i]) && isnan(y[i]))) return false;
    return true;
}

static void compare_variable(const struct e5_ncvar *a, const struct e5_ncvar *b) {
    int before = check_failures;
    CHECK(strcmp(a->name, b->name) == 0);
    CHECK(a->id == b->id);
    CHECK(a->is_text == b->is_text && a->is_string == b->is_string);
    CHECK(a->dtype == b->dtype && a->stored == b->stored && a->big_endian == b->big_endian);
    CHECK(a->ndim == b->ndim && memcmp(a->dim, b->dim, sizeof a->dim) == 0);
    CHECK(same_storage(a, b));
    CHECK(same_packing(&a->packing, &b->packing));
    compare_attrs(a->name, a->attr, a->nattr, b->attr, b->nattr);
    if (check_failures > before) printf("  variable %s\n", a->name);
}

static void compare_tables(const struct e5_ncfile *a, const struct e5_ncfile *b) {
    CHECK(a->format == b->format);
    CHECK(a->ndim == b->ndim);
    for (size_t i = 0; i < a->ndim && i < b->ndim; i++) {
        CHECK(strcmp(a->dim[i].name, b->dim[i].name) == 0);
        CHECK(a->dim[i].length == b->dim[i].length && a->dim[i].unlimited == b->dim[i].unlimited);
    }
    CHECK(a->nvar == b->nvar);
    for (size_t i = 0; i < a->nvar && i < b->nvar; i++) compare_variable(&a->var[i], &b->var[i]);
    compare_attrs("the file", a->attr, a->nattr, b->attr, b->nattr);
}

static size_t elements(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    size_t n = 1;
    for (int d = 0; d < var->ndim; d++)
        if (__builtin_mul_overflow(n, file->dim[var->dim[d]].length, &n)) return SIZE_MAX;
    return n;
}

static void compare_numbers(struct e5_ncfile *a, struct e5_ncfile *b, size_t i) {
    size_t start[E5_MAX_DIMS] = {0}, count[E5_MAX_DIMS] = {0}, n = elements(a, &a->var[i]);
    double *x = calloc(n + 1, sizeof *x), *y = calloc(n + 1, sizeof *y);
    struct e5_error first = E5_ERROR_NONE, second = E5_ERROR_NONE;
    for (int d = 0; d < a->var[i].ndim; d++) count[d] = a->dim[a->var[i].dim[d]].length;
    enum e5_status one = e5_ncfile_read(a, &a->var[i], start, count, E5_F64, x, NULL, NULL, &first);
    enum e5_status two = e5_ncfile_read(b, &b->var[i], start, count, E5_F64, y, NULL, NULL, &second);
    CHECK(one == two);
    CHECK(one != E5_OK || memcmp(x, y, n * sizeof *x) == 0);
    if (one != two) printf("  %s: '%s', '%s'\n", a->var[i].name, first.what, second.what);
    free(x);
    free(y);
}

static void compare_texts(const struct e5_ncfile *a, const struct e5_ncfile *b, size_t i) {
    struct e5_texts x, y;
    const struct e5_map *map = NULL;
    CHECK_OK(e5_layout_prepare(a, &a->var[i], &map, err));
    CHECK_OK(e5_texts_read(a, &a->var[i], &x, err));
    if (a->var[i].is_string && !map->in_heap) { /* of one length: netcdf-c cannot read them */
        free(x.bytes);
        return;
    }
    CHECK_OK(e5_texts_read(b, &b->var[i], &y, err));
    CHECK(x.count == y.count);
    for (size_t k = 0; k < x.count && k < y.count; k++)
        CHECK(strcmp(x.bytes + k * x.width, y.bytes + k * y.width) == 0);
    CHECK(a->var[i].is_string || (x.width == y.width && same_bytes(x.bytes, y.bytes, x.count * x.width)));
    free(x.bytes);
    free(y.bytes);
}

static void compare_values(struct e5_ncfile *a, struct e5_ncfile *b) {
    for (size_t i = 0; i < a->nvar && i < b->nvar; i++) {
        int before = check_failures;
        if (elements(a, &a->var[i]) > VALUES_MAX) continue;
        if (a->var[i].is_text)
            compare_texts(a, b, i);
        else
            compare_numbers(a, b, i);
        if (check_failures > before) printf("  values of %s\n", a->var[i].name);
    }
}

static void compare_maps(const struct e5_ncfile *a, const struct e5_ncfile *b) {
    for (size_t i = 0; i < a->nvar && i < b->nvar; i++) {
        const struct e5_map *x = NULL, *y = NULL;
        CHECK_OK(e5_layout_prepare(a, &a->var[i], &x, err));
        CHECK_OK(e5_layout_prepare(b, &b->var[i], &y, err));
        CHECK(x->way == y->way && x->address == y->address && x->element == y->element && x->swapped == y->swapped);
        CHECK(x->ndim == y->ndim && memcmp(x->dim, y->dim, sizeof x->dim) == 0);
        CHECK(memcmp(x->chunk, y->chunk, sizeof x->chunk) == 0 && memcmp(x->fill, y->fill, sizeof x->fill) == 0);
        CHECK(x->chunks == y->chunks && x->filters == y->filters);
        for (size_t k = 0; k < x->chunks && k < y->chunks; k++)
            CHECK(x->chunk_list[k].index == y->chunk_list[k].index &&
                  x->chunk_list[k].address == y->chunk_list[k].address &&
                  x->chunk_list[k].size == y->chunk_list[k].size && x->chunk_list[k].mask == y->chunk_list[k].mask);
    }
}

/* True when the file was read without netcdf-c. */
static bool compare(const char *path) {
    int before = check_failures;
    struct e5_ncfile *direct = NULL, *library = open_by_library(path);
    CHECK_OK(e5_ncfile_open_direct(path, NULL, &direct, err));
    bool without = direct != NULL;
    if (!without) CHECK_OK(e5_ncfile_open(path, NULL, &direct, err));
    if (direct != NULL) {
        CHECK(without == (direct->why == NULL));
        compare_tables(direct, library);
        compare_values(direct, library);
    }
    if (direct != NULL && ((struct e5_layout *)library->layout)->probe.container == E5_HDF5) {
        CHECK_OK(e5_h5_maps_fill(library, err));
        compare_maps(direct, library);
    }
    if (check_failures > before) printf("  file %s\n", path);
    e5_ncfile_close(direct);
    e5_ncfile_close(library);
    return without;
}

/* --- files made with netcdf-c --- */

static void put_attrs(int id, int var, bool new_types) {
    const char *texts[] = {"one", "", "three\nlines"};
    short s[2] = {-1, 2};
    int i = 7;
    float f[3] = {0.1f, -2, 3};
    double d = 1e300;
    signed char b = -5;
    long long wide[2] = {INT64_C(9007199254740993), INT64_MIN};
    unsigned long long wider = UINT64_MAX;
    unsigned char ub = 200;
    NC(nc_put_att_text(id, var, "text", 5, "a\0b c"));
    NC(nc_put_att_text(id, var, "empty", 0, ""));
    NC(nc_put_att_text(id, var, "größe", 3, "µ"));
    NC(nc_put_att_short(id, var, "shorts", NC_SHORT, 2, s));
    NC(nc_put_att_int(id, var, "int", NC_INT, 1, &i));
    NC(nc_put_att_float(id, var, "floats", NC_FLOAT, 3, f));
    NC(nc_put_att_double(id, var, "double", NC_DOUBLE, 1, &d));
    NC(nc_put_att_schar(id, var, "byte", NC_BYTE, 1, &b));
    if (!new_types) return;
    NC(nc_put_att_longlong(id, var, "wide", NC_INT64, 2, wide));
    NC(nc_put_att_ulonglong(id, var, "wider", NC_UINT64, 1, &wider));
    NC(nc_put_att_uchar(id, var, "ubyte", NC_UBYTE, 1, &ub));
    int format;
    NC(nc_inq_format(id, &format));
    if (format != NC_FORMAT_NETCDF4) return;
    NC(nc_put_att_string(id, var, "strings", 3, texts));
    NC(nc_put_att_string(id, var, "string", 1, texts));
}

/* Fixed variables and records of every type, so that padding between records differs. */
static const char *make_types(const char *name, int mode, bool new_types) {
    static const nc_type types[] = {NC_BYTE,  NC_CHAR,   NC_SHORT, NC_INT,   NC_FLOAT, NC_DOUBLE,
                                    NC_UBYTE, NC_USHORT, NC_UINT,  NC_INT64, NC_UINT64};
    const char *path = make_path(name);
    int id, dims[3], var[22], n = new_types ? 11 : 6;
    NC(nc_create(path, mode | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &dims[0]));
    NC(nc_def_dim(id, "y", 3, &dims[1]));
    NC(nc_def_dim(id, "x", 5, &dims[2]));
    for (int i = 0; i < 2 * n; i++) {
        char called[20];
        snprintf(called, sizeof called, "%s%d", i < n ? "fixed" : "record", i % n);
        NC(nc_def_var(id, called, types[i % n], i < n ? 1 + i % 2 : 1 + i % 3, i < n ? dims + 1 : dims, &var[i]));
    }
    put_attrs(id, NC_GLOBAL, new_types);
    put_attrs(id, var[2], new_types);
    put_attrs(id, var[n + 1], new_types);
    NC(nc_enddef(id));
    for (int i = 0; i < 2 * n; i++) {
        signed char values[4 * 15];
        size_t start[3] = {0}, count[3] = {4, 3, 5};
        for (size_t k = 0; k < sizeof values; k++) values[k] = (signed char)(i + (int)k % 90);
        if (types[i % n] == NC_CHAR)
            NC(nc_put_vara_text(id, var[i], start, i < n ? count + 1 : count, (char *)values));
        else
            NC(nc_put_vara_schar(id, var[i], start, i < n ? count + 1 : count, values));
    }
    NC(nc_close(id));
    return path;
}

TEST(every_type_in_every_format) {
    CHECK(compare(make_types("types1.nc", 0, false)));
    CHECK(compare(make_types("types2.nc", NC_64BIT_OFFSET, false)));
    CHECK(compare(make_types("types5.nc", NC_64BIT_DATA, true)));
    CHECK(compare(make_types("types4.nc", NC_NETCDF4, true)));
    CHECK(compare(make_types("types4c.nc", NC_NETCDF4 | NC_CLASSIC_MODEL, false)));
}

static const struct {
    nc_type stored;
    const char *sign;  /* "_Unsigned" */
    enum e5_dtype meant;
    double fill, meant_fill, missing[3];
} signs[] = {
    {NC_BYTE, "true", E5_U8, -1, 255, {-2, 7, -2}},
    {NC_SHORT, "true", E5_U16, -1, 65535, {-2, 7, 8}},
    {NC_INT, "true", E5_U32, -1, 4294967295.0, {-2, 7, 8}},
    {NC_UBYTE, "false", E5_I8, 255, -1, {254, 7, 8}},
    {NC_USHORT, "false", E5_I16, 65535, -1, {65534, 7, 8}},
    {NC_UINT, "false", E5_I32, 4294967295.0, -1, {4, 7, 8}},
    {NC_INT64, "true", E5_U64, 5, 5, {2, 7, 8}},
    {NC_UINT64, "false", E5_I64, 5, 5, {2, 7, 8}},
    {NC_FLOAT, "true", E5_F32, -1, -1, {-2, 7, 8}},
    {NC_SHORT, "maybe", E5_I16, -1, -1, {-2, 7, 8}},
};

/* Numbers whose sign an attribute turns round; their fill and missing values are read like them. */
TEST(signs_by_attribute_and_several_missing_values) {
    const char *path = make_path("signs.nc");
    struct e5_ncfile *file = NULL;
    int id, dim, var, n = sizeof signs / sizeof *signs;
    char name[8];
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", 3, &dim));
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "v%d", i);
        NC(nc_def_var(id, name, signs[i].stored, 1, &dim, &var));
        NC(nc_put_att_text(id, var, "_Unsigned", strlen(signs[i].sign), signs[i].sign));
        NC(nc_put_att_double(id, var, "_FillValue", signs[i].stored, 1, &signs[i].fill));
        NC(nc_put_att_double(id, var, "missing_value", signs[i].stored, 3, signs[i].missing));
    }
    NC(nc_close(id));
    CHECK(compare(path));
    CHECK_OK(e5_ncfile_open_direct(path, NULL, &file, err));
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "v%d", i);
        const struct e5_ncvar *v = e5_ncfile_find(file, name);
        double span = signs[i].meant_fill - signs[i].fill; /* what turning the sign adds */
        double first =
            (signs[i].missing[0] < 0) == (signs[i].fill < 0) ? signs[i].missing[0] + span : signs[i].missing[0];
        if (signs[i].fill > 0 && signs[i].missing[0] < signs[i].fill / 2) first = signs[i].missing[0];
        CHECK(v->dtype == signs[i].meant && v->packing.fill == signs[i].meant_fill);
        CHECK(v->packing.missing == first && v->packing.other[0] == 7);
        CHECK(v->packing.others == (signs[i].missing[2] == 8 ? 2 : 1));
    }
    e5_ncfile_close(file);
}

static const char *make_single_record(const char *name, int mode, size_t records) {
    const char *path = make_path(name);
    int id, dims[2], var;
    size_t start[2] = {0, 0}, count[2] = {records, 3};
    short values[15];
    for (short i = 0; i < 15; i++) values[i] = i;
    NC(nc_create(path, mode | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &dims[0]));
    NC(nc_def_dim(id, "x", 3, &dims[1]));
    NC(nc_def_var(id, "v", NC_SHORT, 2, dims, &var));
    NC(nc_enddef(id));
    if (records > 0) NC(nc_put_vara_short(id, var, start, count, values));
    NC(nc_close(id));
    return path;
}

TEST(a_single_record_variable_is_not_padded) {
    int modes[] = {0, NC_64BIT_OFFSET, NC_64BIT_DATA};
    for (int i = 0; i < 3; i++) {
        CHECK(compare(make_single_record("single.nc", modes[i], 5)));
        CHECK(compare(make_single_record("none.nc", modes[i], 0)));
    }
}

static const char *make_nothing(const char *name, int mode) {
    const char *path = make_path(name);
    int id, dim;
    NC(nc_create(path, mode | NC_CLOBBER, &id));
    if (name[0] == 'd') NC(nc_def_dim(id, "x", 3, &dim));
    NC(nc_close(id));
    return path;
}

TEST(files_without_variables) {
    int modes[] = {0, NC_64BIT_OFFSET, NC_64BIT_DATA, NC_NETCDF4, NC_NETCDF4 | NC_CLASSIC_MODEL};
    for (int i = 0; i < 5; i++) {
        CHECK(compare(make_nothing("empty.nc", modes[i])));
        CHECK(compare(make_nothing("dim.nc", modes[i])));
    }
}

/* What netCDF-4 does with names and dimensions. */
static const char *make_conventions(const char *name) {
    const char *path = make_path(name), *labels[] = {"0001", NULL, "", "0005 and more than sixteen characters"};
    int id, time, station, lost, open, plane[2], var, twice[2];
    float values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    size_t start[2] = {0, 0}, count[2] = {3, 4}, three = 3;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &time));
    NC(nc_def_dim(id, "station", 4, &station));
    NC(nc_def_dim(id, "lost", 9, &lost)); /* used by nobody */
    NC(nc_def_dim(id, "open", NC_UNLIMITED, &open));
    plane[0] = time, plane[1] = station;
    twice[0] = twice[1] = station;
    NC(nc_def_var(id, "station", NC_FLOAT, 2, (int[]){lost, station}, &var)); /* the name of its second dimension */
    NC(nc_put_vara_float(id, var, start, count, values));
    NC(nc_def_var(id, "time", NC_DOUBLE, 1, &time, &var));
    NC(nc_put_vara_float(id, var, start, &three, values));
    NC(nc_def_var(id, "lost", NC_FLOAT, 1, &station, &var)); /* has the name of a dimension that it lacks */
    NC(nc_put_var_float(id, var, values));
    NC(nc_def_var(id, "label", NC_STRING, 1, &station, &var));
    NC(nc_put_var_string(id, var, labels));
    NC(nc_def_var(id, "labels", NC_STRING, 2, plane, &var));
    for (start[0] = 0; start[0] < 3; start[0]++) NC(nc_put_vara_string(id, var, start, (size_t[]){1, 4}, labels));
    start[0] = 0;
    NC(nc_def_var(id, "letters", NC_CHAR, 2, plane, &var));
    NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_put_vara_text(id, var, start, count, "abcdefghijkl"));
    NC(nc_def_var(id, "square", NC_FLOAT, 2, twice, &var));
    NC(nc_def_var(id, "shorter", NC_INT, 1, &time, &var));
    NC(nc_put_vara_float(id, var, start, (size_t[]){2}, values));
    NC(nc_def_var(id, "single", NC_STRING, 0, NULL, &var));
    NC(nc_put_var_string(id, var, labels));
    NC(nc_def_var(id, "letter", NC_CHAR, 0, NULL, &var));
    NC(nc_put_var_text(id, var, "z"));
    NC(nc_close(id));
    return path;
}

TEST(names_and_dimensions_of_netcdf4) { CHECK(compare(make_conventions("conventions.nc"))); }

/* So many that HDF5 keeps them in heaps and trees of their own. */
static const char *make_many(const char *name, int vars, int attrs) {
    const char *path = make_path(name);
    int id, dim, var;
    char called[20], *large = calloc(70000, 1);
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", 2, &dim));
    memset(large, 'k', 69999);
    for (int i = 0; i < vars; i++) {
        snprintf(called, sizeof called, "v%d", (i * 37) % vars);
        NC(nc_def_var(id, called, NC_INT, 1, &dim, &var));
        for (int k = 0; k < attrs; k++) {
            snprintf(called, sizeof called, "a%d", (k * 11) % attrs);
            NC(nc_put_att_int(id, var, called, NC_INT, 1, &k));
        }
    }
    NC(nc_put_att_text(id, NC_GLOBAL, "large", 69999, large));
    for (int k = 0; k < attrs; k++) {
        snprintf(called, sizeof called, "g%d", (k * 11) % attrs);
        NC(nc_put_att_text(id, NC_GLOBAL, called, strlen(called), called));
    }
    NC(nc_close(id));
    free(large);
    return path;
}

TEST(many_variables_and_attributes) {
    CHECK(compare(make_many("few.nc", 3, 3)));
    CHECK(compare(make_many("many.nc", 40, 40)));
    CHECK(compare(make_many("wide.nc", 90, 2)));
    CHECK(compare(make_many("deep.nc", 2, 300)));
}

static const char *make_storages(const char *name) {
    const char *path = make_path(name);
    int id, dims[2], var;
    size_t chunk[2] = {3, 4};
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "y", 7, &dims[0]));
    NC(nc_def_dim(id, "x", 9, &dims[1]));
    for (int i = 0; i < 32; i++) {
        char called[20];
        short values[63];
        snprintf(called, sizeof called, "v%d", i);
        for (short k = 0; k < 63; k++) values[k] = (short)(k * i);
        NC(nc_def_var(id, called, i % 2 ? NC_SHORT : NC_DOUBLE, 2, dims, &var));
        NC(nc_def_var_chunking(id, var, i & 4 ? NC_CHUNKED : i & 8 ? NC_COMPACT : NC_CONTIGUOUS, chunk));
        if ((i & 4) != 0 && (i & 8) != 0) NC(nc_def_var_deflate(id, var, i & 16, 1, i % 10));
        if ((i & 4) != 0 && (i & 2) != 0) NC(nc_def_var_fletcher32(id, var, NC_FLETCHER32));
        NC(nc_def_var_endian(id, var, i & 2 ? NC_ENDIAN_BIG : NC_ENDIAN_LITTLE));
        if (i % 5 > 0) NC(nc_put_var_short(id, var, values));
    }
    NC(nc_close(id));
    return path;
}

TEST(every_way_of_storing) { CHECK(compare(make_storages("storages.nc"))); }

/* --- left to netcdf-c --- */

static const char *make_own_types(const char *name) {
    const char *path = make_path(name);
    int id, dim, var, type, one = 1;
    signed char zero = 0;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", 3, &dim));
    NC(nc_def_enum(id, NC_BYTE, "colour", &type));
    NC(nc_insert_enum(id, type, "red", &zero));
    NC(nc_def_var(id, "enumerated", type, 1, &dim, &var));
    NC(nc_def_var(id, "plain", NC_INT, 1, &dim, &var));
    for (size_t i = 0; i < 3; i++) NC(nc_put_var1_int(id, var, &i, &one));
    NC(nc_close(id));
    return path;
}

static const char *make_groups(const char *name, size_t length) {
    const char *path = make_path(name);
    int id, dim, group, var;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", length, &dim));
    NC(nc_def_var(id, "outer", NC_INT, 1, &dim, &var));
    NC(nc_def_grp(id, "inner", &group));
    NC(nc_def_var(group, "hidden", NC_INT, 1, &dim, &var));
    NC(nc_close(id));
    return path;
}

static const char *make_deep(const char *name) {
    const char *path = make_path(name);
    int id, dims[7], var;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    for (int d = 0; d < 7; d++) NC(nc_def_dim(id, (char[2]){(char)('a' + d), 0}, 2, &dims[d]));
    NC(nc_def_var(id, "seven", NC_INT, 7, dims, &var));
    NC(nc_def_var(id, "six", NC_INT, 6, dims, &var));
    NC(nc_close(id));
    return path;
}

TEST(what_is_not_known_goes_through_netcdf_c) {
    char text[300];
    const char *path = make_own_types("own.nc");
    struct e5_ncfile *file = NULL;
    CHECK(!compare(path));
    CHECK(!compare(make_groups("open.nc", NC_UNLIMITED)));
    CHECK(compare(make_groups("closed.nc", 3)));
    CHECK(!compare(make_deep("deep7.nc")));
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    e5_ncfile_explain(file, e5_ncfile_find(file, "plain"), text, sizeof text);
    CHECK(strstr(text, "Read directly") == text &&
          strstr(text, "header came through netCDF-C: a variable is") != NULL);
    e5_ncfile_close(file);
}

/* --- plain HDF5 --- */

static void add_set(hid_t group, const char *name, int ndim, const hsize_t *dim, const hsize_t *most, hid_t type) {
    hsize_t chunk[3] = {2, 2, 2};
    hid_t space = ndim > 0 ? H5Screate_simple(ndim, dim, most) : H5Screate(H5S_SCALAR);
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    if (most != NULL) H5Pset_chunk(how, ndim, chunk);
    hid_t set = H5Dcreate2(group, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    CHECK(set >= 0);
    int values[64] = {1, 2, 3, 4};
    if (H5Tget_class(type) == H5T_INTEGER)
        CHECK(H5Dwrite(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set), H5Pclose(how), H5Sclose(space);
}

static void add_text_attr(hid_t object, const char *name, size_t size, int ndim, const char *bytes) {
    hsize_t two = 2;
    hid_t type = H5Tcopy(H5T_C_S1), space = ndim > 0 ? H5Screate_simple(1, &two, NULL) : H5Screate(H5S_SCALAR);
    H5Tset_size(type, size);
    hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    CHECK(attr >= 0 && H5Awrite(attr, type, bytes) >= 0);
    H5Aclose(attr), H5Tclose(type), H5Sclose(space);
}

/* Without dimension scales netcdf-c invents dimensions. */
static const char *make_plain(const char *name, bool latest) {
    const char *path = make_path(name);
    hsize_t shapes[][3] = {{4, 3, 2}, {3, 3, 4}, {4, 4, 4}}, open[3] = {H5S_UNLIMITED, 3, 2};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 6);
    if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    add_set(file, "zebra", 3, shapes[0], NULL, H5T_STD_I32BE);
    add_set(file, "apple", 2, shapes[1], NULL, H5T_STD_I16LE);
    add_set(file, "cubes", 3, shapes[2], NULL, H5T_STD_U8LE);
    add_set(file, "grown", 3, shapes[0], open, H5T_STD_I32LE);
    add_set(file, "point", 0, NULL, NULL, H5T_STD_I64LE);
    add_set(file, "words", 1, shapes[0], NULL, text);
    add_text_attr(file, "padded", 6, 0, "ab\0\0\0\0");
    add_text_attr(file, "two", 4, 1, "abcdef\0\0");
    H5Tclose(text), H5Fclose(file), H5Pclose(access);
    return path;
}

TEST(plain_hdf5_gets_invented_dimensions) {
    CHECK(compare(make_plain("plain.h5", false)));
    CHECK(compare(make_plain("latest.h5", true)));
}

/* Programs without netCDF, such as h5netcdf in its early days, do not number dimensions: variables refer to scales.
 */
static const char *make_scales(const char *name, const char *const *attributes) {
    static const char *const names[] = {"time", "latitude", "field", "line"};
    const char *path = make_path(name);
    int id, dim[2], var[4];
    size_t start[2] = {0, 0}, count[2] = {3, 2};
    float values[6] = {1, 2, 3, 4, 5, 6};
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &dim[0]));
    NC(nc_def_dim(id, "latitude", 2, &dim[1]));
    for (int i = 0; i < 4; i++) {
        NC(nc_def_var(id, names[i], NC_FLOAT, i == 2 ? 2 : 1, i == 1 ? &dim[1] : dim, &var[i]));
        NC(nc_put_vara_float(id, var[i], start, i == 1 ? &count[1] : count, values));
    }
    NC(nc_close(id));
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    for (int i = 0; i < 4; i++) {
        hid_t set = H5Dopen2(file, names[i], H5P_DEFAULT);
        for (int k = 0; attributes[k] != NULL; k++)
            if (H5Aexists(set, attributes[k]) > 0) CHECK(H5Adelete(set, attributes[k]) >= 0);
        H5Dclose(set);
    }
    H5Fclose(file);
    return path;
}

TEST(dimensions_by_reference_to_their_scales) {
    static const char *const none[] = {NULL}, *const places[] = {"_Netcdf4Coordinates", NULL},
                             *const numbers[] = {"_Netcdf4Coordinates", "_Netcdf4Dimid", NULL},
                             *const references[] = {"_Netcdf4Coordinates", "DIMENSION_LIST", NULL};
    CHECK(compare(make_scales("numbered.nc", none)));
    CHECK(compare(make_scales("placed.nc", places)));
    CHECK(compare(make_scales("referred.nc", numbers)));
    CHECK(compare(make_scales("invented.nc", references)));
}

TEST(links_of_hdf5) {
    const char *soft = make_plain("soft.h5", false), *foreign = make_plain("foreign.h5", false);
    struct e5_ncfile *file = NULL;
    hid_t id = H5Fopen(soft, H5F_ACC_RDWR, H5P_DEFAULT);
    CHECK(H5Lcreate_soft("/apple", id, "pear", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(id);
    CHECK(!compare(soft));
    id = H5Fopen(foreign, H5F_ACC_RDWR, H5P_DEFAULT);
    CHECK(H5Lcreate_external("/etc/hostname", "/", id, "there", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(id);
    CHECK_STATUS(E5_UNSAFE, e5_ncfile_open_direct(foreign, NULL, &file, err));
    CHECK_STATUS(E5_UNSAFE, e5_ncfile_open(foreign, NULL, &file, err));
}

/* --- netCDF-3 by hand --- */

/* A program that writes record after record may leave their number open. */
TEST(records_that_were_not_counted) {
    size_t size, start[2] = {0, 0}, count[2] = {5, 3};
    double values[15];
    unsigned char *bytes = make_slurp(make_single_record("counted.nc", 0, 5), &size);
    struct e5_ncfile *file = NULL;
    memset(bytes + 4, 0xFF, 4);
    CHECK_OK(e5_ncfile_open_direct(make_bytes("stream.nc", bytes, size), NULL, &file, err));
    CHECK(file->dim[0].length == 5 && file->dim[0].unlimited);
    CHECK_OK(e5_ncfile_read(file, &file->var[0], start, count, E5_F64, values, NULL, NULL, err));
    for (int i = 0; i < 15; i++) CHECK(values[i] == i);
    e5_ncfile_close(file);
    CHECK_OK(e5_ncfile_open_direct(make_bytes("part.nc", bytes, size - 1), NULL, &file, err));
    CHECK(file->dim[0].length == 4);
    e5_ncfile_close(file);
    free(bytes);
}

/* --- many at once --- */

struct crowd {
    const char *path[6];
};

static enum e5_status open_and_read(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct crowd *crowd = context;
    struct e5_ncfile *file = NULL;
    (void)slot;
    enum e5_status status = e5_ncfile_open_direct(crowd->path[index % 6], NULL, &file, err);
    if (status == E5_OK && file == NULL) status = e5_fail(err, E5_INTERNAL, "needs netcdf-c");
    for (size_t i = 0; status == E5_OK && i < file->nvar; i++) {
        size_t start[E5_MAX_DIMS] = {0}, count[E5_MAX_DIMS] = {0};
        double out[1000];
        bool by_library = true;
        struct e5_texts texts;
        for (int d = 0; d < file->var[i].ndim; d++) count[d] = file->dim[file->var[i].dim[d]].length;
        status = e5_ncfile_by_library(file, &file->var[i], &by_library, err);
        if (status != E5_OK || by_library) continue;
        if (!file->var[i].is_text) {
            status = e5_ncfile_read(file, &file->var[i], start, count, E5_F64, out, NULL, NULL, err);
            continue;
        }
        status = e5_texts_read(file, &file->var[i], &texts, err);
        if (status == E5_OK) free(texts.bytes);
    }
    e5_ncfile_close(file);
    return status;
}

/* The main thread stays inside the gate meanwhile: whoever wanted it would wait for ever. */
TEST(threads_open_and_read_without_the_gate) {
    struct crowd crowd = {{make_types("crowd1.nc", 0, false), make_types("crowd5.nc", NC_64BIT_DATA, true),
                           make_types("crowd4.nc", NC_NETCDF4, true), make_conventions("crowdc.nc"),
                           make_storages("crowds.nc"), make_plain("crowdp.h5", true)}};
    struct crowd copy = crowd; /* make_path() keeps eight names */
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(4, &pool, err));
    e5_gate_enter();
    CHECK_OK(e5_pool_for(pool, NULL, 240, open_and_read, &copy, err));
    e5_gate_leave();
    e5_pool_free(pool);
}

/* --- memory and descriptors --- */

TEST(every_allocation_may_fail_in_headers) {
    char path[128];
    for (int kind = 0; kind < 2; kind++) {
        snprintf(path, sizeof path, "%s", kind ? make_types("memory3.nc", 0, false) : make_conventions("memory4.nc"));
        enum e5_status status = E5_MEMORY;
        for (long n = 1; status != E5_OK && n < 5000; n++) {
            struct e5_ncfile *file = NULL;
            struct e5_error err = E5_ERROR_NONE;
            e5_alloc_fail_after(n);
            status = e5_ncfile_open_direct(path, NULL, &file, &err);
            e5_alloc_fail_after(0);
            CHECK(status == E5_OK || status == E5_MEMORY);
            e5_ncfile_close(file);
        }
        CHECK(status == E5_OK);
    }
}

TEST(open_files_hold_no_descriptors) {
    enum { FILES = 2000 };
    static struct e5_ncfile *files[FILES];
    const char *paths[] = {make_types("held3.nc", 0, false), make_conventions("held4.nc")};
    int before = dup(0), after;
    for (int i = 0; i < FILES; i++) CHECK_OK(e5_ncfile_open_direct(paths[i % 2], NULL, &files[i], err));
    after = dup(0);
    CHECK(before >= 0 && after == before + 1);
    close(before);
    close(after);
    for (int i = 0; i < FILES; i++) e5_ncfile_close(files[i]);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        check_tests++;
        int before = check_failures;
        printf("%s %s\n", compare(argv[i]) ? "directly" : "through netcdf-c", argv[i]);
        check_bad_tests += check_failures > before;
    }
    if (argc > 1) return check_summary();
    RUN(every_type_in_every_format);
    RUN(signs_by_attribute_and_several_missing_values);
    RUN(a_single_record_variable_is_not_padded);
    RUN(files_without_variables);
    RUN(names_and_dimensions_of_netcdf4);
    RUN(many_variables_and_attributes);
    RUN(every_way_of_storing);
    RUN(what_is_not_known_goes_through_netcdf_c);
    RUN(plain_hdf5_gets_invented_dimensions);
    RUN(dimensions_by_reference_to_their_scales);
    RUN(links_of_hdf5);
    RUN(records_that_were_not_counted);
    RUN(threads_open_and_read_without_the_gate);
    RUN(every_allocation_may_fail_in_headers);
    RUN(open_files_hold_no_descriptors);
    return check_summary();
}
