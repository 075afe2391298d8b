/* Every call to the disk fails once, for lack of space or of a sound disk: what is told, and what is left. */
#include <stdlib.h>

#include "base/scratch.h"
#include "check.h"
#include "drive/fetch_unpack.h"
#include "failing_calls.h"
#include "folder.h"
#include "io/archive_files.h"
#include "io/ncfile.h"
#include "make_nc.h"
#include "make_zip.h"
#include "net/part.h"
#include "net/statefile.h"

enum { MOST = 500 }; /* calls of a piece of work */

static int open_descriptors(void) { /* all below the lowest that is free */
    int lowest = dup(0);
    close(lowest);
    return lowest;
}

struct work {
    enum e5_status (*run)(struct e5_error *err);
    void (*before)(void);                 /* makes the world of old; NULL: nothing */
    bool (*sound)(enum e5_status status); /* of what is left; what went well must be as if nothing had failed */
    const char *subject;                  /* that a failure speaks of */
    int failures;                         /* calls, at least, whose failure cannot be forgiven */
};

/* Let the first call fail, then the second, until there are no more.  A failure is told as E5_STORAGE with the errno
 * of that call and the name of the file, and no descriptor is left open. */
static void break_every_call(const struct work *work) {
    static const int codes[] = {EIO, ENOSPC};
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        int failures = 0;
        long n = 0;
        do {
            struct e5_error err = E5_ERROR_NONE;
            if (work->before != NULL) work->before();
            int descriptors = open_descriptors();
            fail_call(++n, codes[k]);
            enum e5_status status = work->run(&err);
            fail_no_more();
            bool told = status == E5_OK || (status == E5_STORAGE && err.sys_errno == codes[k] &&
                                            strstr(err.what, work->subject) != NULL);
            bool good = told && open_descriptors() == descriptors && work->sound(status);
            if (!good) printf("%s, call %ld: %s: %s\n", failing_name, n, e5_status_name(status), err.what);
            CHECK(good);
            CHECK(failing_name != NULL || status == E5_OK);
            failures += status != E5_OK;
        } while (failing_name != NULL && n < MOST);
        CHECK(n < MOST && failures >= work->failures);
    }
}

/* --- a download: place, part, state --- */

enum { SIZE = 100000 };
static char bytes[SIZE];
static const struct e5_pieces nothing = {.count = 0};

static bool target_holds(const char *wanted, long size) {
    static char found[SIZE + 1];
    return folder_read("target.nc", found, sizeof found) == size && memcmp(found, wanted, (size_t)size) == 0;
}

static void put_old_target(void) { folder_write("target.nc", "old", 3); }

static enum e5_status download(struct e5_error *err) {
    struct e5_place place = E5_PLACE_NONE;
    struct e5_part part = E5_PART_NONE;
    struct stat info;
    bool exists;
    enum e5_status status = e5_place_open(&place, folder_path("target.nc"), err);
    if (status == E5_OK) status = e5_place_lock(&place, "tag", err);
    if (status == E5_OK) status = e5_place_look(&place, &exists, &info, err);
    if (status == E5_OK) status = e5_part_open(&part, &place, SIZE, &nothing, err);
    if (status == E5_OK) status = e5_part_write(&part, &part.pieces.piece[0], bytes, SIZE, err);
    if (status == E5_OK) status = e5_part_sync(&part, err);
    if (status == E5_OK) status = e5_place_publish(&place, true, err);
    e5_part_close(&part);
    e5_place_clean(&place);
    e5_place_close(&place);
    return status;
}

/* Whole, or the old one; and whole where the only thing missing is that the name is durable. */
static bool old_or_new(enum e5_status status) {
    bool is_new = target_holds(bytes, SIZE);
    return folder_count() == 1 && (status == E5_OK ? is_new : is_new || target_holds("old", 3));
}

TEST(a_target_is_the_old_one_or_the_new_one) {
    break_every_call(&(struct work){download, put_old_target, old_or_new, folder, 6});
}

static struct e5_place place;

static struct e5_state state_of(const char *fingerprint) {
    struct e5_state state;
    e5_state_init(&state, fingerprint);
    state.size = SIZE;
    return state;
}

