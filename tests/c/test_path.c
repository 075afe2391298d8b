#include "base/path.h"

#include <errno.h>
#include <sys/stat.h>

#include "check.h"
#include "folder.h"

static char real_folder[4096];

static bool is_in_folder(char *path, const char *name) {
    char expected[4200];
    snprintf(expected, sizeof expected, "%s/%s", real_folder, name);
    bool same = path != NULL && strcmp(path, expected) == 0;
    free(path);
    return same;
}

static void begin(void) {
    folder_make();
    CHECK(realpath(folder, real_folder) != NULL);
    folder_write("there", "x", 1);
    CHECK(symlink("there", folder_path("link")) == 0 && symlink("nowhere", folder_path("dangling")) == 0);
}

TEST(a_file_has_one_name_whatever_leads_to_it) {
    char *path;
    begin();
    CHECK_OK(e5_path_real(folder_path("../"), "find", &path, err));
    free(path);
    CHECK_OK(e5_path_real(folder_path("./there"), "find", &path, err));
    CHECK(is_in_folder(path, "there"));
    CHECK_OK(e5_path_real(folder_path("link"), "find", &path, err));
    CHECK(is_in_folder(path, "there"));
    CHECK_OK(e5_path_real(folder_path("./new"), "find", &path, err));
    CHECK(is_in_folder(path, "new"));
    CHECK_STATUS(E5_STORAGE, e5_path_real(folder_path("dangling"), "find", &path, err));
    CHECK(path == NULL);
    CHECK_STATUS(E5_STORAGE, e5_path_real(folder_path("no/new"), "find", &path, err));
    folder_remove();
}

TEST(a_name_in_its_folder_is_not_followed) {
    char *path;
    begin();
    for (int i = 0; i < 4; i++) {
        const char *name = ((const char *[]){"there", "link", "dangling", "new"})[i];
        CHECK_OK(e5_path_in_folder(folder_path(name), "find", &path, err));
        CHECK(is_in_folder(path, name));
    }
    CHECK_OK(e5_path_in_folder("/etc", "find", &path, err));
    CHECK(strcmp(path, "/etc") == 0);
    free(path);
    CHECK_STATUS(E5_STORAGE, e5_path_in_folder(folder_path("no/new"), "find", &path, err));
    CHECK_STATUS(E5_STORAGE, e5_path_in_folder(folder_path(""), "find", &path, err));
    CHECK(path == NULL);
    folder_remove();
}

int main(void) {
    RUN(a_file_has_one_name_whatever_leads_to_it);
    RUN(a_name_in_its_folder_is_not_followed);
    return check_summary();
}
