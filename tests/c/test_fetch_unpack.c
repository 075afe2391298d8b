#include "check.h"
#include "make_nc.h"
#include "make_zip.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "drive/fetch_unpack.h"
#include "io/ncfile.h"

/* --- members, archives, places --- */

/* A file of one variable over `columns` columns, as bytes to be freed. */
static unsigned char *member(const char *variable, int columns, size_t *size) {
    const char *path = make_path("member.nc");
    int id, dim, var;
    double axis[16];
    float values[16];
    for (int i = 0; i < 16; i++) axis[i] = i * 0.25, values[i] = (float)(variable[0] * 100 + i);
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "longitude", (size_t)columns, &dim));
    NC(nc_def_var(id, "longitude", NC_DOUBLE, 1, &dim, &var));
    NC(nc_put_var_double(id, var, axis));
    NC(nc_def_var(id, variable, NC_FLOAT, 1, &dim, &var));
    NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_put_var_float(id, var, values));
    NC(nc_close(id));
    unsigned char *bytes = make_slurp(path, size);
    unlink(path);
    return bytes;
}

static void add_member(const char *name, const char *variable, int columns) {
    size_t size;
    unsigned char *bytes = member(variable, columns, &size);
    zip_add(name, bytes, size, (struct zip_how){0});
    free(bytes);
}

#define INSTANT "data_stream-oper_stepType-instant.nc"
#define ACCUM "data_stream-oper_stepType-accum.nc"
#define WAVE "data_stream-wave_stepType-instant.nc"

static void archive_of_two(void) {
    zip_clear();
    add_member(INSTANT, "t2m", 8);
    add_member(ACCUM, "tp", 8);
    zip_end(false, "");
}

static void archive_with_wave(void) {
    zip_clear();
    add_member(WAVE, "swh", 4);
    add_member(INSTANT, "t2m", 8);
    add_member(ACCUM, "tp", 8);
    zip_add("d/receipt.txt", "thank you\n", 10, (struct zip_how){0});
    zip_end(false, "");
}

static void empty_folder(void) {
    const char *path = make_path("t");
    nftw(path, make_remove, 8, FTW_DEPTH | FTW_PHYS);
    if (mkdir(path, 0777) != 0) exit(2);
}

static struct e5_place place;
static int part = -1;

static void begin_place(void) {
    static char target[128];
    snprintf(target, sizeof target, "%s", make_path("t/x.nc"));
    CHECK_OK(e5_place_open(&place, target, err));
    CHECK_OK(e5_place_lock(&place, "test", err));
    part = openat(place.directory, place.part, O_RDWR | O_CREAT | O_TRUNC, 0666);
    CHECK(pwrite(part, zip.bytes, zip.size, 0) == (ssize_t)zip.size);
}

static void end_place(void) {
    close(part);
    e5_place_clean(&place);
    e5_place_close(&place);
}

/* Names in the target's folder, sorted and joined; valid until the next call. */
static const char *names(void) {
    static char text[2000];
    struct dirent **list;
    int count = scandir(make_path("t"), &list, NULL, alphasort);
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return text;
}

/* The journal's part: the file of that name is ours. */
static bool knows(void *context, const char *path, const struct stat *info) {
    return strcmp(path, make_path(context)) == 0 && S_ISREG(info->st_mode);
}

static const struct e5_fetch_existing keep = {.replace = false}, replace = {.replace = true};

static enum e5_status unpack(const struct e5_fetch_existing *existing, struct e5_fetch_unpacked *result,
                             struct e5_error *err) {
    begin_place();
    enum e5_status status = e5_fetch_unpack(&place, part, (int64_t)zip.size, existing, result, NULL, err);
    end_place();
    return status;
}

static bool holds(const char *name, const char *variable) {
    struct e5_ncfile *file = NULL;
    char path[200];
    snprintf(path, sizeof path, "%s/%s", make_path("t"), name);
    CHECK_OK(e5_ncfile_open(path, NULL, &file, err));
    bool found = file != NULL && e5_ncfile_find(file, variable) != NULL;
    e5_ncfile_close(file);
    return found;
}

static int warnings;
static char last_line[E5_LOG_LINE_SIZE];

