#include "net/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "folder.h"

TEST(second_holder_is_refused_until_the_first_leaves) {
    struct e5_place a, b;
    CHECK_OK(e5_place_open(&a, folder_path("x.nc"), err));
    CHECK_OK(e5_place_open(&b, folder_path("x.nc"), err));
    CHECK_OK(e5_place_lock(&a, "first", err));
    CHECK_STATUS(E5_TARGET_BUSY, e5_place_lock(&b, "second", err));
    CHECK(e5_place_holder_has(&b, "first") && !e5_place_holder_has(&b, "second") && !e5_place_holder_has(&b, "fir"));
    e5_place_close(&a);
    CHECK_OK(e5_place_lock(&b, "second", err));
    e5_place_close(&b);
    CHECK(folder_count() == 0);
}

TEST(a_dead_holder_leaves_no_lock) {
    struct e5_place place;
    pid_t child = fork();
    if (child == 0) {
        struct e5_place theirs;
        enum e5_status opened = e5_place_open(&theirs, folder_path("x.nc"), NULL);
        _exit(opened == E5_OK && e5_place_lock(&theirs, "x", NULL) == E5_OK ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0 && folder_count() == 1); /* its file is still there */
    CHECK_OK(e5_place_open(&place, folder_path("x.nc"), err));
    CHECK_OK(e5_place_lock(&place, "x", err));
    e5_place_close(&place);
    CHECK(folder_count() == 0);
}

TEST(bad_targets_are_refused) {
    struct e5_place place;
    static const char *const names[] = {"", ".", ".."};
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(E5_INPUT, e5_place_open(&place, folder_path(names[i]), err));
        e5_place_close(&place);
    }
    char longer[300];
    memset(longer, 'n', sizeof longer);
    longer[299] = '\0';
    CHECK_STATUS(E5_INPUT, e5_place_open(&place, longer, err));
    CHECK_STATUS(E5_STORAGE, e5_place_open(&place, folder_path("no/x.nc"), err));
    CHECK_OK(e5_place_open(&place, "/proc/x.nc", err));
    CHECK_STATUS(E5_STORAGE, e5_place_lock(&place, "x", err));
    e5_place_close(&place);
}

static enum e5_status look(const char *name, bool *exists) {
    struct e5_place place;
    struct stat info;
    CHECK_OK(e5_place_open(&place, folder_path(name), err));
    enum e5_status status = e5_place_look(&place, exists, &info, NULL);
    e5_place_close(&place);
    return status;
}

TEST(only_plain_files_are_targets) {
    bool exists;
    CHECK(look("none.nc", &exists) == E5_OK && !exists);
    folder_write("file.nc", "x", 1);
    CHECK(look("file.nc", &exists) == E5_OK && exists);
    CHECK(mkdir(folder_path("dir.nc"), 0700) == 0 && symlink("file.nc", folder_path("link.nc")) == 0);
    CHECK(look("dir.nc", &exists) == E5_STORAGE && look("link.nc", &exists) == E5_STORAGE);
}

TEST(publish_replaces_only_when_told) {
    struct e5_place place;
    char text[8] = "";
    CHECK_OK(e5_place_open(&place, folder_path("y.nc"), err));
    folder_write(place.part, "new", 3);
    folder_write("y.nc", "old", 3);
    CHECK_STATUS(E5_EXISTS, e5_place_publish(&place, false, err));
    CHECK(folder_read("y.nc", text, 3) == 3 && memcmp(text, "old", 3) == 0);
    CHECK_OK(e5_place_publish(&place, true, err));
    CHECK(folder_read("y.nc", text, 3) == 3 && memcmp(text, "new", 3) == 0);
    CHECK(folder_read(place.part, text, 1) == -1);
    e5_place_close(&place);
}

int main(void) {
    folder_make();
    RUN(second_holder_is_refused_until_the_first_leaves);
    RUN(a_dead_holder_leaves_no_lock);
    RUN(bad_targets_are_refused);
    RUN(only_plain_files_are_targets);
    RUN(publish_replaces_only_when_told);
    folder_remove();
    return check_summary();
}