static void save_old_state(void) {
    struct e5_state state = state_of("old");
    CHECK_OK(e5_state_save(&state, &place, err));
}

static enum e5_status save_new_state(struct e5_error *err) {
    struct e5_state state = state_of("new");
    return e5_state_save(&state, &place, err);
}

static bool states_are_whole(enum e5_status status) {
    struct e5_state back;
    if (folder_count() != 1 || !e5_state_load(&back, &place) || back.size != SIZE) return false;
    return strcmp(back.fingerprint, "new") == 0 || (status != E5_OK && strcmp(back.fingerprint, "old") == 0);
}

TEST(a_state_is_the_old_one_or_the_new_one) {
    CHECK_OK(e5_place_open(&place, folder_path("target.nc"), err));
    break_every_call(&(struct work){save_new_state, save_old_state, states_are_whole, "target.nc", 6});
    e5_place_clean(&place);
    e5_place_close(&place);
}

/* --- archives --- */

static struct e5_archive_files files;

static void empty_folder(void) {
    e5_archive_files_remove(AT_FDCWD, folder_path("out"));
    mkdir(folder_path("out"), 0777);
}

static enum e5_status unpack(struct e5_error *err) {
    int directory = open(folder_path("out"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return e5_fail_errno(err, errno, "archive.zip", "cannot open the folder of");
    e5_archive_files_init(&files, directory, "archive.zip");
    enum e5_status status = e5_archive_files_unpack(&files, folder_path("archive.zip"), NULL, err);
    files.directory = (int)files.count;
    e5_archive_files_fini(&files);
    int closed = close(directory);
    return status == E5_OK && closed != 0 ? e5_fail_errno(err, errno, "archive.zip", "cannot close the folder of")
                                          : status;
}

static bool members_are_whole(enum e5_status status) {
    static char found[SIZE + 1];
    if (status != E5_OK) return true; /* what is left is the caller's to remove */
    return folder_read("out/00000-a.nc", found, sizeof found) == SIZE && memcmp(found, bytes, SIZE) == 0 &&
           folder_read("out/00001-b.nc", found, sizeof found) == 10;
}

TEST(members_are_whole_or_their_archive_is_named) {
    zip_clear();
    zip_add("a.nc", bytes, SIZE, (struct zip_how){.level = 1});
    zip_add("b.nc", bytes, 10, (struct zip_how){.plain = true});
    zip_end(false, "");
    folder_write("archive.zip", zip.bytes, zip.size);
    break_every_call(&(struct work){unpack, empty_folder, members_are_whole, "archive.zip", 6});
    e5_archive_files_remove(AT_FDCWD, folder_path("out"));
    unlink(folder_path("archive.zip"));
}

/* --- files of netCDF --- */

enum { VALUES = 5000 };
static const char *read_path;
static float values[VALUES];

static const char *make_file(const char *name, int mode) {
    const char *path = make_path(name);
    float numbers[VALUES];
    int id, dim, var;
    for (int i = 0; i < VALUES; i++) numbers[i] = (float)i / 8;
    NC(nc_create(path, mode | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", VALUES, &dim));
    NC(nc_def_var(id, "numbers", NC_FLOAT, 1, &dim, &var));
    if (mode == NC_NETCDF4) NC(nc_def_var_chunking(id, var, NC_CHUNKED, &(size_t){700}));
    if (mode == NC_NETCDF4) NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_enddef(id));
    NC(nc_put_var_float(id, var, numbers));
    NC(nc_close(id));
    return path;
}

/* --- a download that is an archive --- */

static const char *member_of_archive; /* a netCDF file that a member holds */

static enum e5_status unpack_target(struct e5_error *err) {
    static const struct e5_fetch_existing replace = {.replace = true};
    struct e5_place beside = E5_PLACE_NONE;
    struct e5_fetch_unpacked result = {0};
    int part = -1;
    enum e5_status status = e5_place_open(&beside, folder_path("target.nc"), err);
    if (status == E5_OK) status = e5_place_lock(&beside, "tag", err);
    if (status == E5_OK) {
        part = openat(beside.directory, beside.part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (part < 0 || write(part, zip.bytes, zip.size) != (ssize_t)zip.size)
            status = e5_fail_errno(err, errno, beside.path, "cannot prepare");
    }
    if (status == E5_OK) status = e5_fetch_unpack(&beside, part, (int64_t)zip.size, &replace, &result, NULL, err);
    e5_fetch_unpacked_fini(&result);
    if (part >= 0) close(part);
    e5_fetch_unpack_clean(&beside);
    e5_place_clean(&beside);
    e5_place_close(&beside);
    return status;
}

static bool is_member(void) { return make_same(folder_path("target.nc"), member_of_archive); }

static bool old_or_member(enum e5_status status) {
    bool is_new = is_member();
    return folder_count() == 1 && (status == E5_OK ? is_new : is_new || target_holds("old", 3));
}

TEST(an_archive_becomes_its_member_or_nothing_changes) {
    size_t size;
    member_of_archive = make_file("member.nc", NC_64BIT_OFFSET);
    unsigned char *member = make_slurp(member_of_archive, &size);
    zip_clear();
    zip_add("any/name.nc", member, size, (struct zip_how){.level = 1});
    zip_end(false, "");
    free(member);
    break_every_call(&(struct work){unpack_target, put_old_target, old_or_member, "", 10});
    unlink(folder_path("target.nc"));
}

/* --- reading --- */

static enum e5_status read_file(struct e5_error *err) {
    struct e5_ncfile *file = NULL;
    enum e5_status status = e5_ncfile_open_direct(read_path, NULL, &file, err);
    memset(values, 0, sizeof values);
    if (status == E5_OK)
        status = e5_ncfile_read(file, e5_ncfile_find(file, "numbers"), (size_t[]){0}, (size_t[]){VALUES}, E5_F32,
                                values, NULL, NULL, err);
    e5_ncfile_close(file);
    return status;
}

static bool values_are_right(enum e5_status status) {
    for (int i = 0; status == E5_OK && i < VALUES; i++)
        if (values[i] != (float)i / 8) return false;
    return true;
}

TEST(values_are_right_or_there_are_none) {
    read_path = make_file("classic.nc", NC_64BIT_OFFSET);
    break_every_call(&(struct work){read_file, NULL, values_are_right, "classic.nc", 2});
    read_path = make_file("netcdf4.nc", NC_NETCDF4);
    break_every_call(&(struct work){read_file, NULL, values_are_right, "netcdf4.nc", 2});
}

/* --- scratch space --- */

static uint64_t expected;
static char back[SIZE];

static enum e5_status through_scratch(struct e5_error *err) {
    struct e5_scratch scratch;
    enum e5_status status = e5_scratch_open(folder, expected, NULL, &scratch, err);
    if (status == E5_OK) status = e5_scratch_write(&scratch, bytes, SIZE, 0, err);
    if (status == E5_OK) status = e5_scratch_read(&scratch, back, SIZE, 0, err);
    e5_scratch_close(&scratch);
    if (status == E5_STORAGE && err->sys_errno == ENOSPC)
        CHECK(strstr(err->hint, "TMPDIR") != NULL && (strstr(err->hint, "GB") != NULL) == (expected > 0));
    return status;
}

static bool scratch_is_right(enum e5_status status) {
    return folder_count() == 0 && (status != E5_OK || memcmp(back, bytes, SIZE) == 0);
}

TEST(scratch_space_is_told_of_and_leaves_nothing) {
    for (expected = 0; expected <= SIZE; expected += SIZE)
        break_every_call(&(struct work){through_scratch, NULL, scratch_is_right, folder, expected > 0 ? 4 : 3});
}

int main(void) {
    unsigned random = 3;
    for (int i = 0; i < SIZE; i++) bytes[i] = (char)((random = random * 1664525u + 1013904223u) >> 24);
    folder_make();
    RUN(a_target_is_the_old_one_or_the_new_one);
    unlink(folder_path("target.nc"));
    RUN(a_state_is_the_old_one_or_the_new_one);
    RUN(members_are_whole_or_their_archive_is_named);
    RUN(an_archive_becomes_its_member_or_nothing_changes);
    RUN(values_are_right_or_there_are_none);
    RUN(scratch_space_is_told_of_and_leaves_nothing);
    zip_clear();
    folder_remove();
    return check_summary();
}
