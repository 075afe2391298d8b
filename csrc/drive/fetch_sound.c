#include "drive/fetch_sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/path.h"
#include "drive/fetch_unpack.h"
#include "io/archive_read.h"
#include "io/ncfile.h"

static bool is_classic(int fd) {
    char head[3];
    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && memcmp(head, "CDF", sizeof head) == 0;
}

/* The part beside the target, whose directory is looked up anew. */
static enum e5_status part_path(const struct e5_place *place, char **out, struct e5_error *err) {
    char *target;
    enum e5_status status = e5_path_in_folder(place->path, "cannot find the directory of", &target, err);
    if (status != E5_OK) return status;
    size_t folder = (size_t)(strrchr(target, '/') - target) + 1, size = folder + strlen(place->part) + 1;
    status = e5_alloc(size, 1, out, err);
    if (status == E5_OK) snprintf(*out, size, "%.*s%s", (int)folder, target, place->part);
    free(target);
    return status;
}

static enum e5_status check_classic(const struct e5_place *place, struct e5_watch *watch, struct e5_error *err) {
    char *path;
    struct e5_ncfile *file = NULL;
    enum e5_status status = part_path(place, &path, err);
    if (status != E5_OK) return status == E5_MEMORY ? status : E5_OK;
    status = e5_ncfile_open_direct(path, watch, &file, err);
    e5_ncfile_close(file);
    free(path);
    /* Out of reach, since somebody has gone to another directory, or unsafe: for whoever opens it to judge. */
    bool seen = status == E5_CORRUPT || status == E5_CANCELLED || status == E5_MEMORY;
    return seen ? status : E5_OK;
}

/* Where the service's checksum proves the bytes, a strange frame is its maker's: another download would bring it
 * again.  Members whose own checksums say no were damaged before that checksum was made. */
static enum e5_status check_archive(const struct e5_place *place, int fd, bool proven, struct e5_watch *watch,
                                    struct e5_error *err) {
    bool in_member;
    enum e5_status status = e5_archive_check(fd, place->path, &in_member, watch, err);
    if (status != E5_CORRUPT || in_member || !proven) return status;
    e5_log(E5_LOG_WARNING, "%s: %s; it is what the service holds, as its checksum shows", place->path, err->what);
    return E5_OK;
}

/* What is only unsafe to open is for whoever opens it to judge. */
enum e5_status e5_fetch_sound(const struct e5_place *place, int fd, bool proven, struct e5_watch *watch,
                              struct e5_error *err) {
    struct e5_error why = E5_ERROR_NONE;
    bool packed = false;
    enum e5_status status = e5_fetch_is_archive(fd, place->path, &packed, &why);
    if (status == E5_OK && packed)
        status = check_archive(place, fd, proven, watch, &why);
    else if (status == E5_OK && !proven && is_classic(fd))
        status = check_classic(place, watch, &why);
    if (status == E5_OK || status == E5_UNSAFE) return E5_OK;
    if (err != NULL) *err = why;
    e5_error_target(err, place->path);
    return status;
}
