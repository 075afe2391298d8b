/* Each call of netcdf-c and of HDF5 fails once, in each way in which they can: what is told, and what is left. */
#include "check.h"
#include "failing_libraries.h"
#include "make_nc.h"

#include "base/alloc.h"
#include "io/chunk_copy.h"
#include "io/library.h"
#include "io/ncfile.h"
#include "io/texts.h"

enum { LENGTH = 60, WIDTH = 5, MOST = 2000 };

/* Numbers in chunks, texts of both kinds, attributes of every kind, a dimension that grows.  `empty`: without the
 * numbers. */
static void make_file(const char *path, bool empty) {
    static const char *const words[] = {"one", "two", "three"};
    static const char *texts[LENGTH];
    static char letters[LENGTH * WIDTH];
    static float numbers[LENGTH];
    size_t start[2] = {0}, count[2] = {LENGTH, WIDTH}, chunk = 7;
    int id, dims[2], var[3];
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "grows", NC_UNLIMITED, &dims[0]));
    NC(nc_def_dim(id, "x", LENGTH, &dims[0]));
    NC(nc_def_dim(id, "y", WIDTH, &dims[1]));
    NC(nc_def_var(id, "numbers", NC_FLOAT, 1, dims, &var[0]));
    NC(nc_def_var_chunking(id, var[0], NC_CHUNKED, &chunk));
    NC(nc_def_var_deflate(id, var[0], 1, 1, 1));
    NC(nc_def_var(id, "texts", NC_STRING, 1, dims, &var[1]));
    NC(nc_def_var(id, "letters", NC_CHAR, 2, dims, &var[2]));
    NC(nc_put_att_text(id, var[0], "units", 1, "K"));
    NC(nc_put_att_float(id, var[0], "levels", NC_FLOAT, 2, (float[]){0, 1}));
    NC(nc_put_att_string(id, NC_GLOBAL, "words", 3, (const char **)words));
    NC(nc_enddef(id));
    for (int i = 0; i < LENGTH; i++) {
        numbers[i] = (float)i / 4;
        texts[i] = words[i % 3];
        memcpy(letters + (size_t)i * WIDTH, "abcde", WIDTH);
    }
    if (!empty) NC(nc_put_vara_float(id, var[0], start, count, numbers));
    NC(nc_put_vara_string(id, var[1], start, count, texts));
    NC(nc_put_vara_text(id, var[2], start, count, letters));
    NC(nc_close(id));
}

static char source[128], target[128];

/* --- reading through netcdf-c alone --- */

static bool numbers_are_right(const float *numbers) {
    for (int i = 0; i < LENGTH; i++)
        if (numbers[i] != (float)i / 4) return false;
    return true;
}

static enum e5_status read_texts(const struct e5_ncfile *file, const char *name, const char *second,
                                 struct e5_error *err) {
    struct e5_texts texts;
    enum e5_status status = e5_texts_read(file, e5_ncfile_find(file, name), &texts, err);
    CHECK((status == E5_OK) == (texts.bytes != NULL));
    if (status == E5_OK) CHECK(texts.count == LENGTH && strcmp(texts.bytes + texts.width, second) == 0);
    free(texts.bytes);
    return status;
}

/* The maps of a file whose header netcdf-c has read say nothing: the values come through it as well. */
static enum e5_status read_all(struct e5_error *said) {
    struct e5_ncfile *file = NULL;
    struct e5_layout *layout = NULL;
    size_t start = 0, count = LENGTH;
    float numbers[LENGTH] = {0};
    CHECK_OK(e5_alloc(1, sizeof *file, &file, err));
    CHECK_OK(e5_alloc(1, sizeof *layout, &layout, err));
    file->layout = layout;
    file->path = realpath(source, NULL);
    CHECK_OK(e5_probe_file(file->path, &layout->probe, err));
    enum e5_status status = e5_library_admit(file, said);
    if (status == E5_OK) status = e5_header_read(file, said);
    if (status == E5_OK)
        status =
            e5_ncfile_read(file, e5_ncfile_find(file, "numbers"), &start, &count, E5_F32, numbers, NULL, NULL, said);
    if (status == E5_OK) status = read_texts(file, "texts", "two", said);
    if (status == E5_OK) status = read_texts(file, "letters", "abcde", said);
    if (status == E5_OK) CHECK(numbers_are_right(numbers));
    e5_ncfile_close(file);
    return status;
}