static void count_warning(void *context, enum e5_log_level level, const char *line) {
    (void)context;
    warnings += level == E5_LOG_WARNING;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static int drain_warnings(void) {
    warnings = 0;
    e5_log_drain(count_warning, NULL);
    return warnings;
}

/* --- what the user gets --- */

TEST(one_member_becomes_the_target) {
    struct e5_fetch_unpacked result;
    size_t size, got;
    unsigned char *bytes = member("t2m", 8, &size);
    empty_folder();
    zip_clear();
    zip_add("any/name", bytes, size, (struct zip_how){.level = 6, .follows = true});
    zip_end(false, "");
    CHECK_OK(unpack(&keep, &result, err));
    unsigned char *there = make_slurp(make_path("t/x.nc"), &got);
    CHECK(got == size && memcmp(bytes, there, size) == 0 && result.target.st_size == (off_t)size &&
          result.files == NULL);
    CHECK(strcmp(names(), "x.nc ") == 0 && drain_warnings() == 0);
    free(there);
    free(bytes);
}

TEST(members_that_fit_become_the_target) {
    struct e5_fetch_unpacked result;
    struct stat info;
    empty_folder();
    archive_of_two();
    CHECK_OK(unpack(&keep, &result, err));
    CHECK(holds("x.nc", "t2m") && holds("x.nc", "tp") && result.files == NULL);
    CHECK(stat(make_path("t/x.nc"), &info) == 0 && info.st_ino == result.target.st_ino && (info.st_mode & 0400) != 0);
    CHECK(strcmp(names(), "x.nc ") == 0 && drain_warnings() == 0);
}

TEST(what_does_not_fit_lies_beside_it) {
    struct e5_fetch_unpacked result;
    empty_folder();
    archive_with_wave();
    CHECK_OK(unpack(&keep, &result, err));
    CHECK(strcmp(names(), "x." WAVE " x.nc x.receipt.txt ") == 0);
    CHECK(holds("x.nc", "t2m") && holds("x.nc", "tp") && !holds("x.nc", "swh") && holds("x." WAVE, "swh"));
    CHECK(drain_warnings() == 1 && strstr(last_line, "x." WAVE) != NULL);
    const char *expected[] = {"t/x.nc", "t/x." WAVE, "t/x.receipt.txt"};
    for (int i = 0; i < 3 && result.files != NULL; i++) CHECK(strcmp(result.files[i], make_path(expected[i])) == 0);
    CHECK(result.files != NULL && result.files[3] == NULL);
    e5_fetch_unpacked_fini(&result);
    CHECK(result.files == NULL);
}

TEST(equal_names_from_different_folders_stay_apart) {
    struct e5_fetch_unpacked result;
    empty_folder();
    zip_clear();
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d/..data?.nc", i);
        add_member(name, "t2m", 4 + i);
    }
    zip_end(false, "");
    CHECK_OK(unpack(&keep, &result, err));
    CHECK(strcmp(names(), "x.2.data_.nc x.3.data_.nc x.data_.nc x.nc ") == 0);
    e5_fetch_unpacked_fini(&result);
    drain_warnings();
}

/* --- while the bytes arrive --- */

static bool is_archive(int fd) {
    bool packed = false;
    CHECK_OK(e5_fetch_is_archive(fd, "x", &packed, err));
    return packed;
}

TEST(it_follows_a_part_that_grows) {
    archive_with_wave();
    for (int64_t step = 1000; step < (int64_t)zip.size; step += 9777) {
        struct e5_fetch_unpack *u = NULL;
        struct e5_fetch_unpacked result;
        empty_folder();
        begin_place();
        CHECK(is_archive(part));
        CHECK_OK(e5_fetch_unpack_begin(&place, (int64_t)zip.size, &u, err));
        for (int64_t at = 0; at < (int64_t)zip.size - step; at += step)
            CHECK_OK(e5_fetch_unpack_follow(u, part, at, NULL, err));
        CHECK_OK(e5_fetch_unpack_finish(u, part, (int64_t)zip.size, &keep, &result, NULL, err));
        e5_fetch_unpack_drop(u);
        end_place();
        CHECK(strcmp(names(), "x." WAVE " x.nc x.receipt.txt ") == 0);
        e5_fetch_unpacked_fini(&result);
    }
    drain_warnings();
}

