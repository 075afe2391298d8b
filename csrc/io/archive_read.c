#include "io/archive_read.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define BLOCK ((size_t)256 << 10)

static enum e5_status feed(struct e5_archive *archive, int fd, const char *path, struct e5_watch *watch,
                           struct e5_error *err) {
    char *block;
    ssize_t got = 1;
    enum e5_status status = e5_alloc(BLOCK, 1, &block, err);
    for (int64_t at = 0; status == E5_OK && got != 0; at += got > 0 ? got : 0) {
        status = e5_watch_check(watch, err);
        got = status == E5_OK ? pread(fd, block, BLOCK, at) : 0;
        if (got < 0 && errno != EINTR) status = e5_fail_errno(err, errno, path, "cannot read");
        if (got > 0) status = e5_archive_feed(archive, block, (size_t)got, err);
    }
    free(block);
    return status;
}

enum e5_status e5_archive_read(const struct e5_archive_sink *sink, int fd, const char *path, struct e5_watch *watch,
                               struct e5_error *err) {
    struct e5_archive *archive;
    struct stat info;
    if (fstat(fd, &info) != 0) return e5_fail_errno(err, errno, path, "cannot read");
    enum e5_status status = e5_archive_new(sink, (int64_t)info.st_size, &archive, err);
    if (status != E5_OK) return status;
    status = feed(archive, fd, path, watch, err);
    if (status == E5_OK) status = e5_archive_finish(archive, err);
    e5_archive_free(archive);
    return status;
}

static enum e5_status pass_begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    (void)name, (void)size, (void)err;
    *(bool *)context = true;
    return E5_OK;
}

static enum e5_status pass_data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    (void)context, (void)bytes, (void)size, (void)err;
    return E5_OK;
}

static enum e5_status pass_end(void *context, struct e5_error *err) {
    (void)err;
    *(bool *)context = false;
    return E5_OK;
}

enum e5_status e5_archive_check(int fd, const char *path, bool *in_member, struct e5_watch *watch,
                                struct e5_error *err) {
    const struct e5_archive_sink nowhere = {in_member, pass_begin, pass_data, pass_end};
    *in_member = false;
    return e5_archive_read(&nowhere, fd, path, watch, err);
}