TEST(every_call_of_netcdf_c_may_fail) {
    static const struct {
        int code;
        enum e5_status status;
        const char *what;
    } ways[] = {
        {NC_EHDFERR, E5_CORRUPT, "HDF error"},
        {NC_ENOMEM, E5_MEMORY, "not enough memory"},
        {NC_ENOFILTER, E5_INPUT, "a filter that is not installed"},
        {EIO, E5_STORAGE, "Input/output error"},
        {EDOM, E5_CORRUPT, "a header that makes no sense"},
    };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        long n = 0, failures = 0;
        do {
            struct e5_error err = E5_ERROR_NONE;
            fail_library(++n, ways[way].code);
            enum e5_status status = read_all(&err);
            library_left = 0;
            bool by_hdf5 = library_name != NULL && library_name[0] == 'H'; /* says neither why nor what */
            bool told = status == err.status && strstr(err.what, "source.nc") != NULL &&
                        (by_hdf5 || (status == ways[way].status && strstr(err.what, ways[way].what) != NULL));
            if (library_name != NULL && status != E5_OK && !told)
                printf("%s, call %ld: %s: %s\n", library_name, n, e5_status_name(status), err.what);
            CHECK(status == E5_OK || (library_name != NULL && told));
            failures += status != E5_OK;
        } while (library_name != NULL && n < MOST);
        CHECK(n < MOST && failures >= 30);
    }
}

TEST(what_netcdf_c_says_of_a_file_is_not_believed) {
    static const char *const what[] = {"of a format that is not known", "unknown dimension", "chunks of no size"};
    for (int i = 0; i < 3; i++) {
        struct e5_error err = E5_ERROR_NONE;
        lie_format = i == 0 ? 99 : 0;
        lie_dimension = i == 1 ? 99 : 0;
        lie_chunks = i == 2;
        CHECK(read_all(&err) == E5_CORRUPT && strstr(err.what, what[i]) != NULL);
    }
    lie_chunks = false;
    CHECK_OK(read_all(err));
}

TEST(a_file_that_hdf5_cannot_open_does_not_reach_netcdf_c) {
    struct e5_error err = E5_ERROR_NONE;
    lie_closed = true;
    CHECK(read_all(&err) == E5_CORRUPT && strstr(err.what, "HDF5 cannot read it") != NULL && err.hint[0] != '\0');
    lie_closed = false;
}

/* --- chunks that are copied as they are stored --- */

static enum e5_status copy(struct e5_error *said) {
    struct e5_ncfile *from = NULL;
    const struct e5_map *map = NULL;
    CHECK_OK(e5_ncfile_open_direct(source, NULL, &from, err));
    CHECK_OK(e5_layout_prepare(from, e5_ncfile_find(from, "numbers"), &map, err));
    enum e5_status status = e5_chunk_copy(from, map, target, "numbers", NULL, said);
    e5_ncfile_close(from);
    return status;
}

TEST(every_call_of_hdf5_may_fail_while_chunks_are_copied) {
    static const int codes[] = {0, ENOSPC}; /* HDF5 says nothing, or leaves the errno of the system call */
    for (int k = 0; k < 2; k++) {
        long n = 0;
        do {
            struct e5_error err = E5_ERROR_NONE;
            make_file(target, true);
            fail_library(++n, codes[k]);
            enum e5_status status = copy(&err);
            library_left = 0;
            bool told = status == E5_STORAGE && err.sys_errno == (codes[k] != 0 ? codes[k] : EIO) &&
                        strstr(err.what, "target.nc") != NULL && strstr(err.what, "cannot write") != NULL;
            if (library_name != NULL && !told)
                printf("%s, call %ld: %s: %s\n", library_name, n, e5_status_name(status), err.what);
            CHECK(library_name != NULL ? told : status == E5_OK);
        } while (library_name != NULL && n < MOST);
        CHECK(n > 10 && n < MOST);
    }
    struct e5_ncfile *made = NULL;
    size_t start = 0, count = LENGTH;
    float numbers[LENGTH];
    CHECK_OK(e5_ncfile_open_direct(target, NULL, &made, err));
    CHECK_OK(e5_ncfile_read(made, e5_ncfile_find(made, "numbers"), &start, &count, E5_F32, numbers, NULL, NULL, err));
    CHECK(numbers_are_right(numbers));
    e5_ncfile_close(made);
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    snprintf(source, sizeof source, "%s", make_path("source.nc"));
    snprintf(target, sizeof target, "%s", make_path("target.nc"));
    make_file(source, false);
    RUN(every_call_of_netcdf_c_may_fail);
    RUN(what_netcdf_c_says_of_a_file_is_not_believed);
    RUN(a_file_that_hdf5_cannot_open_does_not_reach_netcdf_c);
    RUN(every_call_of_hdf5_may_fail_while_chunks_are_copied);
    return check_summary();
}
