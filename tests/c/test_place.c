#include "net/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* Its holder ends without a word as soon as it has a child, which lives on until the pipe is closed. */
static void hold_with_child(const int ends[2]) {
    struct e5_place theirs;
    char byte;
    int up[2];
    bool locked =
        e5_place_open(&theirs, folder_path("x.nc"), NULL) == E5_OK && e5_place_lock(&theirs, "x", NULL) == E5_OK;
    bool piped = pipe(up) == 0;
    pid_t child = fork();
    if (child != 0) _exit(locked && piped && child > 0 && read(up[0], &byte, 1) == 1 ? 0 : 1);
    if (write(up[1], "u", 1) != 1) _exit(1);
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
}

TEST(a_child_keeps_no_lock_of_a_dead_holder) {
    struct e5_place place;
    int ends[2], status = -1;
    CHECK(pipe(ends) == 0);
    pid_t holder = fork();
    if (holder == 0) hold_with_child(ends);
    waitpid(holder, &status, 0);
    CHECK(status == 0 && folder_count() == 1);
    CHECK_OK(e5_place_open(&place, folder_path("x.nc"), err));
    CHECK_OK(e5_place_lock(&place, "x", err));
    e5_place_close(&place);
    close(ends[0]);
    close(ends[1]);
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

/* A file system without locks. */

static bool has_locks = true;

int flock(int fd, int operation) {
    if (has_locks) return (int)syscall(SYS_flock, fd, operation);
    errno = ENOLCK;
    return -1;
}

TEST(without_locks_no_two_calls_share_a_name) {
    struct e5_place places[3];
    has_locks = false;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(e5_place_open(&places[i], folder_path("z.nc"), err));
        CHECK_OK(e5_place_lock(&places[i], "x", err));
        CHECK(places[i].alone);
        folder_write(places[i].part, "part", 4);
        folder_write(places[i].state, "state", 5);
    }
    CHECK(folder_read("z.nc", NULL, 0) == -1);
    CHECK_OK(e5_place_publish(&places[1], true, err));
    int left = folder_count();
    for (int i = 0; i < 3; i++) {
        e5_place_clean(&places[i]);
        e5_place_close(&places[i]);
        left -= i == 1 ? 1 : 2; /* each removes its own only */
        CHECK(folder_count() == left);
    }
    CHECK(unlink(folder_path("z.nc")) == 0);
    has_locks = true;
}

int main(void) {
    folder_make();
    RUN(second_holder_is_refused_until_the_first_leaves);
    RUN(a_dead_holder_leaves_no_lock);
    RUN(a_child_keeps_no_lock_of_a_dead_holder);
    RUN(bad_targets_are_refused);
    RUN(only_plain_files_are_targets);
    RUN(publish_replaces_only_when_told);
    RUN(without_locks_no_two_calls_share_a_name);
    folder_remove();
    return check_summary();
}