TEST(one_that_is_dropped_leaves_nothing) {
    archive_of_two();
    for (size_t upto = 0; upto <= zip.size; upto += zip.size / 7) {
        struct e5_fetch_unpack *u = NULL;
        empty_folder();
        begin_place();
        CHECK_OK(e5_fetch_unpack_begin(&place, (int64_t)zip.size, &u, err));
        CHECK_OK(e5_fetch_unpack_follow(u, part, (int64_t)upto, NULL, err));
        e5_fetch_unpack_drop(u);
        end_place();
        CHECK(strcmp(names(), "") == 0);
    }
}

TEST(leftovers_of_a_killed_process_are_removed) {
    struct e5_fetch_unpacked result;
    empty_folder();
    archive_of_two();
    mkdir(make_path("t/.x.nc.e5members"), 0700);
    make_bytes("t/.x.nc.e5members/00000-old.nc", "half", 4);
    make_bytes("t/.x.nc.e5members/joined-0.nc", "half", 4);
    CHECK_OK(unpack(&keep, &result, err));
    CHECK(strcmp(names(), "x.nc ") == 0);
    mkdir(make_path("t/.x.nc.e5members"), 0700);
    make_bytes("t/.x.nc.e5members/00000-old.nc", "half", 4);
    begin_place();
    e5_fetch_unpack_clean(&place);
    end_place();
    CHECK(strcmp(names(), "x.nc ") == 0);
    CHECK(symlink("/", make_path("t/.x.nc.e5members")) == 0); /* somebody's trap: not followed */
    CHECK_OK(unpack(&replace, &result, err));
    CHECK(strcmp(names(), "x.nc ") == 0);
}

/* --- targets that are there --- */

TEST(an_old_target_is_replaced_only_when_allowed_and_only_by_a_whole_one) {
    struct e5_fetch_unpacked result;
    char old[4] = "";
    empty_folder();
    archive_with_wave();
    make_bytes("t/x.nc", "old", 3);
    CHECK_STATUS(E5_EXISTS, unpack(&keep, &result, err));
    CHECK(strcmp(names(), "x.nc ") == 0 && result.files == NULL);
    zip.bytes[zip.size / 2] ^= 1;
    CHECK_STATUS(E5_CORRUPT, unpack(&replace, &result, err));
    FILE *file = fopen(make_path("t/x.nc"), "rb");
    CHECK(file != NULL && fread(old, 1, 3, file) == 3 && strcmp(old, "old") == 0 && strcmp(names(), "x.nc ") == 0);
    fclose(file);
    zip.bytes[zip.size / 2] ^= 1;
    CHECK_OK(unpack(&replace, &result, err));
    CHECK(holds("x.nc", "t2m"));
    e5_fetch_unpacked_fini(&result);
    drain_warnings();
}

static bool has_text(const char *name, const char *text) {
    char path[100];
    size_t size;
    snprintf(path, sizeof path, "t/%s", name);
    unsigned char *there = make_slurp(make_path(path), &size);
    bool same = size == strlen(text) && memcmp(there, text, size) == 0;
    free(there);
    return same;
}

TEST(what_lies_beside_it_steps_aside_for_files_of_others) {
    struct e5_fetch_unpacked result;
    const struct e5_fetch_existing *ways[] = {&keep, &replace};
    archive_with_wave();
    for (int i = 0; i < 2; i++) {
        empty_folder();
        make_bytes("t/x." WAVE, "mine", 4);
        make_bytes("t/x.2." WAVE, "mine too", 8);
        mkdir(make_path("t/x.receipt.txt"), 0700);
        CHECK_OK(unpack(ways[i], &result, err));
        CHECK(strcmp(names(), "x.2." WAVE " x.2.receipt.txt x.3." WAVE " x." WAVE " x.nc x.receipt.txt ") == 0);
        CHECK(has_text("x." WAVE, "mine") && has_text("x.2." WAVE, "mine too") && holds("x.3." WAVE, "swh"));
        CHECK(result.files != NULL && strcmp(result.files[1], make_path("t/x.3." WAVE)) == 0);
        e5_fetch_unpacked_fini(&result);
    }
    drain_warnings();
}

