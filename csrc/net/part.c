#include "net/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"

#define BLOCK ((size_t)1 << 20)
#define WRITE_BACK ((int64_t)8 << 20) /* start writing this often, so that a sync finds little left to do */

/* An earlier part is reused only if it is a plain file of ours that nobody else has a name for. */
static int open_old(const struct e5_place *place, int64_t durable) {
    struct stat info;
    int fd = openat(place->directory, place->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1 &&
                info.st_size >= durable && ftruncate(fd, durable) == 0;
    if (good) return fd;
    close(fd);
    return -1;
}

static enum e5_status open_new(struct e5_part *part, const struct e5_place *place, struct e5_error *err) {
    unlinkat(place->directory, place->part, 0);
    /* 0666: the finished file has this mode less the umask, like any file the user makes */
    part->fd = openat(place->directory, place->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return part->fd >= 0 ? E5_OK : e5_fail_errno(err, errno, place->path, "cannot make the part file of");
}

static enum e5_status hash_block(struct e5_part *part, char *block, int64_t upto, struct e5_error *err) {
    size_t want = upto - part->position < (int64_t)BLOCK ? (size_t)(upto - part->position) : BLOCK;
    ssize_t got = pread(part->fd, block, want, part->position);
    if (got < 0 && errno == EINTR) return E5_OK;
    if (got < 0) return e5_fail_errno(err, errno, part->path, "cannot read the part file of");
    if (got == 0) return e5_fail(err, E5_STORAGE, "the part file of %s became shorter", part->path);
    part->position += got;
    return e5_checksum_add(&part->checksum, block, (size_t)got, err);
}

/* The hash cannot be stored, so the bytes that are here are read once more. */
static enum e5_status hash_old(struct e5_part *part, int64_t upto, struct e5_watch *watch, struct e5_error *err) {
    char *block = NULL;
    enum e5_status status = upto > 0 ? e5_alloc(BLOCK, 1, &block, err) : E5_OK;
    while (status == E5_OK && part->position < upto) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = hash_block(part, block, upto, err);
    }
    free(block);
    return status;
}

static enum e5_status no_space(struct e5_part *part, int64_t free_bytes, struct e5_error *err) {
    enum e5_status status = e5_fail_errno(err, ENOSPC, part->path, "cannot reserve space for");
    e5_error_hint(err, "needs %.1f MB, free are %.1f MB", (double)(part->size - part->position) / 1e6,
                  (double)free_bytes / 1e6);
    return status;
}

/* Reserve what is still to come, where the file system can; else at least look whether it would fit. */
static enum e5_status reserve(struct e5_part *part, struct e5_error *err) {
    struct statvfs room;
    int64_t need = part->size - part->position;
    if (need <= 0) return E5_OK;
    int64_t free_bytes = fstatvfs(part->fd, &room) == 0 ? (int64_t)(room.f_bavail * room.f_frsize) : INT64_MAX;
    if (free_bytes < need) return no_space(part, free_bytes, err);
#ifdef FALLOC_FL_KEEP_SIZE
    if (fallocate(part->fd, FALLOC_FL_KEEP_SIZE, part->position, need) == 0) return E5_OK;
    if (errno == ENOSPC) return no_space(part, free_bytes, err);
    if (errno == EDQUOT || errno == EFBIG) return e5_fail_errno(err, errno, part->path, "cannot reserve space for");
#endif
    return E5_OK;
}

enum e5_status e5_part_open(struct e5_part *part, const struct e5_place *place, int64_t size, int64_t durable,
                            struct e5_watch *watch, struct e5_error *err) {
    *part = (struct e5_part){.fd = durable > 0 ? open_old(place, durable) : -1, .path = place->path, .size = size};
    bool resumed = part->fd >= 0;
    enum e5_status status = resumed ? E5_OK : open_new(part, place, err);
    if (status == E5_OK) status = e5_checksum_init(&part->checksum, size, err);
    if (status == E5_OK && resumed) status = hash_old(part, durable, watch, err);
    if (status == E5_OK) status = reserve(part, err);
    if (status != E5_OK) e5_part_close(part);
    return status;
}

static enum e5_status write_all(struct e5_part *part, const char *bytes, size_t size, struct e5_error *err) {
    int64_t at = part->position;
    while (size > 0) {
        ssize_t written = pwrite(part->fd, bytes, size, at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return e5_fail_errno(err, errno, part->path, "cannot write the part file of");
        bytes += written;
        size -= (size_t)written;
        at += written;
    }
    return E5_OK;
}

static void start_write_back(const struct e5_part *part, int64_t before) {
#ifdef SYNC_FILE_RANGE_WRITE
    int64_t from = before / WRITE_BACK * WRITE_BACK, upto = part->position / WRITE_BACK * WRITE_BACK;
    if (upto > from) sync_file_range(part->fd, from, upto - from, SYNC_FILE_RANGE_WRITE);
#else
    (void)part, (void)before;
#endif
}

enum e5_status e5_part_append(struct e5_part *part, const void *bytes, size_t size, struct e5_error *err) {
    int64_t before = part->position;
    if (part->size >= 0 && (int64_t)size > part->size - before)
        return e5_fail(err, E5_CORRUPT, "more than the declared %lld bytes arrive", (long long)part->size);
    enum e5_status status = write_all(part, bytes, size, err);
    if (status == E5_OK) status = e5_checksum_add(&part->checksum, bytes, size, err);
    if (status != E5_OK) return status;
    part->position += (int64_t)size;
    start_write_back(part, before);
    return E5_OK;
}

enum e5_status e5_part_restart(struct e5_part *part, struct e5_error *err) {
    if (part->position == 0) return E5_OK;
    if (ftruncate(part->fd, 0) != 0) return e5_fail_errno(err, errno, part->path, "cannot empty the part file of");
    part->position = 0;
    e5_checksum_fini(&part->checksum);
    enum e5_status status = e5_checksum_init(&part->checksum, part->size, err);
    return status == E5_OK ? reserve(part, err) : status;
}

enum e5_status e5_part_sync(const struct e5_part *part, struct e5_error *err) {
    while (fdatasync(part->fd) != 0)
        if (errno != EINTR) return e5_fail_errno(err, errno, part->path, "cannot sync the part file of");
    return E5_OK;
}

void e5_part_close(struct e5_part *part) {
    if (part->fd >= 0) close(part->fd);
    part->fd = -1;
    e5_checksum_fini(&part->checksum);
}
