#include "drive/fetch_beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

static enum e5_status compare(int a, int b, int64_t size, bool *same, struct e5_watch *watch, struct e5_error *err) {
    char mine[BLOCK], other[BLOCK];
    enum e5_status status = E5_OK;
    *same = true;
    for (int64_t at = 0; *same && at < size && status == E5_OK; at += BLOCK) {
        ssize_t want = size - at < BLOCK ? (ssize_t)(size - at) : BLOCK;
        *same = pread(a, mine, (size_t)want, at) == want && pread(b, other, (size_t)want, at) == want &&
                memcmp(mine, other, (size_t)want) == 0;
        status = e5_watch_check(watch, err);
    }
    return status;
}

static bool is_ours(const struct e5_place *place, const char *name, const struct e5_fetch_existing *existing,
                    const struct stat *there) {
    char path[4096 + 256];
    const char *slash = strrchr(place->path, '/');
    int before = slash != NULL ? (int)(slash - place->path) + 1 : 0;
    if (!existing->replace || existing->is_ours == NULL) return false;
    snprintf(path, sizeof path, "%.*s%s", before, place->path, name);
    return existing->is_ours(existing->context, path, there);
}

enum e5_status e5_fetch_beside(const struct e5_place *place, const char *name,
                               const struct e5_fetch_existing *existing, int fd, struct stat *info,
                               enum e5_beside *out, struct e5_watch *watch, struct e5_error *err) {
    struct stat there;
    bool same = false;
    *out = E5_BESIDE_FREE;
    if (fstatat(place->directory, name, &there, AT_SYMLINK_NOFOLLOW) != 0) return E5_OK;
    *out = S_ISREG(there.st_mode) && is_ours(place, name, existing, &there) ? E5_BESIDE_OURS : E5_BESIDE_FOREIGN;
    if (*out == E5_BESIDE_OURS || !S_ISREG(there.st_mode) || there.st_size != info->st_size) return E5_OK;
    int old = openat(place->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (old < 0) return E5_OK;
    enum e5_status status = compare(fd, old, info->st_size, &same, watch, err);
    close(old);
    if (status != E5_OK || !same) return status;
    *out = E5_BESIDE_SAME;
    *info = there;
    return E5_OK;
}
