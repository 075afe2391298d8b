#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum e5_status e5_path_in_folder(const char *path, const char *doing, char **out, struct e5_error *err) {
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int reason = folder == NULL ? ENOMEM : name[0] == '\0' ? EISDIR : 0;
    char *real = reason == 0 ? realpath(folder, NULL) : NULL;
    if (reason == 0 && real == NULL) reason = errno;
    if (reason == 0 && asprintf(out, "%s/%s", strcmp(real, "/") != 0 ? real : "", name) < 0) reason = ENOMEM;
    if (reason != 0) *out = NULL;
    free(folder);
    free(real);
    return reason == 0 ? E5_OK : e5_fail_errno(err, reason, path, doing);
}

enum e5_status e5_path_real(const char *path, const char *doing, char **out, struct e5_error *err) {
    struct stat info;
    *out = realpath(path, NULL);
    if (*out != NULL) return E5_OK;
    int reason = errno;
    if (reason != ENOENT || lstat(path, &info) == 0) return e5_fail_errno(err, reason, path, doing);
    return e5_path_in_folder(path, doing, out, err);
}