TEST(what_an_earlier_call_made_is_taken_for_ours) {
    struct e5_fetch_unpacked result;
    struct e5_fetch_existing known = {.replace = true, .is_ours = knows, .context = "t/x.receipt.txt"};
    struct stat before, after;
    empty_folder();
    archive_with_wave();
    CHECK_OK(unpack(&keep, &result, err));
    e5_fetch_unpacked_fini(&result);
    CHECK(unlink(make_path("t/x.nc")) == 0); /* the earlier one ended just before */
    CHECK(stat(make_path("t/x." WAVE), &before) == 0);
    CHECK_OK(unpack(&keep, &result, err));
    CHECK(strcmp(names(), "x." WAVE " x.nc x.receipt.txt ") == 0);
    CHECK(stat(make_path("t/x." WAVE), &after) == 0 && before.st_ino == after.st_ino);
    CHECK(result.info != NULL && result.info[1].st_ino == after.st_ino);
    e5_fetch_unpacked_fini(&result);
    make_bytes("t/x.receipt.txt", "thanks", 6);
    CHECK_OK(unpack(&known, &result, err));
    CHECK(strcmp(names(), "x." WAVE " x.nc x.receipt.txt ") == 0 && has_text("x.receipt.txt", "thank you\n"));
    e5_fetch_unpacked_fini(&result);
    CHECK(unlink(make_path("t/x.nc")) == 0);
    make_bytes("t/x.receipt.txt", "thanks", 6);
    known.replace = false; /* nothing may be replaced, whoever made it */
    CHECK_OK(unpack(&known, &result, err));
    CHECK(has_text("x.receipt.txt", "thanks") && has_text("x.2.receipt.txt", "thank you\n"));
    e5_fetch_unpacked_fini(&result);
    drain_warnings();
}

/* --- faults leave nothing --- */

static void check_fault(enum e5_status expected, const char *word) {
    struct e5_fetch_unpacked result;
    struct e5_error err = E5_ERROR_NONE;
    empty_folder();
    enum e5_status status = unpack(&replace, &result, &err);
    CHECK(status == expected && strstr(err.what, word) != NULL && strcmp(err.target, make_path("t/x.nc")) == 0);
    if (status != expected || strstr(err.what, word) == NULL) printf("    wanted '%s', got '%s'\n", word, err.what);
    CHECK(strcmp(names(), "") == 0 && result.files == NULL);
}

TEST(hostile_and_damaged_archives_leave_nothing) {
    zip_clear();
    add_member(INSTANT, "t2m", 8);
    zip_add("../escape.nc", "CDF\1", 4, (struct zip_how){0});
    zip_end(false, "");
    check_fault(E5_UNSAFE, "'../escape.nc' would lie outside");
    zip_clear();
    add_member(INSTANT, "t2m", 8);
    zip_add("link.nc", "/etc/passwd", 11, (struct zip_how){.attributes = 0120777u << 16});
    zip_end(false, "");
    check_fault(E5_UNSAFE, "'link.nc' is a link");
    archive_of_two();
    zip.size -= 10;
    check_fault(E5_CORRUPT, "its end is missing");
    zip_clear();
    zip_add("a.txt", "no netCDF\n", 10, (struct zip_how){0});
    zip_end(false, "");
    check_fault(E5_CORRUPT, "without any");
    zip_clear();
    zip_add("d/", "", 0, (struct zip_how){.plain = true});
    zip_end(false, "");
    check_fault(E5_CORRUPT, "without any");
    zip_clear();
    add_member(INSTANT, "t2m", 8);
    zip_add("b.nc", "\x89HDF\r\n\x1a\nhalf a file", 20, (struct zip_how){0});
    zip_end(false, "");
    check_fault(E5_CORRUPT, "b.nc");
    zip_clear();
    add_member(INSTANT, "t2m", 8);
    zip_add("page.nc", "<!DOCTYPE html><html>", 21, (struct zip_how){0});
    zip_end(false, "");
    check_fault(E5_CORRUPT, "HTML");
}

