/* Members of an archive as files of a directory: names, content, and a disk or an archive that fails. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "check.h"
#include "folder.h"
#include "io/archive_files.h"
#include "io/archive_read.h"
#include "make_zip.h"

enum { SIZE = 70000 };
static unsigned char noise[SIZE];
static int directory;

static void make_archive(struct zip_how how) {
    zip_clear();
    zip_add("data/2003/t2m.nc", noise, SIZE, how);
    zip_add("data/ . ", noise, 100, how);
    zip_add("a/.hidden <name>|?", noise, 0, how);
    zip_end(false, "");
    folder_write("archive.zip", zip.bytes, zip.size);
}

/* The archive lies beside the directory that its members go to, so that all there is left must be theirs. */
static enum e5_status unpack(struct e5_archive_files *files, const char *archive, struct e5_watch *watch,
                             struct e5_error *err) {
    mkdirat(AT_FDCWD, folder_path("out"), 0777);
    directory = open(folder_path("out"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    e5_archive_files_init(files, directory, "target.nc");
    return e5_archive_files_unpack(files, folder_path(archive), watch, err);
}

static void leave(struct e5_archive_files *files) {
    e5_archive_files_fini(files);
    close(directory);
    e5_archive_files_remove(AT_FDCWD, folder_path("out"));
    CHECK(access(folder_path("out"), F_OK) != 0);
}

static int open_descriptors(void) { /* the lowest that is free: all below it are open */
    int lowest = dup(0);
    close(lowest);
    return lowest;
}

TEST(members_become_numbered_files_that_stay_in_the_directory) {
    struct e5_archive_files files;
    unsigned char back[SIZE];
    for (int way = 0; way < 4; way++) {
        make_archive((struct zip_how){.level = way & 1 ? 6 : 0, .follows = way & 2});
        CHECK_OK(unpack(&files, "archive.zip", NULL, err));
        CHECK(files.count == 3 && files.fd == -1);
        if (files.count != 3) break;
        CHECK(strcmp(files.file[0].name, "t2m.nc") == 0 && strcmp(files.file[0].path, "00000-t2m.nc") == 0);
        CHECK(strcmp(files.file[1].path, "00001-member") == 0 && files.file[1].size == 100);
        CHECK(strcmp(files.file[2].name, "hidden _name___") == 0 && files.file[2].size == 0);
        CHECK(files.file[0].size == SIZE && folder_read("out/00000-t2m.nc", back, SIZE) == SIZE);
        CHECK(memcmp(back, noise, SIZE) == 0);
        leave(&files);
    }
}

TEST(what_cannot_be_read_is_named) {
    struct e5_archive_files files;
    struct e5_error err = E5_ERROR_NONE;
    CHECK(unpack(&files, "nothing.zip", NULL, &err) == E5_STORAGE && err.sys_errno == ENOENT);
    CHECK(strstr(err.what, "nothing.zip") != NULL && files.count == 0);
    leave(&files);
    err = E5_ERROR_NONE;
    CHECK(unpack(&files, "out", NULL, &err) == E5_STORAGE && err.sys_errno == EISDIR);
    CHECK(strstr(err.target, "out") != NULL && files.count == 0);
    leave(&files);
}

TEST(a_damaged_archive_is_corrupt_and_named) {
    struct e5_archive_files files;
    struct e5_error err = E5_ERROR_NONE;
    make_archive((struct zip_how){.crc_lie = 1});
    CHECK(unpack(&files, "archive.zip", NULL, &err) == E5_CORRUPT);
    CHECK(strcmp(err.target, folder_path("archive.zip")) == 0);
    leave(&files);
    make_archive((struct zip_how){0});
    folder_write("archive.zip", zip.bytes, zip.size / 2); /* the file is shorter than its members */
    err = E5_ERROR_NONE;
    CHECK(unpack(&files, "archive.zip", NULL, &err) == E5_CORRUPT);
    CHECK(strcmp(err.target, folder_path("archive.zip")) == 0);
    leave(&files);
}

TEST(an_archive_is_checked_without_being_unpacked) {
    struct e5_error why = E5_ERROR_NONE;
    struct e5_watch watch = {0};
    bool in_member;
    for (int lies = 0; lies < 2; lies++) {
        make_archive((struct zip_how){.level = 6, .crc_lie = (uint32_t)lies});
        int fd = open(folder_path("archive.zip"), O_RDONLY);
        CHECK(e5_archive_check(fd, "archive.zip", &in_member, NULL, &why) == (lies ? E5_CORRUPT : E5_OK));
        CHECK(in_member == (lies == 1));
        CHECK(lseek(fd, 0, SEEK_CUR) == 0); /* whoever uses the descriptor does not notice */
        close(fd);
    }
    CHECK(strstr(why.what, "t2m.nc") != NULL);
    int fd = open(folder_path("archive.zip"), O_RDONLY);
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_archive_check(fd, "archive.zip", &in_member, &watch, err));
    close(fd);
    make_archive((struct zip_how){.level = 6});
    folder_write("archive.zip", zip.bytes, zip.size - 1);
    fd = open(folder_path("archive.zip"), O_RDONLY);
    why = E5_ERROR_NONE;
    CHECK(e5_archive_check(fd, "archive.zip", &in_member, NULL, &why) == E5_CORRUPT && !in_member);
    close(fd);
}

TEST(a_name_that_is_taken_is_an_error) {
    struct e5_archive_files files;
    struct e5_error err = E5_ERROR_NONE;
    char kept[8] = "";
    make_archive((struct zip_how){0});
    mkdirat(AT_FDCWD, folder_path("out"), 0777);
    folder_write("out/00001-member", "mine", 5);
    CHECK(unpack(&files, "archive.zip", NULL, &err) == E5_STORAGE && err.sys_errno == EEXIST);
    CHECK(folder_read("out/00001-member", kept, 5) == 5 && strcmp(kept, "mine") == 0);
    leave(&files);
}

TEST(a_full_disk_is_told_before_or_while_writing) {
    struct rlimit unlimited, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    for (int follows = 0; follows < 2; follows++) { /* known sizes are reserved, others fail on the way */
        struct e5_archive_files files;
        struct e5_error err = E5_ERROR_NONE;
        int before = open_descriptors();
        make_archive((struct zip_how){.follows = follows});
        small = (struct rlimit){SIZE / 2, unlimited.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        enum e5_status status = unpack(&files, "archive.zip", NULL, &err);
        setrlimit(RLIMIT_FSIZE, &unlimited);
        CHECK(status == E5_STORAGE && err.sys_errno == EFBIG && files.count == 0);
        CHECK(strstr(err.what, "target.nc") != NULL);
        leave(&files);
        CHECK(open_descriptors() == before);
    }
}

TEST(a_cancelled_unpacking_stops) {
    struct e5_archive_files files;
    struct e5_watch watch = {0};
    make_archive((struct zip_how){0});
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, unpack(&files, "archive.zip", &watch, err));
    CHECK(files.count == 0);
    leave(&files);
}

TEST(every_allocation_may_fail_and_no_descriptor_is_kept) {
    enum e5_status status = E5_MEMORY;
    int before = open_descriptors();
    long failures = 0;
    make_archive((struct zip_how){0});
    while (status == E5_MEMORY && failures < 100) {
        struct e5_archive_files files;
        e5_alloc_fail_after(failures + 1);
        status = unpack(&files, "archive.zip", NULL, NULL);
        e5_alloc_fail_after(0);
        failures += status == E5_MEMORY;
        CHECK(files.count <= 3 && (status != E5_OK || files.count == 3));
        leave(&files);
        CHECK(open_descriptors() == before);
    }
    CHECK(status == E5_OK && failures >= 3);
}

TEST(only_what_lies_flat_in_a_directory_is_removed) {
    char kept[8] = "";
    folder_write("file", "mine", 5);
    symlinkat(folder_path("file"), AT_FDCWD, folder_path("link"));
    e5_archive_files_remove(AT_FDCWD, folder_path("link"));
    CHECK(access(folder_path("link"), F_OK) != 0);
    CHECK(folder_read("file", kept, 5) == 5 && strcmp(kept, "mine") == 0);
    e5_archive_files_remove(AT_FDCWD, folder_path("file"));
    CHECK(access(folder_path("file"), F_OK) != 0);
    e5_archive_files_remove(AT_FDCWD, folder_path("never"));
    mkdirat(AT_FDCWD, folder_path("full"), 0777);
    mkdirat(AT_FDCWD, folder_path("full/inner"), 0777);
    e5_archive_files_remove(AT_FDCWD, folder_path("full"));
    CHECK(access(folder_path("full/inner"), F_OK) == 0); /* not ours: a directory of such files has none */
    unlinkat(AT_FDCWD, folder_path("full/inner"), AT_REMOVEDIR);
}

int main(void) {
    unsigned random = 3;
    for (int i = 0; i < SIZE; i++) noise[i] = (unsigned char)((random = random * 1664525u + 1013904223u) >> 24);
    folder_make();
    RUN(members_become_numbered_files_that_stay_in_the_directory);
    RUN(what_cannot_be_read_is_named);
    RUN(a_damaged_archive_is_corrupt_and_named);
    RUN(an_archive_is_checked_without_being_unpacked);
    RUN(a_name_that_is_taken_is_an_error);
    RUN(a_full_disk_is_told_before_or_while_writing);
    RUN(a_cancelled_unpacking_stops);
    RUN(every_allocation_may_fail_and_no_descriptor_is_kept);
    RUN(only_what_lies_flat_in_a_directory_is_removed);
    zip_clear();
    folder_remove();
    return check_summary();
}
