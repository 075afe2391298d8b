#include "io/archive_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/archive_read.h"

void e5_archive_files_init(struct e5_archive_files *files, int directory, const char *target) {
    *files = (struct e5_archive_files){.directory = directory, .target = target, .fd = -1};
}

/* The last part, without what some file system or shell takes for something special, and never hidden. */
static void clean_name(const char *name, char out[E5_ARCHIVE_NAME_SIZE]) {
    const char *slash = strrchr(name, '/'), *last = slash != NULL ? slash + 1 : name;
    while (*last == '.' || *last == ' ') last++;
    e5_text_copy(out, E5_ARCHIVE_NAME_SIZE, *last != '\0' ? last : "member");
    e5_text_clean(out);
    for (char *c = out; *c != '\0'; c++)
        if (strchr("<>:\"|?*", *c) != NULL) *c = '_';
}

static enum e5_status reserve(const struct e5_archive_files *files, int64_t size, struct e5_error *err) {
#ifdef FALLOC_FL_KEEP_SIZE
    if (size > 0 && fallocate(files->fd, FALLOC_FL_KEEP_SIZE, 0, size) != 0)
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
            return e5_fail_errno(err, errno, files->target, "no space to unpack");
#endif
    (void)files, (void)size, (void)err;
    return E5_OK;
}

static enum e5_status begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    struct e5_archive_files *files = context;
    if (files->count == files->capacity) {
        size_t capacity = files->capacity * 2 + 8;
        enum e5_status status = e5_grow(files->capacity, capacity, sizeof *files->file, &files->file, err);
        if (status != E5_OK) return status;
        files->capacity = capacity;
    }
    struct e5_archive_file *file = &files->file[files->count];
    clean_name(name, file->name);
    snprintf(file->path, sizeof file->path, "%05u-%s", (unsigned)files->count % 100000, file->name);
    file->size = 0;
    files->fd = openat(files->directory, file->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (files->fd < 0) return e5_fail_errno(err, errno, files->target, "cannot make a file to unpack");
    return reserve(files, size, err);
}

static enum e5_status data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    struct e5_archive_files *files = context;
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(files->fd, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return e5_fail_errno(err, errno, files->target, "cannot write what is unpacked of");
        at += written;
        size -= (size_t)written;
        files->file[files->count].size += written;
    }
    return E5_OK;
}

static enum e5_status end(void *context, struct e5_error *err) {
    struct e5_archive_files *files = context;
    int fd = files->fd;
    files->fd = -1;
    files->count++;
    return close(fd) == 0 ? E5_OK : e5_fail_errno(err, errno, files->target, "cannot write what is unpacked of");
}

struct e5_archive_sink e5_archive_files_sink(struct e5_archive_files *files) {
    return (struct e5_archive_sink){files, begin, data, end};
}

void e5_archive_files_fini(struct e5_archive_files *files) {
    if (files->fd >= 0) close(files->fd);
    free(files->file);
    e5_archive_files_init(files, -1, NULL);
}

enum e5_status e5_archive_files_unpack(struct e5_archive_files *files, const char *path, struct e5_watch *watch,
                                       struct e5_error *err) {
    struct e5_archive_sink sink = e5_archive_files_sink(files);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is no reason to wait: it has no size */
    if (fd < 0) return e5_fail_errno(err, errno, path, "cannot read");
    enum e5_status status = e5_archive_read(&sink, fd, path, watch, err);
    close(fd);
    e5_error_target(err, path);
    return status;
}

void e5_archive_files_remove(int parent, const char *directory) {
    int fd = openat(parent, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        if (fd >= 0) close(fd);
        unlinkat(parent, directory, 0); /* a file or a link under our name; nothing else goes this way */
        return;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) unlinkat(fd, entry->d_name, 0);
    closedir(list);
    unlinkat(parent, directory, AT_REMOVEDIR);
}