TEST(a_refusal_on_the_way_is_repeated_at_the_end) {
    struct e5_fetch_unpack *u = NULL;
    struct e5_fetch_unpacked result;
    zip_clear();
    zip_add("../escape.nc", "CDF\1", 4, (struct zip_how){0});
    zip_end(false, "");
    empty_folder();
    begin_place();
    CHECK_OK(e5_fetch_unpack_begin(&place, (int64_t)zip.size, &u, err));
    CHECK_STATUS(E5_UNSAFE, e5_fetch_unpack_follow(u, part, 60, NULL, err));
    struct e5_error err = E5_ERROR_NONE;
    CHECK(e5_fetch_unpack_finish(u, part, (int64_t)zip.size, &replace, &result, NULL, &err) == E5_UNSAFE);
    CHECK(strstr(err.what, "'../escape.nc'") != NULL && err.hint[0] != '\0');
    e5_fetch_unpack_drop(u);
    end_place();
    CHECK(strcmp(names(), "") == 0);
}

TEST(lack_of_memory_and_a_cancel_leave_nothing) {
    int failed = 0;
    struct e5_watch watch = {0};
    archive_with_wave();
    for (long n = 1; n < 1500; n += 1 + n / 12) {
        struct e5_fetch_unpacked result = {0};
        struct e5_error err = E5_ERROR_NONE;
        empty_folder();
        begin_place();
        e5_alloc_fail_after(n);
        enum e5_status status = e5_fetch_unpack(&place, part, (int64_t)zip.size, &replace, &result, NULL, &err);
        e5_alloc_fail_after(0);
        end_place();
        CHECK(status == E5_MEMORY || status == E5_OK);
        CHECK(status == E5_OK || strcmp(names(), "") == 0);
        failed += status == E5_MEMORY;
        e5_fetch_unpacked_fini(&result);
    }
    CHECK(failed > 20);
    empty_folder();
    begin_place();
    e5_watch_cancel(&watch);
    struct e5_fetch_unpacked result;
    CHECK_STATUS(E5_CANCELLED, e5_fetch_unpack(&place, part, (int64_t)zip.size, &replace, &result, &watch, err));
    end_place();
    CHECK(strcmp(names(), "") == 0);
    drain_warnings();
}

TEST(other_files_are_no_archives) {
    empty_folder();
    zip_clear();
    zip_put("\x89HDF\r\n\x1a\n", 8);
    begin_place();
    CHECK(!is_archive(part));
    CHECK(ftruncate(part, 3) == 0 && !is_archive(part));
    bool packed = false;
    CHECK_STATUS(E5_STORAGE, e5_fetch_is_archive(-1, "x", &packed, err));
    end_place();
}

/* For tests/test_archives.py: `test_fetch_unpack ARCHIVE TARGET` unpacks and says how it went. */
static int unpack_for_others(const char *archive, const char *target) {
    struct e5_fetch_unpacked result;
    struct e5_error err = E5_ERROR_NONE;
    struct stat info;
    int fd = open(archive, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0) return 2;
    enum e5_status status = e5_place_open(&place, target, &err);
    if (status == E5_OK) status = e5_fetch_unpack(&place, fd, info.st_size, &replace, &result, NULL, &err);
    printf("%s %s\n", e5_status_name(status), err.what);
    for (size_t i = 0; status == E5_OK && result.files != NULL && result.files[i] != NULL; i++)
        printf("%s\n", result.files[i]);
    if (status == E5_OK) e5_fetch_unpacked_fini(&result);
    e5_place_close(&place);
    close(fd);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3) return unpack_for_others(argv[1], argv[2]);
    RUN(one_member_becomes_the_target);
    RUN(members_that_fit_become_the_target);
    RUN(what_does_not_fit_lies_beside_it);
    RUN(equal_names_from_different_folders_stay_apart);
    RUN(it_follows_a_part_that_grows);
    RUN(one_that_is_dropped_leaves_nothing);
    RUN(leftovers_of_a_killed_process_are_removed);
    RUN(an_old_target_is_replaced_only_when_allowed_and_only_by_a_whole_one);
    RUN(what_lies_beside_it_steps_aside_for_files_of_others);
    RUN(what_an_earlier_call_made_is_taken_for_ours);
    RUN(hostile_and_damaged_archives_leave_nothing);
    RUN(a_refusal_on_the_way_is_repeated_at_the_end);
    RUN(lack_of_memory_and_a_cancel_leave_nothing);
    RUN(other_files_are_no_archives);
    zip_clear();
    return check_summary();
}
